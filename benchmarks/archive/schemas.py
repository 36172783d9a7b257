"""What the JSON files of an archive hold: of the manifest and of results, all that anything here reads of them."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

#: In a suite's name, beside letters and digits.
_MARKS = "_ .,()+=@~#-"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("should be printable text on one line")
    return text


def _plain(name: str) -> str:
    plain = all(c.isalnum() or unicodedata.category(c) == "Mn" or c in _MARKS for c in name)
    if not plain or not (name[:1].isalnum() or name[:1] == "_") or len(name.encode()) > 200:
        raise ValueError(
            f"should be letters, digits and '{_MARKS}', begin with one of the former or '_', up to 200 bytes"
        )
    return name


#: Text of one line: a label, a reason.
Line = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_printable)]
#: A suite's name, which its files are called by: no path, not hidden, not TOML's ending.
Name = Annotated[str, AfterValidator(_plain)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: A run's, or of one that waits for the best trial of its search.
Key = Annotated[str, Field(pattern=r"^(untuned-)?[0-9a-f]{20}$")]
Count = Annotated[int, Field(ge=0)]
Some = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=1e12)]
_Index = Annotated[int, Field(ge=0, le=1_000_000)]


class _Shape(BaseModel):
    """Strict; a key that nobody knows here is kept and means nothing, but in what is read by its keys."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow", frozen=True)


class Member(_Shape):
    """What its contents.json says of a member."""

    size: Count
    sha256: Sha256


class Contents(_Shape):
    """``contents.json``.

    Attributes:
        format: `benchmarks.archive.zipped.FORMAT`.
        suite: its name.
        members: all others, by name.
    """

    format: int
    suite: Name
    members: dict[str, Member]


class _Method(_Shape):
    name: Line
    version: int
    summary: str
    source: str
    hyperparameters: dict[str, Any]
    title: str = ""
    probabilities: bool = True
    tuned: str = ""
    changed: list[Line] = []


class _DatasetInfo(_Shape):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$")]  # as `afnetm.data.dataset` wants it
    scans: Count
    subjects: Count
    classes: dict[Line, Count]
    size: Count
    fingerprint: Sha256
    shareable: bool
    source: dict[str, Any]


class _ListedRun(_Shape):
    key: Key
    method: Line
    repeat: _Index
    fold: _Index
    search: _Index = 0
    reseed: _Index = 0


class _Axis(_Shape):
    title: Line
    part_of: Line | None = None


class _Spec(_Shape):
    selection: Line
    sampler: Line
    pruner: Line
    metric: Line
    folds: Count
    seed: Count


class _Study(_Shape):
    study: Line
    method: Line
    repeat: Annotated[int, Field(ge=-1, le=1_000_000)]
    fold: Annotated[int, Field(ge=-1, le=1_000_000)]
    search: _Index
    complete: Count
    pruned: Count
    failed: Count
    seconds: Seconds
    best_trial: Count | None
    best_value: Share | None
    params: dict[str, Any]


class _Tuning(_Shape):
    spec: _Spec
    budget: Line
    given: bool | None
    spaces: dict[Line, dict[Line, Line]]
    studies: list[_Study]


class _Resolved(_Shape):
    protocol: dict[str, Any]


class ManifestShape(_Shape):
    """``manifest.json``: a `benchmarks.records.manifest.Manifest` without its secret."""

    suite: Name
    text: str
    resolved: _Resolved
    description: str
    control: Line | None
    dataset: _DatasetInfo
    methods: dict[Line, _Method]
    runs: list[_ListedRun]
    axes: dict[Line, _Axis] = {}
    added: list[Line] = []
    tuning: _Tuning | None = None
    additional: list[_ListedRun] = []

    @field_validator("tuning", mode="before")
    @classmethod
    def _untuned(cls, value: Any) -> Any:
        return None if value == {} else value


class ResultShape(_Shape):
    """``result.json`` of a run of the comparison, or beside it."""

    dataset: Sha256
    intensities: list[int] | None
    protocol: dict[str, Any]
    repeat: _Index
    fold: _Index
    method: Line
    version: int
    hyperparameters: dict[str, Any]
    encoder: dict[str, Any]
    training: dict[str, Any]
    device: Literal["cpu", "cuda"]
    inner: None = None
    reseed: _Index = 0
    key: Key
    seed: Count
    n_train: Some
    n_test: Annotated[int, Field(ge=1, le=10_000_000)]
    accuracy: Share
    macro_f1: Share
    parameters: Count
    flops: Count
    seconds: Seconds
    test_seconds: Seconds
    peak_memory: Count | None = None
    finished: Seconds
    device_name: Line
    hardware: Line
    commit: Line
    versions: dict[Line, Line]
    sources: dict[Line, Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = {}
    pseudonyms: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None


class FailuresShape(BaseModel):
    """``failures.json``: why runs failed, by key."""

    model_config = ConfigDict(strict=True, frozen=True)

    reasons: dict[Key, Line]


class Called(BaseModel):
    """What a suite shall be called."""

    name: Name = Field(alias="--as")
