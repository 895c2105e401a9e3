"""Streams: what one input of a model is, as data.

A stream says which frames of a video an input is made of, at which size, and whether each frame
stands alone or the frames of a video make one clip. A recipe's inputs are streams by name; a
dataset turns them into batches. A stream of your own subclasses `Rgb` and overrides `read`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vidlab.data.sampling import Sampler, from_text
from vidlab.data.store import FeatureStore
from vidlab.errors import SamplingError

if TYPE_CHECKING:
    from vidlab.data.augment import Variation

__all__ = ["PADDING", "Rgb", "StoredFeatures", "is_per_frame", "stack_clips"]

PADDING = -1.0
"""Every value of a frame that only fills up a batch of clips of different lengths."""


@dataclass(frozen=True)
class Rgb:
    """The pictures of a video: ``uint8`` RGB, 0..255.

    Parameters
    ----------
    sampling
        Which frames are learned from.
    size
        Height and width in pixels, or one number for both. `vidlab.timeline` also takes None: as
        the video has it.
    clip
        Whether the frames of a video are one example, (time, height, width, 3), or each frame is
        one by itself, (height, width, 3).
    test
        Which frames are predicted on, where these are others.

    Examples
    --------
    >>> from vidlab.data.sampling import Uniform
    >>> Rgb(Uniform(16), 112, clip=True).shape
    (None, 112, 112, 3)
    """

    sampling: Sampler
    size: int | tuple[int | None, int | None]
    clip: bool = False
    test: Sampler | None = None

    dtype: ClassVar[str] = "uint8"
    padding: ClassVar[float] = PADDING
    views: ClassVar[int] = 0  # varied beforehand and kept to choose from

    def __post_init__(self) -> None:
        size = (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)
        if len(size) != 2 or any(side is not None and side < 1 for side in size):
            raise SamplingError(
                "Expected height and width of at least one pixel. "
                f"Received: size={size}. Give both, or one number for both."
            )
        sides = tuple(None if side is None else int(side) for side in size)
        object.__setattr__(self, "size", sides)
        if self.test == self.sampling:
            object.__setattr__(self, "test", None)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Of one example, as `keras.Input` takes it."""
        return (None, *self.frame_shape) if self.clip else self.frame_shape

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of one frame."""
        return (*self.size, 3)

    @property
    def at_test(self) -> Sampler:
        """Which frames are predicted on."""
        return self.test or self.sampling

    def read(self, frames: Callable[[np.ndarray], np.ndarray], indices: np.ndarray) -> np.ndarray:
        """Read what the input takes at some frames of a video.

        Parameters
        ----------
        frames
            Gives the pictures at frame indices, ``uint8``, (len(indices), height, width, 3), at
            this stream's size.
        indices
            int64, (time,), within the video.

        Returns
        -------
        numpy.ndarray
            ``uint8`` or ``float32``, (time, …), each frame of `frame_shape`.
        """
        return frames(indices)

    def read_video(
        self,
        record,
        frames: Callable[[np.ndarray], np.ndarray],
        indices: np.ndarray,
        *,
        view: int = 0,
    ) -> np.ndarray:
        """Read as `read` does; `record` is the row of the index that says which video it is."""
        return self.read(frames, indices)

    def vary(self, pictures: np.ndarray, variation: Variation) -> np.ndarray:
        """Apply one draw of augmentation to what `read` gave, all frames alike."""
        return variation(pictures)

    def changed(
        self, *, sampling: Sampler | str = "", test: Sampler | str = "", size: object = None
    ) -> Rgb:
        """Return the stream with other frames (a sampler or its text) or at another size."""
        known = {repr(own): own for own in (self.sampling, self.test)}  # samplers of one's own
        samplers = [
            (known.get(s) or from_text(s)) if s and isinstance(s, str) else s
            for s in (sampling, test)
        ]
        size = self.size if size is None else size
        return replace(
            self,
            sampling=samplers[0] or self.sampling,
            test=samplers[1] or self.test,
            size=size if isinstance(size, int) else tuple(size),
        )

    def as_dict(self) -> dict[str, object]:
        """Give every option in a form JSON can hold, samplers as their text."""
        test = None if self.test is None else repr(self.test)
        values = {"sampling": repr(self.sampling), "test": test, "size": list(self.size)}
        return {"stream": type(self).__name__, "clip": self.clip, **values}


@dataclass(frozen=True)
class StoredFeatures(Rgb):
    """Features of the frames of a video, computed once: what training reads in place of frames.

    Parameters
    ----------
    sampling, clip, test
        As for `Rgb`; `size` is of no effect.
    stores
        One, or one for each varied view.
    padding
        What fills up shorter clips; None where clips must not be padded.
    """

    size: int | tuple[int, int] = (1, 1)
    stores: tuple[FeatureStore, ...] = ()
    padding: float | None = PADDING

    dtype: ClassVar[str] = "float32"

    @property
    def views(self) -> int:
        """How many views are kept."""
        return len(self.stores)

    @property
    def frame_shape(self) -> tuple[int]:
        """Of the features of one frame."""
        return (self.stores[0].size,)

    def read_video(self, record, frames, indices: np.ndarray, *, view: int = 0) -> np.ndarray:
        """Read the features of one video, ``float32``, (len(indices), size)."""
        return self.stores[view].rows(record.video_id, indices)


def stack_clips(
    clips: list[np.ndarray], *, length: int | None = None, fill: float = PADDING
) -> np.ndarray:
    """Stack clips of one video each; shorter ones are followed by frames of `fill`."""
    longest = length or max(len(clip) for clip in clips)
    if all(len(clip) == longest for clip in clips):
        return np.stack(clips)
    batch = np.full((len(clips), longest, *clips[0].shape[1:]), fill, np.float32)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return batch


def is_per_frame(streams: Mapping[str, Rgb]) -> bool:
    """Whether the examples are single frames; all streams of a recipe have to agree on it."""
    kinds = {stream.clip for stream in streams.values()}
    samplers = {(s.sampling, s.test) for s in streams.values()}
    if len(kinds) > 1 or (kinds == {False} and len(samplers) > 1):
        raise SamplingError(
            "Expected inputs that are all clips, or all single frames of one sampler. Received: "
            f"{', '.join(f'{name}: {stream}' for name, stream in streams.items())}. "
            "Give them the same clip= and, for single frames, the same sampling."
        )
    return kinds == {False}
