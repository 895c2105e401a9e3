"""Multi-task training of the shipped network on drawn stills.

Predicting *where* things and joints are matters: one target a cell of the feature map teaches far
more a picture than one a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.pretraining.drawing import (
    ATTRIBUTES,
    KEYPOINTS,
    THINGS,
    Stills,
    keypoint_maps,
    resized,
    stills,
)

if TYPE_CHECKING:
    import keras

__all__ = ["STAGES", "Stage", "train"]

_BATCH = 64


@dataclass(frozen=True)
class Stage:
    """One stage of training; the next goes on from its weights.

    Attributes
    ----------
    size : int
        Height and width of the stills in pixels: small ones first, for they take less time.
    epochs : int
        Epochs, each still varied in brightness.
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
    """Train a backbone on drawn stills, stage by stage.

    Parameters
    ----------
    count, held_out
        Training stills, and stills of other scenes for the scores.

    Returns
    -------
    backbone : keras.Model
        As `backbones.build` gives it.
    scores : pandas.DataFrame
        On the held-out stills, by target: chance (the commonest value) and accuracy, 0–1.
    """
    import keras

    keras.utils.set_random_seed(0)
    drawn, test = stills(count, seed=0), stills(held_out, seed=1)
    model = None
    for stage in stages:
        model = _train_stage(stage, drawn, backbone=backbone, before=model)
    pictures = resized(test.pictures, (stage.size, stage.size))
    predictions = model.predict(pictures, batch_size=_BATCH, verbose=0)
    return model.get_layer("backbone"), _scores(test, predictions)


def _train_stage(
    stage: Stage, drawn: Stills, *, backbone: str, before: keras.Model | None
) -> keras.Model:
    """Train one stage, from the weights of the one before; return the backbone with its heads."""
    import keras

    from vidlab.models import backbones

    layers = keras.layers
    frames = keras.Input((stage.size, stage.size, 3))
    light = layers.RandomBrightness(0.15, value_range=(0, 255), seed=0)
    maps = backbones.build(backbone, size=(stage.size, stage.size))(light(frames))
    pooled = layers.GlobalAveragePooling2D()(maps)
    rare = keras.initializers.Constant(-3.0)  # most cells hold nothing
    cells = layers.Conv2D(len(KEYPOINTS), 1, activation="sigmoid", bias_initializer=rare)
    model = keras.Model(
        frames,
        {
            "things": layers.Dense(len(THINGS), activation="softmax")(pooled),
            "attributes": layers.Dense(len(ATTRIBUTES), activation="sigmoid")(pooled),
            "keypoints": cells(maps),
        },
    )
    if before is not None:
        model.set_weights(before.get_weights())
    steps = stage.epochs * -(-len(drawn.pictures) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        stage.rate / 10, steps, warmup_target=stage.rate, warmup_steps=steps // 20
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss={
            "things": "sparse_categorical_crossentropy",
            "attributes": "binary_crossentropy",
            "keypoints": "binary_crossentropy",
        },
        loss_weights={"things": 1.0, "attributes": 4.0, "keypoints": 30.0},
    )
    targets = {
        "things": drawn.things,
        "attributes": drawn.attributes,
        "keypoints": keypoint_maps(drawn, rows=maps.shape[1], columns=maps.shape[2]),
    }
    pictures = resized(drawn.pictures, (stage.size, stage.size))
    # Variables that optimizer and losses make only at the first batch have it traced twice.
    model.optimizer.build(model.trainable_variables)
    model.compute_loss(
        y={name: values[:1] for name, values in targets.items()}, y_pred=model(pictures[:1])
    )
    model.fit(pictures, targets, batch_size=_BATCH, epochs=stage.epochs, verbose=2)
    return model


def _scores(test: Stills, predictions: dict[str, np.ndarray]) -> pd.DataFrame:
    commonest = np.bincount(test.things).max() / len(test.things)
    correct = (predictions["things"].argmax(axis=1) == test.things).mean()
    rows = [(f"thing, one of {len(THINGS)}", commonest, correct)]
    share, agreed = test.attributes.mean(0), (predictions["attributes"] > 0.5) == test.attributes
    rows += zip(ATTRIBUTES, np.maximum(share, 1 - share), agreed.mean(0), strict=True)
    return pd.DataFrame(rows, columns=["target", "chance", "accuracy"]).set_index("target")
