"""What the history of a training says about the model it left.

Takes histories as `training` makes and `runs` keeps them; gives the kept epoch to `plots` and
`widgets`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["kept_epoch"]


def kept_epoch(history: pd.DataFrame) -> int | None:
    """Tell which epoch's weights the model was left with.

    Each phase of a training ends with the weights of its lowest validation loss, the first where
    several are equally low; the last phase decides. A loss that is not a number is never lowest.

    Parameters
    ----------
    history
        One row an epoch: phase (one phase where there is no such column) and, where there were
        validation videos, val_loss.

    Returns
    -------
    int or None
        The row, from 0. None where no validation loss is known in the last phase: then nothing
        was chosen, and without validation videos the last epoch is what is left.

    Examples
    --------
    >>> kept_epoch(pd.DataFrame({"phase": [1, 1, 2, 2], "val_loss": [0.4, 0.6, 0.7, 0.5]}))
    3
    """
    if "val_loss" not in history or not len(history):
        return None
    losses = history["val_loss"].to_numpy(dtype=np.float64)
    if "phase" in history:
        losses = np.where(history["phase"] == history["phase"].iloc[-1], losses, np.nan)
    return None if np.isnan(losses).all() else int(np.nanargmin(losses))
