"""Why a model said what it said: where it looked, when, and whether that can be trusted.

Takes trained models of `models` and clips as they take them; gives `Explanation` records to
`plots`, notebooks and the command line. `grad_cam` holds the method most use, `layers` opens models
for it.
"""

from vidlab.explanation.choosing import default_layer
from vidlab.explanation.curves import (
    Agreement,
    agrees_with_deletion,
    area_under,
    deletion_curve,
    insertion_curve,
    random_heat,
)
from vidlab.explanation.filters import FilterPictures, depths, maximise
from vidlab.explanation.grad_cam import grad_cam
from vidlab.explanation.grading import grade, grade_frames, grade_points, summary
from vidlab.explanation.hiding import act_of_boxes, what_moves, without_act, without_scene
from vidlab.explanation.importance import by_gradient, by_occlusion
from vidlab.explanation.layers import layers
from vidlab.explanation.maps import (
    FeatureMaps,
    StrongestFrames,
    feature_maps,
    first_kernels,
    strongest_frames,
)
from vidlab.explanation.means import MeanMaps, contributions, mean_maps
from vidlab.explanation.methods import METHODS, explain
from vidlab.explanation.pointing import EVIDENCE, energy_inside, peaks, pointing_game, random_points
from vidlab.explanation.records import Explanation
from vidlab.explanation.saliency import saliency
from vidlab.explanation.sanity import randomise, randomised_check, rank_correlation
from vidlab.explanation.shortcuts import TOLD_BY_SCENE, Halves, ask_halves, shortcuts
from vidlab.explanation.tuning import class_selectivity, filter_changes, filter_responses

__all__ = [
    "EVIDENCE",
    "METHODS",
    "TOLD_BY_SCENE",
    "Agreement",
    "Explanation",
    "FeatureMaps",
    "FilterPictures",
    "Halves",
    "MeanMaps",
    "StrongestFrames",
    "act_of_boxes",
    "agrees_with_deletion",
    "area_under",
    "ask_halves",
    "by_gradient",
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
    "what_moves",
    "without_act",
    "without_scene",
]
