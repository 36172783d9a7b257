"""Tables of a suite's file, parsed strictly: dataset, protocol, axes of an ablation, evaluation."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from afnetm.corruptions import corruptions, find_corruption
from afnetm.data.scan import PoseSource
from afnetm.data.synthetic import STANDARD, SyntheticSource
from afnetm.errors import UserError
from afnetm.strict import STRICT, formatted
from benchmarks.plans.split_files import SUBJECT
from benchmarks.plans.suite_files import SPLITTING

#: What `ProtocolSpec.folds` is in a file where each subject, or group, is tested alone.
LEAVE_ONE_OUT = "leave-one-subject-out"
#: One line with something on it.
Title = Annotated[str, Field(pattern=r"^[^\p{C}]*[^\p{C}\p{Z}][^\p{C}]*$")]
#: As large as an archive or a database takes it.
_Seed = Annotated[int, Field(ge=0, lt=2**63)]


class StrictModel(BaseModel):
    """A table of which every key is known."""

    model_config = STRICT


class SyntheticSpec(StrictModel):
    """A synthetic dataset, made when it is not there yet.

    Attributes:
        subjects: how many.
        intensities: of each expression, 1 (subtle) to 4 (strong).
        size: pixels along a side.
        seed: decides every scan.
        clean: whether sensor failures are left out.
        neutral: whether each subject has a neutral scan, too, of intensity 0.
        variant: ``"standard"``, or ``"light"``, ``"sensor"`` or ``"population"``: other light and camera, another range
            sensor, other people.
        pose: which landmarks poses are fitted to: the annotated ones, or those detected in the scans.
    """

    subjects: Annotated[int, Field(ge=1, le=100_000)]
    intensities: Annotated[tuple[Annotated[int, Field(ge=1, le=4)], ...], Field(min_length=1)]
    size: Annotated[int, Field(ge=16, le=1024)]
    seed: _Seed = 0
    clean: bool = False
    neutral: bool = False
    variant: str = STANDARD
    pose: PoseSource = "annotated"

    @property
    def source(self) -> SyntheticSource:
        """Source of its scans; has a check of its own."""
        return SyntheticSource(**self.model_dump(exclude={"size", "pose"}))


class DatasetSpec(StrictModel):
    """Dataset of a suite, and its selection of scans.

    Attributes:
        name: what it is called in the home.
        synthetic: how it is made where it is not there yet.
        source: the registered source that it must have been prepared from, such as ``"bu3dfe"``; None for any.
        intensities: those whose scans are used; None for all.
    """

    name: str
    synthetic: SyntheticSpec | None = None
    source: str | None = None
    intensities: Annotated[tuple[Annotated[int, Field(ge=0, le=4)], ...], Field(min_length=1)] | None = None


class ProtocolSpec(StrictModel):
    """Subject-independent cross-validation, or a split of one's own.

    Attributes:
        folds: parts of the subjects; each is tested once a repeat, by a training on the others. A file may say
            ``"leave-one-subject-out"`` for as many as there are subjects, which is None until the dataset is known.
        repeats: how often all of it is done, each time with other folds.
        seed: decides folds, the subjects who are drawn, and every training.
        subjects: how many subjects take part, drawn at random; None for all.
        redraw: whether subjects are drawn anew in every repeat; else once.
        complete: whether only subjects take part who have each expression of the dataset at each selected intensity.
        group: a column of the dataset's table: subjects with the same value, such as sessions of one person, are never
            on both sides, and count as one subject in all that is drawn and tested.
        split: a CSV file that assigns scans or subjects to training and test (`benchmarks.plans.split_files`), beside
            the suite's; it takes the place of all but `seed` and `group`.
    """

    folds: Annotated[int, Field(ge=2)] | None = None
    repeats: Annotated[int, Field(ge=1, le=10_000)] = 1
    seed: _Seed = 0
    subjects: Annotated[int, Field(ge=2)] | None = None
    redraw: bool = False
    complete: bool = False
    group: str = Field(SUBJECT, exclude_if=lambda value: value == SUBJECT)
    split: str | None = Field(None, exclude_if=lambda value: value is None)

    @field_validator("folds", mode="wrap")
    @classmethod
    def _number_or_word(cls, value: Any, handler: Callable[[Any], int | None]) -> int | None:
        if isinstance(value, str) and value != LEAVE_ONE_OUT:
            raise UserError(f"protocol.folds = {formatted(value)} (allowed: 2 or more, or '{LEAVE_ONE_OUT}')")
        return None if value == LEAVE_ONE_OUT else handler(value)

    @model_validator(mode="after")
    def _one_split(self) -> Self:
        given = [key for key in SPLITTING if key in self.model_fields_set]
        if self.split is not None and given:
            raise UserError(f"protocol.split = '{self.split}': not together with protocol.{given[0]}; the file says it")
        if self.split is None and "folds" not in self.model_fields_set:
            raise UserError("protocol.folds: missing")
        return self

    @property
    def runs(self) -> int:
        """Runs of each method; 0 where one subject is left out in each and it is not known yet how many there are."""
        return (self.folds or 0) * self.repeats


class AxisSpec(StrictModel):
    """Axis of an ablation: a hyper-parameter that it changes.

    Attributes:
        title: heading of its column in the report.
        part_of: the axis that it belongs to: where that one is ``"none"``, this one is gone with it.
    """

    title: Title
    part_of: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _title_alone(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"title": value}


class EvaluationSpec(StrictModel):
    """Evaluation of the trained models on more than their own test scans.

    Attributes:
        corruptions: names of corruptions of these test scans (`afnetm.corruptions`); the file has ``"all"`` for every
            one that is registered.
        seed: decides what is random in corruptions.
        datasets: other datasets, each a table ``[[evaluation.datasets]]`` with the keys of ``[dataset]``.
    """

    corruptions: tuple[str, ...] = ()
    seed: _Seed = 0
    datasets: tuple[DatasetSpec, ...] = Field((), exclude_if=lambda value: not value)

    @field_validator("corruptions", mode="before")
    @classmethod
    def _registered(cls, value: Any) -> Any:
        if value == "all":
            return tuple(corruptions())
        if not isinstance(value, list):
            return value
        for name in value:
            find_corruption(str(name))
        return tuple(value)

    @field_validator("corruptions")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in value if value.count(name) > 1}):
            raise UserError(f"evaluation.corruptions = {formatted(twice[0])}: named twice; once is enough")
        return value

    @model_validator(mode="after")
    def _on_something(self) -> Self:
        if not self.corruptions and not self.datasets:
            raise UserError("evaluation: neither corruptions nor datasets (allowed: at least one of either)")
        return self
