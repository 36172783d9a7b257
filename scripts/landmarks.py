"""Writes into docs/landmarks.md how far landmarks are from where they belong, and how well regions overlap.

    python -m scripts.landmarks --subjects 60 --intensities 3 4 --seed 0

Synthetic scans, as generated and clean, of which the generator knows where landmarks belong; the annotated ones, those
that the landmarker finds in every scan alone, and the regressor's in subject-disjoint folds.
"""

import argparse
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.data.landmark_regressor import FOLDS, out_of_fold
from afnetm.data.landmarker import find_landmarks
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS
from afnetm.data.pose import Pose, fit_pose
from afnetm.data.regions import LANDMARK_SETS, region_planes
from afnetm.data.rendering import render
from afnetm.data.scan import Scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import TEXTURE_FAILURES, Nuisance
from afnetm.data.synthetic.source import GENERATOR_VERSION
from afnetm.errors import UserError
from afnetm.workers import context
from benchmarks.records.provenance import provenance
from reports.markup import markdown
from reports.table import plain_table

DOCUMENT = Path(__file__).parents[1] / "docs" / "landmarks.md"
#: Pixels along a side of the maps, as in the embedded suites.
SIZE = 64
_SET = LANDMARK_SETS[LANDMARKS_83]
_ROWS = {region: sorted({row for part in _SET.parts[region] for row in part.rows}) for region in REGIONS}
#: What stands in a table's first column, in its order.
CONDITIONS = ("clean", "no failure", *TEXTURE_FAILURES[1:], "depth", "texture and depth")


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """One scan: its maps, and landmarks where they belong, as annotated and as found, all in the annotated pose, mm.

    Attributes:
        condition: of `CONDITIONS`.
        subject: whose face it is.
        texture, depth: as in `RenderedMaps`.
        true, annotated: ``(83, 3)``.
        found: ``(83, 3)``; NaN where no face was found.
        annotated_turn, turn: from the pose of the true landmarks to that of the annotated and of the found ones,
            degrees; NaN where none was found.
        seconds: of the processor that finding took.
    """

    condition: str
    subject: str
    texture: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    true: NDArray[np.float64]
    annotated: NDArray[np.float64]
    found: NDArray[np.float64]
    annotated_turn: float
    turn: float
    seconds: float


def measure(scan_id: str, source: SyntheticSource) -> Measured:
    """Renders a scan, and finds landmarks in it without those that it has."""
    with threadpool_limits(1):
        scan = source.load(scan_id)
        true = true_landmarks(scan, source)
        maps, pose, upright = render(scan, size=SIZE), fit_pose(scan), fit_pose(replace(scan, landmarks=true))
        found, turn, start = np.full(scan.landmarks.shape, np.nan), np.nan, time.process_time()
        try:
            landmarks = find_landmarks(scan).landmarks
            found, other = pose.apply(landmarks), fit_pose(replace(scan, landmarks=landmarks))
            turn = _degrees(upright, other)
        except UserError as error:
            print(error, flush=True)
        return Measured(
            condition="clean" if source.clean else _condition(scan),
            subject=scan.subject,
            texture=maps.texture,
            depth=maps.depth,
            true=pose.apply(true),
            annotated=pose.apply(scan.landmarks),
            found=found,
            annotated_turn=_degrees(upright, pose),
            turn=turn,
            seconds=time.process_time() - start,
        )


def true_landmarks(scan: Scan, source: SyntheticSource) -> NDArray[np.float32]:
    """Landmarks of a scan of `source` where the generator has them, ``(83, 3)`` in mm, in the scan's own frame."""
    drawn = Nuisance(**{field.name: scan.nuisance[field.name] for field in fields(Nuisance)})
    exact = make_scan(
        seed=source.seed,
        number=int(scan.subject.removeprefix("s")),
        expression=scan.expression,
        intensity=scan.intensity,
        nuisance=drawn.without("landmark_error"),
        variant=source.variant,
    )
    return exact.landmarks


def _degrees(one: Pose, other: Pose) -> float:
    return float(np.degrees(Rotation.from_matrix(one.rotation @ other.rotation.T).magnitude()))


def _condition(scan: Scan) -> str:
    texture, depth = scan.nuisance["texture_failure"] > 0, scan.nuisance["depth_failure"] > 0
    if texture and depth:
        return "texture and depth"
    return (
        TEXTURE_FAILURES[int(scan.nuisance["texture_failure_kind"])]
        if texture
        else ("depth" if depth else "no failure")
    )


def errors_mm(found: NDArray[np.floating], true: NDArray[np.floating]) -> dict[str, float]:
    """Mean distances in space of the landmarks of each region, ``(N, 83, 3)`` both."""
    distance = np.linalg.norm(found - true, axis=-1)
    return {region: float(distance[:, rows].mean()) for region, rows in _ROWS.items()}


def overlaps(found: NDArray[np.floating], true: NDArray[np.floating]) -> dict[str, float]:
    """Mean intersection over union of the planes of each region, ``(N, 83, 3)`` both."""
    drawn = [np.stack([region_planes(one, _SET, size=SIZE) for one in many]) for many in (found, true)]
    shares = {}
    for region in REGIONS:
        first, second = ((planes & PLANES[region]) > 0 for planes in drawn)
        shares[region] = float(((first & second).sum((1, 2)) / (first | second).sum((1, 2))).mean())
    return shares


def rows(
    measured: Sequence[Measured], predicted: NDArray[np.floating], mean: NDArray[np.floating]
) -> list[dict[str, str]]:
    """The table: a row for each way of getting landmarks, in each condition."""
    table = []
    for condition in CONDITIONS:
        at = [row for row, scan in enumerate(measured) if scan.condition == condition]
        there = [row for row in at if np.isfinite(measured[row].turn)]
        found, annotated = (np.stack([getattr(scan, name) for scan in measured]) for name in ("found", "annotated"))
        ways = {
            "annotator": (at, annotated, "annotated_turn"),
            "landmarker": (there, found, "turn"),
            "regressor": (at, predicted, None),
            "mean": (at, mean, None),
        }
        for way, (used, landmarks, turn) in ways.items():
            if used:
                true = np.stack([measured[row].true for row in used])
                far, shared = errors_mm(landmarks[used], true), overlaps(landmarks[used], true)
                turns = f"{np.mean([getattr(measured[row], turn) for row in used]):.1f}" if turn else ""
                table.append(
                    {"Sensor failure": condition, "Landmarks from": way, "Found": f"{len(used)} of {len(at)}"}
                    | {f"{region}, mm": f"{far[region]:.1f}" for region in REGIONS}
                    | {f"{region}, IoU": f"{shared[region]:.2f}" for region in REGIONS}
                    | {"Pose, degrees": turns}
                )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--intensities", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    options = parser.parse_args(arguments)
    measured: list[Measured] = []
    predicted, mean = [], []
    for clean in (True, False):
        source = SyntheticSource(
            seed=options.seed, subjects=options.subjects, intensities=tuple(options.intensities), clean=clean
        )
        with ProcessPoolExecutor(options.workers, mp_context=context(__name__)) as pool:
            scans = list(pool.map(partial(measure, source=source), source.ids(), chunksize=8))
        texture, depth = (np.stack([getattr(scan, name) for scan in scans]) for name in ("texture", "depth"))
        annotated, subjects = np.stack([scan.annotated for scan in scans]), np.array([scan.subject for scan in scans])
        predicted.append(out_of_fold(texture, depth, annotated, subjects))
        others = [annotated[subjects != subject].mean(0) for subject in subjects]
        mean.append(np.stack(others))
        measured += scans
    table = rows(measured, np.concatenate(predicted), np.concatenate(mean))
    milliseconds = 1000 * np.median([scan.seconds for scan in measured])
    record = provenance()
    intensities = " and ".join(map(str, options.intensities))
    made = (
        f"Generator version {GENERATOR_VERSION}, seed {options.seed}: {options.subjects} subjects x 6 expressions at "
        f"intensities {intensities}, clean and as generated, {len(measured)} scans; {FOLDS} folds; the landmarker "
        f"takes {milliseconds:.0f} ms of one core per scan (median). ai-edge-litert "
        f"{version('ai-edge-litert')}, numpy {record['versions']['numpy']}, scikit-learn "
        f"{record['versions']['scikit-learn']}; {record['hardware']}; commit {record['commit']}."
    )
    text = f"{made}\n\n{markdown(plain_table('', '', list(table[0]), [list(row.values()) for row in table]))}"
    print(text)
    place = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end of measured -->)", re.DOTALL)
    document = options.out.read_text(encoding="utf-8")
    options.out.write_text(place.sub(lambda _: f"\n{text}\n", document), encoding="utf-8")


if __name__ == "__main__":
    main()
