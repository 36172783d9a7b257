"""Words of the command line in the orders in which people type them, through the program's own parser."""

import itertools
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cli.app import app
from benchmarks.records.home import without_secrets
from tests.benchmarks.conftest import Afnetm

PROGRAM = typer.main.get_command(app)


def understood(words: list[str]) -> dict[str, object]:
    """What the program and its command make of the words: their parameters, by name."""
    context = PROGRAM.make_context("afnetm", list(words))
    found = dict(context.params)
    while hasattr(context.command, "commands"):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, list(rest), parent=context)
        found |= context.params
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run quick --methods a b c", {"suite": "quick", "methods": ["a", "b", "c"]}),
        ("run quick --methods a,b,c", {"suite": "quick", "methods": ["a", "b", "c"]}),
        ("run quick --methods a, b", {"suite": "quick", "methods": ["a", "b"]}),
        ("run quick --methods=a b", {"suite": "quick", "methods": ["a", "b"]}),
        ("run --methods=a,b quick", {"suite": "quick", "methods": ["a", "b"]}),
        ("run --methods a quick", {"suite": "quick", "methods": ["a"]}),
        ("run --methods a b quick", {"suite": "quick", "methods": ["a", "b"]}),
        ("run --methods a b --workers 2 quick", {"suite": "quick", "methods": ["a", "b"], "workers": 2}),
        ("run --workers 2 --methods a b quick --dry-run", {"suite": "quick", "methods": ["a", "b"], "dry_run": True}),
        ("run --methods a -- quick", {"suite": "quick", "methods": ["a"]}),
        ("run --methods a --methods b quick", {"suite": "quick", "methods": ["a", "b"]}),
        ("search --methods a quick --trials 3", {"suite": "quick", "methods": ["a"], "trials": 3}),
        ("forget --methods a b quick", {"suite": "quick", "methods": ["a", "b"]}),
        ("export --methods a b quick out.zip", {"suite": "quick", "methods": ["a", "b"]}),
        ("export quick --methods a b out.zip", {"suite": "quick", "methods": ["a", "b"]}),
        ("export quick out.zip --methods a b", {"suite": "quick", "methods": ["a", "b"]}),
        ("data make --intensities 3 4 faces", {"name": "faces", "intensities": [3, 4]}),
        ("data make faces --intensities 3 4 --size 96", {"name": "faces", "intensities": [3, 4], "size": 96}),
        ("data make --intensities=3,4 faces", {"name": "faces", "intensities": [3, 4]}),
        ("data prepare --intensities 3 4 bu3dfe . faces", {"kind": "bu3dfe", "name": "faces", "intensities": [3, 4]}),
        ("data prepare bu3dfe --intensities 3 4 . faces", {"kind": "bu3dfe", "name": "faces", "intensities": [3, 4]}),
        ("run quick --home there", {"suite": "quick", "home": "there"}),
        ("run --home=there quick", {"suite": "quick", "home": "there"}),
        ("data make faces --home there --intensities 3", {"name": "faces", "home": "there", "intensities": [3]}),
        ("data --home there make faces", {"name": "faces", "home": "there"}),
        ("run --methods a --home there quick", {"suite": "quick", "home": "there", "methods": ["a"]}),
        ("ui --tracking-uri sqlite:///x.db --port 5001", {"tracking_uri": "sqlite:///x.db", "port": 5001}),
        ("search quick --storage sqlite:///x.db", {"suite": "quick", "storage": "sqlite:///x.db"}),
    ],
)
def test_words_in_their_usual_orders(words: str, expected: dict[str, object]) -> None:
    found = understood(words.split())
    assert {name: found[name] if isinstance(v, int | list) else str(found[name]) for name, v in expected.items()} == (
        expected
    )


@given(
    order=st.permutations(["suite", "methods", "workers", "home", "dry"]),
    methods=st.lists(st.sampled_from(["a", "b", "c-d"]), min_size=1, max_size=3),
)
def test_any_order_is_the_same(order: list[str], methods: list[str]) -> None:
    parts = {
        "suite": ["quick"],
        "methods": ["--methods", *methods],
        "workers": ["--workers", "3"],
        "home": ["--home", "there"],
        "dry": ["--dry-run"],
    }
    found = understood(["run", *itertools.chain(*(parts[name] for name in order))])
    assert (found["suite"], found["methods"], found["workers"]) == ("quick", methods, 3)
    assert (str(found["home"]), found["dry_run"]) == ("there", True)


@pytest.mark.parametrize("words", ["run --methods quick", "run quick --methods", "run quick --workers 2 3", "run"])
def test_what_is_missing_or_too_many_is_refused(words: str) -> None:
    with pytest.raises(Exception, match="Missing parameter: suite|requires an argument|unexpected extra"):
        understood(words.split())


@pytest.mark.parametrize(
    "words",
    [
        "run quick --storage postgresql://me:hush@h/d --tracking-uri http://me:hush@h:1",
        "run quick --tracking-uri=http://h:1 --storage 'postgresql://me:hu sh@h/d'",
        "--storage postgresql://h/d?user=me&sslpassword=hush&x=1 run quick",
        "--storage postgresql://me:hu/sh:@h/d run quick",
    ],
)
def test_words_are_repeated_without_passwords_and_otherwise_whole(words: str) -> None:
    said = without_secrets(words)
    assert "hu" not in said
    assert {"run", "quick", "--storage"} <= set(said.split())
    assert said.count("://") == words.count("://")
    assert without_secrets("run quick --set a=b --home x@y") == "run quick --set a=b --home x@y"


def test_a_password_on_the_command_line_is_warned_of_and_not_repeated(here: Afnetm, tmp_path: Path) -> None:
    url = "postgresql://me:hush@127.0.0.1:9/d"
    done = here(tmp_path, "status", "--storage", url)
    assert "--storage: every user of this machine can read its password" in done.stderr
    assert "AFNETM_STORAGE keeps it out" in done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert here(tmp_path, "status", AFNETM_STORAGE=url).stderr == ""
    assert here(tmp_path, "status", "--tracking-uri", "http://127.0.0.1:9").stderr == ""
