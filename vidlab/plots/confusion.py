"""Confusion matrices as heatmaps, and an order in which confused classes are neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from vidlab.evaluation.accuracy import Per
from vidlab.plots.names import shortened
from vidlab.plots.style import axes_or_new, sentence

__all__ = ["clustered", "confusion_matrix"]

_MOST_WITH_NUMBERS = 15


def confusion_matrix(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
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
    per
        What the table counts, for the words beside it.
    empty
        What to write where the table has no rows.
    """
    if table.empty:
        return sentence(empty, title=title)
    counted = all(pd.api.types.is_integer_dtype(kind) for kind in table.dtypes)
    rows, columns = table.shape
    few = max(rows, columns) <= _MOST_WITH_NUMBERS
    cell = 0.5 if few else max(0.115, 0.3 - 0.0045 * max(0, columns - 20))
    if few:
        title += f" (number of {per}s)" if counted else f" (% of the true class's {per}s)"
    # A handful of classes still needs room for the title and the name of the colours, and long
    # names need more than usual.
    across, down = shortened(table.columns), shortened(table.index)
    more = 0.07 * max(0, max(map(len, across)) - 16)
    size = (max(6.2, 3.2 + cell * columns) + more, max(4.2, 2.2 + cell * rows) + more)
    figure, axes = axes_or_new(ax, title=title, figsize=size)
    numbers = table if counted else (100 * table).round().fillna(0).astype(int)
    seaborn.heatmap(
        table.div(table.sum(axis=1), axis=0),
        ax=axes,
        annot=numbers.astype(str).where(table > 0, "") if few else False,
        annot_kws={"fontsize": 9},
        fmt="",
        cmap="Blues",
        norm=PowerNorm(0.6, vmin=0, vmax=1),
        square=True,
        linewidths=0.8 if few else 0.3,
        linecolor="#E9E9E9",
        xticklabels=False,  # it would measure them, dollars as formulas
        yticklabels=False,
        cbar_kws={
            "label": f"share of the true class's {per}s",
            "shrink": 0.6 if rows > 5 else 0.8,
            "pad": 0.02,
            "ticks": [0, 0.05, 0.1, 0.25, 0.5, 0.75, 1],
            "format": PercentFormatter(xmax=1, decimals=0),
        },
    )
    slant = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if few else {"rotation": 90}
    axes.set_xticks(np.arange(columns) + 0.5, across, **slant)
    axes.set_yticks(np.arange(rows) + 0.5, down)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(labelsize=9.5 if few else min(9, 55 * cell), length=0, pad=2)
    return figure


def clustered(table: pd.DataFrame) -> list[str]:
    """Order the classes of a confusion matrix so that those often confused are neighbours.

    By average linkage of the shares in which two are mistaken for one another.
    """
    if len(table) < 3:
        return list(table.index)
    shares = table.div(table.sum(axis=1).replace(0, np.nan), axis=0).fillna(0).to_numpy()
    distance = 1 - np.clip((shares + shares.T) / 2, 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [table.index[leaf] for leaf in leaves_list(tree)]
