"""What a phase trains: the whole model, or the rest of it where a frozen part is computed once.

What is frozen in a phase (see `vidlab.freezing`) is computed for every frame the samplers can
choose, and kept on disk; the rest learns from these features. Where a recipe augments, some varied
views of each training video are kept, and an epoch shows one of them.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import keras
import pandas as pd

from vidlab import recipes
from vidlab.data.augment import VIEWS, Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Possible, Sampler, choose
from vidlab.data.store import FeatureStore
from vidlab.data.streams import PADDING, Rgb
from vidlab.errors import RecipeError
from vidlab.models.graph import input_names
from vidlab.recipes import Phase, Recipe
from vidlab.training import features
from vidlab.training.freezing import KEPT, Split, split

__all__ = ["Learner", "Settings", "StoredFeatures", "features_of", "learner_of", "together"]


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
        All videos of the dataset, so that splits and recipes share what is computed once. None:
        those trained and validated on.
    beside : VideoIndex or None
        The videos of ``recipe.beside``.
    most_bytes : int
        Disk that a phase may take in `features`.
    precision : {"float32", "fast"}
        Of what is computed once; see `vidlab.features.extract`.
    checkpoint : Path or None
        Its file stays when the training ends, until who keeps the result removes it.
    key : str
        What else makes this training another one; a checkpoint is taken up only under the same.
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
class StoredFeatures(Rgb):
    """Features of the frames of a video, computed once: what training reads in place of frames.

    Parameters
    ----------
    sampling, clip, test
        As for `Rgb`; `size` is of no effect.
    stores
        One, or one for each varied view.
    padding
        What fills up shorter clips; None where clips must not be padded.
    """

    size: int | tuple[int, int] = (1, 1)
    stores: tuple[FeatureStore, ...] = ()
    padding: float | None = PADDING

    dtype: ClassVar[str] = "float32"

    @property
    def views(self) -> int:
        """How many views are kept."""
        return len(self.stores)

    @property
    def frame_shape(self) -> tuple[int]:
        """Of the features of one frame."""
        return (self.stores[0].size,)

    def opened(self, record, *, cache=None, flow=None, view: int = 0) -> Callable:
        """Open the features of one video; see `Rgb.opened`."""
        return partial(self.stores[view].rows, record.video_id)


@dataclasses.dataclass(frozen=True)
class Learner:
    """A model that a phase trains, or the rest of one whose frozen part is stored.

    Attributes
    ----------
    model : keras.Model
        Shares its weights with the whole.
    streams : dict or Rgb
        What it takes in training.
    plain : dict or Rgb
        What it takes of videos as they are.
    feature_seconds : float
        What computing the features has cost, now or at an earlier time.
    """

    model: keras.Model
    streams: Mapping[str, Rgb] | Rgb
    plain: Mapping[str, Rgb] | Rgb
    feature_seconds: float = 0.0


def learner_of(
    model: keras.Model,
    recipe: Recipe,
    phase: Phase,
    parts: tuple[VideoIndex, VideoIndex],
    *,
    settings: Settings,
) -> Learner:
    """Compute once what is frozen in a phase, and return what is left to train.

    Parameters
    ----------
    model
        Prepared for the phase.
    parts
        Training and validation videos.
    """
    train, inputs = parts[0], recipe.inputs
    whole = Learner(model, recipe.streams, recipe.streams)
    views = _views(recipe, phase, train) if settings.features is not None else 0
    if not views:
        return whole
    learned, tested = (
        Possible(tuple(dict.fromkeys(getattr(stream, which) for stream in inputs.values())))
        for which in ("sampling", "at_test")
    )
    plain = tested if recipe.augment else Possible((*learned.samplers, *tested.samplers))
    to_keep = [(settings.index or together(parts), plain, None)]
    if recipe.augment is not None:
        to_keep += [(train, learned, (recipe.augment, view)) for view in range(views)]
    frames = sum(_count(sampling, videos) for videos, sampling, _ in to_keep)
    cut = _cut(model, recipe, frames=frames, most_bytes=settings.most_bytes)
    if cut is None:
        return whole
    stores = [_extract(cut, recipe, *kept, settings=settings) for kept in to_keep]
    first = inputs[input_names(cut.frozen)[0]]
    kept = {"clip": first.clip, "test": first.test, "padding": cut.padding}
    live = {name: inputs[name] for name in cut.live}

    in_training, plain = (
        {KEPT: StoredFeatures(first.sampling, stores=tuple(some), **kept), **live}
        for some in (stores[1:] or stores, stores[:1])
    )
    return Learner(cut.rest, in_training, plain, sum(store.seconds for store in stores))


def features_of(
    recipe: Recipe, model: keras.Model, videos: VideoIndex, *, settings: Settings
) -> FeatureStore:
    """Compute the features of videos as they are that the frozen part of a recipe's model gives.

    Raises
    ------
    RecipeError
        If nothing with weights is frozen in the first phase.
    """
    recipes.prepare(model, recipe, recipe.phases[0])
    cut = split(model, clips=not recipe.per_frame)
    if cut is None:
        raise RecipeError(
            "Expected a recipe with a frozen part, such as convgru-fixed. Received: "
            f"{recipe.name}, in which everything learns. Choose another."
        )
    sampling = Possible(tuple({stream.at_test for stream in recipe.inputs.values()}))
    return _extract(cut, recipe, videos, sampling, None, settings=settings)


def _extract(
    cut: Split,
    recipe: Recipe,
    videos: VideoIndex,
    sampling: Sampler,
    variation: tuple[Augment, int] | None,
    *,
    settings: Settings,
) -> FeatureStore:
    kept = {"out": settings.features, "flow": settings.flow, "precision": settings.precision}
    given = {"streams": recipe.inputs, "sampling": sampling, "variation": variation}
    return features.extract(videos, cut.frozen, **given, **kept)


def _cut(model: keras.Model, recipe: Recipe, *, frames: int, most_bytes: int) -> Split | None:
    """Cut a model after what cannot learn, earlier where keeping it takes too much disk.

    None trains the whole; a cut moved by the disk is reported.
    """
    clips = not recipe.per_frame
    cut = split(model, clips=clips)
    if cut is None or not _can_be_kept(cut, recipe):
        return None
    if 4 * frames * cut.size <= most_bytes:
        return cut
    smaller = split(model, clips=clips, most=most_bytes / (4 * frames))
    print(
        f"{recipe.name}: keeping the output of {cut.where} would take "
        f"{4e-9 * frames * cut.size:,.1f} GB, more than {most_bytes / 1e9:g}; "
        + (f"that of {smaller.where} is kept." if smaller else "the whole model is trained.")
    )
    return smaller


def _can_be_kept(cut: Split, recipe: Recipe) -> bool:
    """Whether the inputs of the frozen part are of the same frames, and padding is recognised."""
    streams = [recipe.inputs[name] for name in input_names(cut.frozen)]
    same_frames = len({(stream.sampling, stream.at_test) for stream in streams}) == 1
    unequal = streams[0].clip and any(
        sampling.length is None for sampling in (streams[0].sampling, streams[0].at_test)
    )
    return same_frames and not (unequal and cut.padding is None)


def together(parts: tuple[VideoIndex, VideoIndex]) -> VideoIndex:
    """Join parts of a dataset again."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return dataclasses.replace(parts[0], table=table)


def _views(recipe: Recipe, phase: Phase, train: VideoIndex) -> int:
    """Count the varied views worth keeping; 0 where a phase looks at fewer frames than that.

    A view costs every frame the samplers can return, an epoch only those they do.
    """
    samplers = tuple({stream.sampling for stream in recipe.inputs.values()})
    seen = phase.epochs * sum(_count(sampling, train) for sampling in samplers)
    views = seen // _count(Possible(samplers), train)
    return int(min(views, VIEWS if recipe.augment is not None else 1))


def _count(sampling, videos: VideoIndex) -> int:
    """Count the frames a sampler takes of all videos."""
    rows = videos.table[["frames", "fps"]].itertuples(index=False)
    return sum(len(choose(sampling, row)) for row in rows)
