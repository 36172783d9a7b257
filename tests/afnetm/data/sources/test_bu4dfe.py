"""BU-4DFE: files in its layout to scans, one frame of a sequence, and what such a folder may have wrong with it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from afnetm.data.formats.bnd import read_bnd, write_bnd
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.sources import bu4dfe
from afnetm.data.sources.bu4dfe import Bu4dfeSource
from afnetm.data.sources.bu4dfe_export import bu4dfe_files
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

PLACE = "F001/Angry/030"
MOUTH = [row for row, name in enumerate(LANDMARKS_83) if "mouth" in name]
needs_models = pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra landmarks is not installed")


def write(root: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.fixture(name="scan", scope="module")
def _scan(make_scan: Callable[..., Scan]) -> Scan:
    return replace(make_scan(step=4.0), expression="anger", intensity=3)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, scan: Scan) -> Path:
    write(tmp_path / "BU", bu4dfe_files(scan, number=0))
    return tmp_path / "BU"


def test_a_frame_is_read_as_it_was_written(folder: Path, scan: Scan) -> None:
    found = Bu4dfeSource(folder=folder).load("F001_anger")
    for name in ("vertices", "faces", "uv", "uv_faces", "landmarks"):
        np.testing.assert_array_equal(getattr(found, name), getattr(scan, name), err_msg=name)
    assert np.abs(found.texture.astype(int) - scan.texture).mean() < 3  # JPEG
    assert (found.subject, found.expression, found.intensity) == ("F001", "anger", 0)
    assert found.source == f"BU4DFE/{PLACE}.wrl"
    assert not found.landmarks_found


def test_names_give_labels_in_the_order_of_subjects_expressions_and_frames(tmp_path: Path) -> None:
    for subject in ("M043", "f001"):
        for name in reversed(bu4dfe.FOLDERS):
            write(tmp_path, {f"part 1/{subject}/{name}/0{n}0.{end}": b"" for n in (4, 0) for end in ("WRL", "jpg")})
    write(tmp_path, {"F001/Sad/100.jpg": b"", "F001/Sad/x.bnd": b"", "readme.txt": b"", "F1/Sad/000.wrl": b""})
    found = Bu4dfeSource(folder=tmp_path).inspect()
    assert [(scan.subject, scan.expression) for scan in found.scans] == [
        (subject, expression) for subject in ("F001", "M043") for expression in EXPRESSIONS
    ]
    assert found.absent == ["99 of the dataset's 101 subjects"]
    assert found.left_out == {"other files": 3, "pictures and landmarks without a mesh": 1}
    assert found.without_landmarks == 12
    some = Bu4dfeSource(folder=tmp_path, frames=(40, 41))
    assert some.ids()[:2] == ["F001_anger_040", "F001_disgust_040"]
    assert some.inspect().absent[1] == "12 frames of the subjects that are here"
    assert some.inspect().left_out["other frames"] == 12
    with pytest.raises(UserError, match=r"no sequence of BU-4DFE with frames \[7\]"):
        Bu4dfeSource(folder=tmp_path, frames=(7,)).ids()


@given(
    moved=st.lists(st.integers(0, 40), min_size=2, max_size=6, unique=True),
    seed=st.integers(0, 1000),
    damaged=st.booleans(),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_frame_is_chosen_whose_mouth_moved_most_however_the_head_did(
    tmp_path: Path, scan: Scan, moved: list[int], seed: int, damaged: bool
) -> None:
    """By how far the mouth was moved from where it is in the first frame, which nobody tells the reader."""
    distances = [abs(millimetres - moved[0]) for millimetres in moved]
    assume(distances.count(max(distances)) == 1)  # of two as far, up and down, rounding decides
    shutil.rmtree(tmp_path / "moved", ignore_errors=True)
    rng = np.random.default_rng(seed)
    for number, millimetres in enumerate(moved):
        landmarks = scan.landmarks.copy()
        landmarks[MOUTH, 1] -= millimetres / 4
        turn, shift = Rotation.from_rotvec(rng.normal(0, 0.3, 3)), rng.normal(0, 50, 3)
        frame = replace(
            scan,
            landmarks=(turn.apply(landmarks) + shift).astype(np.float32),
            vertices=(turn.apply(scan.vertices) + shift).astype(np.float32),
            intensity=number,
        )
        write(tmp_path / "moved", bu4dfe_files(frame, number=0))
    if damaged:
        write(tmp_path / "moved", {"BU4DFE/F001/Angry/900.wrl": b"", "BU4DFE_BND_V1.1/F001/Angry/900.bnd": b"1 2 3"})
    expected = distances.index(max(distances))
    loaded = Bu4dfeSource(folder=tmp_path / "moved").load("F001_anger")
    assert loaded.source == f"BU4DFE/F001/Angry/{10 * expected:03d}.wrl"


@needs_models
def test_where_no_frame_has_landmarks_every_few_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SyntheticSource(seed=1, subjects=1, intensities=(1, 4), clean=True)
    subtle, strong = (made.load(f"s000_surprise_{intensity}") for intensity in (1, 4))
    for scan in (subtle, replace(subtle, intensity=2), strong):
        files = bu4dfe_files(scan, number=60)
        write(tmp_path / "BU", {name: content for name, content in files.items() if not name.endswith(".bnd")})
    looked: list[str] = []
    real = bu4dfe.with_landmarks

    def note(scan: Scan) -> Scan:
        looked.append(scan.source)
        return real(scan)

    monkeypatch.setattr(bu4dfe, "with_landmarks", note)
    source = Bu4dfeSource(folder=tmp_path / "BU", every=2)
    assert source.ids() == ["M003_surprise"]
    scan = source.load("M003_surprise")
    assert looked == [f"BU4DFE/M003/Surprise/{frame}.wrl" for frame in ("010", "040")]
    assert (scan.source, scan.landmark_names) == ("BU4DFE/M003/Surprise/040.wrl", ())
    dataset = prepare_dataset(tmp_path / "made", source, size=32, workers=1)
    assert dataset.table["landmarks_found"].tolist() == [1]
    assert dataset.pose == "detected"


def test_a_frame_that_is_there_twice_is_refused(folder: Path) -> None:
    shutil.copytree(folder / "BU4DFE", folder / "copy")
    with pytest.raises(UserError, match=rf"copy/{PLACE}.jpg: it exists twice, also as BU4DFE/{PLACE}.jpg"):
        Bu4dfeSource(folder=folder).inspect()


def test_landmarks_far_from_the_mesh_are_refused(folder: Path) -> None:
    path = folder / "BU4DFE_BND_V1.1" / f"{PLACE}.bnd"
    bnd = read_bnd(path.read_bytes(), "bnd")
    path.write_bytes(write_bnd(replace(bnd, points=bnd.points + np.float32(60))))
    with pytest.raises(UserError, match=rf"{PLACE}.bnd: its landmarks are \d+ mm from the surface of BU4DFE/{PLACE}"):
        Bu4dfeSource(folder=folder).load("F001_anger")


@given(
    end=st.sampled_from(["wrl", "jpg", "bnd"]),
    cut=st.floats(0, 1),
    junk=st.binary(max_size=12),
    twice=st.booleans(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, scan: Scan, end: str, cut: float, junk: bytes, twice: bool
) -> None:
    files = bu4dfe_files(scan, number=0)
    name = next(name for name in files if name.endswith(end))
    content, at = files[name], int(cut * len(files[name]))
    files[name] = content[:at] + junk + (content[max(at - 50, 0) :] if twice else content[at + len(junk) :])
    write(tmp_path / "fuzzed", files)
    try:
        found, why = Bu4dfeSource(folder=tmp_path / "fuzzed").load("F001_anger"), ""
    except UserError as error:
        found, why = None, str(error)
    assert found is None or (np.isfinite(found.vertices).all() and found.landmarks.shape == (83, 3))
    assert found or (why.isprintable() and "F001" in why)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": ()}, r"frames: \[\] \(allowed: one or more of 0 to 999, each once\)"),
        ({"frames": (3, 3)}, r"frames: \[3, 3\]"),
        ({"frames": (-1,)}, r"frames: \[-1\]"),
        ({"every": 0}, r"every: 0 \(allowed: 1 or more\)"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Bu4dfeSource(folder=tmp_path, **options)  # type: ignore[arg-type]
