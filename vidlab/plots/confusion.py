"""The confusion matrix: what each class is taken for.

Takes a table from `evaluation.confusion`; gives a figure to notebooks. With few classes every cell
tells its number; with a hundred, classes that are taken for one another can be put side by side.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.ticker import PercentFormatter
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from vidlab.errors import MetricError
from vidlab.plots.style import INK, Drawing, sentence

__all__ = ["clustered", "confusion_matrix"]

_MOST_WITH_NUMBERS = 15


def confusion_matrix(
    table: pd.DataFrame,
    *,
    order: Literal["given", "clustered"] = "given",
    title: str = "Confusion matrix",
    empty: str = "There are no classes to show.",
) -> Drawing:
    """Draw what each class is taken for: darker is more often, the diagonal is right.

    Parameters
    ----------
    table
        What `evaluation.confusion` gave: counts (integers), or shares of each row. Up to 15
        classes its numbers are written into the cells, shares as per cent. Colour always shows the
        share of the row; it grows fast for small shares, so that single mistakes are seen.
    order
        ``"given"``, or ``"clustered"``: classes taken for one another next to each other.
    title
        Over the figure.
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
    shares = table.div(table.sum(axis=1), axis=0) if counted else table
    rows, columns = table.shape
    few = max(rows, columns) <= _MOST_WITH_NUMBERS
    cell = 0.5 if few else max(0.115, 0.3 - 0.0045 * max(0, columns - 20))
    font = 9.5 if few else min(9, 55 * cell)
    # A handful of classes still needs room for the title and the name of the colours.
    size = (max(6.2, 3.2 + cell * columns), max(4.2, 2.2 + cell * rows))
    figure = Drawing(figsize=size, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(
        shares.to_numpy(dtype=float), cmap="Blues", norm=PowerNorm(0.6, vmin=0, vmax=1)
    )
    axes.set_xticks(
        np.arange(columns),
        table.columns,
        rotation=90 if not few else 45,
        fontsize=font,
        ha="center" if not few else "right",
        rotation_mode="default" if not few else "anchor",
    )
    axes.set_yticks(np.arange(rows), table.index, fontsize=font)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if few:
        title += " (number of videos)" if counted else " (% of the true class's videos)"
    axes.set_title(title)
    axes.grid(visible=False)
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(visible=True, which="minor", color="#E9E9E9", linewidth=0.8 if few else 0.4)
    axes.tick_params(which="minor", length=0)
    bar = figure.colorbar(
        image,
        ax=axes,
        shrink=0.6 if rows > 5 else 0.8,
        pad=0.02,
        ticks=[0, 0.05, 0.1, 0.25, 0.5, 0.75, 1],
        format=PercentFormatter(xmax=1, decimals=0),
    )
    bar.set_label("share of the true class's videos")
    bar.outline.set_visible(False)
    if few:
        _write_numbers(axes, table, shares, counted=counted)
    return figure


def _write_numbers(axes, table: pd.DataFrame, shares: pd.DataFrame, *, counted: bool) -> None:
    """Write each number above 0 into its cell; per cent without the sign where shares are given."""
    for row, column in np.argwhere(table.to_numpy(dtype=float) > 0):
        share = shares.iat[row, column]
        text = f"{table.iat[row, column]}" if counted else f"{100 * share:.0f}"
        colour = "white" if share > 0.45 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)


def clustered(table: pd.DataFrame) -> list[str]:
    """Order classes so that those taken for one another are neighbours.

    Parameters
    ----------
    table
        What `evaluation.confusion` gave, of the same classes in rows and columns.

    Returns
    -------
    list of str
        The names of the rows, by average linkage of the shares in which two are mistaken.

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
    return [table.index[place] for place in leaves_list(tree)]
