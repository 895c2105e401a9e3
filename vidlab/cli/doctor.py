"""``vidlab doctor``: what this machine has, and what to do about what is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from vidlab.cli.console import relative
from vidlab.errors import VideoError

__all__ = ["Finding", "doctor", "examine"]

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 11), (3, 13)
_LEAST_MEMORY_GB = 4
_LEAST_DISK_GB = 5
_LEAST_SHARED_GB = 0.25  # Docker gives 0.06
_CODECS = Path(__file__).parent / "codecs"  # a video of one frame in each codec
_FRONT_END = ("@jupyter-widgets/jupyterlab-manager", "anywidget", "jupyterlab-plotly")
_SCRIPTS = {"Chinese": "跑", "Korean": "뛰", "Arabic": "جري", "Hindi": "दौड़", "Thai": "วิ่ง"}


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


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Examine this machine: Python, packages, memory, disk, GPU, codecs, fonts, data, weights.

    Exit status 1 if something needed is missing.
    """
    findings = list(examine())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    for finding in [] if as_json else findings:
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

    nearest = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(nearest).free / 2**30
    found = f"{free:.0f} GiB free for data, caches and runs in {home} (see VIDLAB_HOME)"
    remedy = "Set VIDLAB_HOME to a folder on a larger disk."
    yield Finding("disk", found, remedy if free < _LEAST_DISK_GB else "")
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        remedy = "Set VIDLAB_HOME to a folder that can be written to."
        yield Finding("home", f"{nearest} cannot be written to", remedy, needed=True)

    if Path("/dev/shm").is_dir():  # where joblib puts what processes share
        free = shutil.disk_usage("/dev/shm").free / 2**30
        remedy = "In a container: docker run --shm-size=1g; else empty /dev/shm."
        found = f"{free:.2f} GiB free in /dev/shm"
        yield Finding("shared", found, remedy if free < _LEAST_SHARED_GB else "")

    yield _gpu()
    found = [
        f"{name} {_version(package) or f'absent ({remedy})'}"
        for name, package, remedy in (
            ("OpenVINO", "openvino", "features take longer: pip install openvino"),
            ("LiteRT", "ai-edge-litert", "only for phones: pip install ai-edge-litert"),
        )
    ]
    yield Finding("engines", ", ".join(found))
    yield _front_end()
    yield _codecs()
    yield _fonts()

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


def _gpu() -> Finding:
    """Ask the driver, and TensorFlow only where there is one: importing it takes seconds."""
    words = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return Finding("GPU", "no NVIDIA driver; TensorFlow computes on the CPU")
    if done.returncode:
        reason = (done.stdout + done.stderr).strip().splitlines()
        return Finding("GPU", *reason[:1], remedy="Repair the driver, or go on with the CPU.")
    import keras

    found = "; ".join(done.stdout.strip().splitlines())
    if keras.distribution.list_devices("gpu"):
        return Finding("GPU", f"{found}, seen by TensorFlow")
    remedy = "Install its libraries: pip install 'tensorflow[and-cuda]'"
    return Finding("GPU", f"{found}, not seen by TensorFlow", remedy)


def _front_end() -> Finding:
    """Look for the parts of JupyterLab that show explorers, in its folders of this environment."""
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    absent = [name for name in _FRONT_END if not any((f / name).is_dir() for f in folders)]
    if not absent:
        return Finding("explorers", "all parts of JupyterLab are there")
    packages = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets"}
    packages |= {"jupyterlab-plotly": "plotly"}
    again = " ".join(packages.get(name, name) for name in absent)
    remedy = f"Where JupyterLab runs: pip install --force-reinstall --no-deps {again}"
    return Finding("explorers", f"JupyterLab lacks {', '.join(absent)}", remedy)


def _codecs() -> Finding:
    """Read a frame of each codec."""
    from vidlab.data import video

    known, unknown = [], []
    for file in sorted(_CODECS.iterdir()):
        try:
            video.read_frames(file, [0])
            known.append(file.stem)
        except VideoError:
            unknown.append(file.stem)
    if not unknown:
        return Finding("codecs", ", ".join(known))
    remedy = 'A second decoder may know more: pip install "vidlab[pyav]"'
    return Finding("codecs", f"{', '.join(known)}; not {', '.join(unknown)}", remedy)


def _fonts() -> Finding:
    """Look for fonts with letters beside the Latin ones."""
    from vidlab.plots.names import fonts_with

    without = []
    for script, letters in _SCRIPTS.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fonts_with(frozenset(letters))
        fonts_with.cache_clear()  # so that a figure warns again
        without += [script] * bool(told)
    if not without:
        return Finding("fonts", f"for {', '.join(_SCRIPTS)} names")
    remedy = "Only for such names: install Noto fonts (Debian: fonts-noto-core, fonts-noto-cjk)."
    return Finding("fonts", f"none for {', '.join(without)} names in figures", remedy)


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
