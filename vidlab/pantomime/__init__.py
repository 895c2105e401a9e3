"""The built-in dataset: twelve drawn actions, three of them the time-reversed twins of others."""

from vidlab.pantomime.actions import CLASSES, REVERSED_PAIRS
from vidlab.pantomime.dataset import make
from vidlab.pantomime.lookup import boxes_of, outlines_of, shot_of, twins
from vidlab.pantomime.rendering import Shot
from vidlab.pantomime.sheet import contact_sheet

__all__ = [
    "CLASSES",
    "REVERSED_PAIRS",
    "Shot",
    "boxes_of",
    "contact_sheet",
    "make",
    "outlines_of",
    "shot_of",
    "twins",
]
