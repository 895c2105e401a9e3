"""What a headless run keeps of each notebook, and whether that still holds."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vidlab import datasets
from vidlab.course import notebook_files, profiles
from vidlab.course.claims import Claim
from vidlab.course.execution import Failure
from vidlab.course.notebook_files import Notebook
from vidlab.data import video
from vidlab.errors import ResultError
from vidlab.files import write_text

__all__ = ["Record", "fingerprints", "is_done", "package_fingerprint", "videos_fingerprint"]

_LIBRARIES = ("keras", "numpy", "opencv-python", "pandas", "scikit-learn", "tensorflow")


@dataclass(frozen=True)
class Record:
    """One notebook's latest execution under a profile: ``notebooks/<name>.json``.

    Attributes
    ----------
    notebook, title : str
        Name and first heading.
    status : str
        ``"done"``, ``"failed"``, ``"timed out"`` or ``"kernel died"``.
    seconds : float
        Wall-clock time.
    finished : str
        When, ISO 8601 with time zone.
    fingerprint : str
        Hash of everything the result depends on.
    parameters : dict
        The parameters given.
    command : str
        What runs just this notebook again.
    failure : Failure or None
        Where and why it ended early.
    claims : tuple of Claim
        What it claims of the run.
    """

    notebook: str
    title: str
    status: str
    seconds: float
    finished: str
    fingerprint: str
    parameters: dict[str, object]
    command: str
    failure: Failure | None = None
    claims: tuple[Claim, ...] = ()

    def save(self, folder: Path) -> None:
        """Write the record, whole or not at all."""
        text = json.dumps(asdict(self), indent=2, default=str)
        write_text(folder / f"{self.notebook}.json", text + "\n")

    @classmethod
    def load(cls, folder: Path, name: str) -> Record | None:
        """Read a notebook's record; None where it has never run.

        Raises
        ------
        ResultError
            If the file is there but is not a record.
        """
        path = folder / f"{name}.json"
        if not path.is_file():
            return None
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            raise ResultError(
                f"Expected the record of a notebook's run in {path}. Received: "
                f"{error.error_count()} unfit fields. Remove the file, and the notebook runs again."
            ) from error


def fingerprints(
    chosen: Sequence[Notebook],
    values: Mapping[str, Mapping[str, object]],
    used: profiles.Profile,
) -> dict[str, str]:
    """Hash, for each notebook, everything its result depends on.

    That is its cells, its parameters, the profile, the videos where it needs them, vidlab's code
    (without comments and docstrings) and the libraries that compute. Of a parameter or a setting
    that is a file, such as trained weights or a recipe of one's own, it is also what stands in it.
    """
    package = package_fingerprint()
    videos = videos_fingerprint(used) if any(notebook.needs for notebook in chosen) else ""
    settings = profiles.find(used.name).read_text(encoding="utf-8")
    weights = (each.weights for each in (used, *used.recipes.values()))
    shared = [settings, package, *map(_contents, [*used.recipe_files, *weights])]
    found = {}
    for notebook in chosen:
        cells = [[c.cell_type, c.source] for c in notebook_files.read(notebook.path).cells]
        given = {name: [value, _contents(value)] for name, value in values[notebook.name].items()}
        facts = [cells, given, shared, videos if notebook.needs else ""]
        text = json.dumps(facts, sort_keys=True, default=str)
        found[notebook.name] = hashlib.sha256(text.encode()).hexdigest()
    return found


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
        digest.update(path.read_bytes() if path.suffix == ".h5" else _code(path).encode())
    for name in _LIBRARIES:
        digest.update(f"{name}=={metadata.version(name)}".encode())
    return digest.hexdigest()


def _code(path: Path) -> str:
    """Return what a module does: its syntax tree without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def videos_fingerprint(used: profiles.Profile) -> str:
    """Hash what tells the videos of a profile from others; no video is opened.

    Of Pantomime it is the note in its folder, of other videos path, size and time of last change.
    A folder may be not there yet.
    """
    if used.dataset == "pantomime":
        folder = datasets.folder_of("pantomime", size=used.dataset_size, seed=used.data_seed)
        note = folder / "pantomime.json"
        return hashlib.sha256(note.read_bytes() if note.is_file() else b"").hexdigest()
    folder = Path(used.dataset).expanduser()
    if used.dataset in datasets.NAMES:
        folder = datasets.folder_of(used.dataset, size=used.dataset_size, seed=used.data_seed)
    digest = hashlib.sha256()
    found = (path for depth in ("*", "*/*", "*/*/*") for path in folder.glob(depth))
    for path in sorted(p for p in found if p.suffix.lower() in (*video.SUFFIXES, ".txt")):
        facts = path.stat()
        line = f"{path.relative_to(folder).as_posix()} {facts.st_size} {facts.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def is_done(notebook: Notebook, pages: Path, fingerprint: str) -> bool:
    """Whether a notebook's last run is finished, depends on nothing that changed, and is there."""
    record = Record.load(pages, notebook.name)
    return (
        record is not None
        and (record.status, record.fingerprint) == ("done", fingerprint)
        and all((pages / f"{notebook.name}{end}").is_file() for end in (".ipynb", ".html"))
    )
