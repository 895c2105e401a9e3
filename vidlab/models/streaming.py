"""Predictions for every frame: of a whole clip at once, or frame by frame as they come.

Both share the weights of the model they are made from. The state of a recurrent layer after each
step is all it knows of the frames before, so predicting at every step, or keeping the state between
calls, adds nothing to what was trained.
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
    """Predict after every time step instead of the last.

    Parameters
    ----------
    model
        Of clips or of sequences of vectors, with one recurrent layer.

    Returns
    -------
    keras.Model
        Of the same input; output ``float32``, (batch, time, classes), probabilities after each
        step, of which the last are those of `model`. Where the model masks padding, a padded step
        repeats the step before it.

    Raises
    ------
    ModelError
        If the model has no unidirectional recurrent layer, or mixes frames before it.
    """

    def run(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.RNN(layer.cell, return_sequences=True, name=layer.name)(x)

    inputs, outputs = _at_every_step(model, run)
    if isinstance(model.input, dict):  # takes what `model` takes
        inputs = {inputs.name: inputs}
    return keras.Model(inputs, outputs, name=f"{model.name}_every_frame")


class Stream:
    """A recurrent model that keeps its state between calls: frames are passed as they come.

    After n steps it has predicted what `every_frame` does for the n frames as one clip, however
    they were passed; its memory does not grow with the length of the video.

    Parameters
    ----------
    model
        Of clips or of sequences of vectors, with one recurrent layer.

    Raises
    ------
    ModelError
        If the model has no unidirectional recurrent layer, or mixes frames before it.
    """

    def __init__(self, model: keras.Model):
        before: list[keras.KerasTensor] = []
        after: list[keras.KerasTensor] = []

        def run(layer: keras.layers.RNN, x: keras.KerasTensor) -> keras.KerasTensor:
            before.extend(keras.Input((size,)) for size in keras.tree.flatten(layer.state_size))
            rnn = keras.layers.RNN(
                layer.cell, return_sequences=True, return_state=True, name=layer.name
            )
            # Adding a zero a stream leaves their number open, as it is in a graph for any length.
            zero = keras.ops.zeros_like(x[:, 0, :1])
            initial = [state + zero for state in before]
            initial = keras.tree.pack_sequence_as(layer.state_size, initial)
            # Keras hands masks on by itself only to layers with a single input.
            mask = getattr(x, "_keras_mask", None)  # (batch, time)
            outputs, *states = rnn(x, initial_state=initial, mask=mask)
            after.extend(keras.tree.flatten(states))
            if mask is None:
                return outputs
            # The output of a cell (of several: of the last) is its first state. Before the first
            # real step that is the state from outside, where Keras puts zeros.
            begun = keras.ops.cumsum(keras.ops.cast(mask, "int32"), axis=1) > 0
            last = initial[-1] if isinstance(layer.cell, keras.layers.StackedRNNCells) else initial
            first = keras.tree.flatten(last)[0]
            return keras.ops.where(begun[..., None], outputs, first[:, None])

        inputs, outputs = _at_every_step(model, run)
        self._steps = keras.Model([inputs, *before], [outputs, *after], name=f"{model.name}_steps")
        self._sizes = [state.shape[1] for state in before]
        self._state: list[np.ndarray] | None = None

    def step(self, frame: np.ndarray) -> np.ndarray:
        """Predict from the next frame and all before it.

        Parameters
        ----------
        frame
            One time step: (height, width, 3) or (features,) for one stream; with (batch, …) in
            front for several side by side, as many at every step.

        Returns
        -------
        numpy.ndarray
            ``float32``, (classes,) or (batch, classes): probabilities.

        Raises
        ------
        ModelError
            If the frame has another shape than the model takes, or the number of streams changed.
        """
        frame = np.asarray(frame)
        single = frame.ndim < len(self._steps.inputs[0].shape) - 1
        found = self.predict(frame[None] if single else frame[:, None])
        return found[0] if single else found[:, 0]

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """Predict after each of the next few frames.

        Parameters
        ----------
        frames
            Time steps, (time, …) for one stream or (batch, time, …).

        Returns
        -------
        numpy.ndarray
            ``float32``, (time, classes) or (batch, time, classes): probabilities.

        Raises
        ------
        ModelError
            As for `step`.
        """
        frames = np.asarray(frames)
        shape = self._steps.inputs[0].shape[2:]
        single = frames.ndim <= len(shape) + 1
        batch = frames[None] if single else frames
        streams = len(batch) if self._state is None else len(self._state[0])
        if batch.shape[:1] + batch.shape[2:] != (streams, *shape):
            raise ModelError(
                f"Expected {streams} × {shape}, steps of each stream. Received: shape "
                f"{frames.shape}. Resize the frames, or call reset() first."
            )
        state = self._state or [np.zeros((streams, size), np.float32) for size in self._sizes]
        found, *self._state = self._steps.predict_on_batch([batch, *state])
        return found[0] if single else found

    def reset(self) -> None:
        """Forget all frames, before another video begins."""
        self._state = None


def _at_every_step(
    model: keras.Model, run: Callable[[keras.layers.RNN, keras.KerasTensor], keras.KerasTensor]
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Call the layers of a model again, the recurrent one by `run`: inputs and (batch, time, …).

    `run` gives the state after every step. The layers after it then take the states of all steps
    as one batch.
    """
    again, found = steps(model)
    clips, *others = again.inputs
    inputs = keras.Input((None, *clips.shape[2:]), name=clips.name)
    known, sequence = {id(clips): inputs}, {id(clips): True}
    after: set[int] = set()  # tensors that depend on the state
    for step in found:
        arguments = {id(tensor) for tensor in step.inputs}
        if not after and _is_unidirectional(step.layer):
            x = step.args[0]
            if sequence.get(id(x)) is not True:
                break
            output = FoldTime(name="fold_states")(run(step.layer, known[id(x)]))
            after |= {id(tensor) for tensor in tensors(step.output)}
        else:
            if arguments & after:
                kind = arguments <= after or None
                after |= {id(tensor) for tensor in tensors(step.output)}
            else:
                kinds = {sequence.get(one) for one in arguments}
                kind = is_sequence_after(step.layer, kinds, frame_by_frame=_BEFORE)
                sequence |= {id(tensor): kind for tensor in tensors(step.output)}
            if kind is None:
                break
            output = _again(step, known)
        pairs = zip(tensors(step.output), tensors(output), strict=True)
        known |= {id(tensor): new for tensor, new in pairs}
    else:
        if not others and id(again.outputs[0]) in after and len(again.outputs) == 1:
            return inputs, UnfoldTime(name="unfold_labels")(inputs, known[id(again.outputs[0])])
    recurrent = [step.layer.name for step in found if _is_unidirectional(step.layer)]
    raise ModelError(
        "Expected a model with one unidirectional recurrent layer, and frame by frame before it. "
        f"Received: {model.name}, with {', '.join(recurrent) or 'none'}. Build a recipe with one, "
        "such as convgru-fixed."
    )


def _again(step: Step, known: dict[int, keras.KerasTensor]) -> object:
    """Call a layer again; in place of `TimeDistributed`, which fixes the number of steps."""
    if not isinstance(step.layer, keras.layers.TimeDistributed):
        return step.again(known)
    clips = known[id(step.args[0])]
    folded = FoldTime(name=f"{step.layer.name}_fold")(clips)
    return UnfoldTime(name=f"{step.layer.name}_unfold")(clips, step.layer.layer(folded))


def _is_unidirectional(layer: keras.Operation) -> bool:
    return (
        isinstance(layer, keras.layers.RNN)
        and not layer.return_sequences
        and not layer.go_backwards
    )
