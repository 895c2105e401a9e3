"""What a model says of a clip, whether it takes clips or single frames.

Takes models and clips as they take them; gives class probabilities to `curves`, `sanity` and
`swapping`, which change clips and ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from vidlab.errors import ModelError

__all__ = ["answer", "answers", "takes_clips"]

_FRAMES_AT_ONCE = 64


def takes_clips(model: keras.Model) -> bool:
    """Tell whether a model takes clips, (batch, time, height, width, 3), or else single frames.

    Raises
    ------
    ModelError
        If it takes neither.
    """
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) not in (4, 5):
        raise ModelError(
            "Expected a model of frames (batch, height, width, 3) or clips (batch, time, height, "
            f"width, 3). Received: {model.name} with input shape {shape}. Put a head and its "
            "encoder into one model."
        )
    return len(shape) == 5


def answer(model: keras.Model, clip: np.ndarray) -> np.ndarray:
    """Ask a model about one clip.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clip
        (time, height, width, 3), 0–255, of the model's size.

    Returns
    -------
    numpy.ndarray
        float32, (classes,); for a model of frames the mean over the frames.
    """
    return _at_once(model, np.asarray(clip)[None])[0]


def answers(model: keras.Model, clips: Iterable[np.ndarray]) -> np.ndarray:
    """Ask a model about clips of one length, some at a time: float32, (clips, classes)."""
    clips = iter(clips)
    said = []
    while some := _about_64_frames(clips):
        said.append(_at_once(model, np.stack(some)))
    return np.concatenate(said)


def _about_64_frames(clips: Iterator[np.ndarray]) -> list[np.ndarray]:
    """Take the next few clips."""
    taken, frames = [], 0
    for clip in clips:
        taken.append(np.asarray(clip, np.float32))
        frames += len(clip)
        if frames >= _FRAMES_AT_ONCE:
            break
    return taken


def _at_once(model: keras.Model, clips: np.ndarray) -> np.ndarray:
    if takes_clips(model):
        return np.asarray(model.predict_on_batch(clips))
    said = np.asarray(model.predict_on_batch(clips.reshape(-1, *clips.shape[2:])))
    return said.reshape(*clips.shape[:2], -1).mean(axis=1)
