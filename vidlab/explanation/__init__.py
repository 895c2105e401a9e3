"""Why a model said what it said: where it looked, when, and whether that can be trusted.

Takes trained models of `models` and clips as they take them; gives `Explanation` records to
`plots`, notebooks and the command line. `grad_cam` holds the method most use, `methods` the others
behind the same call, `importance` the weight of each frame; `layers` and what it builds on open a
model. `trust` asks whether an explanation is right, `filters` what a network looks for at all.
"""

from vidlab.explanation.filters import (
    FeatureMaps,
    FilterPictures,
    StrongestFrames,
    class_selectivity,
    depths,
    feature_maps,
    filter_changes,
    filter_responses,
    first_kernels,
    maximise,
    strongest_frames,
)
from vidlab.explanation.grad_cam import grad_cam
from vidlab.explanation.holding import by_input, one_input
from vidlab.explanation.importance import by_gradient, by_occlusion
from vidlab.explanation.layers import default_layer, layers
from vidlab.explanation.methods import METHODS, explain
from vidlab.explanation.records import Explanation
from vidlab.explanation.saliency import saliency
from vidlab.explanation.trust import (
    EVIDENCE,
    SCENE_SHARE,
    Agreement,
    MeanMaps,
    Swaps,
    agrees_with_deletion,
    area_under,
    contributions,
    deletion_curve,
    energy_inside,
    grade,
    grade_frames,
    grade_points,
    insertion_curve,
    mean_maps,
    on_scene,
    peaks,
    pointing_game,
    random_heat,
    random_points,
    randomise,
    randomised_check,
    rank_correlation,
    shortcuts,
    summary,
    swap_scenes,
    what_moves,
    without_act,
)

__all__ = [
    "EVIDENCE",
    "METHODS",
    "SCENE_SHARE",
    "Agreement",
    "Explanation",
    "FeatureMaps",
    "FilterPictures",
    "MeanMaps",
    "StrongestFrames",
    "Swaps",
    "agrees_with_deletion",
    "area_under",
    "by_gradient",
    "by_input",
    "by_occlusion",
    "class_selectivity",
    "contributions",
    "default_layer",
    "deletion_curve",
    "depths",
    "energy_inside",
    "explain",
    "feature_maps",
    "filter_changes",
    "filter_responses",
    "first_kernels",
    "grad_cam",
    "grade",
    "grade_frames",
    "grade_points",
    "insertion_curve",
    "layers",
    "maximise",
    "mean_maps",
    "on_scene",
    "one_input",
    "peaks",
    "pointing_game",
    "random_heat",
    "random_points",
    "randomise",
    "randomised_check",
    "rank_correlation",
    "saliency",
    "shortcuts",
    "strongest_frames",
    "summary",
    "swap_scenes",
    "what_moves",
    "without_act",
]
