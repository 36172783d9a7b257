"""Archives that lie about what they are: refused in one line, and the home is as it was."""

import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.archive import zipped
from benchmarks.archive.importing import import_suite
from benchmarks.records.home import Home
from tests.benchmarks.archive.examples import packed
from tests.benchmarks.archive.spoiling import CURVES, KEY, RESULT, Content, honest, refusal


def test_it_is_taken_as_it_is(content: Content, tmp_path: Path) -> None:
    import_suite(packed(content, tmp_path / "out.zip"), home := Home(tmp_path / "there"))
    assert (home.runs / KEY / "weights.safetensors").is_file()


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
    """An archive of `content`, contents and all, as it is."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil",
            "/etc/passwd",
            "runs/../../evil",
            f"runs/{KEY}/../../evil",
            "..",
            ".",
            "runs/",
            f"runs/{KEY}/",
        ),
        *(r"..\evil", rf"runs\{KEY}\result.json", "C:/evil", "C:evil", "//host/share", "CON", "runs/NUL/result.json"),
        *(f"runs/{KEY.upper()}/result.json", f"runs/{KEY}/Result.json", f"runs/{KEY}/result.json ", "Manifest.json"),
        *(f"runs/{KEY}/result.json\0.txt", f"runs/{KEY}x/result.json", f"runs/.{KEY}/result.json", "evil.py"),
        *(f"runs/{KEY}/model.pkl", f"./runs/{KEY}/result.json", "runs/٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩/result.json"),
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
    data[start + 8] |= 1  # of the first listed of the directory
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
    monkeypatch.setattr(zipped, "MAX_MEMBERS", len(content))
    assert f"{len(content) + 1} members (allowed: up to " in refusal(
        packed(content | {f"runs/{'0' * 20}/curves.csv": b""}, tmp_path / "out.zip"), home
    )


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"format": 2}, "format = 2; this version of afnetm reads 1"),
        ({"format": "1"}, "format = '1'; this version of afnetm reads 1"),
        ({"suite": ".."}, "suite = .*should be letters"),
        ({"members": {}}, "contents.json does not name it"),
        ({"members": {"x": 1}}, "members.x should be an object"),
        ({"members": None}, "members = null"),
    ],
)
def test_contents_of_something_else_is_refused(
    contents: dict[str, Any], message: str, content: Content, home: Home, tmp_path: Path
) -> None:
    assert re.search(message, refusal(packed(content, tmp_path / "out.zip", **contents), home))


def test_a_file_that_is_no_archive_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    assert "there is no such file" in refusal(path, home)
    for data in (b"", b"PK\x05\x06" + bytes(18), b"x" * 1000, honest()[:-30]):
        path.write_bytes(data)
        refusal(path, home)
    path.unlink()
    os.mkfifo(path)
    assert "not a plain file" in refusal(path, home)
