"""Bars of accuracy: by recipe, by class, by way of putting frames together, by kind of split.

Takes tables from `evaluation`; gives figures to notebooks. Shares run from 0 to 1. Where frames are
looked at without their order, the ceiling no such model can pass is drawn as a dashed line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from vidlab.errors import MetricError
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILLION,
    Drawing,
    percent_axis,
    recipe_colour,
)

__all__ = ["accuracy_with_ceiling", "aggregation_comparison", "leakage_bars", "per_class_bars"]

_ROWS_A_COLUMN = 55
_WAYS = (GREY, BLUE, ORANGE, SKY)  # the colours of ways to put frames together


def accuracy_with_ceiling(
    table: pd.DataFrame,
    ceiling: float | None = None,
    *,
    chance: float | None = None,
    published_on: str = "UCF-101",
    title: str = "Accuracy of each recipe on the test videos",
) -> Drawing:
    """Draw one bar a recipe, with its interval, the ceiling and the published value.

    Parameters
    ----------
    table
        Indexed by recipe: top1; for whiskers low and high, or top1_spread; for hollow marks
        published. All from 0 to 1; what is not a number is left out.
    ceiling
        The best that is open to the models drawn.
    chance
        What guessing gives.
    published_on
        The dataset of the published values.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If a value is not a share from 0 to 1.
    """
    _check_shares(table, ("top1", "low", "high", "published"))
    figure = Drawing(figsize=(9, 1.7 + 0.5 * len(table)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(table))
    colours = [recipe_colour(str(name)) for name in table.index]
    axes.barh(rows, table["top1"], color=colours, height=0.62)
    _whiskers(axes, rows, table)
    _values(axes, rows, table["top1"])
    if "published" in table and table["published"].notna().any():
        axes.plot(
            table["published"],
            rows,
            linestyle="none",
            marker="D",
            markersize=8,
            markerfacecolor="white",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            label=f"published, {published_on}",
            zorder=4,
        )
    _lines(axes, ceiling=ceiling, chance=chance)
    axes.set(title=title, ylabel="recipe")
    return _finish(figure, axes, names=table.index, shares="top-1 accuracy (% of videos)")


def aggregation_comparison(
    table: pd.DataFrame,
    *,
    ceiling: float | None = None,
    title: str = "From frames to a video: single frames, mean and vote",
) -> Drawing:
    """Draw the accuracy of each recipe for several ways of putting its frames together.

    Parameters
    ----------
    table
        Indexed by recipe; one column for each of one to four ways, say frame, mean and vote, from
        0 to 1.
    ceiling
        The best that is open to the models drawn.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If a value is not a share from 0 to 1, or there are no ways or more than four.
    """
    _check_shares(table, table.columns)
    ways, rows = list(table.columns), np.arange(len(table))
    if not 1 <= len(ways) <= len(_WAYS):
        raise MetricError(
            f"Expected 1 to {len(_WAYS)} ways of putting frames together. Received: {len(ways)} "
            f"columns ({', '.join(map(str, ways))}). Draw some of them, such as table[['mean']]."
        )
    figure = Drawing(figsize=(9, 1.7 + 0.3 * len(table) * len(ways)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(ways)
    for place, way in enumerate(ways):
        at = rows + (place - (len(ways) - 1) / 2) * height
        axes.barh(at, table[way], height=0.92 * height, color=_WAYS[place], label=str(way))
        _values(axes, at, table[way])
    _lines(axes, ceiling=ceiling, chance=None)
    axes.set(title=title, ylabel="recipe")
    return _finish(figure, axes, names=table.index, shares="top-1 accuracy (%)")


def leakage_bars(
    table: pd.DataFrame,
    *,
    chance: float | None = None,
    title: str = "The accuracy that leakage invents",
) -> Drawing:
    """Draw the accuracy of one model on different kinds of splits.

    Parameters
    ----------
    table
        Indexed by kind of split (random, group-wise, official): accuracy and, for whiskers, low and
        high, from 0 to 1. Kinds that begin with "random" are drawn in the colour of warning.
    chance
        What guessing gives.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If a value is not a share from 0 to 1.
    """
    _check_shares(table, ("accuracy", "low", "high"))
    figure = Drawing(figsize=(9, 1.7 + 0.55 * len(table)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(table))
    colours = [VERMILLION if str(kind).startswith("random") else BLUE for kind in table.index]
    axes.barh(rows, table["accuracy"], color=colours, height=0.6)
    _whiskers(axes, rows, table.rename(columns={"accuracy": "top1"}))
    _values(axes, rows, table["accuracy"])
    _lines(axes, ceiling=None, chance=chance)
    axes.set(title=title, ylabel="kind of split")
    return _finish(figure, axes, names=table.index, shares="accuracy (% of test videos)")


def per_class_bars(
    table: pd.DataFrame,
    *,
    ceiling: float | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    title: str = "Accuracy of each class",
) -> Drawing:
    """Draw the accuracy of each class, the best one first, in two columns where there are many.

    Parameters
    ----------
    table
        What `evaluation.per_class` gave: indexed by class, top1 and perhaps top5.
    ceiling
        The best accuracy over all classes that is open to the model; a single class may pass it.
    pairs
        Classes that are one another's reverse stand together, in a colour of their own. Without the
        order of the frames the two share one half between them: a dashed line over both.
    title
        Over the figure.
    """
    order, paired = _in_order(table["top1"], pairs)
    columns = max(1, math.ceil(len(order) / _ROWS_A_COLUMN))
    length = max(1, math.ceil(len(order) / columns))
    many = len(order) > 30
    figure = Drawing(
        figsize=(max(8, 6 * columns), 1.6 + length * (0.165 if many else 0.28)),
        layout="constrained",
    )
    figure.suptitle(title, x=0.01, ha="left")
    for place, axes in enumerate(figure.subplots(1, columns, squeeze=False)[0]):
        names = order[place * length : (place + 1) * length]
        part, rows = table.loc[names], np.arange(len(names))
        if "top5" in table:
            axes.barh(rows, part["top5"], color="#C9DDEA", height=0.78)
        colours = [VERMILLION if name in paired else BLUE for name in names]
        axes.barh(rows, part["top1"], color=colours, height=0.78)
        for row, name in enumerate(names[:-1]):
            if paired.get(name) == names[row + 1]:
                axes.plot([0.5, 0.5], [row - 0.45, row + 1.45], color=INK, linestyle="--", lw=1.4)
        if ceiling is not None:
            axes.axvline(ceiling, color=INK, linestyle=":", linewidth=1.4)
        axes.set_yticks(rows, names, fontsize=7.5 if many else 9.5)
        axes.set_ylim(length - 0.4, -0.6)
        axes.set_ylabel("class" if not place else "")
        axes.grid(visible=False, axis="y")
        percent_axis(axes, "accuracy (% of the class's videos)")
    handles = [Patch(color=BLUE, label="top-1")]
    if paired:
        handles.append(Patch(color=VERMILLION, label="top-1, reversed pair"))
        handles.append(axes.plot([], [], color=INK, ls="--", lw=1.4, label="half of a pair")[0])
    if "top5" in table:
        handles.append(Patch(color="#C9DDEA", label="top-5"))
    if ceiling is not None:
        label = f"ceiling over all classes {ceiling:.0%}"
        handles.append(axes.plot([], [], color=INK, ls=":", lw=1.4, label=label)[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _in_order(top1: pd.Series, pairs: Sequence[tuple[str, str]]) -> tuple[list[str], dict]:
    """Sort classes by accuracy, pairs together behind the others; also give who is paired."""
    pairs = [pair for pair in pairs if set(pair) <= set(top1.index)]
    paired = dict([*pairs, *((second, first) for first, second in pairs)])
    values = top1.fillna(-1)
    single = [name for name in values.sort_values(ascending=False, kind="stable").index]
    together = sorted(pairs, key=lambda pair: -(values[pair[0]] + values[pair[1]]))
    flat = [name for pair in together for name in pair]
    return [name for name in single if name not in paired] + flat, paired


def _check_shares(table: pd.DataFrame, columns: Sequence[str]) -> None:
    for name in columns:
        if name in table and ((table[name] < 0) | (table[name] > 1)).any():
            raise MetricError(
                f"Expected shares from 0 to 1. Received: {name} up to {table[name].max():g}. "
                "Divide per cent by 100."
            )


def _whiskers(axes: Axes, rows: np.ndarray, table: pd.DataFrame) -> None:
    """Draw the intervals there are."""
    value = table["top1"].to_numpy(dtype=float)
    if {"low", "high"} <= set(table.columns):
        low, high = table["low"].to_numpy(dtype=float), table["high"].to_numpy(dtype=float)
    elif "top1_spread" in table:
        spread = table["top1_spread"].to_numpy(dtype=float)
        low, high = np.maximum(value - spread, 0), value + spread
    else:
        return
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(value)
    lengths = np.maximum([(value - low)[known], (high - value)[known]], 0)
    axes.errorbar(
        value[known], rows[known], xerr=lengths, fmt="none", ecolor=INK, elinewidth=1.3, capsize=4
    )


def _values(axes: Axes, rows: np.ndarray, values: pd.Series) -> None:
    """Write each share in the right margin, where nothing is in its way."""
    for row, value in zip(rows, values, strict=True):
        if np.isfinite(value):
            axes.annotate(
                f"{value:.1%}",
                (1, row),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )


def _lines(axes: Axes, *, ceiling: float | None, chance: float | None) -> None:
    if ceiling is not None:
        label = f"ceiling without the order of frames, {ceiling:.0%}"
        axes.axvline(ceiling, color=INK, linestyle="--", linewidth=1.4, label=label, zorder=3)
    if chance is not None:
        label = f"chance, {chance:.1%}"
        axes.axvline(chance, color=GREY, linestyle=":", linewidth=1.6, label=label, zorder=3)


def _finish(figure: Drawing, axes: Axes, *, names: pd.Index, shares: str) -> Drawing:
    """Name the rows from the top down and the shares from left to right, and add the legend."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    percent_axis(axes, shares)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure
