"""``vidlab flow``: a video beside its optical flow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.files import relative

if TYPE_CHECKING:
    import numpy as np

__all__ = ["flow"]

_TOGETHER = 64  # frames in memory at a time; each block is read from the start


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

    info = video.probe(file)
    out = out or Path(f"{file.stem}-flow.avi")
    fields = _side_by_side(info, method=method, largest=largest)
    video.write(out, fields, fps=info.fps)
    typer.echo(
        f"Written: {relative(out)} ({info.frames} frames; the picture, and its flow by {method}; "
        f"full colour from {largest:g} pixels a frame)"
    )


def _side_by_side(info, *, method: str, largest: float) -> Iterator[np.ndarray]:
    """Give each frame beside its flow to the next, some frames in memory at a time."""
    import numpy as np

    from vidlab.data import flow, video
    from vidlab.progress import progress

    side = max(min(info.height, info.width) // 5, 8)
    wheel, still = flow.wheel(side), np.zeros((info.height, info.width, 2), np.float32)
    for first in progress(range(0, info.frames, _TOGETHER), desc="optical flow", unit="block"):
        last = min(first + _TOGETHER, info.frames - 1)
        frames = video.read_frames(info.path, range(first, last + 1))
        for number in range(min(_TOGETHER, info.frames - first)):
            pair = frames[number : number + 2]
            field = flow.dense_flow(*pair, method=method) if len(pair) == 2 else still
            drawn = flow.colours(field, largest=largest)
            drawn[-side:, -side:] = wheel
            yield np.concatenate([frames[number], drawn], axis=1)
