"""``afnetm data view``: one page that loads nothing, turned by keys, with maps where there is no WebGL."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.data.dataset import open_dataset
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.pose import fit_pose
from afnetm.errors import UserError
from benchmarks.commands.viewing import write_view
from benchmarks.records.home import Home
from benchmarks.viewing.surfaces import surface_of
from tests.afnetm.data.conftest import make_scan
from tests.axe import violations
from tests.benchmarks.conftest import Afnetm
from tests.chromium import BROWSER, Tab, browser

SEEN = "Number(document.getElementById('scene').dataset.drawn) > {}"
DRAWN = "document.getElementById('scene').dataset.drawn"
FOCUSED = "document.activeElement.{}"


def view(home: Path, reference: str, **options: Any) -> Path:
    given = {"ids": (), "scans": 2, "landmarks": None, "texture": None, "unit": "mm", "size": 64, "out": None}
    return write_view(Home(home), reference, directory=home / "datasets" / reference, **{**given, **options})


def scenes(page: Path) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="scenes">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found
    return list(json.loads(found[1]))


def unpacked(text: str, kind: str, width: int) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), kind).reshape(-1, width)


def test_a_dataset_s_page_holds_all_that_it_shows(prepared: Path, tmp_path: Path, afnetm: Afnetm) -> None:
    out = tmp_path / "faces.html"
    done = afnetm(prepared, "data", "view", "tiny", "--scan", "s001_fear_4", "--out", str(out), "--no-browser")
    assert done.stdout == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    assert "default-src 'none'" in unescape(text)
    assert not re.findall(
        r'(?:src|href)="(?!data:)|url\(|import\s', re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    )
    (scene,) = scenes(out)
    assert (scene["title"], scene["facts"]["Expression"]) == ("s001_fear_4", "fear")

    dataset = open_dataset(prepared / "datasets" / "tiny")
    row = dataset.table["id"].tolist().index("s001_fear_4")
    code = dataset.depth[row, 0]
    points = unpacked(scene["surface"]["positions"], "<f4", 3)
    uv = unpacked(scene["surface"]["uv"], "<f4", 2)
    column, line = (np.array([uv[:, 0], 1 - uv[:, 1]]) * len(code)).astype(int)
    assert 100 < len(points) <= (code > 0).sum()
    np.testing.assert_allclose(points[:, 2], DEPTH_ZERO_MM + (code[line, column] - 1.0) * DEPTH_STEP_MM, atol=1e-3)
    np.testing.assert_allclose(points[:, 0], ((column + 0.5) / len(code) - 0.5) * WINDOW_MM, atol=1e-3)
    corners = points[unpacked(scene["surface"]["triangles"], "<u4", 3)]
    assert (
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    ).all()  # all face the viewer


def test_a_surface_has_every_corner_of_the_mesh_where_the_scan_has_it() -> None:
    scan = make_scan(step=5.0)
    half = scan.vertices[scan.faces][:, :, 0].mean(1) > 0  # has a piece of the texture of its own, with a seam between
    scan = replace(scan, uv=np.concatenate([scan.uv, 1 - scan.uv]), uv_faces=scan.faces + half[:, None] * len(scan.uv))
    pose = fit_pose(scan)
    surface = surface_of(scan, pose)
    assert surface.uv is not None
    np.testing.assert_array_equal(surface.uv[surface.triangles], scan.uv[scan.uv_faces])
    moved = pose.apply(scan.vertices)[scan.faces]
    np.testing.assert_allclose(surface.positions[surface.triangles], moved, atol=1e-4)


def test_bad_input_gets_a_line(prepared: Path, tmp_path: Path) -> None:
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("tiny", {"ids": ["s001_fear_3"]}, r"--scan: 's001_fear_3' is not in dataset tiny \(allowed: .*did you mean"),
        ("tiny", {"scans": 0}, "--scans: 0 is not allowed; 1 or more"),
        ("tiny", {"unit": "cm"}, "only with the file of a scan"),
        ("tiny", {"out": tmp_path / "page.pdf"}, r"--out: '.*page.pdf' must be named \*.html"),
        ("tinny", {}, r"'tinny' is neither a prepared dataset \(.*\) nor the file of a mesh \(\.obj"),
        (f"{tmp_path}/face.obj", {}, r"face\.obj: there is no such file"),
    ]
    for reference, options, words in bad:
        with pytest.raises(UserError, match=words):
            view(prepared, reference, **options)


@pytest.fixture(name="tab", scope="module")
def _tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if BROWSER is None:
        pytest.skip("needs Chromium")
    with browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


def test_a_face_is_turned_by_keys_and_nothing_is_asked_for(prepared: Path, tmp_path: Path, tab: Tab) -> None:
    url = view(prepared, "tiny", out=tmp_path / "page.html").as_uri()
    tab.open(url).wait(SEEN.format(0))
    assert tab.value("document.querySelectorAll('[data-part=maps] img').length") == 4
    assert tab.value("[...document.images].every((image) => image.complete && image.naturalWidth === 32)")

    for _ in range(4):  # the choice of a scan and its buttons come before
        tab.press("Tab")
    assert tab.value(FOCUSED.format("tagName")) == "CANVAS"
    assert "s000" in tab.value(FOCUSED.format("ariaLabel"))
    before = tab.value(DRAWN)
    front = tab.picture(tmp_path / "front.png", whole=False).read_bytes()
    tab.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", "+")
    tab.wait(SEEN.format(before))
    turned = tab.picture(tmp_path / "turned.png", whole=False).read_bytes()
    assert turned != front
    tab.press("Home")
    tab.press("Tab", "ArrowRight")  # from texture to shape, which is grey
    tab.wait("document.querySelector('[value=shape]').checked")
    tab.press("Tab", "ArrowRight")
    tab.wait("document.querySelector('[value=Regions]').checked")

    tab.value("document.getElementById('next').focus()")
    tab.press("Enter")
    tab.wait("document.querySelector('h2').textContent === document.getElementById('choice').selectedOptions[0].text")
    assert tab.value("document.getElementById('choice').selectedIndex") == 1
    assert {one for one in tab.asked if not one.startswith("data:")} == {url}
    assert tab.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(prepared: Path, tmp_path: Path, tab: Tab, axe: str, dark: bool) -> None:
    tab.open(view(prepared, "tiny", out=tmp_path / "page.html").as_uri(), dark=dark).wait(SEEN.format(0))
    assert violations(tab, axe) == []


def test_without_webgl_maps_are_still_there(prepared: Path, tmp_path: Path) -> None:
    if BROWSER is None:
        pytest.skip("needs Chromium")
    url = view(prepared, "tiny", out=tmp_path / "page.html").as_uri()
    with browser(tmp_path, webgl=False) as tab:
        tab.open(url).wait("document.querySelectorAll('[data-part=maps] img').length === 4")
        assert tab.value("document.querySelector('[data-part=without]').checkVisibility()")
        assert not tab.value("document.querySelector('canvas').checkVisibility()")
