"""What a filter looks for: pictures made to excite it, kept on disk.

Takes models, read by `reading` and excited by `ascent`; gives pictures to `plots` and notebooks.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from weakref import WeakKeyDictionary

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.filters.ascent import climb, mean_responses
from vidlab.explanation.filters.reading import SCORES, Reader, checked_filters, reader
from vidlab.explanation.layers import laid_open
from vidlab.files import replacing
from vidlab.training.engines import encoder_digest

__all__ = ["FilterPictures", "depths", "maximise"]

_FORM = 2  # counts up when pictures are made otherwise, so that old ones are not shown for new
_PICTURE = 128


@dataclass(frozen=True, eq=False)
class FilterPictures:
    """Pictures that excite the filters of one layer.

    Attributes
    ----------
    images : numpy.ndarray
        ``uint8``, (filters, height, width, 3), RGB.
    layer : str
        The layer, or ``"scores"``.
    filters : numpy.ndarray
        ``int64``, (filters,): which filter each picture is of; for ``"scores"``, which class.
    responses : numpy.ndarray
        ``float32``, (filters,): how strongly each filter responds to its picture, as a mean over
        the positions of its map.
    steps, wanted : int
        How many steps were taken, and how many were asked for; where they were made in several
        turns, the fewest.
    seconds : float
        How long it took, or the longest turn.
    seed : int
        Of the noise that the pictures began as.
    loaded : bool
        Whether all were made before and only read from disk.
    """

    images: np.ndarray
    layer: str
    filters: np.ndarray
    responses: np.ndarray
    steps: int
    wanted: int
    seconds: float
    seed: int
    loaded: bool = False

    @property
    def says(self) -> str:
        """One sentence: of what these pictures are, and how they came about."""
        how = f"{self.steps} steps in {self.seconds:.0f} s"
        if self.steps < self.wanted:
            how = f"stopped after {self.steps} of {self.wanted} steps, the time was up"
        loaded = "loaded; " if self.loaded else ""
        return f"{len(self.filters)} filters of {self.layer}: {loaded}{how} (seed {self.seed})"

    def singles(self) -> list[FilterPictures]:
        """Take them apart, one record a filter."""
        return [
            replace(
                self,
                images=self.images[place : place + 1],
                filters=self.filters[place : place + 1],
                responses=self.responses[place : place + 1],
            )
            for place in range(len(self.filters))
        ]

    @classmethod
    def together(cls, records: Sequence[FilterPictures]) -> FilterPictures:
        """Join records of filters of one layer, in their order."""
        return replace(
            records[0],
            images=np.concatenate([one.images for one in records]),
            filters=np.concatenate([one.filters for one in records]),
            responses=np.concatenate([one.responses for one in records]),
            steps=min(one.steps for one in records),
            seconds=max(one.seconds for one in records),
            loaded=all(one.loaded for one in records),
        )


def depths(model: keras.Model, count: int = 6) -> list[str]:
    """Choose layers whose filters are worth a look, from the first to the last.

    They are spread evenly over the places where a convolution that mixes all channels has been
    computed and its activation is still to come: before it, a filter that is silent can still be
    excited. In networks whose modules join several branches it is the first such place and the
    joints (``mixed0`` to ``mixed10`` of InceptionV3).

    Parameters
    ----------
    model
        Of frames or clips, with convolutions.
    count
        At most so many.

    Returns
    -------
    list of str
        Names out of `vidlab.explanation.layers`.

    Raises
    ------
    ModelError
        If the model has no convolution.
    """
    anatomy = laid_open(model)
    follows: dict[int, list[str]] = {}
    for name, step in anatomy.maps.items():
        for tensor in step.inputs:
            follows.setdefault(id(tensor), []).append(name)
    found, joints = [], []
    for name, step in anatomy.maps.items():
        if isinstance(step.layer, keras.layers.Concatenate) and name in anatomy.bottlenecks:
            joints.append(name)
        if type(step.layer) not in (keras.layers.Conv2D, keras.layers.SeparableConv2D):
            continue
        after = follows.get(id(step.output), [])
        if len(after) == 1 and _is(anatomy, after[0], keras.layers.BatchNormalization):
            name = after[0]
            after = follows.get(id(anatomy.maps[name].output), [])
        acts = [one for one in after if _is(anatomy, one, *_ACTIVATIONS)]
        if acts or step.layer.activation is not keras.activations.linear:
            found.append(name)
    found = [*found[:1], *joints] if joints else found
    if not found:
        raise ModelError(
            f"Expected a model with convolutions. Received: {model.name}, which has no filters to "
            "look into. Choose a recipe with a backbone."
        )
    places = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[place] for place in places]


_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU)


def _is(anatomy, name: str, *kinds: type) -> bool:
    return isinstance(anatomy.maps[name].layer, kinds)


def maximise(
    model: keras.Model,
    layer: str,
    *,
    filters: Sequence[int] | int = 8,
    steps: int = 64,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    seconds: float = 120.0,
    cache: str | os.PathLike | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> FilterPictures:
    """Make pictures that excite the filters of a layer as strongly as possible.

    Activation maximisation (Erhan et al. 2009, *Visualizing higher-layer features of a deep
    network*) by tf-keras-vis, with what Olah et al. 2017, *Feature visualization*, found to keep
    the pictures readable. All filters climb together, as one batch, but each from its own noise:
    its picture does not depend on which others climb beside it. The same seed and number of steps
    give the same pictures on one machine; elsewhere rounding leads to slightly other ones.

    Parameters
    ----------
    model
        Of frames or clips, to class scores; shared, not copied or changed.
    layer
        One of `vidlab.explanation.layers`, such as `depths` chooses; or ``"scores"`` for pictures
        that a model of single frames takes for a class.
    filters
        Which filters (for ``"scores"``: classes), or how many, spread evenly over the layer.
    steps
        How many steps to climb.
    seed
        Of the noise that the pictures begin as, and of the movements they are looked at in.
    size
        Height and width of the pictures in pixels; 128×128 when left out, and for ``"scores"`` the
        model's own.
    seconds
        A time budget: no step is begun after it. At least one step is taken.
    cache
        A folder where pictures are kept and looked for, each on its own, whatever others are
        asked for beside it. What was cut short by the time budget is made anew when there is more
        time.
    tell
        Called after each step with how many have been taken, and how many are wanted.

    Returns
    -------
    FilterPictures

    Raises
    ------
    ModelError
        If the layer or a filter does not exist, or fewer than one step is asked for.
    """
    if steps < 1:
        raise ModelError(f"Expected at least one step. Received: steps={steps}. Take 64.")
    sees = _reader(model, layer, size=size)
    chosen = _chosen(filters, channels=sees.channels, layer=layer)
    files = _files(model, layer, chosen, cache, steps=steps, seed=seed, size=list(sees.size))
    found = {number: _load(file, layer=layer) for number, file in files.items()}
    enough = {
        number: kept
        for number, kept in found.items()
        if kept is not None and (kept.steps == steps or kept.seconds >= seconds)
    }
    missing = np.array([number for number in chosen if number not in enough], np.int64)
    if len(missing):
        started = time.perf_counter()
        images, taken = climb(sees, missing, steps=steps, seed=seed, seconds=seconds, tell=tell)
        responses = mean_responses(sees, images, filters=missing).astype(np.float32)
        made = FilterPictures(
            images=images,
            layer=layer,
            filters=missing,
            responses=responses,
            steps=taken,
            wanted=steps,
            seconds=time.perf_counter() - started,
            seed=seed,
        )
        enough |= {int(one.filters[0]): one for one in made.singles()}
        for number in missing if files else ():
            _keep(enough[number], files[number])
    return FilterPictures.together([enough[number] for number in chosen])


def _reader(model: keras.Model, layer: str, *, size: tuple[int, int] | None) -> Reader:
    """Read the layer asked for last again, since what is compiled for it is worth keeping."""
    if size is None:
        size = None if layer == SCORES else (_PICTURE, _PICTURE)
    asked, sees = _LAST.get(model, (None, None))
    if asked != (layer, size):
        sees = reader(model, layer, size=size, before_activation=True)
        _LAST[model] = ((layer, size), sees)
    return sees


_LAST: WeakKeyDictionary[keras.Model, tuple[tuple, Reader]] = WeakKeyDictionary()


def _chosen(filters: Sequence[int] | int, *, channels: int, layer: str) -> np.ndarray:
    if np.ndim(filters) == 0:
        count = min(int(filters), channels)
        return np.unique(np.linspace(0, channels - 1, max(1, count)).round().astype(np.int64))
    return checked_filters(filters, channels=channels, layer=layer)


def _files(
    model: keras.Model,
    layer: str,
    filters: np.ndarray,
    cache: str | os.PathLike | None,
    **asked: int | list[int],
) -> dict[int, Path]:
    """Name the file of each filter's picture after all that it follows from; none without a cache.

    Layers count by their place, not their name.
    """
    if cache is None:
        return {}
    places = [*laid_open(model).maps, SCORES]
    facts = {**asked, "form": _FORM, "layer": places.index(layer)}
    facts["versions"] = [version(name) for name in ("tf-keras-vis", "keras", "tensorflow")]
    text = encoder_digest(model) + json.dumps(facts, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {int(number): Path(cache) / f"{key}-{number}.npz" for number in filters}


def _load(file: Path, *, layer: str) -> FilterPictures | None:
    """Read pictures that were kept; None where there are none, or none that can be read."""
    if not file.is_file():
        return None
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as held:
            facts = json.loads(str(held["facts"]))
            arrays = {name: held[name] for name in ("images", "filters", "responses")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # a damaged file is as good as none: it is only a copy
    return FilterPictures(layer=layer, loaded=True, **arrays, **facts)


def _keep(made: FilterPictures, file: Path) -> None:
    facts = {name: getattr(made, name) for name in ("steps", "wanted", "seconds", "seed")}
    with replacing(file) as temporary:
        np.savez_compressed(
            temporary,
            facts=json.dumps(facts),
            images=made.images,
            filters=made.filters,
            responses=made.responses,
        )
