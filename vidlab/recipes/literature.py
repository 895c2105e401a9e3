"""The recipes as published, in the order of the course.

Takes records from `newman`, `thesis` and `chiche`, a module for each source; gives the built-in
recipes to `vidlab.recipes`.
"""

from __future__ import annotations

from vidlab.recipes import chiche, newman, thesis

__all__ = ["LITERATURE"]

LITERATURE = (
    *newman.FRAMES,
    thesis.FRAME_VOTE,
    *newman.PIXELS,
    *newman.CONVGRU,
    thesis.CNN_LSTM,
    *chiche.ON_FEATURES,
)
