"""Checks of what must fit together: a suite's keys, dataset, encoder and methods; before anything is made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from afnetm.corruptions import corruptions
from afnetm.data.dataset import FaceDataset, dataset_directory
from afnetm.data.registry import sources
from afnetm.errors import UserError, suggestion
from afnetm.method import Method
from afnetm.model.encoder import check_frozen
from afnetm.model.stream import check_encoder
from afnetm.strict import formatted
from benchmarks.plans.naming import check_label, check_suite_name
from studies.spec import SearchSpec

if TYPE_CHECKING:
    from benchmarks.plans.suite import Suite
    from benchmarks.plans.tables import AxisSpec, DatasetSpec, ProtocolSpec

#: Of the faces of a dataset yet to be prepared, pixels, unless its maker says otherwise.
USUAL_SIZE = 224
#: Why a learning rate for given weights would decide nothing.
_NOT_FINE_TUNED = "no given weights are trained; give encoder.weights and do not freeze all of them, or leave it out"


def check_suite(suite: "Suite", *, file: str) -> None:
    """Refuses a suite whose keys contradict each other; `file` is what errors call it.

    Raises:
        UserError: names file and key, and what is allowed.
    """
    check_suite_name(suite.name, file=file)
    try:
        _check_dataset(suite.dataset, "dataset")
        _check_protocol(suite.protocol, suite.dataset)
        if suite.evaluation is not None:
            _check_tested(suite.evaluation.datasets, suite.dataset)
        check_frozen(suite.encoder)
        if suite.training.pretrained_factor != 1 and not suite.encoder.fine_tuned:
            raise UserError(f"training.pretrained_factor = {suite.training.pretrained_factor:g}: {_NOT_FINE_TUNED}")
        if suite.search is not None:
            check_search(suite.search, suite)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    check_methods(suite.methods, suite.axes, file)
    _check_axes(suite.axes, file)
    if suite.control is not None and suite.control not in suite.methods:
        raise UserError(f"{file}: control = '{suite.control}' is not one of its methods: {', '.join(suite.methods)}")


def check_search(search: SearchSpec, suite: "Suite") -> None:
    """Refuses a search that would see subjects who are tested later, or for which too few are left.

    Raises:
        UserError: names the key and what is allowed.
    """
    if "pretrained_factor" in search.training and not suite.encoder.fine_tuned:
        raise UserError(f"search.training = 'pretrained_factor': {_NOT_FINE_TUNED}")
    _check_selection(search, suite.protocol)
    _check_inner_folds(search, suite.dataset, suite.protocol)


def check_fits(suite: "Suite", labels: Sequence[str], dataset: FaceDataset | None) -> None:
    """Refuses a dataset that is not what a suite describes, and an encoder that cannot read its faces.

    Args:
        suite: whose dataset and encoder they are.
        labels: the methods that will be trained, which may need more of the encoder.
        dataset: opened; None where it is yet to be made.

    Raises:
        UserError: says what does not fit, and what to do.
    """
    size = suite.encoder.size or USUAL_SIZE
    if suite.dataset.synthetic is not None:
        size = suite.dataset.synthetic.size
    if dataset is not None:
        size = dataset.size
        check_described(suite.dataset, dataset)
    staged = [label for label in labels if suite.methods[label].needs_stages]
    check_encoder(suite.encoder, size=size, staged=staged)


def check_described(spec: "DatasetSpec", dataset: FaceDataset) -> None:
    """Refuses a dataset that is not what a suite describes.

    Raises:
        UserError: says what does not fit, and what to do.
    """
    described: dict[str, object] = {}
    if spec.synthetic is not None:
        described = spec.synthetic.source.describe() | {"size": spec.synthetic.size, "pose": spec.synthetic.pose}
    found = {**dataset.source, "size": dataset.size, "pose": dataset.pose}
    mend = f"name another dataset, or delete {dataset.directory}"
    # Options at their default are left out of a description: either may have one that the other has not.
    for key in {**described, **found} if described else ():
        if found.get(key) != described.get(key):
            has, wanted = found.get(key, "its default"), described.get(key, "its default")
            raise UserError(f"dataset '{spec.name}' exists with {key} = {has}, the suite describes {wanted}; {mend}")
    kind = found.get("kind")
    if spec.source is not None and kind != spec.source:
        raise UserError(f"dataset '{spec.name}' was made from '{kind}', the suite is for '{spec.source}'; {mend}")


def check_methods(methods: Mapping[str, Method], axes: Mapping[str, "AxisSpec"], file: str) -> None:
    """Raises `UserError` where a label cannot be shown, two methods are the same, or one lacks an axis."""
    for label, method in methods.items():
        check_label(label, of=f"{file}: the label of a method")
        twin = next(name for name, other in methods.items() if other == method)
        if twin != label:
            raise UserError(f"{file}: methods.{label} is the same as methods.{twin}; one is enough")
        has = [field.name for field in fields(method)]
        for axis in axes:
            if axis not in has:
                raise UserError(
                    f"{file}: axes.{axis}: methods.{label} ('{method.name}') has no such hyper-parameter; "
                    f"it has: {', '.join(has)}"
                )


def _check_dataset(dataset: "DatasetSpec", table: str) -> None:
    """Raises `UserError` where keys of a table of a dataset are not right, before anything is made."""
    dataset_directory(Path(), dataset.name)  # the name leads nowhere
    if dataset.source is not None and dataset.source not in sources().names:
        raise UserError(
            f"{table}.source = {formatted(dataset.source)} is not registered; "
            f"{suggestion(dataset.source, sources().names)}"
        )
    if dataset.synthetic is None:
        return
    if dataset.source is not None:
        raise UserError(f"{table}.source = '{dataset.source}': not together with {table}.synthetic; name one of them")
    _ = dataset.synthetic.source  # has a check of its own
    for intensity in dataset.intensities or ():
        present = sorted({made for _, made in dataset.synthetic.source.kinds})
        if intensity not in present:
            made = ", ".join(map(str, present))
            raise UserError(
                f"{table}.intensities: {intensity} is not one of the intensities of {table}.synthetic: {made}"
            )


def _check_tested(tested: Sequence["DatasetSpec"], own: "DatasetSpec") -> None:
    """The same of the other datasets that models are tested on; each is told apart by its name."""
    for place, spec in enumerate(tested):
        table = f"evaluation.datasets.{place}"
        _check_dataset(spec, table)
        if spec.name == own.name:
            raise UserError(f"{table}.name = '{spec.name}': is the dataset of the suite itself; name another one")
        if spec.name in [earlier.name for earlier in tested[:place]]:
            raise UserError(f"{table}.name = '{spec.name}': named twice; once is enough")
        if spec.name in corruptions():
            raise UserError(f"{table}.name = '{spec.name}': is the name of a corruption; name another dataset")


def _check_protocol(protocol: "ProtocolSpec", dataset: "DatasetSpec") -> None:
    """The same of the protocol, as far as the dataset is known before it is there."""
    if protocol.redraw and protocol.subjects is None:
        raise UserError("protocol.redraw = true: it needs protocol.subjects, how many to draw")
    if protocol.subjects is not None and protocol.folds is not None and protocol.folds > protocol.subjects:
        raise UserError(f"protocol.folds = {protocol.folds}: more than the {protocol.subjects} subjects drawn")
    if dataset.synthetic is not None:
        for key, value in (("folds", protocol.folds or 0), ("subjects", protocol.subjects or 0)):
            if value > dataset.synthetic.subjects:
                raise UserError(
                    f"protocol.{key} = {value}: more than the {dataset.synthetic.subjects} subjects of its dataset"
                )


def _check_axes(axes: Mapping[str, "AxisSpec"], file: str) -> None:
    """Raises `UserError` where an axis is part of none, or of itself by way of others."""
    for key, axis in axes.items():
        above, seen = axis.part_of, [key]
        while above is not None:
            if above not in axes:
                raise UserError(f"{file}: axes.{seen[-1]}.part_of = '{above}' is not an axis: {', '.join(axes)}")
            if above in seen:
                raise UserError(f"{file}: axes.{key}.part_of = '{axis.part_of}': an axis cannot be part of itself")
            seen.append(above)
            above = axes[above].part_of


def _check_selection(search: SearchSpec, protocol: "ProtocolSpec") -> None:
    """Refuses a selection that would see subjects who are tested later.

    Raises:
        UserError: names what is allowed.
    """
    if search.selection == "development" and (protocol.subjects is None or protocol.redraw):
        why = "protocol.redraw = true draws" if protocol.redraw else "without protocol.subjects the protocol takes"
        raise UserError(f"search.selection = 'development': {why} test subjects who were also tuned on; use 'nested'")


def _check_inner_folds(search: SearchSpec, dataset: "DatasetSpec", protocol: "ProtocolSpec") -> None:
    """The same of a search: of a dataset yet to be made it is known how many subjects are left to tune on."""
    if dataset.synthetic is None:
        return
    people = protocol.subjects or dataset.synthetic.subjects
    tuned_on = people - math.ceil(people / (protocol.folds or people))
    if search.selection == "development":
        tuned_on = dataset.synthetic.subjects - people
    if search.folds > tuned_on:
        raise UserError(f"search.folds = {search.folds}: more than the {tuned_on} subjects that are left to tune on")
