"""What all explorers share: live in an open notebook, a picture everywhere else, errors shown."""

from __future__ import annotations

import base64
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anywidget
import ipywidgets
import traitlets

from vidlab.errors import ModelError, VidlabError
from vidlab.files import system_message
from vidlab.plots import Drawing
from vidlab.progress import is_open_notebook

if TYPE_CHECKING:
    import keras

__all__ = [
    "Explorer",
    "LazyModel",
    "ModelSource",
    "Pictured",
    "class_names",
    "is_live",
    "page",
]

ModelSource: TypeAlias = "keras.Model | Callable[[], keras.Model]"
"""A model, or a function that loads it, such as ``run.model``."""

_PAGE = Path(__file__).parent / "page"
_LIVE = "VIDLAB_WIDGETS"


def is_live() -> bool:
    """Tell whether explorers are shown live: in a notebook somebody has open.

    Returns
    -------
    bool
        What ``VIDLAB_WIDGETS``, ``live`` or ``static``, says; without it, True where somebody runs
        the cell, False under papermill and nbconvert and in a script.
    """
    mode = os.environ.get(_LIVE, "")
    if mode in ("live", "static"):
        return mode == "live"
    return is_open_notebook()


def page(*names: str, render: str = "") -> str:
    """Read files of the folder ``page``, one behind the other.

    Parameters
    ----------
    *names
        Of the files.
    render
        The JavaScript function that draws the explorer; without it the files are no script.
    """
    parts = [(_PAGE / name).read_text(encoding="utf-8") for name in names]
    return "\n".join([*parts, *([f"export default {{ render: {render} }};"] if render else [])])


class LazyModel:
    """A model, given as such or by a function such as ``run.model``, loaded when it is used."""

    def __init__(self, source: ModelSource):
        self._source = source

    @cached_property
    def model(self) -> keras.Model:
        """The model, loaded at the first access."""
        import vidlab

        _ = vidlab.models  # through it Keras starts quietly, and knows vidlab's layers
        return self._source if hasattr(self._source, "predict_on_batch") else self._source()


def class_names(model: keras.Model, names: Sequence[str] | None) -> list[str]:
    """Name a model's classes: as they are given, or by number.

    Raises
    ------
    ModelError
        If the names are of another number of classes.
    """
    from vidlab import models  # imports Keras

    count = models.as_classifier(model).output_shape[-1]
    names = [f"class {number}" for number in range(count)] if names is None else list(names)
    if len(names) != count:
        raise ModelError(
            f"Expected the names of {count} classes for {model.name}. Received: {len(names)}. "
            "Pass the classes of the index the model was trained on."
        )
    return names


def _unconnected(make: Callable[..., None]) -> Callable[..., None]:
    """Let no widget that `make` makes open a comm where there is no page.

    The state of connected widgets is kept in the notebook, and a report of it as HTML would fetch
    scripts from the network to show them.
    """

    @functools.wraps(make)
    def wrapped(*values: Any, **options: Any) -> None:
        if is_live():
            return make(*values, **options)
        connect = ipywidgets.Widget.open
        ipywidgets.Widget.open = lambda _: None
        try:
            return make(*values, **options)
        finally:
            ipywidgets.Widget.open = connect

    return wrapped


class Pictured:
    """A widget that shows a picture of itself where it cannot be used.

    It stands before the widget's class among the bases of an explorer, which gives its own `figure`
    and `about`.

    Attributes
    ----------
    problem : str
        What went wrong; empty where nothing did.
    """

    problem = ""

    def __init_subclass__(cls, **options: Any) -> None:
        """Leave the controls that an explorer makes unconnected where there is no page."""
        super().__init_subclass__(**options)
        cls.__init__ = _unconnected(cls.__init__)

    def open(self) -> None:
        """Connect to the page, where there is one; else nothing is kept in the notebook."""
        if is_live():
            super().open()

    def figure(self) -> Drawing | None:
        """Draw the picture that stands for the explorer; None where there is nothing to draw."""
        return None

    def about(self) -> str:
        """Say what is shown, behind the name of the explorer."""
        return ""

    def describe(self) -> str:
        """Say in a sentence what is shown, for where not even a picture can be."""
        how = self.problem or "Run this cell in JupyterLab to explore it."
        return f"{type(self).__name__}{self.about()}. {how}"

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the picture is made in a moment, so that a live notebook can hold it as well."""
        return True

    @contextmanager
    def problems_shown(self) -> Iterator[None]:
        """Show an error as the status: one that is raised in a callback is seen by nobody.

        For explorers with a `set_status`. What vidlab did not raise itself also goes to the log,
        with all its lines.
        """
        try:
            yield
        except VidlabError as error:
            self.set_status(str(error), problem=True)
        except Exception as error:
            self.log.exception("An explorer could not go on.")
            self.set_status(f"This did not work: {system_message(error)}", problem=True)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        live = is_live()
        drawing = self.figure() if self.is_drawn_at_once or not live else None
        bundle = {"text/plain": self.describe()}
        if drawing is not None:
            bundle["image/png"] = base64.b64encode(drawing._repr_png_()).decode()
        if live:
            shown = super()._repr_mimebundle_()
            bundle = {**(shown[0] if isinstance(shown, tuple) else shown), **bundle}
        return bundle


class Explorer(Pictured, anywidget.AnyWidget):
    """An explorer that draws itself with JavaScript of its own.

    A class of explorers gives its own `figure`, `about` and `handlers`.

    Attributes
    ----------
    handlers : dict
        What is done for each kind of message, called with the rest of the message.
    status : dict
        A sentence about what goes on, ``text``, and whether it is a ``problem``. The page shows it,
        and screen readers read it out.
    """

    status = traitlets.Dict().tag(sync=True)

    def __init__(self, **traits: Any):
        self._statuses = 0
        self.handlers: Mapping[str, Callable[..., None]] = {}
        super().__init__(**traits)
        self.on_msg(lambda _, message, buffers: self.receive(message, buffers))

    def receive(self, message: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
        """Do what the page asks for.

        Parameters
        ----------
        message
            ``kind``, one of `handlers`, and its options.
        buffers
            Bytes that came with it; where there are any, they are one more option, ``buffers``.
        """
        with self.problems_shown():
            options = {**message, "buffers": buffers} if buffers else dict(message)
            self.handlers[options.pop("kind")](**options)

    def set_status(self, text: str, *, problem: bool = False) -> None:
        """Show a sentence in place of the last one."""
        self.problem = text if problem else ""
        self._statuses += 1  # so that the page hears of it even where the sentence is the same
        self.status = {"text": text, "problem": problem, "number": self._statuses}
