"""What `explanation` says about the filters of a model, and of the model it was before.

Takes models, and frames of `stills`; gives records to `filters` and `filter_tiles`. An answer is
kept as long as it may be wanted again, and what has not been wanted for long is let go.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from vidlab.errors import ModelError
from vidlab.widgets.explorer import LateModel, class_names
from vidlab.widgets.stills import Stills

if TYPE_CHECKING:
    import keras

    from vidlab.explanation import FeatureMaps, FilterPictures, StrongestFrames

__all__ = ["KERNELS", "SCORES", "FilterAnswers", "Which"]

KERNELS = "kernels"
"""In the place of a layer's name: the weights of the first layer."""

SCORES = "scores"
"""In the place of a layer's name: the classes."""

_STRONGEST = 4  # frames shown of each filter
_PICTURES = 600  # kept, of 50 kB each at 128 by 128 pixels
_LAYERS = 12  # whose responses are kept, below 1 MB each

Which = Literal["now", "before", "control"]


class FilterAnswers:
    """Answers about filters, kept while they are of use.

    Parameters
    ----------
    model, before
        Models or functions that load them; `before` may be None.
    frames
        As `Stills.of` takes them, or None.
    classes
        The names of the model's classes; without them they are numbered.
    steps, seed, cache
        As in `vidlab.explanation.maximise`.
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
        self._models = {"now": LateModel(model)}
        if before is not None:
            self._models["before"] = self._models["control"] = LateModel(before)
        self._frames, self._classes = frames, classes
        self.steps, self._seed, self._cache = steps, seed, cache
        self._pictures: OrderedDict[Hashable, FilterPictures] = OrderedDict()
        self._responses: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._changes: OrderedDict[Hashable, pd.Series] = OrderedDict()

    @property
    def model(self) -> keras.Model:
        """The model, loaded now if it was not yet."""
        return self._models["now"].get()

    @property
    def whose(self) -> list[Which]:
        """Whose pictures there are, those from before first."""
        return ["before", "control", "now"] if "before" in self._models else ["now"]

    @property
    def compares(self) -> bool:
        """Whether there is a model from before."""
        return "before" in self._models

    @property
    def measures(self) -> bool:
        """Whether there are frames to tell a change by."""
        return self.compares and self.has_frames

    @property
    def has_frames(self) -> bool:
        """Whether there are frames to look at."""
        return self._frames is not None

    @cached_property
    def stills(self) -> Stills:
        """The frames, read now if they were not yet."""
        return Stills.of(self._frames, size=self.model.input_shape[-3:-1])

    def row(self) -> dict[str, Any]:
        """Describe the model, its layers worth a look, first to last, and ``every`` layer.

        A layer has a ``name``, the ``size`` of its map (None: it has none), and so many
        ``filters``. Before the first stand its kernels, where they are of three colours; behind the
        last the classes, where the model is of single frames.

        Raises
        ------
        ModelError
            If the model has no convolution, or the names are of another number of classes.
        """
        import keras

        from vidlab import explanation
        from vidlab.explanation.layers import laid_open

        anatomy = laid_open(self.model)
        every = {}
        for name, step in anatomy.maps.items():
            rows, columns, filters = step.output.shape[1:]
            every[name] = {"name": name, "size": [rows, columns], "filters": filters}
        layers = [every[name] for name in explanation.depths(self.model)]
        first = explanation.layers(self.model)[0]
        layer = anatomy.maps[first].layer
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel.shape[2] == 3:
            layers.insert(0, {**every[first], "name": KERNELS})
        if anatomy.per_frame:
            layers.append({"name": SCORES, "size": None, "filters": self.model.output_shape[-1]})
        return {
            "model": self.model.name,
            "layers": layers,
            "every": list(every.values()),
            "classes": class_names(self.model, self._classes),
            "steps": self.steps,
            "compares": self.compares,
            "measures": self.measures,
        }

    def kept(self, layer: str, number: int, *, which: Which = "now") -> FilterPictures | None:
        """Give the picture of a filter if it was made already."""
        return self._pictures.get((which, layer, number))

    def pictures(
        self,
        layer: str,
        numbers: Sequence[int],
        *,
        seconds: float,
        tell: Callable[[int, int], None],
        which: Which = "now",
    ) -> list[FilterPictures]:
        """Make the pictures of filters that are missing, as one batch, and give one for each.

        Parameters
        ----------
        layer
            As in `vidlab.explanation.maximise`.
        numbers
            Of the filters.
        seconds, tell
            As in `vidlab.explanation.maximise`.
        which
            Of the model as it is ``"now"``, or as it was ``"before"``; the ``"control"`` is that
            model again, from other noise.
        """
        from vidlab import explanation

        missing = [number for number in numbers if self.kept(layer, number, which=which) is None]
        if missing:
            made = explanation.maximise(
                self._models[which].get(),
                layer,
                filters=missing,
                steps=self.steps,
                seed=self._seed + (which == "control"),
                seconds=seconds,
                cache=self._cache,
                tell=tell,
            )
            for one in made.singles():
                _keep(self._pictures, (which, layer, int(one.filters[0])), one, most=_PICTURES)
        return [self._pictures[which, layer, number] for number in numbers]

    def forget_unfinished(self, layer: str, numbers: Sequence[int]) -> None:
        """Let go of pictures that were cut short, so that they are made anew."""
        for number in numbers:
            kept = self.kept(layer, number)
            if kept is not None and kept.steps < kept.wanted:
                del self._pictures["now", layer, number]

    def kernels(self, *, which: Which = "now") -> np.ndarray:
        """Give first kernels: float32, (filters, rows, columns, 3)."""
        from vidlab import explanation

        return explanation.first_kernels(self._models[which].get())

    def strongest(self, layer: str, number: int) -> StrongestFrames:
        """Find the frames that excite a filter most, of each video only one."""
        from vidlab import explanation

        layer = self._mapped(layer)
        return explanation.strongest_frames(
            self.model,
            self.stills.frames,
            layer=layer,
            filters=[number],
            count=_STRONGEST,
            one_of=self.stills.origins,
            responses=self._responses_of(layer),
        )

    def map(self, layer: str, number: int, *, frame: int) -> FeatureMaps:
        """Give the map that a filter makes of a frame."""
        from vidlab import explanation

        if not 0 <= frame < len(self.stills.frames):
            raise ModelError(
                f"Expected a frame from 0 to {len(self.stills.frames) - 1}. Received: {frame}. "
                "Choose one of those shown."
            )
        return explanation.feature_maps(
            self.model, self.stills.frames[frame], layer=self._mapped(layer), filters=[number]
        )

    def changes(self, layer: str) -> pd.Series:
        """Measure how alike the two models' maps are: filter to correlation."""
        from vidlab import explanation

        layer = self._mapped(layer)
        if layer not in self._changes:
            table = explanation.filter_changes(
                self._models["before"].get(), self.model, frames=self.stills.frames, layers=[layer]
            )
            one = table.set_index("filter")["correlation"]
            _keep(self._changes, layer, one, most=_LAYERS)
        return self._changes[layer]

    def by_change(self, layer: str) -> np.ndarray:
        """Order filters by how much they have changed, the silent last: int64, (filters,)."""
        kept = self.changes(layer).sort_values(kind="stable", na_position="last")
        return kept.index.to_numpy()

    def known_change(self, layer: str, number: int) -> float | None:
        """Give how much of a filter was kept, if that was measured already and can be told."""
        known = self._changes.get(self._mapped(layer))
        if known is None or np.isnan(known.loc[number]):
            return None
        return round(float(known.loc[number]), 3)

    def _mapped(self, layer: str) -> str:
        """Name the layer whose maps are looked at."""
        from vidlab import explanation

        return explanation.layers(self.model)[0] if layer == KERNELS else layer

    def _responses_of(self, layer: str) -> np.ndarray:
        from vidlab import explanation

        if layer not in self._responses:
            said = explanation.filter_responses(self.model, self.stills.frames, layers=[layer])
            _keep(self._responses, layer, said[layer], most=_LAYERS)
        return self._responses[layer]


def _keep(store: OrderedDict, key: Hashable, value: object, *, most: int) -> None:
    store[key] = value
    while len(store) > most:
        store.popitem(last=False)
