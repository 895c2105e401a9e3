"""Training: a recipe and videos in, a fitted model and its history out.

A recipe trains in one or more *phases* (first the new layers, then deeper ones). What cannot learn
in a phase is computed once and kept on disk (`vidlab.learners`). A phase with a *solver* finds the
weights of a layer at once; every other is gradient descent: it stops early on the validation loss
and keeps its best weights; after every epoch a checkpoint is written, from which an interrupted
training goes on: randomness follows from the seed, the epoch and the video alone.

A recipe with `refit` is trained twice: first without the validation videos, to see after how many
epochs their loss is lowest; then on all videos together, for as long.
"""

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from vidlab import recipes
from vidlab.data.dataset import Clips, own_errors
from vidlab.data.index import VideoIndex
from vidlab.data.streams import Rgb
from vidlab.errors import RecipeError
from vidlab.evaluation import kept_epoch
from vidlab.models.graph import flatten, steps
from vidlab.progress import counter
from vidlab.recipes import Phase, Recipe
from vidlab.training.checkpoints import Checkpoint
from vidlab.training.learners import Learner, Settings, learner_of, together

__all__ = ["Fitted", "fit", "fit_once", "optimizer_of"]

_MOST_VECTORS = 100_000  # that a solver is given of maps


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained model, and how its training went.

    Attributes
    ----------
    model : keras.Model
        From frames or clips to class probabilities, as `vidlab.recipes.build` gives it.
    history : pandas.DataFrame
        One row an epoch: epoch (from 1, through all phases), phase, loss, accuracy, val_loss,
        val_accuracy, learning_rate (of gradient descent), seconds.
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
        """Time spent in epochs, not in computing what is kept; those before a stop included."""
        return float(self.history["seconds"].sum()) + self.again


def fit(
    recipe: Recipe,
    parts: tuple[VideoIndex, VideoIndex],
    *,
    settings: Settings | None = None,
    start: keras.Model | Mapping[str, keras.Model] | None = None,
    validated_start: keras.Model | Mapping[str, keras.Model] | None = None,
) -> Fitted:
    """Train `recipe`, or go on where an interrupted training of it stopped.

    The model is left with the best weights of its last phase; of a recipe with `refit`, with the
    last weights of a second training on all videos.

    Parameters
    ----------
    recipe
        Already adapted to the profile.
    parts
        Training and validation videos. Without validation videos nothing stops early, and the last
        weights are kept.
    start
        For a recipe that starts from another: the other's trained model; of several by name.
    validated_start
        The same before it learned from the validation videos: what the first of two trainings
        starts from, or its validation loss would be that of videos it knows.

    Raises
    ------
    RecipeError
        If the recipe starts from another and `start` is missing, or the reverse.
    """
    settings = settings or Settings()
    twice = recipe.refit and len(parts[1]) > 0
    first = validated_start if twice and validated_start is not None else start
    fitted = fit_once(recipe, parts, settings=settings, start=first)
    if not twice:
        return fitted
    phases, history = [], fitted.history
    for number, phase in enumerate(recipe.phases, start=1):
        kept = kept_epoch(history[history["phase"] == number])
        phases.append(phase if kept is None else dataclasses.replace(phase, epochs=kept + 1))
    file = settings.checkpoint and settings.checkpoint.with_stem("refit")
    again = fit_once(
        recipe.adapted(phases=tuple(phases)),
        (together(parts), parts[1].select([])),
        settings=dataclasses.replace(settings, checkpoint=file, callbacks=()),
        start=start,
    )
    return Fitted(again.model, history, again.learner, fitted.model, again.seconds)


def fit_once(recipe, parts, *, settings, start) -> Fitted:
    """Train a recipe on the training videos alone; parameters and errors are those of `fit`."""
    if bool(recipe.starts) != (start is not None):
        raise RecipeError(
            f"Expected {', '.join(recipe.starts) or 'no model'} to start {recipe.name} from. "
            f"Received: {getattr(start, 'name', start) or 'no model'}. "
            "Pass the trained model of the recipe named in `starts_from`, or none."
        )
    if settings.beside is not None:
        parts = (_with_others(parts[0], settings.beside), parts[1])
    keras.utils.set_random_seed(settings.seed)
    model = recipes.build(recipe, len(parts[0].classes), weights=recipe.weights, start=start)
    checkpoint = Checkpoint.read(settings.checkpoint, _identity(recipe, parts, settings))
    if checkpoint.history:
        checkpoint.restore(model)  # what is frozen now may have learned in an earlier phase
    learner = Learner(model, recipe.streams, recipe.streams)
    while checkpoint.phase < len(recipe.phases):
        phase = recipe.phases[checkpoint.phase]
        recipes.prepare(model, recipe, phase)
        learner = learner_of(model, recipe, phase, parts, settings=settings)
        training = _Phase(recipe, phase, parts, settings, checkpoint, model, learner)
        if phase.solver is not None:
            training.solve()
        else:
            training.descend()
        checkpoint.phase += 1
    history = checkpoint.history or {name: [] for name in ("epoch", "phase", "loss", "seconds")}
    return Fitted(model, pd.DataFrame(history), learner)


@dataclasses.dataclass
class _Phase:
    """One phase of a training; the checkpoint tells how far it has come."""

    recipe: Recipe
    phase: Phase
    parts: tuple[VideoIndex, VideoIndex]
    settings: Settings
    checkpoint: Checkpoint
    whole: keras.Model
    learner: Learner

    def descend(self) -> None:
        """Train by gradient descent, and leave the best weights in the model."""
        checkpoint, model, patience = self.checkpoint, self.learner.model, self.recipe.patience
        self.compile(model)
        best = self.whole.get_weights()
        if checkpoint.epoch:
            best = checkpoint.restore(self.whole, model.optimizer)
        train, validation = self.examples()
        train.epoch = len(checkpoint.history)  # runs on through the phases
        if checkpoint.waited < patience:
            batches = len(train) + (len(validation) if validation else 0)
            total = self.phase.epochs * batches
            with counter(desc=self.recipe.name, total=total, unit="batch") as bar:
                bar.update(checkpoint.epoch * batches)
                watch = _Epochs(self, best, bar)
                with own_errors(train, validation):
                    model.fit(
                        train,
                        validation_data=validation,
                        epochs=self.phase.epochs,
                        initial_epoch=checkpoint.epoch,
                        shuffle=False,  # the examples shuffle by themselves, by the seed
                        callbacks=[watch, *self.settings.callbacks],
                        verbose=0,
                    )
                best = watch.best
        self.whole.set_weights(best)
        checkpoint.epoch, checkpoint.best, checkpoint.waited = 0, float("inf"), 0

    def solve(self) -> None:
        """Give a layer the weights that the solver finds."""
        phase, model, seed = self.phase, self.learner.model, self.settings.seed
        started = time.perf_counter()
        train, validation = self.examples()
        flat, calls = steps(flatten(model))
        last = calls[-1]
        solved = next((call for call in calls if call.layer.name == phase.layer), None)
        solved = solved if phase.layer else last
        if solved is None or not hasattr(solved.layer, "units"):
            raise RecipeError(
                "Expected a layer with units, such as Dense, whose weights a solver finds. "
                f"Received: {phase.layer or last.layer.name} in {self.recipe.name}. Name one of "
                "its layers."
            )
        named = {tensor.name: tensor for tensor in flat.inputs}
        single = not isinstance(self.learner.streams, Mapping)
        features = keras.Model(flat.inputs[0] if single else named, solved.inputs[0])
        inputs, labels = _vectors(features, train, seed=seed)
        solved.layer.set_weights(phase.solver(inputs, labels, solved.layer.units))
        numbers = {}
        if solved is last:  # what it takes is known by now, and is not computed again
            head = keras.Model(solved.inputs[0], flat.output)
            self.compile(head)
            numbers = head.evaluate(inputs, labels, verbose=0, return_dict=True)
            if validation is not None:
                unseen = _vectors(features, validation, seed=seed)
                found = head.evaluate(*unseen, verbose=0, return_dict=True)
                numbers |= {f"val_{name}": value for name, value in found.items()}
        self.note(numbers, seconds=time.perf_counter() - started)

    def note(self, numbers: dict[str, float], *, seconds: float) -> None:
        """Add a row to the history."""
        history = self.checkpoint.history
        row = {"epoch": len(history) + 1, "phase": self.checkpoint.phase + 1}
        history.append(row | numbers | {"seconds": seconds})

    def examples(self) -> tuple[Clips, Clips | None]:
        """Return what is learned from and what is validated on, in batches."""
        train, validation = self.parts
        streams, augment = self.learner.streams, self.recipe.augment
        learned = self.clips(train, streams, shuffle=True, augment=augment)
        return learned, self.clips(validation, self.learner.plain) if len(validation) else None

    def clips(self, part: VideoIndex, streams: Mapping[str, Rgb] | Rgb, **varied) -> Clips:
        """Return videos in batches, with the labels that the tasks learn."""
        labels, settings = self.labels(part), self.settings
        options = {"batch_size": self.phase.batch_size, "seed": settings.seed, **varied}
        options |= {"cache": settings.cache, "flow": settings.flow}
        single = next(iter(labels.values()))
        return Clips(part, streams, labels=labels if len(labels) > 1 else single, **options)

    def labels(self, part: VideoIndex) -> dict[str, np.ndarray]:
        """Return what each task learns, one label a video."""
        tasks = self.recipe.tasks.items()
        return {name: task.labels(part.table, part.classes) for name, task in tasks}

    def compile(self, model: keras.Model) -> None:
        """Compile a model, with all the variables its steps need.

        A step that makes variables, as metrics, optimizers and the losses of several outputs do at
        their first batch, is traced a second time, and tracing is half of a short training. So all
        of them are made here.
        """
        tasks, labels = self.recipe.tasks.items(), self.labels(self.parts[0])
        losses = {name: task.loss for name, task in tasks}
        metrics = {
            name: [getattr(keras.metrics, task.metric)(name="accuracy")] for name, task in tasks
        }
        several = len(losses) > 1
        model.compile(
            optimizer=optimizer_of(self.phase),
            loss=losses if several else next(iter(losses.values())),
            loss_weights={name: task.weight for name, task in tasks} if several else None,
            weighted_metrics=metrics if several else next(iter(metrics.values())),
        )
        model.optimizer.build(model.trainable_variables)
        if several:
            shapes = {name: [n or 1 for n in out.shape[1:]] for name, out in model.output.items()}
            model.compute_loss(
                y={name: np.ma.filled(values, 0)[:1] for name, values in labels.items()},
                y_pred={name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()},
            )


class _Epochs(keras.callbacks.Callback):
    """After each epoch: note it, keep the best weights, stop when patience is spent, save."""

    def __init__(self, training: _Phase, best: list[np.ndarray], bar):
        super().__init__()
        self.training, self.best, self.bar = training, best, bar

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()
        phase = self.training.phase
        if phase.drops:
            self.model.optimizer.learning_rate = phase.rate_at(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    on_test_batch_end = on_train_batch_end  # validation is progress, too

    def on_epoch_end(self, epoch, logs=None):
        training, numbers = self.training, {name: float(value) for name, value in logs.items()}
        first = next(iter(training.recipe.tasks))  # of several outputs the one that names classes
        for name in ("accuracy", "val_accuracy"):
            own = name.replace("accuracy", f"{first}_accuracy")
            numbers |= {name: numbers[own]} if own in numbers else {}
        rate = {"learning_rate": float(self.model.optimizer.learning_rate)}
        training.note(numbers | rate, seconds=time.perf_counter() - self.started)
        self.bar.set_postfix({name: f"{value:.3f}" for name, value in numbers.items()})
        checkpoint = training.checkpoint
        watched = numbers.get("val_loss", -float(epoch))  # without validation the last is best
        checkpoint.epoch, checkpoint.waited = epoch + 1, checkpoint.waited + 1
        if watched < checkpoint.best:
            checkpoint.best, checkpoint.waited = watched, 0
            self.best = training.whole.get_weights()
        if checkpoint.waited >= training.recipe.patience:
            self.model.stop_training = True
        checkpoint.write(training.whole, self.model.optimizer, self.best)


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


def _with_others(train: VideoIndex, beside: VideoIndex) -> VideoIndex:
    """Add the videos of another dataset to those learned from; none of them is of a class here."""
    others = beside.table.assign(label=-1, video_id="beside-" + beside.table["video_id"])
    return dataclasses.replace(train, table=pd.concat([train.table, others], ignore_index=True))


def optimizer_of(phase: Phase) -> keras.Optimizer:
    """Make the optimizer of a phase."""
    rate = phase.learning_rate
    if phase.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, phase.decay)
    if phase.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=phase.momentum)


def _identity(recipe, parts, settings) -> str:
    """Digest of what makes two trainings the same, so that no other's checkpoint is taken up."""
    facts = [
        recipe.as_dict(),
        [part.fingerprint for part in parts],
        [settings.seed, settings.features is not None, settings.precision, settings.key],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
