"""``vidlab flow``: a video beside its optical flow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.files import relative

if TYPE_CHECKING:
    import numpy as np

__all__ = ["flow"]

_MOST_BYTES = 128 * 2**20  # of frames in memory at a time; each block is read from the start


def flow(
    file: Annotated[Path, typer.Argument(help="A video file.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The video to write; if none, FILE-flow.avi in this folder."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="dis-ultrafast, dis-fast, dis-medium or farneback.")
    ] = "dis-medium",
    largest: Annotated[
        float,
        typer.Option(min=0.1, help="Pixels a frame that are drawn in full colour."),
    ] = 8.0,
) -> None:
    """Write a video beside its optical flow: how each point moves until the next frame.

    The colour says where to, its strength how far; white stands still. A wheel of all directions is
    drawn into the corner.

    **Example:** `vidlab flow my.avi --method dis-fast`
    """
    from vidlab.data import video
    from vidlab.errors import VideoError

    info = video.probe(file)
    if info.frames < 2:
        raise VideoError(
            f"Expected a video of at least two frames. Received: {file} with {info.frames}. Flow "
            "leads from a frame to the next one; choose another video."
        )
    out = out or Path(f"{file.stem}-flow.avi")
    fields = _side_by_side(info, method=method, largest=largest)
    video.write(out, fields, fps=info.fps)
    typer.echo(
        f"Written: {relative(out)} ({info.frames - 1} frames, each beside its flow to the next by "
        f"{method}; full colour from {largest:g} pixels a frame)"
    )


def _side_by_side(info, *, method: str, largest: float) -> Iterator[np.ndarray]:
    """Give each frame beside its flow to the next, some frames in memory at a time."""
    import numpy as np

    from vidlab.data import flow, video
    from vidlab.progress import progress

    side = max(min(info.height, info.width) // 5, 8)
    wheel, last = flow.wheel(side), info.frames - 1
    together = max(_MOST_BYTES // (3 * info.height * info.width), 4)
    for first in progress(range(0, last, together), desc="optical flow", unit="block"):
        numbers = range(first, min(first + together, last) + 1)
        for pair in itertools.pairwise(video.read_frames(info.path, numbers)):
            drawn = flow.colours(flow.dense_flow(*pair, method=method), largest=largest)
            drawn[-side:, -side:] = wheel
            yield np.concatenate([pair[0], drawn], axis=1)
