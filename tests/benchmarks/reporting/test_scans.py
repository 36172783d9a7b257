"""What a dataset that is here adds to a report, by whatever word its scans go: nuisance_factors, pictures, names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.maps import DEPTH_STEP_MM, WINDOW_MM
from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import EXPRESSIONS, Scan
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest, dataset_secret
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from benchmarks.reporting.scans import Pictures, dataset_here
from reports.data.pseudonyms import identity, words
from reports.data.results import Results
from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.archive.examples import PLACES, SUBJECTS, make_manifest, record, run


@dataclass(frozen=True)
class People:
    """The scans that travellers' records are of, each with a texture and a factor of its own."""

    shareable: bool = False

    def describe(self) -> dict[str, Any]:
        return {"kind": "people", "scans": len(self.ids())}

    def ids(self) -> Sequence[str]:
        return [f"{name}_{expression}" for name in SUBJECTS for expression in EXPRESSIONS]

    def load(self, scan_id: str) -> Scan:
        subject, expression = scan_id.rsplit("_", 1)
        number = self.ids().index(scan_id)
        texture = np.full((64, 64, 3), number + 1, np.uint8)
        scan = make_scan(texture=texture, step=5.0)
        return replace(scan, id=scan_id, subject=subject, expression=expression, nuisance={"blur_mm": float(number)})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> FaceDataset:
    return prepare_dataset(tmp_path_factory.mktemp("datasets") / "people", People(), size=32, workers=1)


@pytest.fixture
def manifest(dataset: FaceDataset) -> Manifest:
    own = make_manifest(shareable=False)
    return replace(own, dataset=own.dataset | {"fingerprint": dataset.fingerprint}, secret=dataset_secret(dataset))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(tmp_path / "home"))


def wrote(store: Store, *, secrets: Sequence[str] = ("",)) -> None:
    """Writes the suite's records, those of each fold in turn under pseudonyms of the next of `secrets`, or bare."""
    for method, fold in PLACES:
        of = run(method, fold)
        made, secret = record(of), secrets[fold % len(secrets)]
        if secret:
            table = made.predictions
            hidden = {name: table[name].map(words(table[name].unique(), column=name, secret=secret))
                      for name in ("subject", "scan")}  # fmt: skip
            marked = made.result | {"pseudonyms": identity(secret)}
            made = replace(made, predictions=table.assign(**hidden), result=marked)
        store.write(run_key(of), made)


def found(store: Store, manifest: Manifest, dataset: FaceDataset, *, with_faces: bool = True) -> Results:
    return results(manifest, store, created="", with_faces=with_faces, dataset=dataset.directory)


def test_a_face_is_what_the_dataset_has_of_it(dataset: FaceDataset) -> None:
    faces = Pictures(dataset, {"one": "TELLTALE_Bob_fear", "gone": "TELLTALE_Zoe_fear"})
    assert list(faces) == ["one"]
    row = int(np.flatnonzero(dataset.table["id"] == "TELLTALE_Bob_fear")[0])
    face, code = faces["one"], dataset.depth[row, 0].astype(float)
    assert (face.texture == dataset.texture[row].transpose(1, 2, 0)).all()
    assert (np.isfinite(face.depth) == (code > 0)).all()
    nearest = code.max()
    np.testing.assert_allclose(
        np.nanmax(face.depth) - face.depth[code > 0], (nearest - code[code > 0]) * DEPTH_STEP_MM, atol=1e-3
    )
    assert face.pixel_mm == WINDOW_MM / 32


def test_a_dataset_that_is_not_there_or_another_is_none(dataset: FaceDataset, tmp_path: Path) -> None:
    assert dataset_here(tmp_path / "gone", dataset.fingerprint) is None
    assert dataset_here(dataset.directory, "0" * 64) is None
    assert dataset_here(dataset.directory, dataset.fingerprint) is not None


@pytest.mark.parametrize("came", ["never", "all", "some"])
def test_levels_and_faces_are_each_scan_s_own_whatever_it_is_called(
    store: Store, manifest: Manifest, dataset: FaceDataset, came: str
) -> None:
    secret = dataset_secret(dataset)
    wrote(store, secrets={"never": ("",), "all": (secret,), "some": ("", secret)}[came])
    if came == "all":  # as an import leaves it where nobody has run on the dataset
        manifest = replace(manifest, secret="")
    message = found(store, manifest, dataset)
    ids = message.predictions["scan"].map(message.provenance.names)
    assert set(ids) == set(dataset.table["id"])
    assert set(message.predictions["subject"].map(message.provenance.names)) == set(SUBJECTS)
    numbers = dict(zip(message.predictions["scan"], ids.map(People().ids().index), strict=True))
    assert message.nuisance_factors.set_index("scan")["nuisance_blur_mm"].to_dict() == numbers
    assert {scan: face.texture.max() - 1 for scan, face in message.faces.items()} == numbers


def test_pseudonyms_of_another_secret_stay_what_they_are(
    store: Store, manifest: Manifest, dataset: FaceDataset
) -> None:
    wrote(store, secrets=("somebody's",))
    message = found(store, replace(manifest, secret=""), dataset)
    assert message.nuisance_factors.empty
    assert not message.faces
    assert not message.provenance.names


def test_faces_are_shown_only_where_dataset_and_manifest_agree_or_the_user_wants_them(
    store: Store, manifest: Manifest, dataset: FaceDataset, tmp_path: Path
) -> None:
    wrote(store)
    assert not found(store, manifest, dataset, with_faces=False).faces
    lying = replace(manifest, dataset=manifest.dataset | {"shareable": True}, secret="")
    assert not found(store, lying, dataset, with_faces=False).faces
    assert found(store, lying, dataset).faces
    shareable = prepare_dataset(tmp_path / "people", People(shareable=True), size=32, workers=1)
    assert shareable.fingerprint == dataset.fingerprint
    assert found(store, lying, open_dataset(shareable.directory), with_faces=False).faces
    assert not found(store, manifest, shareable, with_faces=False).faces
