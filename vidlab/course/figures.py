"""The pictures in ``figures/``, which README and notebooks show; ``vidlab figures`` draws them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from vidlab import pantomime

__all__ = ["make_all"]


def make_all(folder: str | os.PathLike) -> list[Path]:
    """Draw every picture anew; return the files written.

    That is the contact sheet of Pantomime, 12 classes × 6 frames in two columns, at 40% of the
    frames' size.
    """
    rows = [_frames_of(name) for name in pantomime.CLASSES]
    half = len(rows) // 2
    columns = [np.concatenate(rows[:half]), np.concatenate(rows[half:])]
    sheet = np.concatenate(columns, axis=1)
    sheet = cv2.resize(sheet, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    written = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    path = Path(folder) / "pantomime.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.tobytes())  # imwrite fails on some Windows paths
    return [path]


def _frames_of(class_name: str) -> np.ndarray:
    """Draw frames of a class in a row; each shows another group, but for twins, which share it."""
    shot = pantomime.Shot(class_name, 1, 1)
    shot = pantomime.Shot(class_name, 1 + pantomime.CLASSES.index(shot.classes[0]), 1)
    picks = np.linspace(0, shot.count - 1, 6).round().astype(int)
    row = np.concatenate(list(shot.render(picks).frames), axis=1)
    for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(row, class_name, (8, 24), font, 0.7, colour, thick, cv2.LINE_AA)
    return row
