"""Landmarks as files of every kind that `afnetm.data.formats.landmark_table` reads: examples to follow."""

import json

import numpy as np
from numpy.typing import NDArray

#: The kinds, by the end of their files' names.
KINDS = (".csv", ".tsv", ".txt", ".pts", ".fcsv", ".json", ".ljson", ".pp")


def write_landmarks(names: tuple[str, ...], points: NDArray[np.floating], kind: str) -> bytes:
    """The content of a file of landmarks.

    Args:
        names: of the points; ``.txt``, ``.pts`` and ``.ljson`` leave them out, and have one of the known sets in order.
        points: ``(n, 3)``, or ``(n, 2)`` pixels of a picture, but for ``.fcsv`` and ``.pp``; all finite.
        kind: one of `KINDS`.
    """
    rows = np.asarray(points, float).round(4).tolist()
    named = list(zip(names, rows, strict=True))
    axes = ("x", "y", "z")[: len(rows[0])]
    match kind:
        case ".csv" | ".tsv":
            mark = {".csv": ",", ".tsv": "\t"}[kind]
            lines = [mark.join(map(str, cells)) for cells in (("name", *axes), *((name, *row) for name, row in named))]
        case ".txt":
            lines = [" ".join(map(str, row)) for row in rows]
        case ".pts":
            lines = ["version: 1", f"n_points: {len(rows)}", "{", *(" ".join(map(str, row)) for row in rows), "}"]
        case ".fcsv":
            lines = ["# Markups fiducial file version = 4.11", "# columns = id,x,y,z,label"]
            lines += [",".join(map(str, (number, *row, name))) for number, (name, row) in enumerate(named)]
        case ".json":
            lines = [json.dumps(dict(named), indent=1)]
        case ".ljson":  # a place in a picture has its row first there
            inside = {"points": [row if len(row) == 3 else row[::-1] for row in rows]}
            lines = [json.dumps({"landmarks": inside, "labels": [], "version": 2})]
        case ".pp":
            lines = [f' <point name="{name}" x="{x}" y="{y}" z="{z}" active="1"/>' for name, (x, y, z) in named]
            lines = ["<!DOCTYPE PickedPoints>", "<PickedPoints>", *lines, "</PickedPoints>"]
        case _:
            raise ValueError(f"landmarks of kind {kind!r} (allowed: {', '.join(KINDS)})")
    return ("\n".join(lines) + "\n").encode()
