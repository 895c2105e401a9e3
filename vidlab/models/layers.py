"""Layers for clips: an encoder of frames applied at every time step, and clips of unequal length.

The frames of a whole batch of clips pass an encoder as one batch: `FoldTime` merges the axes of
batch and time, `UnfoldTime` splits them again. (`keras.layers.TimeDistributed` computes the same,
but calls the encoder once a time step.) Clips of different lengths share a batch when the shorter
ones are filled up with frames of `PADDING`, a value no picture has; `BlankPadding` makes zero
vectors of those, which a head may skip with ``Masking``.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from vidlab.data.streams import PADDING, stack_clips
from vidlab.errors import ModelError

__all__ = [
    "BlankPadding",
    "FoldTime",
    "ResponseNormalization",
    "RunningStatistics",
    "UnfoldTime",
    "each_frame",
    "pad",
    "pad_space",
]


@keras.saving.register_keras_serializable("vidlab")
class FoldTime(layers.Layer):
    """Merge the axes of batch and time.

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
    """Split again the axes of batch and time that `FoldTime` merged.

    Input shape: the sequences that were folded, (batch, time, …), and (batch · time, …).
    Output shape: (batch, time, …) of the second, with the mask of the sequences.
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.supports_masking = True

    def call(self, sequences, steps):
        """Return the steps by sequence and time."""
        return ops.reshape(steps, (-1, ops.shape(sequences)[1], *steps.shape[1:]))

    def compute_mask(self, sequences, previous_mask=None):
        """Return the mask of the sequences."""
        return previous_mask

    def compute_output_shape(self, sequences_shape, steps_shape):
        """Return (batch, time, …)."""
        return (*sequences_shape[:2], *steps_shape[1:])


@keras.saving.register_keras_serializable("vidlab")
class BlankPadding(layers.Layer):
    """Make zeros of the steps whose frames are `PADDING`.

    Input shape: (batch, time, features), and the clips (batch, time, …).
    Output shape: (batch, time, features).
    """

    def call(self, steps, clips):
        """Return the steps, zero where there was nothing to see."""
        axes = tuple(range(2, len(clips.shape)))
        seen = ops.any(ops.not_equal(clips, PADDING), axis=axes)  # (batch, time)
        return ops.where(seen[..., None], steps, 0.0)

    def compute_output_shape(self, steps_shape, clips_shape):
        """Return (batch, time, features)."""
        return steps_shape


@keras.saving.register_keras_serializable("vidlab")
class ResponseNormalization(layers.Layer):
    """Divide each channel by what its neighbours give at the same place.

    Local response normalisation (Krizhevsky et al. 2012, *ImageNet classification with deep
    convolutional neural networks*, section 3.3) over five channels, with the constants given there:
    x / (2 + 1e-4 · sum of the squares) ** 0.75.

    Input shape: (…, channels). Output shape: the same.
    """

    def call(self, maps):
        """Return the normalised maps."""
        rank, channels = len(maps.shape), maps.shape[-1]
        squares = ops.pad(ops.square(maps), [[0, 0]] * (rank - 1) + [[2, 2]])
        near = sum(squares[..., first : first + channels] for first in range(5))
        return maps / (2 + 1e-4 * near) ** 0.75

    def compute_output_shape(self, maps_shape):
        """Return the shape of the maps."""
        return maps_shape


@keras.saving.register_keras_serializable("vidlab")
class RunningStatistics(layers.Layer):
    """A recurrent cell without weights: mean and standard deviation of its inputs so far.

    Statistics pooling (Snyder et al. 2018, *X-vectors*), one step after the other. As the last of
    the cells of `keras.layers.RNN` it gives those of the states of the cell before, so that a
    head sees how much they change, and not only the last one.

    Input shape: (batch, size). Output shape: (batch, 2 · size).
    """

    def __init__(self, size: int, **options):
        super().__init__(**options)
        self.size = size

    @property
    def state_size(self) -> list[int]:
        """Mean and deviation; mean and mean square; number of steps."""
        return [2 * self.size, 2 * self.size, 1]

    def call(self, inputs, states):
        """Return mean and deviation, and the states after this step."""
        _, moments, count = states
        count = count + 1
        moments = moments + (ops.concatenate([inputs, inputs**2], axis=-1) - moments) / count
        mean, square = ops.split(moments, 2, axis=-1)
        # The small number keeps the gradient finite where nothing changes, as at the first step.
        deviation = ops.sqrt(ops.maximum(square - mean**2, 0) + 1e-6)
        statistics = ops.concatenate([mean, deviation], axis=-1)
        return statistics, [statistics, moments, count]

    def get_config(self):
        """Return the options."""
        return super().get_config() | {"size": self.size}


def each_frame(clips: keras.KerasTensor, encoder: Sequence[layers.Layer]) -> keras.KerasTensor:
    """Apply the layers of an encoder to every frame of clips.

    Parameters
    ----------
    clips
        (batch, time, height, width, channels); frames of `PADDING` give zeros.
    encoder
        Layers from frames (batch, height, width, channels) to vectors (batch, features), such as a
        backbone and a pooling layer.

    Returns
    -------
    keras.KerasTensor
        (batch, time, features); zero where a clip is padded.
    """
    x = FoldTime()(clips)  # (batch · time, height, width, channels)
    for layer in encoder:
        x = layer(x)
    x = UnfoldTime()(clips, x)  # (batch, time, features)
    return BlankPadding()(x, clips)


def pad_space(
    clips: keras.KerasTensor, kernel_size: Sequence[int], strides: Sequence[int]
) -> keras.KerasTensor:
    """Pad rows and columns of clips with zeros as "same" does for a convolution, and time not.

    Parameters
    ----------
    clips
        (batch, time, height, width, channels).
    kernel_size, strides
        Of the convolution, over rows and columns.
    """
    sides = [(0, 0)]
    for side, kernel, stride in zip(clips.shape[2:4], kernel_size, strides, strict=True):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        sides.append((total // 2, total - total // 2))
    return layers.ZeroPadding3D(sides)(clips)


def pad(clips: Sequence) -> object:
    """Put clips of different lengths into one batch, the shorter ones filled up with `PADDING`.

    Parameters
    ----------
    clips
        Numbers 0..255, (time, height, width, 3) each, of one height and width.

    Returns
    -------
    numpy.ndarray
        (clips, longest time, height, width, 3); ``float32`` where a clip had to be padded.

    Raises
    ------
    ModelError
        If there is no clip, or their frames differ in size.

    Examples
    --------
    >>> import numpy as np
    >>> short, long = np.zeros((1, 2, 2, 3)), np.zeros((3, 2, 2, 3))
    >>> pad([short, long])[:, :, 0, 0, 0]
    array([[ 0., -1., -1.],
           [ 0.,  0.,  0.]], dtype=float32)
    """
    sizes = {clip.shape[1:] for clip in clips}
    if len(sizes) != 1 or len(next(iter(sizes))) != 3:
        raise ModelError(
            "Expected clips (time, height, width, 3) of one height and width. Received: "
            f"{', '.join(str(clip.shape) for clip in clips) or 'no clip'}. Read them at one size."
        )
    return stack_clips(list(clips))
