"""A vector for every sampled frame, computed once and kept on disk.

Takes videos from `index`, frame numbers from `sampling` and encoders from `backbones`; gives
batches of vectors to `training`. With a frozen backbone the vectors are all a model ever learns
from, so computing them once saves nearly all the work of every epoch.

`extract` computes them and gives a `FeatureStore`; `Sequences` makes batches of it; `estimate`
tells beforehand what it takes.
"""

from vidlab.features.extraction import Estimate, estimate, extract
from vidlab.features.sequences import Sequences
from vidlab.features.store import FeatureStore

__all__ = ["Estimate", "FeatureStore", "Sequences", "estimate", "extract"]
