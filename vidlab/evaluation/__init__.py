"""Accuracy, confusion, confidence intervals and tests of one model or of several.

All of it is computed from `Predictions`. `accuracy` has top-k accuracy, confusion and reports;
`frames` how predictions for single frames make that of a video; `intervals` the bootstrap over
groups; `comparison` paired tests; `motion` what the order of the frames is worth; `leaderboard`
tables of models; `histories` which epoch a training kept.
"""

from vidlab.evaluation.accuracy import (
    compare_reports,
    confusion,
    counted,
    most_confused,
    report,
    reported_ks,
    top_k,
    top_ks,
)
from vidlab.evaluation.comparison import class_deltas, compare, mcnemar, same_videos, sign_flip
from vidlab.evaluation.histories import kept_epoch, phase_spans
from vidlab.evaluation.intervals import (
    bootstrap,
    clusters_of,
    interval,
    per_class,
    pool,
    strata_of,
)
from vidlab.evaluation.leaderboard import leaderboard, summary
from vidlab.evaluation.motion import (
    CYCLIC,
    END_STATE,
    MotionProbe,
    motion_probe,
    order_blind_ceiling,
    pair_accuracy,
    pair_kinds,
    within_pairs,
)

__all__ = [
    "CYCLIC",
    "END_STATE",
    "MotionProbe",
    "bootstrap",
    "class_deltas",
    "clusters_of",
    "compare",
    "compare_reports",
    "confusion",
    "counted",
    "interval",
    "kept_epoch",
    "leaderboard",
    "mcnemar",
    "most_confused",
    "motion_probe",
    "order_blind_ceiling",
    "pair_accuracy",
    "pair_kinds",
    "per_class",
    "phase_spans",
    "pool",
    "report",
    "reported_ks",
    "same_videos",
    "sign_flip",
    "strata_of",
    "summary",
    "top_k",
    "top_ks",
    "within_pairs",
]
