"""Every error vidlab raises on purpose, so that a caller can catch exactly as much as it means to.

Messages follow one formula: what was expected, what was received, and what to do about it.

::

    VidlabError
    ├── VideoError                 a file that should be a video
    │   ├── MissingVideoError      there is no such file
    │   ├── UnreadableVideoError   empty, not a video, or cut off
    │   └── FrameIndexError        a frame beyond the ends of the video
    ├── DatasetError               a folder of videos and its lists
    │   ├── LayoutError            the folder does not look like a dataset
    │   ├── SplitError             this split cannot be made from these videos
    │   └── LeakageError           the same group is in two parts of a split
    ├── SamplingError              options or a video that a sampler cannot serve
    ├── ModelError                 a model, backbone or layer that does not fit
    │   └── WeightsError           weights that are absent or do not belong
    ├── RecipeError                an unknown recipe, or a change it does not know
    ├── ProfileError               an unknown profile or a setting it does not know
    ├── ResultError                a run folder or result file that is absent or unfit
    ├── MetricError                a measure that these predictions cannot give
    └── NotebookError              a notebook that is absent, unfit or failed
"""


class VidlabError(Exception):
    """The root: catching it catches everything vidlab raises on purpose."""


class VideoError(VidlabError):
    """A file that should be a video cannot be used as one."""


class MissingVideoError(VideoError, FileNotFoundError):
    """There is no file at the path."""


class UnreadableVideoError(VideoError):
    """The file is empty, is not a video, or ends before it should."""


class FrameIndexError(VideoError, IndexError):
    """A frame number lies beyond the ends of the video."""


class DatasetError(VidlabError):
    """A folder of videos, or its lists, cannot be used."""


class LayoutError(DatasetError):
    """The folder does not hold videos in a layout vidlab knows."""


class SplitError(DatasetError):
    """The split cannot be made from these videos."""


class LeakageError(DatasetError):
    """Videos of one group are in two parts of a split."""


class SamplingError(VidlabError, ValueError):
    """A sampler was given options or a video it cannot serve."""


class ModelError(VidlabError, ValueError):
    """A model, backbone or layer does not fit its use."""


class WeightsError(ModelError):
    """Weights are absent, or do not belong to the model."""


class RecipeError(VidlabError, ValueError):
    """A recipe is unknown, or lacks what a change names."""


class ProfileError(VidlabError, ValueError):
    """A profile is unknown, or holds a setting vidlab does not know."""


class ResultError(VidlabError):
    """A run folder or a result file is absent or cannot be read."""


class MetricError(VidlabError, ValueError):
    """These predictions do not allow the measure."""


class NotebookError(VidlabError):
    """A notebook is absent, breaks a rule, or failed while running."""


__all__ = [name for name in globals() if name.endswith("Error")]
