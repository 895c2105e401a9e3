"""One recipe on one split: train it, predict the test videos, measure, keep everything."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import keras

from vidlab import evaluation
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import choose
from vidlab.data.streams import Rgb
from vidlab.errors import ModelError
from vidlab.evaluation import predictions
from vidlab.evaluation.runs import RunFolder
from vidlab.models.cost import multiply_adds
from vidlab.recipes import Recipe
from vidlab.training import Fitted, Settings, fit

__all__ = ["ORDERS", "predict", "train_and_evaluate"]


ORDERS = ("reversed", "shuffled", "frozen")
"""Orders of frames, other than that of time, in which a trained model can be shown videos."""


def train_and_evaluate(
    recipe: Recipe,
    parts: tuple[VideoIndex, VideoIndex, VideoIndex],
    *,
    folder: RunFolder,
    record: dict,
    settings: Settings,
    start: keras.Model | None = None,
    validated_start: keras.Model | None = None,
) -> None:
    """Train a recipe and write its run folder.

    Parameters
    ----------
    recipe
        Already adapted to the profile.
    parts
        Training, validation and test videos.
    record
        What ``recipe.json`` shall hold; written last, for it vouches for the files beside it.
    start
        The trained model of the recipe this one starts from.
    validated_start
        The same, not trained on the validation videos; see `vidlab.training.fit`.
    """
    test = parts[2]
    starts = {"start": start, "validated_start": validated_start}
    fitted = fit(recipe, parts[:2], settings=settings, **starts)
    kept = {"cache": settings.cache, "flow": settings.flow}
    found = predict(fitted.learner.model, test, recipe, streams=fitted.learner.plain, **kept)
    orders = [f"predictions-{order}.npz" for order in ORDERS]
    for old in ("recipe.json", "validated.keras", *orders):
        (folder.path / old).unlink(missing_ok=True)
    models = {"model": fitted.model, "validated": fitted.validated}
    folder.write(**models, history=fitted.history, predictions=found)
    metrics = _metrics(found, fitted, test) | {"multiply_adds": _cost(fitted.model, recipe, test)}
    metrics["model_bytes"] = (folder.path / "model.keras").stat().st_size
    folder.write(metrics=metrics, recipe=record)
    if settings.checkpoint is not None:
        for file in (settings.checkpoint, settings.checkpoint.with_stem("refit")):
            file.unlink(missing_ok=True)  # not before all is kept


def predict(
    model: keras.Model,
    videos: VideoIndex,
    recipe: Recipe,
    *,
    order: str = "normal",
    streams: Mapping[str, Rgb] | Rgb | None = None,
    cache: Path | None = None,
    flow: Path | None = None,
) -> predictions.Predictions:
    """Predict videos with a trained model, their frames in the order of time or in another.

    Parameters
    ----------
    recipe
        Already adapted to the profile.
    order
        ``"normal"``, or one of `ORDERS`.
    streams
        What the model takes, where it is not what the recipe's does, such as features.
    cache, flow
        Folders for decoded frames and for optical flow.
    """
    if order != "normal":
        inputs = {name: stream.reordered(order) for name, stream in recipe.inputs.items()}
        recipe = recipe.adapted(inputs=inputs)
    batch_size = 64 if recipe.per_frame else 8
    data = Clips(videos, streams or recipe.streams, batch_size=batch_size, cache=cache, flow=flow)
    return predictions.predict(
        model, data, aggregation=recipe.aggregation, output=next(iter(recipe.tasks))
    )


def _cost(model: keras.Model, recipe: Recipe, test: VideoIndex) -> float | None:
    """Return the multiply-adds that predicting one video takes, the mean over the test videos.

    None for a model with layers whose cost is not known.
    """
    rows = test.table[["frames", "fps"]].itertuples(index=False)
    mean = fmean(len(choose(recipe.test_sampling, row)) for row in rows)
    try:
        if recipe.per_frame:
            return multiply_adds(model) * mean
        return float(multiply_adds(model, frames=round(mean)))
    except ModelError:
        return None


def _metrics(found: predictions.Predictions, fitted: Fitted, test: VideoIndex) -> dict:
    """Return the numbers that stand beside a run in every table; accuracies in 0–1."""
    interval = evaluation.interval(found)
    pairs = evaluation.pair_accuracy(found, test.reversed_pairs)
    metrics = {
        **evaluation.top_ks(found),
        "top1_low": interval.low,
        "top1_high": interval.high,
        "clusters": interval.clusters,
        "test_videos": len(found),
        "parameters": fitted.model.count_params(),
        "training_seconds": fitted.seconds,
        "epochs": len(fitted.history),
    }
    if found.frames is not None:
        metrics["frame_top1"] = evaluation.top_k(found, per="frame")
    if fitted.learner.feature_seconds:
        metrics["feature_seconds"] = fitted.learner.feature_seconds
    for kind, name in ((evaluation.END_STATE, "end_state"), (evaluation.CYCLIC, "cyclic")):
        if kind in pairs.index:
            metrics[f"{name}_among_all"] = pairs.loc[kind, "among_all"]
            metrics[f"{name}_within"] = pairs.loc[kind, "within_pair"]
    return metrics
