"""Video classifiers as plain Keras models, built but not compiled.

Takes frame encoders from `backbones`; gives uncompiled models to `recipes` and `training`. These
modules know shapes, not files. `frames` classifies single frames, `recurrent` sequences of pixels
or of features, `assembly` joins an encoder and a head into one model from clips to classes, and
`streaming` labels every frame, at once or one by one.

A model is a vertical list of layers; the encoder's backbone stays inside as one of them, named
``"backbone"``. Importing this package is what lets Keras load saved models.
"""

from vidlab.models.assembly import PADDING, BlankPadding, FoldTime, UnfoldTime, assemble, pad
from vidlab.models.frames import frame_classifier, frame_vote_classifier
from vidlab.models.recurrent import (
    convgru_head,
    lstm_head,
    pixel_rnn_classifier,
    recurrent_head,
    single_head,
)
from vidlab.models.streaming import Stream, every_frame

__all__ = [
    "PADDING",
    "BlankPadding",
    "FoldTime",
    "Stream",
    "UnfoldTime",
    "assemble",
    "convgru_head",
    "every_frame",
    "frame_classifier",
    "frame_vote_classifier",
    "lstm_head",
    "pad",
    "pixel_rnn_classifier",
    "recurrent_head",
    "single_head",
]
