"""The recipes of Newman 2020: frames, sequences of pixels, and the two together.

Takes samplers from `sampling` and the form from `records`; gives records to `literature`. Where
the source leaves a value open, the note says what stands there instead and why.
"""

from __future__ import annotations

from vidlab.recipes.records import Phase, Published, Recipe
from vidlab.sampling import AllFrames, Window

__all__ = ["CONVGRU", "FRAMES", "PIXELS"]

_SOURCE = "Newman 2020, Video classification using deep learning (MSc, Stellenbosch)"

_FRAMES_NOTE = (
    "The source prints neither Adam's learning rate (Keras' own 0.001 stands here) nor the size of "
    "the new dense layer (512 units give its 23M parameters)."
)
_PIXELS_NOTE = (
    "The source does not print Adam's learning rate (Keras' own 0.001 stands here). Its number of "
    "parameters tells that the 512 units read in both directions: one would give half as many. It "
    "does not say which 100 frames of a test video decide; here those in its middle."
)
_CONVGRU_NOTE = (
    "The last time step labels the video. The source does not say which frames of a test video "
    "decide; here the 100 in its middle, as many as it is trained on."
)


def _frames(
    name: str,
    title: str,
    *,
    phase: Phase,
    results: tuple[float, float],
    weights: str | None = "imagenet",
    starts_from: str | None = None,
) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=_SOURCE,
        backbone="inceptionv3",
        size=(299, 299),
        weights=weights,
        phases=(phase,),
        train_sampling=AllFrames(),
        test_sampling=AllFrames(),
        aggregation="mean",
        published=Published(_SOURCE, *results, "23M", _FRAMES_NOTE),
        starts_from=starts_from,
        units=512,
    )


def _pixels(cell: str, *, results: tuple[float, float], parameters: str) -> Recipe:
    return Recipe(
        name=f"{cell}-pixels",
        title=f"Clips as 50×50 pixels, {cell.upper()} in both directions",
        source=_SOURCE,
        backbone=None,
        size=(50, 50),
        weights=None,
        phases=(Phase(30, "adam", 1e-3, 32, trainable=None),),
        train_sampling=Window(100),
        test_sampling=Window(100),
        aggregation="mean",
        published=Published(_SOURCE, *results, parameters, _PIXELS_NOTE),
        head="pixels",
        takes="clips",
        cell=cell,
        units=512,
    )


def _convgru(
    name: str,
    title: str,
    *,
    phase: Phase,
    results: tuple[float, float],
    weights: str | None = "imagenet",
    starts_from: str | None = None,
) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=_SOURCE,
        backbone="inceptionv3",
        size=(299, 299),
        weights=weights,
        phases=(phase,),
        train_sampling=Window(100),
        test_sampling=Window(100),
        aggregation="mean",
        published=Published(_SOURCE, *results, "26M", _CONVGRU_NOTE),
        starts_from=starts_from,
        head="convgru",
        takes="clips",
        cell="gru",
        units=512,
    )


FRAMES = (
    _frames(
        "frame-scratch",
        "Frames, InceptionV3 from random weights",
        weights=None,
        phase=Phase(100, "adam", 1e-3, 128, trainable="all"),
        results=(23.4, 38.9),
    ),
    _frames(
        "frame-pretrained",
        "Frames, InceptionV3 from ImageNet, frozen",
        phase=Phase(1, "adam", 1e-3, 128),
        results=(47.0, 73.2),
    ),
    _frames(
        "frame-finetuned",
        "Frames, InceptionV3 from ImageNet, top two modules tuned",
        phase=Phase(10, "sgd", 1e-3, 128, trainable="top"),
        starts_from="frame-pretrained",
        results=(68.2, 87.2),
    ),
)

PIXELS = (
    _pixels("lstm", results=(44.1, 72.8), parameters="33M"),
    _pixels("gru", results=(45.8, 74.2), parameters="25M"),
)

CONVGRU = (
    _convgru(
        "convgru-scratch",
        "Clips, InceptionV3 and GRU from random weights, end to end",
        weights=None,
        phase=Phase(100, "adam", 1e-3, 32, trainable="all"),
        results=(14.2, 21.3),
    ),
    _convgru(
        "convgru-fixed",
        "Clips, InceptionV3 from ImageNet, frozen, and GRU",
        phase=Phase(30, "sgd", 1e-4, 32),
        results=(68.7, 89.2),
    ),
    _convgru(
        "convgru-finetuned",
        "Clips, InceptionV3 from ImageNet and GRU, all tuned",
        phase=Phase(30, "sgd", 1e-4, 32, trainable="all"),
        starts_from="convgru-fixed",
        results=(71.1, 91.8),
    ),
)
