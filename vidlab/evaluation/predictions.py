"""Predictions of a model for each video and each of its frames, saved so that nothing is run twice.

A frame model predicts frame by frame; `aggregate` turns these predictions into one per video, by
the mean of the probabilities or by the vote of the frames.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vidlab.data.index import ReversedPair
from vidlab.errors import ModelError, ResultError
from vidlab.files import read_result, replacing
from vidlab.progress import counter

__all__ = [
    "Aggregation",
    "FramePredictions",
    "Predictions",
    "aggregate",
    "predict",
]

Aggregation = Literal["mean", "vote"]
_FILE = "predictions.npz"
_ARRAYS = ("video_ids", "groups", "y_true", "probabilities", "classes")

# A vote leaves ties. The mean probability, in this small measure, is mixed in to break them.
_TIE_BREAK = 1e-3


@dataclass(frozen=True, eq=False)
class FramePredictions:
    """Predictions for single frames, one row each.

    Those of a model of single frames rest on each frame alone, those of a recurrent one on the
    frame and all before it in its clip.

    Attributes
    ----------
    video : ndarray of int64, shape (frames,)
        The frame's video, as an index into `Predictions.video_ids`.
    frame : ndarray of int64, shape (frames,)
        The frame's number within its video, from 0.
    probabilities : ndarray of float32, shape (frames, classes)
        0 to 1; each row sums to 1.

    Raises
    ------
    ResultError
        If the three do not have one row a frame.
    """

    video: np.ndarray = field(repr=False)
    frame: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        _convert(self, video=np.int64, frame=np.int64, probabilities=np.float32)
        lengths = len(self.video), len(self.frame), len(self.probabilities)
        if len(set(lengths)) > 1:
            raise ResultError(
                "Expected one video, one frame number and one row of probabilities for each frame. "
                "Received: {} videos, {} frame numbers, {} rows. Use the dataset the model was run "
                "on.".format(*lengths)
            )

    def __len__(self) -> int:
        return len(self.video)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of a model for the videos of one part of a dataset.

    Attributes
    ----------
    video_ids : ndarray of str, shape (videos,)
    groups : ndarray of str, shape (videos,)
        The group of each video (``g01``); with its class it names the cluster the video belongs to.
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

    def __post_init__(self) -> None:
        types = {"video_ids": np.str_, "groups": np.str_}
        _convert(self, **types, y_true=np.int64, probabilities=np.float32)
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

    def top_k(self, k: int) -> np.ndarray:
        """The `k` most probable classes of each video, best first: int64, (videos, k)."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")[:, :k].astype(np.int64)

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
            If there are no frames to aggregate.
        """
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
        arrays = {name: getattr(self, name) for name in _ARRAYS}
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
        """Read what `save` wrote.

        Parameters
        ----------
        file_or_folder
            The ``.npz`` file, or the run folder that holds ``predictions.npz``.

        Raises
        ------
        ResultError
            If there is no such file, or it is not one that `save` wrote.
        """
        path = Path(file_or_folder)
        return read_result(path / _FILE if path.is_dir() else path, cls._of_file)

    @classmethod
    def _of_file(cls, path: Path) -> Predictions:
        with np.load(path, allow_pickle=False) as held:
            arrays = dict(held)
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
        )


def aggregate(
    frames: FramePredictions, *, aggregation: Aggregation = "mean", videos: int | None = None
) -> np.ndarray:
    """Aggregate the predictions for single frames into one a video.

    The order of the frames does not matter to the last bit, so a video and the same video played
    backwards get exactly the same prediction.

    Parameters
    ----------
    aggregation
        ``"mean"``: the mean of the frames' probabilities. ``"vote"``: the share of the frames that
        each class wins. Where votes tie the mean probability decides: for that, a thousandth part
        of it (less beyond 500 frames a video) is mixed into the shares.
    videos
        The number of videos; without it, as many as `frames` names.

    Returns
    -------
    ndarray of float32, shape (videos, classes)
        0 to 1; each row sums to 1.

    Raises
    ------
    ResultError
        If `aggregation` is unknown, or a video has no frames.

    Examples
    --------
    >>> frames = FramePredictions(
    ...     video=[0, 0, 0], frame=[0, 1, 2], probabilities=[[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]]
    ... )
    >>> aggregate(frames, aggregation="mean").round(2).tolist()
    [[0.4000000059604645, 0.6000000238418579]]
    >>> int(aggregate(frames, aggregation="vote").argmax())
    0
    """
    if aggregation not in get_args(Aggregation):
        raise ResultError(f"Expected mean or vote. Received: {aggregation!r}. Choose one of these.")
    if videos is None:
        videos = int(frames.video.max()) + 1 if len(frames) else 0
    counts = np.bincount(frames.video, minlength=videos)
    if len(counts) > videos or not counts.all():
        missing = [f"none of video {video}" for video in np.flatnonzero(counts == 0)]
        received = [*missing, f"a frame of video {len(counts) - 1}"][0]
        raise ResultError(
            f"Expected frames of each of {videos} videos. Received: {received}. "
            "Run the model on the whole index, and give that index."
        )
    means = np.empty((videos, frames.probabilities.shape[1]), dtype=np.float64)
    by_video = np.argsort(frames.video, kind="stable")
    for video, rows in enumerate(np.split(by_video, np.cumsum(counts)[:-1])):
        # Sums of floats depend on their order in the last bit; sorting gives them one order.
        ordered = np.sort(frames.probabilities[rows].astype(np.float64), axis=0)
        means[video] = ordered.sum(axis=0) / len(rows)
    if aggregation == "mean":
        return means.astype(np.float32)
    votes = np.zeros_like(means)
    np.add.at(votes, (frames.video, frames.probabilities.argmax(axis=1)), 1)
    measure = np.minimum(_TIE_BREAK, 0.5 / counts)[:, None]
    return ((votes / counts[:, None] + measure * means) / (1 + measure)).astype(np.float32)


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

    every_frame = None if dataset.per_frame else _every_frame(model)
    with counter(desc="predicting", total=len(dataset), unit="batch") as bar:
        progress = LambdaCallback(on_predict_batch_end=lambda batch, logs: bar.update())
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
    )


def _convert(record: object, **types: type) -> None:
    """Give the arrays of a frozen record their types, and probabilities two dimensions."""
    for name, dtype in types.items():
        array = np.asarray(getattr(record, name), dtype=dtype)
        if name == "probabilities" and array.ndim != 2:
            raise ResultError(
                "Expected probabilities of shape (rows, classes). Received: shape "
                f"{array.shape}. Use a model that ends in one softmax."
            )
        object.__setattr__(record, name, array)
