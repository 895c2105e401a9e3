"""What a model said about each video and each of its frames, kept so that nothing is run twice.

A frame model answers frame by frame; `aggregate` turns these answers into one per video, by the
mean of the probabilities or by the vote of the frames.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vidlab.errors import ResultError
from vidlab.files import replacing
from vidlab.progress import counter

__all__ = ["FramePredictions", "How", "Predictions", "aggregate", "from_frames", "predict"]

How = Literal["mean", "vote"]
_FILE = "predictions.npz"

# A vote leaves ties. The mean probability, in this small measure, is mixed in to break them.
_TIE_BREAK = 1e-3


@dataclass(frozen=True, eq=False)
class FramePredictions:
    """One row for every frame a model looked at.

    Attributes
    ----------
    video : ndarray of int64, shape (frames,)
        The frame's video, as a position in `Predictions.video_ids`.
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
        _set(self, "video", np.asarray(self.video, dtype=np.int64))
        _set(self, "frame", np.asarray(self.frame, dtype=np.int64))
        _set(self, "probabilities", _matrix(self.probabilities))
        lengths = {len(self.video), len(self.frame), len(self.probabilities)}
        if len(lengths) > 1:
            raise ResultError(
                "Expected one video, one frame number and one row of probabilities for each frame. "
                f"Received: {len(self.video)} videos, {len(self.frame)} frame numbers, "
                f"{len(self.probabilities)} rows. Use the dataset the model was run on."
            )

    def __len__(self) -> int:
        return len(self.video)


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about the videos of one part of a dataset.

    Attributes
    ----------
    video_ids : ndarray of str, shape (videos,)
    groups : ndarray of str, shape (videos,)
        The group of each video (``g01``); with its class it names the cluster the video belongs to.
    y_true : ndarray of int64, shape (videos,)
        The right class, as a position in `classes`.
    probabilities : ndarray of float32, shape (videos, classes)
        0 to 1; each row sums to 1.
    classes : list of str
    frames : FramePredictions or None
        Of single frames, where the model looks at single frames.
    others : dict of ndarray
        What other outputs of the model gave for each video, (videos, …), by their names.

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

    def __post_init__(self) -> None:
        _set(self, "video_ids", np.asarray(self.video_ids, dtype=np.str_))
        _set(self, "groups", np.asarray(self.groups, dtype=np.str_))
        _set(self, "y_true", np.asarray(self.y_true, dtype=np.int64))
        _set(self, "probabilities", _matrix(self.probabilities))
        _set(self, "classes", [str(name) for name in self.classes])
        shape = (len(self.video_ids), len(self.classes))
        if self.probabilities.shape != shape or not (
            len(self.groups) == len(self.y_true) == shape[0]
        ):
            raise ResultError(
                f"Expected a group, a label and {shape[1]} probabilities for each of {shape[0]} "
                f"videos. Received: {len(self.groups)} groups, {len(self.y_true)} labels, "
                f"probabilities of shape {self.probabilities.shape}. Take all of them from the "
                "index the model was run on."
            )
        if shape[0] and not (self.y_true.min() >= 0 and self.y_true.max() < shape[1]):
            raise ResultError(
                f"Expected labels from 0 to {shape[1] - 1}. Received: {self.y_true.min()} to "
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

    def with_aggregation(self, how: How) -> Predictions:
        """Give the same predictions with the frames put together in another way.

        Raises
        ------
        ResultError
            If there are no frames to put together.
        """
        if self.frames is None:
            raise ResultError(
                "Expected predictions that hold single frames. Received: predictions of whole "
                "videos only. Run a frame model, or use the probabilities as they are."
            )
        return replace(self, probabilities=aggregate(self.frames, how=how, videos=len(self)))

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write everything to one ``.npz`` file, whole or not at all.

        The file, which is returned, gets the suffix ``.npz``.
        """
        path = Path(file).with_suffix(".npz")
        arrays = {
            "video_ids": self.video_ids,
            "groups": self.groups,
            "y_true": self.y_true,
            "probabilities": self.probabilities,
            "classes": np.asarray(self.classes, dtype=np.str_),
        }
        arrays |= {f"output_{name}": values for name, values in self.others.items()}
        if self.frames is not None:
            arrays |= {
                "frames_video": self.frames.video,
                "frames_frame": self.frames.frame,
                "frames_probabilities": self.frames.probabilities,
            }
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
        path = path / _FILE if path.is_dir() else path
        if not path.is_file():
            raise ResultError(
                f"Expected a file of predictions. Received: {path}, which does not exist. "
                "Make it with: vidlab train RECIPE"
            )
        try:
            with np.load(path, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
            frames = None
            if "frames_video" in arrays:
                frames = FramePredictions(
                    video=arrays["frames_video"],
                    frame=arrays["frames_frame"],
                    probabilities=arrays["frames_probabilities"],
                )
            return cls(
                video_ids=arrays["video_ids"],
                groups=arrays["groups"],
                y_true=arrays["y_true"],
                probabilities=arrays["probabilities"],
                classes=arrays["classes"].tolist(),
                frames=frames,
                others={
                    name.removeprefix("output_"): values
                    for name, values in arrays.items()
                    if name.startswith("output_")
                },
            )
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise ResultError(
                f"Expected a file of predictions. Received: {path}, which cannot be read as one "
                f"({error}). Delete it and make it again with: vidlab train RECIPE"
            ) from error


def aggregate(
    frames: FramePredictions, *, how: How = "mean", videos: int | None = None
) -> np.ndarray:
    """Put the answers for single frames together into one answer a video.

    The order of the frames does not matter to the last bit, so a video and the same video played
    backwards get exactly the same answer.

    Parameters
    ----------
    frames
        What a model said of each frame, in any order.
    how
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
        If `how` is unknown, or a video has no frames.

    Examples
    --------
    >>> said = FramePredictions(
    ...     video=[0, 0, 0], frame=[0, 1, 2], probabilities=[[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]]
    ... )
    >>> aggregate(said, how="mean").round(2).tolist()
    [[0.4000000059604645, 0.6000000238418579]]
    >>> int(aggregate(said, how="vote").argmax())
    0
    """
    if how not in get_args(How):
        raise ResultError(f"Expected mean or vote. Received: {how!r}. Choose one of these.")
    if videos is None:
        videos = int(frames.video.max()) + 1 if len(frames) else 0
    counts = np.bincount(frames.video, minlength=videos)
    if len(counts) > videos or not counts.all():
        raise ResultError(
            f"Expected frames of each of {videos} videos. Received: none of video "
            f"{int(np.flatnonzero(counts == 0)[0])}. Run the model on the whole index."
            if len(counts) <= videos
            else f"Expected frames of {videos} videos. Received: a frame of video "
            f"{len(counts) - 1}. Give the index the model was run on."
        )
    means = np.empty((videos, frames.probabilities.shape[1]), dtype=np.float64)
    by_video = np.argsort(frames.video, kind="stable")
    for video, rows in enumerate(np.split(by_video, np.cumsum(counts)[:-1])):
        # Sums of floats depend on their order in the last bit; sorting gives them one order.
        ordered = np.sort(frames.probabilities[rows].astype(np.float64), axis=0)
        means[video] = ordered.sum(axis=0) / len(rows)
    if how == "mean":
        return means.astype(np.float32)
    votes = np.zeros_like(means)
    np.add.at(votes, (frames.video, frames.probabilities.argmax(axis=1)), 1)
    measure = np.minimum(_TIE_BREAK, 0.5 / counts)[:, None]
    return ((votes / counts[:, None] + measure * means) / (1 + measure)).astype(np.float32)


def from_frames(
    frame_predictions: FramePredictions,
    *,
    video_ids: Sequence[str],
    groups: Sequence[str],
    y_true: Sequence[int],
    classes: Sequence[str],
    how: How = "mean",
) -> Predictions:
    """Make `Predictions` of what a model said frame by frame.

    Parameters
    ----------
    video_ids, groups, y_true
        Of the videos, in the order that `FramePredictions.video` counts them.
    classes, how
        As for `Predictions` and `aggregate`.

    Raises
    ------
    ResultError
        If a video has no frames or the lengths do not belong together.
    """
    return Predictions(
        video_ids=np.asarray(video_ids),
        groups=np.asarray(groups),
        y_true=np.asarray(y_true),
        probabilities=aggregate(frame_predictions, how=how, videos=len(video_ids)),
        classes=list(classes),
        frames=frame_predictions,
    )


def predict(
    model: Any, dataset: Any, *, aggregation: How = "mean", output: str = ""
) -> Predictions:
    """Predict the videos of a dataset.

    Parameters
    ----------
    model
        A Keras model that gives class probabilities: one row a frame, or one row a video.
    dataset
        A `vidlab.clips.Clips` in a fixed order, of what the model takes.
    aggregation
        How frames decide, as for `aggregate`; of no effect on whole clips.
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

    with counter(desc="predicting", total=len(dataset), unit="batch") as bar:
        told = LambdaCallback(on_predict_batch_end=lambda batch, logs: bar.update())
        outputs = model.predict(dataset, verbose=0, callbacks=[told])
    others = {}
    if isinstance(outputs, dict):
        others = {
            name: _by_video(np.asarray(values), dataset)
            for name, values in outputs.items()
            if name != output
        }
        outputs = outputs[output]
    videos, probabilities = dataset.index, np.asarray(outputs)
    about = {
        "video_ids": np.asarray(videos.table["video_id"]),
        "groups": np.asarray(videos.table["group"]),
        "y_true": np.asarray(videos.labels),
        "classes": list(videos.classes),
    }
    if dataset.frame_numbers is None:
        return Predictions(**about, probabilities=probabilities, others=others)
    frames = FramePredictions(
        video=dataset.video_positions, frame=dataset.frame_numbers, probabilities=probabilities
    )
    return replace(from_frames(frames, **about, how=aggregation), others=others)


def _by_video(values: np.ndarray, dataset: Any) -> np.ndarray:
    """Average the rows of each video."""
    rows = [values[dataset.video_positions == video] for video in range(len(dataset.index))]
    return np.stack([found.mean(axis=0) for found in rows])


def _set(record: object, name: str, value: object) -> None:
    """Give a field of a frozen record its final form."""
    object.__setattr__(record, name, value)


def _matrix(probabilities: Any) -> np.ndarray:
    """Make probabilities float32, (rows, classes)."""
    matrix = np.asarray(probabilities, dtype=np.float32)
    if matrix.ndim != 2:
        raise ResultError(
            "Expected probabilities of shape (rows, classes). Received: shape "
            f"{matrix.shape}. Use a model that ends in one softmax."
        )
    return matrix
