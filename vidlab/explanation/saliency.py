"""Saliency: how strongly the score reacts to every single pixel, for any model at all.

Takes models opened by `layers` and clips from `questions`; gives records of `records` to `methods`.
The gradients are computed by tf-keras-vis.

Simonyan et al. 2014, *Deep inside convolutional networks: visualising image classification models
and saliency maps*: the absolute gradient of the class score with respect to a pixel, the largest of
its three colours. It needs no map of the picture, so it also explains networks on bare pixels, and
is all there is for those. But it has no sign: a pixel that speaks against the class is as hot as
one that speaks for it. Smilkov et al. 2017, *SmoothGrad: removing noise by adding noise*, take the
mean over copies of the clip with noise, which leaves less of the grain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from vidlab.explanation.layers import laid_open
from vidlab.explanation.opening import made_once
from vidlab.explanation.questions import Question, ask
from vidlab.explanation.records import PIXELS, Explanation, explained
from vidlab.explanation.scores import score_function, settled

if TYPE_CHECKING:
    from tf_keras_vis.saliency import Saliency

__all__ = ["saliency"]

_NOISE = 0.2  # standard deviation, as a share of a picture's range; the paper finds 0.1 to 0.2 best


def saliency(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    samples: int = 0,
    seed: int = 0,
) -> Explanation | list[Explanation]:
    """Show which pixels the score of a class reacts to.

    Parameters
    ----------
    model, clip, target, against
        As in `vidlab.explanation.grad_cam`; any model from frames or clips to scores.
    samples
        How many copies with noise the gradient is averaged over (SmoothGrad); 0: the clip itself.
    seed
        Of the noise.

    Returns
    -------
    Explanation or list of Explanation
        With ``layer`` ``"pixels"`` and maps of the frames' size. A list where several clips were
        given.

    Raises
    ------
    ModelError
        If the clip or the class does not fit the model.
    """
    anatomy, rng = laid_open(model), np.random.default_rng(seed)
    question = ask(anatomy, clip, target=target, against=against)
    tool = _tool(model)

    def explain(part: Question) -> Iterator[Explanation]:
        part, probabilities = settled(model, part)
        score = score_function(anatomy, part)
        shown = part.pictures if anatomy.per_frame else part.clips
        total = np.zeros(part.clips.shape[:-1])
        for copy in _copies(shown, samples, rng) if samples else (shown,):
            total += tool(score, copy, normalize_map=False).reshape(total.shape)
        for place, (target, against) in enumerate(zip(part.targets, part.rather, strict=True)):
            yield explained(
                total[place] / max(samples, 1),
                size=part.size,
                layer=PIXELS,
                score=float(probabilities[place]),
                target=int(target),
                method="smooth_grad" if samples else "saliency",
                against=against,
            )

    return question.answered(explain)


def _tool(model: keras.Model) -> Saliency:
    from tf_keras_vis.saliency import Saliency  # here: Grad-CAM works without it

    return made_once(model, Saliency, lambda: Saliency(laid_open(model).scoring()))


def _copies(pictures: np.ndarray, samples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Give copies with noise, drawn here: tf-keras-vis would draw from NumPy's global generator."""
    axes = tuple(range(1, pictures.ndim))
    spread = _NOISE * np.ptp(pictures, axis=axes, keepdims=True)
    for _ in range(samples):
        yield pictures + spread * rng.standard_normal(pictures.shape, np.float32)
