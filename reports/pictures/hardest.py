"""Hardest subjects and scans: those that most methods get wrong."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reports import formats
from reports.data.faces import Face, shaded, textured
from reports.data.pseudonyms import words
from reports.data.results import Results
from reports.pictures.theme import ACCENT, COLUMN, CONTEXT, INK, MUTED, THEME, Picture, drawn
from reports.table import Table, plain_table

#: So many scans are in the table of the hardest, so many subjects in words.
SCANS, SUBJECTS = 12, 5
#: Of faces: scans in a row, and between texture and depth, as a share of a face's width.
_COLUMNS, _GAP = 3, 0.03


def named_as(results: Results, column: str) -> dict[str, str] | None:
    """Names for the reader of each ``"subject"`` or ``"scan"``, by what the tables call it; None if there are none.

    Names where they may be shown, or else pseudonyms: the same as in ``tables/predictions.parquet``. Where these are
    made with a secret that nobody knows they would be others every time, and tell nobody anything.
    """
    plan, there = results.provenance, results.predictions[column].unique().tolist()
    if plan.named:
        return {name: plan.names.get(name, name) for name in there}
    if plan.secret is None:
        return {name: name for name in there}
    return words(there, column=column, secret=plan.secret) if plan.secret else None


def _unordered(results: Results, column: str) -> list[str]:
    """Subjects or scans in the order of what they may be called, so that ties do not tell the order of their names."""
    there = results.predictions[column].unique().tolist()
    hidden = None if results.provenance.named else named_as(results, column)
    return sorted(there, key=hidden.__getitem__ if hidden else None)


def by_subject(results: Results) -> pd.DataFrame:
    """Accuracy by subject (shares of 1): a row a subject, the hardest first, a column a method; NaN if it has none."""
    predictions = results.predictions
    right = predictions["expression"] == predictions["predicted"]
    shares = right.groupby([predictions["subject"], predictions["method"]]).mean().unstack()[results.methods]
    shares = shares.loc[_unordered(results, "subject")]
    order = shares.mean(axis=1).sort_values(kind="stable").index
    return shares.loc[order]


@mpl.rc_context(THEME)
def subjects(results: Results, method: str) -> Picture:
    """Accuracy by subject, the hardest first: a dot for `method`, a dash for the methods' mean, a line for their range.

    None of them is named in the drawing: its words name the hardest and the easiest where they may be named.
    """
    shares = by_subject(results) * 100.0
    figure = Figure(figsize=(COLUMN, 2.4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(1, len(shares) + 1)
    thin = min(1.0, 60.0 / len(shares))
    axes.vlines(places, shares.min(axis=1), shares.max(axis=1), color=CONTEXT, linewidth=0.6 + 1.4 * thin)
    axes.plot(places, shares.mean(axis=1), "_", color=INK, markersize=2.0 + 4.0 * thin, gid="mean")
    axes.plot(places, shares[method], "o", color=ACCENT, markersize=1.8 + 2.2 * thin, markeredgewidth=0.0, gid="method")
    axes.set(xlabel="Subjects, hardest first", ylabel="Accuracy (%)", ylim=(-2.0, 102.0))
    axes.locator_params(axis="x", integer=True)
    axes.grid(visible=False, axis="x")
    mean, names = shares.mean(axis=1), named_as(results, "subject")
    listed = [
        f"{names[subject] + ' ' if names else ''}{value:.0f} % ({own:.0f} %)"
        for subject, value, own in zip(shares.index.tolist(), mean, shares[method], strict=True)
    ]
    alt = (
        f"Accuracy of {len(shares)} subjects, the mean of all methods (and {method}'s): the hardest "
        f"{', '.join(listed[:SUBJECTS])}; the median {mean.median():.0f} %; the easiest {', '.join(listed[-SUBJECTS:])}"
    )
    return drawn(figure, alt)


def hardest(results: Results, *, most: int = SCANS) -> pd.DataFrame:
    """The scans that the most predictions get wrong, the hardest first.

    Methods count alike, however often each was tested. Of scans that are missed as often, those are harder whose own
    expression was thought less likely.

    Columns:
        scan, subject, expression, intensity (0 where unknown); wrong: the share of predictions that are; missed, of:
        by so many methods it is taken for something else more often than not, of those that tested it; taken: what it
        is most often classified as, and share: of the wrong predictions.
    """
    table = results.predictions
    names = results.classes
    own = np.select([table["expression"] == name for name in names], [table[f"p_{name}"] for name in names])
    scored = table[["scan", "method"]].assign(wrong=table["expression"] != table["predicted"], own=own)
    each = scored.groupby(["scan", "method"])[["wrong", "own"]].mean()
    each["missed"] = each["wrong"] > 0.5
    scans = each.groupby("scan").agg(
        wrong=("wrong", "mean"), own=("own", "mean"), missed=("missed", "sum"), of=("missed", "size")
    )
    scans = scans.loc[_unordered(results, "scan")]
    scans = scans[scans["wrong"] > 0.0].reset_index()
    scans = scans.sort_values(["wrong", "own"], ascending=[False, True], kind="stable").head(most)
    what = table.drop_duplicates("scan").set_index("scan")[["subject", "expression", "intensity"]]
    misses = table[(table["expression"] != table["predicted"]) & table["scan"].isin(scans["scan"])]
    taken = misses.groupby("scan")["predicted"].value_counts(normalize=True, sort=True)
    top = taken.reset_index(name="share").drop_duplicates("scan").set_index("scan")
    found = scans.join(what, on="scan").join(top.rename(columns={"predicted": "taken"}), on="scan")
    columns = ["scan", "subject", "expression", "intensity", "wrong", "missed", "of", "taken", "share"]
    return found[columns].reset_index(drop=True)


def hardest_table(results: Results) -> Table:
    """`hardest` as the page has it: with the names that may be shown; without rows where there are none."""
    names = {column: named_as(results, column) for column in ("scan", "subject")}
    titles = ("Scan", "Subject", "Expression", "Intensity", "Wrong", "Misclassified by", "Most frequent prediction")
    rows = [
        (
            (names["scan"] or {})[row["scan"]],
            (names["subject"] or {})[row["subject"]],
            row["expression"],
            str(row["intensity"] or formats.NOTHING),
            f"{formats.percent(row['wrong'], 0)} %",
            f"{row['missed']} of {row['of']} methods",
            f"{row['taken']} ({formats.percent(row['share'], 0)} % of the wrong)",
        )
        for row in (hardest(results).to_dict("records") if None not in names.values() else [])
    ]
    return plain_table("hardest", "The hardest scans", titles, rows, look="text whole")


@mpl.rc_context(THEME)
def hardest_faces(results: Results) -> Picture | None:
    """Texture and, beside it, depth of the hardest scans in the order of `hardest`; None where no picture is at hand.

    Those whose pictures are not are left out, and keep their number.
    """
    rows = hardest(results).to_dict("records")
    formatted = [(place, row) for place, row in enumerate(rows, start=1) if row["scan"] in results.faces]
    if not formatted:
        return None
    lines = -(-len(formatted) // _COLUMNS)
    tight = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.04, hspace=0.02)
    figure = Figure(figsize=(COLUMN, 0.2 + 0.84 * lines), layout=tight)
    panels = figure.subplots(lines, _COLUMNS, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    figure.supxlabel("Texture and depth (relief) of each scan", fontsize=7.5, color=MUTED)
    names, words = named_as(results, "scan") or {}, []
    for axes, (place, row) in zip(panels.flat, formatted, strict=False):
        _pair(axes, results.faces[row["scan"]], f"{place}")
        expression = f"{row['expression']} {row['intensity'] or ''}".strip()
        share = formats.percent(row["share"], 0)
        axes.text(0.0, 1.05, f"{place}. {expression}", color=INK, fontsize=7.0, va="top")
        axes.text(0.0, 1.25, f"classified as {row['taken']}", color=MUTED, fontsize=7.0, va="top")
        words.append(f"{place}. {names.get(row['scan'], '')}, {expression}: {row['taken']} ({share} %)")
    return drawn(figure, f"The hardest scans, and what their wrong predictions mostly say: {'; '.join(words)}")


def _pair(axes: Axes, face: Face, name: str) -> None:
    """Texture and depth side by side, each one wide and high."""
    for number, picture in enumerate((textured(face), shaded(face))):
        left = number * (1.0 + _GAP)
        axes.imshow(picture, extent=(left, left + 1.0, 1.0, 0.0), interpolation="hanning", gid=f"face{name}-{number}")
    axes.set(xlim=(0.0, 2.0 + _GAP), ylim=(1.42, 0.0))
