"""A method in one Python file: given to a run by its path, or found beside a suite; workers have it as well."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import afnetm as library
from afnetm.errors import UserError
from afnetm.method_files import VARIABLE
from afnetm.registry import add_method_file, find_method, methods, registry
from tests.benchmarks.conftest import Afnetm

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture(autouse=True)
def _registered_for_one_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(VARIABLE, "")
    yield
    for cached in (registry, find_method, methods):
        cached.cache_clear()


def written(folder: Path, name: str, *, old: str = "", new: str = "") -> Path:
    """The method that CONTRIBUTING.md shows, as a file of its own; `name` is its name."""
    found = re.search(r"```python\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)
    assert found
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(found[1].replace('name = "mine"', f'name = "{name}"').replace(old, new))
    return path


@pytest.mark.slow
def test_it_is_compared_with_a_suite_s_methods_and_leaves_again(
    suite: Path, home: Path, tmp_path: Path, afnetm: Afnetm
) -> None:
    ours = written(tmp_path / "elsewhere", "of_ours")
    done = afnetm(home, "run", str(suite), "--method-file", str(ours), drawn=False)
    assert all(name in done.stdout for name in ("texture", "concat", "of_ours"))
    results = [json.loads(path.read_text()) for path in (home / "runs").glob("*/*/result.json")]
    assert sorted(one["method"] for one in results) == ["concat"] * 3 + ["of_ours"] * 3 + ["texture"] * 3
    assert all(list(one["sources"]) == ["of_ours.py"] for one in results if one["method"] == "of_ours")

    without = afnetm(home, "run", str(suite), drawn=False)
    assert "of_ours, added in an earlier run, is left out" in without.stderr
    assert "copying to MLflow is incomplete" not in without.stderr
    assert "of_ours" not in without.stdout


def test_a_file_beside_the_suite_needs_no_option(suite: Path, home: Path, tmp_path: Path, here: Afnetm) -> None:
    written(tmp_path, "beside_it")
    suite.write_text(suite.read_text() + "[methods.beside_it]\nfeatures = 32\n")
    assert "beside_it" in here(home, "run", str(suite), "--dry-run").stdout
    written(tmp_path, "by_name")
    assert "by_name" in here(home, "run", str(suite), "--methods", "by_name", "--dry-run").stdout


def test_it_is_held_to_the_contract_by_its_path(tmp_path: Path, here: Afnetm) -> None:
    path = written(tmp_path, "nearly", old="return Output(logits", new="return Output(logits[:, 1:]")
    assert "to be fixed" in here(tmp_path / "home", "check", str(path), code=1).stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("concat", "", r"method 'concat' is registered twice: .*concat.py and baselines.concat:Concat"),
        ("empty", "", r"method 'empty' \(.*empty.py\) cannot be loaded: has 0 subclasses of afnetm.Method; one is"),
        ("json", "", r"method 'json' .*: 'json' is the name of another module that Python finds; rename the file"),
        ("broken", "x = 1 +", r"method 'broken' .*: SyntaxError: invalid syntax \(broken.py:1\)"),
        ("raises", "1 / 0", r"method 'raises' .*: ZeroDivisionError: division by zero \(raises.py:1\)"),
        ("not-a-name", "", r"method file '.*not-a-name.py': its name has to be the method's, letters, digits and _"),
    ],
)
def test_what_is_no_method_is_one_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        find_method(add_method_file(path))
    with pytest.raises(UserError, match="method file .* does not exist"):
        add_method_file(tmp_path / "nowhere.py")


def test_an_instance_of_one_s_own_class_is_a_model(tmp_path: Path) -> None:
    kind = find_method(add_method_file(written(tmp_path, "for_a_notebook")))
    model = library.create_model(kind(), num_classes=3, width=0.25, features=16)
    assert sum(p.numel() for p in model.parameters()) > 0
    assert isinstance(model, torch.nn.Module)
    assert model.classifier.weight.shape == (3, 16)
