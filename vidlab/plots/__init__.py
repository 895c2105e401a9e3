"""Figures of data, training, results and explanations, in one style; nothing is computed here.

Every function returns a `Drawing`, a matplotlib figure that shows itself in a notebook. Those with
an `ax` draw into axes of yours when you give some. Call `use_style` once before drawing.
"""

from vidlab.plots.confusion import clustered, confusion_matrix
from vidlab.plots.curves import learning_curves, lines
from vidlab.plots.descent import descent
from vidlab.plots.diagrams import fusion, unrolled
from vidlab.plots.filters import filter_grid, strongest_frames
from vidlab.plots.heat import heat_strip, overlay
from vidlab.plots.intervals import intervals, stacked_bars
from vidlab.plots.pictures import as_pictures, contact_sheet, frame_strip, picture_grid
from vidlab.plots.results import class_deltas, leaderboard, per_class_bars
from vidlab.plots.sampling import sampling_strip
from vidlab.plots.style import Drawing, class_colours, save, use_style
from vidlab.plots.timeline import drawn_classes, frame_timeline
from vidlab.plots.tsne import tsne

__all__ = [
    "Drawing",
    "as_pictures",
    "class_colours",
    "class_deltas",
    "clustered",
    "confusion_matrix",
    "contact_sheet",
    "descent",
    "drawn_classes",
    "filter_grid",
    "frame_strip",
    "frame_timeline",
    "fusion",
    "heat_strip",
    "intervals",
    "leaderboard",
    "learning_curves",
    "lines",
    "overlay",
    "per_class_bars",
    "picture_grid",
    "sampling_strip",
    "save",
    "stacked_bars",
    "strongest_frames",
    "tsne",
    "unrolled",
    "use_style",
]
