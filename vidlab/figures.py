"""The pictures in ``figures/``, which README and notebooks show.

Takes drawings from `pantomime` and `plots`; gives image files. ``vidlab figures`` calls it.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from vidlab import pantomime

__all__ = ["make_all"]


def make_all(folder: str | os.PathLike) -> list[Path]:
    """Draw every picture anew.

    Parameters
    ----------
    folder
        Where to; made if absent.

    Returns
    -------
    list of Path
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [_pantomime(folder / "pantomime.png")]


def _pantomime(path: Path) -> Path:
    """Write the contact sheet at half size: 12 classes × 6 frames."""
    sheet = cv2.resize(
        pantomime.contact_sheet(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
    )
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return path
