"""The recipes of Chiche 2019: two frozen encoders, with GRU, with LSTM, and frame by frame.

Takes samplers from `sampling` and the form from `records`; gives records to `literature`. Where
the source leaves a value open, the note says what stands there instead and why.
"""

from __future__ import annotations

from vidlab.recipes.records import Phase, Published, Recipe
from vidlab.sampling import Uniform

__all__ = ["ON_FEATURES"]

_SOURCE = "Chiche 2019, Memory and computation-efficient CNN (MSc, Politecnico di Milano)"
_NOTE = (
    "The source stops early, on 10% of all data, and prints neither a number of epochs (200 is "
    'only an upper end) nor a batch size (32 stands here). It prints a dropout of "0.5%", read as '
    "0.5."
)
_SINGLE_NOTE = " It does not say how frames decide a video; here the mean of their probabilities."
_MOBILENET_NOTE = " Its MobileNetV2 is quantised to 8 bits, this one is not."

# Name here, for people, in `vidlab.backbones`, and height and width of its pictures.
_INCEPTION = ("inception", "InceptionV3", "inceptionv3", 299)
_MOBILENET = ("mobilenet", "MobileNetV2", "mobilenetv2", 224)


def _on_features(
    encoder: tuple[str, str, str, int],
    cell: str | None,
    *,
    results: tuple[float, float],
    report: tuple[float, ...] = (),
) -> Recipe:
    name, title, backbone, pixels = encoder
    note = _NOTE + (_SINGLE_NOTE if cell is None else "")
    note += _MOBILENET_NOTE if encoder == _MOBILENET else ""
    return Recipe(
        name=f"{name}-{cell or 'single'}",
        title=f"Features of {title} from ImageNet, {cell.upper() if cell else 'frame by frame'}",
        source=_SOURCE,
        backbone=backbone,
        size=(pixels, pixels),
        weights="imagenet",
        phases=(Phase(200, "adam", 1e-5, 32, decay=1e-6),),
        train_sampling=Uniform(25),
        test_sampling=Uniform(25),
        aggregation="mean",
        published=Published(_SOURCE, *results, "", note, report=report),
        head="single" if cell is None else "recurrent",
        augment=False,
        takes="features",
        cell=cell,
        units=512 if cell is None else None,
    )


ON_FEATURES = (
    _on_features(_INCEPTION, "lstm", results=(78.75, 94.22)),
    _on_features(_INCEPTION, "gru", results=(79.61, 94.69), report=(0.77, 0.77, 0.76)),
    _on_features(_MOBILENET, "lstm", results=(74.30, 91.17)),
    _on_features(_MOBILENET, "gru", results=(75.94, 92.97), report=(0.74, 0.73, 0.72)),
    _on_features(_INCEPTION, None, results=(69.69, 88.12), report=(0.67, 0.67, 0.66)),
    _on_features(_MOBILENET, None, results=(64.25, 84.73), report=(0.62, 0.61, 0.61)),
)
