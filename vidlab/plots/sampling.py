"""Which frames of a video samplers pick, on a line of time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from matplotlib.axes import Axes

from vidlab.plots.pictures import as_pictures, film_strip, spread
from vidlab.plots.style import BLUE, GREY, Drawing, titled

__all__ = ["sampling_strip"]

_THUMBNAILS = 10


def sampling_strip(
    samplers: Mapping[str, np.ndarray],
    frame_count: int,
    *,
    fps: float = 25.0,
    read: Callable[[np.ndarray], np.ndarray] | None = None,
    with_frames: Collection[str] | None = None,
    title: str = "Which frames each sampler picks",
) -> Drawing:
    """Draw for each sampler a line of time with its picks and, below it, the frames picked.

    Parameters
    ----------
    samplers
        Name to frame indices, int64. A frame picked more than once is drawn higher.
    frame_count
        The number of frames of the video.
    read
        Reads frames: sorted unique indices to (indices, height, width, 3), 0 to 255. At most ten
        picks a sampler are shown, evenly spread; without it, none.
    with_frames
        Names of the samplers whose frames are drawn; those of all when left out.
    """
    wanted = samplers if with_frames is None else with_frames
    shown = {}
    for name in wanted if read is not None else ():
        shown[name] = np.asarray(samplers[name])[spread(len(samplers[name]), _THUMBNAILS)]
    below, indices = 0.0, np.unique(np.concatenate([[], *shown.values()])).astype(int)
    if shown:
        images = as_pictures(read(indices), dimensions=4)
        room = max(5, *map(len, shown.values()))
        below = 10.5 / room * images.shape[1] / images.shape[2]
    heights = [0.75 + below * (name in shown) for name in samplers]
    figure = titled(
        f"{title} ({frame_count} frames, {frame_count / fps:.1f} s)", (11, 0.75 + sum(heights))
    )
    heights[-1] += 0.25  # the last one also carries the name of the axis of time
    strips = figure.subfigures(len(samplers), 1, squeeze=False, height_ratios=heights)[:, 0]
    for strip, (name, picks) in zip(strips, samplers.items(), strict=True):
        parts = [0.3, below] if name in shown else [1]
        cells = strip.subplots(len(parts), 1, squeeze=False, height_ratios=parts)[:, 0]
        _line_of_time(cells[0], picks, frame_count, fps=fps)
        many = f"{len(picks)} picks" if len(picks) != 1 else "1 pick"
        if name in shown:
            frames = images[np.searchsorted(indices, shown[name])]
            film_strip(cells[1], frames, labels=shown[name].astype(str))
            cells[1].set_xlim(0, 1.025 * room * images.shape[2])
            if len(shown[name]) < len(picks):
                many += f", {len(shown[name])} of them shown"
        cells[0].set_title(f"{name}: {many}", fontsize=9.5, loc="left")
    cells[0].set_xlabel("time in the video (s)", fontsize=9)
    return figure


def _line_of_time(axes: Axes, picks: np.ndarray, frame_count: int, *, fps: float) -> None:
    """Draw all frames as a line and the picks as dots upon it."""
    seconds, picks = frame_count / fps, np.sort(picks)
    axes.plot([0, (frame_count - 1) / fps], [0, 0], color="#8C8C8C", linewidth=2, zorder=1)
    again = np.arange(len(picks)) - np.searchsorted(picks, picks)
    axes.scatter(picks / fps, again, s=26, color=BLUE, edgecolor="white", linewidth=0.6, zorder=2)
    axes.set_xlim(-0.015 * seconds, 1.015 * seconds)
    axes.set_ylim(-0.8, max(0.8, again.max() + 0.8))
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", labelsize=8, length=0, labelcolor=GREY)
