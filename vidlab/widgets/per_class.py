"""Accuracy of each class as bars, of one model or of two, and the videos behind each bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import traitlets
from plotly.subplots import make_subplots

from vidlab import evaluation, plots
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import Per
from vidlab.evaluation.predictions import Predictions
from vidlab.plots import Drawing
from vidlab.widgets.charts import CHART, CHART_GRID, chart_text, filling, make_chart
from vidlab.widgets.explorer import ModelSource, Pictured, is_live
from vidlab.widgets.listing import VideoExplorer

__all__ = ["PerClassExplorer"]

Order = Literal["index", "best", "worst", "difference", "gains", "losses"]
_ORDERS = {
    "index": "in index order",
    "best": "best first",
    "worst": "worst first",
    "difference": "largest difference first",
    "gains": "greatest gain first",
    "losses": "greatest loss first",
}
_SOME = 40  # classes whose bars have room for numbers
_BOUNDS = ["share", "low", "high"]
_FEW = 20  # classes whose picture is drawn in a moment
_CONFUSED = 3  # classes that a class is taken for, named over the list
_NAMES = ("this model", "the other")

_HOW = (
    "A bar is the share of a class's videos, or of their single frames, that are predicted "
    "rightly; a pale one reaches to top-5: the class is among the five most probable. The thin "
    "line is the 95% interval over the class's groups: few groups give a rough one, and no line is "
    "drawn where all score the same. A difference has the colour of the better model; where its "
    "interval holds 0, chance may be all there is. Click a class, or write its name above, to see "
    "its videos, then a video to see where the model looked."
)


class PerClassExplorer(Pictured, ipywidgets.VBox):
    """Bars of each class's accuracy: click one and see its videos, the errors first.

    Parameters
    ----------
    predictions
        Of a model.
    against
        Of a second model about the same videos, in any order: its bars stand below those of the
        first, and the difference beside them.
    names
        Of the two models. Names of recipes have the colours they have in every plot.
    index
        Where the videos are; without it their names are listed.
    model
        The first model, or a function that loads it, such as ``run.model``; without it videos are
        played without heat.
    sampling
        Picks the frames that are played and shown to the model: 16, spread evenly, if left out.
    streams
        What each input of the model is, by name, as `CamExplorer` takes it.
    order
        Of the classes: ``"index"``, ``"best"`` or ``"worst"`` first by the top-1 of the
        first model; with a second one also ``"difference"`` (the largest first, whichever is
        better), ``"gains"`` (where the first one is better) or ``"losses"``.
    per
        Count ``"video"`` or ``"frame"`` first: single frames can be chosen where all predictions
        hold them, as `evaluation.per_class` and `evaluation.class_deltas` count them.

    Attributes
    ----------
    chart : plotly.graph_objects.Figure
        The bars; a FigureWidget in an open notebook.
    videos : VideoExplorer
        Lists the videos of the class that was opened; its ``cam`` shows the one that was chosen.
    order, per : str
        As in the constructor; chosen on the page, or set from here.

    Raises
    ------
    MetricError
        If the order is unknown, there are no frames to count, the names are not two different ones,
        or the second model was evaluated on other videos.
    """

    order = traitlets.Unicode("index")
    per = traitlets.Unicode("video")

    def __init__(
        self,
        predictions: Predictions,
        *,
        against: Predictions | None = None,
        names: Sequence[str] = _NAMES,
        index: VideoIndex | None = None,
        model: ModelSource | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
        order: Order = "index",
        per: Per = "video",
    ):
        super().__init__()
        if isinstance(names, str) or len(set(names)) != 2 or len(names) != 2:
            raise MetricError(
                f"Expected the names of two models. Received: {names!r}. "
                'Name both, such as names=("frame-vote", "cnn-lstm").'
            )
        self._predictions = {str(names[0]): predictions}
        if against is not None:
            both = self._predictions | {str(names[1]): against}
            self._predictions = evaluation.same_videos(both)
        self._first = next(iter(self._predictions.values()))
        self.per = per
        self._colours = plots.class_colours(list(self._predictions))
        verdicts = {name: (self._colours[name], one) for name, one in self._predictions.items()}
        options = {"model": model, "sampling": sampling, "streams": streams, "verdicts": verdicts}
        self.videos = VideoExplorer(self._first, index=index, **options)
        self._count()
        self.order = order
        self.chart = make_chart(self._drawn())
        self.observe(lambda _: self._recount(), "per")
        if is_live():
            self._add_controls()
            self._arrange()
            self.observe(lambda _: self._arrange(), ["order", "per"])

    @traitlets.validate("order")
    def _known(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._sort_keys:
            raise MetricError(
                f"Expected an order out of {', '.join(self._sort_keys)}. Received: "
                f"{proposal['value']!r}. Choose one; differences need a second model: against=."
            )
        return proposal["value"]

    @traitlets.validate("per")
    def _countable(self, proposal: dict[str, Any]) -> str:
        for one in self._predictions.values():
            evaluation.counted(one, proposal["value"])
        return proposal["value"]

    def open_class(self, name: str, *, only: str = "") -> None:
        """List the videos of a class, the errors first, the most probable of them in front.

        Parameters
        ----------
        name
            Of the class.
        only
            One of `kinds`, by who is wrong; all when empty.

        Raises
        ------
        MetricError
            If there is no such class or no such kind.
        """
        first = self._first
        for what, known, asked in (("class", first.classes, name), ("kind", self.kinds, only)):
            if asked and asked not in known:
                raise MetricError(
                    f"Expected a {what} of the predictions, such as {', '.join(known[:5])}. "
                    f"Received: {asked!r}. Correct the name."
                )
        of_class = np.flatnonzero(first.y_true == first.classes.index(name))
        wrong = [one.y_pred[of_class] != one.y_true[of_class] for one in self._predictions.values()]
        kind = np.where(wrong[0], 0, 1)  # its place among `kinds`
        if len(wrong) == 2:
            kind = np.select([wrong[0] & wrong[1], *wrong], [0, 1, 2], 3)
        counts = [f"{(kind == at).sum()} {text}" for at, text in enumerate(self.kinds)]
        confused = evaluation.most_confused(first, n=len(first))
        confused = confused[confused["true"] == name].head(_CONFUSED)
        pairs = zip(confused["predicted"], confused["count"], strict=True)
        taken = ", ".join(f"{predicted} ({count})" for predicted, count in pairs)
        notes = [", ".join(counts)]
        notes += [f"{next(iter(self._predictions))} takes it for {taken}"] if taken else []
        ordered = np.lexsort([-first.probabilities[of_class].max(axis=1), kind])
        if only:
            ordered = ordered[kind[ordered] == self.kinds.index(only)]
        about = {"class": name, "only": only, "title": name, "notes": notes}
        self.videos.list_videos(of_class[ordered], about)

    @property
    def kinds(self) -> list[str]:
        """The kinds of videos that can be listed alone, by which model is wrong."""
        if len(self._predictions) == 1:
            return ["wrong", "right"]
        first, second = self._predictions
        return ["both wrong", f"only {first} wrong", f"only {second} wrong", "both right"]

    @property
    def classes(self) -> list[str]:
        """The classes in their present order; those without videos come last."""
        return list(self._sort_keys[self.order].sort_values(kind="stable").index)

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are few classes: a hundred take seconds."""
        return len(self.classes) <= _FEW

    def figure(self) -> Drawing:
        """Draw the bars of one model, or the differences of two, in the present order."""
        names, order = list(self._predictions), self.classes
        if self._deltas is None:
            return plots.per_class_bars(self._accuracies[names[0]], order=order, per=self.per)
        return plots.class_deltas(
            self._deltas.loc[order].dropna(subset="delta"), a=names[1], b=names[0]
        )

    def about(self) -> str:
        """Say how much is shown."""
        videos, classes = len(self._first), len(self._first.classes)
        return f" of {' and '.join(self._predictions)}: {videos} videos and {classes} classes"

    def _count(self) -> None:
        """Count videos or frames: accuracies, differences, and what the classes are sorted by."""
        shown = self._predictions.items()
        self._accuracies = {n: evaluation.per_class(p, per=self.per) for n, p in shown}
        self._deltas = None
        if len(shown) == 2:
            first, second = self._predictions.values()
            # The difference is the first model minus the second.
            deltas = evaluation.class_deltas(second, first, per=self.per)
            self._deltas = deltas.reindex(first.classes)
        self._sort_keys = self._keys()

    def _recount(self) -> None:
        """Draw the bars of what is counted now into the chart."""
        self._count()
        with self.chart.batch_update():
            for trace, new in zip(self.chart.data, self._drawn().data, strict=True):
                kept = ("x", "name", "error_x", "customdata", "text", "marker")
                trace.update({name: new[name] for name in kept}, overwrite=True)

    def _keys(self) -> pd.DataFrame:
        """Give what the classes are sorted by, a column an order, the smallest first."""
        top1 = next(iter(self._accuracies.values()))["top1"]
        keys = pd.DataFrame({"index": range(len(top1)), "best": -top1, "worst": top1})
        if self._deltas is None:
            return keys
        delta = self._deltas["delta"]
        return keys.assign(difference=-delta.abs(), gains=-delta, losses=delta)

    def _add_controls(self) -> None:
        options = [(_ORDERS[name], name) for name in self._sort_keys]
        order = ipywidgets.Dropdown(options=options, description="classes")
        traitlets.link((self, "order"), (order, "value"))
        per = ipywidgets.Dropdown(
            options=[("videos", "video"), ("single frames", "frame")], description="count"
        )
        traitlets.link((self, "per"), (per, "value"))
        if any(one.frames is None for one in self._predictions.values()):
            per.layout.display = "none"
        self._search = ipywidgets.Combobox(
            options=self.classes, placeholder="part of a name, or all of it", description="find"
        )
        self._search.observe(lambda _: self._find(), "value")
        kinds = [("all", ""), *zip(self.kinds, self.kinds, strict=True)]
        self._only = ipywidgets.ToggleButtons(options=kinds, style={"button_width": "auto"})
        self._only.observe(
            lambda change: self._open(self.videos.listing.get("class", ""), change["new"]), "value"
        )
        self.videos.observe(lambda _: self._mark_opened(), "listing")
        for trace in self.chart.data:
            trace.on_click(lambda trace, points, _: self._open(*trace.y[points.point_inds[:1]]))
        bars = ipywidgets.VBox(filling(self.chart))
        bars.layout = {"max_height": "540px", "overflow": "hidden auto", "flex": "14 1 500px"}
        videos = ipywidgets.VBox([self._only, self.videos], layout={"flex": "11 1 360px"})
        sides = ipywidgets.HBox([bars, videos], layout={"flex_flow": "row wrap"})
        how = ipywidgets.HTML(f"<p style='line-height: 1.4; font-size: 12px'>{_HOW}</p>")
        controls = ipywidgets.HBox([order, per, self._search], layout={"flex_flow": "row wrap"})
        self.children = (controls, sides, self.videos.cam, how)
        self.add_class("vl-together")

    def _drawn(self) -> go.Figure:
        """Draw the bars in index order: of each model, and their difference beside them."""
        columns = 1 if self._deltas is None else 2
        drawn = make_subplots(1, columns, column_widths=[0.7, 0.3][:columns])
        for name, table in self._accuracies.items():
            totals = evaluation.top_ks(evaluation.counted(self._predictions[name], self.per))
            for top, opacity in (("top5", 0.32), ("top1", 1)):  # of few classes there is no top-5
                if top not in table:
                    continue
                shares = table[[top, f"{top}_low", f"{top}_high"]].set_axis(_BOUNDS, axis=1)
                label = f"{chart_text(name)} {top.replace('top', 'top-')}"
                look = {"color": self._colours[name], "opacity": opacity}
                bars = _bars(shares, label=label, name=f"{label} {totals[top]:.0%}", marker=look)
                bars.update(offsetgroup=name, error_x={"visible": top == "top1"})
                drawn.add_trace(bars, row=1, col=1)
        drawn.update_xaxes(range=[0, 1.02], tickformat=".0%")
        if self._deltas is not None:
            # In the colour of the better model, pale where it may be chance.
            table = self._deltas[["delta", "low", "high"]].set_axis(_BOUNDS, axis=1)
            first, second = self._predictions
            better = np.where(table["share"] < 0, self._colours[second], self._colours[first])
            may_be_chance = (table["low"] <= 0) & (table["high"] >= 0)
            look = {"color": better, "opacity": np.where(may_be_chance, 0.32, 1)}
            bars = _bars(table, label=chart_text(f"{first} − {second}"), marker=look)
            drawn.add_trace(bars.update(showlegend=False), row=1, col=2)
            ticks = {"tickvals": [-1, 0, 1], "tickformat": "+.0%", "title": "difference"}
            drawn.update_xaxes(range=[-1.02, 1.02], **ticks, row=1, col=2)
        drawn.update_layout(
            **CHART,
            bargap=0.25,
            hovermode="y unified",
            legend={"orientation": "h", "y": 1, "yref": "container", "yanchor": "top"},
            margin={"l": 10, "r": 10, "t": 70, "b": 10},
            showlegend=True,
        )
        drawn.update_xaxes(side="top", title_standoff=2, gridcolor=CHART_GRID, zeroline=False)
        names = self._sort_keys.index
        ticks = {"tickvals": names, "ticktext": [*map(chart_text, names)]}
        drawn.update_yaxes(type="category", tickmode="array", **ticks, showgrid=False)
        drawn.update_yaxes(showticklabels=False, col=2)
        return drawn

    def _arrange(self) -> None:
        """Put the classes in order, those that are searched for alone in sight."""
        classes, search = self.classes, self._search.value
        words = [] if search in classes else search.lower().replace(",", " ").split()
        found = [name for name in classes if not words or any(w in name.lower() for w in words)]
        if not found:
            problem = f'No class has "{search}" in its name. Try fewer letters.'
            self.videos.set_status(problem, problem=True)
            return
        self.videos.set_status("")
        hidden = [name for name in classes if name not in set(found)]
        with self.chart.batch_update():
            self.chart.update_yaxes(categoryarray=found + hidden, range=[len(found) - 0.5, -0.5])
            row_height = 40 if len(classes) <= _FEW else 20 + 6 * len(self._predictions)
            self.chart.layout.height = 80 + row_height * len(found)
        self._mark_opened()

    def _mark_opened(self) -> None:
        """Mark the class whose videos are listed, in the chart and beside it."""
        listing, order = self.videos.listing, self.chart.layout.yaxis.categoryarray
        at = order.index(listing["class"]) if listing else -1  # -1 is out of sight
        band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": at - 0.5, "y1": at + 0.5}
        look = {"fillcolor": CHART_GRID, "line_width": 0, "layer": "below"}
        self.chart.layout.shapes = [band | look]
        self._only.value = listing.get("only", "")

    def _find(self) -> None:
        """Keep the classes that are searched for, or open the one that is named in full."""
        self._arrange()
        if self._search.value in self.classes:
            self._open(self._search.value)

    def _open(self, name: str = "", only: str = "") -> None:
        """Open a class, unless it is the one that is open."""
        listing = self.videos.listing
        if name and (name, only) != (listing.get("class"), listing.get("only")):
            with self.videos.problems_shown():
                self.open_class(name, only=only)


def _bars(
    table: pd.DataFrame, *, label: str, marker: dict[str, Any], name: str | None = None
) -> go.Bar:
    """Draw shares and their intervals.

    An interval without width is not drawn: it would look like certainty.
    """
    share, low, high = (table[column] for column in _BOUNDS)
    intervals = [
        "no interval" if np.isnan(start) else f"{start:.0%} to {end:.0%}"
        for start, end in zip(low, high, strict=True)
    ]
    return go.Bar(
        x=share,
        y=table.index,
        name=name,
        marker=marker,
        orientation="h",
        error_x={
            "array": (high - share).where(high > low),
            "arrayminus": (share - low).where(high > low),
            "color": CHART["font_color"],
            "thickness": 1,
            "width": 3,
        },
        customdata=intervals,
        hovertemplate=f"{label}: %{{x:.0%}} (%{{customdata}})<extra></extra>",
        text=[f"{value:.0%}" for value in share] if len(share) <= _SOME else None,
        textposition="inside",
        insidetextanchor="start",
        constraintext="none",
    )
