"""``afnetm demo`` as a user has it: a scan goes in by keyboard, an answer comes out, and nothing stays or leaves."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import trimesh
from PIL import Image

import afnetm
from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.registry import find_method
from benchmarks.cli.demo import NEEDED
from tests.axe import violations
from tests.benchmarks.conftest import command
from tests.benchmarks.untrained import write_untrained
from tests.benchmarks.viewing.depth_pictures import write_depth_pictures
from tests.chromium import BROWSER, browser

for _name in NEEDED:
    pytest.importorskip(_name, reason="needs the extra demo")
pytestmark = pytest.mark.slow

BOUNDARY = "a-line-between"


@dataclass(frozen=True)
class Served:
    """The demo as it runs.

    Attributes:
        port: where.
        model: the folder of its model.
        temporary: where its process writes temporary files.
        files: of a scan.
    """

    port: int
    model: Path
    temporary: Path
    files: tuple[Path, ...]

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        host = headers.pop("Host", f"127.0.0.1:{self.port}")
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request(method, path, body or None, {"Host": host, **kind, **headers})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, json.loads(content) if content.startswith("{") else content

    def predict(self, files: list[tuple[str, bytes]], **headers: str) -> tuple[int, Any]:
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
            + content
            for name, content in files
        ]
        body = b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
        return self.ask("POST", "/predict", body, **{"Origin": f"http://127.0.0.1:{self.port}", **headers})

    def kept(self) -> list[str]:
        """Files that are there of what was sent."""
        return [path.name for path in self.temporary.rglob("*") if path.is_file()]


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A mesh that names no picture, its picture and its landmarks."""
    source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
    scan = source.load(source.ids()[3])
    folder = tmp_path_factory.mktemp("scan")
    faces, vertices, uv = trimesh.visual.texture.unmerge_faces(scan.faces, scan.uv_faces)
    mesh = trimesh.Trimesh(
        scan.vertices[vertices], faces, visual=trimesh.visual.TextureVisuals(uv=scan.uv[uv]), process=False
    )
    text = mesh.export(file_type="obj", write_texture=False)
    (folder / "ada.obj").write_text(re.sub(r"^(mtllib|usemtl).*\n", "", text, flags=re.MULTILINE))
    Image.fromarray(scan.texture).save(folder / "skin of ada.png")
    (folder / "points.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), scan.landmarks)))
    return tuple(folder / name for name in ("ada.obj", "skin of ada.png", "points.bnd"))


@pytest.fixture(name="served", scope="module")
def _served(files: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo of AFNet-M with its first weights; Ctrl-C ends it, and leaves nothing."""
    folder, temporary = tmp_path_factory.mktemp("model") / "model", tmp_path_factory.mktemp("temporary")
    method = find_method("afnetm")(masks="annotated")  # others are made of scans that a model is trained on
    write_untrained(folder, method, size=48)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = command(temporary / "home", "demo", str(folder), "--port", str(port), "--device", "cpu", "--no-browser")
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(temporary)}
    ) as process:
        try:
            assert process.stderr is not None
            message = process.stderr.readline()
            assert f"Demo of AFNet-M: http://127.0.0.1:{port}/" in message, message + process.stderr.read()
            sockets = psutil.Process(process.pid).net_connections("inet")
            assert {(one.laddr.ip, one.laddr.port) for one in sockets} == {("127.0.0.1", port)}
            yield Served(port, folder, temporary, files)
        finally:
            process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)
    assert (process.returncode, words) == (0, "")
    assert list(temporary.iterdir()) == []


def test_the_answer_is_that_of_the_model_and_no_file_stays(served: Served) -> None:
    status, answer = served.predict([(path.name, path.read_bytes()) for path in served.files])
    assert status == 200, answer
    mesh, picture, points = served.files
    expected = afnetm.load_model(served.model).predict_scan(read_scan(mesh, landmarks=points, texture=picture))
    assert answer["expression"] == expected.expression
    np.testing.assert_allclose(dict(answer["probabilities"])[expected.expression], expected.probability, atol=1e-5)
    assert [name for name, _ in answer["weights"]] == ["texture", "depth"]
    titles = [title for title, _ in answer["scene"]["overlays"]]
    assert titles[0] == "Regions"
    assert {"Grad-CAM: texture", "Grad-CAM: depth"} <= set(titles)
    assert served.kept() == []


def test_only_its_own_page_on_this_machine_is_answered(served: Served) -> None:
    status, page = served.ask("GET", "/")
    assert status == 200
    assert "About the model" in page
    assert served.ask("GET", "/", Host="elsewhere.example")[0] == 400
    assert served.ask("GET", "/etc/passwd")[0] == 404
    assert served.ask("POST", "/")[0] == 405
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        assert served.ask(method, "/predict")[0] == 405
    good = [(path.name, path.read_bytes()) for path in served.files]
    for origin in ("http://elsewhere.example", "null", "http://127.0.0.1:1"):
        assert served.predict(good, Origin=origin)[0] == 403
    body = b"is not read"
    assert served.ask("POST", "/predict", body)[0] == 403  # no page sends files without an Origin
    elsewhere = f"elsewhere.example:{served.port}"
    assert served.predict(good, Host=elsewhere, Origin=f"http://{elsewhere}")[0] == 400
    assert served.kept() == []


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ([], 400, "no file was sent"),
        ([("ada.obj", b"v 0 0 0\nf 1 1 9\n")], 422, r"ada\.obj, line 2: "),
        ([("face.exe", b"")], 422, r"face\.exe: a file that no scan has \(allowed: \.obj"),
        ([("../ada.obj", b"")], 422, "not a file's name"),
        ([("ada.obj", b""), ("ADA.obj", b"")], 422, "ADA.obj: sent twice"),
        ([("a.obj", b""), ("b.ply", b"")], 422, r"a\.obj, b\.ply: 2 meshes \(allowed: one scan at a time\)"),
        ([("a.png", b"")], 422, "no mesh among the files"),
        ([("a.obj", b""), ("b.bnd", b""), ("c.pts", b"")], 422, "landmarks in 2 files"),
        ([(f"{number}.png", b"") for number in range(9)], 400, "Too many files"),
    ],
)
def test_what_is_wrong_gets_one_line(served: Served, sent: list[tuple[str, bytes]], status: int, words: str) -> None:
    found, answer = served.predict(sent)
    assert found == status
    assert list(answer) == ["error"]
    assert re.search(words, answer["error"])
    assert "\n" not in answer["error"]
    assert str(served.temporary) not in answer["error"]
    assert served.kept() == []


@pytest.mark.parametrize(
    ("name", "value", "status", "words"),
    [
        ("unit", "ft", 422, "unit 'ft' is not allowed; one of: um, mm, "),
        ("files", "v 0 0 0", 400, "files are expected"),
    ],
)
def test_a_field_that_the_page_does_not_send_is_refused(
    served: Served, name: str, value: str, status: int, words: str
) -> None:
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--{BOUNDARY}--\r\n'
    found, answer = served.ask("POST", "/predict", field.encode(), Origin=f"http://127.0.0.1:{served.port}")
    assert (found, list(answer)) == (status, ["error"])
    assert words in answer["error"]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("", 411),
        ("Transfer-Encoding: chunked\r\n", 411),
        (f"Content-Length: {2**31}\r\n", 413),
        ("Content-Length: many\r\n", 400),
        ("Content-Length: -1\r\n", 400),
    ],
)
def test_what_has_no_length_or_too_large_a_one_is_refused_before_it_is_read(
    served: Served, length: str, status: int
) -> None:
    own = f"127.0.0.1:{served.port}"
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nConnection: close\r\n"
        connection.sendall(f"{head}{length}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert served.ask("GET", "/")[0] == 200
    assert served.kept() == []


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_scan_is_asked_about_by_keyboard_and_no_request_leaves_the_machine(served: Served, tmp_path: Path) -> None:
    own = f"http://127.0.0.1:{served.port}/"
    bad = tmp_path / "bad.obj"
    bad.write_text("v 0 0 0\nf 1 1 9\n")
    with browser(tmp_path) as tab:
        tab.open(own)
        tab.press("Tab", "Tab")  # past what is said of the model
        assert tab.value("document.activeElement.id") == "files"
        tab.choose("#files", bad)
        tab.wait("!document.getElementById('error').hidden")
        assert "bad.obj" in tab.value("document.getElementById('error').textContent")

        tab.choose("#files", *served.files)
        tab.press("Tab", "Tab", "Enter")
        tab.wait("document.querySelectorAll('[data-part=probabilities] tr').length === 6", seconds=120)
        assert tab.value("document.getElementById('error').hidden")
        assert "probability" in tab.value("document.getElementById('verdict').textContent")
        tab.wait("Number(document.getElementById('scene').dataset.drawn) > 0")
        assert tab.value("document.querySelector('[name=overlay]:checked').value") != "None"
        assert tab.value("document.querySelectorAll('[data-part=maps] img').length") > 4
        shares = tab.value(
            "[...document.querySelectorAll('[data-part=probabilities] .bar')].map((b) => b.style.inlineSize)"
        )
        assert sum(float(share.rstrip("%")) for share in shares) == pytest.approx(100, abs=0.1)

        def pressed(*keys: str) -> bytes:
            before = tab.value("document.getElementById('scene').dataset.drawn")
            tab.press(*keys)
            tab.wait(f"document.getElementById('scene').dataset.drawn !== '{before}'")
            return tab.picture(tmp_path / "view.png", whole=False).read_bytes()

        tab.press("Tab")  # from the answer's title to the face
        assert tab.value("document.activeElement.ariaLabel") == "ada in 3D"
        front = pressed("Home")
        for there, back in (("ArrowRight", "ArrowLeft"), ("ArrowUp", "ArrowDown")):
            assert pressed(there) != front
            assert pressed(back) == front
        assert {one for one in tab.asked if not one.startswith("data:")} == {own, f"{own}predict"}
        assert [error for error in tab.errors if "422" not in error] == []


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_files_are_dropped_together_anywhere_on_the_page(served: Served, tmp_path: Path) -> None:
    answered = "document.getElementById('status').textContent.startsWith({!r})"
    with browser(tmp_path) as tab:
        tab.open(f"http://127.0.0.1:{served.port}/")
        tab.drag("#ask", *served.files, drop=False)
        assert tab.value("document.getElementById('ask').classList.contains('over')")
        tab.drag("#ask", *served.files)
        tab.wait(answered.format("ada: "), seconds=120)
        assert not tab.value("document.getElementById('ask').classList.contains('over')")

        depth, colour, camera, points = write_depth_pictures(tmp_path)
        tab.drag("h1", depth, colour, points)
        tab.wait("!document.getElementById('error').hidden")
        assert "depth.png: its camera is missing" in tab.value("document.getElementById('error').textContent")
        tab.drag("h1", depth, colour, camera, points)
        tab.wait(answered.format("depth: "), seconds=120)
        assert tab.value("document.getElementById('error').hidden")
    assert served.kept() == []


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_axe_finds_nothing_serious(served: Served, axe: str, tmp_path: Path) -> None:
    for dark in (False, True):
        with browser(tmp_path) as tab:
            tab.open(f"http://127.0.0.1:{served.port}/", dark=dark)
            assert violations(tab, axe) == []
            tab.drag("#ask", *served.files[1:])
            tab.wait("!document.getElementById('error').hidden")
            assert violations(tab, axe) == []
            tab.drag("#ask", *served.files)
            tab.wait("document.querySelectorAll('[data-part=probabilities] tr').length === 6", seconds=120)
            assert violations(tab, axe) == []
