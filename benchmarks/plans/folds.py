"""Folds: which scans of a dataset a run may see, and which of these it trains on and tests; made once, at planning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import in_class_order
from afnetm.data.splits import complete_subjects, groups_of, subject_folds
from afnetm.errors import UserError
from afnetm.seeding import derive_seed
from benchmarks.plans.split_files import SUBJECT, SplitFile

#: A repeat and a fold of it, counted from 0.
Place = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Scans:
    """The scans of one training and its test.

    Attributes:
        rows: ``(n,)`` int64 row numbers of the dataset, ascending: what the run may see.
        train: ascending indices into `rows` of the scans to train on.
        test: ascending indices into `rows` of the scans to test, of other subjects.
    """

    rows: NDArray[np.int64]
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def select(dataset: FaceDataset, intensities: tuple[int, ...] | None) -> NDArray[np.int64]:
    """Row numbers of the scans that a suite selects: those at these intensities, or all.

    Raises:
        UserError: an intensity is not in the dataset.
    """
    table = dataset.table
    known = sorted(set(table["intensity"]))
    for intensity in intensities or ():
        if intensity not in known:
            raise UserError(
                f"dataset.intensities: {intensity} is not in '{dataset.name}'; it has: {', '.join(map(str, known))}"
            )
    return dataset.rows if intensities is None else np.flatnonzero(table["intensity"].isin(intensities))


def classes_of(dataset: FaceDataset, intensities: tuple[int, ...] | None) -> tuple[str, ...]:
    """The classes that a suite's methods learn: the expressions of the scans that it selects."""
    return in_class_order(dataset.table["expression"].iloc[select(dataset, intensities)])


def groups(dataset: FaceDataset, column: str) -> NDArray[np.str_]:
    """Subject of each scan of a dataset, or by another column the group of subjects that splits never cut in two.

    Raises:
        UserError: there is no such column, or it cuts a subject in two.
    """
    subjects = dataset.subjects
    if column == SUBJECT:
        return subjects
    try:
        return groups_of(subjects.tolist(), dataset.attribute(column).tolist())
    except UserError as error:
        raise UserError(f"protocol.group = '{column}': '{dataset.name}': {error}") from None


def split(
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    own: NDArray[np.str_],
    *,
    folds: int,
    repeats: int,
    seed: int,
    subjects: int | None = None,
    redraw: bool = False,
    complete: bool = False,
) -> dict[Place, Scans]:
    """The folds over `rows` of whom each is in `own`, by `benchmarks.plans.tables.ProtocolSpec`'s keys, in order.

    Raises:
        UserError: the dataset has too few subjects, or too few scans of a class.
    """
    table = dataset.table.iloc[rows]
    kept = complete_rows(table, own, dataset.name, at_least=subjects or folds) if complete else np.arange(len(rows))
    splits = subject_folds(
        own[kept].tolist(),
        table["expression"].iloc[kept].tolist(),
        folds=folds,
        repeats=repeats,
        seed=seed,
        drawn=subjects,
        redraw=redraw,
    )
    return {(one.repeat, one.fold): Scans(rows, kept[one.train], kept[one.test]) for one in splits}


def split_by_file(
    dataset: FaceDataset, rows: NDArray[np.int64], own: NDArray[np.str_], file: SplitFile
) -> dict[Place, Scans]:
    """The folds over `rows`, of whom each is in `own`, as a file has them; what it has not is on neither side."""
    said = f"protocol.split = '{file.name}'"
    names, known = dataset.table[file.column], set(dataset.table[file.column])
    expressions = dataset.table["expression"].iloc[rows]
    classes = in_class_order(expressions)
    found = {}
    for repeat, parts in enumerate(file.repeats):
        for name in parts:
            if name not in known:
                raise UserError(f"{said}: {file.column} '{name}' is not in dataset '{dataset.name}'")
        part = names.iloc[rows].map(parts).to_numpy(dtype=np.float64)  # NaN where nothing is said
        for fold in range(file.folds):
            test, train = part == fold, ~np.isnan(part) & (part != fold)
            where = f"repeat {repeat}, fold {fold}" if len(file.repeats) * file.folds > 1 else "the split"
            for side, chosen in (("train", train), ("test", test)):
                if not chosen.any():
                    raise UserError(f"{said}: {where} has no scan to {side} (of those that the suite selects)")
            if both := set(own[train]) & set(own[test]):
                raise UserError(f"{said}: subject '{min(both)}' is on both sides of {where} (allowed: one)")
            if lacking := [name for name in classes if name not in set(expressions[train])]:
                raise UserError(f"{said}: class {lacking[0]}: none of its scans is left for training in {where}")
            found[repeat, fold] = Scans(rows, np.flatnonzero(train), np.flatnonzero(test))
    return found


def inner_folds(
    dataset: FaceDataset,
    outer: Scans,
    where: Place | None,
    protocol: Mapping[str, Any],
    *,
    folds: int,
    group: str = SUBJECT,
) -> list[Scans]:
    """The folds of a search: of no scan of a subject whom the comparison tests with what is found.

    Args:
        dataset: whose scans they are.
        outer: of the comparison: those of `where`, or of any of its first repeat.
        where: the comparison's repeat and fold, whose training subjects are tuned on; None for one search on subjects
            whom its protocol could have drawn and did not, so that no repeat tests them.
        protocol: the comparison's; its seed and its choice of subjects decide.
        folds: how many.
        group: the column by which they are drawn.

    Raises:
        UserError: too few subjects are left.
    """
    people = groups(dataset, group)
    if where is not None:
        own = outer.rows[outer.train]
        seed = derive_seed(use="inner folds", seed=protocol["seed"], repeat=where[0], fold=where[1])
    else:
        table = dataset.table.iloc[outer.rows]
        able = np.arange(len(table))
        if protocol.get("complete"):
            able = complete_rows(table, people[outer.rows], dataset.name, at_least=0)
        own = outer.rows[np.setdiff1d(able, np.concatenate([outer.train, outer.test]))]
        seed = derive_seed(use="development folds", seed=protocol["seed"])
    return list(split(dataset, own, people[own], folds=folds, repeats=1, seed=seed).values())


def complete_rows(table: pd.DataFrame, own: NDArray[np.str_], name: str, *, at_least: int) -> NDArray[np.intp]:
    """Row numbers of the scans of those, in `own`, with each expression at each intensity at which `table` has it."""
    subjects, intensities = own.tolist(), sorted(set(table["intensity"]))
    kinds = list(zip(table["expression"], table["intensity"], strict=True))
    complete = complete_subjects(subjects, kinds, needed=kinds)
    if len(complete) < at_least:
        at = "" if intensities == [0] else f" at each intensity ({', '.join(map(str, intensities))})"  # 0: not known
        raise UserError(
            f"protocol.complete = true: {len(complete)} of the {len(set(subjects))} subjects of '{name}' have each of "
            f"the {table['expression'].nunique()} expressions{at}; {at_least} are needed"
        )
    return np.flatnonzero([one in complete for one in subjects])
