"""Suites: a comparison written down in TOML, parsed strictly, so that a typo is an error that names the key."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from afnetm.data.maps import OWN, MaskSource
from afnetm.errors import UserError, suggestion
from afnetm.installation import how_to_register
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import add_method_file, find_method, registry
from afnetm.strict import formatted, parse
from afnetm.training.config import TrainingConfig
from benchmarks.plans.fitting import check_methods, check_suite
from benchmarks.plans.split_files import SplitFile, read_split
from benchmarks.plans.suite_files import SuiteFile, read_suite_file
from benchmarks.plans.tables import AxisSpec, DatasetSpec, EvaluationSpec, ProtocolSpec, StrictModel, Title
from studies.spec import SearchSpec

#: Attributes of a `Suite` that are not keys of its file.
DERIVED = ("name", "text", "path", "added", "fixed", "titles", "split_file")
#: Keys of a method's table that are no hyper-parameters.
_ABOUT = ("method", "title")


class Suite(StrictModel):
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
        label: parse(dict[str, Title], {"title": table["title"]}, table=f"methods.{label}", file=file)["title"]
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
