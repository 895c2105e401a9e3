"""Why a model said what it said: where it looked, when, and whether that can be trusted.

Takes trained models of `models` and clips as they take them; gives `Explanation` records to
`plots`, notebooks and the command line. `grad_cam` holds the method most use, `layers` opens models
for it.
"""

from vidlab.explanation.grad_cam import grad_cam
from vidlab.explanation.layers import default_layer, layers
from vidlab.explanation.records import Explanation

__all__ = ["Explanation", "default_layer", "grad_cam", "layers"]
