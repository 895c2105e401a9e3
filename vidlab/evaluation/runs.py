"""Run folders: the files a trained recipe leaves, each written whole or not at all.

Nothing reads a notebook's memory, everything reads these folders, so a result can be looked at,
compared and repeated long after it was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic_core import to_jsonable_python

from vidlab.errors import ResultError
from vidlab.evaluation.predictions import Predictions, read_result
from vidlab.files import replacing, write_text

if TYPE_CHECKING:
    from vidlab.data.streams import Rgb

__all__ = [
    "RunFolder",
    "against_line",
    "find_runs",
    "recipe_record",
    "run_path",
    "versions",
]

_FILES = {
    "model": "model.keras",
    "history": "history.csv",
    "predictions": "predictions.npz",
    "metrics": "metrics.json",
    "recipe": "recipe.json",
}
_VALIDATED = "validated.keras"  # of a recipe that is trained again on all videos alone
_FAR = 0.2  # of top-1
_PACKAGES = {
    "vidlab": ("vidlab",),
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos"),
    "numpy": ("numpy",),
    "opencv": ("opencv-python", "opencv-python-headless"),
}


def run_path(
    home: str | os.PathLike[str], recipe: str, *, profile: str, seed: int = 0, split: int | str = 1
) -> Path:
    """Name the folder of one run, below ``runs`` in `home`; nothing is made.

    Seeds count from 0, splits from 1; the first of each have no folder of their own. A fold of a
    cross-validation has its name in place of a number.

    Examples
    --------
    >>> run_path("home", "frame-vote", profile="quick").as_posix()
    'home/runs/quick/frame-vote'
    >>> run_path("home", "frame-vote", profile="quick", seed=1, split=3).as_posix()
    'home/runs/quick/frame-vote/seed-2/split-3'
    """
    path = Path(home) / "runs" / profile / recipe
    path = path / f"seed-{seed + 1}" if seed else path
    if isinstance(split, str):
        return path / split
    return path / f"split-{split}" if split > 1 else path


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, none of them imported.

    A package that is not installed is ``"absent"``.
    """
    installed = {each.name.lower(): each.version for each in metadata.distributions() if each.name}
    found = {"python": platform.python_version()}
    for package, distributions in _PACKAGES.items():
        known = [installed[name] for name in distributions if name in installed]
        found[package] = known[0] if known else "absent"
    return found


def recipe_record(
    recipe: str,
    config: Mapping[str, Any],
    *,
    profile: str,
    seed: int,
    split: int,
    fingerprint: str,
) -> dict[str, Any]:
    """Everything needed to repeat a run, for ``recipe.json``.

    `config` holds the recipe's settings as they were used, and the dataset's; `fingerprint` is
    `VideoIndex.fingerprint`.
    """
    return {
        "recipe": recipe,
        "profile": profile,
        "seed": seed,
        "split": split,
        "config": dict(config),
        "data_fingerprint": fingerprint,
        "versions": versions(),
    }


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run.

    ``model.keras``, ``history.csv``, ``predictions.npz`` (per video and per frame),
    ``metrics.json`` and ``recipe.json`` (everything needed to repeat it).
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def is_complete(self) -> bool:
        """Whether all five files are there, as the run left them."""
        return not self.missing and not self.damaged

    @property
    def missing(self) -> list[str]:
        """The names of the files that are not there yet."""
        return [name for name in _FILES.values() if not (self.path / name).is_file()]

    @property
    def damaged(self) -> list[str]:
        """The names of the files that are there, but not as the run left them."""
        if "recipe.json" in self.missing:
            return []
        try:
            record = read_result(self.path / "recipe.json", _read_json)
            own = record.pop("digest", None)  # absent in runs of earlier versions
            digests = record.get("files", {}).items()
        except (ResultError, AttributeError, TypeError):  # not what `write` wrote
            return ["recipe.json"]
        if own not in (None, _digest_of_record(record)):
            return ["recipe.json"]
        there = [(self.path / name, digest) for name, digest in digests]
        return [path.name for path, digest in there if path.is_file() and _digest(path) != digest]

    def is_finished(self, config: Mapping[str, Any]) -> bool:
        """Whether the run of these settings is there; one that is damaged is told of."""
        if damaged := self.damaged:
            warnings.warn(
                f"vidlab: {', '.join(damaged)} in {self.path} is damaged; the run is made anew.",
                stacklevel=2,
            )
        return not self.missing and not damaged and self.recipe["config"] == config

    def write(
        self,
        *,
        model: Any = None,
        validated: Any = None,
        history: pd.DataFrame | None = None,
        predictions: Predictions | None = None,
        metrics: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """Write what is given, each file whole or not at all; leave the rest as it is.

        Parameters
        ----------
        model
            A Keras model.
        validated
            The same, not trained on the validation videos, where `model` is.
        history
            One row an epoch.
        predictions
            Of the test part.
        metrics
            Names and numbers. A number that is not finite is written as ``null``.
        recipe
            What `recipe_record` gave.
        """
        writers = {}
        if model is not None:
            writers["model"] = model.save
        if history is not None:
            writers["history"] = lambda path: history.to_csv(path, index=False)
        if predictions is not None:
            predictions.save(self.path / _FILES["predictions"])
        if validated is not None:
            writers["validated"] = validated.save
        for name, write in writers.items():
            with replacing(self.path / _FILES.get(name, _VALIDATED)) as temporary:
                write(temporary)
        for name, record in (("metrics", metrics), ("recipe", recipe)):
            if record is not None:
                plain = to_jsonable_python(
                    record, fallback=lambda array: array.tolist(), inf_nan_mode="null"
                )
                if name == "recipe":  # it vouches for the files beside it, and for itself
                    files = [self.path / file for file in (*_FILES.values(), _VALIDATED)]
                    kept = [file for file in files if file.is_file() and file.name != "recipe.json"]
                    plain["files"] = {file.name: _digest(file) for file in kept}
                    plain.pop("digest", None)  # of the record as it was read
                    plain["digest"] = _digest_of_record(plain)
                text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False)
                write_text(self.path / _FILES[name], text + "\n")
        return self

    def model(self, *, whole: bool = False, validated: bool = False) -> Any:
        """Load the trained Keras model, ready to predict (not compiled).

        Parameters
        ----------
        whole
            Of a model with several outputs: all of them, rather than the class probabilities
            alone, which everything that shows or explains a model takes.
        validated
            As it was before it learned from the validation videos, where it did.

        Raises
        ------
        ResultError
            If there is none, or it cannot be read.
        """
        import keras

        from vidlab import recipes  # through it Keras knows vidlab's layers
        from vidlab.models.reading import load

        record = {} if "recipe.json" in self.missing else self.recipe
        if record.get("file"):
            recipes.load(record["file"])  # through it Keras knows layers of one's own
        which = "validated" if validated and (self.path / _VALIDATED).is_file() else "model"
        model = self._read(which, load)
        if isinstance(getattr(model, "output", None), dict) and not whole:  # a Sequential has none
            (first, *_), *_ = record["config"]["tasks"]
            model = keras.Model(model.input, model.output[first], name=model.name)
        return model

    def streams(self) -> dict[str, Rgb]:
        """The inputs of the model by name, as they were in this run.

        Raises
        ------
        ResultError
            If the run was made by another version, or its recipe has other inputs now.
        """
        from vidlab import recipes

        config = self.recipe["config"]
        try:
            file, name = self.recipe.get("file", ""), self.recipe["recipe"]
            inputs = recipes.get(f"{file}:{name}" if file else name).inputs
            known = {name: config["inputs"][name] for name in inputs}
            own = {name: {**known[name], "test": known[name]["test"] or ""} for name in known}
            fixed = ("stream", "clip")  # of the recipe
            return {
                name: stream.changed(**{n: v for n, v in own[name].items() if n not in fixed})
                for name, stream in inputs.items()
            }
        except KeyError as error:
            raise ResultError(
                f"Expected a run of this version of its recipe. Received: {self.path}, without "
                f"{error}. Make it again with: vidlab train {self.recipe.get('recipe', 'RECIPE')}"
            ) from error

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch."""
        return self._read("history", pd.read_csv)

    @property
    def predictions(self) -> Predictions:
        """Predictions for the test part."""
        return self._read("predictions", Predictions.load)

    @property
    def metrics(self) -> dict[str, Any]:
        """Names and numbers."""
        return self._read("metrics", _read_json)

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything needed to repeat the run."""
        return self._read("recipe", _read_json)

    def _read(self, name: str, reader: Callable[[Path], Any]) -> Any:
        if (file := _FILES.get(name, _VALIDATED)) in self.damaged:
            raise ResultError(
                f"Expected {file} as the run left it. Received: {self.path / file}, which was "
                "damaged or changed. Delete it and make it again with: vidlab train RECIPE"
            )
        return read_result(self.path / file, reader)


def find_runs(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """List all runs below a folder, finished or not.

    Returns
    -------
    DataFrame
        One row a run, sorted: recipe, profile, seed, split, complete, path, then every single
        number of ``metrics.json`` (top1, …). No row where there are no runs. Damage is warned of:
        a run with a damaged ``recipe.json`` has no row, one with damaged metrics no numbers.
    """
    rows = []
    for file in sorted(Path(folder).rglob("recipe.json")):
        run = RunFolder(file.parent)
        damaged = run.damaged
        if damaged:
            warnings.warn(f"vidlab: {', '.join(damaged)} in {run.path} is damaged.", stacklevel=2)
        if "recipe.json" in damaged:
            continue
        record = run.recipe
        row = {name: record.get(name) for name in ("recipe", "profile", "seed", "split")}
        row |= {"complete": not run.missing and not damaged, "path": str(run.path)}
        if "metrics.json" not in [*run.missing, *damaged]:
            row |= {
                name: value
                for name, value in run.metrics.items()
                if name not in row and (value is None or isinstance(value, int | float))
            }
        rows.append(row)
    columns = ["recipe", "profile", "seed", "split", "complete", "path"]
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame(rows)  # folds of a cross-validation have names among the splits' numbers
    order = {"key": lambda values: values.map(str) if values.name == "split" else values}
    return table.sort_values(columns[:4], ignore_index=True, kind="stable", **order)


def against_line(runs: Sequence[RunFolder], lines: Sequence[RunFolder]) -> str:
    """Say how a recipe stands against one that it has to pass; plainly where it is far below.

    Parameters
    ----------
    runs
        One or more of the recipe, whose accuracies are averaged.
    lines
        Of the other recipe, with the same seeds and splits.
    """
    here, there = (fmean(run.metrics["top1"] for run in each) for each in (runs, lines))
    name, other = runs[0].recipe["recipe"], lines[0].recipe["recipe"]
    over = f", the mean of {len(runs)} runs" if len(runs) > 1 else ""
    text = f"{name}: top-1 {here:.1%}{over}; the line to pass is {other}, {there:.1%}."
    if round(there - here, 6) < _FAR:
        return text
    return f"{text} {100 * (there - here):.0f} points below it: for these videos use {other}."


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_record(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
