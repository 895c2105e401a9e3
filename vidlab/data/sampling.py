"""Which frames of a video to look at: a frame count in, frame numbers out, and nothing else.

A sampler is a small frozen record of its options. Those that draw at random do so only
with the generator they are given; without one they take the middle of what they would draw from,
which is what prediction uses.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, Protocol

import numpy as np

from vidlab.errors import SamplingError

__all__ = [
    "AllFrames",
    "EveryNth",
    "EverySecond",
    "Possible",
    "Reordered",
    "Sampler",
    "Segments",
    "Uniform",
    "Window",
    "choose",
    "from_text",
]


class Sampler(Protocol):
    """What every sampler of this module offers; `draws`: whether a generator changes the choice."""

    draws: ClassVar[bool]

    @property
    def length(self) -> int | None:
        """How many frames it gives for any video; None where that depends on the video."""

    def indices(self, frame_count: int, *, fps=25.0, rng=None, times=None) -> np.ndarray:
        """Choose frames of a video.

        Parameters
        ----------
        frame_count
            How many frames the video has, at least one.
        fps : float
            Its frames per second, on average.
        rng : numpy.random.Generator, optional
            Where chance comes from; None for the same choice every time.
        times : sequence of float, optional
            Where the rate varies, when each frame is shown, in seconds from the first.

        Returns
        -------
        numpy.ndarray
            int64, ``(number of frames,)``, values 0 to ``frame_count - 1``.

        Raises
        ------
        SamplingError
            The video has no frames, or no positive rate.
        """


class _Checked:
    """A sampler whose options are numbers of frames."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise SamplingError(
                    f"Expected {type(self).__name__}({field.name}) to be a whole number from 1. "
                    f"Received: {value!r}. Give a number of frames."
                )


@dataclass(frozen=True)
class Uniform(_Checked):
    """`count` frames spread evenly: the middle frame of each of `count` equal parts.

    The choice is symmetric: a video and its reverse give the same frames,
    ``indices(n) == n - 1 - indices(n)[::-1]``. One case cannot be: an odd `count` has a middle
    frame and a video with an even number of frames has none, so there the middle pick (and no
    other) is the later of the two central frames. A video with fewer than `count` frames repeats
    some of them.

    Examples
    --------
    >>> Uniform(5).indices(25)
    array([ 2,  7, 12, 17, 22])
    >>> Uniform(4).indices(2)
    array([0, 0, 1, 1])
    """

    count: int

    draws: ClassVar[bool] = False

    @property
    def length(self) -> int:
        """Always `count`."""
        return self.count

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. Only `frame_count` changes the choice."""
        _check_video(self, frame_count, fps)
        return _spread(frame_count, self.count)


@dataclass(frozen=True, repr=False)
class EverySecond(_Checked):
    """`count` frames of every second of video, spread evenly and symmetrically as by `Uniform`.

    At 25 frames per second ``EverySecond(8)`` takes 8 frames of every 25. A video gives at least
    one frame, and no frame twice. With `at_most`, only that many from the start of a longer video.
    Where the rate varies, the frames shown at these moments are taken.

    Examples
    --------
    >>> EverySecond(8).indices(25)
    array([ 1,  4,  7, 10, 14, 17, 20, 23])
    >>> len(EverySecond(8).indices(100)), len(EverySecond(8).indices(100, fps=50))
    (32, 16)
    >>> EverySecond(8, at_most=3).indices(100)
    array([1, 4, 7])
    """

    count: int
    at_most: int | None = None

    draws: ClassVar[bool] = False
    length: ClassVar[None] = None  # a longer video gives more frames

    def __repr__(self):
        rest = "" if self.at_most is None else f", at_most={self.at_most}"
        return f"EverySecond(count={self.count}{rest})"

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. `rng` does not change the choice."""
        _check_video(self, frame_count, fps)
        share = min(max(int(self.count * frame_count / fps + 0.5), 1), frame_count)
        if times is None:
            return _spread(frame_count, share)[: self.at_most]
        moments = (np.arange(share) + 0.5) / share * frame_count / fps
        return np.unique(np.searchsorted(times, moments, side="right") - 1)[: self.at_most]


@dataclass(frozen=True)
class EveryNth(_Checked):
    """The first frame, and then every `step`-th.

    Examples
    --------
    >>> EveryNth(4).indices(10)
    array([0, 4, 8])
    """

    step: int

    draws: ClassVar[bool] = False
    length: ClassVar[None] = None  # a longer video gives more frames

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. Only `frame_count` changes the choice."""
        _check_video(self, frame_count, fps)
        return np.arange(0, frame_count, self.step, dtype=np.int64)


@dataclass(frozen=True)
class Window(_Checked):
    """`length` consecutive frames; a shorter video is repeated from its start until long enough.

    With a generator every start that leaves room is equally likely; without one the window is in
    the middle of the video.

    Examples
    --------
    >>> Window(4).indices(10)
    array([3, 4, 5, 6])
    >>> Window(7).indices(3)
    array([0, 1, 2, 0, 1, 2, 0])
    """

    length: int

    draws: ClassVar[bool] = True

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. Time does not change the choice."""
        _check_video(self, frame_count, fps)
        if frame_count < self.length:
            return np.arange(self.length, dtype=np.int64) % frame_count
        room = frame_count - self.length
        start = room // 2 if rng is None else int(rng.integers(room + 1))
        return np.arange(start, start + self.length, dtype=np.int64)


@dataclass(frozen=True)
class Segments(_Checked):
    """One frame of each of `count` equal parts of the video, as temporal segment networks draw.

    With a generator each part gives one of its frames at random; without one its middle frame, so
    the choice is that of `Uniform`. Source: Wang et al., "Temporal Segment Networks", ECCV 2016.

    Examples
    --------
    >>> Segments(3).indices(12)
    array([2, 6, 9])
    >>> rng = np.random.default_rng(0)
    >>> (Segments(3).indices(12, rng=rng) // 4).tolist()
    [0, 1, 2]
    """

    count: int

    draws: ClassVar[bool] = True

    @property
    def length(self) -> int:
        """Always `count`."""
        return self.count

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. Time does not change the choice."""
        _check_video(self, frame_count, fps)
        if rng is None:
            return _spread(frame_count, self.count)
        bounds = np.arange(self.count + 1, dtype=np.int64) * frame_count // self.count
        first, end = bounds[:-1], bounds[1:]
        # A video shorter than `count` leaves parts without a frame: they take the one they are in.
        return rng.integers(first, np.maximum(end, first + 1))


@dataclass(frozen=True)
class AllFrames:
    """Every frame.

    Examples
    --------
    >>> AllFrames().indices(4)
    array([0, 1, 2, 3])
    """

    draws: ClassVar[bool] = False
    length: ClassVar[None] = None  # a longer video gives more frames

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. Only `frame_count` changes the choice."""
        _check_video(self, frame_count, fps)
        return np.arange(frame_count, dtype=np.int64)


@dataclass(frozen=True)
class Reordered:
    """The frames of another sampler in an order that time did not give them.

    `order` is ``"reversed"``; ``"shuffled"``, always alike for the same number of frames unless a
    generator is given; or ``"frozen"``, the middle one of them over and over. A model that needs
    motion loses by each; one that only looks at pictures does not notice the first two.

    Examples
    --------
    >>> Reordered(Uniform(4), "reversed").indices(8)
    array([6, 4, 3, 1])
    >>> Reordered(Uniform(4), "frozen").indices(8)
    array([4, 4, 4, 4])
    """

    sampler: Sampler
    order: Literal["reversed", "shuffled", "frozen"]

    def __post_init__(self):
        if self.order not in ("reversed", "shuffled", "frozen"):
            raise SamplingError(
                "Expected the order to be reversed, shuffled or frozen. "
                f"Received: {self.order!r}. Choose one of the three."
            )

    @property
    def draws(self) -> bool:
        """Where frames are shuffled, and where the other sampler draws."""
        return self.order == "shuffled" or self.sampler.draws

    @property
    def length(self) -> int | None:
        """As many as the other sampler takes."""
        return self.sampler.length

    @property
    def at_most(self) -> int | None:
        """The other sampler's, where it has one."""
        return getattr(self.sampler, "at_most", None)

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`."""
        chosen = _indices(self.sampler, frame_count, fps, rng, times)
        if self.order == "reversed":
            return chosen[::-1].copy()
        if self.order == "frozen":
            return np.full_like(chosen, chosen[len(chosen) // 2])
        chance = np.random.default_rng([frame_count, len(chosen)]) if rng is None else rng
        return chance.permutation(chosen)


@dataclass(frozen=True)
class Possible:
    """Every frame that other samplers can choose, once, in the order of time.

    Of a sampler that draws at random, that is every frame of the video.

    Examples
    --------
    >>> Possible((Uniform(2), Uniform(4))).indices(8)
    array([1, 2, 3, 4, 5, 6])
    >>> len(Possible((Window(2),)).indices(8))
    8
    """

    samplers: tuple[Sampler, ...]

    draws: ClassVar[bool] = False
    length: ClassVar[None] = None

    def indices(self, frame_count, *, fps=25.0, rng=None, times=None):
        """Choose frames; see `Sampler.indices`. `rng` does not change the choice."""
        if any(getattr(sampler, "draws", True) for sampler in self.samplers):
            return AllFrames().indices(frame_count, fps=fps)
        found = [_indices(sampler, frame_count, fps, None, times) for sampler in self.samplers]
        return np.unique(np.concatenate(found))


def choose(sampler: Sampler, video, *, rng: np.random.Generator | None = None) -> np.ndarray:
    """Choose frames of a video, given as its `VideoInfo` or its row in an index."""
    times = getattr(video, "times", None)
    return _indices(sampler, int(video.frames), float(video.fps), rng, times)


def _indices(sampler: Sampler, frame_count: int, fps: float, rng, times) -> np.ndarray:
    # A reader's own sampler need not know of times.
    timing = {} if times is None else {"times": times}
    return sampler.indices(frame_count, fps=fps, rng=rng, **timing)


def from_text(text: str) -> Sampler:
    """Make a sampler from how it is written in Python, as profiles and finished runs hold it.

    Raises
    ------
    SamplingError
        If it is none, or its options are no whole numbers from 1.

    Examples
    --------
    >>> from_text("Uniform(16)")
    Uniform(count=16)
    >>> from_text(repr(Window(10)))
    Window(length=10)
    """
    kinds = (Uniform, EverySecond, EveryNth, Window, Segments, AllFrames)
    known = {kind.__name__: kind for kind in kinds}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        options = [ast.literal_eval(one) for one in call.args]
        named = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
        return known[call.func.id](*options, **named)
    except (SyntaxError, AttributeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, SamplingError):  # a sampler that says itself what is wrong
            raise
        raise SamplingError(
            f"Expected a sampler such as Uniform(16) or AllFrames(). Received: {text!r}. "
            f"Samplers: {', '.join(known)}."
        ) from error


def _spread(frame_count: int, count: int) -> np.ndarray:
    """Return the middle frame of each of `count` equal parts, the second half mirroring the first.

    Part i reaches from i·n/count to (i+1)·n/count; whole-number arithmetic keeps it exact.
    """
    chosen = (2 * np.arange(count, dtype=np.int64) + 1) * frame_count // (2 * count)
    half = count // 2
    chosen[count - half :] = frame_count - 1 - chosen[:half][::-1]
    return chosen


def _check_video(sampler: Sampler, frame_count: int, fps: float) -> None:
    if frame_count < 1 or not fps > 0:
        raise SamplingError(
            f"Expected a video with at least one frame and a rate above 0 for {sampler}. Received: "
            f"{frame_count} frames at {fps} per second. Take both from vidlab.video.probe(path)."
        )
