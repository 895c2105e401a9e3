"""Which layers of an encoder learn, in a backbone alone or in a classifier around it."""

from __future__ import annotations

import keras

from vidlab.errors import ModelError
from vidlab.models.backbones.specs import BACKBONES, names

__all__ = ["backbone_of", "set_trainable", "top_modules"]


def top_modules(model: keras.Model) -> list[str]:
    """Name the layers of the top two modules of a backbone, inputs before outputs.

    They are, for

    - the residual network: blocks 3 and 4;
    - InceptionV3: everything after ``mixed8``, that is the modules ``mixed9`` and ``mixed10``;
    - MobileNetV2: everything after ``block_14_add``, that is the inverted-residual blocks 15 and
      16, the last with the ``Conv_1`` that follows it.

    Parameters
    ----------
    model
        A backbone, or a classifier that holds one.

    Raises
    ------
    ModelError
        If the model holds no backbone vidlab knows.
    """
    backbone = backbone_of(model)
    order = [layer.name for layer in backbone.layers]  # inputs before outputs: Keras sorts by depth
    below = {spec.below_top for spec in BACKBONES.values()}.intersection(order)
    if not below:
        raise ModelError(
            f"Expected one of the backbones {', '.join(names())}. "
            f"Received: {backbone.name}, whose layers are those of none. "
            "Name the layers to train yourself and set their `trainable`."
        )
    return order[order.index(below.pop()) + 1 :]  # all that is computed passes through that layer


def set_trainable(model: keras.Model, what: str, *, pretrained: bool = True) -> None:
    """Choose how much of the backbone learns, or of each of several; compile the model after it.

    Layers outside backbones are left as they are. In a pretrained backbone batch normalisation
    stays frozen wherever else learns: it uses its stored statistics and does not update them, in
    training too. The statistics of a few small batches, most of all of a few clips, would otherwise
    replace those of the pretraining, and what that has taught is lost within a few steps.

    Parameters
    ----------
    model
        A backbone, or a classifier that holds one.
    what
        ``"none"`` freezes the backbone, ``"top"`` frees its top two modules (see `top_modules`),
        ``"all"`` frees it whole.
    pretrained
        Whether the backbone has statistics worth keeping. Random weights have none: there batch
        normalisation learns with the rest.

    Raises
    ------
    ModelError
        If `what` is none of the three, or the model holds no backbone.
    """
    if what not in ("none", "top", "all"):
        raise ModelError(
            f'Expected "none", "top" or "all". Received: {what!r}. Choose how much learns.'
        )
    found = [layer for layer in model.layers if layer.name.endswith("backbone")]  # one a stream
    for backbone in found or [backbone_of(model)]:
        top = top_modules(backbone) if what == "top" else ()
        backbone.trainable = what != "none"
        for layer in backbone.layers:
            kept = pretrained and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = (what == "all" or layer.name in top) and not kept


def backbone_of(model: keras.Model) -> keras.Model:
    """Find the backbone in a classifier; a backbone is its own.

    Parameters
    ----------
    model
        A classifier of `vidlab.models`, or a backbone.

    Returns
    -------
    keras.Model
        The layer named ``"backbone"``, not a copy.

    Raises
    ------
    ModelError
        If there is none.
    """
    if model.name == "backbone":
        return model
    for layer in model.layers:
        if layer.name == "backbone":
            return layer
    raise ModelError(
        f'Expected a model with a layer named "backbone". Received: {model.name}. '
        "Build it with vidlab.models on a backbone of vidlab.backbones."
    )
