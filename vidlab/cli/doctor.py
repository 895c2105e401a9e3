"""``vidlab doctor``: what this machine has, and what to do about what is missing.

Takes facts from the machine; gives one line each, with a remedy where something is wrong.
"""

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

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_INSTALLERS = ("pip", "setuptools", "wheel")  # they have done their work
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
        typer.echo(typer.style(mark, fg=colour) + f"{finding.what:<12} {finding.found}")
        if finding.remedy:
            typer.echo(f"{'':<15} {finding.remedy}")
    if any(finding.needed and finding.remedy for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    yield _python()
    yield _packages()
    yield _kernel()
    yield _cores()
    yield _memory()
    yield _place()
    yield _profiles()
    yield _disk()
    yield _graphics()
    yield _browser()
    yield from _data()
    yield _weights()


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}"
    fits = _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON
    remedy = "Install Python 3.11, 3.12 or 3.13, for which the tested TensorFlow is made."
    return Finding("Python", found, "" if fits else remedy, needed=True)


def _packages() -> Finding:
    from packaging.requirements import Requirement

    path = _home() / "constraints.txt"
    if not path.is_file():
        return Finding("packages", f"no {path.name} to compare with (not in a clone)")
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    needed = {
        Requirement(line).name.lower()
        for line in metadata.requires("vidlab") or ()
        if ";" not in line
    }
    absent, other = [], []
    for pin in (pin for pin in pins if pin.name not in _INSTALLERS):
        version = _version(pin.name)
        if version is None and pin.name.lower() in needed:
            absent.append(pin.name)
        elif version is not None and not pin.specifier.contains(version, prereleases=True):
            other.append(f"{pin.name} {version} (tested: {str(pin.specifier).lstrip('=')})")
    if absent:
        remedy = "Install them: pip install -c constraints.txt -e ."
        return Finding("packages", f"absent: {', '.join(absent)}", remedy, needed=True)
    if other:
        remedy = "Should still work. The tested versions: pip install -c constraints.txt -e ."
        return Finding("packages", f"other versions: {', '.join(other)}", remedy)
    return Finding("packages", f"the {len(pins)} tested versions")


def _kernel() -> Finding:
    version = _version("ipykernel")
    if version is None:
        return Finding("kernel", "no ipykernel", "pip install ipykernel", needed=True)
    return Finding("kernel", f"ipykernel {version}; notebooks use this very Python")


def _cores() -> Finding:
    cores = os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    return Finding("cores", f"{cores}" + (f" (OMP_NUM_THREADS={threads})" if threads else ""))


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free, whole = memory.available / 2**30, memory.total / 2**30
    little = free < _LEAST_MEMORY_GB
    remedy = "Close other programs, or run notebooks one at a time (--jobs 1)." if little else ""
    return Finding("memory", f"{free:.1f} of {whole:.1f} GiB free", remedy)


def _place() -> Finding:
    chosen = "chosen by" if os.environ.get("VIDLAB_HOME") else "to choose another, set"
    return Finding("home", f"{_home()}, for data, caches and runs; {chosen} VIDLAB_HOME")


def _profiles() -> Finding:
    from vidlab.course import profiles

    folders = sorted({profiles.find(name).parent for name in profiles.names()})
    return Finding(
        "profiles", f"{', '.join(profiles.names())}, in {' and '.join(map(str, folders))}"
    )


def _disk() -> Finding:
    home = _home()
    there = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(there).free / 2**30
    remedy = "Set VIDLAB_HOME to a folder on a larger disk." if free < _LEAST_DISK_GB else ""
    return Finding("disk", f"{free:.0f} GiB free at {relative(there)}", remedy)


def _graphics() -> Finding:
    if shutil.which("nvidia-smi"):
        return Finding("GPU", "NVIDIA driver found; TensorFlow uses it with tensorflow[and-cuda]")
    return Finding("GPU", "none; smoke and quick do not need one")


def _browser() -> Finding:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    return Finding("browser", found or "no chromium; only the browser tests need it")


def _data() -> Iterator[Finding]:
    folder = _home() / "data"
    present = sorted(path for path in folder.glob("*") if path.is_dir())
    if not present:
        yield Finding("data", "none yet; vidlab run or vidlab data make draws it")
    for path in present:
        count = sum(1 for _ in path.rglob("*.avi"))
        yield Finding("data", f"{relative(path)}: {count} videos")


def _weights() -> Finding:
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    files = sorted(path.name for path in (home / "models").glob("*.h5"))
    if not files:
        return Finding(
            "weights", f"no ImageNet weights in {home / 'models'}; smoke and quick need none"
        )
    return Finding("weights", f"{home / 'models'}: {', '.join(files)}")


def _home() -> Path:
    from vidlab import datasets

    return datasets.home()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
