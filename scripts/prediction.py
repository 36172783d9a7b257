"""Writes into docs/models.md how long the prediction for one scan takes.

    python -m scripts.prediction --repetitions 9

Time of one processor core in this process, once everything is imported and each call was made once; of the
repetitions the least counts, because what else the machine does only adds to it. The scan is a synthetic one in the
layout of BU-3DFE; the networks have their first weights, which take as long as trained ones.
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import afnetm
from afnetm.data.making import Making
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.sources.exporting import export
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.trained.model import TrainedModel
from benchmarks.records.provenance import provenance
from reports.markup import markdown
from reports.table import plain_table

DOCUMENT = Path(__file__).parents[1] / "docs" / "models.md"
#: Sizes of maps, px, and widths of the ResNet-18: the suite `quick`, and those for BU-3DFE.
MODELS = ((64, 0.25), (224, 1.0))


def model_of(size: int, width: float) -> TrainedModel:
    """AFNet-M with its first weights."""
    network = afnetm.create_model("afnetm", num_classes=len(EXPRESSIONS), width=width, masks="annotated")
    return TrainedModel(network.eval(), EXPRESSIONS, Making(size=size), RENDERING_VERSION, afnetm.TrainingConfig())


def least_seconds(call: Callable[[], object], repetitions: int) -> float:
    """The least time of this process that a call takes, after a first one that does not count."""
    call()
    taken = []
    for _ in range(repetitions):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    return min(taken)


def rows(repetitions: int) -> list[dict[str, str]]:
    """Milliseconds by model, and the scan's vertices."""
    found = []
    with TemporaryDirectory() as folder:
        source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
        files = Path(folder) / "files"
        export(files, source, layout="bu3dfe", workers=1)
        mesh = sorted(files.rglob("*_F3D.wrl"))[0]
        scan = read_scan(mesh)
        without = replace(scan, landmarks=np.zeros((0, 3), np.float32), landmark_names=())
        reading = least_seconds(partial(read_scan, mesh), repetitions)
    for size, width in MODELS:
        model = model_of(size, width)
        calls = {"given": scan, "found": without}
        seconds = {name: least_seconds(partial(model.predict_scan, one), repetitions) for name, one in calls.items()}
        found.append(
            {
                "Maps, px": str(size),
                "ResNet-18, width": f"{width:g}",
                "Files read, ms": f"{1000 * reading:.0f}",
                "Landmarks given, ms": f"{1000 * seconds['given']:.0f}",
                "Landmarks found, ms": f"{1000 * seconds['found']:.0f}",
            }
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        table = rows(options.repetitions)
    record = provenance()
    made = (
        f"Least of {options.repetitions} repetitions, time of one core; torch {record['versions']['torch']}; "
        f"{record['hardware']}; commit {record['commit']}."
    )
    text = f"{markdown(plain_table('', '', list(table[0]), [list(row.values()) for row in table])).rstrip()}\n\n{made}"
    print(text)
    place = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end of measured -->)", re.DOTALL)
    document = options.out.read_text(encoding="utf-8")
    options.out.write_text(place.sub(lambda _: f"\n{text}\n\n", document), encoding="utf-8")


if __name__ == "__main__":
    main()
