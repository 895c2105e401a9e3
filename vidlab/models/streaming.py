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
    """A model that is shown frames as they come and keeps its state in between.

    After n steps it has said what `every_frame` says of the n frames as one clip, however they
    were handed over: what it holds does not grow with the length of the video.

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
            run = keras.layers.RNN(
                layer.cell, return_sequences=True, return_state=True, name=layer.name
            )
            # Keras hands masks on by itself only to layers with a single input.
            real = keras.ops.any(keras.ops.not_equal(x, 0.0), axis=-1)  # (batch, time)
            # Adding a zero a stream leaves their number open, as it is in a graph for any length.
            none = keras.ops.zeros_like(x[:, 0, :1])
            held = [state + none for state in before]
            outputs, *states = run(x, initial_state=held, mask=real)
            after.extend(states)
            # The output of a cell is its first state. Before the first real step that is the state
            # from outside, where Keras puts zeros.
            begun = keras.ops.cumsum(keras.ops.cast(real, "int32"), axis=1) > 0
            outputs = keras.ops.where(begun[..., None], outputs, held[0][:, None])
            return FoldTime(name="fold_states")(outputs)

        inputs = keras.Input((None, *model.input_shape[2:]), name=model.layers[0].name)
        said = run_through(model.layers[1:], inputs, read=read)
        said = UnfoldTime(name="unfold_labels")(said, inputs)
        self._steps = keras.Model([inputs, *before], [said, *after], name=f"{model.name}_steps")
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
        alone = frame.ndim <= len(self._shape)
        said = self._read(frame[None, None] if alone else frame[:, None], given=frame)
        return said[0, 0] if alone else said[:, 0]

    def read(self, frames: np.ndarray) -> np.ndarray:
        """Look at the next few frames.

        Parameters
        ----------
        frames
            Time steps of what the model takes, (time, …) for one stream or (batch, time, …).

        Returns
        -------
        numpy.ndarray
            ``float32``, (time, classes) or (batch, time, classes): after each of them.

        Raises
        ------
        ModelError
            As for `step`.
        """
        frames = np.asarray(frames)
        alone = frames.ndim <= len(self._shape) + 1
        said = self._read(frames[None] if alone else frames, given=frames)
        return said[0] if alone else said

    def reset(self) -> None:
        """Forget all frames, before another video begins."""
        self._state = None

    def _read(self, batch: np.ndarray, *, given: np.ndarray) -> np.ndarray:
        """Return (batch, time, classes) for (batch, time, …); `given` is named in an error."""
        streams = len(batch) if self._state is None else len(self._state[0])
        if batch.shape[:1] + batch.shape[2:] != (streams, *self._shape):
            raise ModelError(
                f"Expected {streams} × {self._shape}, steps of each stream. "
                f"Received: shape {given.shape}. Resize the frames, or call reset() first."
            )
        state = self._state or [np.zeros((streams, size), np.float32) for size in self._sizes]
        said, *self._state = self._steps.predict_on_batch([batch, *state])
        return said

    @property
    def _shape(self) -> tuple[int, ...]:
        """What one step is."""
        return self._steps.inputs[0].shape[2:]


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
