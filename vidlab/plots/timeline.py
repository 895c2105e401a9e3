"""Class probabilities over time, for models that predict at every frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vidlab.errors import MetricError
from vidlab.plots.pictures import film_strip, spread
from vidlab.plots.style import (
    DISTINCT,
    INK,
    Drawing,
    class_colours,
    legend_below,
    percent_axis,
)

__all__ = ["drawn_classes", "frame_timeline"]

_OTHER = "#D0D0D0"  # predicted classes that have no line
_PICTURES = 10  # above the lines, at most


def drawn_classes(
    probabilities: np.ndarray, classes: Sequence[str], *, first: Sequence[str] = (), top: int = 5
) -> dict[str, str]:
    """Choose the classes of a timeline that have a line of their own, and its colour, ``#rrggbb``.

    Parameters
    ----------
    probabilities
        (time, classes), 0 to 1.
    top
        How many are drawn: `first` in any case, then those most often predicted, then those that
        come highest anywhere.
    """
    predicted = np.bincount(probabilities.argmax(axis=1), minlength=len(classes))
    order = np.lexsort((-probabilities.max(axis=0), -predicted))
    drawn = list(dict.fromkeys([*first, *(classes[label] for label in order)]))
    drawn = drawn[: max(top, len(set(first)))]
    palette = class_colours(classes if len(classes) <= DISTINCT else drawn)
    return {name: palette[name] for name in drawn}


def frame_timeline(
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    seconds: Sequence[float] | None = None,
    truth: Sequence[str] = (),
    frames: np.ndarray | None = None,
    top: int = 5,
    title: str = "Predictions frame by frame",
) -> Drawing:
    """Draw the probabilities of a few classes over time and, below, the predicted class.

    Parameters
    ----------
    probabilities
        (time, classes), 0 to 1.
    seconds
        The time of each step, (time,), ascending; without it steps are counted from 0.
    truth
        The right class at each step, (time,), say of a video joined from two actions.
    frames
        uint8, (time, height, width, 3): what was seen at each step. Some are drawn above the lines.
    top
        How many classes are drawn, as by `drawn_classes`; those of `truth` in any case.

    Raises
    ------
    MetricError
        If the shapes do not belong together.
    """
    probabilities, classes = np.asarray(probabilities, dtype=float), list(classes)
    steps = np.arange(len(probabilities)) if seconds is None else np.asarray(seconds, dtype=float)
    given = {"seconds": steps, "true classes": truth, "frames": frames}
    lengths = {name: len(part) for name, part in given.items() if part is not None and len(part)}
    if probabilities.shape != (len(steps), len(classes)) or set(lengths.values()) != {len(steps)}:
        raise MetricError(
            f"Expected probabilities (time, {len(classes)}), and everything else once a step. "
            f"Received: probabilities {probabilities.shape}, {lengths}. "
            "Give those of the frames the model was shown."
        )
    drawn = drawn_classes(probabilities, classes, first=truth, top=top)
    edges = _edges(steps)
    strips = {"predicted": [classes[label] for label in probabilities.argmax(axis=1)]}
    strips |= {"true": truth} if len(truth) else {}
    rows = [2.6] * (frames is not None) + [9] + [1] * len(strips)
    height = 4.2 + 0.3 * len(strips) + 1.2 * (frames is not None)
    figure = Drawing(figsize=(10, height), layout="constrained")
    *above, lines = figure.subplots(len(rows), 1, height_ratios=rows)[: -len(strips)]
    below = figure.axes[-len(strips) :]
    for axes in above:
        count = max(2, int(_PICTURES * min(1.0, 1.34 * frames.shape[1] / frames.shape[2])))
        film_strip(axes, frames[spread(len(frames), count)])
    figure.axes[0].set_title(title)
    for name, colour in drawn.items():
        values = probabilities[:, classes.index(name)]
        lines.plot(steps, values, color=colour, linewidth=2.2, label=name)
    percent_axis(lines, "probability", horizontal=False, top=1.02)
    lines.set_xlim(edges[0], edges[-1])
    for axes, (name, labels) in zip(below, strips.items(), strict=True):
        colours = [drawn.get(label, _OTHER) for label in labels]
        axes.bar(edges[:-1], 1, np.diff(edges), -0.5, align="edge", color=colours, linewidth=0)
        axes.set(yticks=[0], yticklabels=[name], ylim=(-0.5, 0.5))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.sharex(lines)
    for axes in (lines, *below[:-1]):
        axes.tick_params(labelbottom=False)
    below[-1].set_xlabel("time step" if seconds is None else "time in the video (s)")
    for step in range(1, len(truth)):
        if truth[step] != truth[step - 1]:
            lines.axvline(edges[step], color=INK, linestyle="--", linewidth=1.2)
    if set(strips["predicted"]) - set(drawn):
        lines.plot([], [], color=_OTHER, linewidth=6, label="another class")
    legend_below(figure)
    return figure


def _edges(steps: np.ndarray) -> np.ndarray:
    """Put borders half-way between the steps: float64, (time + 1,)."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    middles = (steps[1:] + steps[:-1]) / 2
    return np.array([2 * steps[0] - middles[0], *middles, 2 * steps[-1] - middles[-1]])
