"""Explore results by hand in JupyterLab: from a mistake to its videos to where the model looked.

Takes `Predictions`, an index and a model; gives explorers to notebooks. Nothing is computed here:
tables come from `evaluation`, heat from `explanation`, pictures from `plots`, and each is asked for
when somebody looks. `confusion` and `cam` hold an explorer each, `explorer` what they share,
`footage` reads and packs frames. Where no kernel or no browser is there, each shows a picture;
`standalone` keeps the matrix, its videos and their heat as one file that works without a kernel.

An explorer draws itself with the few hundred lines of plain JavaScript in ``page``: a hundred
classes are ten thousand cells, which a canvas draws in milliseconds, and a click is one message to
the kernel and one back. No script is fetched from anywhere.
"""

from vidlab.widgets.augment import AugmentExplorer
from vidlab.widgets.cam import CamExplorer
from vidlab.widgets.confusion import ConfusionExplorer
from vidlab.widgets.filters import FilterExplorer
from vidlab.widgets.per_class import PerClassExplorer
from vidlab.widgets.sampling import SamplingExplorer
from vidlab.widgets.standalone import save_page
from vidlab.widgets.timeline import TimelineExplorer
from vidlab.widgets.training import TrainingCurves

__all__ = [
    "AugmentExplorer",
    "CamExplorer",
    "ConfusionExplorer",
    "FilterExplorer",
    "PerClassExplorer",
    "SamplingExplorer",
    "TimelineExplorer",
    "TrainingCurves",
    "save_page",
]
