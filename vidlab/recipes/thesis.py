"""The recipes of the thesis on CNN and CNN+LSTM: frames that vote, and an LSTM on their features.

Takes samplers from `sampling` and the form from `records`; gives records to `literature`. Where
the source leaves a value open, the note says what stands there instead and why.
"""

from __future__ import annotations

from vidlab.recipes.records import Phase, Published, Recipe
from vidlab.sampling import EverySecond

__all__ = ["CNN_LSTM", "FRAME_VOTE"]

_SOURCE = "Video classification on UCF-101 with CNN and CNN+LSTM (thesis)"

FRAME_VOTE = Recipe(
    name="frame-vote",
    title="Frames, InceptionV3 from ImageNet, frozen, flattened; majority vote",
    source=_SOURCE,
    backbone="inceptionv3",
    size=(224, 224),
    weights="imagenet",
    phases=(Phase(225, "sgd", 1e-3, 32, momentum=0.6),),
    train_sampling=EverySecond(8),
    test_sampling=EverySecond(8),
    aggregation="vote",
    published=Published(
        _SOURCE,
        57.41,
        None,
        "74,336,133 (52,533,349 trainable)",
        "223 to 226 epochs, by split; the batch size is not printed (Keras' own 32 stands "
        "here) and no augmentation is mentioned.",
        splits=(57.41, 56.08, 57.01),
    ),
    head="flatten",
    augment=False,
    units=1024,
)

CNN_LSTM = Recipe(
    name="cnn-lstm",
    title="Features of the trained frame-vote model, and LSTM",
    source=_SOURCE,
    backbone="inceptionv3",
    size=(224, 224),
    weights="imagenet",
    phases=(Phase(20, "adam", 1e-3, 32),),
    train_sampling=EverySecond(8, at_most=80),
    test_sampling=EverySecond(8, at_most=80),
    aggregation="mean",
    published=Published(
        _SOURCE,
        66.27,
        None,
        "8,496,229 (without the CNN)",
        "18 to 21 epochs, by split, without validation videos. Learning rate and batch size are "
        "not printed (Keras' own 0.001 and 32 stand here), nor is how the 80 frames are chosen; "
        "here the first 80 of those the CNN was trained on, 8 of every 25, so ten seconds.",
        splits=(66.27, 66.87, 65.40),
    ),
    starts_from="frame-vote",
    head="lstm",
    augment=False,
    takes="features",
    cell="lstm",
    units=1024,
    cut="dense",
)
