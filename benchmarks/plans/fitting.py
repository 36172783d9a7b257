"""What the keys of a suite may not say together, found before anything is made."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from afnetm.method import Method
from studies.spec import SearchSpec

if TYPE_CHECKING:
    from benchmarks.plans.suite import AxisSpec, DatasetSpec, ProtocolSpec


def check_selection(search: SearchSpec, protocol: "ProtocolSpec") -> None:
    """Refuses a selection that would see subjects who are tested later.

    Raises:
        UserError: names what is allowed.
    """
    if search.selection == "development" and (protocol.subjects is None or protocol.redraw):
        why = "protocol.redraw = true draws" if protocol.redraw else "without protocol.subjects the protocol takes"
        raise UserError(
            f"search.selection = 'development': {why} subjects for testing who would have been tuned on; use 'nested'"
        )


def check_dataset(dataset: "DatasetSpec", protocol: "ProtocolSpec") -> None:
    """Raises `UserError` where keys contradict each other, before anything is made."""
    if dataset.synthetic is not None and dataset.source is not None:
        raise UserError(f"dataset.source = '{dataset.source}': not together with dataset.synthetic; name one of them")
    if protocol.redraw and protocol.subjects is None:
        raise UserError("protocol.redraw = true: it needs protocol.subjects, how many to draw")
    if protocol.subjects is not None and protocol.folds > protocol.subjects:
        raise UserError(f"protocol.folds = {protocol.folds}: more than the {protocol.subjects} subjects drawn")
    if dataset.synthetic is not None:
        SyntheticSource(**dataset.synthetic.model_dump(exclude={"size"}))  # has a check of its own
        for intensity in dataset.intensities or ():
            if intensity not in dataset.synthetic.intensities:
                made = ", ".join(map(str, dataset.synthetic.intensities))
                raise UserError(
                    f"dataset.intensities: {intensity} is none of the intensities of dataset.synthetic: {made}"
                )
        for key, value in (("folds", protocol.folds), ("subjects", protocol.subjects or 0)):
            if value > dataset.synthetic.subjects:
                raise UserError(
                    f"protocol.{key} = {value}: more than the {dataset.synthetic.subjects} subjects of its dataset"
                )


def check_inner_folds(search: SearchSpec, dataset: "DatasetSpec", protocol: "ProtocolSpec") -> None:
    """The same of a search: of a dataset yet to be made it is known how many subjects are left to tune on."""
    if dataset.synthetic is None:
        return
    people = protocol.subjects or dataset.synthetic.subjects
    tuned_on = people - math.ceil(people / protocol.folds)
    if search.selection == "development":
        tuned_on = dataset.synthetic.subjects - people
    if search.folds > tuned_on:
        raise UserError(f"search.folds = {search.folds}: more than the {tuned_on} subjects that are left to tune on")


def check_axes(axes: Mapping[str, "AxisSpec"], file: str) -> None:
    """Raises `UserError` where an axis is part of none, or of itself by way of others."""
    for key, axis in axes.items():
        above, seen = axis.part_of, [key]
        while above is not None:
            if above not in axes:
                raise UserError(f"{file}: axes.{seen[-1]}.part_of = '{above}' is no axis: {', '.join(axes)}")
            if above in seen:
                raise UserError(f"{file}: axes.{key}.part_of = '{axis.part_of}': an axis is no part of itself")
            seen.append(above)
            above = axes[above].part_of


def check_methods(methods: Mapping[str, Method], axes: Mapping[str, "AxisSpec"], file: str) -> None:
    """Raises `UserError` where two methods are the same, or one lacks a hyper-parameter that is an axis."""
    for label, method in methods.items():
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
