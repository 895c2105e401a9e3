"""Learn and analyse video classification, from frame sampling to trained and explained models.

The modules in the order data flows: `video`, `index`, `pantomime`, `datasets`, `sampling`,
`coverage`, `augment`, `streams`, `clips`, `backbones`, `models`, `features`, `recipes`, `freezing`,
`learners`, `training`, `predictions`, `evaluation`, `runs`, `timeline`, `experiment`,
`explanation`, `plots`, `widgets`, `profiles`, `lab`, `notebooks`, `cli`.
Importing ``vidlab`` loads none of them: each is loaded when first used, so that nothing waits for
TensorFlow that does not need it.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Augment": "augment",
    "Clips": "clips",
    "FrameCache": "clips",
    "Lab": "lab",
    "VideoIndex": "index",
    "load_index": "datasets",
}
_MODULES = (
    "augment",
    "backbones",
    "checkpoints",
    "clips",
    "coverage",
    "datasets",
    "errors",
    "evaluation",
    "experiment",
    "explanation",
    "features",
    "figures",
    "files",
    "freezing",
    "index",
    "lab",
    "learners",
    "lists",
    "models",
    "notebooks",
    "pantomime",
    "plots",
    "predictions",
    "pretraining",
    "profiles",
    "progress",
    "recipes",
    "runs",
    "sampling",
    "streams",
    "timeline",
    "training",
    "ucf101",
    "video",
    "widgets",
)

_ON_KERAS = {
    "backbones",
    "checkpoints",
    "clips",
    "experiment",
    "explanation",
    "features",
    "freezing",
    "learners",
    "models",
    "pretraining",
    "recipes",
    "training",
}

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str):
    module = _HOMES.get(name, name)
    if module in _ON_KERAS:
        _start_keras()
    if name in _HOMES:
        return getattr(import_module(f"vidlab.{module}"), name)
    if name in _MODULES:
        return import_module(f"vidlab.{module}")
    raise AttributeError(f"module 'vidlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _start_keras() -> None:
    """Import Keras without the lines TensorFlow's C++ part writes to stderr as it starts.

    No setting stops those lines, and they would stand in a red box in every notebook; nor do
    TensorFlow's remarks on retracing concern a reader who trains several models in one notebook.
    Python's own errors and warnings are not touched.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import_module("keras")
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    # Afterwards: in a notebook, TensorFlow sets a level of its own as it is imported.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
