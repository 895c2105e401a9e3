"""What a run will do, settled before it starts.

Takes a profile's name, notebook numbers and parameters from `running`; gives it a `Plan`: the
notebooks, the values each of them gets, where results go, and what has not changed since last time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidlab import profiles
from vidlab.errors import NotebookError
from vidlab.notebooks import files, records
from vidlab.notebooks.files import Notebook
from vidlab.notebooks.parameters import fit

__all__ = ["Plan"]

_PATHS = ("dataset", "weights")
_NAMES = ("", "pantomime", "ucf101", "imagenet")


@dataclass(frozen=True)
class Plan:
    """What is to run, with what, and where it goes.

    Attributes
    ----------
    profile : Profile
        The settings.
    every, chosen : tuple of Notebook
        All there are, and those of this run.
    given : mapping
        The parameters as the user gave them, paths made absolute.
    values : dict
        Notebook name → the parameters it gets.
    folder : Path
        ``runs/<profile>``.
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
        settings = profiles.load(profile)
        given = _placed(parameters)
        configured = profiles.folder()
        every = tuple(files.find(source or configured.parent / "notebooks"))
        chosen = tuple(files.select(every, numbers))
        values = _values(chosen, given, profile=profile)
        folder = Path(out) if out is not None else _results_folder(settings, given)
        (folder / "notebooks").mkdir(parents=True, exist_ok=True)
        package = records.package_fingerprint()
        fingerprints = {
            notebook.name: records.fingerprint(
                notebook,
                values[notebook.name],
                profile=configured / f"{profile}.yaml",
                package=package,
            )
            for notebook in chosen
        }
        return cls(settings, every, chosen, given, values, folder.resolve(), fingerprints)

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

    def command(self, notebook: Notebook) -> str:
        """Return what a user types to run just this notebook again."""
        words = ["vidlab", "run", str(notebook.number or notebook.name)]
        words += ["--profile", self.profile.name]
        for name, value in self.given.items():
            if name != "profile":
                words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
        return shlex.join(words)


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


def _results_folder(settings: profiles.Profile, given: Mapping[str, object]) -> Path:
    from vidlab import datasets

    dataset = str(given.get("dataset") or settings.dataset)
    own = dataset == settings.dataset
    name = settings.name if own else f"{settings.name}-{Path(dataset).name}"
    return datasets.home() / "runs" / name
