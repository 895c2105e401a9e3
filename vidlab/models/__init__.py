"""What models of videos are made of, beside Keras' own layers.

`layers` applies an encoder to every frame of a clip, `inflation` makes encoders of flow and of
clips out of encoders of pictures, `streaming` makes a recurrent model predict at every frame,
`graph` opens nested models, `classifier` takes one unit or logits for what they stand for;
`quantization` rounds to few bits, `export` writes files for phones and `litert` runs them. These
modules know shapes, not files; the models themselves stand in `vidlab.recipes`, one paper a file.
Importing this package is what lets Keras load saved models.
"""

from vidlab.data.streams import PADDING
from vidlab.models.classifier import as_classifier
from vidlab.models.inflation import FLOW_RANGE, inflated, widened
from vidlab.models.layers import (
    BlankPadding,
    FoldTime,
    ResponseNormalization,
    RunningStatistics,
    UnfoldTime,
    each_frame,
    pad,
    pad_space,
)
from vidlab.models.litert import LiteRT, from_litert
from vidlab.models.quantization import fake_quantized
from vidlab.models.streaming import Stream, every_frame

__all__ = [
    "FLOW_RANGE",
    "PADDING",
    "BlankPadding",
    "FoldTime",
    "LiteRT",
    "ResponseNormalization",
    "RunningStatistics",
    "Stream",
    "UnfoldTime",
    "as_classifier",
    "each_frame",
    "every_frame",
    "fake_quantized",
    "from_litert",
    "inflated",
    "pad",
    "pad_space",
    "widened",
]
