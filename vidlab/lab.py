"""The lab bench of a notebook: one object that finds or makes what the notebook needs.

Takes a profile from `profiles`; gives videos, adapted recipes and finished runs to notebooks and
the command line. `Lab` holds no method of its own: it only knows where things are kept, and says
of each result whether it was *loaded* or *trained now*.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vidlab import datasets, evaluation, experiment, predictions, profiles, recipes, runs
from vidlab.progress import progress

if TYPE_CHECKING:
    import keras

    from vidlab.clips import FrameCache
    from vidlab.features import FeatureStore
    from vidlab.index import VideoIndex

__all__ = ["Lab", "sweep"]


class Lab:
    """Data, recipes and results of one profile.

    Parameters
    ----------
    profile
        A name from `profiles.names()`.
    dataset, backbone, weights, image_size, split
        Replace the profile's own settings, so that a notebook runs on other videos or with other
        weights by its parameters alone; an empty string or 0 keeps the profile's.

    Attributes
    ----------
    profile : profiles.Profile
        The settings in force.
    home : pathlib.Path
        Holds ``data``, ``cache`` and ``runs``: ``$VIDLAB_HOME``, else the folder of the notebooks.
    runs : pathlib.Path
        ``runs/<profile>``; with other videos, ``runs/<profile>-<dataset>``.

    Raises
    ------
    ProfileError
        For an unknown profile or an unfit setting.
    """

    def __init__(
        self,
        profile: str = "quick",
        *,
        dataset: str = "",
        backbone: str = "",
        weights: str = "",
        image_size: int = 0,
        split: int = 0,
    ):
        own = profiles.load(profile)
        given = {
            "dataset": dataset,
            "backbone": backbone,
            "weights": weights,
            "image_size": image_size,
            "split": split,
        }
        self.profile = profiles.replace(own, **{k: v for k, v in given.items() if v})
        self.home = datasets.home()
        self.runs = self.home / "runs" / profiles.run_name(own, self.profile)
        self._index: VideoIndex | None = None

    def __repr__(self) -> str:
        return f"Lab({self.profile.name!r}): {self.profile.about} Results in {self.runs}"

    @property
    def index(self) -> VideoIndex:
        """The videos; drawn, fetched or looked up at first use."""
        if self._index is None:
            self._index = datasets.load_index(
                self.profile.dataset, size=self.profile.dataset_size, seed=self.profile.data_seed
            )
        return self._index

    def split(self, k: int = 0, *, by: str = "auto") -> tuple[VideoIndex, VideoIndex, VideoIndex]:
        """Return training, validation and test videos of split `k`, else of the profile's split."""
        return self.index.split(k or self.profile.split, validation=self.profile.validation, by=by)

    def recipe(self, name: str) -> recipes.Recipe:
        """Return a recipe of the literature as this profile runs it."""
        return profiles.adapt(recipes.get(name), self.profile)

    def changes(self, *names: str) -> pd.DataFrame:
        """List what this profile changes about the recipes, the literature's values beside it."""
        rows = [row for name in names for row in profiles.changes(recipes.get(name), self.profile)]
        return pd.DataFrame(rows, columns=["recipe", "setting", "original", "here"])

    def run(
        self,
        name: str,
        *,
        seed: int = 0,
        split: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> runs.RunFolder:
        """Return the finished run of a recipe: loaded where there is one, else trained now.

        A run counts as finished only for exactly this recipe, these videos, this seed and this
        split; after any change it is trained again.

        Parameters
        ----------
        name
            A recipe.
        seed
            Counts from 0. Each seed and split has a folder of its own.
        split
            1, 2 or 3; 0 means the profile's.
        callbacks
            Told of a training that happens now, such as ``curves.watch(name)`` of
            `vidlab.widgets.TrainingCurves`.

        Returns
        -------
        runs.RunFolder
            With model, history, predictions on the test videos, metrics and recipe.
        """
        folder, record, finished = self._find(name, seed=seed, split=split)
        if finished:
            print(f"{name}: loaded from {folder.path.relative_to(self.home)}")
            return folder
        started = time.perf_counter()
        self._train(name, folder, record, callbacks=callbacks)
        print(
            f"{name}: trained now ({self.profile.name} profile, {len(folder.history)} epochs, "
            f"{time.perf_counter() - started:.0f} s)"
        )
        return folder

    def ask(
        self, name: str, *, order: str = "normal", seed: int = 0, split: int = 0
    ) -> predictions.Predictions:
        """Ask a trained recipe about the test videos, their frames in another order.

        The answers are kept beside the run.

        Parameters
        ----------
        name
            A recipe.
        order
            ``"normal"``, ``"reversed"``, ``"shuffled"`` or ``"frozen"`` (to the middle frame).
        seed, split
            Which run, as in `run`.
        """
        folder, _, finished = self._find(name, seed=seed, split=split)
        if not finished:
            folder = self.run(name, seed=seed, split=split)
        if order == "normal":
            return folder.predictions
        file = folder.path / f"predictions-{order}.npz"
        if not file.is_file():
            said = experiment.ask(
                self.recipe(name),
                folder.model(),
                videos=self.split(split)[2],
                bench=self._bench(),
                order=order,
            )
            said.save(file)
        return predictions.Predictions.load(file)

    def features(self, name: str, *, seed: int = 0, split: int = 0) -> FeatureStore:
        """Return the features that a recipe on features learns from; extracted where missing."""
        return experiment.stored(
            self.recipe(name), self._encoder(name, seed=seed, split=split), bench=self._bench()
        )

    def _find(self, name: str, *, seed: int, split: int) -> tuple[runs.RunFolder, dict, bool]:
        """Return where a run is or will be, its record, and whether it is there and finished."""
        split = split or self.profile.split
        folder = runs.RunFolder(
            runs.run_path(self.home, name, profile=self.runs.name, seed=seed, split=split)
        )
        record = self._record(name, seed=seed, split=split)
        return folder, record, folder.is_complete and folder.recipe["config"] == record["config"]

    def _train(
        self,
        name: str,
        folder: runs.RunFolder,
        record: dict,
        *,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        from vidlab import training  # imports Keras

        recipe, seed, split = self.recipe(name), record["seed"], record["split"]
        experiment.conduct(
            recipe,
            self.split(split),
            folder=folder,
            record=record,
            bench=self._bench(),
            settings=training.Settings(
                seed=seed,
                patience=self.profile.patience,
                checkpoint=folder.path / "checkpoint.npz",
                key=json.dumps(record["config"], sort_keys=True),
                callbacks=tuple(callbacks),
            ),
            start=self._start(name, seed=seed, split=split),
        )

    def _start(self, name: str, *, seed: int, split: int) -> keras.Model | None:
        """Return the trained model that a recipe starts from, if it does."""
        before = self.recipe(name).starts_from
        return None if before is None else self.run(before, seed=seed, split=split).model()

    def _encoder(self, name: str, *, seed: int, split: int) -> keras.Model:
        recipe = self.recipe(name)
        start = self._start(name, seed=seed, split=split)
        return recipes.encoder(recipe, weights=recipe.weights, start=start)

    def _bench(self) -> experiment.Bench:
        return experiment.Bench(
            index=self.index,
            features=self.home / "cache" / "features",
            frames=self._cache,
            precision=self.profile.precision,
        )

    def _record(self, name: str, *, seed: int, split: int) -> dict:
        """Return what ``recipe.json`` holds: all that decides the result."""
        recipe = self.recipe(name)
        config = {
            **recipe.as_dict(),
            "dataset": self.profile.dataset,
            "validation": self.profile.validation,
            "patience": self.profile.patience,
            "precision": self.profile.precision if recipe.takes == "features" else "float32",
            "weights_digest": _digest(recipe.weights),
            "data_fingerprint": self.index.fingerprint,
        }
        if recipe.starts_from is not None:
            start = self._record(recipe.starts_from, seed=seed, split=split)
            config["start"] = start["config"]
        record = runs.recipe_record(
            name,
            config,
            profile=self.profile.name,
            seed=seed,
            split=split,
            fingerprint=self.index.fingerprint,
        )
        return json.loads(json.dumps(record))  # as it will be read back: tuples become lists

    def _cache(self, size: tuple[int, int]) -> FrameCache | None:
        from vidlab import clips  # imports Keras

        if not self.profile.keep_decoded:
            return None
        return clips.FrameCache(self.home / "cache" / f"frames-{size[0]}x{size[1]}", size=size)


def sweep(
    recipe: str,
    *,
    profile: str = "quick",
    seeds: int = 5,
    splits: Sequence[int] = (1,),
    dataset: str = "",
) -> pd.DataFrame:
    """Run one recipe over seeds and splits; runs that are there already are only read.

    Parameters
    ----------
    recipe
        Its name.
    profile
        A name from `profiles.names()`.
    seeds
        How many seeds, from 0 on.
    splits
        Which splits.
    dataset
        Replaces the profile's videos.

    Returns
    -------
    pandas.DataFrame
        Mean and standard deviation of the accuracies, as `evaluation.summary` gives them.
    """
    lab = Lab(profile, dataset=dataset)
    grid = [(seed, split) for split in splits for seed in range(seeds)]
    return evaluation.summary(
        [
            (recipe, seed, split, lab.run(recipe, seed=seed, split=split).predictions)
            for seed, split in progress(grid, desc=f"{recipe}: seeds × splits", unit="run")
        ]
    )


def _digest(weights: str | None) -> str | None:
    """Identify a weights file by its content; names such as "imagenet" identify themselves."""
    from vidlab import backbones  # imports Keras

    path = backbones.PANTOMIME_WEIGHTS if weights == "pantomime" else Path(weights or "")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else weights
