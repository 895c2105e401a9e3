"""What is to be explained: clips in one shape, and for each of them a class.

Takes clips as the model takes them; gives batches of clips to every method of this package, and
gives what comes back the shape that was asked in: a record for a clip, a list for a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.layers import Anatomy
from vidlab.explanation.records import Explanation

__all__ = ["NOBODY", "Question", "ask"]

NOBODY = -1
"""In the place of a class: the model's own answer for a target, none for a comparison."""

_FRAMES_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Question:
    """Clips of one length, and the classes to explain.

    Attributes
    ----------
    clips : numpy.ndarray
        ``float32``, (clips, time, height, width, 3).
    targets, against : numpy.ndarray
        ``int32``, (clips,); `NOBODY` where none was named.
    batched : bool
        Whether several clips were given, or a single one.
    """

    clips: np.ndarray
    targets: np.ndarray
    against: np.ndarray
    batched: bool

    @property
    def pictures(self) -> np.ndarray:
        """The frames of all clips, one after the other: (clips · time, height, width, 3)."""
        return self.clips.reshape(-1, *self.clips.shape[2:])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames in pixels."""
        return self.clips.shape[2:4]

    @property
    def rather(self) -> list[int | None]:
        """The classes compared with, None where there is none."""
        return [None if label == NOBODY else int(label) for label in self.against]

    def parts(self, most: int | None = None) -> Iterator[Question]:
        """Cut into questions of at most `most` clips; without it, of about 64 frames."""
        step = most or max(1, _FRAMES_AT_ONCE // self.clips.shape[1])
        for first in range(0, len(self.clips), step):
            some = slice(first, first + step)
            yield Question(self.clips[some], self.targets[some], self.against[some], self.batched)

    def single_frames(self) -> Iterator[Question]:
        """Ask the same about every frame by itself."""
        for clip, target, against in zip(self.clips, self.targets, self.against, strict=True):
            for frame in clip:
                yield Question(frame[None, None], target[None], against[None], self.batched)

    def answered(
        self, explain: Callable[[Question], Iterable[Explanation]], *, most: int | None = None
    ) -> Explanation | list[Explanation]:
        """Explain part after part; return one record, or a list where several clips were given."""
        found = [record for part in self.parts(most) for record in explain(part)]
        return found if self.batched else found[0]


def ask(
    anatomy: Anatomy,
    clip: np.ndarray,
    *,
    target: int | Sequence[int] | None,
    against: int | Sequence[int] | None,
) -> Question:
    """Check a clip, or a batch of them, and what is asked about it.

    Parameters
    ----------
    anatomy
        The model.
    clip
        0..255, (time, height, width, 3), or (clips, time, height, width, 3).
    target, against
        A class, one for each clip, or None.

    Returns
    -------
    Question

    Raises
    ------
    ModelError
        If the model does not take such frames, or has no such class.
    """
    clips = np.asarray(clip, np.float32)
    size = anatomy.model.input_shape[-3:]
    times = None if anatomy.per_frame else anatomy.model.input_shape[1]
    wanted = tuple("any" if side is None else side for side in size)
    fits = clips.ndim in (4, 5) and len(clips) > 0 and _fit(clips.shape[-4:], (times, *size))
    if not fits:
        raise ModelError(
            f"Expected a clip ({times or 'time'}, {', '.join(map(str, wanted))}), or a batch of "
            f"such clips. Received: shape {clips.shape} for {anatomy.model.name}. Read the frames "
            "at the model's size; a single picture is a clip of one frame, picture[None]."
        )
    batched = clips.ndim == 5
    clips = clips if batched else clips[None]
    classes = anatomy.model.output_shape[-1]
    return Question(
        clips,
        _classes(target, len(clips), classes=classes, what="target"),
        _classes(against, len(clips), classes=classes, what="against"),
        batched,
    )


def _fit(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return all(
        have == want or (want is None and have) for have, want in zip(shape, wanted, strict=True)
    )


def _classes(
    given: int | Sequence[int] | None, count: int, *, classes: int, what: str
) -> np.ndarray:
    if given is None:
        return np.full(count, NOBODY, np.int32)
    numbers = np.asarray(given)
    whole = numbers.dtype.kind in "iu" and numbers.shape in ((), (count,))
    if not whole or numbers.min() < 0 or numbers.max() >= classes:
        raise ModelError(
            f"Expected {what}= a class from 0 to {classes - 1}, or one for each of {count} clips. "
            f"Received: {given!r}. Give the number of the class: index.classes.index(name)."
        )
    return np.broadcast_to(numbers, count).astype(np.int32)
