"""Corruptions: the base classes of graded changes of a scan, by which trained models are tested, never trained.

The idea of few kinds with five fixed severities each is that of Hendrycks and Dietterich, "Benchmarking neural network
robustness to common corruptions and perturbations", ICLR 2019.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np

from afnetm.data.maps import RenderedMaps
from afnetm.data.pose import Pose

#: What a corruption is of: one modality, both of them, landmarks and the regions drawn of them, or a modality as a
#: whole, which is gone or somebody else's.
Group = Literal["texture", "depth", "both", "landmarks", "modality"]


class Corruption(ABC):
    """A graded change of a scan, without any state.

    A subclass of `MapCorruption` or `ScanCorruption` sets these attributes. It is found in a file of its own in one of
    the folders of `afnetm.corruptions`, or in the entry-point group ``afnetm.corruptions`` of an installed package.

    Attributes:
        name: under which it is registered, the name of its file.
        title: what tables and figures call it.
        version: raised whenever it makes other maps: evaluations by another version are then not reused.
        of: what it changes.
        severities: the values of its grades, mild to strong: five, or one where there are no grades.
        unit: of these values, ``"mm"``; empty for a plain number.
        meaning: of these values, in a few words.
        kind: ``"maps"`` where maps are changed, ``"scan"`` where the scan itself is rendered again.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int] = 1
    of: ClassVar[Group]
    severities: ClassVar[tuple[float, ...]]
    unit: ClassVar[str] = ""
    meaning: ClassVar[str]
    kind: ClassVar[Literal["maps", "scan"]]


class MapCorruption(Corruption):
    """A corruption of rendered maps.

    Lengths are in mm or relative to the window, never in pixels, so that a value means the same at every size.

    Attributes:
        needs_partner: whether it is given the maps of another subject.
    """

    kind = "maps"
    needs_partner: ClassVar[bool] = False

    @abstractmethod
    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """The maps of a scan with this corruption.

        Args:
            maps: of the scan; they are not written to.
            value: how strong, one of `severities`.
            rng: the scan's own stream. It is the same one for every value, and what is drawn of it may not depend on
                the value: grades of one scan are the same draw, stronger.
            partner: maps of another subject's scan of the same expression, where `needs_partner`.

        Returns:
            Maps of the same shapes and types. Texture is 0 outside the face. Where depth is 0, or was filled in, the
            ``valid`` bit is not set. Where landmarks were moved, their regions are drawn again by the caller.
        """


class ScanCorruption(Corruption):
    """A corruption of the scan as it is seen: its mesh is rendered again in another pose, which nobody undoes."""

    kind = "scan"

    @abstractmethod
    def posed(self, pose: Pose, value: float, rng: np.random.Generator) -> Pose:
        """The pose to be rendered.

        Args:
            pose: that makes the face frontal.
            value: how strong, one of `severities`.
            rng: as in `MapCorruption.apply`.
        """
