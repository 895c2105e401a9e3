"""The notebooks of the course: each runs, and what it shows is so.

One run of all notebooks in the smoke profile is shared by the tests; its videos, trained models and
pages lie in a temporary folder. What a notebook shows is compared with the files it left.
"""

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
from vidlab.course import notebook_files, profiles, runner
from vidlab.data.sampling import Uniform
from vidlab.evaluation.predictions import Predictions
from vidlab.evaluation.runs import RunFolder

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
COURSE = [path.stem for path in sorted(FOLDER.glob("[0-9]*.ipynb"))]
OF_FRAMES = ["frame-scratch", "frame-pretrained", "frame-finetuned", "frame-vote"]
OF_CLIPS = ["convgru-scratch", "convgru-fixed", "convgru-finetuned", "cnn-lstm", "mobilenet-gru"]
FROZEN = ["convgru-fixed", "cnn-lstm", "mobilenet-gru"]
PROBES = ["linear-mean", "linear-last", "linear-first-last", "linear-difference"]
FUSIONS = ["early-fusion", "slow-fusion", "late-fusion", "c3d", "tsn-rgb"]
ON_PIXELS = ["lstm-pixels", "gru-pixels"]
ORDERS = ["normal", "reversed", "shuffled", "frozen"]

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Run all notebooks once, all that vidlab writes being kept in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield runner.run(profile="smoke")


@pytest.fixture(scope="module")
def executed(course):
    """Read an executed notebook by its name without the number."""
    names = {name[3:]: name for name in COURSE}
    return lambda name: Executed(course.folder / "notebooks" / f"{names[name]}.ipynb")


@pytest.fixture(scope="module")
def index(course):
    return datasets.load_index("pantomime", size="smoke")


@pytest.fixture(scope="module")
def run_of(course):
    return lambda name: RunFolder(course.folder / name)


@pytest.fixture(scope="module")
def predicted(course):
    """Predictions of a run for the test videos shown in an order."""

    def load(name, order="normal"):
        file = "predictions.npz" if order == "normal" else f"predictions-{order}.npz"
        return Predictions.load(course.folder / name / file)

    return load


def accuracy(predictions):
    return (predictions.y_pred == predictions.y_true).mean()


@pytest.mark.parametrize("name", COURSE)
def test_notebook_runs_draws_pictures_and_closes_with_numbers(course, name):
    (record,) = [record for record in course.records if record.notebook == name]
    assert record.status == "done", record.failure
    page = (course.folder / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    heading = notebook_files.read(FOLDER / f"{name}.ipynb").cells[0].source.splitlines()[0]
    assert f"<title>{html.escape(heading.removeprefix('# '), quote=False)}</title>" in page
    assert f"notebooks/{name}.html" in course.report.read_text(encoding="utf-8")
    notebook = Executed(course.folder / "notebooks" / f"{name}.ipynb")
    assert len(notebook.pictures) >= 5
    points = re.findall(r"^- \*\*.+$", notebook.closing, flags=re.MULTILINE)
    assert 3 <= len(points) <= 5
    assert sum(bool(re.search(r"\d", point)) for point in points) >= 3


@pytest.mark.parametrize(
    ("notebook", "text"),
    [
        (
            "what_is_a_video",
            "354,735,717 with the layer for 101 classes (our arithmetic; published: about 350",
        ),
        ("dataset_and_splits", "100 clips of 4 actions in 100 groups"),
        ("sampling", "`Uniform(16)` is symmetric for 100% of all lengths"),
        ("augmentation", "With the same seed the same batches: True"),
        ("what_does_a_convolution_see", "12,800,000 multiply-adds become 1,512,000"),
        ("what_does_a_convolution_see", "two 3×3 save 28%, 3×1 and 1×3 33%"),
        ("what_does_a_convolution_see", "holds for 776 of 776 cases"),
        ("what_does_a_convolution_see", "sees 212 of 224 pixels"),
        ("what_does_a_convolution_see", "You predicted 200; it is 112."),  # of ResNet's first layer
        ("frame_models", "22,903,685 (published: 23M)"),
        ("frame_models", "74,336,133, 52,533,349 of them learn"),
        ("frame_models", "75% for any model that ignores order"),
        ("cnn_plus_rnn", "frame-finetuned 50.0%"),  # inside the reversed pairs
        ("compare_models", "7 pairs of twins"),
        ("compare_models", "McNemar's test: p = 0.24; sign-flip test: 0.03"),
        (
            "when_frames_meet",
            "Unchanged by reversal: single, consensus. You were wrong about: late, consensus.",
        ),
        ("what_does_a_label_cost", "by three people each are 156 person-years"),
    ],
)
def test_notebook_shows_what_is_known_beforehand(executed, notebook, text):
    assert text in executed(notebook).text


@pytest.mark.parametrize(
    ("notebook", "pattern", "limit"),
    [
        ("what_does_a_convolution_see", r"is Keras' `Conv2D` to (\S+),", 1e-5),
        ("what_does_a_convolution_see", r"twelve trained 5×5×3 filters to (\S+)\.", 1e-5),
        ("what_does_a_convolution_see", r"NumPy and Keras pool alike, to (\S+)\.", 1e-5),
        ("how_does_a_network_learn", r"50 steps end at most (\S+) apart", 1e-4),
        ("how_does_a_network_learn", r"they differ by at most (\S+)\. After", 1e-5),
        ("recurrent_models", r"differ from those of Keras by at most (\S+)\.", 1e-4),
        ("recurrent_models", r"the gradients differ by a share of (\S+) at most", 1e-5),
        ("cnn_plus_rnn", r"largest difference of a probability: (\S+)", 1e-5),
        ("cnn_plus_rnn", r"whole clip at once: (\S+)", 1e-5),
        ("compare_models", r"pairs of twins differ by (\S+) at most", 0.01),
        ("when_frames_meet", r"NumPy and Conv3D differ by (\S+) at most", 1e-4),
        ("when_frames_meet", r"gives the picture, to a share of (\S+);", 1e-4),
    ],
    ids=[
        "convolution",
        "layer",
        "pooling",
        "optimizers",
        "gradients",
        "GRU and LSTM",
        "back through time",
        "cut network",
        "frame by frame",
        "twins",
        "3-D convolution",
        "inflated",
    ],
)
def test_two_ways_to_compute_the_same_agree(executed, notebook, pattern, limit):
    assert float(re.search(pattern, executed(notebook).text).group(1)) < limit


@pytest.mark.parametrize("notebook", ["frame_models", "cnn_plus_rnn"])
def test_models_written_in_the_notebook_agree_with_the_recipe_and_learn(executed, notebook):
    printed = executed(notebook).printed
    assert re.search(r"[\d,]+ parameters here and in the recipe", printed)
    assert re.search(r"accuracy: \d\.\d+ - loss: \d", printed)  # what Keras' own fit reports


@pytest.mark.parametrize("name", OF_FRAMES + OF_CLIPS + PROBES)
def test_recipes_leave_complete_runs(run_of, index, name):
    run, test = run_of(name), index.split(1)[2]
    assert run.is_complete
    assert run.recipe["recipe"] == name
    assert run.recipe["data_fingerprint"] == index.fingerprint
    assert run.predictions.video_ids.tolist() == test.table["video_id"].tolist()
    assert run.predictions.classes == index.classes
    assert (run.predictions.frames is None) == (name in PROBES)  # these read the whole clip
    np.testing.assert_allclose(run.predictions.probabilities.sum(axis=1), 1, atol=1e-4)
    assert run.metrics["top1"] == evaluation.top_k(run.predictions)
    if name in OF_CLIPS:
        assert ("feature_seconds" in run.metrics) == (name in FROZEN)


@pytest.mark.parametrize("name", [*OF_FRAMES, "linear-mean"])
def test_models_blind_to_order_cannot_tell_a_video_from_its_reverse(predicted, index, name):
    found = predicted(name)
    within = evaluation.pair_accuracy(found, pantomime.REVERSED_PAIRS)["within_pair"]
    assert within[evaluation.END_STATE] == pytest.approx(0.5, abs=0.02)
    probabilities = pd.DataFrame(found.probabilities, index=found.video_ids)
    twins = pantomime.twins(index.table)
    twins = twins[twins["video_id"].isin(found.video_ids)]
    assert len(twins) == 7
    one, other = probabilities.loc[twins["video_id"]], probabilities.loc[twins["twin_id"]]
    np.testing.assert_allclose(one, other, atol=0.02)
    assert evaluation.top_k(found) <= 0.75  # half of the videos are in a pair


@pytest.mark.parametrize(
    ("notebook", "names"),
    [
        ("frame_models", OF_FRAMES),
        ("recurrent_models", ON_PIXELS),
        ("cnn_plus_rnn", OF_CLIPS + OF_FRAMES),
    ],
)
def test_departures_stand_beside_published_and_measured(executed, run_of, notebook, names):
    rows = {row[0]: row for row in executed(notebook).table("beside")}
    assert set(rows) == set(names)
    for name, row in rows.items():
        assert row[1] == f"{100 * run_of(name).metrics['top1']:.1f}"
        assert row[2] == f"{recipes.get(name).published.top1:.1f}"
        assert "Profile smoke: " in row[-1]


@pytest.mark.parametrize(
    ("notebook", "names", "form"),
    [
        (
            "frame_models",
            OF_FRAMES[:3],
            "random weights {}, pretrained {}, fine-tuned {} (published",
        ),
        ("frame_models", OF_FRAMES[3:], "frame-vote scored {} by vote"),
        ("recurrent_models", ON_PIXELS, "{} and {} (published on UCF-101: 44.1% and 45.8%"),
        ("cnn_plus_rnn", OF_CLIPS[:3], "{}, {}, {} (published on UCF-101: 14.2%, 68.7%, 71.1%)"),
        ("cnn_plus_rnn", OF_CLIPS[3:], "cnn-lstm {} (66.3%), mobilenet-gru {} (75.9%)"),
        ("compare_models", ["my-small-gru"], "with eight units, {}"),
    ],
)
def test_closing_words_hold_what_the_runs_hold(executed, run_of, notebook, names, form):
    top1 = [f"{run_of(name).metrics['top1']:.1%}" for name in names]
    assert form.format(*top1) in executed(notebook).closing


def test_frame_models_notebook_shows_the_linear_probes_beside_the_networks(executed, run_of):
    rows = {row[0]: row for row in executed("frame_models").table("lines")}
    assert list(rows) == OF_FRAMES + PROBES
    for name, row in rows.items():
        metrics = run_of(name).metrics
        assert row[1] == f"{metrics['top1']:.1%}"
        assert row[2] == ("50.0%" if name in [*OF_FRAMES, "linear-mean"] else row[2])


def test_what_is_a_video_finds_twins_equal_when_one_is_played_backwards(executed, index):
    words = re.search(
        r"has (\d+) pairs of twins; of the (\d+) \w+, (\d+)", executed("what_is_a_video").closing
    )
    pairs, compared, same = map(int, words.groups())
    assert pairs == (index.table["class_name"] == "OpenDoor").sum() == 25
    assert 0 < same == compared


def test_what_is_a_video_gets_wrong_frames_by_seeking_and_right_ones_by_counting(executed):
    of_the_copy = executed("what_is_a_video").table("code-wanted-np-sort-numbers")[3:]
    right = {row[-3]: int(row[-1]) for row in of_the_copy}
    assert right["read all"] == right["count"] == 8 > right["seek"]


def test_sampling_notebook_shows_a_video_whose_end_the_lopsided_sampler_misses(executed):
    shown = executed("sampling").shown("code-name-next-name-for-name-in-opendoo")
    assert int(re.search(r"the last of them (\d+) after EveryNth", shown).group(1)) > 0
    (row,) = [
        r for r in executed("sampling").table("code-symmetry-pd-dataframe") if r[0] == "EveryNth(8)"
    ]
    assert float(row[2]) > 0.5  # forwards and backwards, its pictures differ


def test_splits_notebook_counts_clips_and_leaks(executed, index):
    facts = executed("dataset_and_splits").shown("facts")
    assert re.search(rf"^clips +{len(index)} +13,320$", facts, flags=re.MULTILINE)
    assert re.search(r"^actions +4 +101$", facts, flags=re.MULTILINE)
    counts = re.findall(
        r"^(\w+) +(\d+)$", executed("dataset_and_splits").shown("leakage-kinds"), re.MULTILINE
    )
    # No leak where a group has one clip.
    assert dict(counts) == {"random": "0", "groups": "0", "official": "0"}
    # A thumbnail decides half of a pair.
    line = next(
        x
        for x in executed("dataset_and_splits").shown("pairs").splitlines()
        if x.startswith("end-state")
    )
    assert float(line.split()[-1]) == pytest.approx(0.5, abs=0.02)


def test_convolution_notebook_counts_what_smaller_kernels_save(executed):
    rows = executed("what_does_a_convolution_see").table("savings-table")
    saved = {row[0]: [float(share.removesuffix("%")) for share in row[5:]] for row in rows}
    expected = [1512 / 12800, 2 * 9 / 25, 2 * 3 / 9, 1 / 64 + 1 / 3**2]
    for shares, share in zip(saved.values(), expected, strict=True):
        np.testing.assert_allclose(shares, 100 * share, atol=0.051)


def test_convolution_notebook_counts_the_weights_of_famous_networks(executed):
    rows = {row[0]: row for row in executed("what_does_a_convolution_see").table("networks-table")}
    counted = {name: row[2] for name, row in rows.items()}
    assert counted == {
        "AlexNet": "60,965,224",  # published: 60 million
        "VGG-16": "138,357,544",
        "Inception v3": "23,851,784",
        "ResNet-50": "25,636,712",
        "MobileNet": "4,253,864",
        "MobileNetV2": "3,538,984",
    }
    published = {"ResNet-50": 3.8, "MobileNet": 0.569, "MobileNetV2": 0.3}  # 10⁹ multiply-adds
    for name, billions in published.items():
        assert float(rows[name][4]) == pytest.approx(billions, rel=0.02, abs=0.005)


def test_recurrent_notebook_computes_the_published_sizes(executed):
    counted = {tuple(row[-3:-1]) for row in executed("recurrent_models").table("sizes")}
    assert counted == {
        ("354,735,717", "–"),
        ("16,462,437", "–"),
        ("12,361,317", "–"),
        *[(size, size) for size in ("32,924,773", "24,722,533")],  # both ways, and as built
    }


def test_recurrent_notebook_says_that_keras_exchanges_z_and_1_minus_z(executed):
    words = r"exchanged the difference is (\S+), and (\S+) if the weights of \*z\* are negated"
    exchanged, negated = map(float, re.search(words, executed("recurrent_models").text).groups())
    assert negated < 1e-4 < exchanged


def test_recurrent_notebook_shows_that_gradients_vanish_and_explode(executed):
    words = r"(\S+) of them is left \(0\.5 · U\), or (\S+) times.*Keras clipped to 1\."
    vanished, exploded = map(float, re.search(words, executed("recurrent_models").text).groups())
    assert vanished < 1e-6
    assert exploded > 100


def test_recurrent_notebook_counts_the_predictions_that_reversing_changes(executed, predicted):
    for name, row in zip(ON_PIXELS, executed("recurrent_models").table("order"), strict=True):
        normal, back = predicted(name), predicted(name, "reversed")
        assert row[0] == name
        assert row[3] == f"{(normal.y_pred != back.y_pred).mean():.1%}"


def test_recurrent_notebook_shows_that_a_gru_sees_order_where_it_sees_the_dot(executed):
    words = executed("recurrent_models").shown("dots-train").replace("%", "").split()
    gru, mean = float(words[words.index("GRU") + 1]), float(words[-1])
    assert gru > 90
    assert mean < 70


def test_cnn_plus_rnn_cuts_the_network_where_learning_begins(executed):
    frozen, rest = executed("cnn_plus_rnn").table("cut")
    total = re.search(
        r"([\d,]+) parameters here and in the recipe", executed("cnn_plus_rnn").printed
    ).group(1)
    assert sum(int(row[1].replace(",", "")) for row in (frozen, rest)) == int(
        total.replace(",", "")
    )
    assert frozen[2] == "0" != rest[2]


def test_cnn_plus_rnn_predicts_the_same_where_padding_is_skipped(executed):
    frames, read, skipped = np.array(executed("cnn_plus_rnn").table("masked"), float).T
    assert len(set(frames)) == 3
    assert skipped.max() < 1e-5 < read.max()


def test_motion_notebook_leaves_a_frame_model_as_it_was(executed, predicted):
    rows = {row[0]: row for row in executed("does_it_need_motion").table("frame")}
    normal = predicted("frame-finetuned").probabilities
    for order in ("reversed", "shuffled"):
        other = predicted("frame-finetuned", order).probabilities
        np.testing.assert_allclose(other, normal, atol=1e-5)
        assert rows[order][3] == "0.0%"


@pytest.mark.parametrize(
    "name", ["frame-finetuned", "convgru-finetuned", "gru-pixels", "linear-mean", "linear-last"]
)
def test_motion_notebook_counts_what_each_order_costs(executed, predicted, name):
    right, *others = [100 * accuracy(predicted(name, order)) for order in ORDERS]
    (row,) = [row for row in executed("does_it_need_motion").table("pixels-ask") if row[0] == name]
    shown = [float(share.removesuffix("%")) for share in row[1:]]
    np.testing.assert_allclose(shown, [right, *(right - other for other in others)], atol=0.051)


def test_motion_notebook_freezes_videos_and_counts_what_needs_no_order(executed, predicted):
    found = {order: predicted("convgru-finetuned", order) for order in ORDERS}
    shares = {row[0]: row[1] for row in executed("does_it_need_motion").table("ends")}
    assert shares["normal"] == f"{accuracy(found['normal']):.1%}"
    assert shares["only the middle"] == f"{accuracy(found['frozen']):.1%}"
    assert shares["linear-last"] == f"{accuracy(predicted('linear-last')):.1%}"
    assert {"only the first", "only the last"} < set(shares)
    right = np.array([one.y_pred == one.y_true for one in found.values()])
    known = right[:, right[0]]
    share = f"{known.all(axis=0).mean():.1%}" if known.size else "nan%"
    assert re.search(
        rf"{share} of its {known.shape[1]} right \w+ are right in all four",
        executed("does_it_need_motion").closing,
    )


def test_grad_cam_notebook_finds_the_pair_that_is_most_confused(executed, predicted):
    confused = evaluation.most_confused(predicted("frame-finetuned"), n=50)
    pairs = [set(pair) for pair in confused[["true", "predicted"]].to_numpy()]
    in_order = [pair in [set(p) for p in pantomime.REVERSED_PAIRS] for pair in pairs]
    for kind, wanted in (("by looks", False), ("in order alone", True)):
        first = [pair for pair, twins in zip(pairs, in_order, strict=True) if twins == wanted]
        pattern = rf"{kind}(?: are)? (\w+) and (\w+)"
        assert set(re.search(pattern, executed("grad_cam").closing).groups()) == (first or pairs)[0]


def test_grad_cam_notebook_writes_the_method_out_as_the_libraries_have_it(executed):
    vidlab, told, stepped_back = (float(row[1]) for row in executed("grad_cam").table("check"))
    assert max(vidlab, told) < 0.001
    assert stepped_back > 0.001


def test_heatmap_notebook_explains_and_judges_every_test_video(executed, index):
    printed = executed("can_a_heatmap_be_trusted").printed
    assert f"{len(index.split(1)[2])} videos explained, of 8 frames each" in printed
    assert [row[0] for row in executed("can_a_heatmap_be_trusted").table("verdicts")] == list(
        index.classes
    )
    graded = {row[0]: row for row in executed("can_a_heatmap_be_trusted").table("grade-table")}
    assert {"grad_cam", "random weights", "centre of the picture"} <= set(graded)


def test_heatmap_notebook_says_which_baselines_it_is_not_above(executed):
    def percent(cells):
        return [float(cell.rstrip("%")) for cell in cells]

    pointing = {
        row[0]: percent(row[3:4])[0]
        for row in executed("can_a_heatmap_be_trusted").table("grade-table")
    }
    ahead = {
        row[0]: percent(row[1:])
        for row in executed("can_a_heatmap_be_trusted").table("grade-ahead")
    }
    assert {"grad_cam", *ahead} == set(pointing)
    pattern = r"Above with its whole interval: (.+); not shown to be above: (.+)\. Below"
    above, level = re.search(pattern, executed("can_a_heatmap_be_trusted").closing).groups()
    assert sorted(set(f"{above}, {level}".split(", ")) - {"none"}) == sorted(ahead)
    for name, (difference, low, high) in ahead.items():
        # Both were rounded.
        assert difference == pytest.approx(pointing["grad_cam"] - pointing[name], abs=1)
        assert low <= difference <= high
        assert low == 0 or (name in above) == (low > 0)


def test_heatmap_notebook_passes_the_sanity_check_below_the_mark_alone(executed):
    mark, *randomised = executed("can_a_heatmap_be_trusted").table("sanity")
    below = all(float(row[4]) < 0 for row in randomised)
    assert len(randomised) == 2
    for row in randomised:
        assert float(row[2]) == pytest.approx(float(row[1]) - float(mark[1]), abs=0.011)
    assert executed("can_a_heatmap_be_trusted").closing.count("different classes: passed") == below


def test_grad_cam_notebook_keeps_a_page_that_the_report_leads_to(executed, course):
    page = course.folder / "explore.html"
    assert f"explore.html: {page.stat().st_size / 1e6:.1f} MB" in executed("grad_cam").printed
    assert "28 test videos of pantomime-smoke" in page.read_text(encoding="utf-8")
    assert 'href="explore.html"' in (course.folder / "index.html").read_text(encoding="utf-8")


def test_filters_notebook_keeps_the_pictures_it_makes(executed):
    steps = profiles.load("smoke").filters.steps
    made = re.findall(r"8 filters of backbone/\w+: (\d+) steps", executed("filters").printed)
    assert len(made) >= 4
    assert set(made) == {str(steps)}
    sizes = []
    for file in (datasets.home() / "cache" / "filters").glob("*.npz"):
        with np.load(file) as kept:
            sizes.append(kept["images"].shape[1:3])
    assert {(128, 128), (96, 96)} <= set(sizes)  # of filters, and of classes
    assert len(sizes) >= len(made) + 3 + 1 + 3 + 1


def test_filters_notebook_finds_the_first_layer_kept_by_fine_tuning_more_than_the_last(executed):
    line = next(x for x in executed("filters").closing.splitlines() if "Fine-tuning" in x)
    first, last = map(float, re.search(r"by ([\d.]+) in .* and ([\d.]+) in", line).groups())
    assert 1 >= first >= last > 0


def test_where_frames_meet_is_shown_by_reversal_padding_and_cost(executed, run_of):
    forwards, backwards = (row[-2:] for row in executed("when_frames_meet").table("slanted"))
    assert forwards == backwards[::-1] != backwards
    edge, zeros = (
        np.array(row[1:], float) for row in executed("when_frames_meet").table("inflate")
    )
    assert edge.max() < 1e-12
    assert (zeros > 0.1).tolist() == [True, *[False] * 4, True]
    costs = {row[0]: row[1:] for row in executed("when_frames_meet").table("cost")}
    assert set(costs) == {"single-frame", *FUSIONS}
    assert costs["c3d"][2:4] == ["78.4", "38,547.4"]
    for name in FUSIONS:
        assert costs[name][:1] == [f"{run_of(name).metrics['parameters'] / 1e6:,.1f}"]
        assert f"{name} {run_of(name).metrics['top1']:.1%}" in executed("when_frames_meet").closing


def test_comparison_shows_all_recipes_that_were_run_with_notes_and_departures(executed, course):
    finished = {file.parent.name for file in course.folder.glob("*/recipe.json")}
    known = finished & set(recipes.names())
    assert {*OF_FRAMES, *OF_CLIPS, "mobilenet-single"} <= known
    assert f"{len(known)} recipes on 28 videos" in executed("compare_models").closing
    shown = {row[0]: row[-2:] for row in executed("compare_models").table("ranks")}
    assert {*OF_FRAMES, *OF_CLIPS} <= set(shown)
    for name, (note, departures) in shown.items():
        assert html.unescape(note) == recipes.get(name).published.note
        assert html.unescape(departures).startswith(" ".join(recipes.get(name).departures))
        assert "Profile smoke: " in departures


def test_comparison_works_its_tests_out_by_hand(executed):
    number = r"(\d\.\d+)"
    pairs = re.findall(rf"p = {number}, [^\d\n]* {number}", executed("compare_models").printed)
    assert len(pairs) == 2
    np.testing.assert_allclose(*np.array(pairs, float).T, atol=0.02)


def test_comparison_shows_that_cutting_videos_up_fools_only_mcnemar(executed):
    pieces, videos, mcnemar, by_groups = np.array(
        executed("compare_models").table("copies"), float
    ).T
    np.testing.assert_array_equal(videos, 28 * pieces)
    assert (np.diff(mcnemar) <= 0).all()
    assert mcnemar[-1] < mcnemar[0]
    assert len(set(by_groups)) == 1


def test_comparison_puts_published_counts_beside_measured_ones(executed):
    counted = [int(row[-1]) for row in executed("compare_models").table("reports")]
    assert counted == [157, 109, 37, 54, 23, 15, 7]


def test_comparison_trains_a_recipe_of_ones_own_as_the_profile_runs_it(run_of):
    mine = run_of("my-small-gru")
    assert mine.is_complete
    assert mine.recipe["config"]["inputs"]["rgb"]["size"] == [96, 96]
    assert mine.recipe["config"]["backbone"] == profiles.load("smoke").backbone
    (gru,) = [layer for layer in mine.model().layers if "gru" in layer.name]
    assert gru.output.shape == (None, 8)


def test_own_video_notebook_predicts_something_for_nothing(executed):
    rows = executed("your_own_video").table("nothing-table")
    assert [row[0] for row in rows] == ["grey", "noise", "stripes", "one frame"]
    nothing = [row for row in rows if row[0] != "one frame"]  # which shows an action
    loudest = max(int(chance.removesuffix("%")) for row in nothing for chance in row[-2:])
    assert f"{loudest}%. Equal shares would be 25%" in executed("your_own_video").closing


def test_own_video_notebook_shows_the_probabilities_that_the_runs_hold(executed, predicted):
    shown, model = {}, ""
    for row in executed("your_own_video").table("confidence"):
        model, kind = row[:2] if len(row) == 5 else (model, row[0])
        shown[model, kind] = row[-3:]
    for name in ("frame-finetuned", "convgru-finetuned"):
        found = predicted(name)
        top, right = found.probabilities.max(axis=1), found.y_pred == found.y_true
        for kind, held in (("right", top[right]), ("wrong", top[~right])):
            if len(held):
                expected = [f"{len(held)}", f"{np.median(held):.0%}", f"{(held > 0.9).mean():.0%}"]
                assert shown[name, kind] == expected


def test_own_video_notebook_watches_as_the_runs_were_tested(executed, run_of, index):
    """With as many frames as the test took, the share of right predictions is that of the run."""
    chosen = np.linspace(0, len(index.split(1)[2]) - 1, 24).round().astype(int)
    (row,) = [row for row in executed("your_own_video").table("pace") if row[0] == "4"]
    for name, share in zip(("frame-finetuned", "convgru-finetuned"), row[1:], strict=True):
        run = run_of(name)
        assert run.streams()["rgb"].at_test == Uniform(4)
        right = run.predictions.y_pred == run.predictions.y_true
        assert share == f"{right[chosen].mean():.0%}"


def test_label_notebook_finds_no_agreement_on_stills_and_no_result_in_always_no(executed):
    notebook = executed("what_does_a_label_cost")
    rows = {row[0]: row for row in notebook.table("kappa")}
    assert rows["clips"][1:6] == ["invented", "20", "100%", "1.00", "1.00"]
    assert rows["stills"][3:6] == ["50%", "0.00", "0.00"]
    always_no = notebook.table("rare")[0]
    assert always_no[0] == "always no"
    assert float(always_no[1].rstrip("%")) == pytest.approx(95, abs=1)
    assert always_no[2:] == ["50.0%", "0.0%"]


def test_label_notebook_finds_planted_labels_before_others(executed):
    found = {row[0]: row[1:] for row in executed("what_does_a_label_cost").table("search-table")}
    assert list(found) == ["random", "twin"]
    for numbers in found.values():
        precision, recall = (float(numbers[place].rstrip("%")) for place in (0, 2))
        assert precision > 15  # looking at random finds a tenth
        assert recall > 30  # and a fifth


def test_papermill_alone_runs_a_notebook_from_any_folder(course, tmp_path):
    command = [sys.executable, "-m", "papermill", str(FOLDER / "02_dataset_and_splits.ipynb")]
    ended = subprocess.run(
        [*command, "out.ipynb", "-p", "profile", "smoke", "--no-progress-bar"],
        cwd=tmp_path,
        env={**os.environ, "VIDLAB_QUIET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "100 clips of 4 actions" in Executed(tmp_path / "out.ipynb").closing


def test_in_jupyterlab_a_mistake_is_followed_to_where_the_model_looked(
    browser, course, predicted, tmp_path
):
    """Notebook 05 by hand, its results being there; tests/browser looks at every explorer."""
    path = FOLDER / "08_frame_models.ipynb"
    text = path.read_text(encoding="utf-8")
    small = text.replace('profile: str = \\"quick\\"', 'profile: str = \\"smoke\\"')
    assert small != text
    (tmp_path / path.name).write_text(small, encoding="utf-8")
    worst = evaluation.most_confused(predicted("frame-finetuned")).iloc[0]
    with driver.serving(tmp_path) as address:
        page = driver.Page(browser, address, path.name)
        page.run_all()
        page.wait_until_idle()
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
        page.screenshot("notebook-04")
        assert page.complaints() == []
        page.page.close()
