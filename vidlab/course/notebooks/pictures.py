"""Lighter pictures for pages: what is drawn stays PNG, what is filmed becomes JPEG.

Takes executed notebooks; gives copies to `report`, which writes them as pages. A page of frames
would else be ten times as heavy as it needs to be.
"""

from __future__ import annotations

import base64
import copy

import cv2
import nbformat
import numpy as np

__all__ = ["lightened"]

_WORTHWHILE = 0.5  # of the size: below that, JPEG is taken
_SETTINGS = (
    cv2.IMWRITE_JPEG_QUALITY,
    90,
    # Full colour resolution, or thin coloured lines and letters would bleed.
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)


def lightened(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Copy a notebook, its large pictures as JPEG where that halves them.

    Parameters
    ----------
    notebook
        Executed. Pictures with transparent parts stay as they are.
    """
    lighter = copy.deepcopy(notebook)
    for cell in lighter.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            smaller = _as_jpeg(data["image/png"]) if "image/png" in data else None
            if smaller is not None:
                del data["image/png"]
                data["image/jpeg"] = smaller
                sizes = output.get("metadata", {})
                if "image/png" in sizes:
                    sizes["image/jpeg"] = sizes.pop("image/png")
    return lighter


def _as_jpeg(png: str) -> str | None:
    """Return a picture as JPEG, base64; None where PNG does about as well."""
    packed = np.frombuffer(base64.b64decode(png), np.uint8)
    picture = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)
    if picture is None or (
        picture.ndim == 3 and picture.shape[2] == 4 and picture[..., 3].min() < 255
    ):
        return None
    if picture.ndim == 3:
        picture = picture[..., :3]
    _, jpeg = cv2.imencode(".jpg", picture, _SETTINGS)
    return base64.b64encode(jpeg).decode() if jpeg.size < _WORTHWHILE * packed.size else None
