"""Where a model looks, when, and for what; whether heatmaps are faithful; what filters look for.

`graph` opens a model to all its layers. `grad_cam` explains a prediction, `occlusion` weighs its
frames; `pointing`, `faithfulness`, `mean_maps` and `scene` check explanations, and `activations`,
`filters` and `activation_maximization` look into the network itself.
"""

from vidlab.explanation.act_and_scene import motion_mask, on_scene, without_act
from vidlab.explanation.activation_maximization import FilterPictures, activation_maximization
from vidlab.explanation.activations import (
    StrongestFrames,
    activations,
    first_kernels,
    strongest_frames,
)
from vidlab.explanation.faithfulness import (
    agrees_with_deletion,
    deletion_curve,
    insertion_curve,
    random_heat,
    randomise,
    similarity,
)
from vidlab.explanation.filters import class_selectivity, depths, filter_changes
from vidlab.explanation.grad_cam import METHODS, explain, grad_cam
from vidlab.explanation.graph import default_layer, layer_graph, layers
from vidlab.explanation.mean_maps import mean_maps
from vidlab.explanation.occlusion import by_occlusion
from vidlab.explanation.pointing import (
    EVIDENCE,
    grade_frames,
    grade_points,
    random_points,
    summary,
)
from vidlab.explanation.record import Explanation
from vidlab.explanation.scene import scene_reliance
from vidlab.explanation.single_input import by_input

__all__ = [
    "EVIDENCE",
    "METHODS",
    "Explanation",
    "FilterPictures",
    "StrongestFrames",
    "activation_maximization",
    "activations",
    "agrees_with_deletion",
    "by_input",
    "by_occlusion",
    "class_selectivity",
    "default_layer",
    "deletion_curve",
    "depths",
    "explain",
    "filter_changes",
    "first_kernels",
    "grad_cam",
    "grade_frames",
    "grade_points",
    "insertion_curve",
    "layer_graph",
    "layers",
    "mean_maps",
    "motion_mask",
    "on_scene",
    "random_heat",
    "random_points",
    "randomise",
    "scene_reliance",
    "similarity",
    "strongest_frames",
    "summary",
    "without_act",
]
