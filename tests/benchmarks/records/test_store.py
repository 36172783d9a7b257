import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from afnetm.errors import UserError
from benchmarks.records.home import Home
from benchmarks.records.store import Evidence, Record, Store, files_of

KEY, *OTHERS = (f"{number:02x}23456789abcdefabcd" for number in (1, 2, 255))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(tmp_path))


def record(accuracy: float = 0.5) -> Record:
    return Record(
        result={"accuracy": accuracy},
        predictions=pd.DataFrame({"scan": ["a", "b"], "p_anger": np.float32([0.1, 0.2])}),
        curves=pd.DataFrame({"epoch": [0], "loss": [1.0]}),
        auxiliary_outputs={"importance": np.ones((2, 2), np.float32)},
    )


def test_what_is_written_is_there_and_nothing_else(store: Store, tmp_path: Path) -> None:
    store.write(KEY, record())
    assert store.done() == {KEY}
    assert store.result(KEY) == {"accuracy": 0.5}
    assert sorted(p.name for p in (tmp_path / "runs").rglob("*")) == [
        *(KEY[:2], KEY, "auxiliary_outputs.safetensors", "curves.csv", "predictions.parquet", "result.json"),
    ]
    assert store.size([KEY]) == sum(p.stat().st_size for p in (tmp_path / "runs" / KEY[:2] / KEY).iterdir())


def test_evidence_is_kept_with_the_rows_that_it_is_of(store: Store) -> None:
    maps = {"texture": np.full((2, 3, 3), 0.5, np.float32), "depth": np.ones((2, 4, 4), np.float32)}
    store.write(KEY, dataclasses.replace(record(), gradcam=Evidence(np.array([0, 1]), maps)))
    kept = load_file(store.folder(KEY) / "gradcam.safetensors")
    assert kept.pop("rows").tolist() == [0, 1]
    assert set(kept) == set(maps)
    assert all(np.array_equal(kept[name], maps[name]) for name in maps)


def test_the_first_record_stays(store: Store) -> None:
    store.write(KEY, record(0.5))
    store.write(KEY, record(0.9))
    assert store.result(KEY)["accuracy"] == 0.5


def test_a_half_written_record_is_not_done_and_is_swept(store: Store, tmp_path: Path) -> None:
    (tmp_path / "unfinished" / "k.other-host-7-1a2b3c4d").mkdir(parents=True)
    (tmp_path / "unfinished" / "l.other-host-7-5e6f7a8b").mkdir()
    assert store.done() == set()
    store.sweep(lambda: {"l"})
    assert [path.name[0] for path in (tmp_path / "unfinished").iterdir()] == ["l"], "another is at work on it"
    store.sweep()
    assert not list((tmp_path / "unfinished").iterdir())


def test_a_record_that_was_swept_while_it_was_written_is_written_again(store: Store) -> None:
    """Another process took this one for dead, which was only stopped."""
    swept = []

    class Swept(dict[str, bytes]):
        def items(self) -> Any:
            for item in super().items():
                yield item
                if not swept:
                    swept.append(store.sweep())

    store.write_files("k", Swept(files_of(record())))
    assert swept
    assert store.done() == {"k"}
    assert store.result("k") == {"accuracy": 0.5}


def test_a_failure_is_kept_until_the_run_is_done(store: Store) -> None:
    store.write_failure(KEY, "ValueError: first line", "ValueError: first line\nsecond line")
    assert store.failed() == {KEY}
    assert store.reason(KEY) == "ValueError: first line"
    assert "second line" in store.failure_text(KEY).read_text()
    store.write(KEY, record())
    assert store.failed() == set()


def test_forgetting_takes_what_it_is_told_and_leaves_the_rest(store: Store) -> None:
    store.write(KEY, record())
    store.write(OTHERS[0], record())
    store.write_failure(OTHERS[1], "ValueError: no", "all of it")
    store.forget([KEY, OTHERS[1], "never there"])
    assert store.done() == {OTHERS[0]}
    assert store.failed() == set()


def test_forgetting_goes_on_after_it_was_killed(store: Store, tmp_path: Path) -> None:
    store.write(KEY, record())
    # As far as it came.
    (tmp_path / "runs" / KEY[:2] / KEY).rename(tmp_path / "unfinished" / f"{KEY}.host-7-1a2b3c4d")
    store.write(KEY, record())
    store.forget([KEY])
    assert store.done() == set()
    store.sweep()
    assert not list((tmp_path / "runs").rglob("*/*"))
    assert not list((tmp_path / "unfinished").iterdir())


def test_what_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write(KEY, dataclasses.replace(record(), result={"accuracy": float("nan")}))
    assert store.done() == set()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_result_that_is_damaged_is_one_line(store: Store, tmp_path: Path) -> None:
    store.write(KEY, record())
    for content in (b"{", b"\xff", b"[" * 100_000):
        (tmp_path / "runs" / KEY[:2] / KEY / "result.json").write_bytes(content)
        with pytest.raises(UserError, match=f"runs/01/{KEY}/result.json: .*; delete the damaged run"):
            store.result(KEY)


def test_records_of_before_there_were_folders_of_two_digits_are_read_where_they_are_and_moved_by_a_sweep(
    store: Store, tmp_path: Path
) -> None:
    for key in (KEY, *OTHERS):
        store.write(key, record())
    runs = tmp_path / "runs"
    before = {path.name: path.read_bytes() for path in (runs / KEY[:2] / KEY).iterdir()}
    for key in (KEY, OTHERS[0]):
        (runs / key[:2] / key).rename(runs / key)
        (runs / key[:2]).rmdir()
    shutil.copytree(runs / OTHERS[1][:2] / OTHERS[1], runs / OTHERS[1])  # two homes were put together by hand
    assert store.done() == {KEY, *OTHERS}
    assert store.result(KEY) == {"accuracy": 0.5}
    copy = Store(Home(tmp_path / "copy"))
    copy.copy(KEY, store.folder(KEY))
    store.forget([OTHERS[0]])
    assert store.done() == {KEY, OTHERS[1]}
    store.sweep()
    assert {path.name: path.read_bytes() for path in (runs / KEY[:2] / KEY).iterdir()} == before
    assert store.done() == {KEY, OTHERS[1]}
    assert {path.name: path.read_bytes() for path in copy.folder(KEY).iterdir()} == before
    store.forget([OTHERS[1]])
    assert store.done() == {KEY}
