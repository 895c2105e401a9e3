"""What figures of rows share: a row a class, in columns where there are many, or a row a model.

Takes names from tables; gives empty figures with named rows, and marks upon them, to `accuracy`,
`comparison`, `data` and `motion`. Rows are counted from 0 at the top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from vidlab.plots.style import INK, Drawing

__all__ = ["class_rows", "legend_below", "margin", "model_rows", "whiskers"]

_ROWS_A_COLUMN = 55


def class_rows(
    names: Sequence[str], *, title: str, panels: int = 1
) -> tuple[Drawing, list[tuple[list[Axes], list[str]]]]:
    """Make a figure with a row for each class.

    Parameters
    ----------
    names
        The classes, from the top down; beyond 55 they go on in further columns.
    title
        Over the figure.
    panels
        How many axes stand side by side on the same rows.

    Returns
    -------
    figure : Drawing
    columns : list of (axes, names)
        For each column its axes, one a panel, and the classes on its rows.
    """
    columns = max(1, math.ceil(len(names) / _ROWS_A_COLUMN))
    length = max(1, math.ceil(len(names) / columns))
    many = len(names) > 30
    width = 6 * columns if panels == 1 else columns * (1.8 + 2.1 * panels)
    figure = Drawing(
        figsize=(max(8, width), 1.6 + length * (0.165 if many else 0.28)), layout="constrained"
    )
    figure.suptitle(title, x=0.01, ha="left")
    cells = figure.subplots(1, columns * panels, squeeze=False, sharex=True)[0]
    parts = []
    for place in range(columns):
        part = list(names[place * length : (place + 1) * length])
        side_by_side = list(cells[place * panels : (place + 1) * panels])
        for axes in side_by_side:
            axes.set_yticks(np.arange(len(part)), part, fontsize=7.5 if many else 9.5)
            axes.set_ylim(length - 0.4, -0.6)
            axes.grid(visible=panels > 1, axis="y")  # leads the eye from a name to the last panel
            axes.tick_params(labelleft=axes is side_by_side[0])
        parts.append((side_by_side, part))
    cells[0].set_ylabel("class")
    return figure, parts


def model_rows(
    names: Iterable[str],
    *,
    title: str,
    name: str = "recipe",
    inches: float = 0.5,
    widths: Sequence[float] = (1.0,),
) -> tuple[Drawing, list[Axes]]:
    """Make a figure with a row for each model.

    Parameters
    ----------
    names
        The models, from the top down.
    title
        Over the figure.
    name
        What a row is.
    inches
        The height of a row.
    widths
        One for each of the axes that stand side by side on the same rows.
    """
    names = list(names)
    figure = Drawing(
        figsize=(9 if len(widths) == 1 else 13, 1.7 + inches * len(names)), layout="constrained"
    )
    panels = list(figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0])
    for axes in panels:
        axes.set_yticks(np.arange(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel(name)
    if len(panels) == 1:
        panels[0].set_title(title)
    else:
        figure.suptitle(title, x=0.01, ha="left")
    return figure, panels


def whiskers(
    axes: Axes,
    values: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    colour: str = INK,
) -> None:
    """Draw the intervals there are, one a row."""
    values, low, high = (np.asarray(one, dtype=float) for one in (values, low, high))
    rows = np.flatnonzero(np.isfinite(low) & np.isfinite(high) & np.isfinite(values))
    lengths = np.maximum([(values - low)[rows], (high - values)[rows]], 0)
    axes.errorbar(
        values[rows], rows, xerr=lengths, fmt="none", ecolor=colour, elinewidth=1.2, capsize=3
    )


def margin(axes: Axes, rows: Iterable[float], texts: Iterable[str]) -> None:
    """Write a text beside each row in the right margin, where nothing is in its way."""
    for row, text in zip(rows, texts, strict=True):
        axes.annotate(
            text,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )


def legend_below(figure: Drawing, *panels: Axes) -> None:
    """Explain what is drawn on `panels` in a line below the figure, every name once."""
    named = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    if named:
        figure.legend(
            named.values(), named.keys(), loc="outside lower center", ncols=min(len(named), 5)
        )
