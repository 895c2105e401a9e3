"""The notebooks of the course: each runs, and what it shows is so.

One run of all notebooks in the smoke profile is shared by the tests; its videos, trained models and
pages lie in a temporary folder. What a notebook shows is compared with the files it left.
"""

import contextlib
import html
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.browser import driver
from tests.executed import Executed
from vidlab import datasets, evaluation, pantomime, recipes
from vidlab.course import profiles, runner
from vidlab.data.sampling import Uniform
from vidlab.evaluation.predictions import Predictions
from vidlab.evaluation.runs import RunFolder

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
COURSE = [path.stem for path in sorted(FOLDER.glob("[0-9]*.ipynb"))]
FRAME_RECIPES = ["frame-scratch", "frame-pretrained", "frame-finetuned", "frame-vote"]
CNN_AND_RNN = ["convgru-scratch", "convgru-fixed", "convgru-finetuned", "cnn-lstm", "mobilenet-gru"]
FROZEN_CNN = ["convgru-fixed", "cnn-lstm", "mobilenet-gru"]
PIXEL_RECIPES = ["lstm-pixels", "gru-pixels"]
MINUTES = 60

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Keep all that vidlab writes in a folder of these tests."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLAB_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def course(home):
    """Run all notebooks once."""
    return runner.run(profile="smoke")


@pytest.fixture(scope="module")
def executed(course):
    """Read an executed notebook by its number."""

    def read(number):
        (name,) = [name for name in COURSE if name.startswith(f"{number:02d}_")]
        return Executed(course.folder / "notebooks" / f"{name}.ipynb")

    return read


@pytest.fixture(scope="module")
def index(course):
    return datasets.load_index("pantomime", size="smoke")


@pytest.fixture(scope="module")
def runs(course):
    return {name: RunFolder(course.folder / name) for name in FRAME_RECIPES}


def test_course_has_its_notebooks():
    assert COURSE[:4] == [
        "01_what_is_a_video",
        "02_dataset_and_splits",
        "03_sampling_and_augmentation",
        "04_frame_models",
    ]


@pytest.mark.parametrize("name", COURSE)
def test_notebook_runs_to_its_end(course, name):
    (record,) = [record for record in course.records if record.notebook == name]
    assert record.status == "done", record.failure
    page = (course.folder / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    assert record.title in page
    assert f"notebooks/{name}.html" in course.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COURSE)
def test_notebook_draws_pictures_and_closes_with_numbers(course, name):
    notebook = Executed(course.folder / "notebooks" / f"{name}.ipynb")
    assert len(notebook.pictures) >= 5
    points = re.findall(r"^- \*\*.+$", notebook.answers, flags=re.MULTILINE)
    assert 3 <= len(points) <= 5
    assert sum(bool(re.search(r"\d", point)) for point in points) >= 3


def test_what_is_a_video_tells_the_size_of_a_network_on_pixels(executed):
    answer = executed(1).answers
    assert "354,735,717 with the layer for 101 classes (our arithmetic;" in answer
    assert "published: about 350 million" in answer


def test_what_is_a_video_finds_twins_equal_when_one_is_played_backwards(executed, index):
    answer = executed(1).answers
    pairs, compared, same = map(
        int, re.search(r"has (\d+) pairs of twins; of the (\d+) compared, (\d+)", answer).groups()
    )
    assert pairs == (index.table["class_name"] == "OpenDoor").sum() == 25
    assert 0 < same == compared


def test_splits_notebook_counts_the_dataset(executed, index):
    facts = executed(2).shown("facts")
    assert re.search(rf"^clips +{len(index)} +13,320$", facts, flags=re.MULTILINE)
    assert re.search(r"^actions +4 +101$", facts, flags=re.MULTILINE)
    assert f"{len(index)} clips of 4 actions in 100 groups" in executed(2).answers


def test_splits_notebook_finds_no_leak_where_a_group_has_one_clip(executed):
    counts = dict(re.findall(r"^(\w+) +(\d+)$", executed(2).shown("leakage-kinds"), re.MULTILINE))
    assert counts == {"random": "0", "groups": "0", "official": "0"}


def test_splits_notebook_shows_that_a_thumbnail_decides_half_of_a_pair(executed):
    line = next(x for x in executed(2).shown("pairs").splitlines() if x.startswith("all pairs"))
    assert float(line.split()[-1]) == pytest.approx(0.5, abs=0.02)


def test_sampling_notebook_proves_uniform_symmetric_and_batches_repeatable(executed):
    answer = executed(3).answers
    assert "`Uniform(16)` is symmetric for 100% of all lengths" in answer
    assert "With the same seed the same batches: True" in answer


@pytest.mark.parametrize("name", FRAME_RECIPES)
def test_frame_models_leave_complete_runs(runs, index, name):
    run = runs[name]
    _, _, test = index.split(1)
    assert run.is_complete
    assert run.recipe["recipe"] == name
    assert run.recipe["data_fingerprint"] == index.fingerprint
    assert run.predictions.video_ids.tolist() == test.table["video_id"].tolist()
    assert run.predictions.classes == index.classes
    np.testing.assert_allclose(run.predictions.probabilities.sum(axis=1), 1, atol=1e-4)
    assert run.metrics["top1"] == evaluation.top_k(run.predictions)
    assert len(run.history) >= 1


@pytest.mark.parametrize("name", FRAME_RECIPES)
def test_frame_models_score_one_half_inside_a_reversed_pair(runs, name):
    said = runs[name].predictions
    within = evaluation.pair_accuracy(said, pantomime.REVERSED_PAIRS)["within_pair"]
    assert within[evaluation.ALL_PAIRS] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", FRAME_RECIPES)
def test_frame_models_say_the_same_of_twins(runs, index, name):
    said = runs[name].predictions
    told = pd.DataFrame(said.probabilities, index=said.video_ids)
    twins = pantomime.twins(index.table)
    twins = twins[twins["video_id"].isin(said.video_ids)]
    assert len(twins) == 7
    one, other = told.loc[twins["video_id"]], told.loc[twins["twin_id"]]
    np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize("name", FRAME_RECIPES)
def test_frame_models_stay_under_the_ceiling(runs, name):
    said = runs[name].predictions
    paired = np.isin(np.array(said.classes)[said.y_true], ["OpenDoor", "CloseDoor"])
    ceiling = 1 - paired.mean() / 2
    assert ceiling == 0.75
    assert evaluation.top_k(said) <= ceiling


def test_frame_models_notebook_shows_what_the_runs_hold(executed, runs):
    answer = executed(4).answers
    said = {name: f"{100 * run.metrics['top1']:.1f}%" for name, run in runs.items()}
    assert (
        f"random weights {said['frame-scratch']}, pretrained {said['frame-pretrained']}, "
        f"fine-tuned {said['frame-finetuned']} (published on UCF-101: 23.4%, 47.0%, 68.2%)"
    ) in answer
    assert f"frame-vote scored {said['frame-vote']} by vote" in answer
    assert "75% for any model that ignores order" in answer


def test_frame_models_notebook_computes_the_published_sizes(executed):
    assert "22,903,685 (published: 23M)" in executed(4).printed
    assert "74,336,133, 52,533,349 of them learn" in executed(4).printed


def test_frame_models_notebook_lists_what_the_profile_changed(executed):
    changes = executed(4).shown("changes")
    assert all(name in changes for name in FRAME_RECIPES)
    assert recipes.get("frame-scratch").backbone in changes
    assert "residual" in changes


@pytest.mark.parametrize("number", [4, 5, 6])
def test_models_written_in_the_notebook_agree_with_the_recipe_and_learn(executed, number):
    printed = executed(number).printed
    assert re.search(r"[\d,]+ parameters here and in the recipe", printed)
    assert re.search(r"accuracy: \d\.\d+ - loss: \d", printed)  # what Keras' own fit reports


@pytest.mark.parametrize(
    ("number", "names"),
    [(4, FRAME_RECIPES), (5, PIXEL_RECIPES), (6, CNN_AND_RNN + FRAME_RECIPES)],
)
def test_departures_stand_beside_published_and_measured(executed, course, number, names):
    rows = {row[0]: row for row in executed(number).table("beside")}
    assert set(rows) == set(names)
    for name, row in rows.items():
        assert row[1] == f"{100 * RunFolder(course.folder / name).metrics['top1']:.1f}"
        assert row[2] == f"{recipes.get(name).published.top1:.1f}"
        assert "Profile smoke: " in row[-1]


def test_recurrent_notebook_steps_as_keras_does(executed):
    answer = executed(5).answers
    error = re.search(r"GRU and LSTM differ from those of Keras by at most (\S+)\.", answer)
    assert float(error.group(1)) < 1e-4


def test_recurrent_notebook_computes_the_published_sizes(executed):
    notebook = executed(5)
    counted = [row[-2] for row in notebook.table("sizes")]
    both_ways = ["32,924,773", "24,722,533"]
    assert counted == ["354,735,717", "16,462,437", "12,361,317", *both_ways]
    assert re.findall(r"[\d,]{10}", notebook.shown("built")) == both_ways
    assert "320×240×3 = 230,400 inputs make 354,735,717 parameters" in notebook.answers


def test_recurrent_notebook_shows_what_the_runs_hold(executed, course):
    runs = [RunFolder(course.folder / name) for name in PIXEL_RECIPES]
    assert all(run.is_complete for run in runs)
    lstm, gru = (f"{run.metrics['top1']:.1%}" for run in runs)
    assert f"{lstm} and {gru} (published on UCF-101: 44.1% and 45.8%" in executed(5).answers
    assert [row[1] for row in executed(5).table("results")] == [lstm, gru]


def test_recurrent_notebook_counts_the_answers_that_reversing_changes(executed, course):
    for name, row in zip(PIXEL_RECIPES, executed(5).table("order"), strict=True):
        normal, back = (said_in(course.folder / name, order) for order in ("normal", "reversed"))
        assert row[0] == name
        assert row[3] == f"{(normal.y_pred != back.y_pred).mean():.1%}"


def test_recurrent_notebook_shows_that_a_gru_sees_order_where_it_sees_the_dot(executed):
    words = executed(5).shown("dots-train").replace("%", "").split()
    gru, mean = float(words[words.index("GRU") + 1]), float(words[-1])
    assert gru > 90
    assert mean < 70


def said_in(run, order):
    """What a run says of the test videos shown in an order."""
    return Predictions.load(
        run / ("predictions.npz" if order == "normal" else f"predictions-{order}.npz")
    )


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_motion_notebook_leaves_a_frame_model_as_it_was(executed, course, order):
    normal, other = (said_in(course.folder / "frame-finetuned", o) for o in ("normal", order))
    np.testing.assert_allclose(other.probabilities, normal.probabilities, atol=1e-5)
    (row,) = [row for row in executed(7).table("frame") if row[0] == order]
    assert row[3] == "0.0%"


@pytest.mark.parametrize("name", ["frame-finetuned", "convgru-finetuned", "gru-pixels"])
def test_motion_notebook_counts_what_each_order_costs(executed, course, name):
    orders = ("normal", "reversed", "shuffled", "frozen")
    said = [said_in(course.folder / name, order) for order in orders]
    right, *others = [(one.y_pred == one.y_true).mean() for one in said]
    (row,) = [row for row in executed(7).table("pixels-ask") if row[0] == name]
    told = [float(share.removesuffix("%")) for share in row[1:]]
    np.testing.assert_allclose(
        told, [100 * s for s in (right, *(right - o for o in others))], atol=0.051
    )


def test_motion_notebook_follows_right_answers_into_the_twin(executed, course):
    folder = course.folder / "convgru-finetuned"
    normal, back = said_in(folder, "normal"), said_in(folder, "reversed")
    names = np.array(normal.classes)
    twin = {"OpenDoor": "CloseDoor", "CloseDoor": "OpenDoor"}
    became = [
        names[after] == twin[names[true]]
        for true, before, after in zip(normal.y_true, normal.y_pred, back.y_pred, strict=True)
        if names[true] in twin and before == true
    ]
    *directions, pooled = executed(7).table("flips")
    assert len(directions) == 2
    assert int(pooled[1]) == sum(int(row[1]) for row in directions) == len(became)
    assert pooled[2] == (f"{np.mean(became):.0%}" if became else "–")


def test_motion_notebook_freezes_videos_to_other_frames(executed, course):
    told = {row[0]: row[1] for row in executed(7).table("ends")}
    for shown, order in {"normal": "normal", "only the middle": "frozen"}.items():
        said = said_in(course.folder / "convgru-finetuned", order)
        assert told[shown] == f"{(said.y_pred == said.y_true).mean():.1%}"
    assert {"only the first", "only the last"} < set(told)


def test_motion_notebook_counts_answers_that_need_no_order(executed, course):
    said = [
        said_in(course.folder / "convgru-finetuned", order)
        for order in ("normal", "reversed", "shuffled", "frozen")
    ]
    right = np.array([one.y_pred == one.y_true for one in said])
    known = right[:, right[0]]
    share = f"{known.all(axis=0).mean():.1%}" if known.size else "nan%"
    assert (
        f"{share} of its {known.shape[1]} right answers are right in all four"
        in executed(7).answers
    )


@pytest.mark.parametrize("name", CNN_AND_RNN)
def test_cnn_plus_rnn_leaves_complete_runs(course, index, name):
    run = RunFolder(course.folder / name)
    _, _, test = index.split(1)
    assert run.is_complete
    assert run.predictions.video_ids.tolist() == test.table["video_id"].tolist()
    assert run.predictions.frames is None  # a clip has one answer
    assert ("feature_seconds" in run.metrics) == (name in FROZEN_CNN)


def test_cnn_plus_rnn_computes_the_published_sizes(executed):
    assert "= 25,791,877 (published: 26M)" in executed(6).printed
    assert "without its CNN: 8,496,229 (published: 8,496,229)" in executed(6).printed


def test_cnn_plus_rnn_cuts_the_network_where_learning_begins(executed):
    frozen, rest = executed(6).table("cut")
    total = re.search(r"([\d,]+) parameters here and in the recipe", executed(6).printed).group(1)
    counts = [int(row[1].replace(",", "")) for row in (frozen, rest)]
    assert sum(counts) == int(total.replace(",", ""))
    assert frozen[2] == "0" != rest[2]
    difference = re.search(r"largest difference of a probability: (\S+)", executed(6).printed)
    assert float(difference.group(1)) < 1e-5


def test_cnn_plus_rnn_predicts_the_same_where_padding_is_skipped_and_frame_by_frame(executed):
    notebook = executed(6)
    frames, read, skipped = np.array(notebook.table("masked"), float).T
    assert len(set(frames)) == 3
    assert skipped.max() < 1e-5 < read.max()
    difference = re.search(r"whole clip at once: (\S+)", notebook.printed)
    assert float(difference.group(1)) < 1e-5


def test_cnn_plus_rnn_shows_what_the_runs_hold(executed, course):
    top1 = {name: f"{RunFolder(course.folder / name).metrics['top1']:.1%}" for name in CNN_AND_RNN}
    answer = executed(6).answers
    assert (
        f"{top1['convgru-scratch']}, {top1['convgru-fixed']}, {top1['convgru-finetuned']} "
        "(published on UCF-101: 14.2%, 68.7%, 71.1%); "
        f"cnn-lstm {top1['cnn-lstm']} (66.3%), mobilenet-gru {top1['mobilenet-gru']} (75.9%)"
    ) in answer
    assert "frame-finetuned 50.0%" in answer  # inside the reversed pairs


def test_grad_cam_notebook_finds_the_pair_that_is_most_confused(executed, runs):
    confused = evaluation.most_confused(runs["frame-finetuned"].predictions, n=50)
    pairs = [set(pair) for pair in confused[["true", "predicted"]].to_numpy()]
    in_order = [pair in [set(p) for p in pantomime.REVERSED_PAIRS] for pair in pairs]
    for kind, wanted in (("by looks", False), ("in order alone", True)):
        first = [pair for pair, twins in zip(pairs, in_order, strict=True) if twins == wanted]
        pattern = rf"{kind}(?: are)? (\w+) and (\w+)"
        assert set(re.search(pattern, executed(8).answers).groups()) == (first or pairs)[0]


def test_grad_cam_notebook_explains_and_judges_every_test_video(executed, index):
    tests = len(index.split(1)[2])
    printed = executed(8).printed
    assert f"{tests} videos explained, of 8 frames each" in printed
    counts = re.search(r"^(\d+ classes: .*)$", printed, re.MULTILINE).group()
    assert sum(map(int, re.findall(r"(\d+) classes", counts))) == len(index.classes)
    graded = {row[0]: row for row in executed(8).table("grade-table")}
    assert {"grad_cam", "random weights", "centre of the picture"} <= set(graded)


def test_grad_cam_notebook_says_which_baselines_it_is_not_above(executed):
    pointing = {row[0]: int(row[3].rstrip("%")) for row in executed(8).table("grade-table")}
    ahead = {row[0]: row[1:] for row in executed(8).table("grade-ahead")}
    assert {"grad_cam", *ahead} == set(pointing)
    for name, (difference, low, high) in ahead.items():
        expected = pointing["grad_cam"] - pointing[name]
        assert abs(float(difference.rstrip("%")) - expected) <= 1  # both were rounded
        assert float(low.rstrip("%")) <= float(difference.rstrip("%")) <= float(high.rstrip("%"))
    above, level = re.search(
        r"Above with its whole interval: (.+); not shown to be above: (.+)\. The heat",
        executed(8).answers,
    ).groups()
    assert sorted(set(f"{above}, {level}".split(", ")) - {"none"}) == sorted(ahead)
    for name, (_, low, _) in ahead.items():
        if float(low.rstrip("%")) != 0:
            assert (name in above) == (float(low.rstrip("%")) > 0)


def test_grad_cam_notebook_keeps_a_page_that_the_report_leads_to(executed, course):
    page = course.folder / "explore.html"
    megabytes = page.stat().st_size / 1e6
    assert f"explore.html: {megabytes:.1f} MB" in executed(8).printed
    assert "28 test videos of pantomime-smoke" in page.read_text(encoding="utf-8")
    assert 'href="explore.html"' in (course.folder / "index.html").read_text(encoding="utf-8")


def test_filters_notebook_keeps_the_pictures_it_makes(executed, home):
    steps = profiles.load("smoke").filters.steps
    made = re.findall(r"8 filters of backbone/\w+: (\d+) steps", executed(9).printed)
    assert len(made) >= 4
    assert set(made) == {str(steps)}
    sizes = []
    for file in (home / "cache" / "filters").glob("*.npz"):
        with np.load(file) as kept:
            sizes.append(kept["images"].shape[1:3])
    assert {(128, 128), (96, 96)} <= set(sizes)  # of filters, and of classes
    assert len(sizes) >= len(made) + 3 + 1 + 3 + 1


def test_filters_notebook_finds_the_first_layer_kept_by_fine_tuning_more_than_the_last(executed):
    line = next(x for x in executed(9).answers.splitlines() if "Fine-tuning" in x)
    first, last = map(float, re.search(r"by ([\d.]+) in .* and ([\d.]+) in", line).groups())
    assert 1 >= first >= last > 0


def test_comparison_counts_all_recipes_that_were_run(executed, course):
    finished = [file.parent.name for file in course.folder.glob("*/recipe.json")]
    known = set(recipes.names()) & set(finished)
    assert {*FRAME_RECIPES, *CNN_AND_RNN, "mobilenet-single"} <= known
    assert f"{len(known)} recipes on 28 videos" in executed(10).answers


def test_comparison_shows_notes_and_departures_beside_published_results(executed):
    told = {row[0]: row[-2:] for row in executed(10).table("board-beside")}
    assert {*FRAME_RECIPES, *CNN_AND_RNN} <= set(told)
    for name, (note, departures) in told.items():
        assert html.unescape(note) == recipes.get(name).published.note
        assert html.unescape(departures).startswith(" ".join(recipes.get(name).departures))
        assert "Profile smoke: " in departures


def test_comparison_works_its_tests_out_by_hand(executed):
    number = r"(\d\.\d+)"
    printed = executed(10).printed
    pairs = re.findall(rf"p = {number}, vidlab says {number}", printed)
    assert len(pairs) == 2
    np.testing.assert_allclose(*np.array(pairs, float).T, atol=0.02)


def test_comparison_shows_that_cutting_videos_up_fools_only_mcnemar(executed):
    pieces, videos, mcnemar, by_groups = np.array(executed(10).table("copies"), float).T
    np.testing.assert_array_equal(videos, 28 * pieces)
    assert (np.diff(mcnemar) <= 0).all()
    assert mcnemar[-1] < mcnemar[0]
    assert len(set(by_groups)) == 1


def test_comparison_finds_the_mean_features_of_twins_the_same(executed):
    twins, apart = re.search(
        r"(\d+) pairs of twins; their mean features differ by (\S+) at most", executed(10).printed
    ).groups()
    assert int(twins) == 7
    assert float(apart) < 0.01


def test_comparison_puts_published_counts_beside_measured_ones(executed):
    counted = [int(row[-1]) for row in executed(10).table("reports")]
    assert counted == [157, 109, 37, 54, 23, 15, 7]


def test_comparison_trains_a_recipe_of_ones_own_as_the_profile_runs_it(executed, course):
    mine = RunFolder(course.folder / "my-small-gru")
    config = mine.recipe["config"]
    assert mine.is_complete
    assert config["inputs"]["rgb"]["size"] == [96, 96]
    assert config["backbone"] == profiles.load("smoke").backbone
    (gru,) = [layer for layer in mine.model().layers if "gru" in layer.name]
    assert gru.output.shape == (None, 8)
    assert f"with eight units {mine.metrics['top1']:.1%}" in executed(10).answers


OF_BOTH = ["frame-finetuned", "convgru-finetuned"]


def test_own_video_notebook_has_an_answer_to_nothing_and_says_how_sure(executed):
    rows = executed(11).table("nothing-table")
    assert [row[0] for row in rows] == ["grey", "noise", "stripes", "one frame"]
    loudest = max(int(chance.removesuffix("%")) for row in rows for chance in row[-2:])
    assert f"{loudest}%. Equal shares would be 25%" in executed(11).answers


def test_own_video_notebook_shows_the_probabilities_that_the_runs_hold(executed, course):
    shown, model = {}, ""
    for row in executed(11).table("confidence"):
        model, kind = row[:2] if len(row) == 5 else (model, row[0])
        shown[model, kind] = row[-3:]
    for name in OF_BOTH:
        said = RunFolder(course.folder / name).predictions
        top, right = said.probabilities.max(axis=1), said.y_pred == said.y_true
        for kind, held in (("right", top[right]), ("wrong", top[~right])):
            if len(held):
                high = (held > 0.9).mean()
                expected = [f"{len(held)}", f"{np.median(held):.0%}", f"{high:.0%}"]
                assert shown[name, kind] == expected


def test_own_video_notebook_watches_as_the_runs_were_tested(executed, course, index):
    """With as many frames as the test took, the share of right answers is that of the run."""
    chosen = np.linspace(0, len(index.split(1)[2]) - 1, 24).round().astype(int)
    (row,) = [row for row in executed(11).table("pace") if row[0] == "4"]
    for name, share in zip(OF_BOTH, row[1:], strict=True):
        said = RunFolder(course.folder / name).predictions
        assert RunFolder(course.folder / name).streams()["rgb"].at_test == Uniform(4)
        assert share == f"{np.mean(said.y_pred[chosen] == said.y_true[chosen]):.0%}"


def test_papermill_alone_runs_a_notebook_from_any_folder_and_loads_what_is_there(course, tmp_path):
    command = [sys.executable, "-m", "papermill", str(FOLDER / "04_frame_models.ipynb")]
    ended = subprocess.run(
        [*command, "out.ipynb", "-p", "profile", "smoke", "--no-progress-bar"],
        cwd=tmp_path,
        env={**os.environ, "VIDLAB_QUIET": "1"},
        capture_output=True,
        text=True,
        timeout=10 * MINUTES,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    printed = Executed(tmp_path / "out.ipynb").printed
    for name in FRAME_RECIPES:
        assert f"{name}: loaded from" in printed
    assert "trained now" not in printed


# ---- the same notebooks, open in a real JupyterLab ----------------------------------------------


@pytest.fixture(scope="module")
def live(browser, course, tmp_path_factory):
    """Run a notebook in JupyterLab, its results being there: (number) -> driver.Page, a context."""
    folder = tmp_path_factory.mktemp("live")
    for path in FOLDER.glob("[0-9]*.ipynb"):
        text = path.read_text(encoding="utf-8")
        small = text.replace('profile: str = \\"quick\\"', 'profile: str = \\"smoke\\"')
        assert small != text
        (folder / path.name).write_text(small, encoding="utf-8")
    with driver.serving(folder) as address:

        @contextlib.contextmanager
        def run(number):
            (path,) = folder.glob(f"{number:02d}_*.ipynb")
            page = driver.Page(browser, address, path.name)
            try:
                page.run_all()
                page.wait_until_idle()
                yield page
                page.screenshot(f"notebook-{number:02d}")
                assert page.complaints() == []
            finally:
                page.page.close()

        yield run


def test_samplers_and_variations_are_moved_in_notebook_03(live):
    with live(3) as page:
        samplers = page.scroll_to(".vl-sampling[data-film]")
        samplers.get_by_label("Uniform count", exact=True).fill("3")
        page.wait_for(".vl-sampling[data-row='Uniform'][data-strip='3']")
        varied = page.scroll_to(".vl-augment[data-film]")
        varied.get_by_label("rotation", exact=True).fill("40")
        varied.get_by_text("Augment(rotation=40)").wait_for(timeout=30_000)


def test_a_mistake_is_followed_to_where_the_model_looked_in_notebook_04(live, runs):
    said = runs["frame-finetuned"].predictions
    worst = evaluation.most_confused(said).iloc[0]
    with live(4) as page:
        chart = page.scroll_to(".js-plotly-plot .legend")
        assert chart.locator(".legendtext").count() == 8  # of four recipes, training and validation
        page.scroll_to(".vl-confusion .vl-matrix").focus()
        page.page.keyboard.press("n")  # the next most confused pair
        cell = f"{worst['true']} > {worst['predicted']}"
        page.wait_for(f".vl-confusion .vl-list[data-cell='{cell}']")
        card = page.page.locator(".vl-confusion .vl-card").first
        video_id = card.get_attribute("data-video")
        card.click()
        page.wait_for(f".vl-below .vl-cam[data-film='{video_id}'][data-panels='2']")


def test_a_cell_is_opened_by_mouse_in_notebook_08(live, runs):
    said = runs["frame-finetuned"].predictions
    best = np.bincount(said.y_true[said.y_pred == said.y_true]).argmax()
    with live(8) as page:
        matrix = page.scroll_to(".vl-confusion .vl-matrix[data-first]")
        left, top, cell = map(float, matrix.get_attribute("data-first").split())
        matrix.click(position={"x": left + best * cell, "y": top + best * cell})
        page.page.locator(".vl-confusion .vl-card").first.click()
        page.wait_for(".vl-below .vl-cam[data-panels='1']")


def test_a_filter_is_opened_with_its_frames_in_notebook_09(live):
    with live(9) as page:
        look = page.scroll_to(".vl-look")
        page.wait_for(".vl-look[data-going=false]")  # until all pictures in sight are made
        look.locator(".vl-filter").first.focus()
        page.page.keyboard.press("ArrowRight")
        page.page.keyboard.press("Enter")
        page.wait_for(".vl-look[data-whole=true] .vl-detail .vl-shot")


def test_classes_of_two_models_are_opened_in_notebook_10(live):
    with live(10) as page:
        page.scroll_to(".vl-per-class.vl-two .vl-rows").focus()
        page.page.keyboard.press("End")
        page.page.keyboard.press("Enter")
        page.page.locator(".vl-per-class .vl-card").first.wait_for(timeout=30_000)
        assert page.page.locator(".vl-per-class .vl-card .vl-verdict").count() > 1


def test_a_moment_and_another_model_are_chosen_in_notebook_11(live):
    with live(11) as page:
        watch = page.scroll_to(".vl-watch[data-steps='4']")
        watch.locator(".vl-chart").focus()
        page.page.keyboard.press("ArrowRight")
        page.wait_for(".vl-watch[data-frame='1']")
        watch.get_by_label("model", exact=True).select_option("convgru-finetuned")
        page.wait_for(".vl-watch[data-model='convgru-finetuned'][data-steps='4']")
        watch.locator(".vl-where").click()
        page.wait_for(".vl-watch .vl-cam[data-panels='1']")
