"""The index says of stored runs what they say themselves, whatever was done to them or to it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.zipped import RUN_FILES, run_files
from benchmarks.records import index
from benchmarks.records.home import Home
from benchmarks.records.index import Summary
from benchmarks.records.store import Store

KEYS = [f"{number * 37 % 256:02x}{number:018x}" for number in range(150)]


def write(home: Home, key: str, *, seconds: float = 1.5, weights: bool = False) -> None:
    """A record's folder, as far as the index looks at it."""
    folder = home.run(key)
    folder.mkdir(parents=True)
    result = {"seconds": seconds, "test_seconds": 0.1, "finished": 1.7e9 + seconds / 7, "sources": {"m.py": key[:4]}}
    (folder / "result.json").write_text(json.dumps(result))
    for name in list(RUN_FILES)[1 : 6 if weights else 3]:
        (folder / name).write_bytes(name.encode())


def expected(home: Home) -> dict[str, Summary]:
    """Summaries as the records have them, each opened."""
    store, found = Store(home), {}
    for key in store.done():
        result, names = store.result(key), [file.name for file in run_files(store.folder(key))]
        size = sum(index.file_size(file) for file in run_files(store.folder(key)))
        sources = json.dumps(result["sources"])
        times = result["seconds"], result["test_seconds"], str(result["finished"])
        found[key] = Summary(size, "weights.safetensors" in names, *times, sources)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for number, key in enumerate(KEYS):
        write(home, key, seconds=number, weights=number % 2 == 0)
    return home


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of records from now on."""
    found: list[str] = []
    summary = index._summary

    def noted(folder: Path) -> Summary:
        found.append(folder.name)
        return summary(folder)

    monkeypatch.setattr(index, "_summary", noted)
    return found


def test_a_record_is_opened_once_and_one_of_another_process_is_seen(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(home)
    before = store.summaries()
    assert before == expected(home)
    read = opened(monkeypatch)
    assert store.summaries() == before
    assert read == []
    lines = (
        "import sys; from pathlib import Path; from benchmarks.records.home import Home\n"
        "from benchmarks.records.store import Store\n"
        "store = Store(Home(Path(sys.argv[1])))\n"
        "store.copy(sys.argv[2], store.folder(sys.argv[3]))\n"
    )
    new = "f" * 20
    subprocess.run([sys.executable, "-c", lines, str(home.path), new, KEYS[3]], check=True)
    assert store.summaries() == before | {new: before[KEYS[3]]}
    assert read == [new]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes()[:200] + b"\xff" * 9 + path.read_bytes()[209:]),
        lambda path: shutil.copy(Path(__file__), path),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["deleted", "empty", "torn", "changed", "no table", "a folder"],
)
def test_an_index_that_is_damaged_or_gone_changes_no_answer(home: Home, harm: Callable[[Path], object]) -> None:
    before = Store(home).summaries()
    path = home.path / "index.parquet"
    harm(path)
    assert Store(home).summaries() == before
    assert not list(home.unfinished.iterdir())


def test_an_index_of_another_time_changes_no_answer(home: Home) -> None:
    store, path = Store(home), home.path / "index.parquet"
    store.summaries()
    old = path.read_bytes()
    store.forget(KEYS[:60])
    for key in KEYS[:30]:
        write(home, key, seconds=1000)
    for key in KEYS[60:90]:
        shutil.rmtree(home.run(key))  # by hand, and trained again
        write(home, key, seconds=2000)
        os.utime(home.run(key), ns=(0, 10**18 + int(key[2:], 16)))
    store.write_packed("s", {key: store.folder(key) for key in KEYS[90:]})
    for key in KEYS[90:]:
        store.delete_folder(key)
    now = expected(home)
    assert len(now) == 120
    assert store.summaries() == now
    stat = path.stat()
    path.write_bytes(old)  # from a backup
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    for key in KEYS[:30]:
        os.utime(home.run(key), ns=(0, 10**18))
    assert store.summaries() == now


def test_a_home_that_cannot_be_written_to_is_read_all_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    assert Store(home).summaries() == expected(home)
    assert not (home.path / "index.parquet").exists()


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"seconds": "a"}', b'{"seconds": 1' + b"0" * 400 + b"}"])
def test_a_damaged_result_has_a_size_and_is_done(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path)
    write(home, KEYS[0])
    (home.run(KEYS[0]) / "result.json").write_bytes(content)
    size = sum(file.stat().st_size for file in home.run(KEYS[0]).iterdir())
    assert Store(home).summaries() == {KEYS[0]: Summary(size, weights=False)}


@pytest.fixture
def eager() -> Iterator[None]:
    """The index is written however little is new."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "WORTH", 0)
        yield


STEPS = st.tuples(st.sampled_from(["write", "forget", "pack", "unpack", "read", "lose"]), st.sets(st.integers(0, 4)))


@pytest.mark.usefixtures("eager")
@given(st.lists(STEPS, max_size=12))
def test_whatever_is_done_to_records_the_index_says_what_they_say(steps: list[tuple[str, set[int]]]) -> None:
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store = Store(home)
        for number, (step, chosen) in enumerate(steps):
            keys = [KEYS[one] for one in sorted(chosen)]
            if step == "write":
                for key in keys:
                    if key not in store.done():
                        write(home, key, seconds=number, weights=number % 2 == 0)
            elif step == "forget":
                store.forget(keys)
            elif step == "pack":
                store.write_packed("s", {key: store.folder(key) for key in store.done()})
                for key in keys:  # of the others it was killed
                    store.delete_folder(key)
            elif step == "unpack":
                packed = store.done() - store.unpacked()
                for key in packed.intersection(keys):
                    store.copy(key, store.folder(key))
            elif step == "lose":
                (home.path / "index.parquet").unlink(missing_ok=True)
            else:
                store.summaries()
            assert store.done() == Store(home).done()
        assert store.summaries() == expected(home)
        assert Store(home).summaries().keys() == Store(home).done()
