"""What a user can get wrong: one line that names the thing, exit code 2, nothing half-written."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.cli.app import main
from benchmarks.cli.demo import NEEDED
from benchmarks.records.home import Home
from tests.benchmarks.conftest import SUITE
from tests.benchmarks.tracking.conftest import MANIFEST

Refused = Callable[..., str]
MADE = "synthetic = { subjects = 6, intensities = [4], size = 32, seed = 0 }"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command line in this process, which saves importing torch once a case; gives its one line of error."""

    def run(home: Path, *arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["afnetm", "--home", str(home), *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 2
        out, words = capfd.readouterr()
        assert out == ""
        lines = [line for line in words.splitlines() if line.strip()]
        assert len(lines) == 1, words
        assert lines[0].startswith("error: ")
        return lines[0]

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("run quikc", "suite 'quikc' is neither a TOML file nor the name of a suite; allowed: "),
        ("run quick --methods texture afnet", "method 'afnet' is neither in suite 'quick' nor registered"),
        ("run bosphorus", "to make it: afnetm data prepare bosphorus DIR bosphorus"),
        ("run quick --workers 0", "--workers: 0 is not allowed; 1 or more"),
        ("search quick --workers-per-gpu 0", "--workers-per-gpu: 0 is not allowed; 1 or more"),
        ("run quick --device tpu", "--device: 'tpu' is not allowed; one of: auto, cpu, cuda"),
        ("data make ../x", "dataset name '../x'"),
        ("data make x --subjects 0", "subjects"),
        ("data make x --intensities 3 5", "intensities"),
        ("data make x --size 8", "size"),
        ("data make x --variant dim", "variant = 'dim' is not known"),
        ("data make x --workers 0", "workers"),
        ("data check nothing", "nothing: there is no such folder"),
        ("data show ./nothing --out x.png", "nothing: there is no such folder"),
        ("report quick", "suite 'quick' was never run in home"),
        ("report", "nothing to report: name a suite, or give both --results and --predictions"),
        ("report --results x.csv", "name a suite, or give both --results and --predictions"),
        ("report quick --control x", "suite 'quick' cannot be combined with --results, --predictions or"),
        ("report --results x.csv --predictions y.csv", "'x.csv' cannot be read: No such file or directory"),
        ("forget quick", "suite 'quick' was never run in home"),
        ("status quick.tml", "suite 'quick.tml' is neither a TOML file"),
        ("ui", "has no records in MLflow yet"),
        ("ui --optuna", "optuna.journal' has no studies yet; a search makes them"),
        (
            "--storage postgresql://me@127.0.0.1:1/x ui --optuna",
            "postgresql://me@127.0.0.1:1/x' cannot be used",
        ),
    ],
)
def test_a_wrong_word_is_one_line(arguments: str, expected: str, tmp_path: Path, refused: Refused) -> None:
    assert expected in refused(tmp_path / "home", *arguments.split())
    made = [p for p in (tmp_path / "home").rglob("*") if p.is_file()]
    assert not made


def test_a_device_that_is_not_there(tmp_path: Path, refused: Refused) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one here")
    assert "'cuda' is not available" in refused(tmp_path / "home", "run", "quick", "--device", "cuda")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("folds = 3", "folds = 30", "small.toml: protocol.folds = 30: more than the 6 subjects"),
        ("width = 0.25", 'name = "resnet81"', "encoder 'resnet81' is not one of timm's"),
        ("width = 0.25", 'name = "hf-hub:a/b"', "encoder 'hf-hub:a/b' is not one of timm's"),
        ("width = 0.25", 'weights = "no.safetensors"', "encoder weights 'no.safetensors'"),
        (MADE, 'source = "bu3dfe"', "dataset 'tiny' was made from 'synthetic', the suite is for 'bu3dfe'"),
        (f'"tiny"\n{MADE}', '"own"', "dataset 'own' does not exist"),
        ("subjects = 6", "subjects = 7", "dataset 'tiny' exists with subjects = 6, the suite describes 7"),
        (
            "subjects = 6",
            'variant = "light", subjects = 6',
            "variant = its default, the suite describes light",
        ),
    ],
)
def test_a_suite_that_does_not_fit(
    old: str, new: str, expected: str, home: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "small.toml").write_text(SUITE.replace(old, new))
    assert expected in refused(home, "run", str(tmp_path / "small.toml"))
    assert not (home / "runs").exists()


def test_a_dataset_of_another_variant_than_the_suite_s_is_refused(home: Path, suite: Path, refused: Refused) -> None:
    info = home / "datasets/tiny/dataset.json"
    told = json.loads(info.read_text())
    info.write_text(json.dumps(told | {"source": told["source"] | {"variant": "light"}}))
    assert "exists with variant = light, the suite describes its default" in refused(home, "run", str(suite))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "[methods.texture]",
            '[search]\nsampler = "cmaes"\ntraining = []\n[methods.texture]',
            "sampler = 'cmaes': method 'texture' has one parameter, CMA-ES needs two",
        ),
        (
            "[methods.texture]",
            "[search]\ntraining = []\n[methods.texture]\ndropout = 0.1",
            "method 'texture': nothing to search",
        ),
        (
            f"{MADE}\n[protocol]\nfolds = 3\n[encoder]\nwidth = 0.25",
            'source = "bu3dfe"\n[protocol]\nfolds = 3\n[encoder]\nname = "resnet81"',
            "encoder 'resnet81' is not one of timm's",
        ),
    ],
)
def test_a_dry_run_refuses_what_a_run_would_although_the_dataset_is_yet_to_be_made(
    old: str, new: str, expected: str, tmp_path: Path, refused: Refused
) -> None:
    assert old in SUITE
    (tmp_path / "small.toml").write_text(SUITE.replace(old, new))
    assert expected in refused(tmp_path / "home", "run", str(tmp_path / "small.toml"), "--dry-run")


def test_a_wrong_encoder_is_told_before_a_dataset_is_made(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "small.toml").write_text(SUITE.replace("width = 0.25", 'name = "resnet81"'))
    assert "'resnet81' is not one of timm's" in refused(tmp_path / "home", "run", str(tmp_path / "small.toml"))
    assert not (tmp_path / "home").exists()


def test_a_dataset_that_was_altered_is_told_by_check(home: Path, refused: Refused) -> None:
    maps = home / "datasets" / "tiny" / "depth.npy"
    content = bytearray(maps.read_bytes())
    content[-100] ^= 1
    maps.write_bytes(content)
    assert "altered" in refused(home, "data", "check", "tiny")


def test_a_dataset_that_was_cut_off_is_told_at_once(home: Path, suite: Path, refused: Refused) -> None:
    maps = home / "datasets" / "tiny" / "depth.npy"
    maps.write_bytes(maps.read_bytes()[:-1])
    assert "depth.npy is missing or incomplete" in refused(home, "run", str(suite))


def test_a_home_that_cannot_be_written_to(suite: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written to" in refused(tmp_path / "file" / "home", "run", str(suite))


def test_a_full_home_is_told_before_anything_is_made(suite: Path, tmp_path: Path, refused: Refused) -> None:
    home = tmp_path / "home"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk can be made by root only")
    try:
        assert "has 1 MB free; at least 200 MB are needed" in refused(home, "run", str(suite))
        assert not list(home.iterdir())
    finally:
        subprocess.run(["umount", home], check=True)


@pytest.mark.parametrize("text", ["", "[]", '{"suite": "old"}', '{"runs": [{"key": 1}]}'])
def test_a_manifest_that_is_damaged_or_of_another_version(tmp_path: Path, refused: Refused, text: str) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "old.json").write_text(text)
    assert "old.json: not a manifest of this version; run the suite again" in refused(tmp_path, "report", "old")


def test_a_manifest_whose_axes_were_texts(tmp_path: Path, refused: Refused) -> None:
    home = Home(tmp_path)
    manifest = dataclasses.replace(MANIFEST, axes={"attention": "mask attention"})
    home.suites.mkdir()
    manifest.save(home)
    assert "run the suite again (axes.attention" in refused(tmp_path, "report", manifest.suite)


def test_a_demo_without_its_extra_says_what_to_install(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NEEDED:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert refused(tmp_path, "demo", str(tmp_path)) == (
        "error: starlette, uvicorn, python_multipart not installed, which the demo needs: pip install 'afnetm[demo]'"
    )
