"""What one layer of a model makes of pictures, at any size of picture.

Takes models opened by `layers`; gives readers to `pictures`, `maps` and `tuning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from vidlab.errors import ModelError
from vidlab.explanation.layers import Anatomy, laid_open
from vidlab.models.graph import same

__all__ = ["SCORES", "Reader", "checked_filters", "read_means", "reader"]

SCORES = "scores"
"""In the place of a layer's name: what the model says of the classes, before the last softmax."""

_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Reader:
    """A model from pictures to what one of its layers gives; shares the model's weights.

    Attributes
    ----------
    layer : str
        The layer's name, or `SCORES`.
    model : keras.Model
        From pictures, or from clips where the whole model takes clips, to that layer.
    size : tuple of int
        Height and width of the pictures in pixels.
    """

    layer: str
    model: keras.Model
    size: tuple[int, int]

    @property
    def channels(self) -> int:
        """How many filters the layer has, or how many classes there are."""
        return self.model.output_shape[-1]

    def __call__(self, pictures):
        """Read a batch of pictures, tensors in and out.

        Parameters
        ----------
        pictures
            ``float32``, (pictures, height, width, 3), 0..255.

        Returns
        -------
        tensor
            (pictures, rows, columns, filters), or (pictures, classes) for `SCORES`.
        """
        of_clips = len(self.model.input_shape) == 5
        return self.model(pictures[None] if of_clips else pictures, training=False)

    def read(self, pictures: np.ndarray) -> np.ndarray:
        """Read pictures, some at a time: ``float32``, shaped as `__call__` has it."""
        return np.concatenate([ops.convert_to_numpy(self(some)) for some in self.batches(pictures)])

    def batches(self, pictures: np.ndarray) -> Iterator[np.ndarray]:
        """Check pictures, 0..255, and give them out in ``float32``, some at a time."""
        pictures = np.asarray(pictures)
        if pictures.ndim != 4 or pictures.shape[1:] != (*self.size, 3) or not len(pictures):
            raise ModelError(
                f"Expected pictures (pictures, {self.size[0]}, {self.size[1]}, 3). Received: shape "
                f"{pictures.shape} for {self.layer}. Read the frames at the model's size."
            )
        for first in range(0, len(pictures), _AT_ONCE):
            yield pictures[first : first + _AT_ONCE].astype(np.float32)


def read_means(readers: Sequence[Reader], pictures: np.ndarray) -> list[np.ndarray]:
    """Read the mean response of every filter, of several layers in one pass.

    Parameters
    ----------
    readers
        Of layers with a map, of one model at its own size, or a single one.
    pictures
        0..255, (pictures, height, width, 3).

    Returns
    -------
    list of numpy.ndarray
        ``float32``, (pictures, filters), for each reader.
    """
    first = readers[0]
    pool = keras.layers.GlobalAveragePooling2D()
    means = [pool(one.model.outputs[0]) for one in readers]
    together = Reader(first.layer, keras.Model(first.model.inputs[0], means), first.size)
    said = [keras.tree.flatten(together(some)) for some in together.batches(pictures)]
    return [
        np.concatenate([ops.convert_to_numpy(x) for x in parts])
        for parts in zip(*said, strict=True)
    ]


def reader(
    model: keras.Model,
    layer: str,
    *,
    size: tuple[int, int] | None = None,
    before_activation: bool = False,
) -> Reader:
    """Cut a model after one of its layers, whatever box the layer lies in.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.
    layer
        One of `vidlab.explanation.layers`, or `SCORES` for a model of frames.
    size
        Height and width of the pictures; those of the model when left out. A layer can be read on
        pictures of any size, the class scores only on the model's own.
    before_activation
        Whether a layer that is nothing but an activation is read before it.

    Returns
    -------
    Reader

    Raises
    ------
    ModelError
        If there is no such layer (the message names those there are), or the scores are asked for
        of a model of clips or at another size.
    """
    anatomy = laid_open(model)
    own = anatomy.model.input_shape[-3:-1]
    size = own if size is None else (int(size[0]), int(size[1]))
    if None in size:
        raise ModelError(
            f"Expected a size of pictures. Received: size=None for {model.name}, which takes any. "
            "Name one: size=(height, width)."
        )
    if layer == SCORES:
        if not anatomy.per_frame or size != own:
            raise ModelError(
                f"Expected a model of single frames and its own size {own} to read {SCORES!r}. "
                f"Received: {model.name} for {anatomy.model.input_shape} at {size}. Read a layer "
                "with a map instead: vidlab.explanation.layers(model)."
            )
        scoring = anatomy.scoring()
        return Reader(layer, keras.Model(scoring.inputs[0], scoring.outputs[0]), size)
    cut = _cut(anatomy, layer, before_activation=before_activation)
    if size != own:
        shape = (*size, 3) if anatomy.per_frame else (None, *size, 3)
        other = keras.Input(shape, name="pictures")
        cut = keras.models.clone_model(cut, input_tensors=other, clone_function=same)
    return Reader(layer, cut, size)


def _cut(anatomy: Anatomy, layer: str, *, before_activation: bool) -> keras.Model:
    step = anatomy.step(layer)
    output = step.output
    if before_activation and isinstance(
        step.layer, keras.layers.Activation | keras.layers.ReLU | keras.layers.LeakyReLU
    ):
        (output,) = step.inputs
    return keras.Model(anatomy.scoring().inputs[0], output)


def checked_filters(filters: Sequence[int], *, channels: int, layer: str) -> np.ndarray:
    """Check positions in a layer's last axis: ``int64``, (filters,), or a ModelError."""
    chosen = np.asarray(filters)
    whole = chosen.dtype.kind in "iu" and chosen.ndim == 1 and chosen.size > 0
    if not whole or chosen.min() < 0 or chosen.max() >= channels:
        raise ModelError(
            f"Expected filters from 0 to {channels - 1}, those of {layer}. "
            f"Received: {filters!r}. Give whole numbers in this range."
        )
    return chosen.astype(np.int64)
