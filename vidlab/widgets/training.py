"""Learning curves that are read at any epoch, also while a model trains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vidlab import evaluation, plots
from vidlab.errors import ResultError
from vidlab.evaluation.runs import RunFolder
from vidlab.plots import Drawing
from vidlab.plots.style import BLUE, ORANGE
from vidlab.widgets.explorer import CHART, CHART_GRID, FullWidth, Pictured, chart_text, is_live

if TYPE_CHECKING:
    import keras

__all__ = ["TrainingCurves"]

History = pd.DataFrame | RunFolder
_MEASURES = ("loss", "accuracy")
_UNNAMED = "this training"


class TrainingCurves(Pictured, ipywidgets.VBox):
    """Curves of loss and accuracy, of one training or of several.

    Hovering reads all values of an epoch, so does the slider (arrow keys) in a table; a click on a
    name hides its curves.

    Parameters
    ----------
    histories
        Name of a recipe to its history: one row an epoch, as ``history.csv`` of a run has it, or
        the `RunFolder` itself; or one of these alone. Left out, nothing is shown until `watch` or
        `show` brings something.
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
        histories: Mapping[str, History] | History | None = None,
        *,
        title: str = "Learning curves",
    ):
        self._title = title
        self._histories: dict[str, pd.DataFrame] = {}
        empty = make_subplots(1, 2, subplot_titles=("Loss", "Accuracy"))
        self.chart = go.FigureWidget(empty) if is_live() else empty
        self._over = ipywidgets.Dropdown(options=["epochs", "seconds"], description="over")
        self._log = ipywidgets.Checkbox(description="log scale of the loss", indent=False)
        self._epoch = ipywidgets.IntSlider(1, 1, 1, description="epoch")
        self._values = ipywidgets.HTML()
        super().__init__()
        if is_live():
            controls = ipywidgets.HBox([self._over, self._log])
            self.children = (controls, self.chart, FullWidth(self.chart), self._epoch, self._values)
            for control in (self._over, self._log):
                control.observe(lambda _: self._draw(), "value")
            self._epoch.observe(lambda _: self._read(), "value")
        if isinstance(histories, RunFolder):
            histories = {histories.path.name: histories}
        elif isinstance(histories, pd.DataFrame):
            histories = {_UNNAMED: histories}
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
        state = {"phase": 0, "started": 0.0}

        def begin_phase(logs: Mapping[str, Any] | None = None) -> None:
            state["phase"] += 1

        def begin_epoch(epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            state["started"] = time.perf_counter()

        def end_epoch(epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            numbers = {key: float(value) for key, value in (logs or {}).items()}
            seconds = time.perf_counter() - state["started"]
            rows.append({"phase": state["phase"], **numbers, "seconds": seconds})
            self.show(name, pd.DataFrame(rows))

        return LambdaCallback(
            on_train_begin=begin_phase, on_epoch_begin=begin_epoch, on_epoch_end=end_epoch
        )

    def figure(self) -> Drawing | None:
        """Draw the curves of one training, or of several in one figure."""
        if not self._histories:
            return None
        if len(self._histories) == 1:
            (history,) = self._histories.values()
            return plots.learning_curves(history, title=self._title)
        return plots.learning_curves(self._histories, title=self._title)

    def describe(self) -> str:
        """Say which trainings are shown."""
        trainings = [f"{name} ({len(history)} epochs)" for name, history in self._histories.items()]
        return f"TrainingCurves: {', '.join(trainings) or 'no training yet'}."

    def _draw(self) -> None:
        drawn = make_subplots(1, 2, subplot_titles=("Loss", "Accuracy"))
        colours = plots.class_colours(list(self._histories))
        alone = len(self._histories) == 1
        for name, history in self._histories.items():
            over = self._across(history)
            kept = evaluation.kept_epoch(history)
            for column, measure in enumerate(_MEASURES, start=1):
                for part, prefix in (("training", ""), ("validation", "val_")):
                    if prefix + measure not in history:
                        continue
                    own = {"training": BLUE, "validation": ORANGE}[part]
                    line = {"color": own if alone else colours[name]}
                    line["dash"] = "dot" if part == "training" and not alone else "solid"
                    values = history[prefix + measure]
                    label = part if alone else chart_text(f"{name}, {part}")
                    shared = {"legendgroup": label, "line": line, "name": label}
                    drawn.add_scatter(
                        x=over, y=values, **shared, showlegend=column == 1, row=1, col=column
                    )
                    if kept is not None and prefix:
                        mark = {"size": 11, "symbol": "circle-open", "line": {"width": 2}}
                        drawn.add_scatter(
                            x=over[[kept]],
                            y=values.iloc[[kept]],
                            **shared | {"name": f"{label}: kept"},
                            mode="markers",
                            marker=mark,
                            showlegend=False,
                            row=1,
                            col=column,
                        )
            for start, _ in evaluation.phase_spans(history)[1:]:
                drawn.add_vline(
                    over[start], line={"dash": "dot", "color": CHART["font_color"], "width": 1}
                )
        drawn.update_layout(
            title=chart_text(self._title),
            height=380,
            hoverlabel_namelength=-1,
            hovermode="x unified",
            legend={"orientation": "h", "y": -0.2},
            margin={"l": 50, "r": 10, "t": 70, "b": 40},
            **CHART,
        )
        drawn.update_xaxes(gridcolor=CHART_GRID, title=self._over.value, zeroline=False)
        drawn.update_yaxes(gridcolor=CHART_GRID, zeroline=False)
        drawn.update_yaxes(type="log" if self._log.value else "linear", row=1, col=1)
        drawn.update_yaxes(tickformat=".0%", row=1, col=2)
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

    def _across(self, history: pd.DataFrame) -> list[float] | Any:
        """Return what stands on the x axis: epochs from 1, or seconds since the start."""
        if self._over.value == "seconds" and "seconds" in history:
            return history["seconds"].cumsum().to_numpy()
        return pd.Series(range(1, len(history) + 1)).to_numpy()

    def _read(self) -> None:
        """Show the values of the epoch that the slider points to."""
        rows = {
            name: history.iloc[self._epoch.value - 1]
            for name, history in self._histories.items()
            if self._epoch.value <= len(history)
        }
        table = pd.DataFrame(rows).T
        columns = [m for measure in _MEASURES for m in (measure, f"val_{measure}") if m in table]
        self._values.value = (
            table[columns].astype(float).to_html(border=0, float_format="{:.3f}".format)
        )
