"""Figures of the data, of training and of what a model said; nothing is computed or shown here.

Takes tables from `evaluation`, histories from `runs` and frames from `video`; gives a matplotlib
`Figure` to notebooks and to the command line, which show or `save` it. `data` and `pictures` draw
videos and frames, `pixels` what is inside them, `training` the way to a model, `accuracy` the
results, `confusion` the mistakes, `comparison` several models, `motion` what the order of frames is
worth, `timeline` answers over time, `heat` what a model looked at, `grades` whether that can be
trusted, `filters` what filters look for, `maps` the feature space, `diagrams` how a network reads a
video. `rows` holds what figures of rows share, `style` says how all of them look. Call `use_style`
once before drawing.
"""

from vidlab.plots.accuracy import (
    accuracy_with_ceiling,
    aggregation_comparison,
    leakage_bars,
    per_class_bars,
)
from vidlab.plots.comparison import class_deltas, comparison, leaderboard
from vidlab.plots.confusion import clustered, confusion_matrix
from vidlab.plots.data import clips_per_class, sampling_strip
from vidlab.plots.diagrams import unrolled
from vidlab.plots.filters import (
    filter_changes,
    filter_grid,
    filters_compared,
    first_kernels,
    layer_maps,
    strongest_frames,
)
from vidlab.plots.grades import deletion_curves, mean_heat, pointing_bars, scene_or_act
from vidlab.plots.heat import heat_strip, importance_over_time, overlay
from vidlab.plots.maps import feature_map
from vidlab.plots.motion import motion_costs, reversed_answers
from vidlab.plots.pictures import as_pictures, augmentation_grid, contact_sheet, frame_strip
from vidlab.plots.pixels import change_over_time, evidence_boxes, pixel_values, time_slice
from vidlab.plots.style import (
    Drawing,
    class_colours,
    recipe_colour,
    recipe_colours,
    save,
    use_style,
)
from vidlab.plots.timeline import drawn_classes, frame_timeline
from vidlab.plots.training import learning_curves, learning_curves_compared

__all__ = [
    "Drawing",
    "accuracy_with_ceiling",
    "aggregation_comparison",
    "as_pictures",
    "augmentation_grid",
    "change_over_time",
    "class_colours",
    "class_deltas",
    "clips_per_class",
    "clustered",
    "comparison",
    "confusion_matrix",
    "contact_sheet",
    "deletion_curves",
    "drawn_classes",
    "evidence_boxes",
    "feature_map",
    "filter_changes",
    "filter_grid",
    "filters_compared",
    "first_kernels",
    "frame_strip",
    "frame_timeline",
    "heat_strip",
    "importance_over_time",
    "layer_maps",
    "leaderboard",
    "leakage_bars",
    "learning_curves",
    "learning_curves_compared",
    "mean_heat",
    "motion_costs",
    "overlay",
    "per_class_bars",
    "pixel_values",
    "pointing_bars",
    "recipe_colour",
    "recipe_colours",
    "reversed_answers",
    "sampling_strip",
    "save",
    "scene_or_act",
    "strongest_frames",
    "time_slice",
    "unrolled",
    "use_style",
]
