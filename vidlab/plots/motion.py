"""What the order of frames is worth to a model, and what its answers become in reverse.

Takes a `MotionProbe` from `evaluation`; gives figures to notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Patch

from vidlab.errors import MetricError
from vidlab.evaluation import ALL_PAIRS, MotionProbe
from vidlab.plots.comparison import points_axis
from vidlab.plots.rows import class_rows, legend_below, margin, model_rows, whiskers
from vidlab.plots.style import BLUE, GREY, INK, VERMILLION, Drawing, percent_axis, sentence

__all__ = ["motion_costs", "reversed_answers"]

_ALL = "all classes"


def motion_costs(
    probe: MotionProbe,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    title: str = "What each change of the order costs",
) -> Drawing:
    """Draw the accuracy each class loses to each change of order: bars to the right are losses.

    The first row holds all classes, with its 95% interval over groups. The classes of reversed
    pairs stand below the others, in a colour of their own.

    Parameters
    ----------
    probe
        What `evaluation.motion_probe` gave, of at least one order besides normal.
    pairs
        Classes that are one another's reverse.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the probe knows of no order but the normal one.
    """
    orders = list(probe.per_class.columns[2:])
    if not orders:
        raise MetricError(
            "Expected a probe of at least one changed order. Received: the normal order alone. "
            "Give motion_probe the predictions on reversed, shuffled or frozen videos."
        )
    known = set(probe.per_class.index)
    paired = [name for pair in pairs if set(pair) <= known for name in pair]
    single = [name for name in probe.per_class.index if name not in paired]
    costs = probe.per_class[orders]
    costs.loc[_ALL] = probe.overall.loc[orders, "cost"]
    figure, columns = class_rows([_ALL, *single, *paired], title=title, panels=len(orders))
    lowest = min(-0.05, np.nanmin(costs))
    for panels, names in columns:
        colours = [INK if n == _ALL else VERMILLION if n in paired else BLUE for n in names]
        for axes, order in zip(panels, orders, strict=True):
            axes.barh(np.arange(len(names)), costs.loc[names, order], color=colours, height=0.72)
            if names[0] == _ALL:
                sure = probe.overall.loc[order]
                whiskers(axes, [sure["cost"]], [sure["low"]], [sure["high"]], colour=GREY)
            axes.axvline(0, color=INK, linewidth=1)
            axes.set_xlim(lowest - 0.03, 1.03)
            axes.set_title(order)
            points_axis(axes, "accuracy lost (points)")
    handles = [Patch(color=INK, label=_ALL), Patch(color=BLUE, label="class")]
    if paired:
        handles.append(Patch(color=VERMILLION, label="class of a reversed pair"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def reversed_answers(
    probe: MotionProbe, *, title: str = "Reversed videos: what becomes of the right answers"
) -> Drawing:
    """Draw for each direction of a pair what a right answer becomes when the video is reversed.

    Parameters
    ----------
    probe
        What `evaluation.motion_probe` gave, with reversed predictions and pairs.
    title
        Over the figure. Without pairs it says that there are none.
    """
    table = probe.flips
    if table.empty:
        return sentence("This dataset has no reversed pairs.", title=title)
    figure, (axes,) = model_rows(table.index, title=title, name="true class → twin", inches=0.42)
    rows, left = np.arange(len(table)), np.zeros(len(table))
    for name, colour, label in (
        ("to_twin", BLUE, "becomes the twin"),
        ("unchanged", "#CFCFCF", "stays"),
        ("elsewhere", VERMILLION, "becomes another class"),
    ):
        share = table[name].fillna(0).to_numpy()
        axes.barh(rows, share, left=left, color=colour, height=0.62, label=label)
        left += share
    margin(
        axes,
        rows,
        [
            f"{share:.0%} of {videos:.0f}" if videos else "none was right"
            for share, videos in zip(table["to_twin"], table["videos"], strict=True)
        ],
    )
    axes.axhline(list(table.index).index(ALL_PAIRS) - 0.5, color=INK, linewidth=1)
    percent_axis(axes, "right answers in normal order (% of videos)")
    legend_below(figure, axes)
    return figure
