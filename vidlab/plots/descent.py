"""Optimizers on their way down: paths over a loss of two weights, and the loss after each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vidlab.plots.style import Drawing, class_colours, titled

__all__ = ["descent"]

_REACH = 6.0  # how far from zero the weights are shown; paths may leave


def descent(
    paths: Mapping[str, np.ndarray],
    height: Callable[[np.ndarray], np.ndarray],
    *,
    title: str = "",
) -> Drawing:
    """Draw paths over lines of equal loss, axes for each, and beside them all losses by step.

    Parameters
    ----------
    paths
        The two weights after each step, (steps, 2), by name.
    height
        The loss of weights (..., 2), above its minimum.
    """
    figure, rows = titled(title, (13, 5.4)), np.array_split(list(paths), 2)
    layout = [[*row, *["."] * (len(rows[0]) - len(row)), "loss by step"] for row in rows]
    axes = figure.subplot_mosaic(layout, width_ratios=[1] * len(rows[0]) + [1.8])
    across = np.linspace(-_REACH, _REACH, 80)
    land = height(np.stack(np.meshgrid(across, across), axis=-1))
    levels = np.geomspace(0.1, 1e3, 14)
    for name, colour in class_colours(list(paths)).items():
        axes[name].contour(across, across, land, levels=levels, colors="#C4C4C4", linewidths=0.8)
        far = np.abs(paths[name]).max(axis=1) > 100 * _REACH  # from there on, only rounding shows
        way = paths[name][: far.argmax() if far.any() else None]
        axes[name].plot(*way.T, ".-", color=colour, linewidth=0.9, markersize=4)
        axes[name].set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), xticks=[], yticks=[])
        axes[name].set(title=name, aspect="equal")
        axes["loss by step"].semilogy(height(paths[name]), color=colour, label=name)
    axes["loss by step"].set(xlabel="step", ylim=(1e-6, 1e5), title="Loss above the lowest")
    axes["loss by step"].legend(loc="lower left", fontsize=8)
    return figure
