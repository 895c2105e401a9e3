"""Explore results by hand in JupyterLab: from a mistake to its videos to where the model looked.

Takes `Predictions`, videos and models; gives explorers to notebooks. Nothing is computed here:
tables come from `evaluation`, heat from `explanation`, answers from `timeline`, pictures from
`plots`, and each is asked for when somebody looks. One module holds one explorer, what it shares
with others stands before it: `explorer` what all of them are, `footage` and `stills` read and pack
frames, `library` lists videos to choose from, `listing` the videos behind what was clicked,
`samplers` and `filter_images` what one explorer computes, `panel` and `video_panel` the bases of
explorers that are made of plain ipywidgets. Where no kernel or no browser is there, each shows a
picture; `standalone` keeps the confusion matrix, its videos and their heat as one file that works
without a kernel.

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
