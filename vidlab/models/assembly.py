"""An encoder and a head joined into one model, from pictures to classes.

Takes encoders from `backbones` and heads from `recurrent`; gives whole models to `recipes`, to
training end to end, to predicting and to explaining.

Frames of a whole batch of clips pass the encoder as one batch: `FoldTime` lays the clips end to
end, `UnfoldTime` takes the feature vectors apart again. Clips of different lengths share a batch
when `pad` fills the shorter ones with frames of `PADDING`, a value no picture has; `BlankPadding`
makes zeros of what the encoder says about those, and the head skips steps of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
from keras import layers, ops

from vidlab import backbones
from vidlab.errors import ModelError

__all__ = [
    "PADDING",
    "BlankPadding",
    "FoldTime",
    "UnfoldTime",
    "assemble",
    "pad",
    "run_through",
]

PADDING = -1.0
"""The value of every pixel of a frame that is only there to fill up a batch."""


@keras.saving.register_keras_serializable("vidlab")
class FoldTime(layers.Layer):
    """Lay the sequences of a batch end to end.

    Input shape: (batch, time, …). Output shape: (batch · time, …).
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.supports_masking = True

    def call(self, sequences):
        """Return the steps of all sequences as one batch."""
        return ops.reshape(sequences, (-1, *sequences.shape[2:]))

    def compute_mask(self, sequences, mask=None):
        """Return None: what stays of time is up to `UnfoldTime`."""
        return None

    def compute_output_shape(self, sequences_shape):
        """Return (None, …)."""
        return (None, *sequences_shape[2:])


@keras.saving.register_keras_serializable("vidlab")
class UnfoldTime(layers.Layer):
    """Take apart again what `FoldTime` laid end to end.

    Input shape: (batch · time, features), and a tensor (batch, time, …) that has the lengths.
    Output shape: (batch, time, features).
    """

    def call(self, vectors, sequences):
        """Return the vectors by sequence and time."""
        return ops.reshape(vectors, (-1, ops.shape(sequences)[1], vectors.shape[-1]))

    def compute_output_shape(self, vectors_shape, sequences_shape):
        """Return (batch, time, features)."""
        return (*sequences_shape[:2], vectors_shape[-1])


@keras.saving.register_keras_serializable("vidlab")
class BlankPadding(layers.Layer):
    """Make zeros of the steps whose frames are `PADDING`.

    Input shape: (batch, time, features), and the clips (batch, time, height, width, channels).
    Output shape: (batch, time, features).
    """

    def call(self, steps, clips):
        """Return the steps, zero where there was nothing to see."""
        seen = ops.max(clips, axis=(2, 3, 4)) > PADDING  # (batch, time)
        return ops.where(seen[..., None], steps, 0.0)

    def compute_output_shape(self, steps_shape, clips_shape):
        """Return (batch, time, features)."""
        return steps_shape


def assemble(encoder: keras.Model, head: keras.Model) -> keras.Model:
    """Join an encoder and a head into one model.

    Both keep their layers and weights, shared with the new model, whose list of layers is that of
    the encoder followed by that of the head. An encoder made elsewhere, without a layer
    ``"backbone"``, becomes a single layer.

    Parameters
    ----------
    encoder
        Of `vidlab.backbones.pooled` or `vidlab.backbones.cut`, or any other model from frames to
        vectors; a bare backbone is pooled.
    head
        Of this package, for feature vectors of the encoder's length.

    Returns
    -------
    keras.Model
        Input ``float32`` (``uint8`` is cast), 0..255, or `PADDING` throughout a frame:
        (batch, time, height, width, 3), any length; for a head of single frames (batch, height,
        width, 3). Output as the head's.

    Raises
    ------
    ModelError
        If the head expects vectors of another length than the encoder gives.
    """
    if len(encoder.output_shape) == 4:
        encoder = backbones.pooled(encoder)
    if encoder.output_shape[-1] != head.input_shape[-1]:
        raise ModelError(
            f"Expected a head for {encoder.output_shape[-1]} features, as the encoder gives. "
            f"Received: {head.name} for {head.input_shape[-1]}. Build the head for this encoder."
        )
    ours = any(layer.name == "backbone" for layer in encoder.layers)
    encode = encoder.layers[1:] if ours else [encoder]
    pictures = keras.Input(encoder.input_shape[1:], name="frames")
    if len(head.input_shape) == 3:
        pictures = keras.Input((None, *encoder.input_shape[1:]), name="clips")
        encode = [FoldTime(name="fold_time"), *encode, UnfoldTime(name="unfold_time")]
        encode.append(BlankPadding(name="blank_padding"))
    said = run_through([*encode, *head.layers[1:]], pictures)
    return keras.Model(pictures, said, name=head.name.removesuffix("_head"))


def pad(clips: Sequence[np.ndarray]) -> np.ndarray:
    """Put clips of different lengths into one batch, the shorter ones filled up with `PADDING`.

    An assembled model says of each clip the same as without the padding.

    Parameters
    ----------
    clips
        Numbers 0..255, (time, height, width, 3) each, of one height and width.

    Returns
    -------
    numpy.ndarray
        ``float32``, (clips, longest time, height, width, 3).

    Raises
    ------
    ModelError
        If there is no clip, or their frames differ in size.

    Examples
    --------
    >>> short, long = np.zeros((1, 2, 2, 3)), np.zeros((3, 2, 2, 3))
    >>> pad([short, long])[:, :, 0, 0, 0]
    array([[ 0., -1., -1.],
           [ 0.,  0.,  0.]], dtype=float32)
    """
    sizes = {np.shape(clip)[1:] for clip in clips}
    if len(sizes) != 1 or len(next(iter(sizes))) != 3:
        raise ModelError(
            "Expected clips (time, height, width, 3) of one height and width. Received: "
            f"{', '.join(str(np.shape(clip)) for clip in clips) or 'no clip'}. "
            "Read them at one size."
        )
    longest = max(len(clip) for clip in clips)
    batch = np.full((len(clips), longest, *sizes.pop()), PADDING, np.float32)
    for place, clip in zip(batch, clips, strict=True):
        place[: len(clip)] = clip
    return batch


def run_through(
    parts: Iterable[layers.Layer],
    pictures: keras.KerasTensor,
    *,
    read: Callable | None = None,
) -> keras.KerasTensor:
    """Apply layers one after the other.

    Parameters
    ----------
    parts
        Layers, first to last.
    pictures
        What the first of them takes.
    read
        Called with a recurrent layer and its input in place of the layer itself.

    Returns
    -------
    keras.KerasTensor
        What the last of them gives.
    """
    x = pictures
    for layer in parts:
        if isinstance(layer, UnfoldTime | BlankPadding):
            x = layer(x, pictures)
        elif isinstance(layer, keras.layers.RNN) and read is not None:
            x = read(layer, x)
        else:
            x = layer(x)
    return x
