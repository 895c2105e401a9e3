"""Pictures made to excite filters: activation maximisation, by tf-keras-vis.

Takes readers of `reading`; gives pictures to `pictures`.

The loop is that of tf-keras-vis (Erhan et al. 2009; Simonyan et al. 2014): look at a picture, ask
in which direction each pixel has to change, change it a little. Left to itself it finds fine noise
to which networks respond more than to anything real. Three things keep it to pictures people can
read, all of them from Olah et al. 2017, *Feature Visualization*:

- the direction is smoothed as natural pictures are, coarse structure before fine, and its three
  colours move together as they do in photographs (`_smooth`);
- the network sees the picture shifted, turned and zoomed a little, each time otherwise, so that
  nothing is gained by details that hang on the exact pixel (`_Moving`);
- the picture keeps a mean grey and a limited contrast, so that none becomes all black
  (`_levelled`).
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from vidlab.explanation.filters.reading import Reader

__all__ = ["climb", "mean_responses"]

_GREY = 128.0
_CONTRAST = 55.0  # standard deviation of the pixels, of 255
_STEP = 8.0  # how far a step moves the pixels, as their standard deviation
_TURN, _ZOOM = 5.0, 1.1  # degrees; at most so many times larger or smaller
_SHIFT = 1 / 16  # of the picture's side
_ROUGHEST = 0.25  # cycles a pixel beyond which structure is suppressed; 0.5 is the finest there is
_WORTH_COMPILING = 10  # so many steps take longer than compiling the network
_FALL = 1.5  # amplitudes fall with this power of the frequency

# How the colours of natural pictures vary together: the square root of their covariance, from
# Olah et al. 2017, scaled to a largest column of length 1.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]], np.float32)
_COLOURS /= np.linalg.norm(_COLOURS, axis=0).max()


def climb(
    reader: Reader,
    filters: Sequence[int],
    *,
    steps: int,
    seed: int,
    seconds: float,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, int]:
    """Change noise, step by step, into pictures that excite one filter each.

    Parameters
    ----------
    reader
        Of the layer, at the size of the pictures.
    filters
        Positions in the layer's last axis.
    steps
        How many steps to take.
    seed
        Of the noise and the movements.
    seconds
        After so much time no further step is begun; at least one is taken.
    tell
        Called after each step: how many have been taken, and how many are wanted.

    Returns
    -------
    pictures : numpy.ndarray
        ``uint8``, (filters, height, width, 3).
    steps : int
        How many steps were taken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own modules, when imported
        from tf_keras_vis.activation_maximization import ActivationMaximization
    draws = [np.random.default_rng([seed, filter_]) for filter_ in filters]
    smooth = _smooth(reader.size)
    shape = (*reader.size, 3)
    noise = np.stack([draw.standard_normal(shape, dtype=np.float32) for draw in draws])
    start = _GREY + _STEP * smooth(tf.constant(noise))
    watch = _Watch(seconds, wanted=steps, tell=tell)
    with contextlib.suppress(_OutOfTimeError):  # what has been reached by then is the result
        ActivationMaximization(_Moving(reader, draws, compiled=steps >= _WORTH_COMPILING))(
            lambda said: _of_filters(said, filters),
            seed_input=start,
            steps=steps,
            input_range=None,
            input_modifiers=[_levelled],
            regularizers=None,  # an empty list is taken for an outdated kind
            optimizer=keras.optimizers.SGD(_STEP),
            gradient_modifier=smooth,
            callbacks=[watch],
        )
    pictures = _levelled(watch.pictures, exactly=True)
    return np.rint(pictures.numpy()).astype(np.uint8), watch.steps


def mean_responses(reader: Reader, pictures: np.ndarray, *, filters: Sequence[int]) -> np.ndarray:
    """Read how strongly filters respond to pictures, each to its own, as a mean over the positions.

    Returns
    -------
    numpy.ndarray
        ``float32``, (filters,).
    """
    said = reader.read(pictures)[np.arange(len(filters)), ..., np.asarray(filters)]
    return said.reshape(len(filters), -1).mean(axis=1)


class _Moving:
    """A reader as tf-keras-vis wants its models, which sees every picture moved a little.

    Each call shifts, turns and zooms each picture by other random amounts, mirrored at the edges.
    The pictures themselves stay where they are.
    """

    def __init__(self, reader: Reader, draws: Sequence[np.random.Generator], *, compiled: bool):
        self.inputs = [keras.Input((*reader.size, 3), name="pictures")]
        self.outputs = reader.model.outputs
        self.layers = reader.model.layers
        self._size = reader.size
        self._draws = draws
        self._see = _compiled(reader) if compiled else partial(_see_moved, reader)

    def __call__(self, pictures, training=False):
        (pictures,) = pictures
        return self._see(pictures, tf.constant(self._movements()))

    def _movements(self) -> np.ndarray:
        """Draw movements, (pictures, 8), as Keras takes them: about the middle of the picture."""
        drawn = np.stack([draw.uniform(-1, 1, 4) for draw in self._draws], axis=1)
        angle, zoom = np.deg2rad(drawn[0] * _TURN), np.exp(drawn[1] * math.log(_ZOOM))
        height, width = self._size
        down, right = height * _SHIFT * drawn[2], width * _SHIFT * drawn[3]
        y, x = (height - 1) / 2, (width - 1) / 2
        cosine, sine, none = zoom * np.cos(angle), zoom * np.sin(angle), np.zeros_like(angle)
        to_x = [cosine, -sine, x - cosine * x + sine * y + right]
        to_y = [sine, cosine, y - sine * x - cosine * y + down]
        return np.stack([*to_x, *to_y, none, none], axis=1).astype(np.float32)


def _see_moved(reader: Reader, pictures, movements):
    moved = keras.ops.image.affine_transform(
        pictures, movements, interpolation="bilinear", fill_mode="reflect"
    )
    return reader(moved)


def _compiled(reader: Reader) -> Callable:
    """Compile what a reader sees, once for all batches of pictures it is asked about."""
    if reader not in _COMPILED:
        model = reader.model  # not the reader, which would then never be let go
        alone = Reader(reader.layer, model, reader.size)
        _COMPILED[reader] = tf.function(
            partial(_see_moved, alone),
            input_signature=(
                tf.TensorSpec((None, *reader.size, 3)),
                tf.TensorSpec((None, 8)),
            ),
        )
    return _COMPILED[reader]


_COMPILED: WeakKeyDictionary[Reader, Callable] = WeakKeyDictionary()


class _OutOfTimeError(Exception):
    """The time is up; raised to leave the loop of tf-keras-vis, and caught beside it."""


class _Watch:
    """A callback of tf-keras-vis: keep the last step's pictures, tell of it, stop in time."""

    def __init__(
        self, seconds: float, *, wanted: int, tell: Callable[[int, int], None] | None = None
    ):
        self.pictures, self.steps = None, 0
        self._wanted, self._tell = wanted, tell
        self._until = time.perf_counter() + seconds

    def on_begin(self, **kwargs):
        """Do nothing: the watch runs from its making on."""

    def on_end(self):
        """Do nothing: the last step has been kept already."""

    def __call__(self, i, values, grads, scores, model_outputs, **kwargs):
        self.pictures, self.steps = values[0], i + 1
        if self._tell is not None:
            self._tell(self.steps, self._wanted)
        if time.perf_counter() > self._until:
            raise _OutOfTimeError


def _of_filters(said, filters: Sequence[int]):
    """Take from each picture's reading what its own filter says."""
    positions = [[picture, filter_] for picture, filter_ in enumerate(filters)]
    if len(said.shape) == 4:
        said = tf.transpose(said, (0, 3, 1, 2))
    return tf.reshape(tf.gather_nd(said, positions), (len(positions), -1))


def _levelled(pictures, *, exactly: bool = False):
    """Give pictures a mean of grey and at most, or exactly, the wanted contrast; keep to 0..255."""
    axes = (1, 2, 3)
    mean = tf.reduce_mean(pictures, axis=axes, keepdims=True)
    stretch = _CONTRAST / (tf.math.reduce_std(pictures, axis=axes, keepdims=True) + 1e-6)
    stretch = stretch if exactly else tf.minimum(1.0, stretch)
    return tf.clip_by_value((pictures - mean) * stretch + _GREY, 0.0, 255.0)


@lru_cache(maxsize=4)
def _smooth(size: tuple[int, int]) -> Callable:
    """Make the function that turns a direction of white noise into one of natural pictures."""
    height, width = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    weight = np.maximum(frequency, 1 / max(size)) ** -_FALL
    weight = (weight * np.exp(-((frequency / _ROUGHEST) ** 2))).astype(np.complex64)

    @tf.function
    def smooth(direction):
        x = tf.signal.rfft2d(tf.transpose(direction, (0, 3, 1, 2)))
        x = tf.transpose(tf.signal.irfft2d(x * weight, fft_length=size), (0, 2, 3, 1))
        x = tf.einsum("bhwc,dc->bhwd", x, _COLOURS @ _COLOURS.T)
        return x / (tf.math.reduce_std(x, axis=(1, 2, 3), keepdims=True) + 1e-12)

    return smooth
