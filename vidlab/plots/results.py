"""Figures of results: classes, models side by side, the order of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlab.data.index import ReversedPair
from vidlab.errors import MetricError
from vidlab.evaluation import CYCLIC, END_STATE, MotionProbe, pair_kinds
from vidlab.evaluation.accuracy import Per
from vidlab.plots.intervals import intervals, named_rows, row_panels, stacked_bars, write_beside
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILLION,
    WINE,
    Drawing,
    legend_below,
    pale,
    percent_axis,
)

__all__ = ["class_deltas", "leaderboard", "motion_costs", "per_class_bars"]

_ALL = "all classes"
_KINDS = {END_STATE: VERMILLION, CYCLIC: WINE}
_COSTS = {
    "parameters": (1e6, "parameters (millions)"),
    "multiply_adds": (1e9, "multiply-adds (billions)"),
    "training_seconds": (60.0, "time (min)"),
    "megabytes": (1.0, "model file (MB)"),
}


def per_class_bars(
    table: pd.DataFrame,
    *,
    pairs: Sequence[tuple[str, str] | ReversedPair] = (),
    order: Sequence[str] | None = None,
    per: Per = "video",
    title: str = "Accuracy of each class",
) -> Drawing:
    """Accuracy of each class, the best one first.

    Parameters
    ----------
    table
        What `evaluation.per_class` gave, or `class_intervals`: then intervals are drawn.
    pairs
        Classes that are one another's reverse stand together, in a colour of their own, and those
        of a cyclic pair in another. Without the order of the frames the two share one half between
        them: a dashed line over both.
    order
        The classes from the top down, instead of by their accuracy; pairs then stand where they do.
    per
        What the table counts, for the words below it.
    """
    top1 = table["top1"].fillna(-1).sort_values(ascending=False, kind="stable")
    kinds = pair_kinds(list(top1.index), pairs)
    both_of = [
        pair for some in kinds.values() for pair in sorted(some, key=lambda p: -top1[[*p]].sum())
    ]
    paired = [name for pair in both_of for name in pair]
    order = [*top1.index.drop(paired), *paired] if order is None else order
    shown = table.loc[order].rename_axis("class")
    figure, axes = named_rows(None, shown.index, title=title)
    if "top5" in shown:
        axes.barh(np.arange(len(shown)), shown["top5"], color=pale(BLUE), height=0.736)
    colours = dict.fromkeys(order, BLUE) | _pair_colours(kinds)
    xlabel = f"accuracy (% of the class's {per}s)"
    intervals(shown, axes, colours=colours, texts={}, xlabel=xlabel)
    for row, both in enumerate(pairwise(order)):
        if both in both_of or both[::-1] in both_of:
            half = {"color": INK, "linestyle": "--", "label": "half of a pair"}
            axes.plot([0.5, 0.5], [row - 0.45, row + 1.45], **half)
    labels = {"top-1": BLUE} | {f"top-1, {kind}": _KINDS[kind] for kind in kinds}
    legend_below(figure, labels | ({"top-5": pale(BLUE)} if "top5" in table else {}))
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
        What `evaluation.leaderboard` gave. Top-5, the accuracy between the two classes of a pair (a
        coin's one half is dashed) and costs are drawn where any are known.
    """
    measured_on, published_on = table.columns.get_level_values(0).unique()
    measured, published = table[measured_on], table[published_on]
    accuracies = [top for top in ("top1", "top5") if top in measured]
    kinds = {"end_state": END_STATE, "cyclic": CYCLIC}
    within = {name: kind for name, kind in kinds.items() if name in measured}
    costs = [cost for cost in _COSTS if measured[cost].notna().any()]
    widths = [2.6] * len(accuracies) + [1.6] * bool(within) + [1.0] * len(costs)
    figure, panels = row_panels(table.index, widths=widths, title=title, inches=0.42)
    for axes, top in zip(panels, accuracies, strict=False):
        intervals(
            measured.assign(published=published[top]),
            axes,
            values=top,
            points=True,
            marks={"published": published_on} if published.notna().any(axis=None) else {},
            xlabel=f"{top.replace('top', 'top-')} accuracy (% of videos)",
        )
    for axes, cost in zip(panels[len(panels) - len(costs) :], costs, strict=True):
        _cost(axes, measured, cost)
    for name, kind in within.items():
        axes, dots = panels[len(accuracies)], {"s": 48, "color": _KINDS[kind], "clip_on": False}
        axes.scatter(measured[name], np.arange(len(measured)), label=kind, zorder=4, **dots)
    if within:
        axes.axvline(0.5, color=INK, linestyle="--", linewidth=1.2)
        percent_axis(axes, "within pairs (%)")
    label = f"{measured_on} (95% interval over groups)"
    figure.axes[0].scatter([], [], s=48, color=BLUE, label=label)
    legend_below(figure)
    return figure


def _cost(axes: Axes, measured: pd.DataFrame, cost: str) -> None:
    """Draw bars of parameters, megabytes, or of training time with that of the features."""
    unit, xlabel = _COSTS[cost]
    parts = measured[[cost]] / unit
    if cost == "training_seconds":
        parts["features"] = measured["feature_seconds"] / unit
        parts = parts.rename(columns={cost: "training"}).dropna(axis=1, how="all")
    stacked_bars(parts, axes, xlabel=xlabel, colours=[GREY, ORANGE])
    known = measured[cost].notna()
    write_beside(axes, np.flatnonzero(known), map("{:.3g}".format, parts[known].sum(axis=1)))


def motion_costs(
    probe: MotionProbe,
    *,
    pairs: Sequence[tuple[str, str] | ReversedPair] = (),
    title: str = "What each change of the order costs",
) -> Drawing:
    """Accuracy lost to each change of the order of frames, by class: bars to the right are losses.

    The first row holds all classes, with its 95% interval over groups. The classes of reversed
    pairs stand below the others, in the colour of their kind.
    """
    orders = list(probe.per_class.columns[2:])
    if not orders:
        raise MetricError(
            "Expected a probe of at least one changed order. Received: the normal order alone. "
            "Give motion_probe the predictions on reversed, shuffled or frozen videos."
        )
    classes = probe.per_class.index
    kinds = pair_kinds(list(classes), pairs)
    paired = [name for some in kinds.values() for pair in some for name in pair]
    rows = pd.Index([_ALL, *classes.drop(paired), *paired], name="class")
    colours = dict.fromkeys(rows, BLUE) | _pair_colours(kinds) | {_ALL: INK}
    figure, panels = row_panels(rows, widths=[1.0] * len(orders), title=title)
    for axes, order in zip(panels, orders, strict=True):
        overall = probe.overall.loc[[order]].set_axis([_ALL])
        costs = pd.concat([overall, probe.per_class[[order]].set_axis(["cost"], axis=1)])
        options = {"signed": True, "texts": {}, "xlabel": "accuracy lost (points)"}
        options |= {"values": "cost", "colours": colours, "title": order}
        intervals(costs.loc[rows], axes, **options)
        axes.grid(visible=True, axis="y")
    labels = {_ALL: INK, "class": BLUE}
    legend_below(figure, labels | {f"class of the {kind}": _KINDS[kind] for kind in kinds})
    return figure


def _pair_colours(kinds: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Colour the classes of reversed pairs by the kind of pair."""
    return {name: _KINDS[kind] for kind in kinds for pair in kinds[kind] for name in pair}
