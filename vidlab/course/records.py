"""What a headless run keeps of each notebook, and whether that still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from vidlab.course import notebook_files, profiles
from vidlab.course.claims import Claim
from vidlab.course.execution import Failure
from vidlab.course.notebook_files import Notebook
from vidlab.files import write_text

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["Record", "fingerprint", "package_fingerprint"]

_LIBRARIES = ("keras", "numpy", "opencv-python", "pandas", "scikit-learn", "tensorflow")


@dataclass(frozen=True)
class Record:
    """One notebook's latest execution under a profile: ``notebooks/<name>.json``.

    Attributes
    ----------
    notebook : str
        Its name.
    seconds : float
        Wall-clock time.
    fingerprint : str
        Hash of everything the result depends on.
    command : str
        What runs just this notebook again.
    failure : Failure or None
        Where and why it ended early.
    claims : tuple of Claim
        What it claims of the run.
    """

    notebook: str
    seconds: float
    fingerprint: str
    command: str
    failure: Failure | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def status(self) -> str:
        """``"done"``, or how it failed."""
        return self.failure.status if self.failure else "done"

    @property
    def file(self) -> Path:
        """The name of the executed notebook; that of its page ends in ``.html`` instead."""
        return Path(f"{self.notebook}{'.failed' if self.failure else ''}.ipynb")

    def holds(self, folder: Path, fingerprint: str) -> bool:
        """Whether it is done, its files are there, and nothing it depends on has changed."""
        executed = folder / self.file
        unchanged = self.failure is None and self.fingerprint == fingerprint
        return unchanged and executed.is_file() and executed.with_suffix(".html").is_file()

    def save(self, folder: Path) -> None:
        """Write the record, whole or not at all."""
        text = json.dumps(asdict(self), indent=2, default=str)
        write_text(folder / f"{self.notebook}.json", text + "\n")

    @classmethod
    def load(cls, folder: Path, name: str) -> Record | None:
        """Read a notebook's record; None where it never ran, or another version of vidlab ran it.

        A file that is damaged is like one of another version: the notebook runs again.
        """
        try:
            return TypeAdapter(cls).validate_json((folder / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


def fingerprint(
    notebook: Notebook,
    parameters: Mapping[str, object],
    profile: profiles.Profile,
    *,
    index: VideoIndex,
) -> str:
    """Hash everything a notebook's result depends on.

    That is its cells, its parameters, the profile, its videos with their lists, vidlab's code and
    the libraries that compute. Of a parameter or a setting that is a file, such as trained weights
    or a recipe of one's own, it is also what stands in it.
    """
    cells = [[cell.cell_type, cell.source] for cell in notebook_files.read(notebook.path).cells]
    settings = profiles.find(profile.name).read_text(encoding="utf-8")
    weights = (each.weights for each in (profile, *profile.recipes.values()))
    files = map(_contents, [*parameters.values(), *profile.recipe_files, *weights])
    videos = [index.fingerprint, index.lists]
    facts = [cells, parameters, settings, *files, videos, package_fingerprint()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _contents(value: object) -> str:
    """Hash the file a value names; empty where it names none."""
    path = Path(value).expanduser() if isinstance(value, str) and value else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.is_file() else ""


def package_fingerprint() -> str:
    """Hash vidlab's code, its weights, and the versions of the libraries that compute."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".h5")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    for name in _LIBRARIES:
        digest.update(f"{name}=={metadata.version(name)}".encode())
    return digest.hexdigest()
