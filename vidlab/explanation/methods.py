"""Every method behind one call, so that they can be compared on the same clip.

tf-keras-vis computes saliency. It finds no layer inside a nested model and sees no clips, so the
methods at a layer are written out, on the layer graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from scipy.ndimage import zoom
from scipy.special import softmax

from vidlab.errors import ModelError
from vidlab.explanation.batches import (
    NO_CLASS,
    batches,
    checked_clips,
    class_indices,
    predict,
)
from vidlab.explanation.grad_cam import class_activation_maps
from vidlab.explanation.graph import LayerGraph, default_layer, layer_graph
from vidlab.explanation.record import PIXELS, Explanation

__all__ = ["METHODS", "explain", "grad_cam"]

METHODS = ("grad_cam", "grad_cam++", "layer_cam", "score_cam", "saliency", "smooth_grad")
"""What `explain` knows: four at a layer with a map, two at the pixels themselves."""

_NOISY_COPIES = 16
_NOISE = 0.2  # standard deviation, as a share of a picture's range; the paper finds 0.1 to 0.2 best
_MASKS = 32  # Score-CAM tries this many channels of a frame, those that differ most over it


def grad_cam(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
) -> Explanation | list[Explanation]:
    """Compute Grad-CAM: where in each frame a model found what speaks for a class.

    Parameters
    ----------
    model
        Of frames or clips, functional or sequential; models in it are entered.
    clip
        0..255, (time, height, width, 3): a clip, or for a model of frames the frames of one. With
        (clips, …) in front, several; clips of different lengths are put together by
        `vidlab.models.pad`.
    target
        The class to explain, or one for each clip; the predicted one when left out: in a model of
        frames, the class with the highest mean probability.
    against
        A class to contrast with, or one for each clip: the gradient is then that of the target's
        score less this one's.
    layer
        One of `vidlab.explanation.layers`; `default_layer` when left out.

    Returns
    -------
    Explanation or list of Explanation
        A list where several clips were given.

    Raises
    ------
    ModelError
        If the model has no layer with a map or not this one, the layer's map does not lead to the
        score, or the clip or the class does not fit the model.
    """
    return explain(model, clip, method="grad_cam", target=target, against=against, layer=layer)


def explain(
    model: keras.Model,
    clip: np.ndarray,
    *,
    method: str | None = None,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
    seed: int = 0,
) -> Explanation | list[Explanation]:
    """Explain what a model predicts for a clip.

    Parameters
    ----------
    model, clip, target, against
        As in `vidlab.explanation.grad_cam`.
    method
        One of `METHODS`. When left out, ``"grad_cam"``, or ``"saliency"`` for a network on bare
        pixels, which keeps no map of the picture; the record's `method` tells.

        - ``"grad_cam"``: Selvaraju et al. 2017.
        - ``"grad_cam++"``: Chattopadhay et al. 2018, *Grad-CAM++: improved visual explanations for
          deep convolutional networks*. Positive gradients, weighted by alpha.
        - ``"layer_cam"``: Jiang et al. 2021, *LayerCAM: exploring hierarchical class activation
          maps for localization*. The positive gradient of every position.
        - ``"score_cam"``: Wang et al. 2020, *Score-CAM: score-weighted visual explanations*. No
          gradient: each channel by the score of a picture of which only it is shown. Of each frame
          the 32 channels that vary most are tried. Single frames only.
        - ``"saliency"``: Simonyan et al. 2014, *Deep inside convolutional networks*. The absolute
          gradient at every pixel, the largest of its three colours. For any model, but without a
          sign: a pixel that speaks against the class is as hot as one that speaks for it.
        - ``"smooth_grad"``: Smilkov et al. 2017, *SmoothGrad: removing noise by adding noise*.
          Saliency, as a mean over 16 copies of the clip with noise.
    layer
        For the methods with a map; one of `vidlab.explanation.layers`, else `default_layer`.
    seed
        Of the noise in ``"smooth_grad"``.

    Returns
    -------
    Explanation or list of Explanation
        A list where several clips were given.

    Raises
    ------
    ModelError
        If the method is unknown or cannot explain such a model, or as `grad_cam` raises it.
    """
    graph = layer_graph(model)
    method = method or ("grad_cam" if graph.maps else "saliency")
    if method not in METHODS:
        raise ModelError(
            f"Expected a method out of {', '.join(METHODS)}. Received: {method!r}. "
            "Correct the name."
        )
    if method in ("saliency", "smooth_grad"):
        layer, copies = PIXELS, _NOISY_COPIES * (method == "smooth_grad")
        compute = _with_targets(model, _saliency(graph, copies=copies, seed=seed))
    else:
        layer = layer or default_layer(model)
        if method == "score_cam":
            compute = _with_targets(model, _score_cam(graph, layer))
        else:
            compute = class_activation_maps(graph, layer, method)
    clips = checked_clips(graph, clip)
    targets = class_indices(graph, target, count=len(clips), name="target")
    others = class_indices(graph, against, count=len(clips), name="against")
    records = []
    for batch in batches(clips):
        part = slice(len(records), len(records) + len(batch))
        found = map(np.asarray, compute(batch, targets[part], others[part]))
        for maps, score, label, other in zip(*found, others[part], strict=True):
            evidence = np.nan_to_num(maps.astype(np.float32), nan=0.0, posinf=0.0).clip(min=0.0)
            records.append(
                Explanation(
                    maps=evidence,
                    size=clips.shape[2:4],
                    layer=layer,
                    score=float(score),
                    target=int(label),
                    method=method,
                    against=None if other == NO_CLASS else int(other),
                )
            )
    return records if np.ndim(clip) == 5 else records[0]


def _with_targets(model: keras.Model, maps_of: Callable) -> Callable:
    """Give a method the targets as weights of the scores: predicted ones where none is named."""

    def compute(clips: np.ndarray, targets: np.ndarray, others: np.ndarray) -> tuple:
        probabilities = predict(model, clips)
        targets = np.where(targets == NO_CLASS, probabilities.argmax(axis=1), targets)
        classes = probabilities.shape[1]
        one_hot = np.eye(classes + 1, classes, dtype=np.float32)  # the last row is NO_CLASS
        scores = np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0]
        return maps_of(clips, one_hot[targets] - one_hot[others]), scores, targets

    return compute


def _score_cam(graph: LayerGraph, layer: str) -> Callable:
    """Return Score-CAM of clips: each channel of the map, weighed by the score of what it shows."""
    if not graph.per_frame:
        raise ModelError(
            f"Expected a model of single frames for score_cam. Received: {graph.model.name}, of "
            "clips. Score-CAM shows parts of a picture and looks at the score of just that "
            "picture; a frame of a clip has none of its own. Use grad_cam, grad_cam++ or "
            "layer_cam."
        )
    outputs = [graph.map_step(layer).output, graph.scores]
    model = graph.made_once(("score_cam", layer), lambda: graph.submodel(outputs))

    def maps_of_frame(frame: np.ndarray, contrast: np.ndarray) -> np.ndarray:
        channels = model.predict_on_batch(frame[None])[0][0]  # (rows, columns, channels)
        varied = np.argsort(-channels.std(axis=(0, 1)), kind="stable")[:_MASKS]
        channels = channels[..., varied]
        growth = np.divide(frame.shape[:2], channels.shape[:2])
        masks = zoom(channels, (*growth, 1), order=1, mode="nearest")
        low, high = masks.min(axis=(0, 1)), masks.max(axis=(0, 1))
        masks = np.moveaxis((masks - low) / (high - low + 1e-7), -1, 0)[..., None]
        scores = model.predict_on_batch(masks * frame)[1]
        return channels @ (softmax(scores, axis=-1) @ contrast)

    def maps_of(clips: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
        pairs = zip(clips, contrasts, strict=True)
        return np.stack([[maps_of_frame(frame, row) for frame in clip] for clip, row in pairs])

    return maps_of


def _saliency(graph: LayerGraph, *, copies: int, seed: int) -> Callable:
    """Return the saliency of clips, with `copies` the mean over so many with noise."""
    from tf_keras_vis.saliency import Saliency  # here: Grad-CAM works without it

    def make() -> Saliency:
        model = graph.submodel(graph.scores)
        return Saliency(keras.Model([model.input], model.output))  # it passes inputs as a list

    saliency, rng = graph.made_once("saliency", make), np.random.default_rng(seed)

    def maps_of(clips: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
        inputs = graph.as_input(clips)
        contrasts = np.repeat(contrasts, len(inputs) // len(clips), axis=0)
        spread = _NOISE * np.ptp(inputs, axis=tuple(range(1, inputs.ndim)), keepdims=True)
        total = np.zeros(clips.shape[:-1])
        for _ in range(max(1, copies)):
            # Noise is drawn here: tf-keras-vis would draw from NumPy's global generator.
            noise = spread * rng.standard_normal(inputs.shape, np.float32) if copies else 0
            try:
                gradients = saliency(
                    lambda scores: tf.reduce_sum(scores * contrasts, axis=-1),
                    inputs + noise,
                    normalize_map=False,
                )
            except ValueError as error:  # of tf-keras-vis, which takes the absolute value of None
                if "NoneType" not in str(error):
                    raise
                raise ModelError(
                    "Expected a model with a gradient from its scores to the pixels. Received: "
                    f"{graph.model.name}, through which none leads, as through a vocabulary of "
                    "words. Leave out frames instead: vidlab.explanation.by_occlusion."
                ) from error
            total += gradients.reshape(total.shape)
        return total / max(1, copies)

    return maps_of
