"""Contact sheet: a row of frames for each class."""

import cv2
import numpy as np

from vidlab.pantomime.actions import CLASSES
from vidlab.pantomime.rendering import Shot

__all__ = ["contact_sheet"]


def contact_sheet() -> np.ndarray:
    """Draw every class as a row of six frames from first to last.

    Rows show different groups; twins share theirs.

    Returns
    -------
    uint8, (12 · 240, 6 · 320, 3)
        RGB, each row beginning with its class's name.
    """
    rows = []
    for class_name in CLASSES:
        drawn = Shot(class_name, 1, 1).classes[0]
        shot = Shot(class_name, 1 + CLASSES.index(drawn), 1)
        picks = np.linspace(0, shot.count - 1, 6).round().astype(int)
        row = np.concatenate(list(shot.render(picks).frames), axis=1)
        for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(row, class_name, (8, 24), font, 0.7, colour, thick, cv2.LINE_AA)
        rows.append(row)
    return np.concatenate(rows)
