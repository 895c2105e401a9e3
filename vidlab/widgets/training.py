"""How trainings went, epoch by epoch, also while they go on.

Takes histories from `runs` or `training`; gives `TrainingCurves` to notebooks. Which epoch was kept
and where a phase begins, says `evaluation`; the static form is that of `plots`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import traitlets

from vidlab import evaluation, plots
from vidlab.errors import ResultError
from vidlab.evaluation.runs import RunFolder
from vidlab.plots import Drawing
from vidlab.plots.style import BLUE, ORANGE
from vidlab.widgets.explorer import Explorer, page

if TYPE_CHECKING:
    import keras

__all__ = ["TrainingCurves"]

History = pd.DataFrame | RunFolder
_MEASURES = ("loss", "accuracy", "val_loss", "val_accuracy")
_UNNAMED = "this training"
_ALONE = {"training": BLUE, "validation": ORANGE}  # as plots.learning_curves has them


class TrainingCurves(Explorer):
    """Curves of loss and accuracy that are read at any epoch, of one training or of several.

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
    curves : dict
        What the page draws.

    Examples
    --------
    Curves that grow while a model trains, in a notebook that shows ``curves``::

        model.fit(…, callbacks=[curves.watch("mine")])
        training.fit(recipe, parts, settings=Settings(callbacks=[curves.watch("mine")]))
    """

    _esm = page("parts.js", "training.js", render="renderTraining")
    _css = page("look.css", "training.css")

    curves = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        histories: Mapping[str, History] | History | None = None,
        *,
        title: str = "Learning curves",
    ):
        super().__init__()
        self._title = title
        self._histories: dict[str, pd.DataFrame] = {}
        if isinstance(histories, RunFolder):
            histories = {histories.path.name: histories}
        elif isinstance(histories, pd.DataFrame):
            histories = {_UNNAMED: histories}
        self.curves = self._packed()
        for name, history in (histories or {}).items():
            with self.problems_told():
                self.show(str(name), history)

    def show(self, name: str, history: History) -> None:
        """Draw one more training, or another history of one that is there.

        Parameters
        ----------
        name
            Of the recipe.
        history
            As in the constructor.

        Raises
        ------
        ResultError
            If the run has no history, or the table has no loss and accuracy.
        """
        table = history.history if isinstance(history, RunFolder) else history
        missing = [one for one in ("loss", "accuracy") if one not in table]
        if missing:
            raise ResultError(
                f"Expected a history of {name} with loss and accuracy. Received: a table without "
                f"{' and '.join(missing)}. Take the history of a run, or train with "
                'metrics=["accuracy"].'
            )
        self._histories[name] = table if "phase" in table else table.assign(phase=1)
        self.curves = self._packed()

    def watch(self, name: str) -> keras.callbacks.Callback:
        """Give what draws a training while it goes on, to be passed to ``fit`` as a callback.

        What was there under this name is replaced. Each call of ``fit`` is one phase; a training
        that goes on from a checkpoint is drawn from there.

        Parameters
        ----------
        name
            Of the recipe.
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
            with self.problems_told():
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
        return plots.learning_curves_compared(self._histories, title=self._title)

    def describe(self) -> str:
        """Say which trainings are shown, and what there is to say about them."""
        trainings = [f"{name} ({len(history)} epochs)" for name, history in self._histories.items()]
        shown = ", ".join(trainings) or "no training yet"
        return f"TrainingCurves: {shown}. {self.status.get('text', '')}".strip()

    def _packed(self) -> dict[str, Any]:
        """Give what the page draws."""
        colours = plots.recipe_colours(list(self._histories))
        return {
            "title": self._title,
            "alone": _ALONE,
            "trainings": [
                {
                    "name": name,
                    "colour": colours[name],
                    "kept": evaluation.kept_epoch(history),
                    "phases": _phases(history),
                    "seconds": _numbers(history["seconds"].cumsum())
                    if "seconds" in history
                    else None,
                    **{
                        measure: _numbers(history[measure])
                        for measure in _MEASURES
                        if measure in history
                    },
                }
                for name, history in self._histories.items()
            ],
        }


def _phases(history: pd.DataFrame) -> list[dict[str, Any]]:
    """Give first row, row after the last, and name of each phase."""
    phases = []
    for start, end in evaluation.phase_spans(history):
        rate = history["learning_rate"].iloc[start] if "learning_rate" in history else None
        name = f"phase {history['phase'].iloc[start]}"
        phases.append(
            {"start": start, "end": end, "name": name + (f", rate {rate:g}" if rate else "")}
        )
    return phases


def _numbers(column: pd.Series) -> list[float | None]:
    """Give a column as the page reads it: what is not a finite number is null."""
    return [
        round(float(value), 5) if abs(value) < float("inf") else None for value in column.to_numpy()
    ]
