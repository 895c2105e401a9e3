"""What filters are tuned to: which class, and before which training."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd

from vidlab.errors import ModelError
from vidlab.explanation.activations import activations
from vidlab.explanation.graph import layer_graph

__all__ = ["class_selectivity", "depths", "filter_changes"]

_FRAMES_AT_ONCE = 32
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU)


def depths(model: keras.Model, count: int = 6) -> list[str]:
    """Choose layers whose filters are worth a look, from the first to the last.

    They are spread evenly over the places where a convolution that mixes all channels has been
    computed and its activation is still to come: before it, a filter that is silent can still be
    excited. In networks whose modules join several branches it is the first such place and the
    joints (``mixed0`` to ``mixed10`` of InceptionV3).

    Parameters
    ----------
    model
        Of frames or clips, with convolutions.
    count
        At most so many, out of `vidlab.explanation.layers`.

    Raises
    ------
    ModelError
        If the model has no convolution.
    """
    graph = layer_graph(model)
    users: dict[int, list[str]] = {}  # of a tensor
    for name, step in graph.maps.items():
        for tensor in step.inputs:
            users.setdefault(id(tensor), []).append(name)

    def users_of(name: str, *kinds: type) -> list[str]:
        after = users.get(id(graph.maps[name].output), [])
        return [one for one in after if isinstance(graph.maps[one].layer, kinds or object)]

    found, joints = [], []
    for name, step in graph.maps.items():
        if isinstance(step.layer, keras.layers.Concatenate) and name in graph.bottlenecks:
            joints.append(name)
        if type(step.layer) in (keras.layers.Conv2D, keras.layers.SeparableConv2D):
            normalized = users_of(name, keras.layers.BatchNormalization)
            last = normalized[0] if normalized and len(users_of(name)) == 1 else name
            is_linear = step.layer.activation is keras.activations.linear
            if users_of(last, *_ACTIVATIONS) or not is_linear:
                found.append(last)
    found = [*found[:1], *joints] if joints else found
    if not found:
        raise ModelError(
            f"Expected a model with convolutions. Received: {model.name}, which has no filters to "
            "look into. Choose a recipe with a backbone."
        )
    chosen = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[index] for index in chosen]


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
    kept = {layer: _correlations((before, after), np.asarray(frames), layer) for layer in layers}
    table = pd.concat({layer: pd.Series(some) for layer, some in kept.items()})
    return table.rename("correlation").rename_axis(["layer", "filter"]).reset_index()


def _correlations(models: Sequence[keras.Model], frames: np.ndarray, layer: str) -> np.ndarray:
    """Correlate a layer's maps filter by filter, some frames at a time."""
    count, sums, products = 0, 0.0, 0.0
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        some = frames[start : start + _FRAMES_AT_ONCE]
        first, second = (activations(one, some, layers=[layer])[layer] for one in models)
        if first.shape != second.shape:
            raise ModelError(
                f"Expected two models of one architecture. Received: maps {first.shape} and "
                f"{second.shape} of {layer}. Compare a recipe with the one that starts from it."
            )
        both = np.stack([first, second]).reshape(2, -1, first.shape[-1]).astype(np.float64)
        count += both.shape[1]
        sums = sums + both.sum(axis=1)  # (models, filters)
        products = products + np.einsum("ipf,jpf->ijf", both, both)  # (models, models, filters)
    spread = products / count - sums[:, None] * sums[None] / count**2
    scale = np.sqrt(np.maximum(spread[0, 0] * spread[1, 1], 0))
    varies = np.minimum(spread[0, 0], spread[1, 1]) > 1e-10 * np.diagonal(products).T.max(axis=0)
    return np.divide(spread[0, 1], scale, out=np.full_like(scale, np.nan), where=varies)


def class_selectivity(responses: np.ndarray, labels: Sequence) -> pd.DataFrame:
    """Measure how well each filter alone tells each class from the others: d′.

    Parameters
    ----------
    responses
        (frames, filters), as `vidlab.explanation.activations` gives them, pooled.
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
