"""Weights of texture and depth in fusion: against nuisance factors of either, within each training.

Trainings settle on balances of their own, far further apart than the scans of one. So no weight is shown as it is, only
how far it lies from the mean of its training.
"""

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports import formats
from reports.data.results import Results
from reports.data.spelling import in_order
from reports.pictures.theme import ACCENT, COLUMN, INK, MUTED, THEME, Picture, drawn, thinned_by
from reports.schema import FACTOR

#: The nuisance factors that tell a failure from none: 0 or 1.
TEXTURE_FAILED, DEPTH_FAILED = f"{FACTOR}texture_failure", f"{FACTOR}depth_failure"
_STATES = ("both sound", "texture failed", "depth failed", "both failed")
#: So many nuisance factors are in a picture: those that weights follow most.
MOST = 10
#: Weights that differ by less differ by rounding.
_SAME = 1e-6
_TRAINING = ["method", "repeat", "fold"]


def shifts(results: Results) -> pd.DataFrame:
    """Deviation of the texture's weight from its training's mean, by group of scans: a row a training and group.

    Columns:
        method, repeat, fold; group: an expression, or where failures are recorded also what failed; shift: the mean of
        the group's scans, a share of 1 (0.01: texture counts one point more, depth one less).
    """
    table = _changes(results)
    kinds = [table["expression"]]
    if {TEXTURE_FAILED, DEPTH_FAILED} <= set(results.nuisance_factors.columns):
        failed = table.join(results.nuisance_factors.set_index("scan")[[TEXTURE_FAILED, DEPTH_FAILED]], on="scan")
        state = (failed[TEXTURE_FAILED] > 0) + 2 * (failed[DEPTH_FAILED] > 0)
        known = failed[TEXTURE_FAILED].notna() & failed[DEPTH_FAILED].notna()
        kinds.insert(0, state.map(dict(enumerate(_STATES))).where(known))
    parts = [table.assign(group=kind).dropna().groupby([*_TRAINING, "group"])["change"].mean() for kind in kinds]
    found: pd.DataFrame = pd.concat(parts).rename("shift").reset_index()
    return found


def followed(results: Results) -> pd.DataFrame:
    """Correlation of the texture's weight with each recorded factor that varies: a row a training and factor.

    Columns:
        method, repeat, fold, factor; rho: Spearman's rank correlation over the training's test scans, -1 to 1, below
        zero where texture counts less the higher the factor.
    """
    names = [
        name
        for name in results.nuisance_factors.columns
        if _is_factor(name) and results.nuisance_factors[name].nunique() > 1
    ]
    table = _changes(results).merge(results.nuisance_factors[["scan", *names]], on="scan")
    if table.empty or not names:
        return pd.DataFrame(columns=[*_TRAINING, "factor", "rho"])
    by = [table[name] for name in _TRAINING]
    ranks = table[["change", *names]].groupby(by).rank()
    centred = ranks - ranks.groupby(by).transform("mean")
    products = centred[names].mul(centred["change"], axis=0).groupby(by).sum()
    squares = centred.pow(2).groupby(by).sum()
    scale = squares[names].mul(squares["change"], axis=0) ** 0.5
    rho: pd.DataFrame = (products / scale.where(scale > 0.0)).reset_index()
    long = rho.melt(id_vars=_TRAINING, var_name="factor", value_name="rho").dropna(ignore_index=True)
    return long.assign(factor=long["factor"].str.removeprefix(FACTOR))


def _changes(results: Results) -> pd.DataFrame:
    """`Results.importances` with the expression of each scan and ``change``: to the mean of its training."""
    table = results.importances.merge(results.predictions[["scan", "expression"]].drop_duplicates("scan"), on="scan")
    table = table.assign(change=table["texture"] - table.groupby(_TRAINING)["texture"].transform("mean"))
    moved = table["change"].abs().groupby(table["method"]).transform("max") > _SAME
    return table[moved]  # some methods weigh all scans of a training alike: there is nothing to tell of them


@mpl.rc_context(THEME)
def weights(table: pd.DataFrame, method: str) -> Picture:
    """A row a group: a small dot a training, a large one for their mean; `table` is `shifts`."""
    own = table[table["method"] == method]
    mean = own.groupby("group")["shift"].mean()
    states = [name for name in _STATES if name in mean.index]
    groups = [*states, *in_order(mean.index.difference(states))]
    figure = _rows(own.assign(shift=100.0 * own["shift"]), "group", "shift", order=groups)
    figure.axes[0].set(xlabel="Change of texture's weight (pp)", ylabel="Scans")
    words = (f"{group} {formats.points(mean[group])}" for group in groups)
    return drawn(figure, f"Texture's weight in {method} against its training's mean, points: " + "; ".join(words))


@mpl.rc_context(THEME)
def nuisance_factors(table: pd.DataFrame, method: str) -> Picture:
    """The same of rank correlations with nuisance factors, the strongest first; `table` is `followed`."""
    own = table[table["method"] == method]
    own = own.assign(factor=own["factor"].str.replace("_", " "))
    mean = own.groupby("factor")["rho"].mean()
    names = mean.abs().sort_values(ascending=False, kind="stable").index[:MOST].tolist()
    figure = _rows(own[own["factor"].isin(names)], "factor", "rho", order=names)
    figure.axes[0].set(xlabel="Rank correlation with texture's weight", ylabel="Disturbance")
    words = (f"{name} {mean[name]:+.2f}".replace("-", formats.MINUS) for name in names)
    return drawn(
        figure, f"Rank correlation of texture's weight in {method} with recorded nuisance factors: " + "; ".join(words)
    )


def _rows(table: pd.DataFrame, row: str, value: str, *, order: Sequence[str]) -> Figure:
    """A row for each of `order`: a dot a training, and their mean."""
    import seaborn as sns

    figure = Figure(figsize=(COLUMN, 0.6 + 0.2 * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0.0, color=MUTED, linewidth=1.0)
    shared = {"x": value, "y": row, "order": order, "ax": axes}
    sns.stripplot(thinned_by(table, row, value), color=MUTED, alpha=0.4, size=3.0, jitter=False, **shared)
    sns.pointplot(table, color=ACCENT, errorbar=None, linestyle="none", markersize=5.0, markeredgewidth=0.0, **shared)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return figure


def _is_factor(name: str) -> bool:
    """A kind is a name that was given a number: more of it is not stronger."""
    return name.startswith(FACTOR) and not name.endswith("_kind")
