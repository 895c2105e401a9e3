"""Bars or points with confidence intervals, a row each: the figure behind most results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlab.errors import MetricError
from vidlab.plots.names import shortened
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILLION,
    class_colours,
    legend_below,
    pale,
    percent_axis,
    sentence,
    titled,
)

__all__ = ["intervals", "named_rows", "stacked_bars", "write_beside"]

_MANY = 30  # rows


def intervals(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    values: str | Sequence[str] = "top1",
    colours: str | Mapping[str, str] = BLUE,
    points: bool = False,
    signed: bool = False,
    marks: Mapping[str, str] | None = None,
    ceiling: float | None = None,
    chance: float | None = None,
    uncertain: Mapping[str, bool] | None = None,
    texts: Mapping[str, str] | None = None,
    xlabel: str = "top-1 accuracy (% of videos)",
    title: str = "",
    empty: str = "There is nothing to compare.",
) -> Figure:
    """Draw a bar or a point for each row of a table, with its confidence interval.

    Parameters
    ----------
    table
        One row a model, class or whatever is compared. The interval of a column ``top1`` is taken
        from ``top1_low`` and ``top1_high``, or from ``low`` and ``high``, whichever there is.
    ax
        Draw here; a figure of its own otherwise.
    values
        The column to draw; several stand side by side in each row.
    colours
        One for all rows, or by row; several values have colours of their own.
    points
        Points in place of bars.
    signed
        The values are differences of shares, and are written in points (hundredths).
    marks
        Columns to draw as hollow marks, and what to call them.
    ceiling, chance
        Reference lines, 0 to 1. A ceiling of 1 limits nothing and is not drawn.
    uncertain
        By row, whether its colour is pale.
    texts
        By row, what stands to the right of each row; the value if left out.

    Raises
    ------
    MetricError
        If a value is not a share.
    """
    values = [values] if isinstance(values, str) else list(values)
    marks = marks or {}
    for name in [*values, *marks]:
        if table[name].abs().max() > 1:
            raise MetricError(
                f"Expected shares from 0 to 1. Received: {name} up to {table[name].abs().max():g}. "
                "Divide per cent by 100."
            )
    if table.empty:
        return sentence(empty, title=title)
    bare = texts is not None and not len(texts)  # without texts rows may be narrow
    figure, axes = named_rows(
        ax, table.index, title=title, inches=None if bare else 0.2 + 0.25 * len(values)
    )
    names, rows, height = list(table.index), np.arange(len(table)), 0.8 / len(values)
    by_row = [colours if isinstance(colours, str) else colours[name] for name in names]
    if uncertain is not None:
        by_row = [pale(c) if uncertain[n] else c for c, n in zip(by_row, names, strict=True)]
    for number, (value, colour) in enumerate(class_colours(values).items()):
        at = rows + (number - (len(values) - 1) / 2) * height
        found, style = table[value].to_numpy(dtype=float), {"color": by_row}
        if len(values) > 1:
            style = {"color": colour, "label": value}
        if points:
            axes.scatter(found, at, s=48, zorder=4, clip_on=False, **style)
        else:
            axes.barh(at, found, height=0.92 * height, **style)
        _whiskers(axes, table, value, at)
        shown = [f"{each:.1%}" if np.isfinite(each) else "" for each in found]
        if texts is not None:
            shown = [texts.get(name, "") for name in names]
        write_beside(axes, at, shown)
    for marker, (mark, label) in zip("Dos^vP", marks.items(), strict=False):
        style = {"facecolor": "white", "edgecolor": INK, "linewidth": 1.4, "clip_on": False}
        axes.scatter(table[mark], rows, s=56, marker=marker, label=label, zorder=5, **style)
    if ceiling is not None and ceiling < 1:
        label = f"ceiling without the order of frames, {ceiling:.0%}"
        axes.axvline(ceiling, color=INK, linestyle="--", linewidth=1.4, label=label)
    if chance is not None:
        label = f"chance, {chance:.1%}"
        axes.axvline(chance, color=GREY, linestyle=":", linewidth=1.6, label=label)
    if signed:
        axes.axvline(0, color=INK, linewidth=1)
        axes.update_datalim([(-0.05, 0), (0.05, 0)])  # room also where nothing differs
        axes.autoscale_view(scaley=False)
        axes.xaxis.set_major_formatter(_in_points)
        axes.set_xlabel(xlabel)
    else:
        percent_axis(axes, xlabel)
    if ax is None:
        legend_below(figure)
    return figure


def stacked_bars(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    colours: Sequence[str] = (BLUE, "#CFCFCF", VERMILLION, ORANGE),
    percent: bool = False,
    xlabel: str = "",
    title: str = "",
    empty: str = "There is nothing to compare.",
) -> Figure:
    """Draw the columns of a table as bars that continue one another, for each row.

    Parameters
    ----------
    table
        Up to four columns of numbers, or of shares from 0 to 1 with `percent`.
    ax
        Draw here; a figure of its own otherwise.
    """
    if table.empty:
        return sentence(empty, title=title)
    figure, axes = named_rows(ax, table.index, title=title)
    rows, left = np.arange(len(table)), np.zeros(len(table))
    for column, colour in zip(table, colours, strict=False):
        label = column if table.shape[1] > 1 else None
        axes.barh(rows, table[column], left=left, color=colour, height=0.72, label=label)
        left += table[column].fillna(0)
    if percent:
        percent_axis(axes, xlabel)
    axes.set_xlabel(xlabel)
    if ax is None:
        legend_below(figure)
    return figure


def named_rows(
    ax: Axes | None, names: pd.Index, *, title: str, inches: float | None = None
) -> tuple[Figure, Axes]:
    """Name a row for each class or model, from the top down, in new axes or in those given.

    Each row of new axes is `inches` high, less where there are many.
    """
    many = len(names) > _MANY
    if ax is None:
        inches = inches or (0.165 if many else 0.28)
        ax = titled(title, (8.5, 1.6 + len(names) * inches)).subplots()
        ax.set_ylabel(names.name or "")
    else:
        ax.set_title(title)
    ax.set_yticks(np.arange(len(names)), shortened(names), fontsize=7.5 if many else 9.5)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    return ax.get_figure(root=True), ax


def _whiskers(axes: Axes, table: pd.DataFrame, value: str, at: np.ndarray) -> None:
    """Draw the intervals there are."""
    middle, prefix = table[value], f"{value}_" if f"{value}_low" in table else ""
    if f"{prefix}low" not in table:
        return
    ends = np.array([middle - table[f"{prefix}low"], table[f"{prefix}high"] - middle])
    known = np.isfinite(ends).all(axis=0)
    if known.any():
        ends = np.maximum(ends[:, known], 0)
        style = {"fmt": "none", "ecolor": INK, "elinewidth": 1.2, "capsize": 3}
        axes.errorbar(middle[known], at[known], xerr=ends, **style)


def write_beside(axes: Axes, rows: Iterable[float], texts: Iterable[str]) -> None:
    """Write texts in the right margin, where nothing is in their way."""
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    for row, text in zip(rows, texts, strict=True):
        axes.annotate(text, (1, row), xytext=(6, 0), va="center", fontsize=9, **where)


def _in_points(value: float, _: int) -> str:
    return f"{100 * value:+.0f}".replace("-", "−") if value else "0"
