"""Learning curves that are read at any epoch, also while a model trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go

from vidlab import evaluation, plots
from vidlab.errors import ResultError
from vidlab.evaluation.runs import RunFolder
from vidlab.plots import Drawing
from vidlab.plots.style import BLUE, ORANGE
from vidlab.widgets.charts import CHART, CHART_GRID, chart_text, filling, make_chart
from vidlab.widgets.explorer import Pictured, is_live

if TYPE_CHECKING:
    import keras

__all__ = ["TrainingCurves"]

History = pd.DataFrame | RunFolder
_MEASURES = ("loss", "accuracy")
_PARTS = {"training": "", "validation": "val_"}


class TrainingCurves(Pictured, ipywidgets.VBox):
    """Curves of loss and accuracy, of one training or of several.

    Hovering reads all values of an epoch, so does the slider (arrow keys) in a table; a click on a
    name hides its curves.

    Parameters
    ----------
    histories
        Name of a recipe to its history: one row an epoch, as ``history.csv`` of a run has it, or
        the `RunFolder` itself. Left out, nothing is shown until `watch` or `show` brings something.
    title
        Over the curves.

    Attributes
    ----------
    chart : plotly.graph_objects.Figure
        The curves; a FigureWidget in an open notebook.

    Raises
    ------
    ResultError
        If a run has no history, or a table no loss and accuracy.

    Examples
    --------
    Curves that grow while a model trains, in a notebook that shows ``curves``::

        model.fit(…, callbacks=[curves.watch("mine")])
        training.fit(recipe, parts, settings=Settings(callbacks=[curves.watch("mine")]))
    """

    def __init__(
        self,
        histories: Mapping[str, History] | None = None,
        *,
        title: str = "Learning curves",
    ):
        self._title = title
        self._histories: dict[str, pd.DataFrame] = {}
        self.chart = make_chart()
        self._log = ipywidgets.Checkbox(description="log scale of the loss", indent=False)
        self._epoch = ipywidgets.IntSlider(1, 1, 1, description="epoch")
        self._values = ipywidgets.HTML()
        super().__init__()
        if is_live():
            self.children = (self._log, *filling(self.chart), self._epoch, self._values)
            self._log.observe(lambda _: self._draw(), "value")
            self._epoch.observe(lambda _: self._read(), "value")
        for name, history in (histories or {}).items():
            self.show(str(name), history)

    def show(self, name: str, history: History) -> None:
        """Draw one more training, or another history of one that is there."""
        table = history.history if isinstance(history, RunFolder) else history
        missing = [measure for measure in _MEASURES if measure not in table]
        if missing:
            raise ResultError(
                f"Expected a history of {name} with loss and accuracy. Received: a table without "
                f"{' and '.join(missing)}. Take the history of a run, or train with "
                'metrics=["accuracy"].'
            )
        self._histories[name] = table if "phase" in table else table.assign(phase=1)
        self._draw()

    def watch(self, name: str) -> keras.callbacks.Callback:
        """Return a callback for ``fit`` that draws a training while it goes on.

        Curves of the same name are replaced. Each call of ``fit`` is one phase; a training that
        goes on from a checkpoint is drawn from there.
        """
        from keras.callbacks import LambdaCallback  # starts TensorFlow

        rows: list[dict[str, float]] = []
        phase = 0

        def begin_phase(logs: Mapping[str, Any] | None = None) -> None:
            nonlocal phase
            phase += 1

        def end_epoch(epoch: int, logs: Mapping[str, Any]) -> None:
            rows.append({"phase": phase, **{key: float(value) for key, value in logs.items()}})
            self.show(name, pd.DataFrame(rows))

        return LambdaCallback(on_train_begin=begin_phase, on_epoch_end=end_epoch)

    def figure(self) -> Drawing | None:
        """Draw the curves of one training, or of several in one figure."""
        if not self._histories:
            return None
        if len(self._histories) == 1:
            (history,) = self._histories.values()
            return plots.learning_curves(history, title=self._title)
        return plots.learning_curves(self._histories, title=self._title)

    def about(self) -> str:
        """Say which trainings are shown."""
        trainings = [f"{name} ({len(history)} epochs)" for name, history in self._histories.items()]
        return f": {', '.join(trainings) or 'no training yet'}"

    def _draw(self) -> None:
        alone, tables, looks = len(self._histories) == 1, [], {}
        colours = plots.class_colours(list(self._histories))
        for name, history in self._histories.items():
            for part, prefix in _PARTS.items():
                curve = part if alone else chart_text(f"{name}, {part}")
                own = {"training": BLUE, "validation": ORANGE}[part]
                dash = "dot" if part == "training" and not alone else "solid"
                looks[curve] = own if alone else colours[name], dash
                tables += [
                    pd.DataFrame(
                        {"epoch": range(1, len(history) + 1), "value": history[column]}
                    ).assign(curve=curve, measure=measure.capitalize())
                    for measure in _MEASURES
                    if (column := prefix + measure) in history
                ]
        drawn = px.line(
            pd.concat(tables),
            x="epoch",
            y="value",
            facet_col="measure",
            facet_col_spacing=0.08,
            markers=True,
            color="curve",
            color_discrete_map={curve: colour for curve, (colour, _) in looks.items()},
            line_dash="curve",
            line_dash_map={curve: dash for curve, (_, dash) in looks.items()},
            render_mode="svg",
        )
        drawn.update_traces(hovertemplate=None)
        drawn.for_each_annotation(
            lambda one: one.update(text=one.text.split("=")[-1], font_size=16)
        )
        for name, history in self._histories.items():
            curve = "validation" if alone else chart_text(f"{name}, validation")
            self._mark(drawn, history, curve=curve, colour=looks[curve][0])
        drawn.update_layout(
            title=chart_text(self._title),
            height=380,
            hoverlabel_namelength=-1,
            hovermode="x unified",
            legend={"orientation": "h", "y": -0.2, "title": ""},
            margin={"l": 50, "r": 10, "t": 70, "b": 40},
            **CHART,
        )
        drawn.update_xaxes(gridcolor=CHART_GRID, zeroline=False)
        drawn.update_yaxes(
            gridcolor=CHART_GRID, zeroline=False, title="", matches=None, showticklabels=True
        )
        drawn.update_yaxes(type="log" if self._log.value else "linear", col=1)
        drawn.update_yaxes(tickformat=".0%", col=2)
        with self.chart.batch_update():
            self.chart.data = []
            self.chart.add_traces(list(drawn.data))
            self.chart.update_layout(drawn.layout, overwrite=True)
        longest = max(map(len, self._histories.values()))
        was_last = self._epoch.value == self._epoch.max
        self._epoch.max = longest
        if was_last:
            self._epoch.value = longest
        self._read()

    @staticmethod
    def _mark(drawn: go.Figure, history: pd.DataFrame, *, curve: str, colour: str) -> None:
        """Mark the epoch whose weights were kept, and where phases begin."""
        kept = evaluation.kept_epoch(history)
        for column, measure in enumerate(_MEASURES if kept is not None else (), start=1):
            drawn.add_scatter(
                x=[kept + 1],
                y=[history[f"val_{measure}"].iloc[kept]],
                name=f"{curve}: kept",
                mode="markers",
                marker={"size": 11, "symbol": "circle-open", "line_width": 2, "color": colour},
                legendgroup=curve,
                showlegend=False,
                row=1,
                col=column,
            )
        for start, _ in evaluation.phase_spans(history)[1:]:
            drawn.add_vline(
                start + 1, line={"dash": "dot", "color": CHART["font_color"], "width": 1}
            )

    def _read(self) -> None:
        """Show the values of the epoch that the slider points to."""
        place = self._epoch.value - 1
        long_enough = {n: one for n, one in self._histories.items() if place < len(one)}
        table = pd.DataFrame({name: one.iloc[place] for name, one in long_enough.items()}).T
        columns = [m for measure in _MEASURES for m in (measure, f"val_{measure}") if m in table]
        values = table[columns].astype(float)
        self._values.value = values.to_html(border=0, float_format="{:.3f}".format)
