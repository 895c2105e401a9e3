"""The built-in dataset: twelve drawn actions, three of them the time-reversed twins of others.

Takes `video.write` and draws everything else itself; gives a folder in UCF-101 layout to
`datasets`, single clips to notebooks and drawing parts to `pretraining`.
"""

from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.dataset import SIZES, VERSION, annotations, is_complete, make, plan
from vidlab.pantomime.rendering import Rendered, contact_sheet, render

__all__ = [
    "ACTIONS",
    "CLASSES",
    "REVERSED_PAIRS",
    "SIZES",
    "VERSION",
    "Rendered",
    "annotations",
    "contact_sheet",
    "is_complete",
    "make",
    "plan",
    "render",
]
