"""``vidlab doctor``: what this machine has, and what to do about what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import typer

from vidlab.cli.console import relative

__all__ = ["Finding", "doctor", "examine"]

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 11), (3, 13)
_LEAST_MEMORY_GB = 4
_LEAST_DISK_GB = 5


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes
    ----------
    what, found : str
        What was looked at and what is there.
    remedy : str
        What to do; empty where all is well.
    needed : bool
        Whether vidlab cannot do without it.
    """

    what: str
    found: str
    remedy: str = ""
    needed: bool = False


def doctor() -> None:
    """Examine this machine: Python, packages, memory, disk, data, weights.

    Exit status 1 if something needed is missing.
    """
    findings = list(examine())
    for finding in findings:
        mark, colour = ("ok ", typer.colors.GREEN)
        if finding.remedy:
            mark, colour = ("✗  ", typer.colors.RED) if finding.needed else ("–  ", None)
        typer.echo(typer.style(mark, fg=colour) + f"{finding.what:<9} {finding.found}")
        if finding.remedy:
            typer.echo(f"{'':<12} {finding.remedy}")
    if any(finding.needed and finding.remedy for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    import psutil

    from vidlab import datasets
    from vidlab.course import profiles

    fits = _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON
    remedy = "Install Python 3.11, 3.12 or 3.13, for which the tested TensorFlow is made."
    found = f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}"
    yield Finding("Python", found, "" if fits else remedy, needed=True)

    home = datasets.home()
    yield _packages(home / "constraints.txt")

    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    remedy = "Close other programs, or run notebooks one at a time (--jobs 1)."
    found = f"{free:.1f} of {memory.total / 2**30:.1f} GiB free, {os.cpu_count()} cores"
    yield Finding("memory", found, remedy if free < _LEAST_MEMORY_GB else "")

    free = shutil.disk_usage(next(p for p in (home, *home.parents) if p.exists())).free / 2**30
    remedy = "Set VIDLAB_HOME to a folder on a larger disk."
    found = f"{free:.0f} GiB free for data, caches and runs in {home} (see VIDLAB_HOME)"
    yield Finding("disk", found, remedy if free < _LEAST_DISK_GB else "")

    yield Finding(
        "profiles", ", ".join(f"{n} ({profiles.find(n).parent})" for n in profiles.names())
    )

    folders = sorted(path for path in (home / "data").glob("*") if path.is_dir())
    counts = [f"{relative(p)}: {sum(1 for _ in p.rglob('*.avi'))} videos" for p in folders]
    yield Finding("data", "; ".join(counts) or "none yet; vidlab run or vidlab data make draws it")

    weights = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    files = ", ".join(sorted(path.name for path in weights.glob("*.h5")))
    found = files or "no ImageNet weights; smoke, quick and full need none"
    yield Finding("weights", f"{weights}: {found}")


def _packages(constraints: Path) -> Finding:
    from packaging.requirements import Requirement

    required = [Requirement(line) for line in metadata.requires("vidlab") or ()]
    needed = [
        one.name for one in required if one.marker is None or one.marker.evaluate({"extra": ""})
    ]
    absent = [name for name in needed if _version(name) is None]
    if absent:
        remedy = "Install them: pip install -c constraints.txt -e ."
        return Finding("packages", f"absent: {', '.join(absent)}", remedy, needed=True)
    if not constraints.is_file():
        return Finding("packages", "all are there")
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    other = [
        f"{pin.name} {version} (tested: {str(pin.specifier).lstrip('=')})"
        for pin in pins
        if pin.name in needed
        and (pin.marker is None or pin.marker.evaluate())
        and (version := _version(pin.name)) is not None
        and not pin.specifier.contains(version, prereleases=True)
    ]
    if other:
        remedy = "Should still work. The tested versions: pip install -c constraints.txt -e ."
        return Finding("packages", f"other versions: {', '.join(other)}", remedy)
    return Finding("packages", "all are there, in the tested versions")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
