"""Splits of one's own, groups beside subjects, one subject left out: who trains, who is tested, and under which key."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.plans.folds import inner_folds
from benchmarks.plans.runs import PlannedRun, folds_of, plan
from benchmarks.plans.suite import Suite, load_suite

SUITE = """
description = "a test"
[dataset]
name = "learnable"
[protocol]
{}
[methods.concat]
"""


@pytest.fixture(name="people")
def _people(learnable: FaceDataset) -> FaceDataset:
    """Eight sessions of four people: s000 and s004 of one, and so on."""
    person = [f"p{int(subject[1:]) % 4}" for subject in learnable.table["subject"]]
    return dataclasses.replace(learnable, table=learnable.table.assign(attribute_person=person, attribute_odd=""))


def suite_of(folder: Path, protocol: str, **files: str) -> Suite:
    (folder / "s.toml").write_text(SUITE.format(protocol))
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return load_suite(str(folder / "s.toml"))


def planned(suite: Suite, dataset: FaceDataset) -> list[PlannedRun]:
    if not suite.protocol.runs:
        suite = suite.of_folds(folds_of(dataset, dataset.rows, suite.protocol))
    return plan(suite, dataset, device="cpu")


def sides(run: PlannedRun, dataset: FaceDataset, column: str = "subject") -> tuple[set[str], set[str]]:
    names = dataset.table[column].iloc[run.scans.rows]
    return set(names.iloc[run.scans.train]), set(names.iloc[run.scans.test])


def by_subject(test: str, train: str = "s003 s004 s005") -> str:
    rows = [f"{name},train" for name in train.split()] + [f"{name},test" for name in test.split()]
    return "\n".join(["subject,part", *rows]) + "\n"


def test_a_file_says_who_trains_and_who_is_tested(tmp_path: Path, learnable: FaceDataset) -> None:
    suite = suite_of(tmp_path, 'split = "mine.csv"', mine=by_subject("s000 s001"))
    (run,) = planned(suite, learnable)
    assert sides(run, learnable) == ({"s003", "s004", "s005"}, {"s000", "s001"})
    assert (suite.protocol.folds, suite.protocol.repeats) == (1, 1)


def test_folds_and_repeats_are_those_of_the_file(tmp_path: Path, learnable: FaceDataset) -> None:
    scans = learnable.table[["id", "subject"]].itertuples(index=False)
    lines = [f"{scan};{repeat};{(int(of[1:]) + repeat) // 2 % 3}" for scan, of in scans for repeat in (0, 1)]
    runs = planned(suite_of(tmp_path, 'split = "mine.csv"', mine="\n".join(["id;repeat;fold", *lines])), learnable)
    assert [(one.run.repeat, one.run.fold) for one in runs] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert sides(runs[3], learnable)[1] == {"s000", "s005", "s006"}
    for one in runs:
        assert not set.intersection(*sides(one, learnable))
        assert len(one.scans.train) + len(one.scans.test) == len(learnable)


def test_a_key_has_what_a_split_is_and_not_where_or_how_it_is_written(tmp_path: Path, learnable: FaceDataset) -> None:
    def key(protocol: str, **files: str) -> str:
        return planned(suite_of(tmp_path, protocol, **files), learnable)[0].run.key

    first = key('split = "a.csv"', a=by_subject("s000 s001"))
    assert key('split = "b.csv"', b=by_subject("s001 s000").replace(",", "\t")) == first
    by_scan = [
        f"{scan},{'test' if of < 's002' else 'train'}"
        for scan, of in learnable.table[["id", "subject"]].itertuples(index=False)
        if of in {"s000", "s001", "s003", "s004", "s005"}
    ]
    assert key('split = "c.csv"', c="\n".join(["id,part", *by_scan])) == first
    assert key('split = "a.csv"', a=by_subject("s000")) != first
    assert key('split = "a.csv"\nseed = 1', a=by_subject("s000 s001")) != first


@pytest.mark.parametrize(
    ("protocol", "text", "message"),
    [
        ('split = "a.csv"\nfolds = 3', "", "protocol.split = 'a.csv': not together with protocol.folds"),
        ('split = "a.csv"\nsubjects = 3', "", "not together with protocol.subjects"),
        ('split = "b.csv"', "", "protocol.split = 'b.csv' cannot be read: No such file"),
        ("seed = 3", "", "protocol.folds: missing"),
        ('folds = "all"', "", "protocol.folds = \"all\" (allowed: 2 or more, or 'leave-one-subject-out')"),
        ('split = "a.csv"', "", "columns missing (needed: id or subject, and part"),
        ('split = "a.csv"', "subject,side\ns000,train", "columns subject, side (needed"),
        ('split = "a.csv"', "subject,part\ns000,val", "line 2: part 'val' (allowed: train, test)"),
        ('split = "a.csv"', "subject,fold\ns000,-1", "line 2: fold '-1' (allowed: 0 to 9999)"),
        ('split = "a.csv"', "subject,part\ns000", "line 2: 1 cells (allowed: 2"),
        ('split = "a.csv"', "subject,part\ns000,train\ns000,test", "line 3: subject 's000' is on both sides"),
        ('split = "a.csv"', "subject,part\ns000,train", "repeat 0 needs a scan to test"),
        ('split = "a.csv"', "subject,fold\ns000,0\ns001,2", "repeat 0 needs two folds or more"),
        ('split = "a.csv"', "subject,part,repeat\ns0,train,1\ns1,test,1", "repeat 0 needs a scan to test"),
        ('split = "a.csv"', by_subject("s0"), "subject 's0' is not in dataset 'learnable'"),
        ('split = "a.csv"', "subject,part\ns000,test", "the split has no scan to train"),
        ('split = "a.csv"', "id,part\ns000_fear_3,test\ns000_anger_3,train", "'s000' is on both sides of the split"),
        ('split = "a.csv"', "id,part\ns000_fear_3,test\ns001_fear_4,train", "class anger: none of its scans is left"),
        ('split = "a.csv"\ngroup = "person"', by_subject("s000", "s004"), "'s000' is on both sides"),
        ('folds = 2\ngroup = "persn"', "", "dataset has no column 'persn'"),
        ('folds = 2\ngroup = "odd"', "", "a scan of subject 's000' has none"),
    ],
)
def test_what_cannot_be_split_so_is_refused_in_a_line(
    protocol: str, text: str, message: str, people: FaceDataset, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        planned(suite_of(tmp_path, protocol, a=text), people)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_suite_that_extends_another_may_name_a_split_instead_of_folds(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(by_subject("s000"))
    suite = load_suite("quick", ["protocol.split=" + str(tmp_path / "mine.csv")])
    assert (suite.protocol.folds, suite.protocol.repeats) == (1, 1)
    (tmp_path / "own.toml").write_text('extends = "quick"\n[protocol]\nsplit = "mine.csv"\n')
    assert load_suite(str(tmp_path / "own.toml")).split_file == dataclasses.replace(suite.split_file, name="mine.csv")
    assert load_suite(str(tmp_path / "own.toml"), ["protocol.folds=3"]).protocol.split is None


def test_sessions_of_a_person_are_never_apart(tmp_path: Path, people: FaceDataset) -> None:
    runs = planned(suite_of(tmp_path, 'folds = 2\nrepeats = 3\ngroup = "person"'), people)
    for one in runs:
        train, test = sides(one, people, "attribute_person")
        assert not train & test
        assert len(test) == 2
        protocol: dict[str, Any] = one.run.protocol
        inner = inner_folds(people, one.scans, (one.run.repeat, one.run.fold), protocol, folds=2, group=one.group)
        for part in inner:
            persons = people.table["attribute_person"].iloc[part.rows].to_numpy()
            assert not set(persons[part.train]) & set(persons[part.test])


def test_only_who_belongs_together_is_in_a_key(tmp_path: Path, people: FaceDataset) -> None:
    def keys(protocol: str, dataset: FaceDataset = people) -> list[str]:
        return [one.run.key for one in planned(suite_of(tmp_path, protocol), dataset)]

    grouped = keys('folds = 2\ngroup = "person"')
    assert not set(grouped) & set(keys("folds = 2"))
    table = people.table
    renamed = dataclasses.replace(people, table=table.assign(attribute_who="x" + table["attribute_person"]))
    assert keys('folds = 2\ngroup = "who"', renamed) == grouped
    alone = dataclasses.replace(people, table=table.assign(attribute_who="x" + table["subject"]))
    assert keys('folds = 2\ngroup = "who"', alone) == keys("folds = 2")


@pytest.mark.parametrize(("more", "column"), [("", "subject"), ('\ngroup = "person"', "attribute_person")])
def test_one_left_out_is_what_scikit_learn_does(more: str, column: str, tmp_path: Path, people: FaceDataset) -> None:
    runs = planned(suite_of(tmp_path, f'folds = "leave-one-subject-out"{more}'), people)
    expected = LeaveOneGroupOut().split(people.table, groups=people.table[column])
    assert sorted(tuple(one.scans.test) for one in runs) == sorted(tuple(test) for _, test in expected)
    counted = planned(suite_of(tmp_path, f"folds = {len(runs)}{more}"), people)
    assert [one.run.key for one in counted] == [one.run.key for one in runs]
    assert np.unique([one.run.fold for one in runs]).size == people.table[column].nunique()
