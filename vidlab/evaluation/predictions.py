"""Predictions of a model for each video and each of its frames, saved so that nothing is run twice.

A frame model predicts frame by frame; `aggregate` turns these predictions into one per video, by
the mean of the probabilities or by the vote of the frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vidlab.data.index import ReversedPair
from vidlab.errors import ModelError, ResultError, VidlabError
from vidlab.evaluation.elsewhere import HOW_TO_WRITE, checked, read_csv
from vidlab.evaluation.frames import Aggregation, FramePredictions, aggregate, converted
from vidlab.files import replacing
from vidlab.progress import counter

__all__ = [
    "Aggregation",
    "FramePredictions",
    "Predictions",
    "aggregate",
    "predict",
    "read_result",
]

_FILE = "predictions.npz"
_AGAIN = "Delete it and make it again with: vidlab train RECIPE"
_ARRAYS = ("video_ids", "groups", "y_true", "probabilities", "classes")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of a model for the videos of one part of a dataset.

    Attributes
    ----------
    video_ids : ndarray of str, shape (videos,)
    groups : ndarray of str, shape (videos,)
        The group of each video (``g01``).
    y_true : ndarray of int64, shape (videos,)
        The right class, as an index into `classes`.
    probabilities : ndarray of float32, shape (videos, classes)
        0 to 1; each row sums to 1.
    classes : list of str
    frames : FramePredictions or None
        Of single frames, where the model has a prediction for each: one of single frames, or a
        recurrent one that reads forwards only.
    others : dict of ndarray
        What other outputs of the model gave for each video, (videos, …), by their names.
    reversed_pairs : list of ReversedPair
        Those of the index. Intervals and tests keep the twins of a pair together.
    across_classes : bool
        Whether a group name in two classes is one group, such as a person, as the index knows.
        Intervals and tests count such a group once; otherwise the group of each class is its own.

    Raises
    ------
    ResultError
        If the lengths do not belong together or a label has no class.
    """

    video_ids: np.ndarray = field(repr=False)
    groups: np.ndarray = field(repr=False)
    y_true: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    classes: list[str]
    frames: FramePredictions | None = None
    others: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    reversed_pairs: list[ReversedPair] = field(default_factory=list, repr=False)
    across_classes: bool = False

    def __post_init__(self) -> None:
        types = {"video_ids": np.str_, "groups": np.str_}
        converted(self, **types, y_true=np.int64, probabilities=np.float32)
        object.__setattr__(self, "classes", [str(name) for name in self.classes])
        videos, classes = len(self.video_ids), len(self.classes)
        rows = {len(self.groups), len(self.y_true)}
        if self.probabilities.shape != (videos, classes) or rows != {videos}:
            raise ResultError(
                f"Expected a group, a label and {classes} probabilities for each of {videos} "
                f"videos. Received: {len(self.groups)} groups, {len(self.y_true)} labels, "
                f"probabilities of shape {self.probabilities.shape}. Take all of them from the "
                "index the model was run on."
            )
        if videos and not (self.y_true.min() >= 0 and self.y_true.max() < classes):
            raise ResultError(
                f"Expected labels from 0 to {classes - 1}. Received: {self.y_true.min()} to "
                f"{self.y_true.max()}. Give the classes of the index the labels come from."
            )

    def __len__(self) -> int:
        return len(self.video_ids)

    @property
    def y_pred(self) -> np.ndarray:
        """The most probable class of each video: int64, (videos,); the first one where two tie."""
        return self.probabilities.argmax(axis=1).astype(np.int64)

    def of_videos(self, chosen: np.ndarray) -> Predictions:
        """Predictions for chosen videos, by a mask or by position, without single frames."""
        names = ("video_ids", "groups", "y_true", "probabilities")
        rows = {name: getattr(self, name)[chosen] for name in names}
        return replace(self, **rows, frames=None, others={})

    def by_frame(self) -> Predictions:
        """Predictions with a row a frame instead of a row a video, for any metric.

        Raises
        ------
        ResultError
            If there are no frames.
        """
        frames = self._held_frames
        return replace(self.of_videos(frames.video), probabilities=frames.probabilities)

    def with_aggregation(self, aggregation: Aggregation) -> Predictions:
        """The same predictions with the frames aggregated in another way.

        Raises
        ------
        ResultError
            If there are no frames to aggregate, or they are the time steps of a recurrent model.
        """
        if self.frames is not None and self.frames.recurrent:
            raise ResultError(
                "Expected predictions that rest on single frames. Received: those of a recurrent "
                "model, whose last time step is the video's. Use the probabilities as they are."
            )
        found = aggregate(self._held_frames, aggregation=aggregation, videos=len(self))
        return replace(self, probabilities=found)

    @property
    def _held_frames(self) -> FramePredictions:
        if self.frames is None:
            raise ResultError(
                "Expected predictions that hold single frames. Received: predictions of whole "
                "videos only, as of a model that reads the whole clip before it predicts. Count "
                "videos, or use a frame model or a recurrent one that reads forwards only."
            )
        return self.frames

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write everything to one ``.npz`` file, whole or not at all, and return its path.

        The file gets the suffix ``.npz``.
        """
        path = Path(file).with_suffix(".npz")
        arrays = {name: getattr(self, name) for name in (*_ARRAYS, "across_classes")}
        arrays |= {f"output_{name}": values for name, values in self.others.items()}
        if self.frames is not None:
            arrays |= {f"frames_{name}": values for name, values in vars(self.frames).items()}
        pairs = [(*pair, "cyclic" if pair.cyclic else "end-state") for pair in self.reversed_pairs]
        if pairs:
            arrays["reversed_pairs"] = np.array(pairs)
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)
        return path

    @classmethod
    def load(cls, file_or_folder: str | os.PathLike[str]) -> Predictions:
        """Read what `save` wrote, or predictions that another tool made.

        Parameters
        ----------
        file_or_folder
            The ``.npz`` file, or the run folder that holds ``predictions.npz``. From elsewhere: a
            ``.npz`` file of arrays named as the arguments of `of`, or a CSV table with the columns
            ``video_id``, ``true``, ``group`` where there are any, and one of probabilities a class.

        Raises
        ------
        ResultError
            If there is no such file, or it holds no predictions.
        """
        path = Path(file_or_folder)
        path = path / _FILE if path.is_dir() else path
        remedy = {} if path.name == _FILE else {"remedy": HOW_TO_WRITE}
        return read_result(path, cls._of_file, **remedy)

    @classmethod
    def of(
        cls,
        y_true: Sequence,
        probabilities: np.ndarray,
        *,
        classes: Sequence,
        video_ids: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> Predictions:
        """Take predictions of another tool, such as a scikit-learn classifier.

        Parameters
        ----------
        y_true
            The right class of each video, (videos,), out of `classes`.
        probabilities
            (videos, classes), or (videos,) of the second of two classes.
        classes
            In the order of the columns: ``classifier.classes_``.
        video_ids
            Of the index, or files; explorers find the videos by them.
        groups
            Of videos that belong together, such as those of a person, in whatever classes. Left
            out, that in a name such as ``v_Run_g01_c02``, a group of its class alone, else each
            video is a group of its own: intervals then take them for independent.

        Raises
        ------
        ResultError
            If a label is no class, rows are no probabilities, or a video is there twice.
        """
        return cls(**checked(y_true, probabilities, classes, video_ids, groups))

    @classmethod
    def _of_file(cls, path: Path) -> Predictions:
        if path.suffix == ".csv":
            return cls(**checked(**read_csv(path)))
        with np.load(path, allow_pickle=False) as held:
            arrays = dict(held)
        if not arrays.keys() >= set(_ARRAYS):
            return cls(**checked(**arrays))
        frames, others = (
            {
                name.removeprefix(prefix): values
                for name, values in arrays.items()
                if name.startswith(prefix)
            }
            for prefix in ("frames_", "output_")
        )
        return cls(
            **{name: arrays[name] for name in _ARRAYS},
            frames=FramePredictions(**frames) if frames else None,
            others=others,
            reversed_pairs=[
                ReversedPair(str(first), str(second), cyclic=kind == "cyclic")
                for first, second, kind in arrays.get("reversed_pairs", ())
            ],
            across_classes=bool(arrays.get("across_classes", False)),
        )


def read_result(path: Path, reader: Callable[[Path], Any], *, remedy: str = _AGAIN) -> Any:
    """Read a file of a run by a function.

    Raises
    ------
    ResultError
        If there is no such file, or it cannot be read; with the remedy.
    """
    if not path.is_file():
        raise ResultError(
            f"Expected the result of a finished run. Received: {path}, which does not exist. "
            "Make it with: vidlab train RECIPE"
        )
    try:
        return reader(path)
    except VidlabError:
        raise
    except Exception as error:  # damaged files make their readers raise nearly anything
        raise ResultError(
            f"Expected a result that can be read. Received: {path}, which cannot be read "
            f"({error}). {remedy}"
        ) from error


def predict(
    model: Any, dataset: Any, *, aggregation: Aggregation = "mean", output: str = ""
) -> Predictions:
    """Predict the videos of a dataset.

    Parameters
    ----------
    model
        A Keras model that gives class probabilities: one row a frame, or one row a video. Of a
        recurrent one that reads forwards only, the prediction after every frame is kept, too.
    dataset
        A `vidlab.Clips` in a fixed order, of what the model takes.
    aggregation
        As for `aggregate`; of no effect on whole clips.
    output
        Of a model with several, the one that names the class; the others are kept in
        `Predictions.others`, as the mean over a video's rows.

    Raises
    ------
    ResultError
        If the dataset shuffles, or the model does not give one row a frame or video.
    """
    if dataset.shuffle:
        raise ResultError(
            "Expected a dataset in a fixed order. Received: one that shuffles. "
            "Make it with shuffle=False."
        )
    from keras.callbacks import LambdaCallback

    from vidlab import models
    from vidlab.data.dataset import own_errors

    model = models.as_classifier(model)
    every_frame = None if dataset.per_frame else _every_frame(model)
    with counter(desc="predicting", total=len(dataset), unit="batch") as bar:
        progress = LambdaCallback(on_predict_batch_end=lambda batch, logs: bar.update())
        with own_errors(dataset):
            outputs = (every_frame or model).predict(dataset, verbose=0, callbacks=[progress])
    if not isinstance(outputs, dict):
        outputs = {output: outputs}
    outputs = {name: np.asarray(values) for name, values in outputs.items()}
    probabilities, frames = outputs.pop(output), None
    if every_frame is not None:
        probabilities, frames = probabilities[:, -1], _of_steps(probabilities, dataset)
    videos = [dataset.video_positions == video for video in range(len(dataset.index))]
    others = {
        name: np.stack([values[rows].mean(axis=0) for rows in videos])
        for name, values in outputs.items()
    }
    if dataset.frame_numbers is not None:
        frames = FramePredictions(dataset.video_positions, dataset.frame_numbers, probabilities)
        probabilities = aggregate(frames, aggregation=aggregation, videos=len(dataset.index))
    return Predictions(
        video_ids=dataset.index.table["video_id"],
        groups=dataset.index.table["group"],
        y_true=dataset.index.labels,
        probabilities=probabilities,
        classes=dataset.index.classes,
        frames=frames,
        others=others,
        reversed_pairs=dataset.index.reversed_pairs,
        across_classes=dataset.index.across_classes,
    )


def _every_frame(model: Any) -> Any:
    """Return a model that predicts after every frame; None where `model` reads whole clips."""
    from vidlab import models

    try:
        return models.every_frame(model)
    except ModelError:
        return None


def _of_steps(probabilities: np.ndarray, dataset: Any) -> FramePredictions:
    """Take the time steps (videos, time, classes) of each video's frames; padding is left out."""
    numbers = [dataset.frames_of(video) for video in dataset.video_positions]
    return FramePredictions(
        np.repeat(dataset.video_positions, [*map(len, numbers)]),
        np.concatenate(numbers),
        np.concatenate([steps[: len(n)] for steps, n in zip(probabilities, numbers, strict=True)]),
        recurrent=True,
    )
