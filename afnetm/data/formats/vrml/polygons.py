"""The polygons of an IndexedFaceSet: lists of corners with -1 after each, checked and cut into triangles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.surface import fans
from afnetm.data.formats.text import Text
from afnetm.data.formats.vrml.syntax import Entry
from afnetm.data.formats.vrml.values import integers, token_error
from afnetm.errors import UserError


@dataclass(frozen=True, eq=False)
class Polygons:
    """The polygons of one index field.

    Attributes:
        text: of the file, for errors.
        entry: the field.
        index: ``(N,)`` int32, corners and a -1 after every polygon, the last one too.
        starts: ``(P,)`` int64, where in `index` each polygon begins.
        sizes: ``(P,)`` int64, how many corners each has.
    """

    text: Text
    entry: Entry
    index: NDArray[np.int32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @staticmethod
    def read(text: Text, entry: Entry) -> "Polygons":
        """The polygons of `entry`; the last one's -1 may be missing.

        Raises:
            UserError: a value is no integer, or there is no polygon.
        """
        index = integers(text, entry)
        if not len(index):
            raise text.error(entry.start, f"{entry.field} is empty")
        if index[-1] != -1:
            index = np.append(index, np.int32(-1))
        ends = np.flatnonzero(index == -1)
        starts = np.append(0, ends[:-1] + 1)
        return Polygons(text, entry, index, starts, ends - starts)

    def check(self, count: int) -> None:
        """Refuses what is no polygon over `count` vertices.

        Scanners' meshes hold triangles with a corner twice: they cover nothing, so that no ray can meet them, and stay.

        Raises:
            UserError: one has fewer than 3 corners or more than there are vertices, or a corner that does not exist.
        """
        self._check_range(count)
        if (few := self.sizes < 3).any():
            raise self._error(few, "allowed: 3 and more")
        if (many := self.sizes > count).any():
            raise self._error(many, f"allowed: up to {count}, the number of vertices")

    def check_places(self, others: "Polygons", count: int) -> None:
        """Refuses texture polygons that are not, corner by corner, those of the surface.

        Raises:
            UserError: their corners differ in number, or one is none of the `count` texture coordinates.
        """
        self._check_range(count)
        same = min(len(self.sizes), len(others.sizes))
        if (differs := self.sizes[:same] != others.sizes[:same]).any():
            raise self._error(differs, f"allowed: as many as in {others.entry.field}")
        if len(self.sizes) != len(others.sizes):
            reason = f"{self.entry.field} has {len(self.sizes)} polygons (allowed: {len(others.sizes)})"
            raise self.text.error(self.entry.start, reason)

    def check_triangles(self) -> None:
        """Refuses polygons of more than 3 corners: fans are right for convex ones only."""
        if (many := self.sizes > 3).any():
            raise self._error(many, "allowed with convex FALSE: 3")

    def triangles(self) -> NDArray[np.int32]:
        """Fans from each polygon's first corner, ``(F, 3)`` int32, in the order of the polygons."""
        return self.index[self.index >= 0][fans(self.sizes)]

    def _check_range(self, count: int) -> None:
        if (outside := (self.index < -1) | (self.index >= count)).any():
            reason = f"is out of range (allowed: 0 to {count - 1})"
            raise token_error(self.text, self.entry, int(np.argmax(outside)), reason)

    def _error(self, wrong: NDArray[np.bool], allowed: str) -> UserError:
        """The error about the first of the `wrong` polygons, ``(P,)`` or fewer."""
        polygon = int(np.argmax(wrong))
        reason = f"begins a polygon of {self.sizes[polygon]} corners ({allowed})"
        return token_error(self.text, self.entry, int(self.starts[polygon]), reason)
