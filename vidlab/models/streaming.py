"""A label for every frame: of a whole clip at once, or frame by frame as they come.

Takes models from `assembly` and heads from `recurrent`; gives models and streams to `recipes` and
notebooks. Both share the weights of the model they are made from. The state of a recurrent layer
after each step is all it knows of what came before, so labelling it at every step, or keeping it
between calls, adds nothing to what was trained.
"""

from __future__ import annotations

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.models.assembly import FoldTime, UnfoldTime, run_through

__all__ = ["Stream", "every_frame"]


def every_frame(model: keras.Model) -> keras.Model:
    """Label every time step instead of the last.

    Parameters
    ----------
    model
        An assembled model or a head, with one recurrent layer.

    Returns
    -------
    keras.Model
        Takes what `model` takes; gives ``float32``, (batch, time, classes), probabilities after
        each step. A padded step repeats the step before it, so the last is what `model` gives.

    Raises
    ------
    ModelError
        If the model has no recurrent layer that reads forward.
    """
    _check(model)

    def read(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
        states = keras.layers.RNN(layer.cell, return_sequences=True, name=layer.name)(x)
        return FoldTime(name="fold_states")(states)

    inputs = keras.Input(model.input_shape[1:], name=model.layers[0].name)
    labels = run_through(model.layers[1:], inputs, read=read)  # (batch · time, classes)
    labels = UnfoldTime(name="unfold_labels")(labels, inputs)
    return keras.Model(inputs, labels, name=f"{model.name}_every_frame")


class Stream:
    """A model that is shown one frame at a time and keeps its state in between.

    After n steps it has said what `every_frame` says of the n frames as one clip.

    Parameters
    ----------
    model
        An assembled model or a head, with one recurrent layer.

    Raises
    ------
    ModelError
        If the model has no recurrent layer that reads forward.
    """

    def __init__(self, model: keras.Model):
        _check(model)
        before: list[keras.KerasTensor] = []
        after: list[keras.KerasTensor] = []

        def read(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
            before.extend(keras.Input((size,)) for size in keras.tree.flatten(layer.state_size))
            once = keras.layers.RNN(layer.cell, return_state=True, name=layer.name)
            # Keras hands masks on by itself only to layers with a single input.
            real = keras.ops.any(keras.ops.not_equal(x, 0.0), axis=-1)  # (batch, 1)
            after.extend(once(x, initial_state=before, mask=real)[1:])
            return after[0]  # the output of a cell, and unlike it kept where a step is skipped

        inputs = keras.Input((1, *model.input_shape[2:]), name=model.layers[0].name)
        said = run_through(model.layers[1:], inputs, read=read)
        self._step = keras.Model([inputs, *before], [said, *after], name=f"{model.name}_step")
        self._sizes = [state.shape[1] for state in before]
        self._state: list[np.ndarray] | None = None

    def step(self, frame: np.ndarray) -> np.ndarray:
        """Look at the next frame.

        Parameters
        ----------
        frame
            One time step of what the model takes: (height, width, 3) or (features,) for one
            stream; with (batch, …) in front for several side by side, as many at every step.

        Returns
        -------
        numpy.ndarray
            ``float32``, (classes,) or (batch, classes), probabilities given all frames so far.

        Raises
        ------
        ModelError
            If the frame has another shape than the model takes, or the number of streams changed.
        """
        frame = np.asarray(frame)
        expected = self._step.inputs[0].shape[2:]
        batch = frame if frame.ndim > len(expected) else frame[None]
        streams = len(batch) if self._state is None else len(self._state[0])
        if batch.shape != (streams, *expected):
            raise ModelError(
                f"Expected {streams} × {expected}, one step of each stream. "
                f"Received: shape {frame.shape}. Resize the frame, or call reset() first."
            )
        state = self._state or [np.zeros((streams, size), np.float32) for size in self._sizes]
        said, *self._state = self._step.predict_on_batch([batch[:, None], *state])
        return said if frame is batch else said[0]

    def reset(self) -> None:
        """Forget all frames, before another video begins."""
        self._state = None


def _check(model: keras.Model) -> None:
    found = [
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.RNN) and not layer.return_sequences
    ]
    if len(found) != 1:
        raise ModelError(
            "Expected a model with one recurrent layer that reads forward only, such as ConvGRU. "
            f"Received: {model.name} with {', '.join(found) or 'none'}. "
            "Build it with vidlab.models.assemble and a head."
        )
