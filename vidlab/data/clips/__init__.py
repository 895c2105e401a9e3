"""Batches of clips or frames, decoded in threads ahead of the training step.

**Which frames share a batch.** A batch of clips takes whole clips. A batch of single frames counts
frames, and while training it should mix videos: frames of one video look alike, and a step on one
video learns that video. So an epoch goes through the videos in random order in blocks of `mix`
videos, and shuffles the frames of a block before cutting them into batches. A batch then meets
about `mix` videos, and decodes each of them once, whichever of its frames it needs. Larger blocks
mix better and decode more often: a video gives frames to most batches of its block. With a
`FrameCache` single frames cost next to nothing, and `mix` can be the number of videos. The batches
are the same with and without a cache.

**Memory.** Every batch is computed from its number alone, so nothing is kept between batches.
Keras' own threads (``keras.utils.PyDataset``) work ahead on at most `AHEAD` batches, in order.
"""

from vidlab.data.clips.batches import AHEAD, Clips
from vidlab.data.clips.cache import FrameCache, Record

__all__ = ["AHEAD", "Clips", "FrameCache", "Record"]
