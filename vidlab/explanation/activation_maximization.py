"""Activation maximization: pictures made to excite a filter, kept on disk.

Erhan et al. 2009, *Visualizing higher-layer features of a deep network*: look at a picture, compute
in which direction each pixel has to change for the filter to respond more strongly, change it a
little. Left to itself this finds fine noise to which networks respond more than to anything real.
Three things keep it to pictures people can read, all from Olah et al. 2017, *Feature
visualization*:

- the gradient is smoothed as natural pictures are, coarse structure before fine, and its three
  colours move together as they do in photographs (`_smoothing`);
- the network sees the picture shifted, turned and zoomed a little, each time otherwise, so that
  nothing is gained by details that hang on the exact pixel (`_random_movements`);
- the picture keeps a mean grey and a limited contrast, so that none becomes all black
  (`_levelled`).

Written out, because the loop of tf-keras-vis can neither move the pictures nor stop in time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.activations import checked_filters
from vidlab.explanation.graph import LayerGraph, layer_graph
from vidlab.files import replacing
from vidlab.training.engines import encoder_digest

__all__ = ["SCORES", "FilterPictures", "activation_maximization"]

SCORES = "scores"
"""In the place of a layer's name: the class scores, before the last softmax."""

_PER_FILTER = ("images", "filters", "responses")
_FORMAT = 3  # counts up when pictures are made otherwise, so that old ones are not shown for new
_SIZE = (128, 128)
_GREY = 128.0
_CONTRAST = 55.0  # standard deviation of the pixels, of 255
_STEP = 8.0  # how far a step moves the pixels, as their standard deviation
_TURN, _ZOOM = 5.0, 1.1  # degrees; at most so many times larger or smaller
_SHIFT = 1 / 16  # of the picture's side
_ROUGHEST = 0.25  # cycles a pixel beyond which structure is suppressed; 0.5 is the finest there is
_FALL = 1.5  # amplitudes fall with this power of the frequency
_WORTH_COMPILING = 10  # so many steps take longer than compiling the network

# How the colours of natural pictures vary together: the square root of their covariance, from
# Olah et al. 2017, scaled to a largest column of length 1.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]], np.float32)
_COLOURS /= np.linalg.norm(_COLOURS, axis=0).max()


@dataclass(frozen=True, eq=False, kw_only=True)
class FilterPictures:
    """Pictures that excite the filters of one layer.

    Attributes
    ----------
    images : numpy.ndarray
        ``uint8``, (filters, height, width, 3), RGB.
    layer : str
        The layer, or ``"scores"``.
    filters : numpy.ndarray
        ``int64``, (filters,): which filter each picture is of; for ``"scores"``, which class.
    responses : numpy.ndarray
        ``float32``, (filters,): how strongly each filter responds to its picture, as a mean over
        the positions of its map.
    steps, wanted : int
        How many steps were taken, and how many were asked for; where they were made in several
        turns, the fewest.
    seconds : float
        How long it took, or the longest turn.
    seed : int
        Of the noise that the pictures began as.
    loaded : bool
        Whether all were made before and only read from disk.
    """

    images: np.ndarray
    layer: str
    filters: np.ndarray
    responses: np.ndarray
    steps: int
    wanted: int
    seconds: float
    seed: int
    loaded: bool = False

    def in_words(self) -> str:
        """Describe in one line of what these pictures are, and how they came about."""
        how = f"{self.steps} steps in {self.seconds:.0f} s"
        if self.steps < self.wanted:
            how = f"stopped after {self.steps} of {self.wanted} steps, the time was up"
        loaded = "loaded; " if self.loaded else ""
        return f"{len(self.filters)} filters of {self.layer}: {loaded}{how} (seed {self.seed})"

    def split(self) -> list[FilterPictures]:
        """Return one record a filter."""
        return [
            replace(self, **{name: getattr(self, name)[[index]] for name in _PER_FILTER})
            for index in range(len(self.filters))
        ]

    @classmethod
    def join(cls, records: Sequence[FilterPictures]) -> FilterPictures:
        """Join records of filters of one layer, in their order."""
        return replace(
            records[0],
            **{n: np.concatenate([getattr(one, n) for one in records]) for n in _PER_FILTER},
            steps=min(one.steps for one in records),
            seconds=max(one.seconds for one in records),
            loaded=all(one.loaded for one in records),
        )


def activation_maximization(
    model: keras.Model,
    layer: str,
    *,
    filters: Sequence[int] | int = 8,
    steps: int = 64,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    constrained: bool = True,
    seconds: float = 120.0,
    cache: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FilterPictures:
    """Make pictures that excite the filters of a layer as strongly as possible.

    All filters are ascended together, as one batch, but each from its own noise: its picture does
    not depend on the others. The same seed and number of steps give the same pictures on one
    machine; elsewhere rounding leads to slightly other ones.

    Parameters
    ----------
    model
        Of frames or clips, to class scores; shared, not copied or changed.
    layer
        One of `vidlab.explanation.layers`, such as `depths` chooses; or ``"scores"`` for pictures
        that a model of single frames takes for a class.
    filters
        Which filters (for ``"scores"``: classes), or how many, spread evenly over the layer.
    seed
        Of the noise that the pictures begin as, and of the movements they are looked at in.
    size
        Height and width of the pictures in pixels; 128×128 when left out, and for ``"scores"`` the
        model's own.
    constrained
        Whether the gradient is smoothed, the picture moved and its contrast limited. Without that
        it is the bare method, which leads to fine noise.
    seconds
        A time budget: no step is begun after it. At least one step is taken.
    cache
        A folder where pictures are kept and looked for, each on its own, whatever others are
        asked for beside it. What was cut short by the time budget is made anew when there is more
        time.
    progress
        Called after each step with how many have been taken, and how many are wanted.

    Raises
    ------
    ModelError
        If the layer or a filter does not exist, fewer than one step is asked for, or the scores of
        a model of clips or at another size.
    """
    if steps < 1:
        raise ModelError(f"Expected at least one step. Received: steps={steps}. Take 64.")
    graph = layer_graph(model)
    size = tuple(size or (graph.frame_size if layer == SCORES else _SIZE))
    output = _output(graph, layer, size)
    numbers = _chosen(filters, channels=output.shape[-1], layer=layer).tolist()
    files = {}
    if cache is not None:
        options = {"steps": steps, "seed": seed, "size": size, "constrained": constrained}
        key = _key(model, layer, **options)
        files = {number: Path(cache) / f"{key}-{number}.npz" for number in numbers}
    made = {number: _load(file, layer) for number, file in files.items()}
    enough = {
        number: kept
        for number, kept in made.items()
        if kept is not None and (kept.steps == steps or kept.seconds >= seconds)
    }
    missing = [number for number in numbers if number not in enough]
    if missing:
        network, step = graph.made_once(
            (layer, size, constrained), lambda: _compile(graph, output, size, constrained)
        )
        if steps < _WORTH_COMPILING:
            step = step.python_function
        started, filters = time.perf_counter(), np.array(missing)
        images, taken = _ascend(step, filters, size, steps, seed, seconds, progress, constrained)
        maps = network(images.astype(np.float32), training=False)
        new = FilterPictures(
            images=images,
            layer=layer,
            filters=filters,
            responses=_own_responses(maps, filters).numpy(),
            steps=taken,
            wanted=steps,
            seconds=time.perf_counter() - started,
            seed=seed,
        )
        enough |= dict(zip(missing, new.split(), strict=True))
        for number in missing if files else ():
            with replacing(files[number]) as temporary:
                np.savez_compressed(temporary, **vars(enough[number]))
    return FilterPictures.join([enough[number] for number in numbers])


def _output(graph: LayerGraph, layer: str, size: tuple[int, int]) -> keras.KerasTensor:
    """Return what is maximized: a layer's maps, before their activation, or the class scores."""
    if layer == SCORES:
        if not graph.per_frame or size != graph.frame_size:
            raise ModelError(
                f"Expected a model of single frames and its own size {graph.frame_size} to read "
                f"{SCORES!r}. Received: {graph.model.name} for {graph.input.shape} at {size}. Read "
                "a layer with a map instead: vidlab.explanation.layers(model)."
            )
        return graph.scores
    step = graph.map_step(layer)
    activations = keras.layers.Activation | keras.layers.ReLU | keras.layers.LeakyReLU
    return step.inputs[0] if isinstance(step.layer, activations) else step.output


def _chosen(filters: Sequence[int] | int, *, channels: int, layer: str) -> np.ndarray:
    if np.ndim(filters) == 0:
        count = max(1, min(int(filters), channels))
        return np.unique(np.linspace(0, channels - 1, count).round().astype(np.int64))
    return checked_filters(filters, channels=channels, layer=layer)


def _own_responses(maps: tf.Tensor, filters: tf.Tensor) -> tf.Tensor:
    """Return the mean response of each picture's own filter."""
    maps = tf.reshape(maps, (tf.shape(maps)[0], -1, maps.shape[-1]))
    return tf.gather(tf.reduce_mean(maps, axis=1), filters, batch_dims=1)


def _compile(
    graph: LayerGraph, output: keras.KerasTensor, size: tuple[int, int], constrained: bool
) -> tuple[keras.Model, Callable]:
    """Return the network up to a tensor, and a step of gradient ascent on its pictures."""
    network = graph.frame_model(output, size=size)
    smooth = _smoothing(size) if constrained else _of_unit_deviation

    shapes = ((None, *size, 3), tf.float32), ((None, 8), tf.float32), ((None,), tf.int64)

    @tf.function(input_signature=[tf.TensorSpec(*spec) for spec in shapes])
    def step(pictures, movements, filters):
        if constrained:
            pictures = _levelled(pictures)
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            seen = pictures
            if constrained:
                seen = keras.ops.image.affine_transform(
                    pictures, movements, interpolation="bilinear", fill_mode="reflect"
                )
            responses = _own_responses(network(seen, training=False), filters)
        changed = pictures + _STEP * smooth(tape.gradient(responses, pictures))
        return changed if constrained else tf.clip_by_value(changed, 0.0, 255.0)

    return network, step


def _ascend(
    step, filters, size, steps, seed, seconds, progress, constrained
) -> tuple[np.ndarray, int]:
    """Change noise, step by step, into pictures: ``uint8``, and how many steps were taken."""
    until, taken = time.perf_counter() + seconds, 0
    rngs = [np.random.default_rng([seed, filter_]) for filter_ in filters]
    noise = [rng.standard_normal((*size, 3), dtype=np.float32) for rng in rngs]
    smooth = _smoothing(size) if constrained else tf.identity
    pictures = _GREY + _STEP * smooth(tf.constant(np.stack(noise)))
    while taken < steps and (taken == 0 or time.perf_counter() <= until):
        pictures = step(pictures, tf.constant(_random_movements(rngs, size)), tf.constant(filters))
        taken += 1
        if progress is not None:
            progress(taken, steps)
    if constrained:
        pictures = _levelled(pictures, exactly=True)
    return np.rint(pictures.numpy()).astype(np.uint8), taken


def _random_movements(rngs: Sequence[np.random.Generator], size: tuple[int, int]) -> np.ndarray:
    """Draw affine transforms about the middle of each picture, as Keras takes them."""
    height, width = size
    movements = []
    for turn, growth, down, right in (rng.uniform(-1, 1, 4) for rng in rngs):
        middle = (width - 1) / 2, (height - 1) / 2
        matrix = cv2.getRotationMatrix2D(middle, -turn * _TURN, _ZOOM**growth)
        matrix[:, 2] += width * _SHIFT * right, height * _SHIFT * down
        movements.append([*matrix.ravel(), 0, 0])
    return np.array(movements, np.float32)


def _levelled(pictures: tf.Tensor, *, exactly: bool = False) -> tf.Tensor:
    """Give pictures a mean of grey and at most, or exactly, the wanted contrast; keep to 0..255."""
    axes = (1, 2, 3)
    mean = tf.reduce_mean(pictures, axis=axes, keepdims=True)
    stretch = _CONTRAST / (tf.math.reduce_std(pictures, axis=axes, keepdims=True) + 1e-6)
    stretch = stretch if exactly else tf.minimum(1.0, stretch)
    return tf.clip_by_value((pictures - mean) * stretch + _GREY, 0.0, 255.0)


@lru_cache(maxsize=4)
def _smoothing(size: tuple[int, int]) -> Callable:
    """Make the function that turns a gradient like white noise into one of natural pictures."""
    height, width = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    weight = np.maximum(frequency, 1 / max(size)) ** -_FALL
    weight = (weight * np.exp(-((frequency / _ROUGHEST) ** 2))).astype(np.complex64)

    @tf.function
    def smooth(gradient):
        x = tf.signal.rfft2d(tf.transpose(gradient, (0, 3, 1, 2)))
        x = tf.transpose(tf.signal.irfft2d(x * weight, fft_length=size), (0, 2, 3, 1))
        return _of_unit_deviation(tf.einsum("bhwc,dc->bhwd", x, _COLOURS @ _COLOURS.T))

    return smooth


def _of_unit_deviation(x: tf.Tensor) -> tf.Tensor:
    """Scale each picture of a batch to a standard deviation of 1."""
    return x / (tf.math.reduce_std(x, axis=(1, 2, 3), keepdims=True) + 1e-12)


def _key(model: keras.Model, layer: str, **options: object) -> str:
    """Digest all that a picture follows from; layers count by their index, not their name."""
    facts = {**options, "format": _FORMAT, "layer": [*layer_graph(model).maps, SCORES].index(layer)}
    facts["versions"] = [version(name) for name in ("keras", "tensorflow")]
    text = encoder_digest(model) + json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(file: Path, layer: str) -> FilterPictures | None:
    """Load a picture that was kept; None where there is none, or none that can be read."""
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as kept:
            fields = {name: kept[name] for name in kept.files}
            fields = {name: x if x.ndim else x.item() for name, x in fields.items()}
            return FilterPictures(**fields | {"layer": layer, "loaded": True})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None  # a damaged file is as good as none: it is only a copy
