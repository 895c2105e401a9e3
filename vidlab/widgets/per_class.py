"""How well each class is recognised, by one model or by two, and the videos behind each bar.

Takes `Predictions`, an index and a model; gives `PerClassExplorer` to notebooks. Accuracies,
intervals and differences come from `evaluation`; lists of videos are those of `listing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import traitlets

from vidlab import evaluation, plots
from vidlab.data.sampling import Sampler
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.plots import Drawing
from vidlab.plots.style import BLUE, GREEN
from vidlab.widgets.explorer import page
from vidlab.widgets.listing import SCRIPTS, VideoExplorer

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex

__all__ = ["PerClassExplorer"]

Order = Literal["index", "name", "best", "worst", "difference", "gains", "losses"]
_ORDERS = ("index", "name", "best", "worst")
_ORDERS_OF_TWO = (*_ORDERS, "difference", "gains", "losses")
_FEW = 20  # classes whose picture is drawn in a moment
_TAKEN_FOR = 3  # classes named over the list
_NAMES = ("this model", "the other")
_UNNAMED = dict(zip(_NAMES, (BLUE, GREEN), strict=True))  # the names say nothing, so do the colours


class PerClassExplorer(VideoExplorer):
    """Bars of each class's accuracy: click one and see its videos, the wrongly answered first.

    Parameters
    ----------
    predictions
        What a model said of videos.
    against
        What a second model said of the same videos, in any order: its bars stand below those of
        the first, and the difference beside them.
    names
        Of the two models. Names of recipes have the colours they have in every plot.
    index
        Where the videos are; without it their names are listed.
    model
        The first model, or a function that loads it, such as ``run.model``; without it videos are
        played without heat.
    sampling
        Picks the frames that are played and shown to the model: 16, spread evenly, if left out.
    order
        Of the classes: ``"index"``, ``"name"``, ``"best"`` or ``"worst"`` first by the top-1 of the
        first model; with a second one also ``"difference"`` (the largest first, whichever is
        better), ``"gains"`` (where the first one is better) or ``"losses"``.

    Attributes
    ----------
    table : dict
        What the page shows of the classes.
    order : str
        As in the constructor; chosen on the page, or set from here.

    Raises
    ------
    MetricError
        If the order is unknown, the names are not two different ones, or the second model was
        asked about other videos.
    """

    _esm = page(*SCRIPTS, "per_class.js", render="renderPerClass")
    _css = page("look.css", "per_class.css")

    table = traitlets.Dict().tag(sync=True)
    order = traitlets.Unicode("index").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        *,
        against: Predictions | None = None,
        names: Sequence[str] = _NAMES,
        index: VideoIndex | None = None,
        model: keras.Model | Callable[[], keras.Model] | None = None,
        sampling: Sampler | None = None,
        order: Order = "index",
    ):
        super().__init__(predictions, index=index, model=model, sampling=sampling)
        if isinstance(names, str) or len(set(names)) != 2 or len(names) != 2:
            raise MetricError(
                f"Expected the names of two models. Received: {names!r}. "
                'Name both, such as names=("frame-vote", "cnn-lstm").'
            )
        self._said = {str(names[0]): predictions}
        if against is not None:
            self._said = evaluation.same_videos(self._said | {str(names[1]): against})
        self._accuracies = {
            name: evaluation.class_intervals(one) for name, one in self._said.items()
        }
        self._deltas = None
        if against is not None:
            first, second = self._said.values()
            deltas = evaluation.class_deltas(second, first)
            self._deltas = deltas.reindex(predictions.classes)
        self._mistaken = evaluation.most_confused(predictions, n=len(predictions))
        self.table = self._packed()
        self.order = order

    @traitlets.validate("order")
    def _known(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self.table.get("orders", _ORDERS_OF_TWO):
            raise MetricError(
                f"Expected an order out of {', '.join(self.table['orders'])}. Received: "
                f"{proposal['value']!r}. Choose one; differences need a second model: against=."
            )
        return proposal["value"]

    def open_class(self, name: str, *, only: str = "", number: int = 0) -> None:
        """List the videos of a class, the wrongly answered first, the surest of them in front.

        Parameters
        ----------
        name
            Of the class.
        only
            One of the kinds in ``listing["kinds"]``: ``"wrong"`` or ``"right"``; with two models
            ``"both"``, ``"first"``, ``"second"`` or ``"neither"``, by which of them is wrong. All
            when empty.
        number
            Which page of them.

        Raises
        ------
        MetricError
            If there is no such class or no such kind.
        """
        classes = self._all.classes
        if name not in classes:
            raise MetricError(
                f"Expected a class of the predictions, such as {', '.join(classes[:5])}. Received: "
                f"{name!r}. Correct the name."
            )
        own = np.flatnonzero(self._all.y_true == classes.index(name))
        kinds = self._kinds(own)
        if only not in ("", *kinds):
            raise MetricError(
                f"Expected a kind out of {', '.join(kinds)}. Received: {only!r}. Choose one."
            )
        ordered = list(kinds.values()) if only == "" else [kinds[only]]
        places = np.concatenate([self._surest_first(own[held]) for held in ordered])
        mistaken = self._mistaken[self._mistaken["true"] == name].head(_TAKEN_FOR)
        about = {
            "class": name,
            "only": only,
            "of": len(own),
            "kinds": [["", len(own)], *([kind, int(held.sum())] for kind, held in kinds.items())],
            "taken": mistaken[["predicted", "count"]].to_numpy().tolist(),
        }
        self._list(places, number=number, about=about)
        if len(own) and not self._paths:
            self.tell("No index was given, so only names are listed: pass index= to see videos.")
        else:
            self.tell(self._in_words(name, own))

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """Open a ``class``, or a ``video``."""
        return {"class": self.open_class, "video": self.open_video}

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are few classes: a hundred take seconds."""
        return len(self._all.classes) <= _FEW

    def figure(self) -> Drawing:
        """Draw the bars of one model, or the differences of two, in the present order."""
        order = [self._all.classes[place] for place in self.table["orders"][self.order]]
        names = list(self._said)
        if self._deltas is None:
            return plots.per_class_bars(self._accuracies[names[0]], order=order)
        return plots.class_deltas(
            self._deltas.loc[order].dropna(subset="delta"), a=names[1], b=names[0]
        )

    def describe(self) -> str:
        """Say how much is shown, and how to use it."""
        models = " and ".join(self._said)
        return (
            f"PerClassExplorer of {models}: {len(self._all)} videos and {len(self._all.classes)} "
            "classes. Run this cell in JupyterLab to open its bars."
        )

    def _packed(self) -> dict[str, Any]:
        """Give the numbers of the classes as the page reads them."""
        first = next(iter(self._accuracies.values()))
        named = tuple(self._said) != _NAMES[: len(self._said)]
        colours = plots.class_colours(list(self._said)) if named else _UNNAMED
        return {
            "classes": list(first.index),
            "videos": first["support"].tolist(),
            "groups": first["groups"].tolist(),
            "models": [
                {
                    "name": name,
                    "colour": colours[name],
                    "overall": evaluation.top_ks(self._said[name]),
                    **_columns(accuracies.drop(columns=["support", "groups"])),
                }
                for name, accuracies in self._accuracies.items()
            ],
            "difference": None
            if self._deltas is None
            else _columns(self._deltas[["delta", "low", "high"]]),
            "orders": self._orders(first["top1"]),
        }

    def _orders(self, top1: pd.Series) -> dict[str, list[int]]:
        """Give the places of the classes in every order; those without videos come last."""
        by = {
            "index": pd.Series(range(len(top1))),
            "name": pd.Series([name.lower() for name in top1.index]),
            "best": -top1,
            "worst": top1,
        }
        if self._deltas is not None:
            delta = self._deltas["delta"]
            by |= {"difference": -delta.abs(), "gains": -delta, "losses": delta}
        return {
            order: values.reset_index(drop=True)
            .sort_values(kind="stable", na_position="last")
            .index.tolist()
            for order, values in by.items()
        }

    def _kinds(self, own: np.ndarray) -> dict[str, np.ndarray]:
        """Part videos by who is wrong about them: kind to bool, (videos,); errors come first."""
        wrong = [said.y_pred[own] != said.y_true[own] for said in self._said.values()]
        if len(wrong) == 1:
            return {"wrong": wrong[0], "right": ~wrong[0]}
        first, second = wrong
        return {
            "both": first & second,
            "first": first & ~second,
            "second": ~first & second,
            "neither": ~first & ~second,
        }

    def _surest_first(self, places: np.ndarray) -> np.ndarray:
        surest = self._all.probabilities[places].max(axis=1)
        return places[np.argsort(-surest, kind="stable")]

    def _in_words(self, name: str, own: np.ndarray) -> str:
        if not len(own):
            return f"There is no video of {name} among these predictions."
        wrong = {
            model: int((said.y_pred[own] != said.y_true[own]).sum())
            for model, said in self._said.items()
        }
        counts = [f"{model} is wrong about {count}" for model, count in wrong.items()]
        return f"Of {len(own)} videos of {name}, {', '.join(counts)}."

    def _described(self, places: np.ndarray) -> list[dict[str, Any]]:
        """Give what the page shows of videos, with what a second model said of them."""
        videos = super()._described(places)
        for said in list(self._said.values())[1:]:
            for place, video in zip(places, videos, strict=True):
                chances = said.probabilities[place]
                video["second"] = {
                    "answer": said.classes[said.y_pred[place]],
                    "p_predicted": round(float(chances.max()), 4),
                }
        return videos


def _columns(table: pd.DataFrame) -> dict[str, list[float | None]]:
    """Give columns as the page reads them: what is not a number is null."""
    rounded = table.round(4).astype(object).where(table.notna(), None)
    return {str(name): rounded[name].tolist() for name in rounded}
