"""Methods beside a suite's own: added by name, kept as long as they have records, refused where they do not fit."""

import io
from pathlib import Path

import pytest
from torch import nn

from afnetm.errors import UserError
from afnetm.model.encoder import EncoderSpec
from baselines.late import Late
from benchmarks.commands.forecast import forecast
from benchmarks.commands.job import Job, prepare
from benchmarks.commands.manifests import make_manifest
from benchmarks.commands.request import Options, ask
from benchmarks.plans.suite import load_suite
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.terminal.console import Terminal
from tests.benchmarks.conftest import SUITE
from tests.benchmarks.others import register


class Mine(Late):
    name = "mine"


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with one method has been installed."""
    register(monkeypatch, Mine)


def ready(suite: Path, home: Path, *names: str) -> tuple[Job, str]:
    """What a run with these `--methods` would do, and what it says."""
    words = io.StringIO()
    console = Terminal(file=words, width=500)
    job = prepare(ask(str(suite), Options(home=Home(home), methods=names, workers=1, device="cpu", dry=True)), console)
    return job, words.getvalue()


@pytest.mark.usefixtures("mine")
def test_an_added_method_has_its_defaults_and_is_the_only_one_asked_for(suite: Path, home: Path) -> None:
    job, _ = ready(suite, home, "mine")
    assert list(job.suite.methods) == ["texture", "concat", "mine"]
    assert job.suite.methods["mine"] == Mine()
    assert job.labels == ["mine"]
    assert (len(job.planned), len(job.chosen)) == (9, 3)


@pytest.mark.usefixtures("mine")
def test_it_stays_as_long_as_it_has_records_and_is_registered(
    suite: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = ready(suite, home, "mine")
    assert job.dataset is not None
    make_manifest(job.suite, job.dataset, job.planned).save(Home(home))
    assert read_manifest(Home(home), "small").added == ["mine"]
    assert list(ready(suite, home)[0].suite.methods) == ["texture", "concat"]  # nothing of it was done

    record = Home(home).runs / job.chosen[0].run.key
    record.mkdir(parents=True)
    again, said = ready(suite, home, "late")
    assert (list(again.suite.methods), again.labels, said) == (["texture", "concat", "mine", "late"], ["late"], "")

    monkeypatch.undo()  # the package is gone
    left, said = ready(suite, home)
    assert list(left.suite.methods) == ["texture", "concat"]
    assert "mine, added in an earlier run, is left out: method 'mine' is neither in suite 'small' nor" in said


def test_one_with_a_label_s_settings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        SUITE.replace("[methods.concat]", '[methods.side]\nmethod = "concat"').replace('control = "concat"', "")
    )
    with pytest.raises(UserError, match="s: methods.concat is the same as methods.side; one is enough"):
        load_suite(str(tmp_path / "s.toml")).including(["concat"])


def test_an_unknown_name_is_answered_with_the_nearest_of_both(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(SUITE.replace("[methods.texture]", '[methods.latest]\nmethod = "texture"'))
    with pytest.raises(UserError, match="method 'lates' is neither in suite 's' nor .*; did you mean latest"):
        load_suite(str(tmp_path / "s.toml")).including(["lates"])


def test_one_without_an_ablation_s_parts_is_refused() -> None:
    with pytest.raises(UserError, match=r"ablation: axes.attention: methods.late \('late'\) has no such"):
        load_suite("ablation").including(["late"])


class Bare(Late):
    name = "bare"

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        return nn.Conv2d(3, classes, 1)


def test_a_dry_run_says_what_would_fail_and_how_long_the_others_take(
    suite: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, Bare)
    words = io.StringIO()
    Terminal(file=words, width=200).print(forecast(ready(suite, home, "bare", "texture")[0]))
    lines = words.getvalue().splitlines()
    rows = [
        line.split() for line in lines if line.startswith(("texture ", "bare ", "all ")) and "would fail" not in line
    ]
    times = {row[0]: row[-1] for row in rows}
    assert times == {"texture": "s", "bare": "?", "all": "?"}
    assert lines[-1].startswith("bare would fail: TypeError: conv2d() received an invalid combination of arguments")
