"""What of results no report can use: it is left out, named, and the rest reported."""

from dataclasses import dataclass

#: All of a training and its test.
UNIT = "the whole fold"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Something that is left out.

    Attributes:
        method: whose it is.
        repeat: of which training; None where it is of all of the method's.
        fold: the same.
        what: `UNIT`, or what part of it: ``"probabilities"``, ``"learning curve"``.
        reason: why it cannot be used, a clause that names nobody.
    """

    method: str
    repeat: int | None = None
    fold: int | None = None
    what: str = UNIT
    reason: str

    @property
    def place(self) -> str:
        """Whose it is, and of which training, in words."""
        return self.method if self.fold is None else f"{self.method}, repeat {self.repeat}, fold {self.fold}"
