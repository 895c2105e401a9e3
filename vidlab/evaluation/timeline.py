"""What a model says of one video, moment by moment: of any file, also one of no dataset.

A model of single frames answers for each of them; a
recurrent one that reads forward answers after each of them, for all it has seen so far; one that
has to wait for the end has a single answer, which then stands for every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from vidlab.data import video
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import ModelError
from vidlab.evaluation.predictions import FramePredictions, How, aggregate
from vidlab.evaluation.runs import RunFolder

if TYPE_CHECKING:
    import keras

__all__ = ["Reads", "Timeline", "VideoPredictor"]

Reads = Literal["frames", "forward", "whole"]
_AT_ONCE = 32  # frames that are looked at together: a long video needs no more memory
_DECODED = 256  # frames that are read together: each time a file is gone through from its start


@dataclass(frozen=True, eq=False)
class Timeline:
    """What a model said of the frames it was shown.

    Attributes
    ----------
    path : Path
        The video.
    classes : list of str
    numbers : numpy.ndarray
        int64, (time,): which frames of the video were shown.
    seconds : numpy.ndarray
        float64, (time,): when they are in the video.
    probabilities : numpy.ndarray
        float32, (time, classes), 0 to 1: what was said at each of them.
    answer : numpy.ndarray
        float32, (classes,): what is said of the whole video.
    reads : {"frames", "forward", "whole"}
        What `probabilities` rest on: each frame alone, all frames up to it, or all frames.
    """

    path: Path
    classes: list[str]
    numbers: np.ndarray
    seconds: np.ndarray
    probabilities: np.ndarray
    answer: np.ndarray
    reads: Reads

    def __len__(self) -> int:
        return len(self.numbers)

    def top(self, k: int = 5) -> pd.Series:
        """Return the `k` most probable classes of the video and their probabilities, best first."""
        best = np.argsort(-self.answer, kind="stable")[:k]
        names = pd.Index([self.classes[label] for label in best], name="class")
        return pd.Series(self.answer[best], index=names, name="probability")

    def table(self) -> pd.DataFrame:
        """Return one row a frame shown: frame, seconds, answer, then a column for each class."""
        said = pd.DataFrame(self.probabilities, columns=self.classes)
        answers = [self.classes[label] for label in self.probabilities.argmax(axis=1)]
        shown = {"frame": self.numbers, "seconds": self.seconds, "answer": answers}
        return pd.concat([pd.DataFrame(shown), said], axis=1)

    def as_dict(self) -> dict[str, Any]:
        """Return everything in a form JSON can hold; probabilities with six digits."""
        return {
            "file": self.path.name,
            "answer": self.classes[int(self.answer.argmax())],
            "top": {name: round(float(chance), 6) for name, chance in self.top().items()},
            "reads": self.reads,
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
        How single frames decide about the video, as for `vidlab.predictions.aggregate`.
    name
        Of the model; its own if left out.

    Attributes
    ----------
    classes, sampling, aggregation, name
        As given.
    """

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        classes: Sequence[str],
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
        aggregation: How = "mean",
        name: str = "",
    ):
        self._source = model
        self._model: keras.Model | None = None
        self._streams = dict(streams or {})
        self._run: Callable[[Iterator[Mapping]], np.ndarray] | None = None
        self._reads: Reads = "whole"
        self.classes = [str(one) for one in classes]
        self.sampling = sampling or next(iter(self._streams.values())).at_test
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

    @property
    def model(self) -> keras.Model:
        """The model, loaded now if it was not yet.

        Raises
        ------
        ModelError
            If it takes neither frames nor clips, or has another number of classes.
        """
        if self._model is None:
            import vidlab

            _ = vidlab.models  # through it Keras starts quietly, and knows vidlab's layers
            is_model = hasattr(self._source, "input_shape")
            model = self._source if is_model else self._source()
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
            if not self._streams:
                self._streams = {
                    name: Rgb(self.sampling, shape[-3:-1], clip=len(shape) == 5)
                    for name, shape in shapes.items()
                }
            self._model = model
        return self._model

    def inputs(self, path: str | Path, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the model takes of some frames of a video, (time, …) for each input by name."""
        model, info = self.model, video.probe(path)
        found = {}
        for name in (tensor.name for tensor in model.inputs):
            stream = self._streams[name]
            size = (info.height, info.width) if None in stream.size else stream.size
            found[name] = stream.read(partial(video.read_frames, path, size=size), indices)
        return found

    def predict(self, path: str | Path, *, sampling: Sampler | None = None) -> Timeline:
        """Predict a video.

        Parameters
        ----------
        path
            A video file.
        sampling
            Picks other frames than usual, say more of them.

        Returns
        -------
        Timeline

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
        numbers = np.asarray(sampling.indices(info.frames, fps=info.fps))
        if self._run is None:
            self._reads, self._run = _way_to_run(self.model)
        padding = max((getattr(sampling, "at_most", None) or 0) - len(numbers), 0)
        pieces = self._pieces(path, numbers, padding=padding)
        found = np.asarray(self._run(pieces), np.float32)
        every = np.broadcast_to(found, (max(len(numbers), len(found)), len(self.classes)))
        return Timeline(
            path=Path(path),
            classes=self.classes,
            numbers=numbers,
            seconds=numbers / info.fps,
            probabilities=every[: len(numbers)],
            answer=self._decided(every),
            reads=self._reads,
        )

    def _pieces(
        self, path: str | Path, numbers: np.ndarray, *, padding: int
    ) -> Iterator[dict[str, np.ndarray]]:
        """Read what the model takes, piece by piece; clips are filled up as in training."""
        for start in range(0, len(numbers), _DECODED):
            found = self.inputs(path, numbers[start : start + _DECODED])
            for at in range(0, len(numbers[start : start + _DECODED]), _AT_ONCE):
                yield {name: frames[at : at + _AT_ONCE] for name, frames in found.items()}
        if padding and self._reads != "frames":
            yield {
                name: np.full((padding, *frames.shape[1:]), self._streams[name].padding, np.float32)
                for name, frames in found.items()
            }

    def _decided(self, found: np.ndarray) -> np.ndarray:
        if self._reads != "frames":
            return found[-1]
        one = np.zeros(len(found), np.int64)
        frames = FramePredictions(video=one, frame=np.arange(len(found)), probabilities=found)
        return aggregate(frames, how=self.aggregation)[0]


def _way_to_run(
    model: keras.Model,
) -> tuple[Reads, Callable[[Iterator[dict[str, np.ndarray]]], np.ndarray]]:
    """Choose how a model is shown a video."""
    from vidlab import models

    several = len(model.inputs) > 1

    def given(piece: dict[str, np.ndarray]):
        return piece if several else next(iter(piece.values()))

    if len(model.inputs[0].shape) == 4:

        def look(pieces):
            return np.concatenate([model.predict_on_batch(given(piece)) for piece in pieces])

        return "frames", look

    def wait(pieces):
        parts = list(pieces)
        whole = {name: np.concatenate([part[name] for part in parts])[None] for name in parts[0]}
        return model.predict_on_batch(given(whole))

    try:
        stream = None if several else models.Stream(model)
    except ModelError:  # nothing in it reads forward
        stream = None
    if stream is None:
        return "whole", wait

    def read(pieces):
        stream.reset()
        return np.concatenate([stream.read(given(piece)) for piece in pieces])

    return "forward", read
