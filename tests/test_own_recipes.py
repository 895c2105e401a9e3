"""A system of one's own, in one file: every command knows it, and `vidlab` is not touched."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

OWN = textwrap.dedent(
    '''
    """Three systems in one file: a 3-D CNN, two inputs, two outputs."""

    from dataclasses import dataclass
    from typing import ClassVar

    import numpy as np
    from keras import layers, ops

    from vidlab.recipes import Phase, Published, Task, recipe
    from vidlab.data.sampling import Uniform
    from vidlab.data.streams import Rgb


    @dataclass(frozen=True)
    class Differences(Rgb):
        """Each frame minus the one before it in the video, −255..255."""

        dtype: ClassVar[str] = "float32"

        def read(self, frames, indices):
            before = frames(np.maximum(indices - 1, 0)).astype("float32")
            return frames(indices).astype("float32") - before

        def vary(self, pictures, variation):
            return pictures


    CLIP = Rgb(Uniform(4), 24, clip=True)
    TRAINING = [Phase(2, "adam", 1e-3, 8)]


    @recipe(
        "my-c3d",
        inputs={"rgb": CLIP},
        phases=TRAINING,
        published=Published(top1=12.5, note="a number of our own"),
        departures=["Far smaller than the original."],
    )
    def small_c3d(inputs, num_classes, *, filters=4):
        x = layers.Rescaling(1 / 255)(inputs["rgb"])
        x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
        x = layers.GlobalAveragePooling3D()(x)
        return layers.Dense(num_classes, activation="softmax")(x)


    def eyes(x, name):
        x = layers.Rescaling(1 / 255)(x)
        x = layers.Conv2D(4, 3, strides=2, activation="relu", name=f"{name}_conv")(x)
        return layers.GlobalAveragePooling2D()(x)


    FRAMES = {"rgb": Rgb(Uniform(4), 24), "differences": Differences(Uniform(4), 24)}


    @recipe("my-two-inputs", inputs=FRAMES, phases=TRAINING)
    def two_inputs(inputs, num_classes):
        x = layers.Concatenate()([eyes(inputs[name], name) for name in inputs])
        return layers.Dense(num_classes, activation="softmax")(x)


    def is_long(table, classes):
        return (table["frames"] > table["frames"].median()).to_numpy("float32")


    @recipe(
        "my-two-outputs",
        inputs={"rgb": Rgb(Uniform(4), 24)},
        phases=TRAINING,
        tasks={
            "action": Task(),
            "long": Task(is_long, "binary_crossentropy", 0.5, "BinaryAccuracy"),
        },
    )
    def two_outputs(inputs, num_classes):
        x = eyes(inputs["rgb"], "rgb")
        return {
            "action": layers.Dense(num_classes, activation="softmax")(x),
            "long": layers.Dense(1, activation="sigmoid")(x),
        }
    '''
)
NAMES = ["my-c3d", "my-two-inputs", "my-two-outputs"]


# Runs commands one after the other in a process of their own, as a user might type them.
COMMANDS = """
import json, sys
from vidlab import cli

for command in json.loads(sys.argv[1]):
    sys.argv = ["vidlab", *command]
    try:
        cli.main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the file of recipes."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    return folder


def vidlab(folder, *commands):
    """Run commands in a folder; return what they print."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(commands, default=str)],
        cwd=folder,
        env=os.environ | {"VIDLAB_HOME": str(folder / "home"), "VIDLAB_QUIET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs(folder, toy_folder):
    """Train from the command line, one by a profile that names the file; return runs by name."""
    (folder / "own.yaml").write_text(
        f"about: With a system of our own.\ndataset: {toy_folder}\nrecipe_files: [mine.py]\n"
        "recipes:\n  my-c3d: {epochs: [1], options: {filters: 2}}\n"
    )
    options = ("--profile", "smoke", "--dataset", toy_folder)
    trainings = [("train", f"mine.py:{name}", *options) for name in NAMES]
    vidlab(folder, ("train", "my-c3d", "--profile", "own.yaml"), *trainings)
    (found,) = (folder / "home" / "runs").glob("smoke-*")
    return {name: found / name for name in NAMES}


@pytest.fixture(scope="module")
def printed(folder, runs, toy_folder):
    """Show what every command does with them; return what is printed."""
    video = next(toy_folder.rglob("*.avi"))
    return vidlab(
        folder,
        *(("predict", video, "--recipe", run, "--out", "predicted") for run in runs.values()),
        *(("explain", video, "--recipe", run, "--out", "explained") for run in runs.values()),
        *(("evaluate", run) for run in runs.values()),
        ("compare", *runs.values(), "--export", "table.csv"),
    )


def record_of(run):
    return json.loads((run / "recipe.json").read_text())


def test_each_is_trained_and_kept(runs):
    for name, run in runs.items():
        assert record_of(run)["recipe"] == name
        assert record_of(run)["file"].endswith("mine.py")
    history = (runs["my-two-outputs"] / "history.csv").read_text().splitlines()[0]
    assert {"accuracy", "val_accuracy", "action_loss", "long_loss"} <= set(history.split(","))
    with np.load(runs["my-two-outputs"] / "predictions.npz") as held:
        assert held["output_long"].shape == (len(held["video_ids"]), 1)


def test_a_profile_names_the_file(folder, runs):
    (run,) = (folder / "home" / "runs").glob("own-*/my-c3d")
    config = record_of(run)["config"]
    assert config["options"] == {"filters": 2}
    assert config["phases"][0]["epochs"] == 1


def test_evaluate_and_compare_know_them(folder, printed):
    text = (folder / "table.csv").read_text()
    assert all(name in printed and name in text for name in NAMES)
    assert "Far smaller than the original." in text
    assert "12.5" in text  # as published, beside what was measured


def test_predict_and_explain_take_any_file(folder, printed):
    for name in NAMES:
        (file,) = (folder / "predicted").glob(f"*{name}.json")
        predicted = json.loads(file.read_text())
        assert len(predicted["classes"]) == len(predicted["probabilities"][0])
        assert list((folder / "explained").glob(f"*{name}*.png"))
