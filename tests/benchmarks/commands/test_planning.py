"""A plan of what is left, by recorded times of one device and no other: held to another computation of the same."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmarks.commands.planning import Row, expected
from benchmarks.plans.datasets import find_dataset
from benchmarks.plans.runs import plan
from benchmarks.plans.suite import load_suite
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Record, Store
from tests.benchmarks.conftest import Afnetm


def record(seconds: float, device: str = "cpu", *, hardware: str | None = None, sharing: int = 1) -> Record:
    hardware = hardware or provenance()["hardware"]
    result = {
        "seconds": seconds - 0.5,
        "test_seconds": 0.5,
        "device_name": device,
        "hardware": hardware,
        "finished": 1.0,
    }
    return Record(
        result | ({"gpu_workers": sharing} if sharing > 1 else {}), pd.DataFrame({"scan": ["a"]}), pd.DataFrame(), {}
    )


def runs_of(suite: Path, home: Path, label: str, device: str = "cpu") -> list[str]:
    loaded = load_suite(str(suite))
    dataset = find_dataset(Home(home), loaded.dataset, dry=True)
    assert dataset is not None
    return [one.run.key for one in plan(loaded, dataset, device=device) if one.label == label]


@pytest.fixture
def long(suite: Path) -> Path:
    """Two methods of 3 x 10 runs each."""
    suite.write_text(suite.read_text().replace("folds = 3", "folds = 3\nrepeats = 10"))
    return suite


def planned(here: Afnetm, home: Path, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(here(home, "plan", *words, "--json").stdout)
    return found


def half(times: list[float], left: int) -> float:
    """By the book: a prediction interval of a mean of `left` runs, times their number."""
    count = len(times)
    mean_s_error = np.std(times, ddof=1) * np.sqrt(1 / count + 1 / left)
    low, high = scipy.stats.t.interval(0.95, count - 1, loc=np.mean(times), scale=mean_s_error)
    return float(left * (high - low) / 2)


def test_what_is_left_takes_what_was_recorded_on_this_machine(home: Path, long: Path, here: Afnetm) -> None:
    store, times = Store(Home(home)), {"texture": [20.0, 22.0, 25.0], "concat": [40.0, 38.0]}
    for label, seconds in times.items():
        keys = runs_of(long, home, label)
        for key, one in zip(keys, seconds, strict=False):
            store.write(key, record(one))
        store.write(keys[-1], record(7000.0, hardware="another processor, 1 core"))
    found = planned(here, home, str(long), "--workers", "4")
    lefts, halves = {"texture": 26, "concat": 27}, []
    for row in found["methods"]:
        seconds, left = times[row["method"]], lefts[row["method"]]
        assert (row["runs"], row["left"], row["times"]) == (30, left, len(seconds))
        halves.append(half(seconds, left))
        assert row["seconds"] == pytest.approx(left * np.mean(seconds))
        assert row["high"] - row["seconds"] == pytest.approx(halves[-1])
    total, wide = sum(left * np.mean(times[label]) for label, left in lefts.items()), np.hypot(*halves)
    assert found["on"] == [
        {
            "workers": 4,
            "seconds": pytest.approx(total / 4),
            "low": pytest.approx((total - wide) / 4),
            "high": pytest.approx((total + wide) / 4),
        }
    ]
    assert found["other_devices"] == {"another processor": 2}


def test_gpus_are_planned_for_by_times_of_one_kind_and_each_run_s_share_of_one(
    home: Path, long: Path, here: Afnetm
) -> None:
    store = Store(Home(home))
    for label in ("texture", "concat"):
        first, second, third, fourth, *_ = runs_of(long, home, label, "cuda")
        store.write(first, record(30.0, "NVIDIA H100"))
        store.write(second, record(60.0, "NVIDIA H100", sharing=2))
        store.write(third, record(30.0, "NVIDIA H100"))
        store.write(fourth, record(300.0, "NVIDIA A100"))
        store.write(runs_of(long, home, label)[0], record(9000.0))
    found = planned(here, home, str(long), "--gpus", "1", "8", "64")
    assert found["device"] == "NVIDIA H100"
    assert found["other_devices"] == {"NVIDIA A100": 2}
    assert [one["gpus"] for one in found["on"]] == [1, 8, 64]
    assert [one["seconds"] for one in found["on"]] == [52 * 30.0, 52 * 30.0 / 8, 30.0]  # none does less than a run
    printed = here(home, "plan", str(long), "--gpus", "8").stdout
    assert "8 GPUs" in printed
    assert "recorded on other devices, and not used: NVIDIA A100 (2)" in printed


def test_without_recorded_times_it_says_how_to_have_some(home: Path, long: Path, here: Afnetm) -> None:
    keys = runs_of(long, home, "concat")
    Store(Home(home)).write(keys[0], record(30.0))
    words = " ".join(here(home, "plan", str(long)).stdout.split())
    assert "no recorded times of texture, which no hours include; to measure a few steps on this machine:" in words
    assert f"run{long}--dry-run" in words.replace(" ", "")  # it may be wrapped anywhere
    found = planned(here, home, str(long))
    assert (found["unknown"], found["all"]["seconds"], found["all"]["low"]) == (["texture"], 29 * 30.0, None)
    assert "--gpus: 0 is not allowed; 1 or more" in here(home, "plan", str(long), "--gpus", "0", code=2).stderr


def test_a_search_is_planned_by_its_trials(home: Path, searched_suite: Path, here: Afnetm) -> None:
    found = planned(here, home, str(searched_suite))
    assert [(row["what"], row["runs"], row["left"]) for row in found["methods"]] == [("search", 32, 32), ("runs", 2, 2)]


def test_nineteen_of_twenty_intervals_hold_what_runs_took() -> None:
    draw, count, left = np.random.default_rng(0), 4, 30
    seen = 0
    for _ in range(2000):
        times = draw.normal(10, 2, count + left)
        time = expected(times[:count].tolist(), left)
        seen += abs(times[count:].sum() - time.seconds) <= time.half
    assert 0.93 < seen / 2000 < 0.97


def test_what_nothing_tells_is_not_told() -> None:
    assert np.isnan(expected([], 3).seconds)
    assert np.isnan(expected([2.0], 3).half)
    assert (expected([], 0).seconds, expected([], 0).half) == (0.0, 0.0)
    assert Row("m", "search", 0, 0, fixed=60.0).time.seconds == 60.0
