"""What filters are tuned to: how strongly they respond, to which class, and before which training.

Takes models, read by `reading`, and frames; gives tables to `plots` and notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd

from vidlab.errors import ModelError
from vidlab.explanation.filters.reading import Reader, read_means, reader

__all__ = ["class_selectivity", "filter_changes", "filter_responses"]

_AT_ONCE = 32


def filter_responses(
    model: keras.Model, frames: np.ndarray, *, layers: Sequence[str]
) -> dict[str, np.ndarray]:
    """Measure how strongly each filter of some layers responds to each frame, in one pass.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.
    frames
        0..255, (frames, height, width, 3).
    layers
        Out of `vidlab.explanation.layers`.

    Returns
    -------
    dict
        Layer to ``float32``, (frames, filters): means over the positions of each map.

    Raises
    ------
    ModelError
        If there is no such layer, or `frames` are no pictures.
    """
    size = np.shape(frames)[1:3]
    said = read_means([reader(model, layer, size=size) for layer in layers], frames)
    return dict(zip(layers, said, strict=True))


def filter_changes(
    before: keras.Model, after: keras.Model, *, frames: np.ndarray, layers: Sequence[str]
) -> pd.DataFrame:
    """Measure how much further training has changed what filters respond to.

    Both models see the same frames. A filter whose maps are the same, but for brightness and
    contrast, has a correlation of 1: it looks for what it looked for before.

    Parameters
    ----------
    before, after
        Two models of one architecture, such as one recipe and the one that starts from it.
    frames
        0..255, (frames, height, width, 3).
    layers
        Names of layers that both have.

    Returns
    -------
    pandas.DataFrame
        One row a layer and filter: ``layer``, ``filter``, ``correlation`` (−1..1, over all frames
        and positions; missing where one of the two maps is constant).

    Raises
    ------
    ModelError
        If a model has no such layer, or the two layers differ in shape.
    """
    frames = np.asarray(frames)
    tables = []
    for layer in layers:
        readers = [reader(one, layer, size=frames.shape[1:3]) for one in (before, after)]
        kept = _correlations(readers, frames)
        tables.append(
            pd.DataFrame({"layer": layer, "filter": np.arange(len(kept)), "correlation": kept})
        )
    return pd.concat(tables, ignore_index=True)


def _correlations(readers: Sequence[Reader], frames: np.ndarray) -> np.ndarray:
    """Correlate two readings filter by filter, some frames at a time."""
    count, sums, products = 0, 0.0, 0.0
    for first in range(0, len(frames), _AT_ONCE):
        said = [sees.read(frames[first : first + _AT_ONCE]) for sees in readers]
        if said[0].shape != said[1].shape:
            raise ModelError(
                f"Expected two models of one architecture. Received: maps {said[0].shape} and "
                f"{said[1].shape} of {readers[0].layer}. Compare a recipe with the one that starts "
                "from it."
            )
        both = np.stack([part.reshape(-1, part.shape[-1]) for part in said]).astype(np.float64)
        count += both.shape[1]
        sums = sums + both.sum(axis=1)  # (models, filters)
        products = products + np.einsum("ipf,jpf->ijf", both, both)  # (models, models, filters)
    spread = products / count - sums[:, None] * sums[None] / count**2
    scale = np.sqrt(np.maximum(spread[0, 0] * spread[1, 1], 0))
    varies = np.minimum(spread[0, 0], spread[1, 1]) > 1e-10 * np.diagonal(products).T.max(axis=0)
    return np.divide(spread[0, 1], scale, out=np.full_like(scale, np.nan), where=varies)


def class_selectivity(responses: np.ndarray, labels: Sequence) -> pd.DataFrame:
    """Measure how well each filter alone tells each class from the others.

    Parameters
    ----------
    responses
        (frames, filters), as `filter_responses` gives them.
    labels
        The class of each frame.

    Returns
    -------
    pandas.DataFrame
        One row a class, one column a filter: by how many standard deviations the filter responds
        more strongly to frames of the class than to the others (the index d′ of signal detection;
        the variances of the two are averaged).

    Raises
    ------
    ModelError
        If a label is missing, or there is only one class.

    Examples
    --------
    >>> class_selectivity(np.array([[5.0], [7.0], [1.0], [3.0]]), ["a", "a", "b", "b"])[0].to_dict()
    {'a': 4.0, 'b': -4.0}
    """
    responses, labels = np.asarray(responses, np.float64), np.asarray(labels)
    classes = np.unique(labels)
    if len(labels) != len(responses) or len(classes) < 2:
        raise ModelError(
            f"Expected the class of each of {len(responses)} frames, and two classes or more. "
            f"Received: {len(labels)} labels of {len(classes)} classes. Name the class of each."
        )
    rows = []
    for name in classes:
        inside, outside = responses[labels == name], responses[labels != name]
        spread = np.sqrt((inside.var(axis=0) + outside.var(axis=0)) / 2)
        apart = inside.mean(axis=0) - outside.mean(axis=0)
        rows.append(np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0))
    return pd.DataFrame(rows, index=classes)
