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
from vidlab.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Drawing,
    axes_or_new,
    class_colours,
    percent_axis,
    recipe_colours,
)

__all__ = ["learning_curves", "learning_curves_compared", "lines"]

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
        axes.legend()
    return figure


def learning_curves(history: pd.DataFrame, *, title: str = "Learning curves") -> Drawing:
    """Draw loss and accuracy over the epochs, on training and validation videos.

    Vertical lines part the training phases; a ring marks the epoch whose weights the model ended up
    with: the one with the lowest validation loss in the last phase.

    Parameters
    ----------
    history
        One row an epoch: phase, loss, accuracy, and where there are any val_loss, val_accuracy and
        learning_rate. Rows are counted, so that epochs may start again with each phase.
    """
    figure, panels = _panels(len(history), title=title)
    epochs = np.arange(1, len(history) + 1)
    kept = kept_epoch(history)
    phased = history["phase"].nunique() > 1
    style = {"marker": "." if len(epochs) <= 40 else None}
    for measure, axes in panels.items():
        axes.plot(epochs, history[measure], color=BLUE, label="training", **style)
        if kept is not None:
            values = history[f"val_{measure}"]
            axes.plot(epochs, values, color=ORANGE, label="validation", **style)
            label = f"kept: epoch {epochs[kept]}"
            axes.plot(epochs[kept], values[kept], ls="none", label=label, zorder=5, **_RING)
        if phased:
            axes.set_title(measure.capitalize(), pad=20)
            _phases(axes, history)
    panels["loss"].set_ylim(0, 1.08 * panels["loss"].dataLim.y1)
    panels["loss"].legend()
    return figure


def learning_curves_compared(
    histories: Mapping[str, pd.DataFrame], *, title: str = "Learning curves"
) -> Drawing:
    """Draw the loss and accuracy of several trainings over their epochs, a colour a recipe.

    Validation videos are drawn as a full line and training videos as a thin broken one; a ring
    marks the epoch whose weights the model ended up with.

    Parameters
    ----------
    histories
        Recipe to what `learning_curves` takes.
    """
    longest = max((len(history) for history in histories.values()), default=1)
    figure, panels = _panels(longest, title=title)
    colours = recipe_colours(histories)
    style = {"marker": "." if longest <= 40 else None}  # a single epoch makes no line
    for measure, axes in panels.items():
        for name, history in histories.items():
            epochs, kept = np.arange(1, len(history) + 1), kept_epoch(history)
            axes.plot(epochs, history[measure], "--", lw=1, color=colours[name], **style)
            if kept is not None:
                values = history[f"val_{measure}"]
                axes.plot(epochs, values, color=colours[name], lw=1.8, **style)
                axes.plot(epochs[kept], values[kept], ls="none", zorder=5, **_RING)
    panels["loss"].set_ylim(bottom=0)
    handles = [Line2D([], [], color=colours[name], label=name) for name in histories]
    handles += [
        Line2D([], [], color=INK, linewidth=1.8, label="validation"),
        Line2D([], [], color=INK, linewidth=1, linestyle="--", label="training"),
        Line2D([], [], linestyle="none", label="kept", **_RING),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
    return figure


def _panels(epochs: int, *, title: str) -> tuple[Drawing, dict[str, Axes]]:
    """Make axes of loss and of accuracy over the epochs."""
    figure = Drawing(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    panels = dict(zip(("loss", "accuracy"), figure.subplots(1, 2), strict=True))
    for measure, axes in panels.items():
        axes.set(xlabel="epoch", xlim=(0.5, epochs + 0.5), title=measure.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    panels["loss"].set_ylabel("cross-entropy")
    percent_axis(panels["accuracy"], "accuracy", horizontal=False)
    return figure, panels


def _phases(axes: Axes, history: pd.DataFrame) -> None:
    """Part the phases by lines and name them above the axes."""
    for start, end in phase_spans(history):
        if start:
            axes.axvline(start + 0.5, color=GREY, linewidth=1, linestyle=":")
        # A name needs room; narrow phases keep the plain number.
        share, name = (end - start) / len(history), f"{history['phase'].iloc[start]}"
        if share > 0.15:
            name = f"phase {name}"
        if share > 0.25 and "learning_rate" in history:
            name += f", rate {history['learning_rate'].iloc[start]:g}"
        axes.annotate(
            name,
            ((start + end + 1) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=GREY,
        )
