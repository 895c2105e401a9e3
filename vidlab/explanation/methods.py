"""Every method behind one call, so that they can be compared on the same clip.

Takes models and clips as `grad_cam` does; gives records of `records` to `grading` and notebooks.

``grad_cam`` and ``layer_cam`` are this package's own, for every model. ``grad_cam++``,
``score_cam``, ``saliency`` and ``smooth_grad`` are those of tf-keras-vis, which finds no layer in a
model that is inside another; it is given the flat model of `layers`, and so can explain nested ones
too. What it cannot do is said where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.grad_cam import grad_cam, gradients
from vidlab.explanation.layers import default_layer, laid_open
from vidlab.explanation.opening import made_once
from vidlab.explanation.questions import Question, ask
from vidlab.explanation.records import Explanation, explained
from vidlab.explanation.saliency import saliency
from vidlab.explanation.scores import score_function, settled

if TYPE_CHECKING:
    from tf_keras_vis import ModelVisualization

__all__ = ["METHODS", "explain"]

METHODS = ("grad_cam", "grad_cam++", "layer_cam", "score_cam", "saliency", "smooth_grad")
"""What `explain` knows: four at a layer with a map, two at the pixels themselves."""

_NOISY_COPIES = 16
_MASKS = 32  # Score-CAM tries this many channels of a frame, those that differ most over it


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
    """Explain what a model says of a clip.

    Parameters
    ----------
    model, clip, target, against
        As in `vidlab.explanation.grad_cam`.
    method
        One of `METHODS`. When left out, ``"grad_cam"``, or ``"saliency"`` for a network on bare
        pixels, which keeps no map of the picture; the record's `method` tells.

        - ``"grad_cam"``: Selvaraju et al. 2017.
        - ``"grad_cam++"``: Chattopadhay et al. 2018, *Grad-CAM++: improved visual explanations for
          deep convolutional networks*. Positive gradients, weighed by how alone they are.
        - ``"layer_cam"``: Jiang et al. 2021, *LayerCAM: exploring hierarchical class activation
          maps for localization*. The positive gradient of every position.
        - ``"score_cam"``: Wang et al. 2020, *Score-CAM: score-weighted visual explanations*. No
          gradient: each channel by the score of a picture of which only it is shown. Of each frame
          the 32 channels that vary most are tried. Single frames only.
        - ``"saliency"``, ``"smooth_grad"``: see `vidlab.explanation.saliency`.
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
    anatomy = laid_open(model)
    method = method or ("grad_cam" if anatomy.maps else "saliency")
    if method not in METHODS:
        raise ModelError(
            f"Expected a method out of {', '.join(METHODS)}. Received: {method!r}. "
            "Correct the name."
        )
    if method == "grad_cam":
        return grad_cam(model, clip, target=target, against=against, layer=layer)
    if method in ("saliency", "smooth_grad"):
        samples = _NOISY_COPIES if method == "smooth_grad" else 0
        return saliency(model, clip, target=target, against=against, samples=samples, seed=seed)
    if method == "score_cam" and not anatomy.per_frame:
        raise ModelError(
            f"Expected a model of single frames for score_cam. Received: {model.name}, of clips. "
            "Score-CAM shows parts of a picture and looks at the score of just that picture; a "
            "frame of a clip has none of its own. Use grad_cam, grad_cam++ or layer_cam."
        )
    where = layer or default_layer(model)
    anatomy.step(where)
    question = ask(anatomy, clip, target=target, against=against)
    # tf-keras-vis weighs the frames of a clip by the one score of their clip: one clip at a time.
    most = 1 if method == "grad_cam++" and not anatomy.per_frame else None

    def explain_part(part: Question) -> Iterator[Explanation]:
        for maps, score, target, against in _MAPS[method](model, part, where):
            yield explained(
                maps,
                size=part.size,
                layer=where,
                score=score,
                target=target,
                method=method,
                against=against,
                fields=anatomy.fields(where),
            )

    return question.answered(explain_part, most=most)


_Found = Iterator[tuple[np.ndarray, float, int, int | None]]


def _layer_cam(model: keras.Model, question: Question, layer: str) -> _Found:
    for found in gradients(model, question, layer=layer):
        yield found.layer_cam, found.score, found.target, found.against


def _grad_cam_plus_plus(model: keras.Model, question: Question, layer: str) -> _Found:
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus  # here: Grad-CAM works without it

    anatomy = laid_open(model)
    question, probabilities = settled(model, question)
    # It weighs by the exponential of the score, which is infinite for a score of 90. The weight is
    # the same for a whole frame, so it may as well be 1.
    score = score_function(anatomy, question, from_zero=True)
    shown = question.pictures if anatomy.per_frame else question.clips
    maps = _tool(GradcamPlusPlus, model, layer)(score, shown, **_RAW).numpy()
    return _by_clip(maps, question, probabilities)


def _score_cam(model: keras.Model, question: Question, layer: str) -> _Found:
    from tf_keras_vis.scorecam import Scorecam

    anatomy, tool = laid_open(model), _tool(Scorecam, model, layer)
    question, probabilities = settled(model, question)
    masks = min(_MASKS, anatomy.maps[layer].output.shape[-1])
    with _no_bars():
        # Frame by frame: of several it would try the channels of each on all of them.
        maps = [
            tool(score_function(anatomy, frame), frame.pictures, max_N=masks, **_RAW)
            for frame in question.single_frames()
        ]
    return _by_clip(np.concatenate(maps), question, probabilities)


def _by_clip(maps: np.ndarray, question: Question, probabilities: np.ndarray) -> _Found:
    maps = maps.reshape(*question.clips.shape[:2], *maps.shape[1:])
    return zip(
        maps, probabilities.tolist(), question.targets.tolist(), question.rather, strict=True
    )


_MAPS = {"layer_cam": _layer_cam, "grad_cam++": _grad_cam_plus_plus, "score_cam": _score_cam}
_RAW = {
    "penultimate_layer": "explained",
    "seek_penultimate_conv_layer": False,
    "expand_cam": False,
    "normalize_cam": False,
}


def _tool(kind: type[ModelVisualization], model: keras.Model, layer: str) -> Callable:
    return made_once(model, (kind, layer), lambda: kind(laid_open(model).marked(layer)))


@contextmanager
def _no_bars() -> Iterator[None]:
    """Keep Keras from drawing a bar for every frame; tf-keras-vis has no option for it."""
    drawn = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if drawn:
            keras.config.enable_interactive_logging()
