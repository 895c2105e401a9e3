"""From a cell of the confusion matrix to the videos behind it, and on to where the model looked.

Takes `Predictions`, an index and a model; gives `ConfusionExplorer` to notebooks. Tables and orders
come from `evaluation` and `plots`, every time they are asked for; videos are opened when seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
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
_ORDERS = ("index", "accuracy", "clustered")
_PAIRS = 300  # that "next most confused" goes through
_FEW = 20  # classes whose picture is drawn in a moment


class ConfusionExplorer(VideoExplorer):
    """A confusion matrix whose cells open: click one and see its videos, choose one and look at it.

    Parameters
    ----------
    predictions
        What a model said of videos.
    index
        Where the videos are; without it their names are listed.
    model
        The model that said it, or a function that loads it, such as ``run.model``; without it
        videos are played without heat.
    sampling
        Picks the frames that are played and shown to the model: 16, spread evenly, if left out.
    order
        Of the classes: ``"index"``, ``"accuracy"`` (the worst first), or ``"clustered"`` (classes
        taken for one another side by side).
    normalise
        Show shares of the true class's videos first, instead of counts.

    Attributes
    ----------
    table, listing : dict
        What the page shows of the matrix, and of the cell that was opened.
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
        self.measure = "share" if normalise else "count"
        self._counts = pd.DataFrame()
        self.arrange(order=order)

    def arrange(self, *, order: Order = "index", group: str = "", search: str = "") -> None:
        """Put the classes in order and keep only some videos.

        Parameters
        ----------
        order
            As in the constructor.
        group
            Keep the videos of this group; all when empty.
        search
            Keep the classes whose names hold one of these words; all when empty. What they are
            taken for outside of them stays in a last column.

        Raises
        ------
        MetricError
            If the order or the group is unknown, or no class has such a name.
        """
        if order not in _ORDERS:
            raise MetricError(
                f"Expected an order out of {', '.join(_ORDERS)}. Received: {order!r}. Choose one."
            )
        chosen = self._all if not group else _of_group(self._all, group)
        classes = _ordered(chosen, order)
        words = search.lower().replace(",", " ").split()
        if words:
            classes = [name for name in classes if any(word in name.lower() for word in words)]
        if not classes:
            raise MetricError(
                f"Expected a part of a class name. Received: {search!r}, which none of "
                f"{len(chosen.classes)} classes holds. Try fewer letters."
            )
        shown = chosen.classes if not words else classes
        counts = evaluation.confusion(chosen, classes=classes, normalise=False)
        if len(shown) == len(chosen.classes):  # nothing is outside
            counts = counts[classes]
        self._chosen, self._counts = chosen, counts
        self.table = {
            **self._packed(),
            "order": order,
            "group": group,
            "groups": sorted(set(self._all.groups.tolist())),
            "search": search,
        }
        self.tell(f"{int(counts.to_numpy().sum())} videos, {len(classes)} classes.")

    def open_cell(self, true: str, predicted: str, *, number: int = 0) -> None:
        """List the videos of a class that were taken for another, the surest answers first.

        Parameters
        ----------
        true, predicted
            Names of a row and a column.
        number
            Which page of them.

        Raises
        ------
        MetricError
            If the matrix has no such row or column.
        """
        if true not in self._counts.index or predicted not in self._counts.columns:
            raise MetricError(
                f"Expected a row and a column of the matrix. Received: {true}, {predicted}. "
                "Clear the filter, or correct the names."
            )
        places = self._behind(true, predicted)
        of = int(self._counts.loc[true].sum())
        self._list(places, number=number, about={"true": true, "predicted": predicted, "of": of})
        verb = "recognised" if true == predicted else f"taken for {predicted}"
        if not len(places):
            self.tell(f"No video of {true} was {verb}: this cell is empty.")
        elif not self._paths:
            self.tell("No index was given, so only names are listed: pass index= to see videos.")
        else:
            self.tell(f"{len(places)} of {of} videos of {true} were {verb}.")

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """``arrange`` the matrix, open a ``cell``, or a ``video``."""
        return {"arrange": self.arrange, "cell": self.open_cell, "video": self.open_video}

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are few classes: a hundred take seconds."""
        return len(self._counts) <= _FEW

    def figure(self) -> Drawing:
        """Draw the matrix as it is arranged."""
        counts = self._counts
        if self.measure == "share":
            counts = evaluation.confusion(self._chosen, classes=list(counts.index), normalise=True)[
                list(counts.columns)
            ]
        return plots.confusion_matrix(counts)

    def describe(self) -> str:
        """Say how much is shown, and how to use it."""
        return (
            f"ConfusionExplorer of {len(self._chosen)} videos and {len(self._counts)} classes. "
            "Run this cell in JupyterLab to open its cells."
        )

    def _packed(self) -> dict[str, Any]:
        """Give the numbers of the matrix as the page reads them."""
        counts, said = self._counts, self._chosen
        rows = {name: place for place, name in enumerate(counts.index)}
        columns = {name: place for place, name in enumerate(counts.columns)}
        mistaken = evaluation.most_confused(said, n=len(said))
        inside = mistaken["true"].isin(rows) & mistaken["predicted"].isin(columns)
        pairs = mistaken[inside].head(_PAIRS)
        return {
            "rows": list(rows),
            "columns": list(columns),
            "counts": counts.to_numpy(np.int32).tobytes(),
            "sums": counts.sum(axis=1).tolist(),
            "confused": [
                [rows[true], columns[predicted]]
                for true, predicted in zip(pairs["true"], pairs["predicted"], strict=True)
            ],
            "videos": len(said),
        }

    def _behind(self, true: str, predicted: str) -> np.ndarray:
        """Find the videos of a cell, the surest answers first: int64, (videos,)."""
        said = self._chosen
        held = said.y_true == said.classes.index(true)
        if predicted == evaluation.OTHER:
            inside = [said.classes.index(name) for name in self._counts.index]
            held &= ~np.isin(said.y_pred, inside)
        else:
            held &= said.y_pred == said.classes.index(predicted)
        places = np.flatnonzero(held)
        return places[np.argsort(-said.probabilities[places].max(axis=1), kind="stable")]


def _of_group(predictions: Predictions, group: str) -> Predictions:
    held = predictions.groups == group
    if not held.any():
        raise MetricError(
            f"Expected a group of the predictions. Received: {group!r}. Groups: "
            f"{', '.join(sorted(set(predictions.groups.tolist())))}."
        )
    return Predictions(
        video_ids=predictions.video_ids[held],
        groups=predictions.groups[held],
        y_true=predictions.y_true[held],
        probabilities=predictions.probabilities[held],
        classes=predictions.classes,
    )


def _ordered(predictions: Predictions, order: Order) -> list[str]:
    if order == "accuracy":
        accuracy = evaluation.per_class(predictions)["top1"]
        return list(accuracy.sort_values(kind="stable", na_position="last").index)
    if order == "clustered":
        return plots.clustered(evaluation.confusion(predictions, normalise=False))
    return list(predictions.classes)
