"""The summary that a licence holder may send: counts, misfits and reasons, and nobody's name, face or place."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.pictures import write_picture
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.sources.bu3dfe_export import bu3dfe_files
from afnetm.data.sources.nose_order import ORDERS
from afnetm.data.synthetic import SyntheticSource
from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.conftest import Afnetm

#: Whatever people call things; some of it is also found within the program's own messages.
NAMES = ("TELLTALE Ada", "TELLTALE of the mesh", "TELLTALE_Cai", "TELLTALE.Dee 5 mm", "TELLTALE-Eve, line 3 its")


def spoilt(scan: Scan, name: str) -> dict[str, bytes]:
    """The files of a scan by ending, spoilt in as many ways as there are names."""
    mesh = VrmlMesh(scan.vertices, scan.faces, scan.uv, scan.uv_faces, (f"{name}.png",))
    bnd = Bnd(np.zeros(83, np.int64), scan.landmarks)
    files = {".wrl": write_vrml(mesh), ".bnd": write_bnd(bnd), ".png": write_picture(scan.texture, ".png")}
    match NAMES.index(name):
        case 0:
            del files[".png"]
        case 1:
            files[".wrl"] = files[".wrl"].replace(b"point", b"TELLTALE")
        case 2:
            files[".bnd"] = write_bnd(bnd).replace(b"\r\n", b"\r\nTELLTALE ", 1)
        case 3:
            files[".bnd"] = write_bnd(replace(bnd, points=bnd.points * np.float32(1.4)))
    return files


@pytest.fixture
def people(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of one's own with tell-tale names everywhere, and its table."""
    folder, scan = tmp_path / "TELLTALE scans", make_scan(step=4.0)
    folder.mkdir()
    rows = ["subject,expression,intensity,mesh,landmarks,texture"]
    for number, name in enumerate(NAMES):
        for ending, content in spoilt(scan, name).items():
            (folder / f"{name}{ending}").write_bytes(content)
        rows.append(f'"{name}",{EXPRESSIONS[number]},2,"{name}.wrl","{name}.bnd","{name}.png"')
    table = tmp_path / "TELLTALE.csv"
    table.write_text("\n".join([*rows, '"TELLTALE Fay",fear,2,TELLTALE Fay.wrl,TELLTALE Fay.bnd,']), encoding="utf-8")
    return folder, table


def test_no_name_path_or_face_is_in_a_summary(tmp_path: Path, people: tuple[Path, Path], here: Afnetm) -> None:
    (folder, table), home = people, tmp_path / "TELLTALE home"
    prepare = ["data", "prepare", "folder", str(folder), "TELLTALE", "--table", str(table), "--size", "32"]
    here(home, *prepare, "--no-detect", code=1)
    rejected = (home / "datasets/TELLTALE/rejected.csv").read_text()
    assert rejected.count("TELLTALE") > 10
    prepared = ["data", "check", "TELLTALE", "--summary"]
    files = ["data", "check", str(folder), "--summary", "--table", str(table), "--workers", "1"]
    wording = [here(home, *words, *more).stdout for words in (prepared, files) for more in ((), ("--json",))]
    for text in wording:
        assert "TELLTALE" not in text
        assert not any(word in text for name in NAMES for word in ("Ada", "Cai", "Dee", "Eve", "Fay"))
        assert os.sep + "tmp" not in text
        assert "data:" not in text
        assert text.isprintable() or text.replace("\n", "").isprintable()
    one, other = json.loads(wording[1]), json.loads(wording[3])
    for found in (one, other):
        assert (found["scans"], found["refused"], found["subjects"]) == (1, 5, 1)
        reasons = [listed["reason"] for listed in found["reasons"]]
        assert "….csv, line …: ….png: there is no such file" in reasons
        for part in ("….bnd, line …: ", "by 17.6 mm with rows 36 to 47", "….wrl, line …: an incomplete IndexedFaceSet"):
            assert sum(part in reason for reason in reasons) == 1, (part, reasons)
    assert one["reasons"] == other["reasons"]
    assert "refused" in wording[0]


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scans in BU-3DFE's layout with one outline for a nose, and two in another order."""
    folder, made = tmp_path_factory.mktemp("data") / "BU_3DFE", SyntheticSource(seed=6, subjects=1, intensities=(4,))
    _, _, outline, _ = ORDERS
    for number, scan_id in enumerate(made.ids()):
        options = {"nose": outline} if number < 4 else {}
        for name, content in bu3dfe_files(made.load(scan_id), number=0, **options).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def test_a_summary_tells_how_the_landmarks_were_read(tmp_path: Path, files: Path, here: Afnetm) -> None:
    wording = json.loads(here(tmp_path, "data", "check", str(files), "--summary", "--json").stdout)
    nose = wording["source"]["nose"]
    assert wording["source"]["kind"] == "bu3dfe"
    assert nose["order"] == "one outline with the wings at rows 38 and 45"
    assert nose["median_misfit_mm"][nose["order"]] < 6
    assert (wording["scans"], wording["refused"], sum(wording["misfits"].values())) == (4, 2, 4)
    assert 0 < wording["misfit_mm"]["least"] <= wording["misfit_mm"]["median"] <= wording["misfit_mm"]["most"] < 10
    (listed,) = wording["reasons"]
    assert listed["scans"] == 2
    assert listed["reason"].startswith("….bnd: its eyes and nose differ from an average face by 1")
    assert " to 1" in listed["reason"]
    text = here(tmp_path, "data", "check", str(files), "--summary").stdout
    assert "scans        4 of 1 subject, 2 refused" in text
    assert "F0001" not in text + json.dumps(wording)
    assert not list(tmp_path.iterdir())


def test_where_no_scan_can_be_used_the_way_to_all_reasons_is_told(tmp_path: Path, files: Path, here: Afnetm) -> None:
    shutil.copytree(files, tmp_path / "files")
    for path in (tmp_path / "files").rglob("*.bnd"):
        path.unlink()
    done = here(tmp_path / "home", "data", "prepare", "bu3dfe", str(tmp_path / "files"), "faces", code=2)
    assert "none of 6 scans can be rendered" in done.stderr
    (command,) = [line.partition("all reasons, counted: ")[2] for line in done.stderr.splitlines() if "counted" in line]
    assert command.endswith(f"data check {tmp_path / 'files'}/ --summary")
    wording = json.loads(here(tmp_path / "home", *command.split()[3:], "--json").stdout)
    assert wording["missing"] == {"landmarks": 6}
    assert wording["reasons"] == [
        {"scans": 6, "reason": "…_F3D.bnd: there is no such file, so the scan has no landmarks"}
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--summary"], "there is no such folder"),
        (["{dir}/", "--summary"], "no prepared dataset (it has no dataset.json), and no files of one"),
        (["nowhere", "--table", "t.csv"], "--table: only with --summary"),
        (["nowhere", "--workers", "2"], "--workers: only with --summary"),
        (["{dir}/", "--summary", "--table", "none.csv"], "table none.csv: there is no such file"),
    ],
)
def test_what_cannot_be_summarised_is_said_in_one_line(
    tmp_path: Path, here: Afnetm, arguments: list[str], message: str
) -> None:
    done = here(tmp_path / "home", "data", "check", *(one.format(dir=tmp_path) for one in arguments), code=2)
    (line,) = done.stderr.splitlines()
    assert message in line
