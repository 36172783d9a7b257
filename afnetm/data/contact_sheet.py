"""The contact sheet: some of a dataset's scans, as texture, depth, normals and regions, to be looked at."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import summary
from afnetm.data.maps import DEPTH_STEP_MM, PLANES, REGIONS, WINDOW_MM
from afnetm.data.scan import in_class_order
from afnetm.errors import UserError

#: Colours of the regions, told apart with any colour vision (Okabe and Ito 2008): orange, sky blue, green, vermilion.
REGION_COLOURS = {"brows": (230, 159, 0), "eyes": (86, 180, 233), "nose": (0, 158, 115), "mouth": (213, 94, 0)}
#: What was filled in, over the depth: reddish purple of the same palette.
FILLED_COLOUR = (204, 121, 167)
#: mm behind the nearest point that the grey levels of depth span: a face without ears and neck.
RELIEF_MM = 75.0
#: Blocks side by side; side of a picture, gap between blocks, height of the heading and of a caption, pixels.
_COLUMNS, _TILE, _GAP, _HEADING, _CAPTION = 6, 120, 18, 62, 26
_PAPER, _INK, _QUIET, _NOTHING = (255, 255, 255), (30, 30, 30), (110, 110, 110), (18, 18, 22)

_Picture = NDArray[np.float32]


def contact_sheet(dataset: FaceDataset, *, scans: int = 24) -> Image.Image:
    """A picture of up to `scans` scans of `dataset`, a block of four each: texture, depth, normals, regions.

    Subjects are taken evenly from the whole dataset, each with its strongest scan of every expression. Depth is lighter
    the nearer, purple where it was filled in. Subjects are named only where the dataset is shareable.

    Raises:
        UserError: `scans` is not positive.
    """
    if scans < 1:
        raise UserError(f"scans: {scans} (allowed: 1 or more)")
    chosen = choose(dataset.table, scans)
    columns = min(_COLUMNS, len(chosen))
    block = 2 * _TILE + 2
    lines = -(-len(chosen) // columns)
    width = max(columns * (block + _GAP) + _GAP, 640)
    sheet = Image.new("RGB", (width, _HEADING + lines * (block + _CAPTION + _GAP)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _heading(draw, dataset)
    for place, row in enumerate(chosen):
        left = _GAP + place % columns * (block + _GAP)
        top = _HEADING + place // columns * (block + _CAPTION + _GAP)
        maps = dataset.texture[row], dataset.depth[row], dataset.planes[row]
        for number, picture in enumerate(pictures_of(*maps).values()):
            tile = Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
            sheet.paste(tile, (left + number % 2 * (_TILE + 2), top + number // 2 * (_TILE + 2)))
        draw.text((left, top + block + 4), _caption(dataset, row), _INK, ImageFont.load_default(14))
    return sheet


def choose(table: pd.DataFrame, scans: int) -> list[int]:
    """Row numbers of up to `scans` scans of a dataset's table, as `contact_sheet` takes them."""
    subjects = table["subject"].unique()
    wanted = min(len(subjects), -(-scans // table["expression"].nunique()))
    taken = subjects[np.linspace(0, len(subjects) - 1, wanted).round().astype(int)]
    ordered = pd.DataFrame({
        "turn": table.sort_values("intensity", ascending=False).groupby(["subject", "expression"]).cumcount(),
        "subject": table["subject"].map({name: number for number, name in enumerate(taken)}),
        "expression": table["expression"].map(in_class_order(table["expression"]).index),
    }).dropna(subset="subject")  # fmt: skip
    return ordered.sort_values(["turn", "subject", "expression"]).index[:scans].tolist()


def pictures_of(
    texture: NDArray[np.uint8], depth: NDArray[np.uint16], planes: NDArray[np.uint8]
) -> dict[str, NDArray[np.uint8]]:
    """Pictures ``(S, S, 3)`` sRGB of a scan's maps (`RenderedMaps`): its texture, depth, normals and regions.

    Depth is lighter the nearer, purple where it was filled in.
    """
    colours = np.moveaxis(texture, 0, -1).astype(np.float32)
    code: NDArray[np.uint16] = depth[0]
    bits: NDArray[np.uint8] = planes[0]
    there, filled = code > 0, (code > 0) & (bits & PLANES["valid"] == 0)

    behind = (float(code.max()) - code) * DEPTH_STEP_MM
    grey = np.repeat((255 * (1 - behind / RELIEF_MM).clip(0.12, 1))[..., None], 3, -1)
    near = np.where(there[..., None], grey, _NOTHING)
    near[filled] = 0.35 * near[filled] + 0.65 * np.array(FILLED_COLOUR)

    normals = np.where(there[..., None], 127.5 * (_normals(code) + 1), _NOTHING)

    dim = 0.25 * colours + 0.5 * colours.mean(-1, keepdims=True)
    seen: NDArray[np.bool_] = np.asarray(colours.any(-1, keepdims=True))
    regions = np.where(seen, dim, _NOTHING)
    for region in REGIONS:
        inside = bits & PLANES[region] > 0
        regions[inside] = 0.45 * regions[inside] + 0.55 * np.array(REGION_COLOURS[region])
    colours = np.where(seen, colours, _NOTHING)
    found = {"texture": colours, "depth": near, "normals": normals, "regions": regions}
    return {name: np.rint(picture.astype(np.float32).clip(0, 255)).astype(np.uint8) for name, picture in found.items()}


def _normals(code: NDArray[np.uint16]) -> _Picture:
    import torch

    from afnetm.data.decoding import normals

    depth = torch.from_numpy(code.astype(np.float32) * np.float32(DEPTH_STEP_MM))[None, None]
    unit = normals(depth, depth > 0, pixel_mm=WINDOW_MM / len(code))
    return np.moveaxis(unit[0].numpy(), 0, -1)


def _caption(dataset: FaceDataset, row: int) -> str:
    scan = dataset.table.iloc[row]
    expression = f"{scan['expression']} {scan['intensity']}" if scan["intensity"] else str(scan["expression"])
    return f"{scan['subject']}  {expression}" if dataset.shareable else expression


def _heading(draw: ImageDraw.ImageDraw, dataset: FaceDataset) -> None:
    numbers = summary(dataset.table)
    title = f"{dataset.name}: {numbers['scans']} scans of {numbers['subjects']} subjects, {dataset.size} px"
    draw.text((_GAP, 10), title, _INK, ImageFont.load_default(18))
    font = ImageFont.load_default(13)
    text = "each scan: texture, depth; normals, regions:"
    draw.text((_GAP, 36), text, _QUIET, font)
    x = _GAP + draw.textlength(text, font) + 10
    for name, colour in (*REGION_COLOURS.items(), ("filled in", FILLED_COLOUR)):
        draw.rectangle((x, 39, x + 11, 50), colour)
        draw.text((x + 16, 36), name, _QUIET, font)
        x += 16 + draw.textlength(name, font) + 14
