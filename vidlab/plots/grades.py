"""How good explanations are: pointing games, deletion curves, mean maps and shortcuts.

Takes tables and maps that `explanation` computed; gives figures to notebooks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from vidlab.errors import MetricError
from vidlab.plots.rows import class_rows, legend_below
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    Drawing,
    class_colours,
    percent_axis,
)

__all__ = ["deletion_curves", "mean_heat", "pointing_bars", "scene_or_act"]

_SURE = {"act": BLUE, "scene": VERMILLION, "unclear": GREY}
_LEGEND = {"act": "told by the act", "scene": "leans on the scene", "unclear": "unclear"}


def pointing_bars(
    grades: pd.DataFrame,
    *,
    method: str,
    baselines: tuple[str, ...] = (),
    title: str = "Pointing game: does the hottest point lie on the evidence?",
) -> Drawing:
    """Draw the share of frames hit by class, and what baselines hit beside it.

    Parameters
    ----------
    grades
        By (method, class), "all classes" among these, with a column pointing (0–1), as
        `explanation.grade` gives them. Without rows, as where videos have no boxes, the figure
        says so.
    method
        The method that is drawn as bars.
    baselines
        Methods that are drawn as marks.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If a method is not in the table.
    """
    known = list(dict.fromkeys(grades.index.get_level_values("method")))
    missing = [name for name in (method, *baselines) if name not in known]
    if missing and known:
        raise MetricError(
            f"Expected methods out of {', '.join(known)}. Received: {', '.join(missing)}. "
            "Grade them first."
        )
    names = [
        name for name in dict.fromkeys(grades.index.get_level_values(1)) if name != "all classes"
    ]
    table = grades["pointing"].unstack("method")
    table = table.reindex(index=["all classes", *names], columns=[method, *baselines])
    figure, columns = class_rows(["all classes", *names], title=title)
    marks = dict(zip(baselines, ("D", "o", "s", "^", "v"), strict=False))
    for (axes,), shown in columns:
        rows = np.arange(len(shown))
        colours = [INK if name == "all classes" else BLUE for name in shown]
        axes.barh(rows, table.loc[shown, method], color=colours, height=0.66)
        for name, colour in zip(marks, (VERMILLION, "#E69F00", GREY, INK, INK), strict=False):
            axes.plot(
                table.loc[shown, name],
                rows,
                marks[name],
                color=colour,
                markersize=7,
                markeredgecolor="white",
                label=name,
            )
        percent_axis(axes, "frames whose hottest point is on the evidence (%)", top=1.0)
        if grades.empty:
            axes.text(0.5, 0, "these videos have no boxes", ha="center", va="center", color=GREY)
    handles = [Patch(color=BLUE, label=method)]
    drawn = figure.axes[0].get_legend_handles_labels()[0]
    figure.legend(handles=[*handles, *drawn], loc="outside lower center", ncols=4)
    return figure


def deletion_curves(
    curves: Mapping[str, pd.DataFrame],
    *,
    title: str = "What is left of the score while places are hidden",
    name: str = "places hidden (%)",
) -> Drawing:
    """Draw deletion or insertion curves.

    Parameters
    ----------
    curves
        What each shows to a table with columns share and score, as `explanation.deletion_curve`
        gives it.
    title
        Over the figure.
    name
        Of the horizontal axis.

    Raises
    ------
    MetricError
        If there are no curves.
    """
    if not curves:
        raise MetricError("Expected a curve or more. Received: none. Compute one first.")
    figure = Drawing(figsize=(8, 3.9), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.subplots()
    colours = class_colours(list(curves))
    for shown, table in curves.items():
        axes.plot(table["share"], table["score"], color=colours[shown], marker="o", label=shown)
    percent_axis(axes, name)
    axes.set_ylabel("score of the class (0–1)")
    axes.set_ylim(min(0.0, *(table["score"].min() for table in curves.values())), 1.02)
    legend_below(figure, axes)
    return figure


def mean_heat(
    heats: Mapping[str, np.ndarray],
    *,
    table: pd.DataFrame | None = None,
    title: str = "Where the model looks, on average over the videos of a class",
) -> Drawing:
    """Draw mean maps, a class each, with the shares of heat in the centre and at the border.

    Parameters
    ----------
    heats
        Class name to (height, width), at least 0.
    table
        By class, with columns centre and border (0–1), as `explanation.mean_maps` gives it.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there are no maps.
    """
    if not heats:
        raise MetricError("Expected a map or more. Received: none. Explain some videos first.")
    across = min(6, len(heats))
    down = -(-len(heats) // across)
    figure = Drawing(figsize=(1.95 * across, 0.9 + 1.9 * down), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    cells = figure.subplots(down, across, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, (name, heat) in zip(cells, heats.items(), strict=False):
        axes.imshow(heat, cmap="magma", vmin=0, aspect=0.75 * heat.shape[1] / heat.shape[0])
        below = ""
        if table is not None:
            row = table.loc[name]
            below = f"\ncentre {row['centre']:.0%}, border {row['border']:.0%}"
        axes.set_title(name + below, fontsize=8, fontweight="normal", loc="center")
    return figure


def scene_or_act(
    table: pd.DataFrame,
    *,
    limits: tuple[float, float],
    title: str = "What tells a class: the act or the scene?",
) -> Drawing:
    """Draw by class how well it is told, and which share of what tells it lies in its scene.

    Parameters
    ----------
    table
        By class: told (0–1, 0.5 is chance), share, low, high (0–1, or beyond: then cut there) and
        looks_at, as `explanation.shortcuts` gives it.
    limits
        The shares between which a band is drawn: a class whose interval begins above the first
        leans on its scene; any other whose interval ends below the second is told by its act.
    title
        Over the figure.
    """
    figure, columns = class_rows(list(table.index), title=title, panels=2)
    for (told, shares), names in columns:
        part, rows = table.loc[names], np.arange(len(names))
        told.barh(rows, part["told"], color="#9DB7C9", height=0.66)
        told.axvline(0.5, color=INK, linewidth=1)
        told.set_title("is it told at all?", fontsize=10)
        percent_axis(told, "comparisons won (%)")
        shown = part[["share", "low", "high"]].clip(0, 1)
        colours = [_SURE[what] for what in part["looks_at"]]
        shares.hlines(rows, shown["low"], shown["high"], color=colours, linewidth=2.2)
        shares.scatter(shown["share"], rows, color=colours, s=44, zorder=3, clip_on=False)
        shares.axvspan(*limits, color=INK, alpha=0.1, linewidth=0)
        shares.set_title("by its scene?", fontsize=10)
        percent_axis(shares, "share of the scene (%)")
    handles = [
        Patch(color=colour, label=_LEGEND[name])
        for name, colour in _SURE.items()
        if name in set(table["looks_at"])
    ]
    between = " and ".join(f"{limit:.0%}" for limit in limits)
    handles.append(Patch(color=INK, alpha=0.1, label=f"the limits, {between}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
