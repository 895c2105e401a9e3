"""``vidlab explain``: what it writes, and what it says."""

import cv2
import keras
import numpy as np
import pytest

from tests import built
from vidlab import recipes
from vidlab.data.sampling import Uniform
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions

CLASSES = ["Jump", "Run", "Wave"]


@pytest.fixture
def finish(tmp_path):
    """Write a finished run of the smoke profile: (recipe, model)."""

    def make(recipe, model):
        said = Predictions(
            video_ids=CLASSES,
            groups=["g01"] * 3,
            y_true=np.arange(3),
            probabilities=np.eye(3),
            classes=CLASSES,
        )
        adapted = recipes.get(recipe).adapted(test=Uniform(8), size=model.input_shape[-3:-1])
        record = runs.recipe_record(
            recipe, adapted.as_dict(), profile="smoke", seed=0, split=1, fingerprint="none"
        )
        folder = runs.RunFolder(runs.run_path(tmp_path, recipe, profile="smoke"))
        folder.write(model=model, predictions=said, metrics={}, recipe=record)

    return make


def of_frames():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="rgb"),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def length_of(path):
    capture = cv2.VideoCapture(str(path))
    count, rate = 0, capture.get(cv2.CAP_PROP_FPS)
    while capture.grab():
        count += 1
    return count, count / rate


def test_it_writes_a_video_and_a_picture_and_says_so(call, finish, numbered_video, tmp_path):
    finish("frame-finetuned", of_frames())
    file = numbered_video(frames=30, size=(48, 80))
    words = ("--recipe", "frame-finetuned", "--profile", "smoke", "--target", "Run", "--gif")
    said = call("explain", file, *words, "--out", "seen")
    assert said.exit_code == 0, said.stderr
    assert "vidence for Run" in said.stdout
    assert "grad_cam at conv" in said.stdout
    stem = tmp_path / "seen" / f"{file.stem}-frame-finetuned-Run"
    assert sorted(path.name for path in stem.parent.iterdir()) == [
        f"{stem.name}.{suffix}" for suffix in ("gif", "mp4", "png")
    ]
    for suffix in ("gif", "mp4", "png"):
        assert f"Written: seen/{stem.name}.{suffix}" in said.stdout
    count, seconds = length_of(stem.with_suffix(".mp4"))
    assert count == 8
    assert seconds == pytest.approx(30 / 25, abs=0.1)


def test_bare_pixels_are_explained_by_saliency(call, finish, numbered_video):
    finish("gru-pixels", built.pixel_rnn(3, size=(8, 8), units=2))
    said = call("explain", numbered_video(), "--recipe", "gru-pixels", "--profile", "smoke")
    assert said.exit_code == 0, said.stderr
    assert "saliency at pixels" in said.stdout


@pytest.mark.parametrize(
    ("file", "options", "told"),
    [
        ("numbered.avi", ("--target", "Jog"), "Jump, Run, Wave. Received: 'Jog'"),
        ("note.avi", (), "note.avi"),
    ],
    ids=["unknown class", "no video"],
)
def test_a_mistake_is_one_message(call, finish, numbered_video, tmp_path, file, options, told):
    finish("frame-finetuned", of_frames())
    numbered_video("numbered.avi")
    (tmp_path / "note.avi").write_text("no video")
    said = call("explain", file, "--recipe", "frame-finetuned", "--profile", "smoke", *options)
    assert said.exit_code == 1
    assert told in said.stderr
