"""Filters packed for the page: their pictures, their frames, and the maps they make of them.

Takes records of `filter_answers`; gives dictionaries of plain values and bytes to `filters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from vidlab.plots.filters import kernel_pictures
from vidlab.widgets.filter_answers import KERNELS, FilterAnswers, Which
from vidlab.widgets.footage import jpeg

if TYPE_CHECKING:
    from vidlab.explanation import FilterPictures

__all__ = ["WHO", "map_of", "picture", "seen"]

WHO: dict[Which, str] = {"before": "before", "control": "before, other noise", "now": "now"}
"""What the page calls the models whose pictures stand side by side."""


def picture(
    answers: FilterAnswers, layer: str, number: int, *, which: Which = "now"
) -> dict[str, Any]:
    """Pack the picture of a filter, or its kernel; ``picture`` is None where none was made yet."""
    if layer == KERNELS:
        weights = answers.kernels(which=which)[number]
        pixels = np.rint(255 * kernel_pictures(weights[None])[0]).astype(np.uint8)
        kernel = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
        return {"picture": kernel, "response": None, "steps": answers.steps}
    made: FilterPictures | None = answers.kept(layer, number, which=which)
    if made is None:
        return {"picture": None, "response": None, "steps": 0}
    return {
        "picture": jpeg(made.images[0]),
        "response": round(float(made.responses[0]), 3),
        "steps": made.steps,
    }


def seen(answers: FilterAnswers, layer: str, number: int, *, frame: int | None) -> dict[str, Any]:
    """Pack the frames that excite a filter most, and its map of one frame, or of the strongest."""
    found = answers.strongest(layer, number)
    strongest = [
        {"frame": int(place), "response": round(float(said), 3), "map": _packed(map_)}
        for place, said, map_ in zip(
            found.frames[0], found.responses[0], found.maps[0], strict=True
        )
    ]
    known = {one["frame"]: one["map"] for one in strongest}
    frame = strongest[0]["frame"] if frame is None else frame
    if frame in known:
        place = {"frame": frame, "map": known[frame]}
    else:
        place = map_of(answers, layer, number, frame=frame)
    return {"strongest": strongest, "place": place}


def map_of(answers: FilterAnswers, layer: str, number: int, *, frame: int) -> dict[str, Any]:
    """Pack the map that a filter makes of a frame."""
    maps = answers.map(layer, number, frame=frame).maps
    return {"frame": frame, "map": _packed(maps[0])}


def _packed(map_: np.ndarray) -> dict[str, Any]:
    """Pack a map, (rows, columns), from its smallest value, 0, to its largest, 255."""
    low, high = float(map_.min()), float(map_.max())
    share = (map_ - low) / ((high - low) or 1.0)
    return {
        "size": list(map_.shape),
        "cells": np.rint(255 * share).astype(np.uint8).tobytes(),
        "low": round(low, 3),
        "high": round(high, 3),
    }
