"""Data and homes of another user: what may be read is used, and never written to."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import write_toys

NOBODY = 65534
# Root may read and write everything; without these rights it is a user among others.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown")
PROFILE = """base: smoke
image_size: 32
recipes:
  gru-pixels: {epochs: [1], options: {units: 4}}
"""
CALL = """
import json, os, sys
from typer.testing import CliRunner
from vidlab.cli import app

shown = []
for home, words in json.loads(sys.argv[1]):
    os.environ["VIDLAB_HOME"] = home
    result = CliRunner().invoke(app, words)
    shown.append([result.exit_code, result.stdout, result.stderr])
print(json.dumps(shown))
"""


def give_away(root, *, files=0o444, folders=0o555):
    """Make a folder another user's, where the tests run as root; read-only in any case."""
    for path in (root, *root.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(folders if path.is_dir() else files)
    return root


def state(root):
    paths = sorted((root, *root.rglob("*")))
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Call commands without privileges, all in one process: {name: (exit code, out, err)}."""
    base = tmp_path_factory.mktemp("others")
    (base / "home").mkdir()
    (base / "tiny.yaml").write_text(PROFILE)
    write_toys(base / "data", groups=3, clips=1)
    folders = ("closed", "class", "video", "home-of-another")
    for name in folders:
        shutil.copytree(base / "data", base / name)
    for name in ("data", *folders):
        give_away(base / name)
    (base / "closed").chmod(0)
    (base / "class" / "UCF-101" / "Run").chmod(0)
    (base / "video" / "UCF-101" / "Run" / "v_Run_g01_c01.avi").chmod(0)
    train = ("train", "gru-pixels", "--profile", str(base / "tiny.yaml"), "--dataset")
    commands = {
        name: ("home", ("data", "verify", str(base / name))) for name in ("data", *folders[:3])
    }
    commands |= {
        "train": ("home", (*train, str(base / "data"))),
        "verify, home": ("home-of-another", ("data", "verify", str(base / "data"))),
        "train, home": ("home-of-another", (*train, str(base / "data"))),
        "draw, home": ("home-of-another", ("data", "make", "--size", "smoke")),
    }
    before = state(base / "data") + state(base / "home-of-another")
    calls = [(str(base / home), words) for home, words in commands.values()]
    prefix = UNPRIVILEGED if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*prefix, sys.executable, "-c", CALL, json.dumps(calls)],
        capture_output=True,
        text=True,
        cwd=base / "home",
        env=os.environ | {"COLUMNS": "400"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert state(base / "data") + state(base / "home-of-another") == before
    yield dict(zip(commands, json.loads(done.stdout.splitlines()[-1]), strict=True)), base
    for path in (base / "closed", base / "class" / "UCF-101" / "Run"):
        path.chmod(0o755)  # for pytest to remove them


def test_data_of_another_user_are_verified_and_trained_on(shown):
    results, base = shown
    assert results["data"][1].startswith(f"{base / 'data'}: 3 classes; videos: 9 listed")
    code, out, err = results["train"]
    assert code == 0, err
    assert "gru-pixels" in out
    assert len(list((base / "home" / "runs").rglob("predictions.npz"))) == 1


def test_a_home_of_another_user_is_read_and_what_cannot_be_written_is_said(shown):
    results, base = shown
    assert results["verify, home"] == results["data"]
    for name, folder in (("train, home", "runs"), ("draw, home", "data")):
        code, _, err = results[name]
        assert code == 1
        path = base / "home-of-another" / folder
        assert err.startswith(f"Expected permission to read or write. Received: {path}")
        assert err.endswith("Change its permissions, or name another folder.\n")


@pytest.mark.parametrize(("name", "path"), [("closed", ""), ("class", "UCF-101/Run")])
def test_a_folder_that_may_not_be_read_is_named(shown, name, path):
    results, base = shown
    code, _, err = results[name]
    assert code == 1
    assert err == (
        f"Expected permission to read or write. Received: {base / name / path} (Permission denied)."
        " Change its permissions, or name another folder.\n"
    )


def test_a_video_that_may_not_be_read_is_a_row_with_its_remedy(shown):
    results, base = shown
    code, out, err = results["video"]
    assert code == 1
    path = base / "video" / "UCF-101" / "Run" / "v_Run_g01_c01.avi"
    row = next(line for line in out.splitlines() if "unreadable" in line and str(path) in line)
    assert f"Expected permission to read or write. Received: {path} (Permission denied). " in row
    assert err.startswith("1 problem(s), listed above.")
