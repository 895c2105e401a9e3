"""Lines: of any measure over time, and of loss and accuracy over the epochs of a training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vidlab.evaluation import kept_epoch, phase_spans
from vidlab.plots.names import labelled
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Drawing,
    axes_or_new,
    class_colours,
    percent_axis,
    titled,
)

__all__ = ["learning_curves", "lines"]

_RING = {
    "marker": "o",
    "markersize": 11,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
    "markeredgewidth": 1.5,
}


def lines(
    curves: Mapping[str, pd.Series],
    ax: Axes | None = None,
    *,
    xlabel: str = "time in the video (s)",
    ylabel: str = "",
    title: str = "",
) -> Figure:
    """Draw curves, each by its index (across) and its values (up)."""
    figure, axes = axes_or_new(ax, title=title, figsize=(9, 3.7))
    for (name, values), colour in zip(
        curves.items(), class_colours(list(curves)).values(), strict=True
    ):
        axes.plot(values.index, values, color=colour, marker="o", markersize=4, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    lowest = min(values.min() for values in curves.values())
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    if len(curves) > 1:
        named = labelled(axes)
        axes.legend(named.values(), named.keys())
    return figure


def learning_curves(
    histories: pd.DataFrame | Mapping[str, pd.DataFrame], *, title: str = "Learning curves"
) -> Drawing:
    """Draw loss and accuracy over the epochs of a training, or of several, a colour each.

    Validation videos have a full line, training videos a thin dashed one. A ring marks the epoch
    whose weights the model was left with: that of the lowest validation loss in the last phase. Of
    a single training, vertical lines part the phases.

    Parameters
    ----------
    histories
        One row an epoch: phase, loss, accuracy, and where there are any val_loss, val_accuracy and
        learning_rate. Rows are counted, so that epochs may start again with each phase. Of several
        trainings, by name.
    """
    single = isinstance(histories, pd.DataFrame)
    histories = {"": histories} if single else dict(histories)
    longest = max(map(len, histories.values()), default=1)
    markers = {"marker": "." if longest <= 40 else None}  # a single epoch makes no line
    figure = titled(title, (10, 4.2))
    loss, accuracy = figure.subplots(1, 2)
    labels = {} if single else {name: {"color": c} for name, c in class_colours(histories).items()}
    for axes, measure in ((loss, "loss"), (accuracy, "accuracy")):
        axes.set(xlabel="epoch", xlim=(0.5, longest + 0.5), title=measure.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for name, history in histories.items():
            training = {"color": BLUE} if single else labels[name]
            validation = {"color": ORANGE} if single else labels[name]
            epochs, kept = np.arange(1, len(history) + 1), kept_epoch(history)
            axes.plot(epochs, history[measure], "--", lw=1, **training, **markers)
            labels["training"] = {"color": INK, "lw": 1, "ls": "--"} | (training if single else {})
            if kept is not None:
                values = history[f"val_{measure}"]
                axes.plot(epochs, values, lw=1.8, **validation, **markers)
                axes.plot(epochs[kept], values[kept], ls="none", zorder=5, **_RING)
                labels["validation"] = {"color": INK} | (validation if single else {})
                labels[f"kept: epoch {epochs[kept]}" if single else "kept"] = _RING | {"ls": "none"}
            if single:
                _part_phases(axes, history)
    loss.set(ylabel="cross-entropy", ylim=(0, 1.08 * loss.dataLim.y1))
    percent_axis(accuracy, "accuracy", horizontal=False)
    handles = [Line2D([], [], label=label, **look) for label, look in labels.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
    return figure


def _part_phases(axes: Axes, history: pd.DataFrame) -> None:
    """Begin each phase but the first with a line, its number and learning rate beside it."""
    for start, _ in phase_spans(history)[1:]:
        axes.axvline(start + 0.5, color=GREY, linewidth=1, linestyle=":")
        name = f" phase {history['phase'].iloc[start]}"
        if "learning_rate" in history:
            name += f",\n rate {history['learning_rate'].iloc[start]:g}"
        top = axes.get_xaxis_transform()
        axes.text(start + 0.5, 1, name, transform=top, va="top", fontsize=8.5, color=GREY)
