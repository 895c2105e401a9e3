"""Samplers whose options are changed by controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import ipywidgets

from vidlab.data import sampling
from vidlab.data.sampling import Sampler
from vidlab.errors import SamplingError

__all__ = ["SamplerControls", "sampler_controls"]

_LARGEST = 200  # of an option
_OWN = "its own"


class SamplerControls:
    """A sampler, and a control for each of its options.

    Attributes
    ----------
    sampler : Sampler
        With the options as they are now.
    controls : dict
        Option to control; the one of a sampler within a sampler names another of the samplers.
    """

    def __init__(self, name: str, sampler: Sampler, *, others: Mapping[str, Sampler]):
        self.name, self.sampler = name, sampler
        self.controls: dict[str, ipywidgets.Widget] = {}
        if is_dataclass(sampler):
            hints = get_type_hints(type(sampler))
            for option in fields(sampler):
                value, hint = getattr(sampler, option.name), hints[option.name]
                self.controls[option.name] = _control(option.name, value, hint, others)

    @property
    def holds_another(self) -> bool:
        """Whether one of the options is a sampler."""
        return any(_is_sampler(getattr(self.sampler, option)) for option in self.controls)

    @property
    def title(self) -> str:
        """The name of the sampler with its options."""
        text = repr(self.sampler)
        return text if text.startswith(self.name) else f"{self.name}: {text}"

    def update(self, others: Mapping[str, Sampler]) -> None:
        """Give the sampler the options that the controls have; `others` are as they are now."""
        values = {option: control.value for option, control in self.controls.items()}
        for option, value in values.items():
            current = getattr(self.sampler, option)
            if _is_sampler(current):
                values[option] = others.get(value, current)
            elif value == 0:
                values[option] = None
        if values:
            self.sampler = replace(self.sampler, **values)


def sampler_controls(
    samplers: Mapping[str, Sampler] | Sequence[Sampler] | None,
) -> dict[str, SamplerControls]:
    """Make controls for samplers, by name; for one of every kind where none are given.

    Raises
    ------
    SamplingError
        If there is no sampler.
    """
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
    if not isinstance(samplers, Mapping):
        kinds = [type(one).__name__ for one in samplers]
        samplers = {
            kind if kinds.count(kind) == 1 else repr(one): one
            for kind, one in zip(kinds, samplers, strict=True)
        }
    return {name: SamplerControls(name, one, others=samplers) for name, one in samplers.items()}


def _control(
    option: str, value: Any, hint: Any, others: Mapping[str, Sampler]
) -> ipywidgets.Widget:
    described = {"description": option.replace("_", " "), "style": {"description_width": "auto"}}
    if _is_sampler(value):
        plain = {
            name: one
            for name, one in others.items()
            if not any(_is_sampler(part) for part in vars(one).values())
        }
        chosen = next((name for name, one in plain.items() if one == value), _OWN)
        names = [*plain, *[_OWN] * (chosen == _OWN)]
        return ipywidgets.Dropdown(options=names, value=chosen, **described)
    if get_origin(hint) is Literal:
        return ipywidgets.Dropdown(options=get_args(hint), value=value, **described)
    least = 1
    if type(None) in get_args(hint):
        least, described["description"] = 0, f"{described['description']} (0: all)"
    return ipywidgets.IntSlider(value or 0, least, max(_LARGEST, value or 0), **described)


def _is_sampler(value: Any) -> bool:
    return hasattr(value, "indices")
