"""Archives that lie: whatever is wrong with one, it is refused in one line, and the home is as it was."""

import io
import json
import os
import pickle
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from afnetm.errors import UserError
from benchmarks.frames import results
from benchmarks.home import Home
from benchmarks.keys import unit_key
from benchmarks.ledger import read_ledger
from benchmarks.store import Store
from benchmarks.travel import archive
from benchmarks.travel.exporting import export_suite
from benchmarks.travel.importing import import_suite
from tests.benchmarks.travellers import fabricate, members, packed, tree, unit

KEY = unit_key(unit("concat", 0))
RESULT, CURVES, PREDICTIONS, EXTRAS, GRADCAM, WEIGHTS = (
    f"units/{KEY}/{name}"
    for name in (
        *("result.json", "curves.csv", "predictions.csv"),
        *("extras.safetensors", "gradcam.safetensors", "weights.safetensors"),
    )
)
Content = dict[str, bytes]


@cache
def honest(*, shareable: bool = True) -> bytes:
    """An archive as it should be."""
    with TemporaryDirectory() as folder:
        home, out = fabricate(Path(folder) / "home", shareable=shareable, without=(1, 2, 3)), Path(folder) / "out.zip"
        export_suite(home, "people", out, weights=True)
        return out.read_bytes()


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """Its members, to be spoilt; a manifest that fits is made of what they are then."""
    path = tmp_path_factory.mktemp("honest") / "out.zip"
    path.write_bytes(honest())
    return members(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has something, and to which nothing is ever to happen."""
    return fabricate(tmp_path_factory.mktemp("home") / "home", without=(0, 4))


def refusal(path: Path, home: Home) -> str:
    """What importing `path` says as it is refused; that it does no harm."""
    before = tree(home.path)
    with pytest.raises(UserError) as caught:
        import_suite(path, home)
    assert tree(home.path) == before
    nowhere = Home(home.path.with_name("nowhere"))
    with pytest.raises(UserError):
        import_suite(path, nowhere)
    assert not nowhere.path.exists()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 1000
    assert message.startswith((f"{path.name}: ", "archive '"))
    return message


def test_it_is_taken_as_it_is(content: Content, tmp_path: Path) -> None:
    import_suite(packed(content, tmp_path / "out.zip"), home := Home(tmp_path / "there"))
    assert (home.units / KEY / "weights.safetensors").is_file()


def test_a_member_that_is_missing_twice_there_renamed_or_another_ones_is_refused(
    content: Content, home: Home, tmp_path: Path
) -> None:
    path, others = tmp_path / "out.zip", list(content)[1:] + list(content)[:1]
    for name, other in zip(content, others, strict=True):
        spoilt = {
            "without": {key: data for key, data in content.items() if key != name},
            "renamed": {f"{key}x" if key == name else key: data for key, data in content.items()},
            "exchanged": content | {name: content[other], other: content[name]},
            "altered": content | {name: content[name][:-1] + b"x"},
            "longer": content | {name: content[name] + b"\0"},
        }
        for how, those in spoilt.items():
            raw(those, path)
            assert any(word in refusal(path, home) for word in (name, other)), how
        raw(content, path)
        with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr(name, content[name])
        assert f"'{name}' is there twice" in refusal(path, home)


def raw(content: Content, path: Path) -> None:
    """An archive of `content`, manifest and all, as it is."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil",
            "/etc/passwd",
            "units/../../evil",
            f"units/{KEY}/../../evil",
            "..",
            ".",
            "units/",
            f"units/{KEY}/",
        ),
        *(r"..\evil", rf"units\{KEY}\result.json", "C:/evil", "C:evil", "//host/share", "CON", "units/NUL/result.json"),
        *(f"units/{KEY.upper()}/result.json", f"units/{KEY}/Result.json", f"units/{KEY}/result.json ", "Ledger.json"),
        *(f"units/{KEY}/result.json\0.txt", f"units/{KEY}x/result.json", f"units/.{KEY}/result.json", "evil.py"),
        *(f"units/{KEY}/model.pkl", f"./units/{KEY}/result.json", "units/٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩/result.json"),
    ],
)
def test_no_name_leads_anywhere(name: str, content: Content, home: Home, tmp_path: Path) -> None:
    path = packed(content | {name.replace("\0", "~"): b"evil"}, tmp_path / "out.zip")
    if "\0" in name:  # which zipfile does not write, and mends when it reads it
        path.write_bytes(path.read_bytes().replace(name.replace("\0", "~").encode(), name.encode()))
    assert "not a name that an archive of records has" in refusal(path, home)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_only_plain_files_travel(kind: int, content: Content, home: Home, tmp_path: Path) -> None:
    path = altered(content, tmp_path / "out.zip", lambda info: setattr(info, "external_attr", (kind | 0o777) << 16))
    assert "plain files alone are allowed" in refusal(path, home)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_deflate_packs(how: int, content: Content, home: Home, tmp_path: Path) -> None:
    path = altered(content, tmp_path / "out.zip", lambda info: setattr(info, "compress_type", how))
    assert "compressed otherwise than by deflate" in refusal(path, home)


def altered(content: Content, path: Path, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    """An archive of `content` whose first record is packed in a way of its own."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            if name == RESULT:
                change(info)
            file.writestr(info, data)
    return path


def test_what_is_encrypted_is_refused(content: Content, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    raw(content, path)
    with zipfile.ZipFile(path) as file:
        start = file.start_dir
    data = bytearray(path.read_bytes())
    data[start + 8] |= 1  # of the first entry of the directory
    path.write_bytes(data)
    assert "is encrypted" in refusal(path, home)


def test_a_bomb_is_not_unpacked(content: Content, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, bytes(2**25) if name == CURVES else data)
    assert "bytes that unpack to" in refusal(path, home)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, bytes(2**21) if name == RESULT else data)
    assert "2097152 bytes (allowed: up to 1048576)" in refusal(path, home)
    # The same, of which the directory says that it is as small as it was.
    data = bytearray(path.read_bytes())
    place = data.rindex(RESULT.encode()) - 46 + 24
    assert struct.unpack_from("<I", data, place)[0] == 2**21
    struct.pack_into("<I", data, place, len(content[RESULT]))
    path.write_bytes(data)
    assert RESULT in refusal(path, home)


def test_there_are_not_too_many_members(
    content: Content, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", len(content))
    assert f"{len(content) + 1} members (allowed: up to " in refusal(
        packed(content | {f"units/{'0' * 20}/curves.csv": b""}, tmp_path / "out.zip"), home
    )


def with_json(name: str, change: Callable[[Any], Any]) -> Callable[[Content], Content]:
    def spoil(content: Content) -> Content:
        told = json.loads(content[name])
        changed = change(told)
        return {name: json.dumps(told if changed is None else changed).encode()}

    return spoil


def setting(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = to

    return change


def with_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Content], Content]:
    return lambda content: {
        PREDICTIONS: change(pd.read_csv(io.BytesIO(content[PREDICTIONS]))).to_csv(index=False).encode()
    }


def with_arrays(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Content], Content]:
    return lambda content: {name: save(change(load(content[name])))}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"x": inner}
    return inner


class Evil:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("code of an archive was run",))


SPOILT: dict[str, tuple[Callable[[Content], Content], str]] = {
    "a result that is no JSON": (lambda content: {RESULT: b"\xff"}, "result.json: not JSON"),
    "NaN": (with_json(RESULT, setting("accuracy", to=float("nan"))), "NaN is not a number"),
    "infinity by digits": (lambda c: {RESULT: c[RESULT].replace(b"2.5", b"1e999")}, "seconds is not a finite number"),
    "very many digits": (lambda c: {RESULT: c[RESULT].replace(b"2.5", b"9" * 5000)}, "result.json: not JSON"),
    "more than 64 bits": (with_json(RESULT, setting("flops", to=2**64)), "flops is an integer of more than 64 bits"),
    "very deep": (with_json(RESULT, setting("x", to=nested(900))), "deeper than 32 levels"),
    "deeper still": (lambda c: {RESULT: b"[" * 100_000}, "result.json: not JSON"),
    "a key twice": (lambda c: {RESULT: c[RESULT].replace(b'"seed"', b'"repeat"')}, "key 'repeat' is there twice"),
    "an escape for terminals": (with_json(RESULT, setting("hardware", to="\x1b[2J")), r"has the character '\\x1b'"),
    "half a pair": (with_json(RESULT, setting("hardware", to="\ud800")), "which cannot be printed"),
    "a line too many": (with_json(RESULT, setting("commit", to="a\nb")), "commit = .* printable text on one line"),
    "a list": (with_json(RESULT, lambda told: [told]), "result.json: all of it should be an object"),
    "an accuracy above 1": (
        with_json(RESULT, setting("accuracy", to=1.5)),
        "accuracy = 1.5: .*less than or equal to 1",
    ),
    "text for a number": (with_json(RESULT, setting("seed", to="1")), 'seed = "1": '),
    "nothing": (with_json(RESULT, lambda told: {}), "cohort is missing"),
    "another key": (with_json(RESULT, setting("key", to="0" * 20)), "key is 0{20}, allowed is its folder's name"),
    "another setting": (with_json(RESULT, setting("recipe", "epochs", to=9)), "the hash of what decides it is"),
    "an inner fold": (with_json(RESULT, setting("inner", to={"fold": 0})), "inner = "),
    "too many scans": (with_json(RESULT, setting("n_test", to=1_000_000)), "12 rows, the result says n_test = 1000000"),
    "another accuracy": (with_json(RESULT, setting("accuracy", to=0.99)), "accuracy = 0.99, its predictions give 0"),
    "pseudonyms that are none": (with_json(RESULT, setting("pseudonyms", to="0" * 16)), "allowed are pseudonyms"),
    "curves of bytes": (lambda c: {CURVES: bytes(range(256))}, "curves.csv: "),
    "empty curves": (lambda c: {CURVES: b""}, "curves.csv: not CSV"),
    "other curves": (lambda c: {CURVES: b"epoch,loss\n0,1\n"}, "column 'accuracy' is missing"),
    "an epoch twice": (lambda c: {CURVES: c[CURVES] + c[CURVES].splitlines()[1]}, "is there more than once"),
    "a formula": (lambda c: {CURVES: c[CURVES].replace(b"0.1\n", b"=cmd()\n")}, "column 'learning_rate' has type"),
    "longer rows": (lambda c: {CURVES: c[CURVES].replace(b"\n0", b"\n0,0")}, "curves.csv: "),
    "an odd column": (
        lambda c: {CURVES: c[CURVES].replace(b"epoch", b"epoch,=x").replace(b"\n", b",1\n")},
        "curves.csv",
    ),
    "very many columns": (lambda c: {CURVES: b"," * 10_000 + c[CURVES]}, "10003 columns .allowed: up to 1000."),
    "a column twice": (lambda c: {CURVES: c[CURVES].replace(b"loss,accuracy", b"loss,loss")}, "'loss.1'"),
    "a pickle for a table": (lambda c: {PREDICTIONS: pickle.dumps(Evil())}, "predictions.csv: not CSV"),
    "parquet for CSV": (lambda c: {PREDICTIONS: b"PAR1" + bytes(100) + b"PAR1"}, "predictions.csv: "),
    "a torn table": (lambda c: {PREDICTIONS: c[PREDICTIONS][:-20]}, "predictions.csv: column 'p_"),
    "rows that are missing": (with_table(lambda t: t.iloc[1:]), "11 rows, the result says n_test = 12"),
    "no rows": (with_table(lambda t: t.iloc[:0]), "0 rows, the result says n_test = 12"),
    "a column that is missing": (with_table(lambda t: t.drop(columns="p_fear")), "column 'p_fear' is missing"),
    "a column of text": (with_table(lambda t: t.assign(more="/home/x")), "column 'more' has type"),
    "a column with an odd name": (with_table(lambda t: t.assign(**{"=x": 1})), "column '=x': not a name"),
    "a share above 1": (with_table(lambda t: t.assign(p_fear=2.0)), "column 'p_fear' is 2.0 in row 0"),
    "no share": (with_table(lambda t: t.assign(p_fear=np.nan)), "column 'p_fear' is empty"),
    "another expression": (with_table(lambda t: t.assign(predicted="bored")), "column 'predicted' is 'bored'"),
    "a scan twice": (with_table(lambda t: t.assign(scan="a")), "is there more than once"),
    "an escape in a name": (with_table(lambda t: t.assign(subject="\x1b[2J")), r"column 'subject' is '\\x1b\[2J'"),
    "a name on two lines": (with_table(lambda t: t.assign(subject="a\nb")), r"column 'subject' is 'a\\nb'"),
    "a very long name": (with_table(lambda t: t.assign(subject="x" * 10_000)), "10000 characters, allowed: 1000"),
    "half an intensity": (with_table(lambda t: t.assign(intensity=0.5)), "column 'intensity' has type float64"),
    "a very large intensity": (with_table(lambda t: t.assign(intensity=2**64 - 1)), "column 'intensity'"),
    "a pickle for arrays": (lambda c: {EXTRAS: pickle.dumps(Evil())}, "extras.safetensors: not safetensors"),
    "torn arrays": (lambda c: {EXTRAS: c[EXTRAS][:-1]}, "extras.safetensors: not safetensors"),
    "a header of terabytes": (lambda c: {EXTRAS: b"\xff" * 8 + c[EXTRAS][8:]}, "extras.safetensors: not safetensors"),
    "no arrays": (with_arrays(EXTRAS, lambda a: {}), "extras.safetensors: 0 arrays"),
    "extras of other scans": (with_arrays(EXTRAS, lambda a: {"importance": a["importance"][1:]}), r"shape \(11, 2\)"),
    "three modalities": (
        with_arrays(EXTRAS, lambda a: {"importance": a["importance"][:, :1]}),
        r"shape \(12, 1\), allowed is \(12, 2\)",
    ),
    "extras that are not finite": (with_arrays(EXTRAS, lambda a: {"importance": a["importance"] * np.nan}), "finite"),
    "extras above 1": (with_arrays(EXTRAS, lambda a: {"importance": a["importance"] + 1}), "allowed is 0 to 1"),
    "extras of doubles": (with_arrays(EXTRAS, lambda a: {"importance": np.ones((12, 2))}), "finite float32"),
    "an array with an odd name": (with_arrays(EXTRAS, lambda a: {"a\nb": a["importance"]}), "allowed is printable"),
    "rows that are not there": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] + 9}), "rows are not some of"),
    "rows below 0": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] - 1}), "rows are not some of"),
    "a row twice": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] * 0}), "rows are not some of"),
    "no rows of maps": (with_arrays(GRADCAM, lambda a: {"texture": a["texture"]}), "rows are not some of"),
    "flat maps": (with_arrays(GRADCAM, lambda a: a | {"texture": a["texture"][:, 0]}), r"shape \(3, 2\)"),
    "weights that are not finite": (with_arrays(WEIGHTS, lambda a: {"w": a["head.weight"] * np.inf}), "not finite"),
    "a secret": (with_json("ledger.json", setting("secret", to="mine")), "key 'secret' is not one"),
    "a ledger of another version": (with_json("ledger.json", setting("more", to=1)), "key 'more' is not one"),
    "an odd entry": (with_json("ledger.json", setting("units", 0, "more", to=1)), "key 'more' is not one"),
    "a path for a key": (with_json("ledger.json", setting("units", 0, "key", to="../../x")), "units.0.key = "),
    "a path for a cohort": (with_json("ledger.json", setting("cohort", "name", to="../x")), "cohort.name = "),
    "a path for a suite": (with_json("ledger.json", setting("suite", to="../x")), "suite = .*should be letters"),
    "another suite": (with_json("ledger.json", setting("suite", to="x")), "suite = 'x', the manifest says .*'people'"),
    "an unknown method": (with_json("ledger.json", setting("units", 0, "method", to="x")), "a unit of method 'x'"),
    "a unit that is not the suite's": (with_json("ledger.json", setting("units", to=[])), "has no unit of this key"),
    "another fold": (with_json("ledger.json", setting("units", 0, "fold", to=2)), "fold = 0, the ledger says 2"),
    "another cohort": (with_json("ledger.json", setting("cohort", "fingerprint", to="d" * 64)), "cohort = "),
    "another version": (with_json("ledger.json", setting("methods", "concat", "version", to=2)), "version = 1, the"),
    "a control that is not there": (with_json("ledger.json", setting("control", to="x")), "control: 'x' is not in"),
    "a study of something else": (
        with_json("ledger.json", setting("tuning", "studies", 0, "method", to="x")),
        "allowed: concat, late",
    ),
    "an odd tuning": (with_json("ledger.json", setting("tuning", to={"spec": {}})), "tuning.spec.selection is missing"),
    "failures of others": (lambda c: {"failures.json": b'{"' + b"0" * 20 + b'": "x"}'}, "the ledger has no unit 0000"),
    "failures on two lines": (
        with_json("failures.json", lambda told: dict.fromkeys(told, "a\nb")),
        "failures.json: .*one line",
    ),
    "winners that are no TOML": (lambda c: {"winners.toml": b"= 1"}, "winners.toml: not valid TOML"),
    "winners of bytes": (lambda c: {"winners.toml": b"\xff"}, "winners.toml: not valid TOML"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_content_that_no_record_has_is_refused_by_name(how: str, content: Content, home: Home, tmp_path: Path) -> None:
    spoil, told = SPOILT[how]
    path = packed(content | spoil(content), tmp_path / "out.zip")
    message = refusal(path, home)
    assert re.search(told, message), message


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"format": 2}, "format = 2; this version of afnetm reads 1"),
        ({"format": "1"}, "format = '1'; this version of afnetm reads 1"),
        ({"suite": ".."}, "suite = .*should be letters"),
        ({"members": {}}, "the manifest does not name it"),
        ({"members": {"x": 1}}, "members.x should be an object"),
        ({"members": None}, "members = null"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    manifest: dict[str, Any], told: str, content: Content, home: Home, tmp_path: Path
) -> None:
    assert re.search(told, refusal(packed(content, tmp_path / "out.zip", **manifest), home))


def test_a_file_that_is_no_archive_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    assert "there is no such file" in refusal(path, home)
    for data in (b"", b"PK\x05\x06" + bytes(18), b"x" * 1000, honest()[:-30]):
        path.write_bytes(data)
        refusal(path, home)
    path.unlink()
    os.mkfifo(path)
    assert "not a plain file" in refusal(path, home)


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
@given(name=st.sampled_from(["ledger.json", RESULT, CURVES, PREDICTIONS, EXTRAS, GRADCAM, WEIGHTS]), how=DAMAGE)
def test_damage_that_the_manifest_agrees_with_makes_a_record_or_is_refused(name: str, how: tuple[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(honest())
        content = members(path)
        packed(content | {name: damaged(content[name], how)}, path)
        if imported(path, home):
            results(read_ledger(home, "people"), Store(home), created="")
        else:
            assert not home.path.exists()


ODD = (None, -1, 2**63 - 1, 2**70, 1e308, "", "../x", "a\nb", "\x1b[2J", [], {}, [1], {"a": 1}, True, 0.5, "é" * 500)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["ledger.json", "failures.json", RESULT]),
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
        told = json.loads(content[name])
        places = list(inside(told))
        holder, key = places[place % len(places)]
        if renamed and isinstance(holder, dict) and isinstance(value, str):
            holder[value] = holder.pop(key)
        else:
            holder[key] = value
        if imported(packed(content | {name: json.dumps(told).encode()}, path), home):
            results(read_ledger(home, "people"), Store(home), created="")
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
