"""Which epoch of a training was kept, and where its phases begin and end."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["kept_epoch", "phase_spans"]


def kept_epoch(history: pd.DataFrame) -> int | None:
    """Row of the epoch whose weights the model was left with.

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
        None where no validation loss is known in the last phase: then nothing was chosen, and
        without validation videos the last epoch is what is left.

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


def phase_spans(history: pd.DataFrame) -> list[tuple[int, int]]:
    """First row of each phase of a training, and the one after its last.

    Parameters
    ----------
    history
        One row an epoch: phase (one phase where there is no such column).

    Examples
    --------
    >>> phase_spans(pd.DataFrame({"phase": [1, 1, 2, 2, 2]}))
    [(0, 2), (2, 5)]
    """
    if not len(history):
        return []
    phases = history["phase"].to_numpy() if "phase" in history else np.zeros(len(history))
    starts = [0, *(np.flatnonzero(phases[1:] != phases[:-1]) + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(history)], strict=True))
