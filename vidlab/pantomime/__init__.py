"""The built-in dataset: twelve drawn actions, three of them the time-reversed twins of others."""

from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.dataset import SIZES, VERSION, annotations, is_complete, make, plan
from vidlab.pantomime.lookup import boxes_of, outlines_of, twins
from vidlab.pantomime.rendering import Rendered, clip_length, outlines, render
from vidlab.pantomime.sheet import contact_sheet

__all__ = [
    "ACTIONS",
    "CLASSES",
    "REVERSED_PAIRS",
    "SIZES",
    "VERSION",
    "Rendered",
    "annotations",
    "boxes_of",
    "clip_length",
    "contact_sheet",
    "is_complete",
    "make",
    "outlines",
    "outlines_of",
    "plan",
    "render",
    "twins",
]
