"""From what a model said to numbers and tables; no model and no file is touched here.

Takes `Predictions` from `predictions`; gives numbers, tables and intervals to `runs`, `plots` and
notebooks. `accuracy` counts the right answers, `tables` shows where the wrong ones are, `pairs`
looks at actions that are one another's reverse, `intervals` tells how sure the numbers are.
"""

from vidlab.evaluation.accuracy import frame_top_k, per_class, top_k, top_ks
from vidlab.evaluation.intervals import Interval, interval, pool, summary
from vidlab.evaluation.pairs import ALL_PAIRS, order_blind_ceiling, pair_accuracy
from vidlab.evaluation.tables import OTHER, confusion, most_confused, report

__all__ = [
    "ALL_PAIRS",
    "OTHER",
    "Interval",
    "confusion",
    "frame_top_k",
    "interval",
    "most_confused",
    "order_blind_ceiling",
    "pair_accuracy",
    "per_class",
    "pool",
    "report",
    "summary",
    "top_k",
    "top_ks",
]
