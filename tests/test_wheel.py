"""The built wheel, installed away from the checkout, in an empty folder."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "nbconfig", "vidlab")
PROFILES = {f"nbconfig/{path.name}" for path in (ROOT / "nbconfig").glob("*.yaml")}

pytestmark = pytest.mark.slow


def pip(*words):
    command = [sys.executable, "-m", "pip", *words, "--no-deps", "--no-index", "--quiet"]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of the sources -> its path."""
    for needed in ("pip", "setuptools"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"building a wheel offline needs {needed} in this environment")
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, copy / name)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(out), str(copy))
    (path,) = out.glob("vidlab-*.whl")
    return path


class Installed:
    """The wheel alone, beside the packages that are there, and an empty folder to work in."""

    def __init__(self, site, here):
        self.package, self.here = site / "vidlab", here
        self.environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
        self.environment |= {"HOME": str(here), "USERPROFILE": str(here)}
        self.environment.pop("VIDLAB_HOME", None)

    def vidlab(self, *words, fails=False):
        """Run the command in the empty folder; return what it prints."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "vidlab", *words],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    site, here = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("here")
    pip("install", "--target", str(site), str(wheel))
    return Installed(site, here)


def files(folder):
    """Name the files below a folder, byte code left out."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if not name.endswith(".pyc")}


def test_the_wheel_holds_the_whole_package_and_the_profiles(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {f"vidlab/{name}" for name in files(ROOT / "vidlab") | PROFILES}


def test_home_and_profiles_are_named_and_run_says_where_the_notebooks_are(installed):
    lines = {line.split()[1]: line for line in installed.vidlab("doctor").splitlines()}
    assert f"{installed.here / 'vidlab'}: data, caches and runs" in lines["home"]
    for name in ("full", "quick", "smoke", "ucf101"):
        assert f"{name} ({installed.package.parent}" in lines["profiles"]
    stderr = installed.vidlab("run", "--profile", "smoke", fails=True)
    assert "Run vidlab from a clone of the repository" in stderr


def test_videos_are_drawn_trained_on_and_explained_and_the_installation_stays(installed):
    installed.vidlab("train", "frame-pretrained", "--profile", "smoke")  # draws the videos, too
    folder = installed.here / "vidlab" / "data" / "pantomime-smoke" / "UCF-101" / "OpenDoor"
    video = str(folder / "v_OpenDoor_g01_c01.avi")
    installed.vidlab("explain", video, "--recipe", "frame-pretrained", "--profile", "smoke")
    assert list(installed.here.glob("explained/v_OpenDoor_g01_c01*.png"))
    assert files(installed.package) == files(ROOT / "vidlab") | PROFILES
