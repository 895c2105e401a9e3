"""Models side by side: what they scored and cost, how they differ, and in which classes.

Takes the tables of `evaluation.leaderboard`, `compare` and `class_deltas`; gives figures to
notebooks. Measured values are full dots, published ones hollow diamonds; differences are in points,
hundredths of a share.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from vidlab.errors import MetricError
from vidlab.plots.rows import class_rows, legend_below, margin, model_rows, whiskers
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILLION,
    Drawing,
    percent_axis,
    recipe_colour,
)

__all__ = ["class_deltas", "comparison", "leaderboard", "points_axis"]

_SURE = 0.05
_PALE = {BLUE: "#B3D4E8", VERMILLION: "#F2CEB3"}  # the same colours, for what is not sure


def leaderboard(table: pd.DataFrame, *, title: str = "Accuracy and cost of each model") -> Drawing:
    """Draw one row a model: accuracy with its interval, the published value, and what it costs.

    Parameters
    ----------
    table
        What `evaluation.leaderboard` gave. Top-5 and costs are drawn where any are known.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the table has no measured top-1.
    """
    labels = {str(label).split(",")[0]: str(label) for label in table.columns.get_level_values(0)}
    if ("measured" not in labels) or "top1" not in table[labels["measured"]]:
        raise MetricError(
            "Expected a table with measured and published columns. Received: "
            f"{', '.join(map(str, table.columns))}. Make it with evaluation.leaderboard."
        )
    measured = table[labels["measured"]]
    published = table[labels["published"]] if "published" in labels else measured[[]]
    accuracies = [top for top in ("top1", "top5") if top in measured]
    costs = [
        cost
        for cost in ("parameters", "training_seconds", "megabytes")
        if cost in measured and measured[cost].notna().any()
    ]
    figure, panels = model_rows(
        table.index,
        title=title,
        name="model",
        inches=0.42,
        widths=[2.6] * len(accuracies) + [1.0] * len(costs),
    )
    for axes, top in zip(panels, accuracies, strict=False):
        _accuracies(axes, measured, top, label=labels["measured"])
        if top in published and published[top].notna().any():
            _published(axes, published[top], label=labels["published"])
        percent_axis(axes, f"{top.replace('top', 'top-')} accuracy (% of videos)")
    for axes, cost in zip(panels[len(accuracies) :], costs, strict=True):
        _cost(axes, measured, cost)
    legend_below(figure, *panels)
    return figure


def comparison(
    table: pd.DataFrame,
    *,
    title: str = "Differences between models, with 95% intervals and corrected p",
) -> Drawing:
    """Draw one row a pair of models: how much more accurate the second one is.

    Full dots mark differences that the group sign-flip test, corrected for the number of rows,
    finds at 5%; its p-value stands in the right margin.

    Parameters
    ----------
    table
        What `evaluation.compare` gave.
    title
        Over the figure.
    """
    names = [f"{b}  −  {a}" for a, b in zip(table["a"], table["b"], strict=True)]
    figure, (axes,) = model_rows(
        names, title=title, name="models", inches=0.42 if len(names) <= 20 else 0.26
    )
    axes.axvline(0, color=INK, linewidth=1)
    whiskers(axes, table["difference"], table["low"], table["high"])
    sure = (table["holm_p"] < _SURE).to_numpy()
    for chosen, fill, label in (
        (sure, BLUE, f"more than chance (p < {_SURE:g})"),
        (~sure, "white", "may be chance"),
    ):
        if chosen.any():
            axes.plot(
                table["difference"][chosen],
                np.flatnonzero(chosen),
                linestyle="none",
                marker="o",
                markersize=7,
                markerfacecolor=fill,
                markeredgecolor=BLUE,
                markeredgewidth=1.4,
                label=label,
                zorder=4,
            )
    margin(
        axes,
        range(len(table)),
        [f"p = {p:.2g}" if p >= 0.001 else "p < 0.001" for p in table["holm_p"]],
    )
    points_axis(
        axes, "difference in accuracy (points); to the right the model named first is better"
    )
    legend_below(figure, axes)
    return figure


def class_deltas(
    table: pd.DataFrame, *, a: str = "a", b: str = "b", title: str = "Who gains, class by class"
) -> Drawing:
    """Draw by how much each class is recognised better or worse, the greatest gain first.

    Pale bars have an interval that includes 0: with the few groups a class has, such a difference
    may be chance.

    Parameters
    ----------
    table
        What `evaluation.class_deltas` gave.
    a, b
        The names of the two models.
    title
        Over the figure.
    """
    figure, columns = class_rows(list(table.index), title=f"{title}: {b} − {a}")
    for (axes,), names in columns:
        part = table.loc[names]
        colours = [
            colour if low > 0 or high < 0 else _PALE[colour]
            for low, high, colour in zip(
                part["low"],
                part["high"],
                np.where(part["delta"] < 0, VERMILLION, BLUE).tolist(),
                strict=True,
            )
        ]
        axes.barh(np.arange(len(part)), part["delta"], color=colours, height=0.72)
        whiskers(axes, part["delta"], part["low"], part["high"])
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_xlim(-1.04, 1.04)
        points_axis(axes, "difference in accuracy (points)")
    handles = [
        Patch(color=BLUE, label=f"{b} is better"),
        Patch(color=VERMILLION, label=f"{a} is better"),
        Patch(color="#CFCFCF", label="pale: interval includes 0"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def points_axis(axes: Axes, name: str) -> None:
    """Let the horizontal axis of differences of shares be written in points, with their sign."""
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * value:+.0f}".replace("-", "−") if value else "0")
    )
    axes.set_xlabel(name)


def _accuracies(axes: Axes, measured: pd.DataFrame, top: str, *, label: str) -> None:
    whiskers(axes, measured[top], measured[f"{top}_low"], measured[f"{top}_high"])
    rows, colours = np.arange(len(measured)), [recipe_colour(str(name)) for name in measured.index]
    axes.scatter(measured[top], rows, s=48, c=colours, zorder=4, clip_on=False)
    axes.plot([], [], "o", color=GREY, markersize=8, label=f"{label} (95% interval over groups)")
    margin(axes, rows, [f"{value:.1%}" for value in measured[top]])


def _published(axes: Axes, values: pd.Series, *, label: str) -> None:
    axes.plot(
        values,
        np.arange(len(values)),
        linestyle="none",
        marker="D",
        markersize=7.5,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1.3,
        label=label,
        zorder=5,
    )


def _cost(axes: Axes, measured: pd.DataFrame, cost: str) -> None:
    """Draw bars of parameters, megabytes, or of training time with that of the features."""
    rows = np.arange(len(measured))
    unit, name = {
        "parameters": (1e6, "parameters (millions)"),
        "megabytes": (1.0, "model file (MB)"),
        "training_seconds": (60.0, "time (min)"),
    }[cost]
    values = measured[cost].fillna(0) / unit
    timed = cost == "training_seconds"
    axes.barh(rows, values, color=GREY, height=0.5, label="training" if timed else None)
    if timed and measured["feature_seconds"].notna().any():
        before = measured["feature_seconds"].fillna(0) / unit
        axes.barh(rows, before, left=values, color=ORANGE, height=0.5, label="features")
        values = values + before
    axes.set_xlim(0, 1.05 * max(values.max(), 1e-9))
    axes.set_xlabel(name)
    known = measured[cost].notna().to_numpy()
    margin(axes, rows[known], [f"{value:.3g}" for value in values[known]])
