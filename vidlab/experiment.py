"""One recipe on one split: train it, ask it about the test videos, measure, keep everything.

Takes a recipe from `recipes` and the parts of a split from `index`; has `features` extracted and
`training` done as the recipe says; gives a finished run folder of `runs` to `lab`. What is kept is
always a model from frames or clips to classes: where only a head was trained, on features, it is
joined to the encoder the features came from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab import evaluation, pantomime, predictions
from vidlab.sampling import Reordered

if TYPE_CHECKING:
    import keras

    from vidlab.clips import FrameCache
    from vidlab.features import FeatureStore
    from vidlab.index import VideoIndex
    from vidlab.recipes import Recipe
    from vidlab.runs import RunFolder
    from vidlab.training import Fitted, Settings

__all__ = ["ORDERS", "Bench", "ask", "conduct", "stored"]


ORDERS = ("reversed", "shuffled", "frozen")
"""Orders of frames, other than that of time, that a trained model can be asked about."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where an experiment finds what is made once and used by many.

    Attributes
    ----------
    index : VideoIndex
        All videos of the dataset; features are kept of all of them.
    features : Path
        Folder of the feature stores.
    frames : callable
        Size in pixels (height, width) to the cache of decoded frames, or None where none is kept.
    precision : {"float32", "fast"}
        Of feature extraction.
    """

    index: VideoIndex
    features: Path
    frames: Callable[[tuple[int, int]], FrameCache | None]
    precision: str = "float32"


def conduct(
    recipe: Recipe,
    parts: tuple[VideoIndex, VideoIndex, VideoIndex],
    *,
    folder: RunFolder,
    record: dict,
    bench: Bench,
    settings: Settings,
    start: keras.Model | None = None,
) -> None:
    """Train a recipe and write its run folder.

    Parameters
    ----------
    recipe
        Already adapted to the profile.
    parts
        Training, validation and test videos.
    folder
        Where to.
    record
        What ``recipe.json`` shall hold; written last, for it vouches for the files beside it.
    bench
        Data and caches.
    settings
        Of the training.
    start
        The trained model of the recipe this one starts from.
    """
    from vidlab import features, recipes, training  # these import Keras

    settings = dataclasses.replace(settings, cache=bench.frames(recipe.size))
    train, validation, test = parts
    seconds = None
    if recipe.takes == "features":
        encoder = recipes.encoder(recipe, weights=recipe.weights, start=start)
        store = stored(recipe, encoder, bench=bench)
        seconds = store.seconds
        fitted = training.fit(
            recipe, (_of(store, train), _of(store, validation)), settings=settings
        )
        model = recipes.assemble(encoder, fitted.model)
        sequences = features.Sequences(_of(store, test), per_frame=recipe.head == "single")
        said = _answers(fitted.model, sequences, recipe, videos=test)
    else:
        fitted = training.fit(recipe, (train, validation), settings=settings, start=start)
        model = fitted.model
        said = ask(recipe, model, videos=test, bench=bench)
    for old in ("recipe.json", *(f"predictions-{order}.npz" for order in ORDERS)):
        (folder.path / old).unlink(missing_ok=True)
    folder.write(model=model, history=fitted.history, predictions=said)
    metrics = _metrics(said, model, fitted=fitted, feature_seconds=seconds)
    metrics["model_bytes"] = (folder.path / "model.keras").stat().st_size
    folder.write(metrics=metrics, recipe=record)


def ask(
    recipe: Recipe,
    model: keras.Model,
    *,
    videos: VideoIndex,
    bench: Bench,
    order: str = "normal",
) -> predictions.Predictions:
    """Ask a trained model about videos, their frames in the order of time or in another.

    Parameters
    ----------
    recipe
        Already adapted to the profile; says which frames are shown.
    model
        As a run folder keeps it.
    videos
        The videos.
    bench
        Data and caches.
    order
        ``"normal"``, ``"reversed"``, ``"shuffled"`` or ``"frozen"``.

    Returns
    -------
    Predictions
        One row a video; with the frames too where the model takes single frames.
    """
    from vidlab import clips  # imports Keras

    sampling = recipe.test_sampling
    per_frame = recipe.takes == "frames" or recipe.head == "single"
    alike = per_frame or sampling.length is not None
    data = clips.Clips(
        videos,
        sampling=sampling if order == "normal" else Reordered(sampling, order),
        size=recipe.size,
        batch_size=64 if per_frame else 8 if alike else 1,
        per_frame=per_frame,
        cache=bench.frames(recipe.size),
    )
    return _answers(model, data, recipe, videos=videos)


def stored(recipe: Recipe, encoder: keras.Model, *, bench: Bench) -> FeatureStore:
    """Return the features that `recipe` learns from, of all videos; extracted where missing."""
    from vidlab import features  # imports Keras

    return features.extract(
        bench.index,
        backbone=encoder,
        sampling=recipe.test_sampling,
        out=bench.features,
        precision=bench.precision,
    )


def _of(store: FeatureStore, videos: VideoIndex) -> FeatureStore:
    """Return the part of a store that holds these videos, in their order."""
    places = {video_id: place for place, video_id in enumerate(store.video_ids)}
    return store.select([places[video_id] for video_id in videos.table["video_id"]])


def _answers(model, data, recipe: Recipe, *, videos: VideoIndex) -> predictions.Predictions:
    return predictions.answer(model, data, videos=videos, how=recipe.aggregation)


def _metrics(
    said: predictions.Predictions,
    model: keras.Model,
    *,
    fitted: Fitted,
    feature_seconds: float | None,
) -> dict:
    """Return the numbers that stand beside a run in every table; accuracies in 0–1."""
    sure = evaluation.interval(said)
    pairs = evaluation.pair_accuracy(said, pantomime.REVERSED_PAIRS)
    metrics = {
        **evaluation.top_ks(said),
        "top1_low": sure.low,
        "top1_high": sure.high,
        "clusters": sure.clusters,
        "test_videos": len(said),
        "parameters": model.count_params(),
        "training_seconds": fitted.seconds,
        "epochs": len(fitted.history),
    }
    if said.frames is not None:
        metrics["frame_top1"] = evaluation.frame_top_k(said, k=1)
    if feature_seconds is not None:
        metrics["feature_seconds"] = feature_seconds
    if len(pairs):
        metrics["pairs_among_all"] = pairs.loc[evaluation.ALL_PAIRS, "among_all"]
        metrics["pairs_within"] = pairs.loc[evaluation.ALL_PAIRS, "within_pair"]
    return metrics
