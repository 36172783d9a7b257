import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.inside import DataFolder
from afnetm.errors import UserError


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside of every data folder."""
    path = tmp_path_factory.mktemp("outside") / "secret"
    path.write_text("secret")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, secret: Path) -> DataFolder:
    root = tmp_path_factory.mktemp("data") / "set"
    (root / "F0001").mkdir(parents=True)
    (root / "F0001" / "Face.WRL").write_bytes(b"face")
    (root / "F0001" / "twin").write_bytes(b"small")
    (root / "F0001" / "TWIN").write_bytes(b"large")
    (root / "inside").symlink_to("F0001/Face.WRL")
    (root / "to folder").symlink_to("F0001")
    (root / "out").symlink_to(secret)
    (root / "out folder").symlink_to(secret.parent)
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("pool")
    (root / "pool").symlink_to("loop")
    os.mkfifo(root / "fifo")
    return DataFolder(root)


def test_a_file_is_read_by_its_name_by_links_inside_and_by_dots_that_stay_inside(folder: DataFolder) -> None:
    for name in ("F0001/Face.WRL", "inside", "to folder/Face.WRL", "F0001/../F0001/./Face.WRL", "./inside"):
        assert folder.read(name) == b"face"


def test_a_name_in_another_case_means_the_only_file_like_it(folder: DataFolder) -> None:
    assert folder.read("f0001/FACE.wrl") == b"face"
    assert folder.read("F0001/twin") == b"small"
    assert folder.read("F0001/TWIN") == b"large"
    assert folder.find("F0001/Twin") is None


@pytest.mark.parametrize(
    "name",
    [
        *("out", "OUT", "out folder/secret", "OUT FOLDER/SECRET", "out folder/nothing"),
        *("..", "../set/inside", "F0001/../../set/inside", "nothing/../../x", "to folder/../../x"),
    ],
)
def test_nothing_outside_is_read_even_where_the_way_leads_back(folder: DataFolder, name: str) -> None:
    with pytest.raises(UserError, match=rf"^{name}: points outside the data folder$"):
        folder.read(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "/etc/passwd",
            "//etc/passwd",
            "file:///etc/passwd",
            "http://localhost/x",
            "C:/x",
            "C:x",
            "..\\x",
            "a\\b",
        ),
        *("a\0b", "a\nb", "a\x1b[2J", "a\u2028b", "a\udcff"),
    ],
)
def test_what_is_no_relative_name_is_refused_in_one_printable_line(folder: DataFolder, name: str) -> None:
    with pytest.raises(UserError, match=r"not the name of a file in the data folder \(allowed: relative") as error:
        folder.read(name)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["dangling", "loop", "pool", "nothing", "F0001/nothing/x", "inside/x", "x" * 5000])
def test_what_is_not_there_is_said_to_be_missing(folder: DataFolder, name: str) -> None:
    assert folder.find(name) is None
    with pytest.raises(UserError, match="there is no such file"):
        folder.read(name)


@pytest.mark.parametrize("name", [".", "F0001", "to folder", "fifo", "FIFO"])
def test_what_is_no_plain_file_is_refused_without_waiting(folder: DataFolder, name: str) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(UserError, match=rf"^{name}: not a regular file$"):
        folder.read(name)
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        with pytest.raises(UserError, match="not a regular file"):
            DataFolder(tmp_path).read("socket")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match=r"^large: 1099511627776 bytes \(allowed: up to 134217728\)$"):
        DataFolder(tmp_path).read("large")
    (tmp_path / "small").write_bytes(b"1234")
    assert DataFolder(tmp_path).read("small", limit=4) == b"1234"
    with pytest.raises(UserError, match="4 bytes"):
        DataFolder(tmp_path).read("small", limit=3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").write_bytes(b"")
    (tmp_path / "closed").chmod(0)
    with pytest.raises(UserError, match="closed: cannot be read"):
        DataFolder(tmp_path).read("closed")


def test_names_are_all_files_in_order_and_links_to_folders_are_not_followed(folder: DataFolder) -> None:
    files = ["dangling", "fifo", "inside", "loop", "out", "pool", "F0001/Face.WRL", "F0001/TWIN", "F0001/twin"]
    assert list(folder.names()) == files


def test_the_folder_itself_may_be_a_link_and_must_be_a_folder(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "link").symlink_to(secret.parent)
    assert DataFolder(tmp_path / "link").read("secret") == b"secret"
    for path in (tmp_path / "nothing", secret):
        with pytest.raises(UserError, match="there is no such folder"):
            DataFolder(path)


_PARTS = st.sampled_from(
    [
        "..",
        ".",
        "out",
        "out folder",
        "to folder",
        "F0001",
        "secret",
        "loop",
        "inside",
        "fifo",
        "Face.WRL",
        "",
        "~",
        "%2e",
    ]
)


@given(parts=st.lists(_PARTS | st.text(max_size=5), max_size=6), absolute=st.booleans())
def test_no_name_reads_what_is_outside(folder: DataFolder, secret: Path, parts: list[str], absolute: bool) -> None:
    name = "/".join([*([str(secret)] if absolute else []), *parts])
    try:
        found = folder.read(name)
    except UserError as error:
        found = None
        text = str(error)
    assert found in (b"face", b"small", b"large") if found else "\n" not in text


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    reading = threading.Thread(target=lambda: DataFolder(tmp_path).read("pipe"), daemon=True)
    reading.start()
    reading.join(5)
    assert not reading.is_alive()
