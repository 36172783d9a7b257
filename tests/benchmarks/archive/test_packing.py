"""A packed suite is one file, and to every command what it was as folders; killed or damaged, it harms nothing."""

import dataclasses
import json
import random
import shutil
import signal
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.archive.merging import merge
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, read_manifest
from benchmarks.records.occupancy import exclusive
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from tests.benchmarks.archive.examples import PLACES, fabricate, make_manifest, members, packed, record, run, tree
from tests.benchmarks.conftest import Afnetm, command

#: Whose last one failed.
KEYS = {place: run_key(run(*place)) for place in PLACES}
RUNS = len(PLACES)  # 5 that are done, and one trained again with another seed


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return fabricate(tmp_path / "home")


def archive(home: Home) -> Path:
    return home.packed / "people.zip"


def files(home: Home) -> dict[str, str]:
    """Digests of the files of stored runs."""
    return {name: digest for name, digest in tree(home.path).items() if name.startswith("runs/")}


def reported(home: Home, suite: str = "people") -> list[pd.DataFrame]:
    found = results(read_manifest(home, suite), Store(home), created="")
    return [getattr(found, name) for name in ("folds", "predictions", "curves", "importances", "maps")]


def assert_reported(home: Home, expected: list[pd.DataFrame], suite: str = "people") -> None:
    for one, other in zip(reported(home, suite), expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_every_command_finds_in_a_packed_suite_what_it_found_in_folders(
    home: Home, here: Afnetm, tmp_path: Path
) -> None:
    before, tables = tree(home.path), reported(home)

    def said() -> tuple[dict[str, object], bytes]:
        out = tmp_path / "out.zip"
        here(home.path, "export", "people", str(out), "--weights")
        exported = out.read_bytes()
        out.unlink()
        state = json.loads(here(home.path, "status", "people", "--json").stdout)
        return {name: value for name, value in state.items() if name != "bytes"}, exported

    as_folders = said()
    assert f"people: {RUNS} runs packed; " in here(home.path, "pack", "people").stdout
    assert (files(home), [path.name for path in home.packed.iterdir()]) == ({}, ["people.zip"])
    assert said() == as_folders
    assert_reported(home, tables)
    assert "nothing to pack" in here(home.path, "pack", "people").stdout
    merge([home.path], there := Home(tmp_path / "there"))
    assert files(there) == {name: digest for name, digest in before.items() if name.startswith("runs/")}
    # It is an archive like any other: with its names and weights, as a home has them.
    merge([archive(home)], other := Home(tmp_path / "other"))
    assert files(other) == files(there)
    assert here(home.path, "unpack", "people").stdout == f"people: {RUNS} runs unpacked\n"
    assert tree(home.path) == before | {"packed": "folder"}


def test_packing_again_adds_what_is_new_and_keeps_what_is_there(home: Home, here: Afnetm, tmp_path: Path) -> None:
    late = KEYS["late", 2]
    here(home.path, "pack", "people")
    first = members(archive(home))
    Store(home).write(late, record(run("late", 2)))
    shutil.copytree(fabricate(tmp_path / "copy").run(KEYS["late", 0]), home.run(KEYS["late", 0]))  # it was killed
    shutil.copytree(home.run(late), kept := tmp_path / "kept")
    assert Store(home).done() >= set(KEYS.values())
    assert "people: 2 runs packed; " in here(home.path, "pack", "people").stdout
    added = {f"runs/{late}/{path.name}": path.read_bytes() for path in kept.iterdir()}
    assert members(archive(home)) == first | added
    assert not Store(home).unpacked()
    # What is no part of a run would be lost: such a run stays a folder.
    here(home.path, "unpack", "people")
    (home.run(late) / "notes.txt").write_text("mine")
    empty = KEYS["concat", 1]
    Store(home).forget([empty])
    home.run(empty).mkdir()
    message = here(home.path, "pack", "people").stdout
    assert f"2 runs left as folders, with other files than a run has: {home.run(min(late, empty))}, for one" in message
    assert Store(home).unpacked() == {late, empty}


def test_forgotten_runs_leave_the_archive_and_the_others_stay(home: Home, here: Afnetm) -> None:
    here(home.path, "pack", "people")
    before = members(archive(home))
    here(home.path, "forget", "people", "--methods", "late", "--yes")
    gone = {KEYS["late", 0], KEYS["late", 1]}
    assert members(archive(home)) == {name: data for name, data in before.items() if name.split("/")[1] not in gone}
    assert Store(home).done() == {name.split("/")[1] for name in before if name.startswith("runs/")} - gone
    here(home.path, "forget", "people", "--yes")
    assert (Store(home).done(), list(home.packed.iterdir())) == (set(), [])


@pytest.mark.faults  # `searched` is made there
def test_the_runs_of_a_search_are_packed_and_forgotten_with_it(searched: Path, tmp_path: Path, here: Afnetm) -> None:
    home = Home(shutil.copytree(searched, tmp_path / "home"))
    done = Store(home).done()
    listed = {one.key for one in read_manifest(home, "tuned").only(None)}
    assert listed < done
    assert f"tuned: {len(done)} runs packed; " in here(home.path, "pack", "tuned").stdout
    assert not Store(home).unpacked()
    here(home.path, "forget", "tuned", "--search", "--yes")
    assert Store(home).done() == listed


def test_a_suite_that_is_run_or_is_not_there_is_refused_in_a_line(home: Home, here: Afnetm) -> None:
    before = tree(home.path)
    with exclusive(home):
        assert f"home '{home.path}' is in use by process " in here(home.path, "pack", "people", code=2).stderr
    assert "suite 'nobody' was never run in home" in here(home.path, "pack", "nobody", code=2).stderr
    assert "suite 'people' is not packed in home" in here(home.path, "unpack", "people", code=2).stderr
    assert tree(home.path) == before


def bomb(path: Path) -> None:
    """A result that says to be larger than any."""
    with zipfile.ZipFile(path) as file:
        place = file.start_dir
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, place + 24, 2**31)
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "garbage": (lambda path: path.write_bytes(b"x" * 1000), "is not a zip archive, or a damaged one"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "is not a zip archive, or a damaged one"),
    "outside": (
        lambda path: packed(members(path) | {"../evil": b""}, path),
        'member "../evil": not a file that a home',
    ),
    "bomb": (bomb, "2147483648 bytes (allowed: up to "),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_an_archive_that_cannot_be_read_costs_other_suites_nothing(
    how: str, home: Home, here: Afnetm, tmp_path: Path
) -> None:
    other = make_manifest(suite="other")
    runs = [run(*place, reseed=7) for place in PLACES]
    for of in runs:
        Store(home).write(run_key(of), record(of))
    listed = [ListedRun(run_key(of), of["method"], 0, of["fold"]) for of in runs]
    dataclasses.replace(other, runs=listed, additional=[]).save(home)
    tables = reported(home, "other")
    here(home.path, "pack", "people", "other")
    assert_reported(home, tables, "other")
    damage, wording = DAMAGE[how]
    damage(archive(home))
    before = tree(home.path)
    (suite := tmp_path / "people.toml").write_text("")
    for word in ("report", "status", "forget", "pack", "unpack", "run"):
        (line,) = here(home.path, word, str(suite), code=2).stderr.splitlines()
        assert wording in line
    assert wording in " ".join(here(home.path, "status", COLUMNS="1000").stdout.split())
    assert tree(home.path) == before
    assert_reported(home, tables, "other")
    (why,) = Store(home).unreadable()
    assert wording in why


@pytest.mark.parametrize("name", ["predictions.parquet", "result.json"])
def test_a_packed_run_that_is_damaged_costs_the_report_itself_alone(name: str, home: Home, here: Afnetm) -> None:
    here(home.path, "pack", "people")
    data = bytearray(archive(home).read_bytes())
    key = KEYS["late", 1]
    with zipfile.ZipFile(archive(home)) as file:
        data[file.getinfo(f"runs/{key}/{name}").header_offset + 200] ^= 1
    archive(home).write_bytes(data)
    (left_out,) = results(read_manifest(home, "people"), Store(home), created="").provenance.left_out
    assert left_out.place == "late, repeat 0, fold 1"
    assert left_out.reason.startswith("its record is damaged: ")
    message = here(home.path, "unpack", "people", code=2).stderr
    assert f"people.zip/runs/{key}/{name}: " in message
    assert "; delete the damaged run (afnetm forget)" in message
    here(home.path, "forget", "people", "--methods", "late", "--yes")
    here(home.path, "unpack", "people")
    assert Store(home).done() == {KEYS["concat", fold] for fold in range(3)} | {run_key(run("concat", 0, reseed=1))}


@pytest.mark.faults
def test_packing_and_unpacking_killed_at_any_moment_lose_nothing(home: Home) -> None:
    source = home.run(KEYS["concat", 0])
    manifest = read_manifest(home, "people")
    keys = [f"{number:020x}" for number in range(150)]
    for key in keys:
        shutil.copytree(source, home.run(key))
    more = [ListedRun(key, "concat", 1 + number, 0) for number, key in enumerate(keys)]
    dataclasses.replace(manifest, runs=[*manifest.runs, *more]).save(home)
    before, done = files(home), Store(home).done()
    chance = random.Random(0)
    killed = 0
    for attempt in range(24):
        words = ("pack", "unpack")[attempt // 4 % 2]
        process = subprocess.Popen(
            command(home.path, words, "people"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not any(home.claims.glob("home")):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        store = Store(home)
        assert store.done() == done
        for key in done:
            assert store.result(key)["seed"]
            assert store.predictions(key).num_rows
    assert killed > 5
    for words in ("pack", "unpack"):
        process = subprocess.Popen(command(home.path, words, "people"))
        if words == "unpack" or process.wait() == 0:
            process.wait()
    assert files(home) == before
