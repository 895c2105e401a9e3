"""One object that finds or makes what a notebook needs: videos, adapted recipes, finished runs.

`Lab` holds no method of its own: it only knows where things are kept, and says
of each result whether it was *loaded* or *trained now*.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import vidlab
from vidlab import datasets
from vidlab.course import adapting, identity
from vidlab.course.claims import Claims
from vidlab.errors import SplitError
from vidlab.evaluation import predictions, runs
from vidlab.files import locked

if TYPE_CHECKING:
    import keras

    from vidlab import recipes, training
    from vidlab.data.index import VideoIndex
    from vidlab.data.store import FeatureStore

__all__ = ["Lab"]


class Lab:
    """Data, recipes and results of one profile.

    Parameters
    ----------
    profile
        A name from `profiles.names()`.
    dataset, layout, groups, backbone, weights, image_size, split, seed
        Replace the profile's own settings, so that a notebook runs on other videos or with other
        weights by its parameters alone; an empty string or 0 keeps the profile's. A folder of
        videos has a profile of its own, see `vidlab.course.identity.in_force`.

    Attributes
    ----------
    profile : profiles.Profile
        The settings in force.
    home : pathlib.Path
        Holds ``data``, ``cache`` and ``runs``: ``$VIDLAB_HOME``, else the folder of the notebooks.
    claims : Claims
        What was claimed so far; as a cell's last line it is shown as a table.
    claim : callable
        Records what a notebook says of this run, and whether it is so: `Claims.add`. In the smoke
        profile, and for other videos than the built-in ones, nothing is tested.
    runs : pathlib.Path
        ``runs/<profile>``; with other videos, backbone, weights or image size a folder of its own
        (see `vidlab.course.identity.run_name`).

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
        layout: str = "",
        groups: str = "",
        backbone: str = "",
        weights: str = "",
        image_size: int = 0,
        split: int = 0,
        seed: int = 0,
    ):
        given = dict(dataset=dataset, layout=layout, groups=groups, backbone=backbone)
        given |= dict(weights=weights, image_size=image_size, split=split, seed=seed)
        self._own, self.profile = identity.in_force(profile, **given)
        self.home = datasets.home()
        pd.set_option("display.html.use_mathjax", False)  # dollars in names are no formulas
        # Four classes after one epoch, or other videos, are not what claims are about.
        built_in = self.profile.dataset == "pantomime" and self.profile.dataset_size != "smoke"
        self.claims = Claims(tested=built_in)
        self.claim = self.claims.add
        for file in self.profile.recipe_files:
            vidlab.recipes.load(file)

    def __repr__(self) -> str:
        return f"Lab({self.profile.name!r}): {self.profile.about} Results in {self.runs}"

    @cached_property
    def runs(self) -> Path:
        """The folder of this lab's runs."""
        name = identity.run_name(
            self._own, self.profile, fingerprint=lambda: self.index.fingerprint
        )
        return self.home / "runs" / name

    @cached_property
    def index(self) -> VideoIndex:
        """The videos; drawn, fetched or looked up at first use."""
        return identity.load_index(self.profile)

    def split(self, k: int = 0, *, by: str = "auto") -> tuple[VideoIndex, VideoIndex, VideoIndex]:
        """Return training, validation and test videos of split `k`, else of the profile's split."""
        share = 0.1 if self.profile.validation is None else self.profile.validation
        return self.index.split(k or self.profile.split, validation=share, by=by)

    def folds(self, by: str = "group") -> list[int | str]:
        """Name the parts of a cross-validation, which `run` takes in place of a split.

        Parameters
        ----------
        by
            ``"group"`` for each left out in turn, a number of folds as text, or ``"official"``.
        """
        if by == "official":
            return sorted(self.index.lists or {self.profile.split: None})
        if by != "group" and not by.isdecimal():
            raise SplitError(
                f"Expected folds by group, official, or their number. Received: {by!r}. Choose one."
            )
        parts = self.index.folds(n=None if by == "group" else int(by), validation=0)
        return [f"fold-{number}-by-{by}" for number in range(1, len(parts) + 1)]

    def recipe(self, name: str) -> recipes.Recipe:
        """Return a recipe as this profile runs it."""
        return adapting.adapt(vidlab.recipes.get(name), self.profile)

    def changes(self, *names: str) -> pd.DataFrame:
        """List what this profile changes about recipes, the literature's values beside it."""
        return adapting.changes(map(vidlab.recipes.get, names), self.profile)

    def differences(self, *names: str) -> pd.DataFrame:
        """Tabulate the settings in which recipes differ, as this profile runs them."""
        return adapting.differences(map(self.recipe, names))

    def beside(self, *names: str) -> pd.DataFrame:
        """Tabulate what was published about recipes, and every departure of the runs here.

        Returns
        -------
        pandas.DataFrame
            As `vidlab.recipes.published_beside` gives it, of what this profile makes of recipes.
        """
        adapted = map(self.recipe, names)
        return vidlab.recipes.published_beside({one.name: self._origin(one) for one in adapted})

    def _origin(self, recipe: recipes.Recipe) -> dict[str, str]:
        """Say where a recipe is from and what the profile changes about it."""
        changed = [f"{row.setting} {row.here}" for row in self.changes(recipe.name).itertuples()]
        text = f"Profile {self.profile.name}: {'; '.join(changed)}." if changed else ""
        return {"recipe": recipe.name, "file": recipe.file, "changes": text}

    def run(
        self,
        name: str,
        *,
        seed: int | None = None,
        split: int | str = 0,
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
            Counts from 0; None means the profile's. Each seed and split has a folder of its own.
        split
            Its number, 0 meaning the profile's; or one of `folds`.
        callbacks
            Told of a training that happens now, such as ``curves.watch(name)``.

        Returns
        -------
        runs.RunFolder
            With model, history, predictions on the test videos, metrics and recipe.
        """
        folder, record, finished = self._find(name, seed=seed, split=split)
        line = None
        if self.profile.line not in ("", record["recipe"]):  # what others have to pass comes first
            line, _, known = self._find(self.profile.line, seed=seed, split=split)
            if not known:
                self.run(self.profile.line, seed=seed, split=split)
        if not finished:
            with locked(folder.path):
                if not (finished := folder.is_finished(record["config"])):  # by another, meanwhile
                    self._train(folder, record, callbacks)
        if finished:
            print(f"{record['recipe']}: loaded from {folder.path.relative_to(self.home)}")
        if line is not None:
            print(runs.against_line(folder, line))
        return folder

    def _train(self, folder: runs.RunFolder, record: dict, callbacks) -> None:
        """Train a recipe anew, and name the run that it replaces."""
        name, seed, split = (record[key] for key in ("recipe", "seed", "split"))
        before, now = folder.recipe["config"] if folder.is_complete else {}, record["config"]
        if changed := [key for key in before | now if before and before.get(key) != now.get(key)]:
            print(
                f"{name}: the run in {folder.path.relative_to(self.home)} is replaced, for it "
                f"differs in {', '.join(changed)}"
            )
        started, recipe = time.perf_counter(), self.recipe(name)
        settings = dataclasses.replace(
            self._settings(recipe),
            seed=seed,
            checkpoint=folder.path / "checkpoint.npz",
            key=json.dumps(now, sort_keys=True),
            callbacks=tuple(callbacks),
        )
        vidlab.experiment.train_and_evaluate(
            recipe,
            self._parts(recipe, split),
            folder=folder,
            record=record,
            settings=settings,
            **self._starts(recipe, seed=seed, split=split),
        )
        print(
            f"{name}: trained now ({self.profile.name} profile, {len(folder.history)} epochs, "
            f"{time.perf_counter() - started:.0f} s)"
        )

    def predict(
        self, name: str, *, order: str = "normal", seed: int | None = None, split: int = 0
    ) -> predictions.Predictions:
        """Predict the test videos with a trained recipe, their frames in another order.

        The predictions are kept beside the run.

        Parameters
        ----------
        name
            A recipe.
        order
            ``"normal"``, ``"reversed"``, ``"shuffled"`` or ``"frozen"`` (to the middle frame).
        seed, split
            Which run, as in `run`.
        """
        folder, record, finished = self._find(name, seed=seed, split=split)
        if not finished:
            self.run(name, seed=seed, split=split)
        if order == "normal":
            return folder.predictions
        file = folder.path / f"predictions-{order}.npz"
        if not file.is_file():
            recipe = self.recipe(name)
            settings, test = self._settings(recipe), self._parts(recipe, record["split"])[2]
            kept = {"cache": settings.cache, "flow": settings.flow}
            model = _loaded(folder.path, (folder.path / "model.keras").stat().st_mtime_ns)
            vidlab.experiment.predict(model, test, recipe, order=order, **kept).save(file)
        return predictions.Predictions.load(file)

    def features(self, name: str, *, seed: int | None = None, split: int = 0) -> FeatureStore:
        """Return what a recipe's frozen part gives for every video; computed where missing.

        Raises
        ------
        RecipeError
            If nothing of the recipe is frozen in its first phase.
        """
        recipe = self.recipe(name)
        start = self._starts(recipe, seed=seed, split=split).get("start")
        classes = len(self.index.classes)
        model = vidlab.recipes.build(recipe, classes, weights=recipe.weights, start=start)
        settings = self._settings(recipe)
        return vidlab.learners.features_of(recipe, model, self.index, settings=settings)

    def run_path(self, name: str, *, seed: int | None = None, split: int | str = 0) -> Path:
        """Return the folder of a recipe's run, finished or not."""
        seed, split = self.profile.seed if seed is None else seed, split or self.profile.split
        return runs.run_path(self.home, name, profile=self.runs.name, seed=seed, split=split)

    def _find(
        self, name: str, *, seed: int | None, split: int | str
    ) -> tuple[runs.RunFolder, dict, bool]:
        """Return where a run is or will be, its record, and whether it is there and finished."""
        seed, split = self.profile.seed if seed is None else seed, split or self.profile.split
        record = self._record(name, seed=seed, split=split)
        folder = runs.RunFolder(self.run_path(record["recipe"], seed=seed, split=split))
        return folder, record, folder.is_finished(record["config"])

    def _parts(self, recipe: recipes.Recipe, split: int | str) -> tuple[VideoIndex, ...]:
        if isinstance(split, str):
            _, number, _, by = split.split("-")
            n = None if by == "group" else int(by)
            return self.index.folds(n=n, validation=recipe.validation)[int(number) - 1]
        return self.index.split(split or self.profile.split, validation=recipe.validation)

    def _settings(self, recipe: recipes.Recipe) -> training.Settings:
        return vidlab.training.Settings(
            cache=self.home / "cache" if self.profile.keep_decoded else None,
            flow=self.home / "cache" / "flow",
            features=self.home / "cache" / "features",
            index=self.index,
            beside=datasets.load_index(recipe.beside, size=self.profile.dataset_size, seed=1)
            if recipe.beside
            else None,
            most_bytes=int(self.profile.most_gigabytes * 1e9),
            precision=self.profile.precision,
        )

    def _starts(self, recipe: recipes.Recipe, *, seed: int, split: int) -> dict:
        """Return the trained model that a recipe starts from, if it does, as `training.fit` does.

        Of several by name; of one that was trained again on all videos also the one before.
        """
        if not recipe.starts:
            return {}
        folders = {each: self.run(each, seed=seed, split=split) for each in recipe.starts}
        starts = {}
        for which, validated in (("start", False), ("validated_start", True)):
            found = {n: one.model(whole=True, validated=validated) for n, one in folders.items()}
            several = isinstance(recipe.starts_from, tuple)
            starts[which] = found if several else found[recipe.starts_from]
        return starts

    def _record(self, name: str, *, seed: int, split: int) -> dict:
        """Return what ``recipe.json`` holds: all that decides the result."""
        recipe = self.recipe(name)
        config = {
            **recipe.as_dict(),
            "dataset": identity.dataset_name(self.profile),
            "precision": self.profile.precision,
            "weights_digest": identity.weights_digest(recipe),
            "data_fingerprint": self.index.fingerprint,
        }
        if self.profile.dataset not in datasets.NAMES:  # whose lists may change
            config["parts"] = [part.fingerprint for part in self._parts(recipe, split)]
        starts = {
            each: self._record(each, seed=seed, split=split)["config"] for each in recipe.starts
        }
        if starts:
            several = isinstance(recipe.starts_from, tuple)
            config["start"] = starts if several else starts[recipe.starts_from]
        about = {"profile": self.profile.name, "seed": seed, "split": split}
        record = runs.recipe_record(
            recipe.name, config, **about, fingerprint=self.index.fingerprint
        ) | self._origin(recipe)
        return json.loads(json.dumps(record))  # as it will be read back: tuples become lists


@lru_cache(maxsize=1)  # one after the other, orders are predicted with one model
def _loaded(path: Path, changed: int) -> keras.Model:
    """Load the model of a run; `changed` tells one that was trained anew from it."""
    return runs.RunFolder(path).model()
