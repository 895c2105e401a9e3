"""The recipes as published, one record each.

Takes samplers from `sampling` and the form from `records`; gives the built-in recipes to
`vidlab.recipes`. Where a source leaves a value open, the note says what stands there instead and
why.
"""

from __future__ import annotations

from vidlab.recipes.records import Phase, Published, Recipe
from vidlab.sampling import AllFrames, EverySecond

__all__ = ["LITERATURE"]

_NEWMAN = "Newman 2020, Video classification using deep learning (MSc, Stellenbosch)"
_THESIS = "Video classification on UCF-101 with CNN and CNN+LSTM (thesis)"
_NEWMAN_NOTE = (
    "The source prints neither Adam's learning rate (Keras' own 0.001 stands here) nor the size of "
    "the new dense layer (512 units give its 23M parameters)."
)
_NEW_LAYERS = Phase(epochs=1, optimizer="adam", learning_rate=1e-3, batch_size=128)


def _newman(
    name: str,
    title: str,
    *,
    weights: str | None,
    phases: tuple[Phase, ...],
    top1: float,
    top5: float,
    starts_from: str | None = None,
) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=_NEWMAN,
        backbone="inceptionv3",
        size=(299, 299),
        weights=weights,
        phases=phases,
        train_sampling=AllFrames(),
        test_sampling=AllFrames(),
        aggregation="mean",
        published=Published(_NEWMAN, top1, top5, "23M", _NEWMAN_NOTE),
        starts_from=starts_from,
    )


LITERATURE = (
    _newman(
        "frame-scratch",
        "Frames, InceptionV3 from random weights",
        weights=None,
        phases=(Phase(100, "adam", 1e-3, 128, trainable="all"),),
        top1=23.4,
        top5=38.9,
    ),
    _newman(
        "frame-pretrained",
        "Frames, InceptionV3 from ImageNet, frozen",
        weights="imagenet",
        phases=(_NEW_LAYERS,),
        top1=47.0,
        top5=73.2,
    ),
    _newman(
        "frame-finetuned",
        "Frames, InceptionV3 from ImageNet, top two modules tuned",
        weights="imagenet",
        phases=(Phase(10, "sgd", 1e-3, 128, trainable="top"),),
        starts_from="frame-pretrained",
        top1=68.2,
        top5=87.2,
    ),
    Recipe(
        name="frame-vote",
        title="Frames, InceptionV3 from ImageNet, frozen, flattened; majority vote",
        source=_THESIS,
        backbone="inceptionv3",
        size=(224, 224),
        weights="imagenet",
        phases=(Phase(225, "sgd", 1e-3, 32, momentum=0.6),),
        train_sampling=EverySecond(8),
        test_sampling=EverySecond(8),
        aggregation="vote",
        published=Published(
            _THESIS,
            57.41,
            None,
            "74,336,133 (52,533,349 trainable)",
            "223 to 226 epochs, by split; the batch size is not printed (Keras' own 32 stands "
            "here) and no augmentation is mentioned.",
            splits=(57.41, 56.08, 57.01),
        ),
        head="flatten",
        augment=False,
    ),
)
