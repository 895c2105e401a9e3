"""Figures of results: accuracy of classes, differences by class, models side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vidlab.evaluation import CYCLIC, END_STATE
from vidlab.evaluation.accuracy import Per
from vidlab.plots.intervals import intervals, named_rows, stacked_bars, write_beside
from vidlab.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    Drawing,
    legend_below,
    pale,
    titled,
)

__all__ = ["class_deltas", "leaderboard", "per_class_bars"]

_COSTS = {
    "parameters": (1e6, "parameters (millions)"),
    "multiply_adds": (1e9, "multiply-adds (billions)"),
    "training_seconds": (60.0, "time (min)"),
    "megabytes": (1.0, "model file (MB)"),
}


def per_class_bars(
    table: pd.DataFrame,
    *,
    order: Sequence[str] | None = None,
    per: Per = "video",
    title: str = "Accuracy of each class",
) -> Drawing:
    """Accuracy of each class, the best one first.

    Parameters
    ----------
    table
        What `evaluation.per_class` gave.
    order
        The classes from the top down, instead of by their accuracy.
    per
        What the table counts, for the words below it.
    """
    if order is None:
        order = table["top1"].sort_values(ascending=False, kind="stable").index
    shown = table.loc[order].rename_axis("class")
    figure, axes = named_rows(None, shown.index, title=title)
    if "top5" in shown:
        axes.barh(np.arange(len(shown)), shown["top5"], color=pale(BLUE), height=0.736)
    intervals(shown, axes, texts={}, xlabel=f"accuracy (% of the class's {per}s)")
    legend_below(figure, {"top-1": BLUE} | ({"top-5": pale(BLUE)} if "top5" in table else {}))
    return figure


def class_deltas(
    table: pd.DataFrame, *, a: str = "a", b: str = "b", title: str = "Who gains, class by class"
) -> Figure:
    """Difference in accuracy of two models, class by class: what `evaluation.class_deltas` gave.

    Pale bars have an interval that includes 0: with the few groups a class has, such a difference
    may be chance.
    """
    figure = intervals(
        table,
        values="delta",
        signed=True,
        colours={name: VERMILLION if d < 0 else BLUE for name, d in table["delta"].items()},
        uncertain=(table["low"] <= 0) & (table["high"] >= 0),
        texts={},
        xlabel="difference in accuracy (points)",
        title=f"{title}: {b} − {a}",
    )
    labels = {f"{b} is better": BLUE, f"{a} is better": VERMILLION}
    legend_below(figure, labels | {"pale: interval includes 0": "#CFCFCF"})
    return figure


def leaderboard(table: pd.DataFrame, *, title: str = "Accuracy and cost of each model") -> Drawing:
    """Accuracy of each model with its interval, the published value, and what it costs.

    Parameters
    ----------
    table
        What `evaluation.leaderboard` gave; perhaps also published, a top-1 accuracy on UCF-101
        from 0 to 1. Top-5, the accuracy between the two classes of a pair and costs are drawn
        where any are known.
    """
    marks = {"published": "published, UCF-101"} if "published" in table else {}
    accuracies = [top for top in ("top1", "top5") if top in table]
    pairs = table[[kind for kind in (END_STATE, CYCLIC) if kind in table]]
    costs = [cost for cost in _COSTS if table[cost].notna().any()]
    widths = [2.6] * len(accuracies) + [1.6] * (not pairs.empty) + [1.0] * len(costs)
    figure = titled(title, (3.6 + 2.1 * len(widths), 1.6 + 0.42 * len(table)))
    axes = figure.subplots(1, len(widths), sharey=True, squeeze=False, width_ratios=widths)[0]
    panels = iter(axes)
    for top in accuracies:
        options = {"xlabel": f"top-{top[3:]} accuracy (% of videos)", "points": True}
        options |= {"marks": marks} if top == "top1" else {}
        intervals(table, next(panels), values=top, **options)
    if not pairs.empty:
        options = {"points": True, "texts": {}, "chance": 0.5, "xlabel": "within pairs (%)"}
        intervals(pairs, next(panels), values=list(pairs), **options)
    for cost, panel in zip(costs, panels, strict=True):
        unit, xlabel = _COSTS[cost]
        parts = table[[cost]] / unit
        if cost == "training_seconds":
            parts["features"] = table["feature_seconds"] / unit
            parts = parts.rename(columns={cost: "training"}).dropna(axis=1, how="all")
        stacked_bars(parts, panel, xlabel=xlabel, colours=[GREY, ORANGE])
        known = table[cost].notna()
        write_beside(panel, np.flatnonzero(known), map("{:.3g}".format, parts[known].sum(axis=1)))
    legend_below(figure, {"measured (95% interval over groups)": BLUE})
    return figure
