"""Severities of the corruptions by a classifier that is no registered method; their values were chosen by it.

    python -m scripts.corruptions --write

fits PCA with LDA to clean scans of 40 synthetic subjects of a seed that no suite has, on the modality that a corruption
is of or on both, and prints its accuracy on scans of 20 other subjects at every severity; about a quarter of an hour.
`--write` puts the table into docs/corruptions.md and renews the pictures there (`scripts.corruption_pictures`);
`--only` measures some, and writes nothing.
"""

import argparse
import inspect
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.corruptions import Corruption, corrupted, corruptions, find_corruption
from afnetm.data.dataset import FaceDataset, dataset_directory, open_dataset
from afnetm.data.decoding import normals, plane_bits, scaled, unpacked
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.preparing import prepare_dataset
from afnetm.data.synthetic import GENERATOR_VERSION, SyntheticSource
from afnetm.workers import in_processes
from benchmarks.records.provenance import provenance
from scripts.corruption_pictures import write_pictures
from scripts.difficulty import halved, linear_model

NAME = "synthetic-corruptions"
#: Those of the suites have other seeds.
SOURCE = SyntheticSource(seed=204, subjects=60, intensities=(3, 4))
SIZE, TRAINED = 64, 40
#: Blocks of features by which a corruption of each group is measured.
INPUTS = {
    "texture": ("texture",),
    "depth": ("depth",),
    "both": ("texture", "depth"),
    "landmarks": ("masks", "landmarks"),
    "modality": ("texture", "depth"),
}
DOCUMENT = Path(__file__).parent.parent / "docs/corruptions.md"
_SEVERITIES = 5


class Measured:
    """Accuracy of PCA with LDA that is fitted to clean scans of some subjects, on scans of the others.

    Args:
        dataset: `TRAINED` subjects and others.
    """

    def __init__(self, dataset: FaceDataset) -> None:
        subjects = sorted(set(dataset.subjects))
        train = np.isin(dataset.subjects, subjects[:TRAINED])
        self.dataset, self.test = dataset, np.flatnonzero(~train)
        self._people = dataset.subjects[self.test]
        blocks = blocks_of(dataset)
        self._models: dict[tuple[str, ...], Pipeline] = {}
        for names in dict.fromkeys([*INPUTS.values(), ("texture",), ("depth",)]):
            flat = [blocks[name][train] for name in names]
            model = linear_model([block.shape[1] for block in flat], scans=int(train.sum()))
            self._models[names] = model.fit(np.concatenate(flat, 1), dataset.labels[train])
        self._clean = {name: block[self.test] for name, block in blocks.items()}

    def clean(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Accuracy in % on clean scans by these blocks, and its standard error over subjects."""
        return self._score(self._clean, names)

    def accuracies(self, corruption: Corruption) -> list[float]:
        """Accuracy in % at each severity."""
        found = []
        for severity in range(1, len(corruption.severities) + 1):
            blocks = blocks_of(corrupted(self.dataset, self.test, corruption, severity))
            found.append(self._score(blocks, INPUTS[corruption.of])[0])
        return found

    def _score(self, blocks: dict[str, NDArray[np.float32]], names: tuple[str, ...]) -> tuple[float, float]:
        found = self._models[names].predict(np.concatenate([blocks[name] for name in names], 1))
        right = found == self.dataset.labels[self.test]
        by_subject = [right[self._people == one].mean() for one in np.unique(self._people)]
        return 100 * float(right.mean()), 100 * float(np.std(by_subject, ddof=1) / np.sqrt(len(by_subject)))


def blocks_of(dataset: FaceDataset) -> dict[str, NDArray[np.float32]]:
    """Features ``(N, ...)`` of all scans by block, as methods read them (`afnetm.FaceBatch`); pictures at half size."""
    stored = (np.array(array) for array in (dataset.texture, dataset.depth.view(np.int16), dataset.planes))
    maps = [torch.from_numpy(array) for array in stored]
    texture, z, present, planes = unpacked(maps[0], maps[1], maps[2], plane_bits(torch.device("cpu")))
    colour, depth = scaled(texture, z, present)
    surface = torch.cat([depth, normals(z, present > 0, pixel_mm=dataset.pixel_mm)], 1)
    made = {"texture": colour, "depth": surface, "masks": planes[:, 1:]}
    blocks = {name: halved(block.numpy()).reshape(len(dataset), -1) for name, block in made.items()}
    return blocks | {"landmarks": np.nan_to_num(dataset.landmarks).reshape(len(dataset), -1)}


@lru_cache(maxsize=1)
def measured_on(directory: Path) -> Measured:
    """The classifiers of the dataset in `directory`, fitted once a process."""
    with threadpool_limits(1):  # workers share the cores as processes
        return Measured(open_dataset(directory))


def row(directory: Path, name: str) -> tuple[str, str]:
    """Name of a corruption and its line of the table, as Markdown."""
    one, measured = find_corruption(name), measured_on(directory)
    with threadpool_limits(1):
        cells = [f"{accuracy:.1f}" for accuracy in measured.accuracies(one)]
    cells = [f"{measured.clean(INPUTS[one.of])[0]:.1f}", *cells, *[""] * (_SEVERITIES - len(cells))]
    return name, f"| `{name}` | {', '.join(INPUTS[one.of])} | {' | '.join(cells)} |"


def note(measured: Measured) -> str:
    """Sentences on what was measured, and where."""
    made, tested = provenance(), len(measured.test)
    clean = [f"{name} {measured.clean((name,))[0]:.1f}" for name in ("texture", "depth")]
    largest = max(measured.clean(names)[1] for names in INPUTS.values())
    versions = ", ".join(f"{name} {made['versions'][name]}" for name in ("python", "scikit-learn", "numpy"))
    return (
        f"Accuracy in %, chance 16.7; clean {', '.join(clean)} by itself; standard error over subjects up to "
        f"{largest:.1f}, far less for differences within a row. Generator version {GENERATOR_VERSION}, rendering "
        f"version {RENDERING_VERSION}, seed {SOURCE.seed}, {SIZE} px: {len(measured.dataset) - tested} scans of "
        f"{TRAINED} subjects trained on, {tested} of {SOURCE.subjects - TRAINED} others tested; {made['hardware']}; "
        f"{versions}; commit {made['commit']}."
    )


def descriptions() -> dict[str, str]:
    """Table of the corruptions of each group, as Markdown: names, values and what they are of, by their classes."""
    tables: dict[str, list[str]] = {}
    for one in corruptions().values():
        head = ["| name | severities | what it is |", "|---|---|---|"]
        values = ", ".join(f"{value:g}" for value in one.severities) if len(one.severities) > 1 else ""
        cell = f"{values} {one.unit}".strip() + (f": {one.meaning}" if values else one.meaning)
        text = " ".join(inspect.cleandoc(type(one).__doc__ or "").replace("``", "`").split())
        tables.setdefault(one.of, head).append(f"| `{one.name}` | {cell} | {text} |")
    return {group: "\n".join(lines) for group, lines in tables.items()}


def written(text: str, tables: Mapping[str, str]) -> str:
    """The document `text` with each of `tables` between the marks of its name."""
    for name, table in tables.items():
        place = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)
        text = place.sub(partial(_between, table), text)
    return text


def _between(table: str, _: re.Match[str]) -> str:
    return f"\n{table}\n\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table, and writes it and the pictures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AFNETM_HOME", "runs")))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", metavar="CORRUPTION", default=[])
    parser.add_argument("--write", action="store_true", help=f"into {DOCUMENT.name}, and its pictures")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write: the table is of all corruptions, leave out --only")
    directory = dataset_directory(options.home, NAME)
    if not directory.exists():
        prepare_dataset(directory, SOURCE, size=SIZE, workers=options.workers)
    names, found = options.only or list(corruptions()), {}
    tasks = [(directory, name) for name in names]
    for name, line in in_processes(row, tasks, workers=options.workers):
        print(line, flush=True)
        found[name] = line
    heads = " | ".join(str(severity) for severity in range(1, _SEVERITIES + 1))
    table = [f"| corruption | measured by | clean | {heads} |", "| :-- | :-- |" + " --: |" * (1 + _SEVERITIES)]
    table += [found[name] for name in names]
    told = textwrap.wrap(note(measured_on(directory)), 125)
    print("", *table, "", *told, sep="\n")
    if options.write:
        tables = descriptions() | {"severities": "\n".join([*table, "", *told])}
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), tables), encoding="utf-8")
        write_pictures(DOCUMENT.parent / "pictures" / "corruptions")


if __name__ == "__main__":
    main()
