"""Makes the weights the package ships: a small network taught on drawn still pictures.

`drawing` draws bodies in random poses among random things with the parts of `pantomime`; `teaching`
teaches a network of `backbones` what they show. The pictures are single stills, never frames of a
Pantomime video; what is taught is what a still can show (which thing is there, where it and the
joints of the body are, what the place looks like), never an action. The result is the file behind
``weights="pantomime"``. It stands in for ImageNet where nothing can be downloaded, and is a far
smaller world than ImageNet.

Run it with ``python -m vidlab.pretraining``; some fifteen to twenty minutes on two cores.
"""

from vidlab.pretraining.drawing import (
    ATTRIBUTES,
    MARKS,
    THINGS,
    Stills,
    draw_stills,
    marks,
    stills,
)
from vidlab.pretraining.teaching import STAGES, Stage, train

__all__ = [
    "ATTRIBUTES",
    "MARKS",
    "STAGES",
    "THINGS",
    "Stage",
    "Stills",
    "draw_stills",
    "marks",
    "stills",
    "train",
]
