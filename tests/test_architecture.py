"""The house as it is drawn: arrows point down only, reports knows data frames only, nothing names an index."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def test_imports_keep_to_the_contracts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", cache_dir=str(tmp_path)) == 0


def test_every_pinned_package_carries_hashes_and_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text()
    pins = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(pins) > 100
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
    assert "://" not in text
    assert "--index" not in text
