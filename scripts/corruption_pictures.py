"""Pictures of the corruptions for docs/corruptions.md: one synthetic face, a sheet a group (`scripts.corruptions`)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from afnetm.corruptions import Corruption, corrupted, corruptions
from afnetm.data.contact_sheet import RELIEF_MM, pictures_of
from afnetm.data.dataset import FaceDataset
from afnetm.data.in_memory import dataset_of
from afnetm.data.making import Making, make_maps
from afnetm.data.maps import DEPTH_STEP_MM, PLANES
from afnetm.data.synthetic import SyntheticSource

#: Without sensor failures: nothing else is wrong with what is shown.
SOURCE = SyntheticSource(seed=204, subjects=2, intensities=(4,), clean=True)
SCAN = "s000_happiness_4"
SHOWN = (1, 3, 5)
_SIZE, _GAP, _LEFT, _TOP = 128, 4, 150, 26
_PAPER, _INK, _NOTHING, _FILLED = (255, 255, 255), (30, 30, 30), (18, 18, 22), (204, 121, 167)

Picture = NDArray[np.uint8]


def write_pictures(folder: Path) -> None:
    """Writes ``GROUP.png`` of every group into `folder`; the largest is a few hundred kilobytes."""
    folder.mkdir(parents=True, exist_ok=True)
    making = Making(size=_SIZE)
    made = dataset_of([make_maps(SOURCE.load(scan), making) for scan in SOURCE.ids()], making)
    dataset = replace(made, source=SOURCE.describe())
    everyone = list(corruptions().values())
    for group in dict.fromkeys(one.of for one in everyone):
        sheet(dataset, [one for one in everyone if one.of == group]).save(folder / f"{group}.png", optimize=True)


def sheet(dataset: FaceDataset, chosen: Sequence[Corruption]) -> Image.Image:
    """A row a corruption: clean, then severities 1, 3 and 5, each as texture and depth, or as regions."""
    row = int(np.flatnonzero(dataset.table["id"] == SCAN)[0])
    alike = np.flatnonzero(dataset.table["expression"] == dataset.table["expression"][row])
    clean = dataset.depth[row].max()
    columns = [0, *(severity for severity in SHOWN if severity <= max(len(one.severities) for one in chosen))]
    grid = []
    for one in chosen:
        seen = [_tiles(dataset, row, one.of, near=int(clean))]
        for severity in columns[1:]:
            if severity <= len(one.severities):
                changed = corrupted(dataset, alike, one, severity)
                seen.append(_tiles(changed, alike.tolist().index(row), one.of, near=int(clean)))
        grid.append(seen)
    tiles = len(grid[0][0])
    step = _SIZE + _GAP
    width, height = _LEFT + len(columns) * (tiles * step + _GAP), _TOP + len(chosen) * step
    page = Image.new("RGB", (width, height), _PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for number, severity in enumerate(columns):
        title = f"severity {severity}" if len(columns) > 2 else "corrupted"
        title = title if severity else "clean"
        draw.text((_LEFT + number * (tiles * step + _GAP), 5), title, _INK, font)
    for line, (one, seen) in enumerate(zip(chosen, grid, strict=True)):
        top = _TOP + line * step
        draw.text((0, top + 4), one.title.replace(" of ", "\nof "), _INK, font)
        for number, pictures in enumerate(seen):
            for place, picture in enumerate(pictures):
                left = _LEFT + number * (tiles * step + _GAP) + place * step
                page.paste(Image.fromarray(picture), (left, top))
    return page.quantize(255, dither=Image.Dither.NONE)


def _tiles(dataset: FaceDataset, row: int, group: str, *, near: int) -> list[Picture]:
    """Pictures of a scan: of the modality that a group is of, or of both."""
    depth, planes = dataset.depth[row], dataset.planes[row]
    found = pictures_of(dataset.texture[row], depth, planes)
    if group == "landmarks":
        return [found["regions"]]
    both = {"texture": found["texture"], "depth": _grey(depth[0], planes[0], near=near)}
    return [both[group]] if group in both else list(both.values())


def _grey(code: NDArray[np.uint16], planes: NDArray[np.uint8], *, near: int) -> Picture:
    """Depth, lighter the nearer, on the same scale at every severity; purple where it was filled in."""
    behind = (near - code.astype(np.float64)) * DEPTH_STEP_MM
    grey = np.repeat((235 * (1 - behind / RELIEF_MM)).clip(30, 255)[..., None], 3, -1)
    filled = (code > 0) & (planes & PLANES["valid"] == 0)
    grey[filled] = 0.35 * grey[filled] + 0.65 * np.array(_FILLED)
    return np.where((code > 0)[..., None], grey, _NOTHING).astype(np.uint8)
