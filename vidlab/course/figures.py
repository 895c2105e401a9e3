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
    sheet = pantomime.contact_sheet()
    half = len(sheet) // 2
    sheet = np.concatenate([sheet[:half], sheet[half:]], axis=1)
    sheet = cv2.resize(sheet, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    written = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    path = Path(folder) / "pantomime.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.tobytes())  # imwrite fails on some Windows paths
    return [path]
