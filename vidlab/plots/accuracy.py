"""Bars of accuracy: by recipe, by class, by way of putting frames together, by kind of split.

Takes tables from `evaluation`; gives figures to notebooks. Shares run from 0 to 1. Where frames are
looked at without their order, the ceiling no such model can pass is drawn as a dashed line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from vidlab.errors import MetricError
from vidlab.plots.rows import class_rows, legend_below, margin, model_rows, whiskers
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

_PALE = "#C9DDEA"  # top-5, behind the blue of top-1
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
        The best that is open to the models drawn; 1 limits nothing and is not drawn.
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
    figure, (axes,) = model_rows(table.index, title=title)
    rows = np.arange(len(table))
    colours = [recipe_colour(str(name)) for name in table.index]
    axes.barh(rows, table["top1"], color=colours, height=0.62)
    _intervals(axes, table, "top1")
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
    return _finish(figure, axes, shares="top-1 accuracy (% of videos)")


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
    figure, (axes,) = model_rows(table.index, title=title, inches=0.3 * len(ways))
    height = 0.8 / len(ways)
    for place, way in enumerate(ways):
        at = rows + (place - (len(ways) - 1) / 2) * height
        axes.barh(at, table[way], height=0.92 * height, color=_WAYS[place], label=str(way))
        _values(axes, at, table[way])
    _lines(axes, ceiling=ceiling)
    return _finish(figure, axes, shares="top-1 accuracy (%)")


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
    figure, (axes,) = model_rows(table.index, title=title, name="kind of split", inches=0.55)
    rows = np.arange(len(table))
    colours = [VERMILLION if str(kind).startswith("random") else BLUE for kind in table.index]
    axes.barh(rows, table["accuracy"], color=colours, height=0.6)
    _intervals(axes, table, "accuracy")
    _values(axes, rows, table["accuracy"])
    _lines(axes, chance=chance)
    return _finish(figure, axes, shares="accuracy (% of test videos)")


def per_class_bars(
    table: pd.DataFrame,
    *,
    ceiling: float | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    order: Sequence[str] | None = None,
    title: str = "Accuracy of each class",
) -> Drawing:
    """Draw the accuracy of each class, the best one first, in two columns where there are many.

    Parameters
    ----------
    table
        What `evaluation.per_class` or `class_intervals` gave: indexed by class, top1 and perhaps
        top5; with the columns top1_low and top1_high, intervals are drawn.
    ceiling
        The best accuracy over all classes that is open to the model; a single class may pass it.
    pairs
        Classes that are one another's reverse stand together, in a colour of their own. Without the
        order of the frames the two share one half between them: a dashed line over both.
    order
        The classes from the top down, instead of by their accuracy; pairs then stand where they do.
    title
        Over the figure.
    """
    by_accuracy, paired = _in_order(table["top1"], pairs)
    figure, columns = class_rows(by_accuracy if order is None else list(order), title=title)
    for (axes,), names in columns:
        part, rows = table.loc[names], np.arange(len(names))
        if "top5" in table:
            axes.barh(rows, part["top5"], color=_PALE, height=0.78)
        colours = [VERMILLION if name in paired else BLUE for name in names]
        axes.barh(rows, part["top1"], color=colours, height=0.78)
        if "top1_low" in table:
            whiskers(axes, part["top1"], part["top1_low"], part["top1_high"])
        for row, name in enumerate(names[:-1]):
            if paired.get(name) == names[row + 1]:
                axes.plot([0.5, 0.5], [row - 0.45, row + 1.45], color=INK, linestyle="--", lw=1.4)
        if ceiling is not None:
            axes.axvline(ceiling, color=INK, linestyle=":", linewidth=1.4)
        percent_axis(axes, "accuracy (% of the class's videos)")
    handles = [Patch(color=BLUE, label="top-1")]
    if paired:
        handles.append(Patch(color=VERMILLION, label="top-1, reversed pair"))
        handles.append(axes.plot([], [], color=INK, ls="--", lw=1.4, label="half of a pair")[0])
    if "top5" in table:
        handles.append(Patch(color=_PALE, label="top-5"))
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


def _intervals(axes: Axes, table: pd.DataFrame, value: str) -> None:
    """Draw low and high, or the spread on both sides, where the table has them."""
    if {"low", "high"} <= set(table.columns):
        whiskers(axes, table[value], table["low"], table["high"])
    elif f"{value}_spread" in table:
        spread = table[f"{value}_spread"]
        whiskers(axes, table[value], (table[value] - spread).clip(lower=0), table[value] + spread)


def _values(axes: Axes, rows: np.ndarray, values: pd.Series) -> None:
    known = np.isfinite(values.to_numpy(dtype=float))
    margin(axes, rows[known], [f"{value:.1%}" for value in values[known]])


def _lines(axes: Axes, *, ceiling: float | None = None, chance: float | None = None) -> None:
    if ceiling is not None and ceiling < 1:
        label = f"ceiling without the order of frames, {ceiling:.0%}"
        axes.axvline(ceiling, color=INK, linestyle="--", linewidth=1.4, label=label, zorder=3)
    if chance is not None:
        label = f"chance, {chance:.1%}"
        axes.axvline(chance, color=GREY, linestyle=":", linewidth=1.6, label=label, zorder=3)


def _finish(figure: Drawing, axes: Axes, *, shares: str) -> Drawing:
    """Name the shares and add the legend."""
    percent_axis(axes, shares)
    legend_below(figure, axes)
    return figure
