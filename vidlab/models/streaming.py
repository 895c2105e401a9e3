"""A label for every frame: of a whole clip at once, or frame by frame as they come.

Both share the weights of the model they are made from. The state of a recurrent layer
after each step is all it knows of what came before, so labelling it at every step, or keeping it
between calls, adds nothing to what was trained.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.models.graph import FRAME_BY_FRAME, Step, is_sequence_after, steps, tensors
from vidlab.models.layers import FoldTime, UnfoldTime

__all__ = ["Stream", "every_frame"]

# What a model does to each frame before its recurrent layer; `Masking` finds padding by the last
# two, operations of Keras.
_BEFORE = FRAME_BY_FRAME | {"BatchNormalization", "Dropout", "Masking", "NotEqual", "Any"}


def every_frame(model: keras.Model) -> keras.Model:
    """Label every time step instead of the last.

    Parameters
    ----------
    model
        Of clips or of sequences of vectors, with one recurrent layer.

    Returns
    -------
    keras.Model
        Takes what `model` takes; gives ``float32``, (batch, time, classes), probabilities after
        each step, so the last is what `model` gives. Where the model masks padding, a padded step
        repeats the step before it.

    Raises
    ------
    ModelError
        If the model has no recurrent layer that reads forward, or mixes frames before it.
    """

    def read(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.RNN(layer.cell, return_sequences=True, name=layer.name)(x)

    inputs, labels = _at_every_step(model, read)
    return keras.Model(inputs, labels, name=f"{model.name}_every_frame")


class Stream:
    """A model that is shown frames as they come and keeps its state in between.

    After n steps it has said what `every_frame` says of the n frames as one clip, however they
    were handed over: what it holds does not grow with the length of the video.

    Parameters
    ----------
    model
        Of clips or of sequences of vectors, with one recurrent layer.

    Raises
    ------
    ModelError
        If the model has no recurrent layer that reads forward, or mixes frames before it.
    """

    def __init__(self, model: keras.Model):
        before: list[keras.KerasTensor] = []
        after: list[keras.KerasTensor] = []

        def read(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
            before.extend(keras.Input((size,)) for size in keras.tree.flatten(layer.state_size))
            run = keras.layers.RNN(
                layer.cell, return_sequences=True, return_state=True, name=layer.name
            )
            # Adding a zero a stream leaves their number open, as it is in a graph for any length.
            none = keras.ops.zeros_like(x[:, 0, :1])
            held = [state + none for state in before]
            # Keras hands masks on by itself only to layers with a single input.
            real = getattr(x, "_keras_mask", None)  # (batch, time)
            outputs, *states = run(x, initial_state=held, mask=real)
            after.extend(states)
            if real is None:
                return outputs
            # The output of a cell is its first state. Before the first real step that is the state
            # from outside, where Keras puts zeros.
            begun = keras.ops.cumsum(keras.ops.cast(real, "int32"), axis=1) > 0
            return keras.ops.where(begun[..., None], outputs, held[0][:, None])

        inputs, labels = _at_every_step(model, read)
        self._steps = keras.Model([inputs, *before], [labels, *after], name=f"{model.name}_steps")
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


def _at_every_step(
    model: keras.Model, read: Callable[[keras.layers.RNN, keras.KerasTensor], keras.KerasTensor]
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Call the layers of a model again, the recurrent one by `read`: inputs and (batch, time, …).

    `read` gives its state after every step. The layers after it then take the states of all steps
    as one batch.
    """
    again, found = steps(model)
    clips, *others = again.inputs
    inputs = keras.Input((None, *clips.shape[2:]), name=clips.name)
    known, sequence = {id(clips): inputs}, {id(clips): True}
    after: set[int] = set()  # tensors that know of the frames before
    for step in found:
        given = {id(tensor) for tensor in step.inputs}
        if not after and _reads_forward(step.layer):
            x = step.args[0]
            if sequence.get(id(x)) is not True:
                break
            output = FoldTime(name="fold_states")(read(step.layer, known[id(x)]))
            after |= {id(tensor) for tensor in tensors(step.output)}
        else:
            if given & after:
                kind = given <= after or None
                after |= {id(tensor) for tensor in tensors(step.output)}
            else:
                kind = is_sequence_after(
                    step.layer, {sequence.get(one) for one in given}, alike=_BEFORE
                )
                sequence |= {id(tensor): kind for tensor in tensors(step.output)}
            if kind is None:
                break
            output = _again(step, known)
        pairs = zip(tensors(step.output), tensors(output), strict=True)
        known |= {id(tensor): new for tensor, new in pairs}
    else:
        if not others and id(again.outputs[0]) in after and len(again.outputs) == 1:
            return inputs, UnfoldTime(name="unfold_labels")(inputs, known[id(again.outputs[0])])
    raise ModelError(
        "Expected a model with one recurrent layer that reads forward only, such as ConvGRU, and "
        f"frame by frame before it. Received: {model.name}, with "
        f"{', '.join(step.layer.name for step in found if _reads_forward(step.layer)) or 'none'}. "
        "Build a recipe with one, such as convgru-fixed."
    )


def _again(step: Step, known: dict[int, keras.KerasTensor]) -> object:
    """Call a layer again; in place of `TimeDistributed`, which fixes the number of steps."""
    if not isinstance(step.layer, keras.layers.TimeDistributed):
        return step.again(known)
    clips = known[id(step.args[0])]
    folded = FoldTime(name=f"{step.layer.name}_fold")(clips)
    return UnfoldTime(name=f"{step.layer.name}_unfold")(clips, step.layer.layer(folded))


def _reads_forward(layer: keras.Operation) -> bool:
    return (
        isinstance(layer, keras.layers.RNN)
        and not layer.return_sequences
        and not layer.go_backwards
    )
