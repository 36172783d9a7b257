import pickle
from dataclasses import replace

import numpy as np
import pytest

from afnetm.data.formats.bnt import read_bnt, write_bnt
from afnetm.data.formats.lm import read_lm3
from afnetm.data.landmarks import LANDMARKS_22
from afnetm.data.maps import DEPTH_STEP_MM, PLANES
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.sources.bosphorus import BosphorusSource
from afnetm.data.sources.bosphorus_export import GRID, bosphorus_files
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

STEM = "bs001/bs001_E_HAPPY_4"
ID = "bs001_E_HAPPY_4"


@pytest.fixture(name="made", scope="module")
def _made():
    return SyntheticSource(seed=0, subjects=2, intensities=(4,), clean=True)


@pytest.fixture(name="files", scope="module")
def _files(made):
    return bosphorus_files(made.load("s001_happiness_4"), number=1)


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def touch(root, *names):
    write(root, dict.fromkeys(names, b""))


def valid(maps):
    return maps.planes[0] & PLANES["valid"] > 0


@pytest.mark.parametrize(
    ("scan_id", "stem"), [("s000_anger_4", "bs000_E_ANGER_4"), ("s001_surprise_4", "bs001_E_SURPRISE_4")]
)
def test_a_scan_comes_back_from_its_files(made, tmp_path, scan_id, stem):
    scan = made.load(scan_id)
    write(tmp_path, bosphorus_files(scan, number=int(scan.subject[1:])))
    source = BosphorusSource(folder=tmp_path)
    assert source.ids() == [stem]
    found = source.load(stem)
    assert (found.subject, found.expression, found.intensity) == (stem[:5], scan.expression, 0)
    assert found.source == f"{stem[:5]}/{stem}.bnt"
    assert 25_000 < len(found.vertices) < 45_000  # as Bosphorus has

    direct, again = (render(one, size=96) for one in (scan, found))
    both = valid(direct) & valid(again)
    apart = np.abs(direct.depth[0].astype(int) - again.depth[0])[both] * DEPTH_STEP_MM
    assert np.median(apart) <= 0.1
    assert np.percentile(apart, 99) <= 1.0
    colours = np.abs(direct.texture.astype(int) - again.texture)[:, both]
    assert np.median(colours) <= 3
    # What a turn of the head brings into view, the sensor in front of it had not seen.
    assert both.sum() >= 0.94 * (valid(direct) | valid(again)).sum()


@pytest.mark.parametrize("change", ["v from the top", "columns from the right", "no .lm3", "png not beside"])
def test_what_is_not_documented_does_not_matter(files, tmp_path, change):
    expected, changed = tmp_path / "expected", tmp_path / "changed"
    write(expected, files)
    other = dict(files)
    grid = read_bnt(files[f"{STEM}.bnt"], STEM)
    if change == "v from the top":
        other[f"{STEM}.bnt"] = write_bnt(replace(grid, uv=grid.uv * (1, -1) + (0, 1)))
    elif change == "columns from the right":
        other[f"{STEM}.bnt"] = write_bnt(
            replace(grid, points=grid.points[:, ::-1], uv=grid.uv[:, ::-1], measured=grid.measured[:, ::-1])
        )
    elif change == "no .lm3":
        del other[f"{STEM}.lm3"]
    else:
        other = {name.split("/")[1].replace(".png", ".PNG"): content for name, content in files.items()}
        other[f"pictures/{ID}.PNG"] = other.pop(f"{ID}.PNG")
    write(changed, other)
    one, two = (BosphorusSource(folder=folder).load(ID) for folder in (expected, changed))
    if change == "no .lm3":
        # The annotators err in depth too, which no photograph knows: this is the nearest point seen from the front.
        assert np.isfinite(two.landmarks).all()
        # Beside the open mouth that may be the next point but one of a grid of about a millimetre.
        aside = np.linalg.norm((one.landmarks - two.landmarks)[:, :2], axis=1)
        assert np.median(aside) < 0.6
        assert aside.max() < 1.5
    else:
        np.testing.assert_array_equal(one.landmarks, two.landmarks)
        maps = [render(scan, size=64) for scan in (one, two)]
        difference = np.abs(maps[0].texture.astype(int) - maps[1].texture)
        assert difference.mean() < 0.2
        assert np.mean(maps[0].planes != maps[1].planes) < 0.002


@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_a_point_that_is_half_background_is_left_out_and_the_scan_is_used(files, tmp_path, value):
    half, whole = tmp_path / "half", tmp_path / "whole"
    write(half, files)
    write(whole, files)
    content = bytearray(files[f"{STEM}.bnt"])
    numbers = np.frombuffer(content, "<f8", offset=len(content) - 5 * GRID * GRID * 8).reshape(5, -1)
    background = numbers[2, 0]
    middle = np.flatnonzero(numbers[2] != background)[::40]
    assert len(middle) > 500
    numbers[0, middle] = background if value is None else value
    (half / f"{STEM}.bnt").write_bytes(content)
    numbers[:3, middle] = background
    (whole / f"{STEM}.bnt").write_bytes(content)
    one, two = (BosphorusSource(folder=folder).load(ID) for folder in (half, whole))
    for name in ("vertices", "faces", "uv"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert np.abs(one.vertices).max() < 1000
    render(one, size=32)


def test_landmarks_that_a_scan_has_not_are_missing_in_its_files(made, files, tmp_path):
    write(tmp_path, files)
    named = read_lm3(files[f"{STEM}.lm3"], STEM)
    assert named.names == LANDMARKS_22
    lines = files[f"{STEM}.lm3"].decode().split("\r\n")
    (tmp_path / f"{STEM}.lm3").write_text("\n".join(["21 landmarks:", *lines[3:]]))
    landmarks = BosphorusSource(folder=tmp_path).load(ID).landmarks
    assert np.isnan(landmarks[0]).all()
    np.testing.assert_array_equal(landmarks[1:], named.points[1:].astype(np.float32))


def test_a_folder_is_inspected_by_names_alone(tmp_path):
    scans = [f"bs000_E_{tag}_0" for tag in ("ANGER", "DISGUST", "FEAR", "HAPPY", "SADNESS", "SURPRISE")]
    scans += ["bs007_E_FEAR_1", "bs007_E_FEAR_0", "bs104_E_HAPPY_0"]
    for name in scans:
        touch(tmp_path, *(f"{name[:5]}/{name}{ending}" for ending in (".bnt", ".png", ".lm3", ".lm2")))
    others = ["N_N_0", "LFAU_12_0", "LFAU_9_0", "UFAU_1_0", "CAU_A12A15_0", "YR_R10_0", "PR_U_0", "CR_RU_0", "O_EYE_0"]
    touch(tmp_path, *(f"bs000/bs000_{name}.{ending}" for name in others for ending in ("bnt", "png", "lm3")))
    touch(tmp_path, "bs000/bs000_E_SMIRK_0.bnt", "readme.txt", "bs009/bs009_E_FEAR_0.png")
    (tmp_path / "bs007/bs007_E_FEAR_0.png").unlink()
    (tmp_path / "bs104/bs104_E_HAPPY_0.lm3").unlink()
    (tmp_path / "bs104/bs104_E_HAPPY_0.lm2").unlink()
    source = BosphorusSource(folder=tmp_path)
    assert source.ids() == [*scans[:6], "bs007_E_FEAR_0", "bs007_E_FEAR_1", "bs104_E_HAPPY_0"]
    found = source.inspect()
    assert [scan.expression for scan in found.scans[:6]] == list(EXPRESSIONS)
    assert (found.subjects, found.expressions["fear"], dict(found.intensities)) == (3, 3, {0: 9})
    assert dict(found.missing) == {"texture": 1, "landmarks": 1}
    assert dict(found.left_out) == {
        "neutral scans": 1,
        "scans of lower face action units": 2,
        "scans of upper face action units": 1,
        "scans of combined action units": 1,
        "scans turned sideways": 1,
        "scans turned up or down": 1,
        "scans turned both ways": 1,
        "scans with something before the face": 1,
        "scans of other expressions": 1,
        "other files": 1,
        "pictures and landmarks without a range image": 1,
    }
    (line,) = found.absent
    assert "102 have none of the six expressions here and 2 not all; 1 subjects have all six" in line


def test_describe_tells_folders_apart_and_names_nobody(tmp_path, files):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, files)
    write(two, files)
    sources = [BosphorusSource(folder=folder) for folder in (one, two)]
    assert sources[0].describe() == sources[1].describe()
    assert sources[0].describe()["scans"] == 1
    assert not any(word in str(sources[0].describe()) for word in ("bs001", "HAPPY", str(tmp_path)))
    assert not sources[0].shareable
    (two / f"{STEM}.lm3").write_bytes(files[f"{STEM}.lm3"] + b"\n")
    assert BosphorusSource(folder=two).describe() != sources[0].describe()
    assert len(pickle.dumps(sources[0])) < 2000
    assert pickle.loads(pickle.dumps(sources[0])).ids() == [ID]


def _spoil(files, what):
    changed = dict(files)
    match what:
        case "no texture":
            del changed[f"{STEM}.png"]
        case "no landmarks":
            del changed[f"{STEM}.lm2"], changed[f"{STEM}.lm3"]
        case "bad landmarks":
            changed[f"{STEM}.lm3"] = b"1 landmarks:\r\nNose tip\r\nhere\r\n"
        case "other landmarks":
            changed[f"{STEM}.lm3"] = b"1 landmarks:\nTail\n1 2 3\n"
        case "bad picture":
            changed[f"{STEM}.png"] = b"GIF89a"
        case "cut":
            changed[f"{STEM}.bnt"] = files[f"{STEM}.bnt"][:-8]
        case "background only":
            grid = read_bnt(files[f"{STEM}.bnt"], STEM)
            changed[f"{STEM}.bnt"] = write_bnt(replace(grid, measured=np.zeros_like(grid.measured)))
    return changed


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no texture", rf"{STEM}.bnt: without texture .looked for: {ID}.png"),
        ("no landmarks", rf"{STEM}.bnt: without landmarks .looked for: {ID}.lm3 or .lm2"),
        ("bad landmarks", rf"{STEM}.lm3, line 3: 'here' "),
        ("other landmarks", rf"{STEM}.lm3: without any of Bosphorus's landmarks"),
        ("bad picture", rf"{STEM}.png"),
        ("cut", rf"{STEM}.bnt, offset \d+: \d+ bytes follow"),
        ("background only", rf"{STEM}.bnt: no three neighbouring points"),
    ],
)
def test_a_bad_scan_stays_in_the_list_and_says_what_is_wrong(files, tmp_path, what, says):
    write(tmp_path, _spoil(files, what))
    source = BosphorusSource(folder=tmp_path)
    assert source.ids() == [ID]
    with pytest.raises(UserError, match=f"^{says}"):
        source.load(ID)


def test_nothing_is_read_outside_the_folder(files, tmp_path):
    write(tmp_path / "elsewhere", files)
    (tmp_path / "data/bs001").mkdir(parents=True)
    for name in files:
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere" / name)
    with pytest.raises(UserError, match="points outside the data folder"):
        BosphorusSource(folder=tmp_path / "data").load(ID)


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        BosphorusSource(folder=tmp_path / "none")
    touch(tmp_path, "bs000/bs000_N_N_0.bnt")
    with pytest.raises(UserError, match="no expressive scan of Bosphorus"):
        BosphorusSource(folder=tmp_path).ids()
    touch(tmp_path, "a/bs000_E_FEAR_0.bnt", "b/bs000_E_FEAR_0.BNT")
    with pytest.raises(UserError, match=r"b/bs000_E_FEAR_0.BNT: it exists twice, also as a/bs000_E_FEAR_0.bnt"):
        BosphorusSource(folder=tmp_path).inspect()
    (tmp_path / "b/bs000_E_FEAR_0.BNT").unlink()
    with pytest.raises(UserError, match="scan 'x' is not among"):
        BosphorusSource(folder=tmp_path).load("x")


def test_an_exported_range_image_is_on_a_regular_grid(files):
    grid = read_bnt(files[f"{STEM}.bnt"], STEM)
    assert grid.measured.shape == (GRID, GRID)
    steps = np.diff(grid.points[..., 0], axis=1)
    np.testing.assert_allclose(steps[np.isfinite(steps)], 1.0, atol=1e-3)


def test_what_has_no_name_in_the_layout_is_refused(make_scan):
    scan = make_scan(step=5.0)
    for bad, says in (
        (replace(scan, expression="neutral"), "neutral of subject 0 has no name in Bosphorus's layout"),
        (replace(scan, landmark_names=LANDMARKS_22), "22 landmarks|landmarks"),
        (replace(scan, faces=scan.faces[:, ::-1]), "no part of its surface is in front"),
    ):
        with pytest.raises(UserError, match=f"scan face: .*{says}"):
            bosphorus_files(bad, number=0)
