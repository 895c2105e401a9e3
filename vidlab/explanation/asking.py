"""What a model says of a clip, whether it takes clips or single frames.

Takes models and clips as they take them; gives class probabilities to `curves`, `sanity` and
`shortcuts`, which change clips and ask again.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np

from vidlab.errors import ModelError

__all__ = ["answer", "answers", "takes_clips"]


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
            f"width, 3). Received: {model.name} with input shape {shape}. Join a head with its "
            "encoder first: vidlab.recipes.assemble"
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
    clip = np.asarray(clip)
    if takes_clips(model):
        return np.asarray(model.predict_on_batch(clip[None])[0])
    return np.asarray(model.predict_on_batch(clip)).mean(axis=0)


def answers(model: keras.Model, clips: Iterable[np.ndarray]) -> np.ndarray:
    """Ask a model about clips, one after the other: float32, (clips, classes)."""
    return np.stack([answer(model, clip) for clip in clips])
