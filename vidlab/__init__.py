"""Learn and analyse video classification, from frame sampling to trained and explained models.

The rooms in the order data flows: `data`, `pantomime`, `models`, `recipes`, `evaluation`,
`training`, `explanation`, `plots`, `widgets`, `course`, `cli`.
Importing ``vidlab`` loads none of them: each is loaded when first used, so that nothing waits for
TensorFlow that does not need it.
"""

import logging
import os
import sys
from importlib import import_module

__version__ = "0.1.0"

# Names a notebook reaches without knowing the room: name to module, and to a name in that module.
_NAMES = {
    "Augment": "data.augment",
    "Clips": "data.dataset",
    "FrameCache": "data.store",
    "Lab": "course.lab",
    "VideoIndex": "data.index",
    "load_index": "datasets",
}
_ROOMS = (
    *("errors", "files", "progress", "data", "pantomime", "datasets", "models", "recipes"),
    *("evaluation", "training", "pretraining", "explanation", "plots", "widgets", "course"),
)
_INSIDE = {
    "data": (
        *("augment", "coverage", "dataset", "flow", "index", "layouts"),
        *("sampling", "store", "streams", "ucf101", "video"),
    ),
    "models": ("backbones",),
    "training": ("experiment", "features", "freezing", "learners"),
    "evaluation": ("predictions", "runs", "timeline"),
    "course": ("lab", "profiles"),
}
_MODULES = {name: name for name in _ROOMS}
_MODULES |= {name: f"{room}.{name}" for room, names in _INSIDE.items() for name in names}

_ON_KERAS = ("models", "recipes", "training", "pretraining", "explanation", "data.dataset")

__all__ = [*_NAMES, *_MODULES]


def __getattr__(name: str):
    module = _NAMES.get(name) or _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'vidlab' has no attribute {name!r}")
    if module.startswith(_ON_KERAS):
        _start_keras()
    found = import_module(f"vidlab.{module}")
    return getattr(found, name) if name in _NAMES else found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _start_keras() -> None:
    """Import Keras without the lines TensorFlow's C++ part writes to stderr as it starts.

    No setting stops those lines, and they would stand in a red box in every notebook; nor do
    TensorFlow's remarks on retracing concern a reader who trains several models in one notebook.
    Python's own errors and warnings are not touched.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from vidlab.progress import silent_stderr

        with silent_stderr():
            import_module("keras")
    # Afterwards: in a notebook, TensorFlow sets a level of its own as it is imported.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
