"""What is in a dataset, and which frames of a video a sampler picks.

Takes the table of an index from `index` and picks from `sampling`; gives figures to notebooks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.rows import class_rows
from vidlab.plots.style import BLUE, GREY, Drawing

__all__ = ["clips_per_class", "sampling_strip"]

_SECONDS = (0.0, 2.0, 5.0, 10.0, np.inf)
_DURATIONS = ("under 2 s", "2–5 s", "5–10 s", "10 s and more")
_DURATION_COLOURS = ("#B3E0F2", "#56A8D6", "#1F6FA8", "#0B3B63")
_THUMBNAILS = 10


def clips_per_class(index: Any, *, title: str = "Videos of each class, by duration") -> Drawing:
    """Draw how many videos each class has, and how long they are (Soomro et al. 2012, figure 2).

    Parameters
    ----------
    index
        A `VideoIndex` or its table: class_name, frames, fps. Classes are drawn in the order they
        come in; a `VideoIndex` also names those without videos.
    title
        Over the figure.
    """
    table = getattr(index, "table", index)
    classes = list(getattr(index, "classes", pd.unique(table["class_name"])))
    seconds = table["frames"] / table["fps"]
    bins = pd.cut(seconds, _SECONDS, right=False, labels=_DURATIONS)
    counts = pd.crosstab(table["class_name"], bins).reindex(
        index=classes, columns=list(_DURATIONS), fill_value=0
    )
    figure, columns = class_rows(classes, title=title)
    for (axes,), names in columns:
        part = counts.loc[names]
        rows, left = np.arange(len(part)), np.zeros(len(part))
        for name, colour in zip(_DURATIONS, _DURATION_COLOURS, strict=True):
            axes.barh(rows, part[name], left=left, color=colour, height=0.78, label=name)
            left += part[name].to_numpy()
        axes.set_xlabel("number of videos")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles, labels = columns[0][0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, title="duration")
    return figure


def sampling_strip(
    samplers: Mapping[str, np.ndarray],
    frame_count: int,
    *,
    fps: float = 25.0,
    frames: np.ndarray | Callable[[np.ndarray], np.ndarray] | None = None,
    with_frames: Collection[str] | None = None,
    title: str = "Which frames each sampler picks",
) -> Drawing:
    """Draw for each sampler a line of time with its picks and, below it, the frames picked.

    Parameters
    ----------
    samplers
        Name to picked frame numbers, int64, from 0. A frame picked more than once is drawn higher.
    frame_count
        The number of frames of the video.
    fps
        Frames a second.
    frames
        All frames of the video, (frame_count, height, width, 3), 0 to 255; of a long video rather
        what reads some of them: frame numbers, int64, in order and each once, to
        (numbers, height, width, 3). At most ten picks a sampler are shown, evenly spread over all
        of them.
    with_frames
        Names of the samplers whose frames are drawn; those of all when left out.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there are no samplers, a pick is not in the video, or `frames` are not all its frames.
    """
    picks = {name: np.asarray(chosen, dtype=np.int64) for name, chosen in samplers.items()}
    _check_picks(picks, frame_count, frames)
    most, pictures, below = 0, {}, 0.0
    named = [name for name in picks if with_frames is None or name in with_frames]
    shown: dict[str, np.ndarray] = {}
    if frames is not None and named:
        most = min(_THUMBNAILS, max(len(picks[name]) for name in named))
        shown = {name: _spread(picks[name], most) for name in named}
        pictures = _pictures(frames, np.concatenate([*shown.values()]))
        height, width = next(iter(pictures.values())).shape[:2]
        below = 10.5 / max(most, 5) * height / width
    heights = [0.75 + (below if name in shown else 0.0) for name in picks]
    figure = Drawing(figsize=(11, 0.75 + sum(heights)), layout="constrained")
    figure.suptitle(f"{title} ({frame_count} frames, {frame_count / fps:.1f} s)", x=0.01, ha="left")
    heights[-1] += 0.25  # the last one also carries the name of the axis of time
    strips = figure.subfigures(len(picks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for place, (strip, (name, chosen)) in enumerate(zip(strips, picks.items(), strict=True)):
        parts = [0.3, below] if name in shown else [1]
        cells = strip.subplots(len(parts), 1, squeeze=False, height_ratios=parts)[:, 0]
        _timeline(cells[0], chosen, frame_count, fps=fps, last=place == len(picks) - 1)
        many = f"{len(chosen)} picks" if len(chosen) != 1 else "1 pick"
        if name in shown:
            _thumbnails(cells[1], pictures, shown[name], room=max(most, 5))
            if len(shown[name]) < len(chosen):
                many += f", {len(shown[name])} of them shown"
        cells[0].set_title(f"{name}: {many}", fontsize=9.5, loc="left")
    return figure


def _timeline(axes, chosen: np.ndarray, frame_count: int, *, fps: float, last: bool) -> None:
    """Draw all frames as a line and the picks as dots upon it."""
    seconds = frame_count / fps
    axes.plot([0, (frame_count - 1) / fps], [0, 0], color="#C4C4C4", linewidth=3, zorder=1)
    ordered = np.sort(chosen)
    again = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    axes.scatter(ordered / fps, again, s=26, color=BLUE, edgecolor="white", linewidth=0.6, zorder=2)
    axes.set_xlim(-0.015 * seconds, 1.015 * seconds)
    axes.set_ylim(-0.8, max(0.8, again.max(initial=0) + 0.8))
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", labelsize=8, length=0, labelcolor=GREY)
    if last:
        axes.set_xlabel("time in the video (s)", fontsize=9)


def _spread(chosen: np.ndarray, most: int) -> np.ndarray:
    """Take at most so many of the picks, evenly spread over all of them."""
    places = np.unique(np.linspace(0, len(chosen) - 1, min(most, len(chosen))).round())
    return chosen[places.astype(int)]


def _pictures(frames, shown: np.ndarray) -> dict[int, np.ndarray]:
    """Give the frames that are shown, by their numbers."""
    numbers = np.unique(shown)
    some = frames(numbers) if callable(frames) else np.asarray(frames)[numbers]
    return dict(zip(numbers.tolist(), as_pictures(some, dimensions=4), strict=True))


def _thumbnails(axes, pictures: Mapping[int, np.ndarray], chosen: np.ndarray, *, room: int) -> None:
    """Draw frames from left to right, each with its number."""
    height, width = next(iter(pictures.values())).shape[:2]
    gap = 0.06 * width
    for place, frame in enumerate(chosen.tolist()):
        left = place * (width + gap)
        axes.imshow(pictures[frame], extent=(left, left + width, 0, height))
        axes.annotate(
            f"{frame}",
            (left + 0.03 * width, 0.96 * height),
            va="top",
            fontsize=8,
            color="white",
            bbox={"facecolor": "#222222", "edgecolor": "none", "pad": 1.2, "alpha": 0.75},
        )
    axes.set_xlim(0, room * (width + gap))
    axes.set_ylim(0, height)
    axes.set_axis_off()


def _check_picks(
    picks: Mapping[str, np.ndarray],
    frame_count: int,
    frames: np.ndarray | Callable[[np.ndarray], np.ndarray] | None,
) -> None:
    if not picks:
        raise MetricError("Expected at least one sampler. Received: none. Name one with its picks.")
    for name, chosen in picks.items():
        if not chosen.size or chosen.min() < 0 or chosen.max() >= frame_count:
            found = f"{chosen.min()} to {chosen.max()}" if chosen.size else "none"
            raise MetricError(
                f"Expected picks from 0 to {frame_count - 1}. Received: {found} from {name}. "
                "Ask the sampler for indices of this video's frame count."
            )
    if frames is not None and not callable(frames) and len(frames) != frame_count:
        raise MetricError(
            f"Expected all {frame_count} frames of the video. Received: {len(frames)}. "
            "Read them with vidlab.video.read_frames and AllFrames."
        )
