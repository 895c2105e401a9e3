"""Training: a recipe and videos in, a fitted model and its history out.

A recipe trains in one or more *phases* (first the new layers, then deeper ones). What cannot learn
in a phase is computed once, kept on disk, and only the rest is trained (`vidlab.learners`). A phase
with a *solver* finds the weights of the last layer at once; every other is gradient descent: it
stops early on the validation loss and keeps its best weights; after every epoch a checkpoint
is written, from which an interrupted training goes on: randomness follows from the seed, the epoch
and the video alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from vidlab import recipes
from vidlab.data.dataset import Clips, own_errors
from vidlab.data.index import VideoIndex
from vidlab.errors import RecipeError
from vidlab.models.graph import flatten, steps
from vidlab.progress import counter
from vidlab.recipes import Phase, Recipe
from vidlab.training.checkpoints import Checkpoint
from vidlab.training.learners import Learner, learner_of

__all__ = ["Fitted", "Settings", "fit_once", "optimizer_of"]

_MOST_VECTORS = 100_000  # that a solver is given of maps


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train, apart from what the recipe says.

    Attributes
    ----------
    seed : int
        Seeds the new weights, the order of the videos, the frames drawn, augmentation and dropout.
    cache : Path or None
        Folder for decoded frames, to skip the decoder after the first epoch.
    flow : Path or None
        Folder for optical flow; None computes it anew in every epoch.
    features : Path or None
        Folder for what is computed once; None trains the whole model in every epoch.
    index : VideoIndex or None
        All videos of the dataset: what is computed once is shared by splits and recipes. None:
        those trained and validated on, and no others can be predicted from what is kept.
    beside : VideoIndex or None
        The videos of ``recipe.beside``.
    most_bytes : int
        Disk that a phase may take in `features`.
    precision : {"float32", "fast"}
        Of what is computed once; see `vidlab.features.extract`.
    checkpoint : Path or None
        File for the checkpoint. It stays when the training ends, and gives its result again, until
        who keeps that result removes it.
    key : str
        What else makes this training another one, such as a digest of the starting model's recipe;
        a checkpoint is taken up only under the same key.
    callbacks : sequence of keras.callbacks.Callback
        More Keras callbacks, such as `widgets.TrainingCurves.watch` makes.
    """

    seed: int = 0
    cache: Path | None = None
    flow: Path | None = None
    features: Path | None = None
    index: VideoIndex | None = None
    beside: VideoIndex | None = None
    most_bytes: int = 20 * 10**9
    precision: str = "float32"
    checkpoint: Path | None = None
    key: str = ""
    callbacks: Sequence[keras.callbacks.Callback] = ()


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained model, and how its training went.

    Attributes
    ----------
    model : keras.Model
        From frames or clips to class probabilities, as `vidlab.recipes.build` gives it.
    history : pandas.DataFrame
        One row an epoch: epoch (counted through all phases, from 1), phase, loss, accuracy,
        val_loss, val_accuracy, learning_rate (of gradient descent), seconds.
    learner : Learner
        Of the last phase: predicts what `model` does, from what is kept where something is.
    validated : keras.Model or None
        Of a recipe that was trained again on all videos: the model of `history`, which has not
        learned from the validation videos.
    again : float
        Seconds in the epochs of that second training.
    """

    model: keras.Model
    history: pd.DataFrame
    learner: Learner
    validated: keras.Model | None = None
    again: float = 0.0

    @property
    def seconds(self) -> float:
        """Time spent in epochs, those before an interruption included.

        What was computed once for them took `Learner.feature_seconds`.
        """
        return float(self.history["seconds"].sum()) + self.again


def fit_once(
    recipe: Recipe,
    parts: tuple[VideoIndex, VideoIndex],
    *,
    settings: Settings | None = None,
    start: keras.Model | Mapping[str, keras.Model] | None = None,
) -> Fitted:
    """Train a recipe on the training videos alone; parameters and errors are those of `fit`.

    The checkpoint stays until `fit` has done all there is to do.
    """
    settings = settings or Settings()
    if bool(recipe.starts) != (start is not None):
        raise RecipeError(
            f"Expected {', '.join(recipe.starts) or 'no model'} to start {recipe.name} from. "
            f"Received: {getattr(start, 'name', start) or 'no model'}. "
            "Pass the trained model of the recipe named in `starts_from`, or none."
        )
    if settings.beside is not None:
        parts = (_joined(parts[0], settings.beside), parts[1])
    keras.utils.set_random_seed(settings.seed)
    model = recipes.build(recipe, len(parts[0].classes), weights=recipe.weights, start=start)
    checkpoint = Checkpoint(settings.checkpoint)
    progress = checkpoint.progress(_identity(recipe, parts, settings))
    if progress.history:
        checkpoint.restore(model)  # what is frozen now may have learned in an earlier phase
    learner = Learner(model, recipe.streams, recipe.streams)
    while progress.phase < len(recipe.phases):
        phase = recipe.phases[progress.phase]
        recipes.prepare(model, recipe, phase)
        learner = learner_of(model, recipe, phase, parts, settings=settings)
        if phase.solver is not None:
            _solve_phase(learner, recipe, parts, progress, settings)
        else:
            _run_phase(model, learner, recipe, parts, progress, checkpoint, settings)
    history = progress.history or {name: [] for name in ("epoch", "phase", "loss", "seconds")}
    return Fitted(model, pd.DataFrame(history), learner)


class _Epochs(keras.callbacks.Callback):
    """After each epoch: note it, keep the best weights, stop when patience is spent, save."""

    def __init__(self, whole, progress, checkpoint, *, recipe, best, bar):
        super().__init__()
        self.whole, self.progress, self.checkpoint = whole, progress, checkpoint
        self.recipe, self.best, self.bar = recipe, best, bar

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()
        phase = self.recipe.phases[self.progress.phase]
        if phase.drops:
            self.model.optimizer.learning_rate = phase.rate_at(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    on_test_batch_end = on_train_batch_end  # validation is progress, too

    def on_epoch_end(self, epoch, logs=None):
        progress, numbers = self.progress, {name: float(value) for name, value in logs.items()}
        first = next(iter(self.recipe.tasks))  # of several outputs it is the one that names classes
        for name in ("accuracy", "val_accuracy"):
            own = name.replace("accuracy", f"{first}_accuracy")
            numbers |= {name: numbers[own]} if own in numbers else {}
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
            progress.best, progress.waited, self.best = watched, 0, self.whole.get_weights()
        if progress.waited >= self.recipe.patience:
            self.model.stop_training = True
        self.checkpoint.write(progress, self.whole, self.model.optimizer, self.best)


def _run_phase(whole, learner, recipe, parts, progress, checkpoint, settings) -> None:
    """Train through the present phase of `progress`, and leave the best weights in the model."""
    phase, model = recipe.phases[progress.phase], learner.model
    _compile(model, recipe, phase, labels=_labels(parts[0], recipe))
    best = whole.get_weights()
    if progress.epoch:
        best = checkpoint.restore(whole, model.optimizer)
    train, validation = (
        _examples(part, recipe, learner, phase=phase, settings=settings, learn=learn)
        for part, learn in zip(parts, (True, False), strict=True)
    )
    train.epoch = len(progress.history)  # runs on through the phases
    if progress.waited < recipe.patience:
        batches = len(train) + (len(validation) if validation else 0)
        with counter(desc=recipe.name, total=phase.epochs * batches, unit="batch") as bar:
            bar.update(progress.epoch * batches)
            watch = _Epochs(whole, progress, checkpoint, recipe=recipe, best=best, bar=bar)
            with own_errors(train, validation):
                model.fit(
                    train,
                    validation_data=validation,
                    epochs=phase.epochs,
                    initial_epoch=progress.epoch,
                    shuffle=False,  # the examples shuffle by themselves, by the seed
                    callbacks=[watch, *settings.callbacks],
                    verbose=0,
                )
            best = watch.best
    whole.set_weights(best)
    progress.phase, progress.epoch = progress.phase + 1, 0
    progress.best, progress.waited = float("inf"), 0


def _solve_phase(learner, recipe, parts, progress, settings) -> None:
    """Give a layer the weights that the solver of the present phase finds."""
    phase, model = recipe.phases[progress.phase], learner.model
    started = time.perf_counter()
    train, validation = (
        _examples(part, recipe, learner, phase=phase, settings=settings, learn=learn)
        for part, learn in zip(parts, (True, False), strict=True)
    )
    flat, calls = steps(flatten(model))
    last = calls[-1]
    solved = next((call for call in calls if call.layer.name == phase.layer), None)
    solved = solved if phase.layer else last
    if solved is None or not hasattr(solved.layer, "units"):
        raise RecipeError(
            "Expected a layer with units, such as Dense, whose weights a solver finds. Received: "
            f"{phase.layer or last.layer.name} in {recipe.name}. Name one of its layers."
        )
    named = {tensor.name: tensor for tensor in flat.inputs}
    single = not isinstance(learner.streams, Mapping)
    features = keras.Model(flat.inputs[0] if single else named, solved.inputs[0])
    inputs, labels = _vectors(features, train, seed=settings.seed)
    solved.layer.set_weights(phase.solver(inputs, labels, solved.layer.units))
    numbers = {}
    if solved is last:  # what it takes is known by now, and is not computed again
        head = keras.Model(solved.inputs[0], flat.output)
        _compile(head, recipe, phase, labels=_labels(parts[0], recipe))
        numbers = head.evaluate(inputs, labels, verbose=0, return_dict=True)
        if validation is not None:
            unseen = _vectors(features, validation, seed=settings.seed)
            found = head.evaluate(*unseen, verbose=0, return_dict=True)
            numbers |= {f"val_{name}": value for name, value in found.items()}
    row = {"epoch": len(progress.history) + 1, "phase": progress.phase + 1, **numbers}
    progress.history.append(row | {"seconds": time.perf_counter() - started})
    progress.phase += 1


def _vectors(features, examples, *, seed) -> tuple[np.ndarray, np.ndarray]:
    """Return what a layer takes of all examples, a row a vector, and the labels of the rows.

    Of maps a random share is kept, of every batch alike, so that memory stays flat.
    """
    found, rng = [], np.random.default_rng(seed)
    for number in range(len(examples)):
        x, y = examples[number]
        values = features.predict_on_batch(x)
        rows = values.reshape(-1, values.shape[-1])
        labels = np.repeat(y, len(rows) // len(y))
        if values.ndim > 2:
            kept = rng.permutation(len(rows))[: math.ceil(_MOST_VECTORS / len(examples))]
            rows, labels = rows[kept], labels[kept]
        found.append((rows, labels))
    return tuple(map(np.concatenate, zip(*found, strict=True)))


def _examples(part, recipe, learner, *, phase, settings, learn) -> Clips | None:
    """Return what one phase learns from, or is validated on, in batches."""
    if not len(part):
        return None
    labels = _labels(part, recipe)
    return Clips(
        part,
        learner.streams if learn else learner.plain,
        batch_size=phase.batch_size,
        shuffle=learn,
        seed=settings.seed,
        augment=recipe.augment if learn else None,
        cache=settings.cache,
        flow=settings.flow,
        labels=labels if len(labels) > 1 else next(iter(labels.values())),
    )


def _joined(train: VideoIndex, beside: VideoIndex) -> VideoIndex:
    """Add the videos of another dataset to those learned from; none of them is of a class here."""
    others = beside.table.assign(label=-1, video_id="beside-" + beside.table["video_id"])
    table = pd.concat([train.table, others], ignore_index=True)
    return dataclasses.replace(train, table=table)


def _labels(part: VideoIndex, recipe: Recipe) -> dict[str, np.ndarray]:
    """Return what each task of a recipe learns, one label a video."""
    return {name: task.labels(part.table, part.classes) for name, task in recipe.tasks.items()}


def optimizer_of(phase: Phase) -> keras.Optimizer:
    """Make the optimizer of a phase."""
    rate = phase.learning_rate
    if phase.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, phase.decay)
    if phase.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=phase.momentum)


def _compile(
    model: keras.Model, recipe: Recipe, phase: Phase, *, labels: dict[str, np.ndarray]
) -> None:
    """Compile a model for a phase, with all the variables its steps need.

    A step that makes variables, as metrics, optimizers and the losses of several outputs do at
    their first batch, is traced a second time, and tracing is half of a short training. So all of
    them are made here.
    """
    tasks = recipe.tasks.items()
    losses = {name: task.loss for name, task in tasks}
    metrics = {name: [getattr(keras.metrics, task.metric)(name="accuracy")] for name, task in tasks}
    several = len(losses) > 1
    masked = any(map(np.ma.isMaskedArray, labels.values()))
    model.compile(
        optimizer=optimizer_of(phase),
        loss=losses if several else next(iter(losses.values())),
        loss_weights={name: task.weight for name, task in tasks} if several else None,
        weighted_metrics=metrics if masked else None,
        metrics=None if masked else metrics if several else next(iter(metrics.values())),
    )
    model.optimizer.build(model.trainable_variables)
    if several:
        shapes = {name: [n or 1 for n in output.shape[1:]] for name, output in model.output.items()}
        model.compute_loss(
            y={name: np.ma.filled(values, 0)[:1] for name, values in labels.items()},
            y_pred={name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()},
        )


def _identity(recipe, parts, settings) -> str:
    """Digest of what makes two trainings the same, so that no other's checkpoint is taken up."""
    facts = [
        recipe.as_dict(),
        [part.fingerprint for part in parts],
        [settings.seed, settings.features is not None, settings.precision, settings.key],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
