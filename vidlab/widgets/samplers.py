"""Samplers side by side, whose options can be changed by whoever looks at them.

Takes samplers of `sampling` and what `coverage` says of their picks; gives `SamplerRows` to the
explorer in `widgets.sampling`. It knows how long a video is, and opens none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from vidlab.data import coverage, sampling
from vidlab.data.sampling import Sampler
from vidlab.errors import SamplingError

__all__ = ["SamplerRows"]

_REACH = {"count": 64, "at_most": 64, "step": 50, "length": 150}  # of sliders; fields take any
_MOST = 100_000  # frames; more would fill the memory before anybody sees a tick
_OWN = "its own"
_DRAWS = range(1, 5)  # that are compared to see whether a sampler draws at random


@dataclass
class _Row:
    """A sampler as it was last made, and its options as they are now, which may not fit."""

    sampler: Sampler
    options: dict[str, Any]
    problem: str = ""

    @property
    def holds_another(self) -> bool:
        """Whether one of the options is a sampler."""
        return any(_is_sampler(getattr(self.sampler, option)) for option in self.options)


class SamplerRows:
    """Samplers by name, and the frames they pick of a video.

    Parameters
    ----------
    samplers
        Name to sampler, or samplers; one of every kind in `vidlab.sampling` when left out. A
        sampler within a sampler follows the row that has the same one.
    seed
        Draws for those that choose at random.

    Attributes
    ----------
    draw : int
        0 for the choice without chance; from 1 on, draws as in training.

    Raises
    ------
    SamplingError
        If there is no sampler.
    """

    def __init__(
        self, samplers: Mapping[str, Sampler] | Sequence[Sampler] | None = None, *, seed: int = 0
    ):
        self.draw = 0
        self._seed = seed
        self._frames, self._fps = 0, 25.0
        self._rows = {name: _Row(one, _options_of(one)) for name, one in _named(samplers).items()}
        self._plain = {name: row for name, row in self._rows.items() if not row.holds_another}
        for row in self._rows.values():
            for option, value in row.options.items():
                if _is_sampler(value):
                    same = [name for name, one in self._plain.items() if one.sampler == value]
                    row.options[option] = same[0] if same else _OWN

    def __iter__(self):
        return iter(self._rows)

    def fit(self, frames: int, *, fps: float) -> None:
        """Pick from a video of so many frames."""
        self._frames, self._fps = frames, fps
        self._make()

    def change(self, name: str, option: str, value: Any) -> None:
        """Change an option; one that does not fit becomes the problem of its row.

        Raises
        ------
        SamplingError
            If there is no such sampler or option, or the number is above 100,000.
        """
        row = self._row(name)
        if option not in row.options:
            raise SamplingError(
                f"Expected an option of {name}. Received: {option!r}. "
                f"It has: {', '.join(row.options) or 'none'}."
            )
        if isinstance(value, int | float) and value > _MOST:
            raise SamplingError(
                f"Expected at most {_MOST:,} for {name}({option}). Received: {value:,}. "
                "A page cannot show more: give fewer."
            )
        row.options[option] = value
        self._make()

    def picks(self, name: str) -> np.ndarray:
        """Give the frames a sampler picks, int64, (picks,); none where its options do not fit.

        Raises
        ------
        SamplingError
            If there is no such sampler.
        """
        row = self._row(name)
        return np.array([], np.int64) if row.problem else self._indices(row.sampler, self.draw)

    def problem(self, name: str) -> str:
        """Say why a sampler picks nothing; empty where it does."""
        return self._row(name).problem

    def titled(self, name: str) -> str:
        """Give the name of a sampler with its options."""
        text = repr(self._row(name).sampler)
        return text if text.startswith(name) else f"{name}: {text}"

    def packed(self) -> list[dict[str, Any]]:
        """Give what the page shows of every row."""
        return [self._packed(name, row) for name, row in self._rows.items()]

    def _row(self, name: str) -> _Row:
        if name not in self._rows:
            raise SamplingError(
                f"Expected one of the samplers {', '.join(self._rows)}. Received: {name!r}. "
                "Choose one of these."
            )
        return self._rows[name]

    def _make(self) -> None:
        """Make the samplers from their options, those that hold another one last."""
        for row in sorted(self._rows.values(), key=lambda row: row.holds_another):
            row.problem = ""
            try:
                if row.options:
                    row.sampler = replace(row.sampler, **self._values(row))
                self._indices(row.sampler, self.draw)
            except SamplingError as error:
                row.problem = str(error)

    def _values(self, row: _Row) -> dict[str, Any]:
        """Give the options of a sampler, with samplers in place of the names of rows."""
        values = {}
        for option, value in row.options.items():
            if not _is_sampler(getattr(row.sampler, option)):
                values[option] = value
            elif value != _OWN:
                other = self._row(value)
                if other.problem:
                    raise SamplingError(f"{value}: {other.problem}")
                values[option] = other.sampler
        return values

    def _indices(self, sampler: Sampler, draw: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, draw]) if draw else None
        return np.asarray(sampler.indices(self._frames, fps=self._fps, rng=rng), dtype=np.int64)

    def _packed(self, name: str, row: _Row) -> dict[str, Any]:
        packed = {"name": name, "options": self._described(row), "problem": row.problem}
        if row.problem:
            return packed
        picks, steady = self._indices(row.sampler, self.draw), self._indices(row.sampler, 0)
        is_random = any(
            not np.array_equal(steady, self._indices(row.sampler, draw)) for draw in _DRAWS
        )
        return {
            **packed,
            "picks": picks.astype(np.int32).tobytes(),
            "steady": steady.astype(np.int32).tobytes() if self.draw and is_random else None,
            "is_random": is_random,
            "covers": asdict(coverage.measure(picks, self._frames)),
        }

    def _described(self, row: _Row) -> list[dict[str, Any]]:
        """Give what the page needs so that the options of a sampler can be changed."""
        described = []
        hints = get_type_hints(type(row.sampler)) if row.options else {}
        for option, value in row.options.items():
            one = {"name": option, "value": value}
            if _is_sampler(getattr(row.sampler, option)):
                one["choices"] = [*self._plain, *[_OWN] * (value == _OWN)]
            elif get_origin(hints.get(option)) is Literal:
                one["choices"] = list(get_args(hints[option]))
            else:
                reach = _REACH.get(option, 100)
                one["most"] = max(reach, value) if isinstance(value, int) else reach
                one["can_be_left_out"] = type(None) in get_args(hints.get(option))
            described.append(one)
        return described


def _named(samplers: Mapping[str, Sampler] | Sequence[Sampler] | None) -> dict[str, Sampler]:
    if samplers is None:
        samplers = (
            sampling.Uniform(16),
            sampling.EverySecond(8),
            sampling.EveryNth(4),
            sampling.Window(16),
            sampling.Segments(8),
            sampling.AllFrames(),
            sampling.Reordered(sampling.Uniform(16), "reversed"),
        )
    if not samplers:
        raise SamplingError(
            "Expected at least one sampler. Received: none. Name some of vidlab.sampling, such as "
            "Uniform(16), or leave them out."
        )
    if isinstance(samplers, Mapping):
        return {str(name): one for name, one in samplers.items()}
    kinds = [type(one).__name__ for one in samplers]
    alone = [kind if kinds.count(kind) == 1 else "" for kind in kinds]
    return {name or repr(one): one for name, one in zip(alone, samplers, strict=True)}


def _options_of(sampler: Sampler) -> dict[str, Any]:
    """Give the options of a sampler that can be changed: those of a record."""
    if not is_dataclass(sampler):
        return {}
    return {field.name: getattr(sampler, field.name) for field in fields(sampler)}


def _is_sampler(value: Any) -> bool:
    return hasattr(value, "indices")
