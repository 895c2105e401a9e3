"""Makes the weights the package ships: a small network trained on drawn still pictures.

The pictures, bodies in random poses among random things, are single stills, never frames of a
Pantomime video; targets are what a still can show (which thing is there, where it and the joints of
the body are, what the background looks like), never an action. The result is the file behind
``weights="pantomime"``. It stands in for ImageNet where nothing can be downloaded, and is a far
smaller world than ImageNet.

Run it with ``python -m vidlab.pretraining``; some half an hour on two cores.
"""

from vidlab.pretraining.drawing import Stills, stills
from vidlab.pretraining.training import STAGES, Stage, train

__all__ = ["STAGES", "Stage", "Stills", "stills", "train"]
