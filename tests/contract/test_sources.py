"""Every source of scans that commands know, over the same synthetic subjects: the contract of `ScanSource`."""

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from afnetm.data.regions import landmark_set
from afnetm.data.registry import open_source, sources
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.scan_source import ScanSource
from afnetm.data.sources.exporting import export
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

MADE = SyntheticSource(seed=5, subjects=1, intensities=(4,), clean=True)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of synthetic scans in a layout, written when it is asked for."""
    folder = tmp_path_factory.mktemp("layouts")

    def layout(name: str) -> Path:
        if not (folder / name).exists():
            export(folder / name, MADE, layout=name, workers=1)
        return folder / name

    return layout


@pytest.fixture(scope="module", params=["synthetic", *sources().names])
def source(request, layouts, tmp_path_factory) -> ScanSource:
    if request.param == "synthetic":
        return MADE
    if request.param != "folder":
        return open_source(request.param, layouts(request.param))
    folder = layouts("bu3dfe")
    meshes = sorted(path.relative_to(folder) for path in folder.rglob("*.wrl"))
    table = tmp_path_factory.mktemp("table") / "scans.csv"
    rows = []
    for expression, mesh in zip(EXPRESSIONS, meshes, strict=True):
        texture = mesh.with_suffix(".bmp")
        rows.append(f"ada,{expression},4,{mesh},{mesh.with_suffix('.bnd')},{texture}")
    table.write_text("\n".join(["subject,expression,intensity,mesh,landmarks,texture", *rows, ""]))
    return open_source("folder", folder, table=table)


def test_ids_name_each_scan_once(source):
    ids = list(source.ids())
    assert len(ids) == len(set(ids)) == len(EXPRESSIONS)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", scan_id) for scan_id in ids), ids
    assert list(source.ids()) == ids


def test_it_says_what_decides_its_scans_in_json(source):
    said = source.describe()
    assert json.loads(json.dumps(said)) == said
    assert said["kind"]
    assert type(source.shareable) is bool
    assert source.shareable == isinstance(source, SyntheticSource), "only synthetic subjects may be shown"


def test_a_scan_is_whole_and_says_whose_it_is(source):
    for scan_id in source.ids()[:2]:
        scan = source.load(scan_id)
        assert scan.id == scan_id
        assert re.fullmatch(r"[A-Za-z0-9-]+", scan.subject)
        assert scan.expression in EXPRESSIONS
        assert 0 <= scan.intensity <= 4
        for name, kind, columns in (
            ("vertices", np.float32, 3), ("faces", np.int32, 3), ("uv", np.float32, 2), ("uv_faces", np.int32, 3),
            ("landmarks", np.float32, 3),
        ):  # fmt: skip
            array = getattr(scan, name)
            assert array.dtype == kind, name
            assert array.ndim == 2, name
            assert array.shape[1] == columns, name
        assert scan.texture.dtype == np.uint8
        assert scan.texture.ndim == 3
        assert scan.texture.shape[2] == 3
        assert len(scan.uv_faces) == len(scan.faces)
        assert len(scan.landmarks) == len(scan.landmark_names)
        landmark_set(scan.landmark_names)  # refuses what regions are not drawn for
        assert (render(scan, size=32).planes > 0).any()


def test_a_scan_is_the_same_bits_whatever_was_loaded_before_and_in_another_process(source):
    first, second = source.ids()[:2]
    one = source.load(second)
    fresh = pickle.loads(pickle.dumps(source))
    fresh.load(first)
    other = fresh.load(second)
    for field in fields(Scan):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)
    assert fresh.describe() == source.describe()


def test_a_scan_that_is_not_there_is_refused_in_one_line(source):
    with pytest.raises(UserError, match=r"^[^\n]*nobody_fear_1[^\n]*$"):
        source.load("nobody_fear_1")
