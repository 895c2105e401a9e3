"""What a model says of one video, moment by moment: of any file, also one of no dataset.

Takes trained models, with the sampler they were asked with, and video files; gives a `Timeline` to
`plots`, `widgets` and the command line. A model of single frames answers for each of them; a
recurrent one that reads forward answers after each of them, for all it has seen so far; one that
has to wait for the end has a single answer, which then stands for every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from vidlab import video
from vidlab.errors import ModelError, ResultError
from vidlab.predictions import FramePredictions, How, aggregate
from vidlab.runs import RunFolder
from vidlab.sampling import Sampler, from_text

if TYPE_CHECKING:
    import keras

__all__ = ["Reads", "Timeline", "Watcher"]

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


class Watcher:
    """A model that watches one video after the other; it is loaded and compiled once.

    Parameters
    ----------
    model
        Of frames or clips, to class probabilities; or a function that loads it, which is called
        when the first video is watched.
    classes
        Their names, in the model's order.
    sampling
        Picks the frames.
    how
        How single frames decide about the video, as for `vidlab.predictions.aggregate`.
    name
        Of the model; its own if left out.

    Attributes
    ----------
    classes, sampling, how, name
        As given.
    """

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        classes: Sequence[str],
        sampling: Sampler,
        how: How = "mean",
        name: str = "",
    ):
        self._source = model
        self._model: keras.Model | None = None
        self._say: Callable[[Iterator[np.ndarray]], np.ndarray] | None = None
        self._reads: Reads = "whole"
        self.classes = [str(one) for one in classes]
        self.sampling = sampling
        self.how = how
        self.name = name or getattr(model, "name", "model")

    @classmethod
    def of_run(cls, run: RunFolder) -> Watcher:
        """Watch as a finished run does: its model, its classes, the frames its test took.

        Raises
        ------
        ResultError
            If the run is not finished, or was made before runs said all of this.
        """
        record = run.recipe
        unsaid = {"test_sampling", "aggregation"} - set(record.get("config", {}))
        if unsaid:
            raise ResultError(
                f"Expected a run whose record holds {', '.join(sorted(unsaid))}. Received: "
                f"{run.path}. Make it again with: vidlab train {record.get('recipe', 'RECIPE')}"
            )
        return cls(
            run.model,
            classes=run.predictions.classes,
            sampling=from_text(record["config"]["test_sampling"]),
            how=record["config"]["aggregation"],
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
            shape = model.input_shape
            if not isinstance(shape, tuple) or len(shape) not in (4, 5):
                raise ModelError(
                    "Expected a model of frames (batch, height, width, 3) or clips (batch, time, "
                    f"height, width, 3). Received: {model.name} with input shape {shape}. Join a "
                    "head with its encoder first: vidlab.recipes.assemble"
                )
            if model.output_shape[-1] != len(self.classes):
                raise ModelError(
                    f"Expected the names of {model.output_shape[-1]} classes for {model.name}. "
                    f"Received: {len(self.classes)}. Pass the classes it was trained on."
                )
            self._model = model
        return self._model

    def watch(self, path: str | Path, *, sampling: Sampler | None = None) -> Timeline:
        """Show the model a video.

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
        numbers = np.asarray((sampling or self.sampling).indices(info.frames, fps=info.fps))
        size = self.model.input_shape[-3:-1]
        size = (info.height, info.width) if None in size else size
        probabilities = self._asked(_pieces(path, numbers, size=size))
        said = np.broadcast_to(probabilities, (len(numbers), len(self.classes)))
        return Timeline(
            path=Path(path),
            classes=self.classes,
            numbers=numbers,
            seconds=numbers / info.fps,
            probabilities=said,
            answer=self._decided(said),
            reads=self._reads,
        )

    def _asked(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        """Return what is said of frames that come in pieces: (time, classes) or (1, classes)."""
        if self._say is None:
            self._reads, self._say = _way_to_ask(self.model)
        return np.asarray(self._say(pieces), np.float32)

    def _decided(self, said: np.ndarray) -> np.ndarray:
        if self._reads != "frames":
            return said[-1]
        one = np.zeros(len(said), np.int64)
        frames = FramePredictions(video=one, frame=np.arange(len(said)), probabilities=said)
        return aggregate(frames, how=self.how)[0]


def _pieces(
    path: str | Path, numbers: np.ndarray, *, size: tuple[int, int]
) -> Iterator[np.ndarray]:
    for start in range(0, len(numbers), _DECODED):
        frames = video.read_frames(path, numbers[start : start + _DECODED], size=size)
        yield from (frames[at : at + _AT_ONCE] for at in range(0, len(frames), _AT_ONCE))


def _way_to_ask(
    model: keras.Model,
) -> tuple[Reads, Callable[[Iterator[np.ndarray]], np.ndarray]]:
    """Choose how a model is shown a video."""
    from vidlab import models

    if len(model.input_shape) == 4:

        def look(pieces: Iterator[np.ndarray]) -> np.ndarray:
            return np.concatenate([model.predict_on_batch(piece) for piece in pieces])

        return "frames", look
    try:
        stream = models.Stream(model)
    except ModelError:  # nothing in it reads forward

        def wait(pieces: Iterator[np.ndarray]) -> np.ndarray:
            return model.predict_on_batch(np.concatenate(list(pieces))[None])

        return "whole", wait

    def read(pieces: Iterator[np.ndarray]) -> np.ndarray:
        stream.reset()
        return np.concatenate([stream.read(piece) for piece in pieces])

    return "forward", read
