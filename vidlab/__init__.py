"""Learn and analyse video classification, from frame sampling to trained and explained models.

The modules in the order data flows: `video`, `index`, `pantomime`, `datasets`, `sampling`,
`clips`, `augment`, `backbones`, `models`, `recipes`, `training`, `predictions`, `evaluation`,
`runs`, `plots`, `profiles`, `lab`, `notebooks`, `cli`. Importing ``vidlab`` loads none of them:
each is loaded when first used, so that nothing waits for TensorFlow that does not need it.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {"Lab": "lab", "VideoIndex": "index", "load_index": "datasets"}
_MODULES = (
    "augment",
    "backbones",
    "clips",
    "datasets",
    "errors",
    "evaluation",
    "figures",
    "index",
    "lab",
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
    "training",
    "ucf101",
    "video",
)

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"vidlab.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"vidlab.{name}")
    raise AttributeError(f"module 'vidlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
