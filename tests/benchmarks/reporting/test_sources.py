"""Where a report says that methods come from: as the packages that register them say it."""

from pathlib import Path

import pytest

from benchmarks.reporting.sources import with_modules

ADDRESS = "https://example.org/someone/theirs"


def installed(folder: Path, name: str, *addresses: str) -> None:
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    urls = "".join(f"Project-URL: {one}\n" for one in addresses)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{urls}")
    (about / "entry_points.txt").write_text(f"[afnetm.methods]\n{name} = {name}.nets:Net\n")


@pytest.mark.parametrize("label", ["Source", "source code", "Repository", "GitHub"])
def test_a_method_leads_to_the_repository_that_its_package_names(
    label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "theirs", "Documentation, https://example.org/docs", f"{label}, {ADDRESS}")
    monkeypatch.syspath_prepend(tmp_path)
    found = with_modules({"wide": {"name": "theirs", "version": 1}})
    assert found == {"wide": {"name": "theirs", "version": 1, "module": "theirs.nets", "repository": ADDRESS}}


def test_what_is_no_web_address_or_no_repository_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "theirs", "Source, javascript:alert(1)", f"Homepage, {ADDRESS}", "Source")
    monkeypatch.syspath_prepend(tmp_path)
    found = with_modules({"theirs": {"name": "theirs"}, "gone": {"name": "gone"}, "aff": {"name": "aff"}})
    assert found == {
        "theirs": {"name": "theirs", "module": "theirs.nets"},
        "gone": {"name": "gone"},
        "aff": {"name": "aff", "module": "baselines.aff"},
    }
