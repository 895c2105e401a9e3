"""A vector for every sampled frame, computed once and kept on disk.

What cannot learn says the same of a frame in every epoch, so training computes it once: saving
nearly all the work where that is a backbone. `extract` computes vectors and gives a `FeatureStore`;
`Kept` is the input of a model that reads them; `estimate` tells beforehand what it takes.
"""

from vidlab.training.features.extraction import Estimate, estimate, extract
from vidlab.training.features.kept import Kept
from vidlab.training.features.store import FeatureStore

__all__ = ["Estimate", "FeatureStore", "Kept", "estimate", "extract"]
