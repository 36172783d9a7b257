"""The hardest scans as faces: each its own, in the table's order, and not a byte of any where none may be shown."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from reports.data.faces import Face
from reports.data.results import Results
from reports.page.page import write_report
from reports.pictures.hardest import hardest, hardest_faces


def face(grey: int, *, size: int = 24) -> Face:
    """All of one grey, its depth a slope."""
    depth = np.tile(np.arange(size, dtype=np.float32), (size, 1))
    return Face(texture=np.full((size, size, 3), grey, np.uint8), depth=depth, pixel_mm=2.0)


@pytest.fixture(scope="module")
def formatted(small) -> Results:
    """The scans have faces, told apart by their grey."""
    scans = sorted(small.predictions["scan"].unique())
    return replace(small, faces={scan: face(20 + 2 * number) for number, scan in enumerate(scans)})


def images(svg: str) -> list[np.ndarray]:
    found = re.findall(r'href="data:image/png;base64,\s*([^"]+)"', svg)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def test_each_scan_has_its_own_face_texture_first_in_the_order_of_the_table(formatted):
    picture = hardest_faces(formatted)
    drawn = images(picture.svg)
    middles = [int(image[len(image) // 2, image.shape[1] // 2, 0]) for image in drawn]
    table = hardest(formatted)
    # Greys lie two apart; drawing in another size moves them by one at most.
    greys = [int(formatted.faces[scan].texture[0, 0, 0]) for scan in table["scan"]]
    assert np.abs(np.subtract(middles[::2], greys)).max() <= 1
    assert np.ptp(middles[1::2]) <= 1  # the same relief
    row = table.iloc[0]
    words = f"1. {row['scan']}, {row['expression']} {row['intensity']}: {row['taken']}"
    assert words in picture.alt
    assert f">1. {row['expression']} {row['intensity']}<" in picture.svg
    assert f">classified as {row['taken']}<" in picture.svg


def test_scans_without_a_picture_are_left_out_and_the_others_keep_their_number(formatted):
    scans = hardest(formatted)["scan"]
    some = replace(formatted, faces={scans[2]: formatted.faces[scans[2]]})
    picture = hardest_faces(some)
    assert len(images(picture.svg)) == 2
    assert f": 3. {scans[2]}" in picture.alt
    assert hardest_faces(replace(formatted, faces={})) is None


def test_the_same_faces_give_the_same_bytes(formatted):
    assert hardest_faces(formatted) == hardest_faces(formatted)


def test_the_page_lets_in_its_own_images_alone_and_only_where_there_are_any(formatted, small, tmp_path):
    with_faces, without = (
        write_report(one, tmp_path / name).read_text(encoding="utf-8") for one, name in ((formatted, "a"), (small, "b"))
    )
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', with_faces)
    assert policy.rpartition("; ")[2] == "img-src data:"
    assert "img-src" not in without
    assert "<image" not in without
    assert with_faces.count("<image") == 2 * len(hardest(formatted))
    ids = re.findall(r' id="([^"]+)"', with_faces)
    assert len(ids) == len(set(ids))
    assert {path.name for path in (tmp_path / "a" / "figures").glob("hardest*")} == {"hardest.svg", "hardest.pdf"}
    assert "(figures/hardest.svg)" in (tmp_path / "a" / "report.md").read_text(encoding="utf-8")
