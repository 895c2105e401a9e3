"""Vectors computed once, as one input of a model: what training reads in place of pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from vidlab.data.streams import PADDING, Rgb
from vidlab.training.features.store import FeatureStore

__all__ = ["Kept"]


@dataclass(frozen=True)
class Kept(Rgb):
    """The vectors of a video's frames, out of a store, or one of several stores of varied views.

    Parameters
    ----------
    sampling, clip, test
        As for `vidlab.streams.Rgb`.
    size
        Of no effect.
    stores
        One, or one a view. Their videos have to hold those that are asked for.
    fill
        What fills up shorter clips.
    number
        Which view is read.
    """

    size: int | tuple[int, int] = (1, 1)
    stores: tuple[FeatureStore, ...] = ()
    fill: float | None = PADDING
    number: int = 0

    dtype: ClassVar[str] = "float32"
    varies: ClassVar[bool] = False  # the views are varied already

    @property
    def padding(self) -> float:
        """What fills up shorter clips."""
        return self.fill

    @property
    def views(self) -> int:
        """How many views are kept."""
        return len(self.stores)

    @property
    def frame_shape(self) -> tuple[int]:
        """Of the vector of one frame."""
        return (self.stores[0].size,)

    @cached_property
    def _positions(self) -> list[dict[str, int]]:
        return [{name: at for at, name in enumerate(s.video_ids)} for s in self.stores]

    def read_video(self, record, frames, indices: np.ndarray) -> np.ndarray:
        """Read vectors of one video, ``float32``, (len(indices), features)."""
        position = self._positions[self.number][record.video_id]
        return self.stores[self.number].rows(position, indices)

    def of_view(self, number: int) -> Kept:
        """Return the stream of one kept view."""
        other = replace(self, number=number)
        other.__dict__["_positions"] = self._positions
        return other
