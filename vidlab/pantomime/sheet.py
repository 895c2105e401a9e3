"""Contact sheet: a row of frames for each class."""

from __future__ import annotations

import cv2
import numpy as np

from vidlab.pantomime.actions import CLASSES
from vidlab.pantomime.rendering import clip_length, drawn_class, render

__all__ = ["contact_sheet"]


def contact_sheet(
    *, seed: int = 0, group: int | None = None, columns: int = 6, size: str = "quick"
) -> np.ndarray:
    """Draw every class as a row of `columns` frames from first to last.

    Parameters
    ----------
    seed
        The dataset's seed.
    group
        The group shown; None shows a different group in every row (twins share theirs).
    columns
        Frames in a row.
    size
        As for `render`.

    Returns
    -------
    uint8, (12 · 240, columns · 320, 3)
        RGB, each row beginning with its class's name.
    """
    rows = []
    for class_name in CLASSES:
        number = group if group is not None else 1 + CLASSES.index(drawn_class(class_name))
        count = clip_length(class_name, number, 1, seed=seed, size=size)
        picks = np.linspace(0, count - 1, columns).round().astype(int)
        made = render(class_name, number, 1, seed=seed, size=size, indices=picks)
        row = np.concatenate(list(made.frames), axis=1)
        for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(row, class_name, (8, 24), font, 0.7, colour, thick, cv2.LINE_AA)
        rows.append(row)
    return np.concatenate(rows)
