"""Explore results by hand in JupyterLab: from a mistake to its videos to where the model looked.

Charts are plotly's FigureWidgets, controls are ipywidgets. Widgets of our own, a few hundred lines
of plain JavaScript in ``page``, are what these two cannot do: the confusion matrix, whose ten
thousand cells for a hundred classes a canvas draws in milliseconds; the list of videos; and the
player of videos and their heat, which plays without the kernel. No script is fetched from anywhere.

Without a kernel or a browser each explorer shows a picture; `save_page` keeps the confusion matrix,
its videos and their heat as one file that works without a kernel.
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
