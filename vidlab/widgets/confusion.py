"""The confusion matrix; a cell opens its videos, and a video the heat of its classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import traitlets

from vidlab import evaluation, plots
from vidlab.data.sampling import Sampler
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.plots import Drawing
from vidlab.widgets.explorer import page
from vidlab.widgets.listing import SCRIPTS, VideoExplorer

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex

__all__ = ["ConfusionExplorer"]

Order = Literal["index", "accuracy", "clustered"]
_FEW = 20  # classes whose picture is drawn in a moment
_MOST_GROUPS = 30  # more have no order of classes each; theirs is that of all videos


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
    order
        Of the classes: ``"index"``, ``"accuracy"`` (the worst first), or ``"clustered"`` (classes
        taken for one another side by side).
    normalise
        Show shares of the true class's videos first, instead of counts.

    Attributes
    ----------
    table : dict
        What the page counts: of each video its group, true and predicted class, by number; and the
        orders of the classes, for all videos ("") and for those of each group.
    order, measure : str
        Of the classes, and whether the numbers are a ``"count"`` or a ``"share"``; chosen on the
        page.
    cam : CamExplorer
        Shows the video that was chosen.

    Raises
    ------
    MetricError
        If the order is unknown.
    """

    _esm = page(*SCRIPTS, "confusion.js", render="renderConfusion")
    _css = page("look.css")

    table = traitlets.Dict().tag(sync=True)
    order = traitlets.Unicode("index").tag(sync=True)
    measure = traitlets.Unicode("count").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        *,
        index: VideoIndex | None = None,
        model: keras.Model | Callable[[], keras.Model] | None = None,
        sampling: Sampler | None = None,
        order: Order = "index",
        normalise: bool = False,
    ):
        super().__init__(predictions, index=index, model=model, sampling=sampling)
        groups, group = np.unique(predictions.groups, return_inverse=True)
        named = groups.tolist() if len(groups) <= _MOST_GROUPS else []
        parts = {name: _of_group(predictions, name) for name in named}
        self.table = {
            "classes": list(predictions.classes),
            "other": evaluation.OTHER,
            "groups": groups.tolist(),
            "group": group.tolist(),
            "true": predictions.y_true.tolist(),
            "predicted": predictions.y_pred.tolist(),
            "most_probable_first": np.argsort(
                -predictions.probabilities.max(axis=1), kind="stable"
            ).tolist(),
            "orders": {name: _orders(part) for name, part in ({"": predictions} | parts).items()},
        }
        if order not in self.table["orders"][""]:
            known = ", ".join(self.table["orders"][""])
            raise MetricError(f"Expected an order out of {known}. Received: {order!r}. Choose one.")
        self.order, self.measure = order, "share" if normalise else "count"

    @property
    def handlers(self) -> Mapping[str, Callable[..., None]]:
        """List ``videos``, or open a ``video``."""
        return {"videos": self.list_videos, "video": self.open_video}

    def list_videos(self, positions: Sequence[int], about: Mapping[str, Any]) -> None:
        """List videos of the predictions, by position, under what the page says of them."""
        self._list(positions, about)
        if not self._paths:
            self.set_status(
                "No index was given, so only names are listed: pass index= to see videos."
            )

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are few classes: a hundred take seconds."""
        return len(self._all.classes) <= _FEW

    def figure(self) -> Drawing:
        """Draw the matrix of all videos in the present order."""
        classes = [self._all.classes[at] for at in self.table["orders"][""][self.order]]
        counts = evaluation.confusion(self._all, normalise=self.measure == "share")
        return plots.confusion_matrix(counts.loc[classes, classes])

    def describe(self) -> str:
        """Say how much is shown, and how to use it."""
        return (
            f"ConfusionExplorer of {len(self._all)} videos and {len(self._all.classes)} classes. "
            "Run this cell in JupyterLab to open its cells."
        )


def _of_group(predictions: Predictions, group: str) -> Predictions:
    is_held = predictions.groups == group
    return Predictions(
        video_ids=predictions.video_ids[is_held],
        groups=predictions.groups[is_held],
        y_true=predictions.y_true[is_held],
        probabilities=predictions.probabilities[is_held],
        classes=predictions.classes,
    )


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
