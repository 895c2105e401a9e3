"""A small network taught what drawn stills show.

Takes stills from `vidlab.pretraining.drawing` and a network from `backbones`; gives the backbone,
and how well it answers about stills it has not seen, to ``python -m vidlab.pretraining``.

Asking for *where* matters: one answer a place in the feature map teaches far more a picture than
one answer a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.pretraining.drawing import ATTRIBUTES, MARKS, THINGS, Stills, marks, shrunk, stills

if TYPE_CHECKING:
    import keras

__all__ = ["STAGES", "Stage", "train"]

_BATCH = 64


@dataclass(frozen=True)
class Stage:
    """One stage of teaching; the next goes on from its weights.

    Attributes
    ----------
    size : int
        Height and width of the stills in pixels: small ones first, for they take less time.
    epochs : int
        How often each still is seen, varied in brightness.
    rate : float
        The highest learning rate; it rises, then falls as a cosine.
    """

    size: int
    epochs: int
    rate: float


STAGES = (Stage(size=80, epochs=8, rate=4e-3), Stage(size=112, epochs=4, rate=2e-3))


def train(
    stages: Sequence[Stage] = STAGES,
    *,
    count: int = 30_000,
    held_out: int = 2_000,
    backbone: str = "residual",
) -> tuple[keras.Model, pd.DataFrame]:
    """Teach a backbone what drawn stills show.

    Parameters
    ----------
    stages
        One after the other.
    count
        Stills to learn from.
    held_out
        Stills of other scenes, for the scores.
    backbone
        One of `backbones.names`.

    Returns
    -------
    backbone : keras.Model
        As `backbones.build` gives it.
    scores : pandas.DataFrame
        On the held-out stills, by what is asked: chance (always giving the commonest answer) and
        accuracy, 0–1.
    """
    import keras

    keras.utils.set_random_seed(0)
    known, unseen = stills(count, seed=0), stills(held_out, seed=1)
    learner = None
    for stage in stages:
        learner = _teach(stage, known, backbone=backbone, before=learner)
    said = learner.predict(
        shrunk(unseen.pictures, (stage.size, stage.size)), batch_size=_BATCH, verbose=0
    )
    return learner.get_layer("backbone"), _scores(unseen, said)


def _teach(
    stage: Stage, known: Stills, *, backbone: str, before: keras.Model | None
) -> keras.Model:
    """Teach one stage, from the weights of the one before; return the backbone with its heads."""
    import keras

    from vidlab.models import backbones

    layers = keras.layers
    frames = keras.Input((stage.size, stage.size, 3))
    light = layers.RandomBrightness(0.15, value_range=(0, 255), seed=0)
    shown = backbones.build(backbone, size=(stage.size, stage.size))(light(frames))
    pooled = layers.GlobalAveragePooling2D()(shown)
    rare = keras.initializers.Constant(-3.0)  # most places of the grid hold nothing
    learner = keras.Model(
        frames,
        {
            "things": layers.Dense(len(THINGS), activation="softmax")(pooled),
            "attributes": layers.Dense(len(ATTRIBUTES), activation="sigmoid")(pooled),
            "marks": layers.Conv2D(len(MARKS), 1, activation="sigmoid", bias_initializer=rare)(
                shown
            ),
        },
    )
    if before is not None:
        learner.set_weights(before.get_weights())
    steps = stage.epochs * -(-len(known.pictures) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        stage.rate / 10, steps, warmup_target=stage.rate, warmup_steps=steps // 20
    )
    learner.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss={
            "things": "sparse_categorical_crossentropy",
            "attributes": "binary_crossentropy",
            "marks": "binary_crossentropy",
        },
        loss_weights={"things": 1.0, "attributes": 4.0, "marks": 30.0},
    )
    answers = {
        "things": known.things,
        "attributes": known.attributes,
        "marks": marks(known, rows=shown.shape[1], columns=shown.shape[2]),
    }
    pictures = shrunk(known.pictures, (stage.size, stage.size))
    # Variables that optimizer and losses make only at the first batch have it traced twice.
    learner.optimizer.build(learner.trainable_variables)
    learner.compute_loss(
        y={name: values[:1] for name, values in answers.items()}, y_pred=learner(pictures[:1])
    )
    learner.fit(pictures, answers, batch_size=_BATCH, epochs=stage.epochs, verbose=2)
    return learner


def _scores(unseen: Stills, said: dict[str, np.ndarray]) -> pd.DataFrame:
    common = np.bincount(unseen.things).max() / len(unseen.things)
    right = (said["things"].argmax(axis=1) == unseen.things).mean()
    rows = [(f"thing, one of {len(THINGS)}", common, right)]
    share, agreed = unseen.attributes.mean(0), (said["attributes"] > 0.5) == unseen.attributes
    rows += zip(ATTRIBUTES, np.maximum(share, 1 - share), agreed.mean(0), strict=True)
    return pd.DataFrame(rows, columns=["asked", "chance", "accuracy"]).set_index("asked")
