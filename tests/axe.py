"""axe-core on pages: npm brings it into a folder of the tests' own; without npm, or what it asks, tests are skipped."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import Tab

_RUN = """
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations, passes }) => ({
        passed: passes.length,
        found: violations.map(({ id, impact, nodes }) => [impact, id, nodes.slice(0, 3).map((node) => node.html)]),
    }))
"""


def axe_core(folder: Path) -> str:
    """The script, of npm's own choice within a major version."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    done = subprocess.run([*command, "axe-core@4"], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        pytest.skip(f"npm has no axe-core: {done.stderr.strip()[-200:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(tab: Tab, axe: str) -> list[Any]:
    """Serious and critical ones on the page as it stands, with all that can be opened on it open."""
    tab.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.value(f"{axe}; 0")
    found = tab.value(_RUN)
    assert found["passed"] > 15
    return [one for one in found["found"] if one[0] in {"serious", "critical"}]
