"""What the filters of a model respond to: images made for them, real frames, and their maps.

Everything is computed when it is first needed, and kept for the next time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.widgets.explorer import LazyModel, class_names
from vidlab.widgets.stills import Stills

if TYPE_CHECKING:
    import keras

    from vidlab.explanation import FilterPictures, StrongestFrames

__all__ = ["BEFORE", "CONTROL", "KERNELS", "NOW", "SCORES", "FilterImages"]

KERNELS, SCORES = "kernels", "scores"
"""In place of a layer's name: the weights of the first layer, and the classes."""

BEFORE, CONTROL, NOW = "before", "before, other noise", "now"
_STRONGEST = 4  # frames shown of each filter


class FilterImages:
    """Images of filters of a model, and of the model it was before.

    Parameters are those of `vidlab.widgets.FilterExplorer`.
    """

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        before: keras.Model | Callable[[], keras.Model] | None,
        frames: object,
        classes: Sequence[str] | None,
        steps: int,
        seed: int,
        cache: str | os.PathLike | None,
    ):
        self._models = {NOW: LazyModel(model)}
        if before is not None:
            earlier = LazyModel(before)
            self._models = {BEFORE: earlier, CONTROL: earlier} | self._models
        self.has_frames = frames is not None
        self._frames, self._classes = frames, classes
        self.steps, self._seed, self._cache = steps, seed, cache
        self._made: dict[tuple[str, str, int], FilterPictures] = {}
        self._correlations: dict[str, pd.Series] = {}
        self._responses = lru_cache(12)(self._read_responses)

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
        return Stills.of(self._frames, size=self.model.input_shape[-3:-1])

    @cached_property
    def layers(self) -> pd.DataFrame:
        """One row a layer, by its name: number of ``filters``, ``size`` of its map, ``is_main``.

        First stand the kernels, if the first layer is a convolution over three colours, and last
        the classes, if the model is of single frames.

        Raises
        ------
        ModelError
            If the model has no convolution.
        """
        import keras

        from vidlab import explanation

        main = explanation.depths(self.model)
        opened = explanation.layer_graph(self.model)
        rows = [
            (name, step.output.shape[-1], "{}×{}".format(*step.output.shape[1:3]), name in main)
            for name, step in opened.maps.items()
        ]
        first = next(iter(opened.maps.values()))
        if isinstance(first.layer, keras.layers.Conv2D) and first.layer.kernel.shape[2] == 3:
            rows.insert(0, (KERNELS, first.output.shape[-1], "weights", True))
        if opened.per_frame:
            rows.append((SCORES, self.model.output_shape[-1], "classes", True))
        return pd.DataFrame(rows, columns=["name", "filters", "size", "is_main"]).set_index("name")

    def made(self, layer: str, number: int, *, version: str = NOW) -> FilterPictures | None:
        """Return the image made for a filter; None where there is none yet."""
        return self._made.get((version, layer, number))

    def make(
        self,
        layer: str,
        numbers: Sequence[int],
        *,
        seconds: float,
        progress: Callable[[int, int], None],
        version: str = NOW,
    ) -> FilterPictures:
        """Return images made for filters, those that are missing by activation maximization.

        Parameters
        ----------
        seconds, progress
            As in `vidlab.explanation.activation_maximization`.
        """
        from vidlab import explanation

        missing = [
            number for number in numbers if self.made(layer, number, version=version) is None
        ]
        if missing:
            made = explanation.activation_maximization(
                self._models[version].model,
                layer,
                filters=missing,
                steps=self.steps,
                seed=self._seed + (version == CONTROL),
                seconds=seconds,
                cache=self._cache,
                progress=progress,
            )
            for one in made.split():
                self._made[version, layer, int(one.filters[0])] = one
        return explanation.FilterPictures.join(
            [self._made[version, layer, number] for number in numbers]
        )

    def kernels(self, *, version: str = NOW) -> np.ndarray:
        """Return the first kernels: float32, (filters, rows, columns, 3)."""
        from vidlab import explanation

        return explanation.first_kernels(self._models[version].model)

    def strongest(self, layer: str, number: int) -> StrongestFrames:
        """Return the frames that excite a filter most, one of a video at most."""
        from vidlab import explanation

        layer = self._mapped(layer)
        return explanation.strongest_frames(
            self.model,
            self.stills.frames,
            layer=layer,
            filters=[number],
            count=_STRONGEST,
            one_of=self.stills.origins,
            responses=self._responses(layer),
        )

    def feature_map(self, layer: str, number: int, *, frame: int) -> np.ndarray:
        """Return a filter's map of a frame: float32, (rows, columns)."""
        from vidlab import explanation

        layer = self._mapped(layer)
        still = self.stills.frames[frame]
        return explanation.feature_maps(self.model, still, layer=layer, filters=[number]).maps[0]

    def correlations(self, layer: str) -> pd.Series:
        """Correlate the maps of the model before and now: filter to -1..1."""
        from vidlab import explanation

        layer = self._mapped(layer)
        if layer not in self._correlations:
            models = self._models[BEFORE].model, self.model
            table = explanation.filter_changes(*models, frames=self.stills.frames, layers=[layer])
            self._correlations[layer] = table.set_index("filter")["correlation"]
        return self._correlations[layer]

    def correlation(self, layer: str, number: int) -> float | None:
        """Return the correlation of a filter, if it was measured and both maps vary."""
        known = self._correlations.get(self._mapped(layer))
        return None if known is None or np.isnan(known[number]) else float(known[number])

    def _read_responses(self, layer: str) -> np.ndarray:
        from vidlab import explanation

        return explanation.filter_responses(self.model, self.stills.frames, layers=[layer])[layer]

    def _mapped(self, layer: str) -> str:
        """Name the layer whose maps belong to `layer`: the first one to the kernels."""
        from vidlab import explanation

        return explanation.layers(self.model)[0] if layer == KERNELS else layer
