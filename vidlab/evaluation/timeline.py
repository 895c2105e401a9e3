"""Predictions for one video over time: of any file, also one of no dataset.

A model of single frames predicts for each of them; a unidirectional recurrent one after each of
them, from all frames so far; one that needs the whole clip has a single prediction, which then
stands for every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from vidlab.data import video
from vidlab.data.sampling import Sampler, choose
from vidlab.data.streams import Rgb
from vidlab.errors import ModelError
from vidlab.evaluation.predictions import Aggregation, FramePredictions, aggregate
from vidlab.evaluation.runs import RunFolder

if TYPE_CHECKING:
    import keras

__all__ = ["Context", "Timeline", "VideoPredictor"]

Context = Literal["frame", "past", "whole"]
_BATCH_SIZE = 32  # frames predicted together: a long video needs no more memory
_DECODED = 256  # frames decoded together: each call decodes a file from its start


@dataclass(frozen=True, eq=False)
class Timeline:
    """Predictions for a video over time.

    Attributes
    ----------
    path : Path
        The video.
    classes : list of str
    numbers : numpy.ndarray
        int64, (time,): indices of the frames that the model was shown.
    seconds : numpy.ndarray
        float64, (time,): when they are in the video.
    probabilities : numpy.ndarray
        float32, (time, classes), 0 to 1: the prediction at each of them.
    prediction : numpy.ndarray
        float32, (classes,), 0 to 1: the probabilities for the whole video.
    context : {"frame", "past", "whole"}
        What `probabilities` rest on: each frame alone, all frames up to it, or all frames.
    """

    path: Path
    classes: list[str]
    numbers: np.ndarray
    seconds: np.ndarray
    probabilities: np.ndarray
    prediction: np.ndarray
    context: Context

    def __len__(self) -> int:
        return len(self.numbers)

    def top(self, k: int = 5) -> pd.Series:
        """The `k` most probable classes of the video and their probabilities, best first."""
        index = pd.Index(self.classes, name="class")
        series = pd.Series(self.prediction, index, name="probability")
        return series.sort_values(ascending=False, kind="stable").head(k)

    def table(self) -> pd.DataFrame:
        """One row a frame shown: frame, seconds, prediction, then a column for each class."""
        table = pd.DataFrame({"frame": self.numbers, "seconds": self.seconds})
        table["prediction"] = np.array(self.classes)[self.probabilities.argmax(axis=1)]
        return table.join(pd.DataFrame(self.probabilities, columns=self.classes))

    def as_dict(self) -> dict[str, Any]:
        """Everything in a form JSON can hold; probabilities with six digits."""
        top = self.top()
        return {
            "file": self.path.name,
            "prediction": top.index[0],
            "top": {name: round(float(chance), 6) for name, chance in top.items()},
            "context": self.context,
            "classes": self.classes,
            "frames": self.numbers.tolist(),
            "seconds": np.round(self.seconds, 4).tolist(),
            "probabilities": np.round(self.probabilities.astype(np.float64), 6).tolist(),
        }


class VideoPredictor:
    """A model that predicts one video after the other; it is loaded and compiled once.

    Parameters
    ----------
    model
        Of frames or clips, to class probabilities; or a function that loads it, which is called
        when the first video is predicted.
    classes
        Their names, in the model's order.
    sampling
        Picks the frames. Not needed where `streams` are given.
    streams
        What each input of the model is, by name; left out, pictures at the model's own size.
    aggregation
        How the predictions for frames are aggregated, as for `vidlab.predictions.aggregate`.
    name
        Of the model; its own if left out.

    Attributes
    ----------
    streams : dict
        What each input is, by name.
    """

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        classes: Sequence[str],
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
        aggregation: Aggregation = "mean",
        name: str = "",
    ):
        self._source = model
        self.streams = dict(streams or {})
        self.classes = list(map(str, classes))
        self.sampling = sampling or next(iter(self.streams.values())).at_test
        self.aggregation = aggregation
        self.name = name or getattr(model, "name", "model")

    @classmethod
    def of_run(cls, run: RunFolder) -> VideoPredictor:
        """Predict as a finished run does: its model, its classes, the frames its test took.

        Raises
        ------
        ResultError
            If the run is not finished, or was made by another version of its recipe.
        """
        streams, record = run.streams(), run.recipe
        return cls(
            run.model,
            classes=run.predictions.classes,
            streams=streams,
            aggregation=record["config"]["aggregation"],
            name=record["recipe"],
        )

    @cached_property
    def model(self) -> keras.Model:
        """The model, loaded now if it was not yet.

        Raises
        ------
        ModelError
            If it takes neither frames nor clips, or has another number of classes.
        """
        from vidlab import models  # through it Keras starts quietly, and knows vidlab's layers

        is_model = hasattr(self._source, "predict_on_batch")
        model = models.as_classifier(self._source if is_model else self._source())
        if not getattr(model, "inputs", None):
            raise ModelError(
                f"Expected a model with inputs. Received: {model.name}, a {type(model).__name__} "
                "that knows none. Write it as keras.Model(inputs, outputs)."
            )
        shapes = {tensor.name: tuple(tensor.shape) for tensor in model.inputs}
        if any(len(shape) not in (4, 5) for shape in shapes.values()):
            raise ModelError(
                "Expected a model of frames (batch, height, width, 3) or clips (batch, time, "
                f"height, width, 3). Received: {model.name} with inputs {shapes}. "
                "Put the encoder and the head into one model."
            )
        if model.output_shape[-1] != len(self.classes):
            raise ModelError(
                f"Expected the names of {model.output_shape[-1]} classes for {model.name}. "
                f"Received: {len(self.classes)}. Pass the classes it was trained on."
            )
        for name, shape in shapes.items():
            self.streams.setdefault(name, Rgb(self.sampling, shape[-3:-1], clip=len(shape) == 5))
        return model

    def inputs(self, path: str | Path, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the model takes of some frames of a video, (time, …) for each input by name."""
        model, info = self.model, video.probe(path)
        found = {}
        for name in (tensor.name for tensor in model.inputs):
            stream = self.streams[name]
            if None in stream.size:
                stream = stream.changed(size=(info.height, info.width))
            found[name] = stream.read(stream.opened(info), indices)
        return found

    def predict(self, path: str | Path, *, sampling: Sampler | None = None) -> Timeline:
        """Predict a video.

        Parameters
        ----------
        path
            A video file.
        sampling
            Picks other frames than usual, say more of them.

        Raises
        ------
        VideoError
            If there is no such video, or it cannot be read.
        SamplingError
            If the sampler cannot serve a video of this length.
        ModelError
            As for `model`.
        """
        info = video.probe(path)
        sampling = sampling or self.sampling
        numbers = np.asarray(choose(sampling, info))
        padding = max((getattr(sampling, "at_most", None) or 0) - len(numbers), 0)
        context, run = self._run
        found = np.asarray(run(self._batches(path, numbers, padding=padding)), np.float32)
        steps = max(len(numbers), len(found))
        probabilities = np.broadcast_to(found, (steps, len(self.classes)))
        prediction = probabilities[-1]
        if context == "frame":
            frames = FramePredictions(np.zeros(steps), np.arange(steps), probabilities)
            (prediction,) = aggregate(frames, aggregation=self.aggregation)
        return Timeline(
            path=Path(path),
            classes=self.classes,
            numbers=numbers,
            seconds=info.seconds_at(numbers),
            probabilities=probabilities[: len(numbers)],
            prediction=prediction,
            context=context,
        )

    def _batches(
        self, path: str | Path, numbers: np.ndarray, *, padding: int
    ) -> Iterator[dict[str, np.ndarray]]:
        """Read what the model takes, some frames at a time; clips are padded as in training."""
        for start in range(0, len(numbers), _DECODED):
            some = numbers[start : start + _DECODED]
            found = self.inputs(path, some)
            for at in range(0, len(some), _BATCH_SIZE):
                yield {name: frames[at : at + _BATCH_SIZE] for name, frames in found.items()}
        if padding and len(self.model.inputs[0].shape) == 5:
            yield {
                name: np.full((padding, *frames.shape[1:]), self.streams[name].padding, np.float32)
                for name, frames in found.items()
            }

    @cached_property
    def _run(self) -> tuple[Context, Callable[[Iterator[dict[str, np.ndarray]]], np.ndarray]]:
        """What the model's predictions rest on, and what runs it on batches of frames."""
        from vidlab import models

        model = self.model
        several = len(model.inputs) > 1

        def predicted(batch: dict[str, np.ndarray]) -> np.ndarray:
            return model.predict_on_batch(batch if several else next(iter(batch.values())))

        if len(model.inputs[0].shape) == 4:
            return "frame", lambda batches: np.concatenate([*map(predicted, batches)])

        def whole(batches):
            parts = list(batches)
            return predicted(
                {name: np.concatenate([p[name] for p in parts])[None] for name in parts[0]}
            )

        try:
            stream = None if several else models.Stream(model)
        except ModelError:  # no unidirectional recurrent layer
            stream = None
        if stream is None:
            return "whole", whole

        def past(batches):
            stream.reset()
            return np.concatenate([stream.predict(*batch.values()) for batch in batches])

        return "past", past
