"""Files changed at random, and the readers they are given to: what `test_hostile_files` fuzzes."""

import faulthandler
import os
import resource
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from tests.archives import write
from vidlab.course import profiles
from vidlab.data import archives, lists

NASTY = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n\n",
    b"\t",
    b'"',
    b"'",
    b"{",
    b"[" * 3000,
    b"- " * 2000,
    b"../",
    b"\\",
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b"-1",
    b"0x",
    b"&a [*a, *a]",
    b"!!python/object/apply:os.getcwd []",
    b"!!int x",
    b"!!timestamp 2001-99-99",
    b"? ",
    b": ",
    b"\xc3\x28",
    b"\xe2\x80\xae",
    b"\xff" * 9,
    b"x" * 20_000,
]
SEEDS = {
    "profile.yaml": (
        b"about: Own videos.\ndataset: data\nsampling: Uniform(8)\npatience: 3\n"
        b"recipes:\n  gru-pixels: {epochs: [3], options: {units: 8}, learning_rate: [1e-3]}\n"
        b"silence: 60\nrecipe_files: []\n"
    ),
    "trainlist01.txt": (
        b"Jump/v_Jump_g01_c01.avi 1\r\nJump/v_Jump_g01_c02.avi 1\r\nRun/v_Run_g02_c01.avi 2\r\n"
    ),
    "classInd.txt": b"1 Jump\r\n2 Run\r\n3 Long Jump\r\n",
    "videos.csv": b'path,label,split,group\nJump/a.avi,Jump,train,anna\n"b, c.avi",Run,test,7\n',
    "videos.txt": b"Jump/a.avi 0\nRun/b b.avi 1\n",
    "videos.json": b'[{"id": "1", "template": "Pushing [something]", "label": "x"}]',
    "kinetics.json": b'{"a": {"annotations": {"label": "x", "segment": [0, 9]}, "subset": "test"}}',
    "Jump_test_split1.txt": b"a.avi 1\nb.avi 2\nc.avi 0\n",
    "predictions.csv": b"video_id,true,group,Jump,Run\na,Jump,anna,0.9,0.1\nb,Run,7,0.5,0.5\n",
    "recipe.py": (
        b"from vidlab.recipes import Phase, recipe\nfrom vidlab.data.streams import Rgb\n"
        b"from vidlab.data.sampling import Uniform\n\n\n"
        b'@recipe("fuzzed", inputs={"rgb": Rgb(Uniform(2), 16)}, phases=[Phase(1)])\n'
        b"def build(inputs, num_classes):\n    return inputs['rgb']\n"
    ),
}


SECONDS = 10  # a file
MEMORY = 1 << 30  # bytes beyond what the process has


class Hung(BaseException):
    """A file took too long; no reader takes this for an error of the file."""


@contextmanager
def limits():
    """Let a file take `SECONDS` and `MEMORY`, as far as no reader hides that it wanted more.

    Python that hangs ends in `Hung`; what hangs outside of Python, with the process.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    late = []

    def stop(*_):
        late.append(True)
        raise Hung(f"Expected to be read within {SECONDS} s.")

    handler = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
    try:
        yield
    except BaseException as error:
        cause = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                raise cause from None
            cause = cause.__cause__ or cause.__context__
        raise
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)
        if late:
            stop()


def changed(content, edits):
    """Apply edits, each (kind, place from 0 to 1, length, token), to the bytes of a file."""
    for kind, place, length, token in edits:
        at = int(place * len(content))
        before, piece, after = content[:at], content[at : at + length], content[at + length :]
        content = {
            "cut": before,
            "remove": before + after,
            "repeat": before + piece * 3 + after,
            "insert": before + NASTY[token % len(NASTY)] + piece + after,
            "flip": before + bytes(byte ^ 1 << token % 8 for byte in piece[:3]) + piece[3:] + after,
        }[kind]
    return content


KINDS = ("cut", "remove", "repeat", "insert", "flip")


def archive(folder, kind):
    """Write a small archive and give its bytes."""
    entries = [("UCF-101/Jump/a.avi", b"frames" * 9), ("UCF-101/Run/b.avi", b"more" * 3)]
    return write(folder / f"seed.{kind}", *entries).read_bytes()


def read(name, content, folder):
    """Give a file of some bytes to the reader of its kind."""
    shutil.rmtree(folder, ignore_errors=True)
    inner = folder / "inner"
    inner.mkdir(parents=True)
    file = inner / name
    file.write_bytes(content)
    if name == "profile.yaml":
        profiles.load(str(file))
    elif name in ("trainlist01.txt", "classInd.txt"):
        for other in ("trainlist01.txt", "testlist01.txt", "classInd.txt"):
            if other != name:
                (inner / other).write_bytes(SEEDS[other.replace("testlist", "trainlist")])
        lists.read_lists(inner)
    elif name.startswith("Jump"):
        lists.read_hmdb_splits([file])
    elif name.startswith(("videos", "kinetics")):
        lists.read_table(file)
    elif name == "recipe.py":
        from vidlab import recipes

        recipes.names()  # finds those of the package, once
        with patch.dict(recipes._RECIPES):
            recipes.load(file)
    elif name.startswith("archive"):
        (inner / "out").mkdir()
        try:
            if "rar" in name:  # a program would unpack it
                archives.members(file)
            else:
                archives.unpack(file, inner / "out")
        finally:
            assert {path.name for path in folder.iterdir()} == {"inner"}
            assert {path.name for path in inner.iterdir()} == {name, "out"}
    elif name.startswith("predictions"):
        from vidlab.evaluation.predictions import Predictions

        Predictions.load(file)
    else:
        from vidlab.models import backbones

        backbones.build("residual-0.25", size=(32, 32), weights=file)


def seeds(folder):
    """Give the bytes of a sound file of every kind that needs no Keras.

    Each is read once: what readers import and reserve on the way is no one file's memory.
    """
    found = dict(SEEDS)
    for kind in ("zip", "tar", "rar", "rar5"):
        found[f"archive.{kind}"] = archive(folder, kind)
    np.savez(
        folder / "seed.npz",
        video_ids=["a", "b"],
        y_true=["Jump", "Run"],
        probabilities=np.eye(2),
        classes=["Jump", "Run"],
    )
    found["predictions.npz"] = (folder / "seed.npz").read_bytes()
    for name, content in found.items():
        read(name, content, folder / "work")
    return found


def model_seeds(folder):
    """Give the bytes of models, one of each format that weights are read from; the last is torn."""
    import keras

    from vidlab.models import backbones

    model = backbones.build("residual-0.25", size=(32, 32))
    model.save(Path(folder) / "seed.keras")
    model.save_weights(Path(folder) / "seed.weights.h5")
    found = {
        name.replace("seed", "model"): (Path(folder) / name).read_bytes()
        for name in ("seed.keras", "seed.weights.h5")
    }
    keras.backend.clear_session()
    return found | {"model.tflite": bytes(4) + b"TFL3" + bytes(800)}
