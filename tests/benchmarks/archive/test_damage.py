"""Archives damaged anywhere: refused, or the damage does not matter."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.errors import UserError
from benchmarks.archive.importing import import_suite
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from tests.benchmarks.archive.examples import members, packed, tree
from tests.benchmarks.archive.spoiling import AUXILIARY, CURVES, GRADCAM, PREDICTIONS, RESULT, WEIGHTS, honest


def damaged(data: bytes, how: tuple[str, Any]) -> bytes:
    """`data` with some bytes flipped, left out, put in, or with its end cut off."""
    found, (kind, where) = bytearray(data), how
    if kind == "flip":
        for place, bits in where:
            found[place % len(found)] ^= bits
    elif kind == "cut":
        del found[where[0] % len(found) : where[1] % len(found)]
    elif kind == "insert":
        place = where[0] % len(found)
        found[place:place] = where[1]
    else:
        del found[where % len(found) :]
    return bytes(found)


PLACES = st.integers(0, 2**20)
DAMAGE = st.one_of(
    st.tuples(st.just("flip"), st.lists(st.tuples(PLACES, st.integers(1, 255)), min_size=1, max_size=4)),
    st.tuples(st.just("cut"), st.tuples(PLACES, PLACES)),
    st.tuples(st.just("insert"), st.tuples(PLACES, st.binary(min_size=1, max_size=40))),
    st.tuples(st.just("end"), PLACES),
)


@settings(max_examples=40, deadline=None)
@given(how=DAMAGE)
def test_damage_is_refused_or_does_not_matter(how: tuple[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(damaged(honest(), how))
        if imported(path, home):
            assert tree(home.path) == taken()
        else:
            assert not home.path.exists()


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(["manifest.json", RESULT, CURVES, PREDICTIONS, AUXILIARY, GRADCAM, WEIGHTS]), how=DAMAGE)
def test_damage_that_the_contents_agree_with_makes_a_record_or_is_refused(name: str, how: tuple[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(honest())
        content = members(path)
        packed(content | {name: damaged(content[name], how)}, path)
        if imported(path, home):
            results(read_manifest(home, "people"), Store(home), created="")
        else:
            assert not home.path.exists()


ODD = (None, -1, 2**63 - 1, 2**70, 1e308, "", "../x", "a\nb", "\x1b[2J", [], {}, [1], {"a": 1}, True, 0.5, "é" * 500)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["manifest.json", "failures.json", RESULT]),
    place=st.integers(0, 2**20),
    value=st.one_of(st.sampled_from(ODD), st.text(max_size=3)),
    renamed=st.booleans(),
)
def test_json_with_something_odd_in_it_is_told_from_what_it_should_be(
    name: str, place: int, value: Any, renamed: bool
) -> None:
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(honest())
        content = members(path)
        message = json.loads(content[name])
        places = list(inside(message))
        holder, key = places[place % len(places)]
        if renamed and isinstance(holder, dict) and isinstance(value, str):
            holder[value] = holder.pop(key)
        else:
            holder[key] = value
        if imported(packed(content | {name: json.dumps(message).encode()}, path), home):
            results(read_manifest(home, "people"), Store(home), created="")
        else:
            assert not home.path.exists()


def inside(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and its key there."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from inside(value[key])


def imported(path: Path, home: Home) -> bool:
    """Whether an archive was imported; if not it was refused, in a line."""
    try:
        import_suite(path, home)
    except UserError as refused:
        if str(refused).isprintable():
            return False
        raise
    return True


@cache
def taken() -> dict[str, str]:
    """The home that the honest archive makes."""
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(honest())
        import_suite(path, home)
        return tree(home.path)
