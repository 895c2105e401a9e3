"""The way to a trained model, epoch by epoch.

Takes a history from `runs` or `training`; gives a figure to notebooks. Which epoch was kept and
where a phase begins, says `evaluation`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vidlab.evaluation import kept_epoch, phase_spans
from vidlab.plots.style import BLUE, GREY, INK, ORANGE, Drawing, percent_axis, recipe_colours

__all__ = ["learning_curves", "learning_curves_compared"]

_RING = {
    "marker": "o",
    "markersize": 11,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
    "markeredgewidth": 1.5,
}


def learning_curves(history: pd.DataFrame, *, title: str = "Learning curves") -> Drawing:
    """Draw loss and accuracy over the epochs, on training and validation videos.

    Vertical lines part the training phases; a ring marks the epoch whose weights the model ended up
    with: the one with the lowest validation loss in the last phase.

    Parameters
    ----------
    history
        One row an epoch: phase, loss, accuracy, and where there are any val_loss, val_accuracy and
        learning_rate. Rows are counted, so that epochs may start again with each phase.
    title
        Over the figure.
    """
    figure = Drawing(figsize=(10, 4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    epochs = np.arange(1, len(history) + 1)
    best = kept_epoch(history)
    dot = "." if len(epochs) <= 40 else None
    phased = history["phase"].nunique() > 1
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, history[measure], color=BLUE, marker=dot, label="training")
        if best is not None and f"val_{measure}" in history:
            values = history[f"val_{measure}"].to_numpy()
            axes.plot(epochs, values, color=ORANGE, marker=dot, label="validation")
            _ring(axes, epochs[best], values[best], label=f"kept: epoch {epochs[best]}")
        _epoch_axis(axes, len(epochs))
        axes.set_title(measure.capitalize(), pad=20 if phased else 6)
        if phased:
            _phases(axes, history, epochs)
        if measure == "loss":
            axes.set_ylabel("cross-entropy")
            axes.set_ylim(0, 1.08 * axes.dataLim.y1)
            axes.legend(loc="best")
        else:
            percent_axis(axes, "accuracy", horizontal=False)
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
    title
        Over the figure.
    """
    figure = Drawing(figsize=(10, 4.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    colours = recipe_colours(list(histories))
    longest = max((len(history) for history in histories.values()), default=1)
    dot = "." if longest <= 40 else None  # a single epoch makes no line
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for name, history in histories.items():
            epochs, best = np.arange(1, len(history) + 1), kept_epoch(history)
            axes.plot(
                epochs,
                history[measure],
                marker=dot,
                linestyle="--",
                linewidth=1,
                color=colours[name],
            )
            if best is not None and f"val_{measure}" in history:
                values = history[f"val_{measure}"].to_numpy()
                axes.plot(epochs, values, color=colours[name], linewidth=1.8, marker=dot)
                _ring(axes, epochs[best], values[best])
        _epoch_axis(axes, longest)
        axes.set_title(measure.capitalize())
    loss, accuracy = figure.axes
    loss.set_ylabel("cross-entropy")
    loss.set_ylim(bottom=0)
    percent_axis(accuracy, "accuracy", horizontal=False)
    handles = [Line2D([], [], color=colours[name], label=name) for name in histories]
    handles += [
        Line2D([], [], color=INK, linewidth=1.8, label="validation"),
        Line2D([], [], color=INK, linewidth=1, linestyle="--", label="training"),
        Line2D([], [], linestyle="none", label="kept", **_RING),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
    return figure


def _ring(axes: Axes, epoch: int, value: float, *, label: str | None = None) -> None:
    axes.plot(epoch, value, linestyle="none", label=label, zorder=5, **_RING)


def _epoch_axis(axes: Axes, count: int) -> None:
    axes.set_xlabel("epoch")
    axes.set_xlim(0.5, count + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _phases(axes, history: pd.DataFrame, epochs: np.ndarray) -> None:
    """Part the phases by lines and name them above the axes."""
    phases = history["phase"].to_numpy()
    for start, end in phase_spans(history):
        if start:
            axes.axvline(epochs[start] - 0.5, color=GREY, linewidth=1, linestyle=":")
        rate = ""
        # A name needs room; narrow phases keep the plain number.
        if "learning_rate" in history and (end - start) / len(epochs) > 0.25:
            rate = f", rate {history['learning_rate'].iloc[start]:g}"
        axes.annotate(
            f"phase {phases[start]}{rate}"
            if (end - start) / len(epochs) > 0.15
            else f"{phases[start]}",
            ((epochs[start] + epochs[end - 1]) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=GREY,
        )
