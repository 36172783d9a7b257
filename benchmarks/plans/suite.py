"""Suites: a comparison written down in TOML, parsed strictly, so that a typo is an error that names the key."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Field, field_validator, model_validator

from afnetm.corruptions import corruptions, find_corruption
from afnetm.data.maps import OWN, MaskSource
from afnetm.data.registry import sources
from afnetm.data.scan import PoseSource
from afnetm.data.synthetic import STANDARD, SyntheticSource
from afnetm.errors import UserError, suggestion
from afnetm.installation import how_to_register
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import add_method_file, find_method, registry
from afnetm.strict import STRICT, formatted, parse
from afnetm.training.config import TrainingConfig
from benchmarks.plans.fitting import check_methods, check_suite
from benchmarks.plans.split_files import SUBJECT, SplitFile, read_split
from benchmarks.plans.suite_files import SPLITTING, SuiteFile, read_suite_file
from studies.spec import SearchSpec

#: Attributes of a `Suite` that are not keys of its file.
DERIVED = ("name", "text", "path", "added", "fixed", "titles", "split_file")
#: Keys of a method's table that are no hyper-parameters.
_ABOUT = ("method", "title")
#: What `ProtocolSpec.folds` is in a file where each subject, or group, is tested alone.
LEAVE_ONE_OUT = "leave-one-subject-out"
#: One line with something on it.
_Title = Annotated[str, Field(pattern=r"^[^\p{C}]*[^\p{C}\p{Z}][^\p{C}]*$")]
#: As large as an archive or a database takes it.
_Seed = Annotated[int, Field(ge=0, lt=2**63)]


class _Strict(BaseModel):
    model_config = STRICT


class SyntheticSpec(_Strict):
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


class DatasetSpec(_Strict):
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

    @field_validator("source")
    @classmethod
    def _registered(cls, value: str | None) -> str | None:
        if value is not None and value not in sources().names:
            raise UserError(
                f"dataset.source = {formatted(value)} is not registered; {suggestion(value, sources().names)}"
            )
        return value


class ProtocolSpec(_Strict):
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


class AxisSpec(_Strict):
    """Axis of an ablation: a hyper-parameter that it changes.

    Attributes:
        title: heading of its column in the report.
        part_of: the axis that it belongs to: where that one is ``"none"``, this one is gone with it.
    """

    title: _Title
    part_of: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _title_alone(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"title": value}


class EvaluationSpec(_Strict):
    """Evaluation of the trained models on corruptions of their own test scans.

    Attributes:
        corruptions: their names (`afnetm.corruptions`); the file has ``"all"`` for every one that is registered.
        seed: decides what is random in them.
    """

    corruptions: Annotated[tuple[str, ...], Field(min_length=1)]
    seed: _Seed = 0

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


class Suite(_Strict):
    """A comparison: dataset, protocol, encoder, training, and the methods with their hyper-parameters.

    Attributes:
        name: the file's name without its ending.
        text: the file as it was read, for the record.
        path: the file, absolute; empty for a suite that comes with the project.
        description: one sentence for the report.
        control: the method that the others are compared with.
        rope: percentage points of accuracy up to which, either way, a difference is practically none: the region of
            practical equivalence of the report's posterior.
        masks: where the masks of every method that reads any come from (`afnetm.data.masks`), unless its own table
            says; ``"none"`` for a comparison of methods that read none.
        keep_weights: whether records keep ``weights.safetensors``, from which `afnetm.load_model` makes a model; an
            evaluation needs them, and has them kept.
        axes: what an ablation changes, by hyper-parameter, which every method has; a title alone is short for its
            table. The control is the full model. None in other comparisons.
        methods: by label; a table's ``method`` key names the registered method where it is not the label.
        search: how the methods are tuned before they are compared; None for a comparison of what is written.
        evaluation: what else the trained models are tested on; None for their own test scans alone.
        added: labels of methods that are not in the file (`including`).
        fixed: by label, the hyper-parameters that its table names: a search leaves them alone.
        titles: by label, what its table says that a paper's tables and figures call it.
        split_file: the file that `ProtocolSpec.split` names, as it was read.
    """

    name: str
    text: str
    path: str = ""
    description: str
    control: str | None = None
    rope: Annotated[float, Field(ge=0, le=100)] = 1.0
    masks: MaskSource | Literal["none"] = "mean"
    keep_weights: bool = False
    axes: dict[str, AxisSpec] = {}
    dataset: DatasetSpec
    protocol: ProtocolSpec
    encoder: EncoderSpec
    training: TrainingConfig
    methods: dict[str, Any]
    search: SearchSpec | None = None
    evaluation: EvaluationSpec | None = Field(None, exclude_if=lambda value: value is None)
    added: tuple[str, ...] = ()
    fixed: dict[str, tuple[str, ...]] = {}
    titles: dict[str, str] = {}
    split_file: SplitFile | None = None

    @field_validator("description")
    @classmethod
    def _one_line(cls, value: str) -> str:
        """However many lines it has in the file."""
        line = " ".join(value.split())
        if not line.isprintable():
            raise UserError(f"description = {formatted(value)}: holds a character that cannot be printed")
        return line

    @property
    def detects(self) -> bool:
        """Whether a method is given what is detected in the scans."""
        return any(method.uses_masks and method.masks == "detected" for method in self.methods.values())

    def of_folds(self, folds: int) -> "Suite":
        """The suite with so many folds."""
        return self.model_copy(update={"protocol": self.protocol.model_copy(update={"folds": folds})})

    def including(
        self,
        names: Iterable[str],
        *,
        earlier: Iterable[str] = (),
        left_out: Callable[[str], object] = lambda why: None,
    ) -> "Suite":
        """The suite with the registered methods called `names` beside its own, each with its defaults.

        Labels of the suite are passed over.

        Args:
            names: the methods.
            earlier: those that earlier runs added; one that has no place beside the others any more is left out.
            left_out: is given why, in one line.

        Raises:
            UserError: a name is neither a label nor registered, or its method has no place beside the others.
        """
        whole, wanted = dict(self.methods), list(names)
        for name in [*earlier, *wanted]:
            if name in whole:
                continue
            try:
                if name not in registry().names:
                    known = dict.fromkeys([*whole, *registry().names])
                    hints = "; ".join(filter(None, [how_to_register(name), suggestion(name, known)]))
                    raise UserError(f"method '{name}' is neither in suite '{self.name}' nor registered; {hints}")
                more = whole | {name: _method(name, {}, self.name, self.masks)}
                check_methods(more, self.axes, self.name)
                whole = more
            except UserError as error:
                if name in wanted:
                    raise
                left_out(f"{name}, added in an earlier run, is left out: {error}")
        added = tuple(name for name in whole if name not in self.methods)
        return self.model_copy(update={"methods": whole, "added": (*self.added, *added)})

    def only(self, labels: Sequence[str] | None) -> "Suite":
        """The suite with these of its methods; every one where `labels` is empty or None."""
        for label in labels or ():
            if label not in self.methods:
                raise UserError(f"method '{label}' is not in suite '{self.name}'; it has: {', '.join(self.methods)}")
        return self.model_copy(update={"methods": {m: v for m, v in self.methods.items() if not labels or m in labels}})


#: The keys of a suite's file.
_KEYS = [name for name in Suite.model_fields if name not in DERIVED]


def load_suite(reference: str, changes: Sequence[str] = ()) -> Suite:
    """Reads a suite: a TOML file, or the name of a suite that comes with the project.

    Args:
        reference: its path or name.
        changes: what the command line sets, each ``table.key=value``.

    Raises:
        UserError: there is no such suite, or it is not right; names file, table and key.
    """
    return suite_of(read_suite_file(reference, changes))


def suite_of(
    file: SuiteFile,
    names: Sequence[str] = (),
    *,
    earlier: Sequence[str] = (),
    left_out: Callable[[str], object] = lambda why: None,
) -> Suite:
    """The suite that a file describes, with other methods beside its own (`Suite.including`, also for arguments).

    Any of them may be a file beside the suite's.

    Raises:
        UserError: it is not right; names file, table and key.
    """
    _add_method_files(file, [*names, *earlier])
    suite = parse_suite(file.tables, name=file.path.stem, text=file.text, file=file.said)
    suite = suite.including(names, earlier=earlier, left_out=left_out)
    suite = suite.model_copy(update={"path": file.place})
    return _with_split(suite, file) if suite.protocol.split is not None else suite


def _with_split(suite: Suite, file: SuiteFile) -> Suite:
    """The suite with the file of its split, which is beside it, or where the command was given, read."""
    name = suite.protocol.split
    assert name is not None
    try:
        places = [folder / name for folder in (*file.folders, Path())]
        split = read_split(next((path for path in places if path.is_file()), places[0]), name)
    except UserError as error:
        raise UserError(f"{file.said}: {error}") from None
    update = {"folds": split.folds, "repeats": len(split.repeats)}
    return suite.model_copy(update={"protocol": suite.protocol.model_copy(update=update), "split_file": split})


def _add_method_files(file: SuiteFile, names: Sequence[str]) -> None:
    """Registers methods that no package has, of a suite and `names`, where a file beside the suite is called so."""
    given = file.tables.get("methods", {})
    tables = given.items() if isinstance(given, dict) else ()
    kinds = [str(table.get("method", label)) for label, table in tables if isinstance(table, dict)]
    for kind, folder in product([*kinds, *names], file.folders):
        beside = folder / f"{kind}.py"
        if kind.isidentifier() and kind not in registry().names and beside.is_file():
            add_method_file(beside)


def parse_suite(tables: dict[str, Any], *, name: str, text: str, file: str) -> Suite:
    """A suite from its tables; `file` is what errors call it."""
    for key in tables:
        if key in DERIVED:
            raise UserError(f"{file}: key '{key}' is not allowed in a suite's file")
        if key not in _KEYS:
            raise UserError(f"{file}: {key}: unknown key; {suggestion(key, _KEYS)}")
    given = tables.get("methods", {})
    if not isinstance(given, dict):
        raise UserError(f"{file}: methods = {formatted(given)} is not a table; write [methods.NAME]")
    if not given:
        raise UserError(f"{file}: [methods.NAME] is missing; a suite needs one table per method")
    masks = tables.get("masks", Suite.model_fields["masks"].default)
    if masks not in (known := (*get_args(MaskSource), "none")):
        raise UserError(f"{file}: masks = {formatted(masks)}: unknown; {suggestion(str(masks), known)}")
    methods = {label: _method(label, table, file, masks) for label, table in tables["methods"].items()}
    fixed = {label: tuple(key for key in table if key not in _ABOUT) for label, table in tables["methods"].items()}
    titles = {
        label: parse(dict[str, _Title], {"title": table["title"]}, table=f"methods.{label}", file=file)["title"]
        for label, table in tables["methods"].items()
        if "title" in table
    }
    search = parse(SearchSpec, tables["search"], table="search", file=file) if "search" in tables else None
    whole = {"encoder": {}, "training": {}, **tables, "name": name, "text": text, "methods": {}, "search": None}
    suite: Suite = parse(Suite, whole, file=file)
    suite = suite.model_copy(update={"methods": methods, "search": search, "fixed": fixed, "titles": titles})
    if suite.dataset.synthetic is not None and suite.protocol.runs == 0 and suite.protocol.split is None:
        suite = suite.of_folds(suite.protocol.subjects or suite.dataset.synthetic.subjects)
    check_suite(suite, file=file)
    return suite


def _method(label: str, table: object, file: str, masks: str) -> Method:
    """The method of a table; `masks` is the suite's."""
    if not isinstance(table, dict):
        raise UserError(f"{file}: methods.{label} = {formatted(table)} is not a table; write [methods.{label}]")
    kind = table.get("method", label)
    try:
        found = find_method(str(kind))
    except UserError as error:
        raise UserError(f"{file}: [methods.{label}]: {error}") from None
    values = {key: value for key, value in table.items() if key not in _ABOUT}
    method: Method = parse(found, values, table=f"methods.{label}", file=file)
    if "masks" in values and not method.uses_masks:
        raise UserError(
            f"{file}: methods.{label}.masks = {formatted(values['masks'])}: '{kind}' reads no masks with these "
            "settings; leave it out"
        )
    if not method.uses_masks:
        return method
    if "masks" not in values and masks == "none":
        raise UserError(
            f"{file}: masks = 'none': methods.{label} ('{kind}') reads masks; leave it out, or say in its table where "
            f"they come from: {', '.join(get_args(MaskSource))}"
        )
    given: Method = parse(found, {"masks": masks, **values}, table=f"methods.{label}", file=file)
    if "landmarks" in given.inputs and given.masks not in OWN:
        raise UserError(
            f"{file}: methods.{label} ('{kind}') reads each scan's landmarks, and masks = '{given.masks}' has none; "
            f"say masks = {' or '.join(map(repr, OWN))} in its table"
        )
    return given
