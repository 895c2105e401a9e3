"""Fixtures that more than one test module uses: videos with known frames, and small datasets."""

import os
import signal
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MPLBACKEND"] = "Agg"
os.environ["VIDLAB_QUIET"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # a core each: more threads would wait for each other
    os.environ["OMP_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from vidlab.data import layouts, list_layouts, lists, video, video_files
from vidlab.data.contents import Contents
from vidlab.data.index import VideoIndex
from vidlab.evaluation.predictions import Predictions

# A busy machine is no failure: examples have no time limit.
settings.register_profile("vidlab", deadline=None)
settings.load_profile("vidlab")

# A shell that runs the tests in the background ignores Ctrl-C, and the processes that tests start
# to interrupt would inherit that; a handler of our own, they do not.
signal.signal(signal.SIGINT, signal.default_int_handler)

BITS = 10
REPOSITORY = Path(__file__).resolve().parents[1]


def numbered_frame(number, *, size=(48, 80), background=(96, 96, 96)):
    """Draw a frame that tells its number: ten black or white squares over its lower half.

    The first square is the lowest bit. A red square in the upper left corner shows which way up
    the frame is.
    """
    height, width = size
    frame = np.full((height, width, 3), background, np.uint8)
    edges = np.linspace(0, width, BITS + 1).astype(int)
    for bit in range(BITS):
        frame[height // 2 :, edges[bit] : edges[bit + 1]] = 255 * (number >> bit & 1)
    frame[: height // 4, : width // 4] = (255, 0, 0)
    return frame


def number_of(frame):
    """Read the number of a frame drawn by `numbered_frame`, after compression or resizing."""
    height, width, _ = frame.shape
    edges = np.linspace(0, width, BITS + 1)
    middles = ((edges[:-1] + edges[1:]) / 2).astype(int)
    row = frame[height * 5 // 8 : height * 7 // 8, middles].mean(axis=(0, 2))
    return int(sum(1 << bit for bit in range(BITS) if row[bit] > 127))


@pytest.fixture(scope="session", autouse=True)
def own_probe_cache(tmp_path_factory):
    """Keep what is found out about the videos of tests away from the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("probed")
        patch.setattr(video_files, "home", lambda: folder)
        yield


@pytest.fixture
def numbered_video(tmp_path):
    """Write a video whose frame i is recognisable: (name, frames=, size=, fps=) -> Path."""

    def make(name="numbered.avi", *, frames=20, size=(48, 80), fps=25.0):
        pictures = (numbered_frame(number, size=size) for number in range(frames))
        return video.write(tmp_path / name, pictures, fps=fps)

    return make


@pytest.fixture(scope="session")
def frame_number():
    """Give the function that reads a numbered frame's number."""
    return number_of


@pytest.fixture(scope="session")
def draw_numbered_frame():
    """Give the function that draws a numbered frame: (number, size=) -> uint8 RGB."""
    return numbered_frame


def write_lists(folder, videos, classes, *, folds=3, newline="\n"):
    """Write official lists: fold k tests on every `folds`-th group, beginning with the k-th."""
    folder.mkdir(parents=True, exist_ok=True)

    def save(name, lines):
        (folder / name).write_text("".join(line + newline for line in lines), newline="")

    save("classInd.txt", [f"{number} {name}" for number, name in enumerate(classes, start=1)])
    for fold in range(1, folds + 1):
        tests = [v for v in videos if (v[1] - fold) % folds == 0]
        trains = [v for v in videos if (v[1] - fold) % folds != 0]
        save(f"testlist0{fold}.txt", [f"{name}/{stem}.avi" for name, _, stem in tests])
        save(
            f"trainlist0{fold}.txt",
            [f"{name}/{stem}.avi {classes.index(name) + 1}" for name, _, stem in trains],
        )


def write_toys(
    root,
    *,
    classes=("Jump", "Run", "Wave"),
    groups=6,
    clips=2,
    frames=9,
    size=(48, 80),
    lists=True,
    newline="\n",
):
    """Write a tiny folder in UCF-101 layout, each class with a colour of its own -> Path."""
    videos = []
    for label, class_name in enumerate(classes):
        hue = np.uint8([[[180 * label // len(classes), 200, 200]]])
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
        for group in range(1, groups + 1):
            for clip in range(1, clips + 1):
                stem = f"v_{class_name}_g{group:02d}_c{clip:02d}"
                shade = np.clip(colour.astype(int) + 4 * group - 2 * clip, 0, 255)
                video.write(
                    root / "UCF-101" / class_name / f"{stem}.avi",
                    [numbered_frame(i, size=size, background=shade) for i in range(frames)],
                )
                videos.append((class_name, group, stem))
    if lists:
        write_lists(root / "ucfTrainTestlist", videos, list(classes), newline=newline)
    return root


@pytest.fixture
def toy_dataset(tmp_path):
    """Return `write_toys` below a folder of the test; `name` is that of the dataset's folder."""
    return lambda *, name="toy", **options: write_toys(tmp_path / name, **options)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """Return one tiny dataset for all tests that only read it."""
    return write_toys(tmp_path_factory.mktemp("toys") / "toy")


@pytest.fixture(scope="session")
def small_toys(tmp_path_factory):
    """Return 3 classes × 2 groups × 2 clips of 9 numbered frames, without lists, to be read."""
    return write_toys(tmp_path_factory.mktemp("toys") / "small", groups=2, lists=False)


@pytest.fixture
def tiny_backbone(monkeypatch):
    """Make a backbone of four small modules known, quick to compile -> its name.

    A module is a convolution that halves the map, batch normalisation and ReLU.
    """
    from keras import layers

    from vidlab.models.backbones.specs import BACKBONES, BackboneSpec

    def build(x):
        for module in ("tiny_1", "tiny_2", "tiny_3", "tiny_4"):
            x = layers.Conv2D(16, 3, strides=2, padding="same", name=f"{module}_conv")(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"{module}_bn")(x)
            x = layers.ReLU(name=module)(x)
        return x

    tiny = BackboneSpec(build, size=32, smallest=16, below_top="tiny_2")
    monkeypatch.setitem(BACKBONES, "tiny", tiny)
    return "tiny"


@pytest.fixture
def index(toy_dataset):
    """Index 3 classes × 4 groups × 2 clips of numbered frames, in files of the test."""
    return VideoIndex.from_folder(toy_dataset(groups=4, clips=2))


@pytest.fixture
def mistaken(index):
    """Take every Jump for a Run, the first Wave for a Jump; later videos have more confidence."""
    predicted = np.where(index.labels == 0, 1, index.labels)
    predicted[np.flatnonzero(index.labels == 2)[0]] = 0
    confidence = np.linspace(0.5, 0.9, len(index))
    probabilities = np.repeat((1 - confidence)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(len(index)), predicted] = confidence
    return Predictions(
        index.table["video_id"].to_numpy(), index.groups, index.labels, probabilities, index.classes
    )


@pytest.fixture
def live(monkeypatch):
    """Let explorers take their notebook for one that is open."""
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")


@pytest.fixture(scope="session")
def frame_cnn():
    """Build a classifier of 32×32 frames in three classes, with random weights."""
    from tests.built import small_cnn

    return small_cnn()


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Call the command line in a folder of the test: (words) -> exit_code, stdout, stderr."""
    from typer.testing import CliRunner

    from vidlab.cli import app

    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture(scope="session")
def shared():
    """Give the folder with real videos and official lists; skip where it is absent."""
    folder = Path(os.environ.get("VIDLAB_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("needs the folder of real videos and lists (set VIDLAB_SHARED)")
    return folder


@pytest.fixture(scope="session")
def index_of():
    """Make an index of videos that are no files: ({class: group numbers}, clips) -> VideoIndex."""

    def make(groups_of_class, clips=1):
        classes = list(groups_of_class)
        rows = [
            (f"v_{name}_g{group:02d}_c{clip:02d}", name, label, f"g{group:02d}", clip)
            for label, (name, groups) in enumerate(groups_of_class.items())
            for group in groups
            for clip in range(1, clips + 1)
        ]
        table = pd.DataFrame(rows, columns=["video_id", "class_name", "label", "group", "clip"])
        table = table.assign(path=table["video_id"] + ".avi", frames=9, fps=25.0, width=8, height=8)
        return VideoIndex(table, root="memory", classes=classes, report=pd.DataFrame(), lists=None)

    return make


def index_of_lists(folder):
    """Index the videos that official lists name, without any file."""
    names = sorted({Path(listed.name) for listed in lists.read_lists(folder)[1]})
    lists_inside = [file for file in folder.iterdir() if file.suffix == ".txt"]
    contents = Contents(folder, [folder / name for name in names], lists_inside, near=[])
    found = list_layouts.ucf101(contents)
    infos = [video.VideoInfo(path, 0, 0, 0, 0, "", 0) for path in found.videos["path"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layouts, "look", lambda *_, **__: found)
        patch.setattr("vidlab.data.index.probe_all", lambda *_, **__: (infos, []))
        return VideoIndex.from_folder(folder)


@pytest.fixture
def listed(tmp_path):
    """Make an index from lists alone: (train lines, test lines, classes) -> VideoIndex."""

    def make(train, test, classes=("Jump", "Run")):
        text = "".join(f"{i} {name}\n" for i, name in enumerate(classes, start=1))
        (tmp_path / "classInd.txt").write_text(text)
        (tmp_path / "trainlist01.txt").write_text("\n".join(train))
        (tmp_path / "testlist01.txt").write_text("\n".join(test))
        return index_of_lists(tmp_path)

    return make


@pytest.fixture(scope="session")
def ucf101_lists(shared):
    """Index the official UCF-101 lists, without videos -> VideoIndex."""
    return index_of_lists(shared / "ucf101")


@pytest.fixture(scope="session")
def browser():
    """Give a browser without a window; skip, with the remedy, where there is none.

    With ``VIDLAB_CHROMIUM=required`` it has to be there.
    """
    from tests.browser import driver

    if driver.CHROMIUM is None and os.environ.get("VIDLAB_CHROMIUM") == "required":
        pytest.fail(driver.NO_CHROMIUM)
    api = pytest.importorskip("playwright.sync_api", reason='needs: pip install -e ".[test]"')
    if driver.CHROMIUM is None:
        pytest.skip(driver.NO_CHROMIUM)
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=driver.CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()
