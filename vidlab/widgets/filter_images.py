"""What the filters of a model respond to: images made for them, and real frames.

Everything is computed when it is first needed, and kept for the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd

from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.errors import VideoError
from vidlab.plots import as_pictures
from vidlab.plots.pictures import spread
from vidlab.widgets.explorer import LazyModel, ModelSource, class_names

if TYPE_CHECKING:
    import keras

    from vidlab.explanation import FilterPictures, StrongestFrames

__all__ = ["NOW", "SCORES", "FilterImages", "Stills", "read_stills"]

SCORES = "scores"  # in place of a layer's name: the classes
NOW = "now"
_BEFORE, _CONTROL = "before", "before, other noise"
_STRONGEST = 4  # frames shown of each filter
_VIDEOS = 48  # whose frames are read, at most
_EACH = 2  # frames of a video
_SIDE = 224  # pixels, for a model that takes any size


class FilterImages:
    """Images of filters of a model, and of the model it was before.

    Parameters are those of `vidlab.widgets.FilterExplorer`; `made` are options of
    `vidlab.explanation.activation_maximization`.
    """

    def __init__(
        self,
        model: ModelSource,
        before: ModelSource | None,
        *,
        frames: np.ndarray | VideoIndex | None,
        classes: Sequence[str] | None,
        seed: int,
        made: Mapping[str, Any],
    ):
        self._models, self._seeds = {NOW: LazyModel(model)}, {NOW: seed}
        if before is not None:
            earlier = LazyModel(before)
            self._models = {_BEFORE: earlier, _CONTROL: earlier} | self._models
            self._seeds |= {_BEFORE: seed, _CONTROL: seed + 1}
        self.has_frames = frames is not None
        self._frames, self._classes, self._options = frames, classes, made
        self._made: dict[tuple[str, str, int], FilterPictures] = {}
        self._responses: dict[str, np.ndarray] = {}
        self._correlations: dict[str, pd.Series] = {}

    @property
    def model(self) -> keras.Model:
        """The model, loaded now if it was not yet."""
        return self._models[NOW].model

    @property
    def versions(self) -> list[str]:
        """Of which models and noise there are images, those of the model before first."""
        return list(self._models)

    @cached_property
    def classes(self) -> list[str]:
        """The names of the model's classes."""
        return class_names(self.model, self._classes)

    @cached_property
    def stills(self) -> Stills:
        """The frames, read now if they were not yet."""
        return read_stills(self._frames, size=self.model.input_shape[-3:-1])

    @cached_property
    def layers(self) -> pd.DataFrame:
        """One row a layer, by its name: number of ``filters``, ``size`` of its map, ``is_main``.

        Last stand the classes, if the model is of single frames.

        Raises
        ------
        ModelError
            If the model has no convolution.
        """
        from vidlab import explanation

        main = explanation.depths(self.model)
        opened = explanation.layer_graph(self.model)
        rows = [
            (name, step.output.shape[-1], "{}×{}".format(*step.output.shape[1:3]), name in main)
            for name, step in opened.maps.items()
        ]
        if opened.per_frame:
            rows.append((SCORES, self.model.output_shape[-1], "classes", True))
        return pd.DataFrame(rows, columns=["name", "filters", "size", "is_main"]).set_index("name")

    def made(self, layer: str, number: int) -> FilterPictures | None:
        """Return the image made for a filter; None where there is none yet."""
        return self._made.get((NOW, layer, number))

    def make(
        self,
        layer: str,
        numbers: Sequence[int],
        *,
        progress: Callable[[int, int], None],
        version: str = NOW,
    ) -> FilterPictures:
        """Return images made for filters, those that are missing by activation maximization.

        Parameters
        ----------
        progress
            As in `vidlab.explanation.activation_maximization`.
        """
        from vidlab import explanation

        missing = [number for number in numbers if (version, layer, number) not in self._made]
        if missing:
            made = explanation.activation_maximization(
                self._models[version].model,
                layer,
                filters=missing,
                seed=self._seeds[version],
                progress=progress,
                **self._options,
            )
            for one in made.split():
                self._made[version, layer, int(one.filters[0])] = one
        return explanation.FilterPictures.join(
            [self._made[version, layer, number] for number in numbers]
        )

    def strongest(self, layer: str, number: int) -> StrongestFrames:
        """Return the frames that excite a filter most, one of a video at most."""
        from vidlab import explanation

        frames = self.stills.frames
        if layer not in self._responses:
            options = {"layers": [layer], "pool": True}
            self._responses |= explanation.activations(self.model, frames, **options)
        return explanation.strongest_frames(
            self.model,
            frames,
            layer=layer,
            filters=[number],
            count=_STRONGEST,
            one_of=self.stills.origins,
            responses=self._responses[layer],
        )

    def correlation(self, layer: str, number: int) -> float:
        """Correlate a filter's maps before and now, -1..1; not a number where one is constant."""
        from vidlab import explanation

        if layer not in self._correlations:
            models = self._models[_BEFORE].model, self.model
            table = explanation.filter_changes(*models, frames=self.stills.frames, layers=[layer])
            self._correlations[layer] = table.set_index("filter")["correlation"]
        return float(self._correlations[layer][number])


@dataclass(frozen=True, eq=False)
class Stills:
    """Single frames of many videos, as a model takes them.

    Attributes
    ----------
    frames : numpy.ndarray
        uint8, (frames, height, width, 3).
    names : list of str
        What is written under each: its class, or its number.
    origins : numpy.ndarray
        (frames,): the video each is of; frames that were given are all of videos of their own.
    says : str
        How many there are of how many, and what could not be read.
    """

    frames: np.ndarray
    names: list[str]
    origins: np.ndarray
    says: str


def read_stills(source: np.ndarray | VideoIndex, *, size: tuple[int | None, int | None]) -> Stills:
    """Take at most 96 frames: of an array evenly, of videos two of each of at most 48.

    Parameters
    ----------
    source
        Frames (frames, height, width, 3), 0 to 255, or videos.
    size
        Height and width that a model takes.

    Raises
    ------
    VideoError
        If no video can be read.
    MetricError
        If an array holds no pictures.
    """
    size = tuple(side or _SIDE for side in size)
    if isinstance(source, np.ndarray):
        places = spread(len(source), _VIDEOS * _EACH)
        frames = as_pictures(source[places], dimensions=4)
        frames = np.stack([cv2.resize(one, size[::-1]) for one in frames])
        names = [f"frame {place}" for place in places]
        return Stills(frames, names, places, f"{len(places)} of {len(source)} frames")
    table = source.table.iloc[spread(len(source), _VIDEOS)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        read = list(pool.map(lambda path: _two_frames(Path(path), size=size), table["path"]))
    problems = [one for one in read if isinstance(one, VideoError)]
    good = [place for place, one in enumerate(read) if not isinstance(one, VideoError)]
    if not good:
        nothing = "Expected videos to show to the model. Received: none. Pass frames= of some."
        raise problems[0] if problems else VideoError(nothing)
    says = f"{_EACH * len(good)} frames of {len(good)} of {len(source)} videos"
    if problems:
        says += f"; {len(problems)} could not be read. {problems[0]}"
    return Stills(
        frames=np.concatenate([read[place] for place in good]),
        names=table["class_name"].iloc[good].repeat(_EACH).tolist(),
        origins=np.repeat(good, _EACH),
        says=says,
    )


def _two_frames(path: Path, *, size: tuple[int, int]) -> np.ndarray | VideoError:
    """Read two frames, a quarter from the beginning and from the end, or say why not."""
    try:
        last = video.probe(path).frames - 1
        return video.read_frames(path, [round(last / 4), round(3 * last / 4)], size=size)
    except VideoError as error:
        return error
