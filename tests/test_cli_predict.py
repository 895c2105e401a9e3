"""``vidlab predict``: what it prints, what it writes, and which run it takes."""

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest

from vidlab import recipes
from vidlab.data import video
from vidlab.data.sampling import Uniform
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions

CLASSES = ["Red", "Green", "Blue"]


@pytest.fixture
def finish(tmp_path):
    """Write a finished run whose model names the strongest colour of a frame: (recipe, top1)."""

    def make(recipe, *, top1=0.5):
        model = keras.Sequential(
            [
                keras.Input((8, 8, 3), name="rgb"),
                keras.layers.Rescaling(1 / 32),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Softmax(),
            ]
        )
        said = Predictions(CLASSES, ["g01"] * 3, np.arange(3), np.eye(3), CLASSES)
        adapted = recipes.get(recipe).adapted(test=Uniform(4), size=8, aggregation="mean")
        record = runs.recipe_record(
            recipe, adapted.as_dict(), profile="smoke", seed=0, split=1, fingerprint="none"
        )
        folder = runs.RunFolder(runs.run_path(tmp_path, recipe, profile="smoke"))
        history = pd.DataFrame({"phase": [1], "loss": [1.0]})
        metrics = {"top1": top1}
        folder.write(model=model, history=history, predictions=said, metrics=metrics, recipe=record)

    return make


@pytest.fixture
def film(tmp_path):
    """Write a video of one colour after the other: (name, colours) -> path as it is typed."""

    def make(name, *colours):
        frames = np.zeros((8 * len(colours), 48, 64, 3), np.uint8)
        for place, colour in enumerate(colours):
            frames[8 * place : 8 * (place + 1), ..., CLASSES.index(colour)] = 200
        (tmp_path / name).parent.mkdir(exist_ok=True)
        return video.write(tmp_path / name, frames, fps=8).relative_to(tmp_path)

    return make


SMOKE = ("--profile", "smoke")


def test_the_answer_stands_first_and_in_json_csv_and_a_picture(call, finish, film, tmp_path):
    finish("frame-vote")
    said = call("predict", film("sea.avi", "Blue"), "--recipe", "frame-vote", *SMOKE)
    assert said.exit_code == 0, said.stderr
    answers = [line for line in said.stdout.splitlines() if any(name in line for name in CLASSES)]
    assert "Blue" in answers[0]
    stem = tmp_path / "predicted" / "sea-frame-vote"
    for suffix in ("json", "csv", "png"):
        assert f"Written: predicted/sea-frame-vote.{suffix}" in said.stdout
        assert (stem.parent / f"{stem.name}.{suffix}").stat().st_size > 100
    kept = json.loads((stem.parent / f"{stem.name}.json").read_text())
    assert (kept["recipe"], kept["file"], kept["prediction"]) == ("frame-vote", "sea.avi", "Blue")


def test_every_frame_looked_at_has_a_row_and_more_can_be_looked_at(call, finish, film, tmp_path):
    finish("frame-vote")
    dusk = film("dusk.avi", "Blue", "Red")
    call("predict", dusk, "--recipe", "frame-vote", *SMOKE)
    rows = pd.read_csv(tmp_path / "predicted" / "dusk-frame-vote.csv")
    assert rows["frame"].tolist() == [2, 6, 9, 13]
    assert rows["seconds"].tolist() == [0.25, 0.75, 1.125, 1.625]
    assert rows["prediction"].tolist() == ["Blue", "Blue", "Red", "Red"]
    np.testing.assert_allclose(rows[CLASSES].sum(axis=1), 1, atol=1e-5)
    call("predict", dusk, "--recipe", "frame-vote", "--frames", 7, *SMOKE)
    assert len(pd.read_csv(tmp_path / "predicted" / "dusk-frame-vote.csv")) == 7


def test_several_videos_are_one_table_and_equal_names_do_not_collide(call, finish, film, tmp_path):
    finish("frame-vote")
    files = [film("one/clip.avi", "Blue"), film("two/clip.avi", "Red")]
    said = call("predict", *files, "--recipe", "frame-vote", *SMOKE)
    assert said.exit_code == 0, said.stderr
    assert "2 video(s)" in said.stdout
    written = {path.name: path for path in (tmp_path / "predicted").glob("*.json")}
    answers = {name: json.loads(path.read_text())["prediction"] for name, path in written.items()}
    assert answers == {
        "one-clip-frame-vote.json": "Blue",
        "two-clip-frame-vote.json": "Red",
    }


def test_a_file_that_is_no_video_does_not_stop_the_others_and_is_named(
    call, finish, film, tmp_path
):
    finish("frame-vote")
    (tmp_path / "note.avi").write_text("no video")
    said = call("predict", "note.avi", film("sea.avi", "Blue"), "--recipe", "frame-vote", *SMOKE)
    assert said.exit_code == 1
    assert "note.avi" in said.stderr
    assert (tmp_path / "predicted" / "sea-frame-vote.json").is_file()


def test_without_a_recipe_the_best_run_of_a_known_recipe_predicts(call, finish, film, tmp_path):
    finish("frame-vote", top1=0.5)
    finish("frame-scratch", top1=0.7)
    finish("frame-pretrained", top1=0.6)
    mine = runs.RunFolder(runs.run_path(tmp_path, "mine", profile="smoke"))
    shutil.copytree(tmp_path / "runs/smoke/frame-vote", mine.path)
    mine.write(metrics={"top1": 0.9}, recipe=mine.recipe | {"recipe": "made-in-a-notebook"})
    said = call("predict", film("sea.avi", "Blue"), *SMOKE)
    assert said.exit_code == 0, said.stderr
    assert said.stdout.splitlines()[0].startswith("frame-scratch (runs/smoke/frame-scratch)")
