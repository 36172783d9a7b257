"""Difficulty of the synthetic dataset by PCA and LDA alone; the generator was tuned on these numbers and then frozen.

    python -m scripts.difficulty --subjects 60 --size 48 --seed 0

prints the accuracy of standardised pixels, PCA and LDA on texture, depth with normals, and both, in subject-disjoint
folds: as generated, clean, and with each nuisance switched off. Chance is 1/6. No network takes part.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from afnetm.data.maps import DEPTH_STEP_MM, WINDOW_MM, RenderedMaps
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import GROUPS, draw_nuisance
from afnetm.seeding import stream
from afnetm.workers import context

FOLDS = 5
#: Components kept of each modality.
COMPONENTS = 100


@dataclass(frozen=True)
class Accuracy:
    """Shares of scans whose expression was found, over all folds, with the standard error over subjects of `both`."""

    texture: float
    depth: float
    both: float
    error: float


def features(maps: RenderedMaps) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features of one scan for PCA, ``(3 S S,)`` each: standardised texture, and depth with its slopes."""
    depth = maps.depth[0].astype(np.float32) * DEPTH_STEP_MM
    depth[maps.depth[0] == 0] = np.nan
    depth = np.nan_to_num(depth - np.nanmedian(depth))
    down, across = np.gradient(depth, WINDOW_MM / depth.shape[0])
    slopes = np.clip([across, down], -3, 3)
    texture = maps.texture.astype(np.float32)
    texture -= texture.mean(axis=(1, 2), keepdims=True)
    texture /= texture.std(axis=(1, 2), keepdims=True) + 1e-3
    return texture.ravel(), np.concatenate([depth[None], slopes]).astype(np.float32).ravel()


def measure(
    *,
    subjects: int,
    intensities: Sequence[int],
    size: int,
    seed: int,
    clean: bool,
    without: Sequence[str],
    workers: int,
) -> Accuracy:
    """Accuracy on `subjects` x six expressions x `intensities` at `size` pixels, nuisance groups `without` off."""
    jobs = [
        (k, expression, intensity) for k in range(subjects) for expression in EXPRESSIONS for intensity in intensities
    ]
    work = partial(_features_of, seed=seed, size=size, clean=clean, without=tuple(without))
    if workers == 1:
        rows = [work(job) for job in jobs]
    else:
        with ProcessPoolExecutor(workers, mp_context=context(__name__)) as pool:
            rows = list(pool.map(work, jobs, chunksize=16))
    texture, depth = (np.stack(block) for block in zip(*rows, strict=True))
    people = np.array([subject for subject, _, _ in jobs])
    labels = np.array([EXPRESSIONS.index(expression) for _, expression, _ in jobs])
    right = {
        name: cross_validate(blocks, labels, people) == labels
        for name, blocks in {"texture": [texture], "depth": [depth], "both": [texture, depth]}.items()
    }
    by_subject = [right["both"][people == person].mean() for person in np.unique(people)]
    error = float(np.std(by_subject, ddof=1) / np.sqrt(subjects))
    return Accuracy(**{name: float(found.mean()) for name, found in right.items()}, error=error)


def _features_of(
    job: tuple[int, str, int], *, seed: int, size: int, clean: bool, without: tuple[str, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    number, expression, intensity = job
    nuisance = draw_nuisance(stream(seed, "nuisance", *job), clean=clean).without(*without)
    scan = make_scan(seed=seed, number=number, expression=expression, intensity=intensity, nuisance=nuisance)
    return features(render(scan, size=size))


def cross_validate(
    blocks: Sequence[NDArray[np.floating]], labels: NDArray[np.int64], people: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Each scan's label, predicted by PCA and LDA from the other folds' subjects.

    Args:
        blocks: the modalities to use, ``(N, D)`` each; every one has a PCA of its own.
        labels: ``(N,)``.
        people: ``(N,)``, whose scan it is.
    """
    ends = np.cumsum([block.shape[1] for block in blocks]).tolist()
    columns = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    count = min(COMPONENTS, *(block.shape[1] for block in blocks), len(labels) // 2)
    compress = make_pipeline(StandardScaler(), PCA(count, svd_solver="randomized", random_state=0))
    model = make_pipeline(
        ColumnTransformer([(f"modality {number}", compress, part) for number, part in enumerate(columns)]),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    )
    pixels = np.concatenate(blocks, axis=1)
    predicted = cross_val_predict(model, pixels, labels, groups=people, cv=GroupKFold(FOLDS))
    return np.asarray(predicted, dtype=np.int64)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--intensities", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--brief", action="store_true", help="only as generated and clean")
    options = parser.parse_args(arguments)
    if options.subjects < FOLDS:
        parser.error(f"--subjects {options.subjects}: at least {FOLDS} are needed, one a fold")
    run = partial(
        measure,
        subjects=options.subjects,
        intensities=options.intensities,
        size=options.size,
        seed=options.seed,
        workers=options.workers,
    )
    variants: dict[str, tuple[bool, tuple[str, ...]]] = {"as generated": (False, ()), "clean": (True, ())}
    if not options.brief:
        variants |= {f"without {group}": (False, (group,)) for group in GROUPS}
        variants["without any"] = (False, tuple(GROUPS))
    print("| dataset | texture | depth | both | s.e. of both |\n|---|---|---|---|---|")
    for name, (clean, without) in variants.items():
        found = run(clean=clean, without=without)
        shares = (found.texture, found.depth, found.both, found.error)
        print("|", " | ".join([name, *(f"{share:.3f}" for share in shares)]), "|", flush=True)


if __name__ == "__main__":
    main()
