"""``afnetm report`` of several suites: each one's report, and one over all whose links lead there."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from afnetm.errors import UserError
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import read_manifest
from benchmarks.reporting.writing import public_entry
from reports.page.leaderboard import write_leaderboard
from tests.benchmarks.archive.examples import fabricate, make_manifest
from tests.benchmarks.conftest import Afnetm
from tests.reports.page.test_page import read


def assert_leads_somewhere(page: Path) -> None:
    """Every link of the page leads to a file that is there, and to a place in it."""
    for tag, attributes in read(page).elements:
        if tag == "a":
            file, _, place = attributes["href"].partition("#")
            target = page.parent / unquote(file) if file else page
            assert place in {a.get("id") for _, a in read(target).elements} | {""}


@pytest.mark.usefixtures("sketched")
def test_several_suites_are_reported_each_and_together(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home", shareable=False)
    make_manifest(shareable=False, suite="others & more").save(home)
    done = here(home.path, "report", "people", "others & more", COLUMNS="60")
    *table, one, other, both, board = done.stdout.splitlines()
    assert [line.split(":")[0] for line in (one, other, both, board)] == ["report", "report", "together", "leaderboard"]
    assert [line.split()[0] for line in table if line.startswith(("concat", "late"))] == ["concat", "late"]
    page = Path(both.partition(":")[2].strip())
    assert page == home.path / "reports" / "people+others & more" / "index.html"
    assert Path(board.partition(":")[2].strip()) == page.with_name("leaderboard.html")
    assert_leads_somewhere(page.with_name("leaderboard.html"))
    seen = read(page)
    links = [a["href"] for tag, a in seen.elements if tag == "a" and not a["href"].startswith("#")]
    assert all((page.parent / unquote(link)).is_file() for link in links)
    own = [str((page.parent / unquote(link)).resolve()) for link in links if link.startswith("../")]
    assert own == [one.partition(":")[2].strip(), other.partition(":")[2].strip()]
    assert "people and others & more are on one dataset, people" in seen.text
    numbers = pd.read_csv(page.parent / "tables" / "overview.csv").set_index(["method", "suite"])["accuracy"]
    table_of_one = pd.read_csv(home.report("people") / "tables" / "comparison.csv").set_index("method")["accuracy"]
    assert numbers.xs("people", level="suite").to_dict() == table_of_one.to_dict()
    everything = "".join(path.read_text(errors="ignore") for path in page.parent.rglob("*") if path.is_file())
    assert "TELLTALE" not in everything


def test_a_suite_that_cannot_be_reported_is_named_before_anything_is_written(tmp_path: Path, here: Afnetm) -> None:
    home = fabricate(tmp_path / "home")
    write_text(home.suites / "empty.json", (home.suites / "people.json").read_text().replace('"key": "', '"key": "x'))
    for words, message in (
        (["people", "peolpe"], "suite 'peolpe' was never run in home"),
        (["people", "people.toml"], "suite 'people' is named 2 times; name each suite once"),
        (["people", "empty"], "has no finished run in home"),
    ):
        done = here(home.path, "report", *words, code=2)
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (home.path / "reports").exists()


def test_the_folder_of_many_suites_is_short_and_no_other_suite_s(tmp_path: Path) -> None:
    home = Home(tmp_path)
    many = [f"a-suite-with-a-name-{number}" for number in range(40)]
    write_text(home.suites / "c+d.json", "{}")
    folders = [home.joint_report(names) for names in (["a", "b"], many, many[::-1], ["a+b", "c"], ["c", "d"])]
    assert folders[0] == home.report("a+b")
    assert len(set(folders)) == 5
    assert home.joint_report(["a", "b+c"]) != folders[3]
    assert all(len(folder.name) <= 60 and folder.parent == home.path / "reports" for folder in folders)
    assert folders[4] != home.report("c+d")


def test_a_leaderboard_that_is_published_leads_to_itself_alone(tmp_path: Path) -> None:
    home = fabricate(tmp_path / "home", shareable=False)
    manifest = make_manifest(shareable=False, suite="others")
    manifest.save(home)
    write_text(home.pages("others"), '{"late": "http://127.0.0.1:5000/#/experiments/1"}')
    broken = replace(manifest, suite="broken", runs=[replace(one, key=f"x{one.key}") for one in manifest.runs])
    page = tmp_path / "leaderboard.html"
    with pytest.raises(UserError, match="suite 'broken': no finished run can be used"):
        public_entry(home, broken)
    write_leaderboard(
        [public_entry(home, one) for one in (read_manifest(home, "people"), manifest)], page, created="now"
    )
    seen = read(page)
    assert {a["href"][:5] for tag, a in seen.elements if tag == "a"} == {"#row-"}
    assert "in 2 suites" in seen.text
    assert "baselines.late" in seen.text
    text = page.read_text()
    assert "127.0.0.1" not in text
    assert "TELLTALE" not in text
