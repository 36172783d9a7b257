"""Difficulty of the synthetic dataset by two classifiers that are no registered method; the generator was tuned on it.

    python -m scripts.difficulty --subjects 60 --size 64 --seed 0

prints the accuracy of texture, depth, both, masks alone and landmarks alone in subject-independent folds, by PCA with
LDA and by a small network, with standard errors over subjects: as generated, clean, of each variant, and by the linear
one with each group of nuisance factors switched off. Chance is 1/6. `--write` puts the table into docs/synthetic.md.
"""

import argparse
import os
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from afnetm.data.maps import DEPTH_STEP_MM, PLANES, REGIONS, RENDERING_VERSION, WINDOW_MM
from afnetm.data.pose import fit_pose
from afnetm.data.regions import landmark_set, region_planes
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.synthetic import GENERATOR_VERSION
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import GROUPS, draw_nuisance
from afnetm.data.synthetic.variants import STANDARD, VARIANTS
from afnetm.seeding import stream
from afnetm.workers import context
from benchmarks.records.provenance import provenance

FOLDS = 5
#: Components kept of each modality.
COMPONENTS = 100
#: What a classifier is given, by the blocks of features that it sees.
INPUTS = {
    "texture": ("texture",),
    "depth": ("depth",),
    "both": ("texture", "depth"),
    "masks": ("masks",),
    "landmarks": ("landmarks",),
}
#: Training of the small network, the same for every input; pictures are shifted by up to `SHIFT` pixels.
EPOCHS, BATCH, RATE, SHIFT = 20, 32, 3e-3, 2
#: Where the table stands.
DOCUMENT = Path(__file__).parent.parent / "docs/synthetic.md"

Features = dict[str, NDArray[np.float32]]


def features(scan: Scan, *, size: int) -> Features:
    """Features of one scan by block.

    Texture ``(3, S, S)`` of zero mean and unit variance, depth and its slopes ``(3, S, S)``, the masks of the four
    regions ``(4, S, S)``, and the posed landmarks ``(L, 3)`` in mm.
    """
    maps = render(scan, size=size)
    depth = maps.depth[0].astype(np.float32) * DEPTH_STEP_MM
    depth[maps.depth[0] == 0] = np.nan
    depth = np.nan_to_num(depth - np.nanmedian(depth))
    down, across = np.gradient(depth, WINDOW_MM / size)
    slopes = np.clip([across, down], -3, 3)
    texture = maps.texture.astype(np.float32)
    texture -= texture.mean(axis=(1, 2), keepdims=True)
    texture /= texture.std(axis=(1, 2), keepdims=True) + 1e-3
    landmarks = fit_pose(scan).apply(scan.landmarks)
    planes = region_planes(landmarks, landmark_set(scan.landmark_names), size=size)
    masks = [(planes & PLANES[region]) > 0 for region in REGIONS]
    made = {"texture": texture, "depth": [depth, *slopes], "masks": masks, "landmarks": landmarks}
    return {name: np.asarray(block, dtype=np.float32) for name, block in made.items()}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: which scans are measured."""

    title: str
    clean: bool = False
    variant: str = STANDARD
    without: tuple[str, ...] = ()

    def features_of(self, job: tuple[int, str, int], *, seed: int, size: int) -> Features:
        """Features of subject, expression and intensity `job`."""
        drawn = draw_nuisance(stream(seed, "nuisance", *job), clean=self.clean, variant=self.variant)
        number, expression, intensity = job
        scan = make_scan(
            seed=seed,
            number=number,
            expression=expression,
            intensity=intensity,
            nuisance=drawn.without(*self.without),
            variant=self.variant,
        )
        return features(scan, size=size)


@dataclass(frozen=True, eq=False)
class Measured:
    """Scans to classify: `blocks` of features ``(N, ...)``, `labels` ``(N,)`` and the subjects `people` ``(N,)``."""

    blocks: Features
    labels: NDArray[np.int64]
    people: NDArray[np.int64]

    def folds(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Training and test scans of each fold, of different subjects."""
        yield from GroupKFold(FOLDS).split(self.labels, groups=self.people)

    def accuracy(self, classify: "Classifier", blocks: Sequence[str]) -> tuple[float, float]:
        """Accuracy of `classify` on `blocks` over all folds, and its standard error over subjects."""
        told = classify(self, blocks) == self.labels
        by_subject = [told[self.people == person].mean() for person in np.unique(self.people)]
        return float(told.mean()), float(np.std(by_subject, ddof=1) / np.sqrt(len(by_subject)))


#: From scans and the names of the blocks that it may see to a label of each, by folds.
Classifier = Callable[[Measured, Sequence[str]], NDArray[np.int64]]


def measured(row: Row, *, subjects: int, intensities: Sequence[int], size: int, seed: int) -> Measured:
    """The scans of `row`: `subjects` x six expressions x `intensities` at `size` pixels."""
    jobs = [
        (k, expression, intensity) for k in range(subjects) for expression in EXPRESSIONS for intensity in intensities
    ]
    rows = [row.features_of(job, seed=seed, size=size) for job in jobs]
    return Measured(
        blocks={name: np.stack([found[name] for found in rows]) for name in rows[0]},
        labels=np.array([EXPRESSIONS.index(expression) for _, expression, _ in jobs]),
        people=np.array([subject for subject, _, _ in jobs]),
    )


def linear(scans: Measured, blocks: Sequence[str]) -> NDArray[np.int64]:
    """Each scan's label by PCA, one a block, and LDA of the other folds' subjects."""
    flat = [halved(scans.blocks[name]).reshape(len(scans.labels), -1) for name in blocks]
    model = linear_model([block.shape[1] for block in flat], scans=len(scans.labels))
    pixels, told = np.concatenate(flat, axis=1), np.empty_like(scans.labels)
    for train, test in scans.folds():
        told[test] = model.fit(pixels[train], scans.labels[train]).predict(pixels[test])
    return told


def linear_model(widths: Sequence[int], *, scans: int) -> Pipeline:
    """PCA, one a block of so many features, and LDA, not fitted yet; to so few `scans`, it has fewer components."""
    ends = np.cumsum(widths).tolist()
    columns = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    count = min(COMPONENTS, *widths, scans // 2)
    compress = make_pipeline(StandardScaler(), PCA(count, svd_solver="randomized", random_state=0))
    return make_pipeline(
        ColumnTransformer([(f"modality {number}", compress, part) for number, part in enumerate(columns)]),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    )


def halved(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pictures ``(N, C, S, S)`` at half their size: read as well by a linear classifier, in a quarter of the time."""
    if block.ndim < 4:
        return block
    count, channels, size, _ = block.shape
    return np.asarray(block.reshape(count, channels, size // 2, 2, size // 2, 2).mean(axis=(3, 5)))


def network(scans: Measured, blocks: Sequence[str]) -> NDArray[np.int64]:
    """Each scan's label by small networks, one a block, trained on the other folds' subjects, their logits averaged."""
    logits = np.sum([_logits(scans, name) for name in blocks], axis=0)
    return np.asarray(logits.argmax(axis=1), dtype=np.int64)


@lru_cache(maxsize=len(INPUTS))  # those of one input are half of those of both
def _logits(scans: Measured, name: str) -> NDArray[np.float32]:
    """Logarithms of each scan's probabilities ``(N, 6)`` by the network of its fold."""
    told = np.empty((len(scans.labels), len(EXPRESSIONS)), dtype=np.float32)
    labels = torch.as_tensor(scans.labels)
    for fold, (train, test) in enumerate(scans.folds()):
        torch.manual_seed(fold)
        inputs, seen = torch.as_tensor(scans.blocks[name]), torch.as_tensor(train)
        spread, middle = torch.std_mean(inputs[seen], dim=(0, 2, 3) if inputs.ndim == 4 else 0, keepdim=True)
        inputs = (inputs - middle) / (spread + 1e-3)
        model = small_network(inputs.shape[1:])
        steps = EPOCHS * (len(train) // BATCH)
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        order = torch.cat([seen[torch.randperm(len(seen))] for _ in range(EPOCHS)])
        for rows in order[: steps * BATCH].view(steps, BATCH):
            batch = inputs[rows]
            if batch.ndim == 4:
                batch = batch.roll(torch.randint(-SHIFT, SHIFT + 1, (2,)).tolist(), (2, 3))
            loss = nn.functional.cross_entropy(model(batch), labels[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
        with torch.inference_mode():
            told[test] = model.eval()(inputs[test]).log_softmax(1).numpy()
    return told


def small_network(shape: Sequence[int]) -> nn.Module:
    """Four convolutions of stride 2 for pictures ``(C, S, S)``, one hidden layer for points ``(L, 3)``."""
    if len(shape) == 2:
        hidden = nn.Sequential(nn.Flatten(), nn.LazyLinear(64), nn.BatchNorm1d(64), nn.ReLU())
    else:
        widths = (shape[0], 8, 16, 32, 64)
        layers = [
            nn.Sequential(nn.Conv2d(i, o, 3, stride=2, padding=1), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in pairwise(widths)
        ]
        hidden = nn.Sequential(*layers, nn.Flatten())
    return nn.Sequential(hidden, nn.Dropout(0.5), nn.LazyLinear(len(EXPRESSIONS)))


#: The rows of the table: measured by both classifiers, and by the linear one alone.
ROWS = (
    Row(title="as generated"),
    Row(title="clean", clean=True),
    *(Row(title=f"variant {name}", variant=name) for name in VARIANTS if name != STANDARD),
)
WITHOUT = (
    *(Row(title=f"without {group}", without=(group,)) for group in GROUPS),
    Row(title="without any", without=tuple(GROUPS)),
)


def lines(row: Row, **sizes: Any) -> list[str]:
    """The lines of a row, one a classifier, of scans of `sizes` (`measured`)."""
    torch.set_num_threads(1)
    scans, found = measured(row, **sizes), []
    for title, classify in {"PCA, LDA": linear, "network": network}.items():
        if classify is linear or row in ROWS:
            shares = [scans.accuracy(classify, blocks) for blocks in INPUTS.values()]
            cells = [f"{100 * accuracy:.1f} ± {100 * error:.1f}" for accuracy, error in shares]
            found.append(f"| {row.title} | {title} | {' | '.join(cells)} |")
    return found


def stamp(options: argparse.Namespace) -> str:
    """Sentence on what was measured, and on which machine."""
    made = provenance()
    versions = ", ".join(f"{name} {made['versions'][name]}" for name in ("python", "torch", "scikit-learn", "numpy"))
    count = options.subjects * len(EXPRESSIONS) * len(options.intensities)
    return (
        f"Generator version {GENERATOR_VERSION}, rendering version {RENDERING_VERSION}, seed {options.seed}: "
        f"{options.subjects} subjects x {len(EXPRESSIONS)} expressions x intensities "
        f"{' and '.join(map(str, options.intensities))} = {count} scans a row at {options.size} px, {FOLDS} folds, "
        f"each network trained once; {made['hardware']}; {versions}; commit {made['commit']}."
    )


def written(text: str, table: str) -> str:
    """The document `text` with `table` between its marks."""
    place = re.compile(r"(?<=<!-- difficulty -->\n).*?(?=<!-- end of difficulty -->)", re.DOTALL)
    return place.sub(lambda _: f"\n{table}\n\n", text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table as Markdown, and writes it into the documentation if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--intensities", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--brief", action="store_true", help="without the rows that switch nuisance factors off")
    parser.add_argument("--write", action="store_true", help=f"into {DOCUMENT.name}, too")
    options = parser.parse_args(arguments)
    if options.subjects < FOLDS:
        parser.error(f"--subjects {options.subjects}: at least {FOLDS} are needed, one a fold")
    sizes = {key: getattr(options, key) for key in ("subjects", "intensities", "size", "seed")}
    table = [f"| accuracy, % | classifier | {' | '.join(INPUTS)} |", "| :-- | :-- |" + " --: |" * len(INPUTS)]
    print(*table, sep="\n", flush=True)
    rows = ROWS if options.brief else (*ROWS, *WITHOUT)
    with ProcessPoolExecutor(options.workers, mp_context=context(__name__)) as pool:
        for made in pool.map(partial(lines, **sizes), rows):
            print(*made, sep="\n", flush=True)
            table += made
    told = textwrap.wrap(stamp(options), 125)
    print("", *told, sep="\n")
    table += ["", *told]
    if options.write:
        text = written(DOCUMENT.read_text(encoding="utf-8"), "\n".join(table))
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
