"""Whether a heatmap can be trusted, and the model behind it.

Takes explanations, the boxes of the evidence and clips; gives grades, curves and verdicts to
`plots`, notebooks and the command line. `pointing` and `grading` compare heat with what is known
to matter, `curves` and `sanity` ask the model itself, `hiding`, `means`, `swapping` and
`shortcuts` find out whether it looks at the act or at the scene.
"""

from vidlab.explanation.trust.curves import (
    Agreement,
    agrees_with_deletion,
    area_under,
    deletion_curve,
    insertion_curve,
    random_heat,
)
from vidlab.explanation.trust.grading import grade, grade_frames, grade_points, summary
from vidlab.explanation.trust.hiding import (
    on_scene,
    what_moves,
    without_act,
)
from vidlab.explanation.trust.means import MeanMaps, contributions, mean_maps
from vidlab.explanation.trust.pointing import (
    EVIDENCE,
    energy_inside,
    peaks,
    pointing_game,
    random_points,
)
from vidlab.explanation.trust.sanity import randomise, randomised_check, rank_correlation
from vidlab.explanation.trust.shortcuts import SCENE_SHARE, shortcuts
from vidlab.explanation.trust.swapping import Swaps, swap_scenes

__all__ = [
    "EVIDENCE",
    "SCENE_SHARE",
    "Agreement",
    "MeanMaps",
    "Swaps",
    "agrees_with_deletion",
    "area_under",
    "contributions",
    "deletion_curve",
    "energy_inside",
    "grade",
    "grade_frames",
    "grade_points",
    "insertion_curve",
    "mean_maps",
    "on_scene",
    "peaks",
    "pointing_game",
    "random_heat",
    "random_points",
    "randomise",
    "randomised_check",
    "rank_correlation",
    "shortcuts",
    "summary",
    "swap_scenes",
    "what_moves",
    "without_act",
]
