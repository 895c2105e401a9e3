"""Training: a recipe and videos in, a fitted model and its history out.

Takes recipes from `recipes` and videos from `index`, with `clips` and `augment` in between, or
their features from `features`; gives a model and a history to `experiment`. A recipe trains in one
or more *phases* (first the new layers, then deeper ones). Each phase stops early on the validation
loss and keeps its best weights; after every epoch a checkpoint is written, from which an
interrupted training goes on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from vidlab import backbones, recipes
from vidlab.augment import Augment
from vidlab.clips import Clips, FrameCache
from vidlab.errors import RecipeError
from vidlab.features import FeatureStore, Sequences
from vidlab.index import VideoIndex
from vidlab.progress import counter

__all__ = ["Fitted", "Settings", "fit"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train, apart from what the recipe says.

    Attributes
    ----------
    seed : int
        Seeds the new weights, the order of the videos, the frames drawn, augmentation and dropout.
    patience : int
        Epochs without a better validation loss before a phase stops.
    cache : FrameCache or None
        Decoded frames on disk, to skip the decoder after the first epoch.
    checkpoint : Path or None
        File for the checkpoint of an unfinished training; removed when the training ends.
    key : str
        What else makes this training another one, such as a digest of the starting model's recipe;
        a checkpoint is taken up only under the same key.
    callbacks : sequence of keras.callbacks.Callback
        What else hears of each epoch, such as `widgets.TrainingCurves.watch`.
    """

    seed: int = 0
    patience: int = 5
    cache: FrameCache | None = None
    checkpoint: Path | None = None
    key: str = ""
    callbacks: Sequence[keras.callbacks.Callback] = ()


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained model, how its training went, and how long it took.

    Attributes
    ----------
    model : keras.Model
        Frames ``(batch, height, width, 3)`` or clips ``(batch, time, height, width, 3)``, 0–255,
        or features ``(batch, time, features)``, to class probabilities ``(batch, classes)``.
    history : pandas.DataFrame
        One row an epoch: epoch (counted through all phases, from 1), phase, loss, accuracy,
        val_loss, val_accuracy, learning_rate, seconds.
    """

    model: keras.Model
    history: pd.DataFrame

    @property
    def seconds(self) -> float:
        """Time spent in epochs, those before an interruption included."""
        return float(self.history["seconds"].sum())


def fit(
    recipe: recipes.Recipe,
    parts: tuple[VideoIndex, VideoIndex] | tuple[FeatureStore, FeatureStore],
    *,
    settings: Settings | None = None,
    start: keras.Model | None = None,
) -> Fitted:
    """Train `recipe`, or go on where an interrupted training of it stopped.

    Parameters
    ----------
    recipe
        What to train, already adapted to the profile.
    parts
        Training and validation videos; for a recipe that takes features, those of the videos.
        Without validation videos nothing stops early, and the last weights are kept.
    settings
        Seed, patience, cache and checkpoint file.
    start
        For a recipe that continues another: the other's trained model, trained further in place.

    Returns
    -------
    Fitted
        The model with the best weights of its last phase, and the history of all phases. For a
        recipe that takes features it is the head, from features to class probabilities.

    Raises
    ------
    RecipeError
        If the recipe continues another and `start` is missing, or the reverse.
    """
    settings = settings or Settings()
    continues = recipe.starts_from is not None and recipe.takes != "features"
    if continues != (start is not None):
        wanted = recipe.starts_from if continues else "no model"
        raise RecipeError(
            f"Expected {wanted} to start {recipe.name} from. "
            f"Received: {start.name if start is not None else 'no model'}. "
            "Pass the trained model of the recipe named in `starts_from`, or none."
        )
    keras.utils.set_random_seed(settings.seed)
    model = start
    if model is None:
        model = recipes.build(
            recipe,
            len(parts[0].classes),
            weights=recipe.weights,
            features=parts[0].size if recipe.takes == "features" else None,
        )
    checkpoint = _Checkpoint(settings.checkpoint)
    progress = checkpoint.progress(_identity(recipe, parts, settings))
    while progress.phase < len(recipe.phases):
        _run_phase(
            model, recipe, parts, progress=progress, checkpoint=checkpoint, settings=settings
        )
    checkpoint.remove()
    return Fitted(model, pd.DataFrame(progress.history))


@dataclasses.dataclass
class _Progress:
    """How far a training has come; with the weights, what a checkpoint holds."""

    key: str
    phase: int = 0
    epoch: int = 0  # finished, within the phase
    best: float = float("inf")  # validation loss
    waited: int = 0  # epochs since it was best
    history: list[dict] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Checkpoint:
    """One file with everything needed to go on: progress, variables, best weights."""

    file: Path | None

    def write(self, progress: _Progress, model: keras.Model, best: list[np.ndarray]) -> None:
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        variables = [*model.variables, *model.optimizer.variables]
        part = self.file.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(
                stream,
                progress=json.dumps(dataclasses.asdict(progress)),
                **{f"last_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)},
                **{f"best_{i}": array for i, array in enumerate(best)},
            )
        os.replace(part, self.file)

    def progress(self, key: str) -> _Progress:
        """Return how far this very training came; a fresh start where it never began."""
        if self.file is not None and self.file.is_file():
            with np.load(self.file) as found:
                progress = _Progress(**json.loads(found["progress"].item()))
            if progress.key == key:
                return progress
        return _Progress(key)

    def restore(self, model: keras.Model) -> list[np.ndarray]:
        """Set the variables of `model` and its optimizer; return the best weights so far."""
        variables = [*model.variables, *model.optimizer.variables]
        with np.load(self.file) as found:
            for i, variable in enumerate(variables):
                variable.assign(found[f"last_{i}"])
            return [found[f"best_{i}"] for i in range(len(model.weights))]

    def remove(self) -> None:
        if self.file is not None:
            self.file.unlink(missing_ok=True)


class _Epochs(keras.callbacks.Callback):
    """After each epoch: note it, keep the best weights, stop when patience is spent, save."""

    def __init__(self, progress, checkpoint, *, best, patience, bar):
        super().__init__()
        self.progress, self.checkpoint = progress, checkpoint
        self.best, self.patience, self.bar = best, patience, bar

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        progress, numbers = self.progress, {name: float(value) for name, value in logs.items()}
        progress.epoch = epoch + 1
        progress.history.append(
            {
                "epoch": len(progress.history) + 1,
                "phase": progress.phase + 1,
                **numbers,
                "learning_rate": float(self.model.optimizer.learning_rate),
                "seconds": time.perf_counter() - self.started,
            }
        )
        self.bar.set_postfix({name: f"{value:.3f}" for name, value in numbers.items()})
        watched = numbers.get("val_loss", -float(epoch))  # without validation the last is best
        progress.waited += 1
        if watched < progress.best:
            progress.best, progress.waited, self.best = watched, 0, self.model.get_weights()
        if progress.waited >= self.patience:
            self.model.stop_training = True
        self.checkpoint.write(progress, self.model, self.best)


def _run_phase(model, recipe, parts, *, progress, checkpoint, settings) -> None:
    """Train `model` through the present phase of `progress`, and leave the best weights in it."""
    phase = recipe.phases[progress.phase]
    if recipe.takes != "features" and recipe.backbone is not None:
        backbones.set_trainable(model, phase.trainable, pretrained=recipe.weights is not None)
    learner = _compiled(model, recipe, phase, seed=settings.seed)
    best = checkpoint.restore(learner) if progress.epoch else learner.get_weights()
    train, validation = parts
    examples = _examples(train, recipe, batch_size=phase.batch_size, settings=settings, learn=True)
    examples.epoch = len(progress.history)  # runs on through the phases
    held_out = None
    if len(validation):
        held_out = _examples(
            validation, recipe, batch_size=phase.batch_size, settings=settings, learn=False
        )
    if progress.waited < settings.patience:
        total = phase.epochs * len(examples)
        with counter(desc=recipe.name, total=total, unit="batch") as bar:
            bar.update(progress.epoch * len(examples))
            watch = _Epochs(progress, checkpoint, best=best, patience=settings.patience, bar=bar)
            learner.fit(
                examples,
                validation_data=held_out,
                epochs=phase.epochs,
                initial_epoch=progress.epoch,
                shuffle=False,  # the examples shuffle by themselves, by the seed
                callbacks=[watch, *settings.callbacks],
                verbose=0,
            )
            best = watch.best
    learner.set_weights(best)
    progress.phase, progress.epoch = progress.phase + 1, 0
    progress.best, progress.waited = float("inf"), 0


def _examples(part, recipe, *, batch_size, settings, learn) -> Clips | Sequences:
    """Return what one phase learns from, or is validated on, in batches."""
    options = {"batch_size": batch_size, "shuffle": learn, "seed": settings.seed}
    if recipe.takes == "features":
        return Sequences(part, per_frame=recipe.head == "single", **options)
    return Clips(
        part,
        sampling=recipe.train_sampling if learn else recipe.test_sampling,
        size=recipe.size,
        per_frame=recipe.takes == "frames",
        cache=settings.cache,
        **options,
    )


def _compiled(model, recipe, phase, *, seed) -> keras.Model:
    """Put augmentation, if any, in front of `model` and compile both as one for `phase`."""
    pictures = keras.Input(model.input_shape[1:])
    augment = recipe.augment and recipe.takes != "features"
    learner = keras.Model(pictures, model(Augment(seed=seed)(pictures) if augment else pictures))
    rate = phase.learning_rate
    if phase.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, phase.decay)
    optimizers = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=phase.momentum),
    }
    # A step that makes variables, as metrics and optimizers do at their first batch, is traced a
    # second time, and tracing is half of a short training. So all of them are made here.
    learner.compile(
        optimizer=optimizers[phase.optimizer](),
        loss="sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    learner.optimizer.build(learner.trainable_variables)
    return learner


def _identity(recipe, parts, settings) -> str:
    """Digest of what makes two trainings the same, so that no other's checkpoint is taken up."""
    facts = [
        recipe.as_dict(),
        [part.fingerprint for part in parts],
        [settings.seed, settings.patience, settings.key],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
