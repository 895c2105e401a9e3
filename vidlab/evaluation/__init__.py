"""From what a model said to numbers and tables; no model and no file is touched here.

Takes `Predictions` from `predictions`; gives numbers, tables and intervals to `runs`, `plots` and
notebooks. Of one model: `accuracy` counts the right answers, `tables` shows where the wrong ones
are, `pairs` looks at actions that are one another's reverse, `motion` at what the order of frames
is worth, `intervals` tells how sure the numbers are. Of several: `comparison` puts them side by
side, `paired` tests their differences, `reports` compares printed ones. `maps` draws up the plane
in which similar videos are neighbours, `histories` reads how a training went.
"""

from vidlab.evaluation.accuracy import frame_top_k, per_class, top_k, top_ks
from vidlab.evaluation.comparison import class_deltas, compare, leaderboard
from vidlab.evaluation.histories import kept_epoch, phase_spans
from vidlab.evaluation.intervals import Interval, class_intervals, interval, pool, summary
from vidlab.evaluation.maps import feature_map
from vidlab.evaluation.motion import MotionProbe, motion_probe
from vidlab.evaluation.paired import mcnemar, same_videos, sign_flip
from vidlab.evaluation.pairs import ALL_PAIRS, order_blind_ceiling, pair_accuracy, within_pairs
from vidlab.evaluation.reports import compare_reports
from vidlab.evaluation.tables import OTHER, confusion, most_confused, report

__all__ = [
    "ALL_PAIRS",
    "OTHER",
    "Interval",
    "MotionProbe",
    "class_deltas",
    "class_intervals",
    "compare",
    "compare_reports",
    "confusion",
    "feature_map",
    "frame_top_k",
    "interval",
    "kept_epoch",
    "leaderboard",
    "mcnemar",
    "most_confused",
    "motion_probe",
    "order_blind_ceiling",
    "pair_accuracy",
    "per_class",
    "phase_spans",
    "pool",
    "report",
    "same_videos",
    "sign_flip",
    "summary",
    "top_k",
    "top_ks",
    "within_pairs",
]
