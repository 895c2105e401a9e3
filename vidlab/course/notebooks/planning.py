"""What a run will do, settled before it starts.

Takes a profile's name, notebook numbers and parameters from `running`; gives it a `Plan`: the
notebooks, the values each of them gets, where results go, and what has not changed since last time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab.course import profiles
from vidlab.errors import NotebookError
from vidlab.course.notebooks import files, records
from vidlab.course.notebooks.files import Notebook
from vidlab.course.notebooks.parameters import fit

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["Plan"]

_PATHS = ("dataset", "weights", "video")
_NAMES = ("", "pantomime", "ucf101", "imagenet")
_REPLACING = ("dataset", "backbone", "weights", "image_size", "split")  # as vidlab.lab.Lab has them


@dataclass(frozen=True)
class Plan:
    """What is to run, with what, and where it goes.

    Attributes
    ----------
    profile : Profile
        The settings, with those of the parameters in force.
    every, chosen : tuple of Notebook
        All there are, and those of this run.
    given : mapping
        The parameters as the user gave them, paths made absolute.
    values : dict
        Notebook name → the parameters it gets.
    folder : Path
        ``runs/<profile>``; with other videos, ``runs/<profile>-<dataset>``.
    fingerprints : dict
        Notebook name → `records.fingerprint`.
    """

    profile: profiles.Profile
    every: tuple[Notebook, ...]
    chosen: tuple[Notebook, ...]
    given: Mapping[str, object]
    values: dict[str, dict[str, object]]
    folder: Path
    fingerprints: dict[str, str]

    @classmethod
    def make(
        cls,
        numbers: Iterable[int | str] | None,
        profile: str,
        *,
        parameters: Mapping[str, object],
        source: str | Path | None,
        out: str | Path | None,
    ) -> Plan:
        """Settle a run; see `running.run` for what the arguments mean and what is raised."""
        from vidlab import datasets

        own = profiles.load(profile)
        given = _placed(parameters)
        configured = profiles.folder()
        every = tuple(files.find(source or configured.parent / "notebooks"))
        chosen = tuple(files.select(every, numbers))
        values = _values(chosen, given, profile=profile)
        used = _in_force(own, values)
        if out is None:
            name = profiles.run_name(own, used, fingerprint=lambda: _index(used).fingerprint)
            out = datasets.home() / "runs" / name
        folder = Path(out).resolve()
        (folder / "notebooks").mkdir(parents=True, exist_ok=True)
        fingerprints = _fingerprints(chosen, values, used)
        return cls(used, every, chosen, given, values, folder, fingerprints)

    def renewed(self) -> Plan:
        """Return the plan with fingerprints of what is on disk now: videos may have been made."""
        fingerprints = _fingerprints(self.chosen, self.values, self.profile)
        return dataclasses.replace(self, fingerprints=fingerprints)

    @property
    def pages(self) -> Path:
        """Where executed notebooks, their pages and records go."""
        return self.folder / "notebooks"

    def unchanged(self) -> tuple[str, ...]:
        """Return the names of the notebooks that are done and depend on nothing that changed."""
        names = [notebook.name for notebook in self.chosen]
        return tuple(
            name
            for name in names
            if records.holds(
                records.load(self.pages, name=name), self.pages, fingerprint=self.fingerprints[name]
            )
        )

    def command(self, notebook: Notebook, *options: str) -> str:
        """Return what a user types, here and now, to run just this notebook again."""
        words = [*_program(), "run", str(notebook.number or notebook.name)]
        words += ["--profile", self.profile.name, *options]
        for name, value in self.given.items():
            if name != "profile":
                words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
        return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _values(
    chosen: Sequence[Notebook], given: Mapping[str, object], *, profile: str
) -> dict[str, dict[str, object]]:
    if given.get("profile", profile) != profile:
        raise NotebookError(
            f"Expected the profile to be chosen by --profile. Received: {profile} there and "
            f"{given['profile']} as a parameter. Leave the parameter out."
        )
    values = fit(chosen, {k: v for k, v in given.items() if k != "profile"})
    for notebook in chosen:
        if any(known.name == "profile" for known in notebook.parameters):
            values[notebook.name]["profile"] = profile
    return values


def _placed(given: Mapping[str, object]) -> dict[str, object]:
    """Make paths absolute: a kernel works in the notebooks' folder, the user types elsewhere."""
    return {
        name: str(Path(str(value)).expanduser().resolve())
        if name in _PATHS and value not in _NAMES and Path(str(value)).expanduser().exists()
        else value
        for name, value in given.items()
    }


def _index(used: profiles.Profile) -> VideoIndex:
    from vidlab import datasets

    return datasets.load_index(used.dataset, size=used.dataset_size, seed=used.data_seed)


def _in_force(
    own: profiles.Profile, values: Mapping[str, Mapping[str, object]]
) -> profiles.Profile:
    """Return the profile as the parameters change it; empty ones keep its own settings."""
    given = {
        name: value
        for received in values.values()
        for name, value in received.items()
        if name in _REPLACING and value
    }
    return profiles.replace(own, **given)


def _fingerprints(
    chosen: Sequence[Notebook],
    values: Mapping[str, dict[str, object]],
    used: profiles.Profile,
) -> dict[str, str]:
    package = records.package_fingerprint()
    data = _data_fingerprint(used) if any(notebook.needs for notebook in chosen) else ""
    return {
        notebook.name: records.fingerprint(
            notebook,
            values[notebook.name],
            profile=profiles.find(used.name),
            package=package,
            data=data if notebook.needs else "",
        )
        for notebook in chosen
    }


def _data_fingerprint(used: profiles.Profile) -> str:
    from vidlab import datasets

    folder = Path(used.dataset).expanduser()
    if used.dataset in datasets.NAMES:
        folder = datasets.folder_of(used.dataset, size=used.dataset_size, seed=used.data_seed)
    return records.data_fingerprint(folder, drawn=used.dataset == "pantomime")


def _program() -> list[str]:
    """Return how vidlab is called here: by its name only where that means this installation."""
    script = Path(sys.executable).with_name("vidlab.exe" if os.name == "nt" else "vidlab")
    found = shutil.which("vidlab")
    if not script.is_file():
        return ["vidlab"] if found else [_from_here(Path(sys.executable)), "-m", "vidlab"]
    if found and os.path.samefile(found, script):
        return ["vidlab"]
    return [_from_here(script.with_suffix(""))]


def _from_here(path: Path) -> str:
    below = path.is_relative_to(Path.cwd())
    return os.fspath(path.relative_to(Path.cwd()) if below else path)
