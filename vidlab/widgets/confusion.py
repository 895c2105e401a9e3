"""The confusion matrix; a cell opens its videos, and a video the heat of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import traitlets

from vidlab import evaluation, plots
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import Per
from vidlab.evaluation.predictions import Predictions
from vidlab.plots import Drawing
from vidlab.widgets.explorer import ModelSource, page
from vidlab.widgets.listing import SCRIPTS, VideoExplorer

__all__ = ["ConfusionExplorer"]

Order = Literal["index", "accuracy", "clustered"]
_FEW = 20  # classes whose picture is drawn in a moment


class ConfusionExplorer(VideoExplorer):
    """A confusion matrix whose cells open: click one and see its videos, choose one and look at it.

    The page counts and sorts by itself, and asks for videos alone.

    Parameters
    ----------
    predictions
        Of a model.
    index
        Where the videos are; without it their names are listed.
    model
        The model, or a function that loads it, such as ``run.model``; without it videos are played
        without heat.
    sampling
        Picks the frames that are played and shown to the model: 16, spread evenly, if left out.
    streams
        What each input of the model is, by name, as `CamExplorer` takes it.
    order
        Of the classes: ``"index"``, ``"accuracy"`` (the worst first), or ``"clustered"`` (classes
        taken for one another side by side).
    normalise
        Show shares of the true class's videos first, instead of counts.
    per
        Count ``"video"`` or ``"frame"`` first: single frames can be chosen where the predictions
        hold them. The videos of a cell are then those with such a frame.

    Attributes
    ----------
    table : dict
        What the page counts: of each video its group, true and predicted class, by number, and the
        predicted classes of its frames; and the orders of the classes, per video and per frame.
    order, measure, per : str
        Of the classes, whether the numbers are a ``"count"`` or a ``"share"``, and what is counted;
        chosen on the page.
    cam : CamExplorer
        Shows the video that was chosen.

    Raises
    ------
    MetricError
        If the order is unknown, or `per` is, or there are no frames to count.
    """

    _esm = page(*SCRIPTS, "confusion.js", render="renderConfusion")
    _css = page("look.css")

    table = traitlets.Dict().tag(sync=True)
    order = traitlets.Unicode("index").tag(sync=True)
    measure = traitlets.Unicode("count").tag(sync=True)
    per = traitlets.Unicode("video").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        *,
        index: VideoIndex | None = None,
        model: ModelSource | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
        order: Order = "index",
        normalise: bool = False,
        per: Per = "video",
    ):
        options = {"model": model, "sampling": sampling, "streams": streams}
        super().__init__(predictions, index=index, **options)
        groups, group = np.unique(predictions.groups, return_inverse=True)
        evaluation.counted(predictions, per)
        rows = {"video": predictions}
        if predictions.frames is not None:
            rows["frame"] = predictions.by_frame()
        self.table = {
            "classes": list(predictions.classes),
            "other": "(other classes)",
            "groups": groups.tolist(),
            "group": group.tolist(),
            "true": predictions.y_true.tolist(),
            "predicted": predictions.y_pred.tolist(),
            "frames": _of_each_video(predictions),
            "most_probable_first": np.argsort(
                -predictions.probabilities.max(axis=1), kind="stable"
            ).tolist(),
            "orders": {counted: _orders(each) for counted, each in rows.items()},
        }
        if order not in self.table["orders"]["video"]:
            known = ", ".join(self.table["orders"]["video"])
            raise MetricError(f"Expected an order out of {known}. Received: {order!r}. Choose one.")
        self.order, self.measure, self.per = order, "share" if normalise else "count", per

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are few classes: a hundred take seconds."""
        return len(self._all.classes) <= _FEW

    def figure(self) -> Drawing:
        """Draw the matrix of all videos, or of their frames, in the present order."""
        order = self.table["orders"][self.per][self.order]
        classes, per = [self._all.classes[at] for at in order], self.per
        counts = evaluation.confusion(self._all, normalise=self.measure == "share", per=per)
        return plots.confusion_matrix(counts.loc[classes, classes], per=per)

    def about(self) -> str:
        """Say how much is shown."""
        return f" of {len(self._all)} videos and {len(self._all.classes)} classes"


def _of_each_video(predictions: Predictions) -> list[list[int]]:
    """Give the predicted classes of each video's frames; nothing where there are no frames."""
    if predictions.frames is None:
        return []
    found = [[] for _ in range(len(predictions))]
    predicted = predictions.frames.probabilities.argmax(axis=1)
    for video, label in zip(predictions.frames.video, predicted.tolist(), strict=True):
        found[video].append(label)
    return found


def _orders(predictions: Predictions) -> dict[str, list[int]]:
    """Number the classes in each order."""
    classes = list(predictions.classes)
    accuracy = evaluation.per_class(predictions)["top1"].to_numpy()
    clustered = plots.clustered(evaluation.confusion(predictions, normalise=False))
    return {
        "index": list(range(len(classes))),
        "accuracy": np.argsort(accuracy, kind="stable").tolist(),  # not a number comes last
        "clustered": [classes.index(name) for name in clustered],
    }
