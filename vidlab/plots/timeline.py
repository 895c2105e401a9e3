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

__all__ = ["drawn_classes", "frame_timeline"]

_OTHER = "#D0D0D0"  # the answers that have no line
_PICTURES = 10  # above the lines, at most


def drawn_classes(
    probabilities: np.ndarray, classes: Sequence[str], *, first: Sequence[str] = (), top: int = 5
) -> dict[str, str]:
    """Choose the classes of a timeline that have a line of their own, and its colour.

    Parameters
    ----------
    probabilities
        (time, classes), 0 to 1.
    classes
        All of them.
    first
        Classes that are drawn in any case.
    top
        How many are drawn: `first`, then those most often the answer, then those that come highest
        anywhere.

    Returns
    -------
    dict
        Class name to ``#rrggbb``; the colours of `class_colours`, where there are few enough
        classes to be told apart by them.
    """
    answered = np.bincount(probabilities.argmax(axis=1), minlength=len(classes))
    order = np.lexsort((-probabilities.max(axis=0), -answered))
    drawn = list(dict.fromkeys([*first, *(classes[label] for label in order)]))
    drawn = drawn[: max(top, len(set(first)))]
    palette = class_colours(classes if len(classes) <= TOLD_APART else drawn)
    return {name: palette[name] for name in drawn}


def frame_timeline(
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    seconds: Sequence[float] | None = None,
    truth: Sequence[str] | None = None,
    frames: np.ndarray | None = None,
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
    frames
        uint8, (time, height, width, 3): what was seen at each step. Some are drawn above the lines.
    top
        How many classes are drawn, as by `drawn_classes`; those of `truth` in any case.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the shapes do not belong together, or `truth` names an unknown class.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    frames = None if frames is None else np.asarray(frames)
    steps = np.arange(len(probabilities)) if seconds is None else np.asarray(seconds, dtype=float)
    _check(probabilities, classes, steps, truth)
    if frames is not None and len(frames) != len(steps):
        raise MetricError(
            f"Expected a frame for each of {len(steps)} steps. Received: {len(frames)}. Give those "
            "that the model was shown."
        )
    drawn = drawn_classes(probabilities, classes, first=truth or (), top=top)
    colours = {list(classes).index(name): colour for name, colour in drawn.items()}
    strips = {"predicted": probabilities.argmax(axis=1).tolist()}
    true = [] if truth is None else [list(classes).index(name) for name in truth]
    strips |= {"true": true} if true else {}
    rows = [9] + [1] * len(strips)
    if frames is not None:
        rows = [2.6, *rows]
    height = 4.2 + 0.3 * len(strips) + (0 if frames is None else 1.2)
    figure = Drawing(figsize=(10, height), layout="constrained")
    axes_of = list(figure.subplots(len(rows), 1, height_ratios=rows))
    if frames is not None:
        _pictures(axes_of.pop(0), frames, title=title)
    lines, *below = axes_of
    for label, colour in colours.items():
        lines.plot(
            steps, probabilities[:, label], color=colour, linewidth=2.2, label=classes[label]
        )
    percent_axis(lines, "probability", horizontal=False, top=1.02)
    if frames is None:
        lines.set_title(title)
    for axes in below:
        axes.sharex(lines)
    for axes in (lines, *below[:-1]):
        axes.tick_params(labelbottom=False)
    for axes, (name, labels) in zip(below, strips.items(), strict=True):
        _strip(axes, steps, labels, colours, name=name)
    below[-1].set_xlabel("time step" if seconds is None else "time in the video (s)")
    lines.set_xlim(*_edges(steps)[[0, -1]])
    for change in np.flatnonzero(np.diff(true)):
        lines.axvline(_edges(steps)[change + 1], color=INK, linestyle="--", linewidth=1.2)
    if set(strips["predicted"]) - set(colours):
        lines.plot([], [], color=_OTHER, linewidth=6, label="another class")
    legend_below(figure, lines)
    return figure


def _pictures(axes: Axes, frames: np.ndarray, *, title: str) -> None:
    """Draw some of the frames side by side, at about the times they are seen."""
    height, width = frames.shape[1:3]
    fitting = max(2, int(_PICTURES * min(1.0, 1.34 * height / width)))
    chosen = np.unique(np.linspace(0, len(frames) - 1, fitting).round().astype(int))
    gap = np.full((height, max(1, width // 40), 3), 255, np.uint8)
    parts = [part for place in chosen for part in (frames[place], gap)]
    axes.imshow(np.concatenate(parts[:-1], axis=1), aspect="equal")
    axes.set_axis_off()
    axes.set_title(title)


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
