"""What is differentiated when tf-keras-vis does it: the score of each clip's class.

Takes questions of `questions`; gives score functions, and questions whose targets are settled, to
`saliency` and `methods`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from vidlab.explanation.asking import answers
from vidlab.explanation.layers import Anatomy
from vidlab.explanation.questions import NOBODY, Question

__all__ = ["score_function", "settled"]


def settled(model: keras.Model, question: Question) -> tuple[Question, np.ndarray]:
    """Put the model's own answer where no target was named.

    Parameters
    ----------
    model
        Of frames or clips.
    question
        About any number of clips.

    Returns
    -------
    question : Question
        With a target for every clip.
    probabilities : numpy.ndarray
        ``float32``, (clips,): what the model gives the targets.
    """
    said = answers(model, question.clips)
    targets = np.where(question.targets == NOBODY, said.argmax(axis=1), question.targets)
    targets = targets.astype(np.int32)
    probabilities = np.take_along_axis(said, targets[:, None], axis=1)[:, 0]
    return dataclasses.replace(question, targets=targets), probabilities


def score_function(
    anatomy: Anatomy, question: Question, *, from_zero: bool = False
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Make the function from a model's scores to those that are explained.

    Parameters
    ----------
    anatomy
        The model. One of frames has a row of scores for each frame of each clip.
    question
        With settled targets.
    from_zero
        Whether to shift every score to 0, which leaves its gradient as it is.

    Returns
    -------
    callable
        ``float32``, (rows, classes), to (rows,).
    """
    classes = anatomy.model.output_shape[-1]
    weights = tf.one_hot(question.targets, classes) - tf.one_hot(question.against, classes)
    if anatomy.per_frame:
        weights = tf.repeat(weights, question.clips.shape[1], axis=0)

    def score(output: tf.Tensor) -> tf.Tensor:
        scores = tf.reduce_sum(output * weights, axis=-1)
        return scores - tf.stop_gradient(scores) if from_zero else scores

    return score
