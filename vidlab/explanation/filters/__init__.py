"""What the filters of a network look for, and what they make of real frames.

Takes models and frames; gives pictures, maps and tables to `plots` and notebooks. `reading` reads
any layer of a model, `ascent` and `pictures` make what excites a filter, `maps` shows what it makes
of frames, and `tuning` which class it tells and what training changed.
"""

from vidlab.explanation.filters.maps import (
    FeatureMaps,
    StrongestFrames,
    feature_maps,
    first_kernels,
    strongest_frames,
)
from vidlab.explanation.filters.pictures import FilterPictures, depths, maximise
from vidlab.explanation.filters.tuning import (
    class_selectivity,
    filter_changes,
    filter_responses,
)

__all__ = [
    "FeatureMaps",
    "FilterPictures",
    "StrongestFrames",
    "class_selectivity",
    "depths",
    "feature_maps",
    "filter_changes",
    "filter_responses",
    "first_kernels",
    "maximise",
    "strongest_frames",
]
