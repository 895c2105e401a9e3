"""The built-in dataset: twelve drawn actions, three of them the time-reversed twins of others."""

from vidlab.pantomime.actions import CLASSES, REVERSED_PAIRS
from vidlab.pantomime.dataset import make
from vidlab.pantomime.lookup import boxes_of, camera_of, indoors_of, outlines_of, twins
from vidlab.pantomime.rendering import Shot

__all__ = [
    "CLASSES",
    "REVERSED_PAIRS",
    "Shot",
    "boxes_of",
    "camera_of",
    "indoors_of",
    "make",
    "outlines_of",
    "twins",
]
