"""Archives that lie about what they are, damaged or made to harm: one line each, and the home is as it was."""

import io
import json
import os
import pickle
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
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from afnetm.errors import UserError
from afnetm.zipped import unpack
from benchmarks.archive.checking import check_home
from benchmarks.archive.exporting import export_suite
from benchmarks.archive.merging import merge
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from tests.benchmarks.archive.examples import fabricate, members, packed, run, tree

KEY = run_key(run("concat", 0))
RESULT, CURVES, PREDICTIONS, AUXILIARY, GRADCAM, WEIGHTS = (
    f"runs/{KEY}/{name}"
    for name in (
        *("result.json", "curves.csv", "predictions.parquet"),
        *("auxiliary_outputs.safetensors", "gradcam.safetensors", "weights.safetensors"),
    )
)
SUITE, SEARCH, FAILURE = "suites/people.json", "searches/people.toml", f"failures/{run_key(run('late', 2))}.json"
Content = dict[str, bytes]


@cache
def honest() -> bytes:
    """An archive as it should be."""
    with TemporaryDirectory() as folder:
        home, out = fabricate(Path(folder) / "home", without=(1, 2, 3)), Path(folder) / "out.zip"
        export_suite(home, "people", out, weights=True)
        return out.read_bytes()


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
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
        merge([path], home)
    assert tree(home.path) == before
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 1000
    assert message.startswith((f"{path.name}: ", "archive '"))
    return message


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "/etc/passwd", "runs/../../evil", f"runs/{KEY}/../../evil", "..", ".", "runs/", f"runs/{KEY}/"),
        *(r"..\evil", rf"runs\{KEY}\result.json", "C:/evil", "//host/share", "runs/NUL/result.json", "evil.py"),
        *(f"runs/{KEY.upper()}/result.json", f"runs/{KEY}/result.json ", f"runs/{KEY}/result.json\0.txt"),
        *(f"runs/.{KEY}/result.json", f"runs/{KEY}/model.pkl", f"./runs/{KEY}/result.json", "mlflow.db", ".lock"),
        *("suites/../x.json", "suites/.x.json", "suites/a/b.json", "searches/../x.toml", "datasets/x/dataset.json"),
    ],
)
def test_no_name_leads_anywhere(name: str, content: Content, home: Home, tmp_path: Path) -> None:
    path = packed(content | {name.replace("\0", "~"): b"evil"}, tmp_path / "out.zip")
    if "\0" in name:  # which zipfile does not write, and mends when it reads it
        path.write_bytes(path.read_bytes().replace(name.replace("\0", "~").encode(), name.encode()))
    assert "not a file that a home has" in refusal(path, home)


def altered(content: Content, path: Path, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    """An archive of `content` whose first result is packed in a way of its own."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            if name == RESULT:
                change(info)
            file.writestr(info, data)
    return path


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO])
def test_only_plain_files_are_taken(kind: int, content: Content, home: Home, tmp_path: Path) -> None:
    path = altered(content, tmp_path / "out.zip", lambda info: setattr(info, "external_attr", (kind | 0o777) << 16))
    assert "is not a regular file" in refusal(path, home)


def test_only_deflate_packs_and_nothing_is_encrypted(content: Content, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        altered(content, path, lambda info, how=how: setattr(info, "compress_type", how))
        assert "compressed otherwise than by deflate" in refusal(path, home)
    packed(content, path)
    with zipfile.ZipFile(path) as file:
        start = file.start_dir
    data = bytearray(path.read_bytes())
    data[start + 8] |= 1  # of the first listed of the directory
    path.write_bytes(data)
    assert "is encrypted" in refusal(path, home)


def test_a_bomb_is_not_unpacked(content: Content, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    for name, size in ((CURVES, 2**25), (RESULT, 2**21)):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for member, data in content.items():
                file.writestr(member, bytes(size) if member == name else data)
        expected = "bytes that unpack to" if name == CURVES else "2097152 bytes (allowed: up to 1048576)"
        assert expected in refusal(path, home)
    # The same, of which the directory says that it is as small as it was.
    data = bytearray(path.read_bytes())
    place = data.rindex(RESULT.encode()) - 46 + 24
    assert struct.unpack_from("<I", data, place)[0] == 2**21
    struct.pack_into("<I", data, place, len(content[RESULT]))
    path.write_bytes(data)
    assert RESULT in refusal(path, home)


def test_a_table_that_is_larger_than_it_says_is_not_read(content: Content, home: Home, tmp_path: Path) -> None:
    rows = 50_000_000
    table = pa.table({"scan": pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int8()), ["x"])})
    pa.parquet.write_table(table, buffer := io.BytesIO(), compression="zstd")
    path = packed(content | {PREDICTIONS: buffer.getvalue()}, tmp_path / "out.zip")
    assert f"predictions.parquet has {rows} rows, " in refusal(path, home)


def test_a_file_that_is_no_archive_is_refused(content: Content, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    for data in (b"", b"PK\x05\x06" + bytes(18), b"x" * 1000, honest()[:-30]):
        path.write_bytes(data)
        refusal(path, home)
    packed(content, path)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr(RESULT, content[RESULT])
    assert "is there twice" in refusal(path, home)
    packed({RESULT: content[RESULT]}, path)
    assert "it has no suite" in refusal(path, home)
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in refusal(path, home)


class Evil:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("code of an archive was run",))


def with_json(name: str, *place: str | int, to: Any) -> Callable[[Content], Content]:
    def spoil(content: Content) -> Content:
        whole = inner = json.loads(content[name])
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = to
        return {name: json.dumps(whole).encode()}

    return spoil


def with_table(**columns: Any) -> Callable[[Content], Content]:
    def spoil(content: Content) -> Content:
        table = pd.read_parquet(io.BytesIO(content[PREDICTIONS])).assign(**columns)
        return {PREDICTIONS: table.to_parquet(index=False)}

    return spoil


def with_arrays(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Content], Content]:
    return lambda content: {name: save(change(load(content[name])))}


SPOILT: dict[str, tuple[Callable[[Content], Content], str]] = {
    "a result that is no JSON": (lambda c: {RESULT: b"\xff"}, f"{KEY}/result.json: UnicodeDecodeError"),
    "very deep": (lambda c: {RESULT: b"[" * 100_000}, f"{KEY}/result.json: RecursionError"),
    "a list": (lambda c: {RESULT: b"[]"}, f"runs/{KEY}/result.json: AttributeError"),
    "an escape for terminals": (with_json(RESULT, "hardware", to="\x1b[2J"), "text that cannot be printed"),
    "an escape in a suite": (with_json(SUITE, "description", to="\x1b[2J"), "text that cannot be printed"),
    "an escape in a reason": (with_json(FAILURE, "reason", to="\x1b[2J"), "text that cannot be printed"),
    "another key": (with_json(RESULT, "key", to="0" * 20), 'key = "00'),
    "another setting": (with_json(RESULT, "training", "epochs", to=9), "hash of what decides it = "),
    "another fold": (with_json(SUITE, "runs", 0, "fold", to=2), "fold = 0 .allowed: 2"),
    "another dataset": (with_json(SUITE, "dataset", "fingerprint", to="d" * 64), "dataset = "),
    "another accuracy": (with_json(RESULT, "accuracy", to=0.99), "accuracy"),
    "no score": (with_json(RESULT, "macro_f1", to=None), "its macro_f1 is None"),
    "curves of bytes": (lambda c: {CURVES: bytes(range(256))}, "learning curve"),
    "other curves": (lambda c: {CURVES: b"epoch,loss\n0,1\n"}, "cannot be reported|suite 'people'"),
    "no table": (lambda c: {PREDICTIONS: pickle.dumps(Evil())}, f"runs/{KEY}: ArrowInvalid"),
    "a share above 1": (with_table(p_fear=2.0), "column 'p_fear' is 2.0"),
    "another expression": (with_table(predicted="bored"), "column 'predicted' is 'bored'"),
    "a scan twice": (with_table(scan="a"), "is there more than once"),
    "an escape in a name": (with_table(subject="\x1b[2J"), r"column 'subject' is '\\x1b\[2J'"),
    "a pickle for arrays": (lambda c: {AUXILIARY: pickle.dumps(Evil())}, f"runs/{KEY}: SafetensorError"),
    "torn weights": (lambda c: {WEIGHTS: c[WEIGHTS][:-1]}, f"runs/{KEY}: SafetensorError"),
    "a header of terabytes": (lambda c: {GRADCAM: b"\xff" * 8 + c[GRADCAM][8:]}, f"runs/{KEY}: SafetensorError"),
    "three modalities": (
        with_arrays(AUXILIARY, lambda a: {"importance": a["importance"][:, :1]}),
        "weights of the streams",
    ),
    "maps that are not finite": (with_arrays(GRADCAM, lambda a: a | {"texture": a["texture"] * np.nan}), "not finite"),
    "a manifest of another version": (with_json(SUITE, "more", to=1), "more: unknown key"),
    "a path for a key": (with_json(SUITE, "runs", 0, "key", to="../../x"), "runs.0.key = "),
    "a path for a dataset": (with_json(SUITE, "dataset", "name", to="../x"), "dataset name '../x'"),
    "a path for a suite": (with_json(SUITE, "suite", to="../x"), "is the manifest of suite"),
    "an unknown method": (with_json(SUITE, "runs", 0, "method", to="x"), 'a run of method "x"'),
    "a run that is not the suite's": (with_json(SUITE, "runs", to=[]), "no suite in it has a run"),
    "a control that is not there": (with_json(SUITE, "control", to="x"), "'x' is not in"),
    "an odd tuning": (with_json(SUITE, "tuning", to={"spec": {}}), "suite 'people': KeyError"),
    "best parameters that are no TOML": (lambda c: {SEARCH: b"= 1"}, "not valid TOML"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_content_that_no_home_has_is_refused_by_name(how: str, content: Content, tmp_path: Path) -> None:
    spoil, wording = SPOILT[how]
    unpack(packed(content | spoil(content), tmp_path / "out.zip"), folder := tmp_path)
    with pytest.raises(UserError, match=wording) as caught:
        check_home(Home(folder))
    assert str(caught.value).isprintable()


PLACES = st.integers(0, 2**20)
DAMAGE = st.one_of(
    st.tuples(st.just("flip"), st.lists(st.tuples(PLACES, st.integers(1, 255)), min_size=1, max_size=4)),
    st.tuples(st.just("cut"), st.tuples(PLACES, PLACES)),
    st.tuples(st.just("insert"), st.tuples(PLACES, st.binary(min_size=1, max_size=40))),
)


def damaged(data: bytes, how: tuple[str, Any]) -> bytes:
    """`data` with some bytes flipped, left out or put in."""
    found, (kind, where) = bytearray(data), how
    if kind == "flip":
        for place, bits in where:
            found[place % len(found)] ^= bits
    elif kind == "cut":
        del found[where[0] % len(found) : where[1] % len(found)]
    else:
        place = where[0] % len(found)
        found[place:place] = where[1]
    return bytes(found)


@settings(max_examples=20)
@example(how=("cut", (0, 1)), name=None)  # the first member would begin before the file
@given(how=DAMAGE, name=st.sampled_from([None, SUITE, RESULT, CURVES, PREDICTIONS, AUXILIARY, GRADCAM, WEIGHTS]))
def test_damage_is_refused_or_can_be_reported(name: str | None, how: tuple[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path, home = Path(folder) / "out.zip", Home(Path(folder) / "home")
        path.write_bytes(honest())
        if name is None:
            path.write_bytes(damaged(honest(), how))
        else:  # by one who packed it so
            content = members(path)
            packed(content | {name: damaged(content[name], how)}, path)
        try:
            merge([path], home)
        except UserError:
            assert tree(home.path) == {}
        else:
            results(read_manifest(home, "people"), Store(home), created="")


ODD = (None, -1, 2**63 - 1, 2**70, 1e308, "", "../x", "a\nb", "\x1b[2J", [], {}, [1], {"a": 1}, True, 0.5, "é" * 500)


@settings(max_examples=40)
@given(
    name=st.sampled_from([SUITE, FAILURE, RESULT]),
    place=st.integers(0, 2**20),
    value=st.one_of(st.sampled_from(ODD), st.text(max_size=3)),
    renamed=st.booleans(),
)
def test_json_with_something_odd_in_it_is_refused_or_can_be_reported(
    name: str, place: int, value: Any, renamed: bool
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out.zip"
        path.write_bytes(honest())
        content = members(path)
        whole = json.loads(content[name])
        places = list(inside(whole))
        holder, key = places[place % len(places)]
        if renamed and isinstance(holder, dict) and isinstance(value, str):
            holder[value] = holder.pop(key)
        else:
            holder[key] = value
        home = Home(Path(folder))
        unpack(packed(content | {name: json.dumps(whole).encode()}, path), home.path)
        try:
            check_home(home)
        except UserError as refused:
            printable = str(refused).isprintable()
        else:
            printable = bool(results(read_manifest(home, "people"), Store(home), created=""))
        assert printable


def inside(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and its key there."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from inside(value[key])
