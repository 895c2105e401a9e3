"""Confusion matrices as heatmaps, one or several side by side, the classes perhaps clustered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import Per
from vidlab.plots.names import shortened
from vidlab.plots.style import axes_or_new, sentence, titled

__all__ = ["clustered", "confusion_matrices", "confusion_matrix"]

_MOST_WITH_NUMBERS = 15


def confusion_matrix(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    order: Literal["given", "clustered"] = "given",
    per: Per = "video",
    title: str = "Confusion matrix",
    empty: str = "There are no classes to show.",
) -> Figure:
    """Draw a confusion matrix: darker is more often, the diagonal is right.

    Parameters
    ----------
    table
        What `evaluation.confusion` gave: counts (integers), or shares of each row. Up to 15
        classes its numbers are written into the cells, shares as per cent. Colour always shows the
        share of the row; it grows fast for small shares, so that single mistakes are seen.
    order
        ``"given"``, or ``"clustered"``: classes taken for one another next to each other.
    per
        What the table counts, for the words beside it.
    empty
        What to write where the table has no rows.

    Raises
    ------
    MetricError
        If `order` is unknown, or clustered and rows and columns are not the same classes.
    """
    if order not in ("given", "clustered"):
        raise MetricError(f"Expected given or clustered. Received: {order!r}. Choose one of these.")
    if table.empty:
        return sentence(empty, title=title)
    if order == "clustered":
        names = clustered(table)
        table = table.loc[names, names]
    counted = all(pd.api.types.is_integer_dtype(kind) for kind in table.dtypes)
    rows, columns = table.shape
    few = max(rows, columns) <= _MOST_WITH_NUMBERS
    cell = 0.5 if few else max(0.115, 0.3 - 0.0045 * max(0, columns - 20))
    if few:
        title += f" (number of {per}s)" if counted else f" (% of the true class's {per}s)"
    # A handful of classes still needs room for the title and the name of the colours.
    more = _room(table)
    size = (max(6.2, 3.2 + cell * columns) + more, max(4.2, 2.2 + cell * rows) + more)
    figure, axes = axes_or_new(ax, title=title, figsize=size)
    numbers = table if counted else (100 * table).round().fillna(0).astype(int)
    annotation = numbers.astype(str).where(table > 0, "") if few else False
    _heatmap(table, axes, annot=annotation, linewidths=0.8 if few else 0.3)
    _colour_bar(figure, [axes], per=per, shrink=0.6 if rows > 5 else 0.8)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(labelsize=9.5 if few else min(9, 55 * cell), length=0, pad=2)
    if few:
        _slant(axes)
    return figure


def confusion_matrices(
    tables: Mapping[str, pd.DataFrame],
    *,
    per: Per = "video",
    title: str = "Confusion matrices",
) -> Figure:
    """Draw confusion matrices side by side, such as those of the test parts of three splits.

    Parameters
    ----------
    tables
        What `evaluation.confusion` gave, by the name to write above each, all of the same classes.
        Colour shows the share of the row, as in `confusion_matrix`; no numbers are written.
    per
        What the tables count, for the words beside them.

    Raises
    ------
    MetricError
        If there are no tables, or their classes differ.
    """
    names = {(*table.index, *table.columns) for table in tables.values()}
    if len(names) != 1:
        raise MetricError(
            f"Expected confusion matrices of the same classes. Received: {len(tables)} of "
            f"{len(names)} sets of classes. Compare runs on one dataset."
        )
    first, *_ = tables.values()
    (rows, columns), more = first.shape, _room(first)
    cell = max(0.06, min(0.2, 2.6 / max(columns, 1)))
    size = (2.6 + (cell * columns + 0.35) * len(tables) + more, 2.1 + cell * rows + more)
    figure = titled(title, size)
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        _heatmap(table, axes, linewidths=0.3)
        axes.set_title(name)
        axes.tick_params(labelsize=min(8.5, 52 * cell), length=0, pad=2)
        axes.set(xlabel="predicted class", ylabel="true class" if axes is panels[0] else "")
        if columns <= _MOST_WITH_NUMBERS:
            _slant(axes)
    _colour_bar(figure, panels, per=per, shrink=0.7)
    return figure


def _room(table: pd.DataFrame) -> float:
    """Return how many inches more than usual long names take."""
    return 0.07 * max(0, max(map(len, shortened(table.columns)), default=0) - 16)


def _heatmap(table: pd.DataFrame, axes: Axes, **options: object) -> None:
    """Colour the cells of a table of counts or shares by their share of the row."""
    seaborn.heatmap(
        table.div(table.sum(axis=1), axis=0),
        ax=axes,
        fmt="",
        cmap="Blues",
        norm=PowerNorm(0.6, vmin=0, vmax=1),
        square=True,
        linecolor="#E9E9E9",
        xticklabels=False,  # it would measure them, dollars as formulas
        yticklabels=False,
        annot_kws={"fontsize": 9},
        cbar=False,
        **options,
    )
    rows, columns = table.shape
    axes.set_xticks(np.arange(columns) + 0.5, shortened(table.columns), rotation=90)
    axes.set_yticks(np.arange(rows) + 0.5, shortened(table.index))


def _colour_bar(figure: Figure, panels: Sequence[Axes], *, per: Per, shrink: float) -> None:
    figure.colorbar(
        panels[0].collections[0],
        ax=panels,
        label=f"share of the true class's {per}s",
        shrink=shrink,
        pad=0.02,
        ticks=[0, 0.05, 0.1, 0.25, 0.5, 0.75, 1],
        format=PercentFormatter(xmax=1, decimals=0),
    )


def _slant(axes: Axes) -> None:
    """Turn the names below the columns, so that they have room."""
    axes.tick_params(axis="x", labelrotation=45)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def clustered(table: pd.DataFrame) -> list[str]:
    """Order the classes of a confusion matrix so that those often confused are neighbours.

    By average linkage of the shares in which two are mistaken for one another.

    Raises
    ------
    MetricError
        If rows and columns are not the same classes.
    """
    if list(table.index) != list(table.columns):
        raise MetricError(
            "Expected the same classes as rows and columns for the clustered order. Received: "
            f"{len(table.index)} rows, {len(table.columns)} columns. Use the given order."
        )
    if len(table) < 3:
        return list(table.index)
    shares = table.div(table.sum(axis=1).replace(0, np.nan), axis=0).fillna(0).to_numpy()
    distance = 1 - np.clip((shares + shares.T) / 2, 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [table.index[leaf] for leaf in leaves_list(tree)]
