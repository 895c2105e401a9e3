"""The built wheel, installed away from the checkout, in an empty folder."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "nbconfig", "vidlab")

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


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install the wheel alone, beside the packages that are there -> how to use it.

    ``python(*words)`` runs this Python in the empty folder ``here``, where the home is too;
    ``vidlab(*words)`` the command.
    """
    target, here = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("here")
    pip("install", "--target", str(target), str(wheel))
    environment = {
        **os.environ,
        "PYTHONPATH": str(target),
        "VIDLAB_HOME": str(here / "home"),
        "HOME": str(here),
        "USERPROFILE": str(here),
        "COLUMNS": "200",
    }

    def python(*words, without=()):
        return subprocess.run(
            [sys.executable, "-P", *words],
            cwd=here,
            env={name: value for name, value in environment.items() if name not in without},
            capture_output=True,
            text=True,
        )

    def vidlab(*words):
        return python("-m", "vidlab", *words)

    return SimpleNamespace(target=target, here=here, python=python, vidlab=vidlab)


@pytest.fixture(scope="module")
def trained(installed):
    """Draw the smoke videos, and train on them with a shipped profile and with a file's."""
    text = (ROOT / "nbconfig" / "smoke.yaml").read_text(encoding="utf-8")
    (installed.here / "mine.yaml").write_text(text.replace("image_size: 96", "image_size: 64"))
    for words in (
        ("data", "make", "--size", "smoke"),
        ("train", "frame-pretrained", "--profile", "smoke"),
        ("train", "frame-pretrained", "--profile", "mine.yaml"),
    ):
        done = installed.vidlab(*words)
        assert done.returncode == 0, done.stderr
    return installed


def files(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_wheel_holds_the_whole_package_and_the_profiles(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    profiles = {f"vidlab/nbconfig/{path.name}" for path in (ROOT / "nbconfig").glob("*.yaml")}
    assert held == {f"vidlab/{name}" for name in files(ROOT / "vidlab")} | profiles


def test_without_a_variable_the_home_is_a_folder_of_the_user(installed):
    script = "from vidlab import datasets; print(datasets.home())"
    done = installed.python("-c", script, without=["VIDLAB_HOME"])
    assert done.stdout.strip() == str(installed.here / "vidlab"), done.stderr


def test_doctor_names_the_home_and_the_profiles_before_there_is_anything(installed):
    done = installed.vidlab("doctor")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert f"in {installed.here / 'home'} (see VIDLAB_HOME)" in lines["disk"]
    assert all(
        f"{name} ({installed.target}" in lines["profiles"] for name in ("full", "quick", "ucf101")
    )


def test_run_says_where_the_notebooks_are(installed):
    done = installed.vidlab("run", "--profile", "smoke")
    assert done.returncode == 1
    assert "Run vidlab from a clone of the repository" in done.stderr


def test_runs_of_a_shipped_profile_and_of_a_file_are_compared(trained):
    runs = [
        str(trained.here / "home" / "runs" / name / "frame-pretrained")
        for name in ("smoke", "mine")
    ]
    done = trained.vidlab("compare", *runs)
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (("predict",), "predicted/v_OpenDoor_g01_c01-frame-pretrained.json"),
        (("explain", "--recipe", "frame-pretrained"), "explained/v_OpenDoor_g01_c01*.png"),
    ],
    ids=["predict", "explain"],
)
def test_a_file_is_predicted_and_explained(trained, words, written):
    folder = trained.here / "home" / "data" / "pantomime-smoke" / "UCF-101" / "OpenDoor"
    video = str(folder / "v_OpenDoor_g01_c01.avi")
    command, *options = words
    done = trained.vidlab(command, video, *options, "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    assert list(trained.here.glob(written))


def test_nothing_is_written_into_the_installation(trained):
    profiles = {f"nbconfig/{path.name}" for path in (ROOT / "nbconfig").glob("*.yaml")}
    assert files(trained.target / "vidlab") == files(ROOT / "vidlab") | profiles
