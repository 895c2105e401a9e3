"""``vidlab predict`` and ``vidlab explain``: what they print and write, and which run they take."""

import json
import os
import shutil
import sys

import keras
import numpy as np
import pandas as pd
import pytest

from tests import built
from vidlab import recipes
from vidlab.cli import explain
from vidlab.data import video
from vidlab.data.sampling import Uniform
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions

CLASSES = ["Red", "Green", "Blue"]
SMOKE = ("--profile", "smoke")


def strongest_colour():
    """A model that predicts the strongest colour of a frame."""
    same = keras.initializers.Constant(np.eye(3).reshape(1, 1, 3, 3))
    return keras.Sequential(
        [
            keras.Input((8, 8, 3), name="rgb"),
            keras.layers.Rescaling(1 / 32),
            keras.layers.Conv2D(3, 1, kernel_initializer=same, name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Softmax(),
        ]
    )


@pytest.fixture
def finish(tmp_path):
    """Write a finished run that decides by four frames: (recipe, model, top1)."""

    def make(recipe, *, model=None, top1=0.5):
        adapted = recipes.get(recipe).adapted(test=Uniform(4), size=8, aggregation="mean")
        record = runs.recipe_record(
            recipe, adapted.as_dict(), profile="smoke", seed=0, split=1, fingerprint="none"
        )
        runs.RunFolder(runs.run_path(tmp_path, recipe, profile="smoke")).write(
            model=model or strongest_colour(),
            history=pd.DataFrame({"phase": [1], "loss": [1.0]}),
            predictions=Predictions(CLASSES, ["g01"] * 3, np.arange(3), np.eye(3), CLASSES),
            metrics={"top1": top1},
            recipe=record,
        )

    return make


@pytest.fixture
def film(tmp_path):
    """Write a video of one colour after the other: (name, colours) -> path as it is typed."""

    def make(name, *colours):
        frames = np.zeros((8 * len(colours), 48, 64, 3), np.uint8)
        for number, colour in enumerate(colours):
            frames[8 * number : 8 * (number + 1), ..., CLASSES.index(colour)] = 200
        (tmp_path / name).parent.mkdir(exist_ok=True)
        return video.write(tmp_path / name, frames, fps=8).relative_to(tmp_path)

    return make


def test_the_prediction_is_printed_and_in_json_csv_and_a_picture(call, finish, film, tmp_path):
    finish("frame-vote")
    dusk = film("dusk.avi", "Blue", "Blue", "Red")
    shown = call("predict", dusk, "--recipe", "frame-vote", *SMOKE)
    assert shown.exit_code == 0, shown.stderr
    assert "dusk.avi: Blue " in shown.stdout
    files = {suffix: f"predicted/dusk-frame-vote.{suffix}" for suffix in ("json", "csv", "png")}
    for file in files.values():
        assert f"Written: {file}" in shown.stdout
        assert (tmp_path / file).stat().st_size > 100
    kept = json.loads((tmp_path / files["json"]).read_text())
    assert (kept["recipe"], kept["file"], kept["prediction"]) == ("frame-vote", "dusk.avi", "Blue")
    rows = pd.read_csv(tmp_path / files["csv"])
    assert rows["frame"].tolist() == [3, 9, 14, 20]
    assert rows["seconds"].tolist() == [0.375, 1.125, 1.75, 2.5]
    assert rows["prediction"].tolist() == ["Blue", "Blue", "Blue", "Red"]
    np.testing.assert_allclose(rows[CLASSES].sum(axis=1), 1, atol=1e-5)
    call("predict", dusk, "--recipe", "frame-vote", "--frames", 7, *SMOKE)
    assert len(pd.read_csv(tmp_path / files["csv"])) == 7


def test_several_videos_are_one_table_and_neither_names_nor_faults_collide(
    call, finish, film, tmp_path
):
    finish("frame-vote")
    files = [film("one/clip.avi", "Blue"), film("two/clip.avi", "Red"), "note.avi"]
    (tmp_path / "note.avi").write_text("no video")
    shown = call("predict", *files, "--recipe", "frame-vote", *SMOKE)
    assert shown.exit_code == 1
    assert "note.avi" in shown.stderr
    assert "one/clip.avi: Blue" in shown.stdout
    assert "two/clip.avi: Red" in shown.stdout
    written = {
        path.name: json.loads(path.read_text()) for path in tmp_path.glob("predicted/*.json")
    }
    assert {name: kept["prediction"] for name, kept in written.items()} == {
        "one-clip-frame-vote.json": "Blue",
        "two-clip-frame-vote.json": "Red",
    }


ODD_NAMES = ["title [a].avi", "title [b].avi", "Ba$$in_<i>.avi", "long " * 46 + "1.avi"]


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_no_name_and_no_bad_file_loses_the_others(call, finish, film, tmp_path, command):
    finish("frame-vote")
    files = [film(name, "Blue") for name in ODD_NAMES]
    (tmp_path / "bad.avi").write_text("no video")
    bad = ["bad.avi", "x" * 300 + ".avi"]
    shown = call(command, *bad, *files, "--recipe", "frame-vote", "--out", "made", *SMOKE)
    assert shown.exit_code == 1
    assert all(name in shown.stderr for name in bad)
    assert "Traceback" not in shown.stderr
    made = [path.name for path in (tmp_path / "made").iterdir()]
    for name in ODD_NAMES:
        start = name.removesuffix(".avi")[:150]
        found = [each for each in made if each.startswith(start)]
        assert len(found) == {"predict": 3, "explain": 2}[command]
        assert command == "explain" or f"\n{start}" in shown.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
def test_a_name_that_is_not_utf_8_is_predicted_and_explained(call, finish, film, tmp_path):
    finish("frame-vote")
    odd = os.fsdecode(b"film\xff.avi")
    os.rename(tmp_path / film("film.avi", "Blue"), tmp_path / odd)
    for command in ("predict", "explain"):
        shown = call(command, odd, "--recipe", "frame-vote", *SMOKE)
        assert shown.exit_code == 0, shown.stderr
    kept = json.loads((tmp_path / "predicted/film_-frame-vote.json").read_text(encoding="utf-8"))
    assert os.fsencode(kept["file"]) == b"film\xff.avi"
    assert len(list(tmp_path.glob("explained/film_-*"))) == 2


def test_videos_of_one_stem_and_folder_do_not_overwrite_one_another(call, finish, film, tmp_path):
    finish("frame-vote")
    shutil.copy(tmp_path / film("clip.avi", "Blue"), tmp_path / "clip.AVI")
    shown = call("predict", "clip.avi", "clip.AVI", "--recipe", "frame-vote", *SMOKE)
    assert shown.exit_code == 0, shown.stderr
    assert len(list(tmp_path.glob("predicted/*.json"))) == 2


def test_a_folder_that_cannot_be_made_is_told_once(call, finish, film, tmp_path):
    finish("frame-vote")
    files = [film(name, "Blue") for name in ("a.avi", "b.avi")]
    (tmp_path / "taken").write_text("a file, not a folder")
    shown = call("predict", *files, "--recipe", "frame-vote", "--out", "taken", *SMOKE)
    assert shown.exit_code == 1
    assert shown.stderr.count("Expected") == 1
    assert "Received: taken" in shown.stderr
    assert shown.stdout.count("Blue") == 2  # what was predicted is told all the same


def test_without_a_recipe_the_best_run_of_a_known_recipe_predicts(call, finish, film, tmp_path):
    finish("frame-vote", top1=0.5)
    finish("frame-scratch", top1=0.7)
    finish("frame-pretrained", top1=0.6)
    mine = runs.RunFolder(runs.run_path(tmp_path, "mine", profile="smoke"))
    shutil.copytree(tmp_path / "runs/smoke/frame-vote", mine.path)
    mine.write(metrics={"top1": 0.9}, recipe=mine.recipe | {"recipe": "made-in-a-notebook"})
    shown = call("predict", film("sea.avi", "Blue"), *SMOKE)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.splitlines()[0].startswith("frame-scratch (runs/smoke/frame-scratch)")


def test_an_explanation_is_a_video_and_a_picture(call, finish, film, tmp_path):
    finish("frame-finetuned")
    words = ("--recipe", "frame-finetuned", "--target", "Green", "--out", "seen", *SMOKE)
    shown = call("explain", film("sea.avi", "Blue", "Green"), *words)
    assert shown.exit_code == 0, shown.stderr
    assert "vidence for Green" in shown.stdout
    assert "grad_cam at conv" in shown.stdout
    names = [f"sea-frame-finetuned-rgb-Green.{suffix}" for suffix in ("avi", "png")]
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == names
    assert all(f"Written: seen/{name}" in shown.stdout for name in names)
    info = video.probe(tmp_path / "seen" / names[0])
    assert info.frames == 4
    assert info.seconds == pytest.approx(16 / 8, abs=0.1)
    finish("gru-pixels", model=built.pixel_rnn(3, size=(8, 8), units=2))
    shown = call("explain", "sea.avi", "--recipe", "gru-pixels", *SMOKE)
    assert "saliency at pixels" in shown.stdout  # bare pixels have no map


def test_where_the_rate_varies_an_explanation_lasts_as_long_as_its_video():
    times = np.array([0, 0.5, 2.0])
    shown, rate = explain._at_constant_rate(np.array([7, 8, 9]), times, end=3.0)
    assert (len(shown), rate) == (75, 25)
    assert np.bincount(shown)[7:].tolist() == [13, 37, 25]  # half a second, one and a half, one


def test_what_cannot_be_explained_is_one_message(call, finish, film, tmp_path):
    finish("frame-finetuned")
    film("sea.avi", "Blue")
    (tmp_path / "note.avi").write_text("no video")
    unknown = "Red, Green, Blue. Received: 'Yellow'"
    for words, message in ((("sea.avi", "--target", "Yellow"), unknown), (("note.avi",), "note")):
        shown = call("explain", *words, "--recipe", "frame-finetuned", *SMOKE)
        assert shown.exit_code == 1
        assert message in shown.stderr
