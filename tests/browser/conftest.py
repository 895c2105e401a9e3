"""Fixtures of the tests in a real browser: a JupyterLab, and notebooks that have run in it."""

import contextlib

import pytest

from tests.browser import driver
from tests.conftest import numbered_frame
from vidlab.data import video

VIDEOS = """
import numpy as np
import vidlab
index = vidlab.load_index("videos")
answers = np.where(index.labels == 0, 1, index.labels)   # every Jump is taken for a Run
answers[-1] = 0                                          # and one Wave for a Jump
chances = np.full((len(index), 3), 0.15, np.float32)
chances[np.arange(len(index)), answers] = 0.7
frames = np.repeat(chances, 2, axis=0)                   # of every video, two frames:
frames[1::2] = [0.1, 0.8, 0.1]                           # the second one is taken for a Run
said = vidlab.predictions.Predictions(
    index.table["video_id"], index.groups, index.labels, chances, index.classes,
    frames=vidlab.predictions.FramePredictions(
        np.repeat(np.arange(len(index)), 2), np.tile([0, 6], len(index)), frames))
"""
MODEL = """
import keras
keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first"),
    keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="last"),
    keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")])
"""


def write_videos(folder):
    """Write three classes of four videos of twelve numbered frames."""
    for label, name in enumerate(("Jump", "Run", "Wave")):
        for clip in range(1, 5):
            shade = (60 + 50 * label, 140, 40 * clip)
            frames = (numbered_frame(number, background=shade) for number in range(12))
            video.write(folder / name / f"v_{name}_g{clip:02d}_c01.avi", frames)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Serve a folder with twelve small videos in ``videos`` -> (folder, address)."""
    folder = tmp_path_factory.mktemp("lab")
    write_videos(folder / "videos")
    with driver.serving(folder) as address:
        yield folder, address


@pytest.fixture(scope="session")
def open_cells(browser, lab):
    """Run cells in a notebook of their own -> driver.Page: (name, cells, wait_for=selectors).

    It is a context, at whose end the page is closed.
    """
    folder, address = lab

    @contextlib.contextmanager
    def open_them(name, cells, *, wait_for=()):
        driver.write_notebook(folder / f"{name}.ipynb", cells)
        page = driver.Page(browser, address, f"{name}.ipynb")
        try:
            page.run_all()
            for selector in wait_for:
                page.wait_for(selector)
            yield page
            assert page.errors == []  # whatever the tests of this notebook did
        finally:
            page.page.close()

    return open_them
