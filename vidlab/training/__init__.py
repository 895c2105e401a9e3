"""From a recipe and videos to a trained model: what cannot learn is computed once.

`fitting` runs the phases of a recipe, `freezing` finds the part of a model that cannot learn in a
phase, `features` keeps its outputs, `learners` trains the rest, `checkpoints` lets a stopped
training go on. `experiment` trains and evaluates in one call.
"""

from vidlab.training.fitting import Fitted, fit
from vidlab.training.learners import Settings

__all__ = ["Fitted", "Settings", "fit"]
