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

from vidlab.errors import VideoError
from vidlab.files import relative

__all__ = ["Finding", "doctor", "examine"]

_CODECS = Path(__file__).parent / "codecs"  # a video of one frame in each codec
_FRONT_END = {  # part of JupyterLab to package
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets",
    "anywidget": "anywidget",
    "jupyterlab-plotly": "plotly",
}
_LETTERS = {"Chinese": "跑", "Korean": "뛰", "Arabic": "جري", "Hindi": "दौड़", "Thai": "วิ่ง"}


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
        mark = "ok" if not finding.remedy else "✗" if finding.needed else "–"
        typer.echo(f"{mark:<2} {finding.what:<9} {finding.found}")
        if finding.remedy:
            typer.echo(f"{'':<12} {finding.remedy}")
    if any(finding.needed and finding.remedy for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    import psutil

    from vidlab import datasets
    from vidlab.course import profiles

    found = f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}"
    yield Finding("Python", found)
    yield _packages()
    home, remedy = datasets.home(), "Set VIDLAB_HOME to a folder that can be written to."
    nearest = next(path for path in (home, *home.parents) if path.exists())
    fits = nearest.is_dir() and os.access(nearest, os.W_OK)
    yield Finding("home", f"{home}: data, caches and runs", "" if fits else remedy, needed=True)
    disk, memory = shutil.disk_usage(nearest).free, psutil.virtual_memory().available
    rooms = {  # what is free, GiB that should be, what to do
        "memory": (memory, 4, "Close other programs, or run notebooks one at a time (--jobs 1)."),
        "disk": (disk, 5, "Set VIDLAB_HOME to a folder on a larger disk."),
    }
    if (shared := Path("/dev/shm")).is_dir():  # where joblib puts what processes share
        free = shutil.disk_usage(shared).free  # Docker gives 0.06
        rooms["shared"] = (free, 0.25, "In a container: docker run --shm-size=1g")
    for what, (free, least, remedy) in rooms.items():
        yield Finding(what, f"{free / 2**30:.2f} GiB free", remedy * (free < least * 2**30))
    yield _gpu()
    engines = {"OpenVINO": "openvino", "LiteRT": "ai-edge-litert"}
    found = [f"{n} {_version(p) or f'absent (pip install {p})'}" for n, p in engines.items()]
    yield Finding("engines", ", ".join(found))
    yield _front_end()
    yield _codecs()
    yield _fonts()
    found = [f"{name} ({profiles.find(name).parent})" for name in profiles.names()]
    yield Finding("profiles", ", ".join(found))
    folders = sorted(path for path in (home / "data").glob("*") if path.is_dir())
    counts = [f"{relative(p)}: {sum(1 for _ in p.rglob('*.avi'))} videos" for p in folders]
    yield Finding("data", "; ".join(counts) or "none yet; vidlab run or vidlab data make draws it")
    weights = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    files = ", ".join(sorted(path.name for path in weights.glob("*.h5")))
    found = files or "no ImageNet weights; smoke, quick and full need none"
    yield Finding("weights", f"{weights}: {found}")


def _packages() -> Finding:
    """Compare what is installed with what vidlab requires."""
    from packaging.requirements import Requirement

    required = [Requirement(line) for line in metadata.requires("vidlab") or ()]
    unfit = [
        f"{one.name} {_version(one.name) or 'absent'}"
        for one in required
        if (one.marker is None or one.marker.evaluate({"extra": ""}))
        and not one.specifier.contains(_version(one.name) or "0", prereleases=True)
    ]
    if unfit:
        remedy = "Install them: pip install -c constraints.txt -e ."
        return Finding(
            "packages",
            f"absent, or not of a version that vidlab takes: {', '.join(unfit)}",
            remedy,
            needed=True,
        )
    libraries = ("tensorflow", "keras", "opencv-python", "jupyterlab")
    found = [f"{name} {_version(name)}" for name in libraries]
    return Finding("packages", f"all are there, such as {', '.join(found)}")


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
    absent = [
        name for name in _FRONT_END if not any((folder / name).is_dir() for folder in folders)
    ]
    if not absent:
        return Finding("explorers", "all parts of JupyterLab are there")
    packages = " ".join(_FRONT_END[name] for name in absent)
    remedy = f"Where JupyterLab runs: pip install --force-reinstall --no-deps {packages}"
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

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fonts_with(frozenset("".join(_LETTERS.values())))
    fonts_with.cache_clear()  # so that a figure warns again
    remedy = "Only for such names: install Noto fonts (Debian: fonts-noto-core, fonts-noto-cjk)."
    which = "not for all of" if told else "for"
    return Finding("fonts", f"{which} {', '.join(_LETTERS)} names", remedy if told else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
