"""What a model says of a video, time step by time step.

Takes probabilities from a model that labels every frame; gives a figure to notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from vidlab.errors import MetricError
from vidlab.plots.rows import legend_below
from vidlab.plots.style import INK, TOLD_APART, Drawing, class_colours, percent_axis

__all__ = ["frame_timeline"]

_OTHER = "#D0D0D0"  # the answers that have no line


def frame_timeline(
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    seconds: Sequence[float] | None = None,
    truth: Sequence[str] | None = None,
    top: int = 5,
    title: str = "What the model says, frame by frame",
) -> Drawing:
    """Draw the probabilities of a few classes over time and, below, the answer at every step.

    Parameters
    ----------
    probabilities
        (time, classes), 0 to 1.
    classes
        All of them.
    seconds
        The time of each step, (time,), ascending; without it steps are counted from 0.
    truth
        The right class at each step, (time,), say of a video joined from two actions.
    top
        How many classes are drawn: those of `truth` (all of them), then those most often the
        answer, then those that come highest anywhere.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the shapes do not belong together, or `truth` names an unknown class.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    steps = np.arange(len(probabilities)) if seconds is None else np.asarray(seconds, dtype=float)
    _check(probabilities, classes, steps, truth)
    true = [] if truth is None else [list(classes).index(name) for name in truth]
    said = probabilities.argmax(axis=1)
    steps_won = np.bincount(said, minlength=len(classes))
    order = np.lexsort((-probabilities.max(axis=0), -steps_won)).tolist()
    drawn = list(dict.fromkeys([*true, *order]))[: max(top, len(set(true)))]
    palette = class_colours(
        classes if len(classes) <= TOLD_APART else [classes[label] for label in drawn]
    )
    colours = {label: palette[classes[label]] for label in drawn}
    strips = {"said": said.tolist()} | ({"true": true} if true else {})
    figure = Drawing(figsize=(10, 4.2 + 0.3 * len(strips)), layout="constrained")
    lines, *below = figure.subplots(
        1 + len(strips), 1, sharex=True, height_ratios=[9] + [1] * len(strips)
    )
    for label, colour in colours.items():
        lines.plot(
            steps, probabilities[:, label], color=colour, linewidth=2.2, label=classes[label]
        )
    percent_axis(lines, "probability", horizontal=False, top=1.02)
    lines.set_title(title)
    for axes, (name, labels) in zip(below, strips.items(), strict=True):
        _strip(axes, steps, labels, colours, name=name)
    below[-1].set_xlabel("time step" if seconds is None else "time in the video (s)")
    lines.set_xlim(*_edges(steps)[[0, -1]])
    for change in np.flatnonzero(np.diff(true)):
        lines.axvline(_edges(steps)[change + 1], color=INK, linestyle="--", linewidth=1.2)
    if set(strips["said"]) - set(drawn):
        lines.plot([], [], color=_OTHER, linewidth=6, label="another class")
    legend_below(figure, lines)
    return figure


def _strip(axes: Axes, steps: np.ndarray, labels: list[int], colours: dict, *, name: str) -> None:
    """Draw the class of each step as a block; classes that have no line are light grey."""
    edges = _edges(steps)
    axes.barh(
        np.zeros(len(steps)),
        np.diff(edges),
        left=edges[:-1],
        color=[colours.get(label, _OTHER) for label in labels],
        height=1,
        linewidth=0,
    )
    axes.set(yticks=[0], yticklabels=[name], ylim=(-0.5, 0.5))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _edges(steps: np.ndarray) -> np.ndarray:
    """Put borders half-way between the steps: float64, (time + 1,)."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    middles = (steps[1:] + steps[:-1]) / 2
    return np.array([2 * steps[0] - middles[0], *middles, 2 * steps[-1] - middles[-1]])


def _check(probabilities: np.ndarray, classes, steps: np.ndarray, truth) -> None:
    lengths = {len(part) for part in (probabilities, steps, truth) if part is not None}
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes) or lengths in ({0}, set()):
        raise MetricError(
            f"Expected probabilities of shape (time, {len(classes)}), of one step or more. "
            f"Received: shape {probabilities.shape}. Ask the model about one video, every frame."
        )
    if len(lengths) > 1:
        raise MetricError(
            f"Expected a time and a true class for each of {len(probabilities)} steps. Received: "
            f"{len(steps)} times"
            + (f", {len(truth)} classes. " if truth is not None else ". ")
            + "Give those of the frames the model was shown."
        )
    unknown = sorted(set(truth or ()) - set(classes))
    if unknown:
        raise MetricError(
            f"Expected true classes out of {', '.join(classes)}. Received: {', '.join(unknown)}. "
            "Correct the names."
        )
