"""Several sets of predictions side by side: paired tests, leaderboard, reports, motion, maps."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vidlab import evaluation
from vidlab.errors import MetricError
from vidlab.evaluation import ALL_PAIRS
from vidlab.evaluation.predictions import FramePredictions, Predictions
from vidlab.recipes import Published


def with_labels(y_true, y_pred, *, classes=("A", "B", "C"), groups=None, ids=None):
    """Make predictions that say exactly `y_pred`; every video is a group of its own unless told."""
    return Predictions(
        video_ids=[f"v{number}" for number in range(len(y_true))] if ids is None else ids,
        groups=[f"g{number}" for number in range(len(y_true))] if groups is None else groups,
        y_true=y_true,
        probabilities=np.eye(len(classes))[np.asarray(y_pred, dtype=int)],
        classes=list(classes),
    )


def of_hits(right, **options):
    """Make predictions of videos of class A that are right where `right` says so."""
    right = np.asarray(right, dtype=bool)
    return with_labels(np.zeros(len(right), dtype=int), np.where(right, 0, 1), **options)


def random_pair(*, videos=60, groups=4, classes=3, seed=0):
    """Make two sets of predictions of the same videos, the second one better."""
    draw = np.random.default_rng(seed)
    y_true = draw.integers(0, classes, videos)
    names = [chr(65 + place) for place in range(classes)]
    options = {"groups": draw.integers(0, groups, videos).astype(str), "classes": names}

    def answers(skill):
        return np.where(draw.random(videos) < skill, y_true, draw.integers(0, classes, videos))

    return with_labels(y_true, answers(0.2), **options), with_labels(
        y_true, answers(0.6), **options
    )


def cluster_sums(a, b):
    """Add up, cluster by cluster, the videos only `b` is right about less those only `a` is."""
    sums = {}
    for label, group, one, other in zip(a.y_true, a.groups, a.y_pred, b.y_pred, strict=True):
        gain = int(other == label) - int(one == label)
        sums[label, group] = sums.get((label, group), 0) + gain
    return list(sums.values())


def reorder(predicted, order):
    """Put the videos into another order."""
    return replace(
        predicted,
        video_ids=predicted.video_ids[order],
        groups=predicted.groups[order],
        y_true=predicted.y_true[order],
        probabilities=predicted.probabilities[order],
    )


def test_mcnemar_agrees_with_tossing_all_coins():
    only_a, only_b = 2, 7
    tosses = list(itertools.product((-1, 1), repeat=only_a + only_b))
    as_far = sum(abs(sum(toss)) >= only_b - only_a for toss in tosses)
    a, b = of_hits([True] * 2 + [False] * 7), of_hits([False] * 2 + [True] * 7)
    assert evaluation.mcnemar(a, b) == pytest.approx(as_far / len(tosses))


@pytest.mark.parametrize("seed", range(8))
def test_sign_flip_agrees_with_trying_all_signs(seed):
    a, b = random_pair(seed=seed)
    sums = cluster_sums(a, b)
    assert len(sums) <= 12
    flips = [
        abs(sum(sign * one for sign, one in zip(signs, sums, strict=True))) >= abs(sum(sums))
        for signs in itertools.product((-1, 1), repeat=len(sums))
    ]
    assert evaluation.sign_flip(a, b) == pytest.approx(np.mean(flips))
    assert evaluation.sign_flip(b, a) == pytest.approx(np.mean(flips))


def test_sign_flip_over_many_clusters_agrees_with_random_signs():
    a, b = random_pair(videos=900, groups=60, seed=3)
    keep = np.arange(900) % 3 != 0  # leave the better one a small lead only
    b = replace(b, probabilities=np.where(keep[:, None], a.probabilities, b.probabilities))
    a = replace(a, probabilities=np.roll(a.probabilities, 1, axis=0))
    sums = np.array(cluster_sums(a, b))
    signs = np.random.default_rng(1).choice([-1, 1], size=(20_000, len(sums)))
    expected = np.mean(np.abs(signs @ sums) >= abs(sums.sum()))
    assert len(sums) > 100
    assert evaluation.sign_flip(a, b) == pytest.approx(expected, abs=0.012)


def test_repeated_evidence_convinces_mcnemar_but_not_sign_flip():
    right_a, right_b = [True, False, False, False], [False, True, True, True]
    groups = ["g1", "g2", "g3", "g4"]
    once = [of_hits(right, groups=groups) for right in (right_a, right_b)]
    often = [of_hits(right * 10, groups=groups * 10) for right in (right_a, right_b)]
    assert evaluation.sign_flip(*often) == pytest.approx(evaluation.sign_flip(*once))
    assert evaluation.mcnemar(*often) < 0.01 < evaluation.mcnemar(*once)


def test_models_that_never_disagree_do_not_differ():
    a, _ = random_pair()
    assert evaluation.mcnemar(a, a) == evaluation.sign_flip(a, a) == 1
    row = evaluation.compare({"one": a, "same": a}).iloc[0]
    assert row[["difference", "low", "high", "only_a", "only_b"]].tolist() == [0, 0, 0, 0, 0]


def test_comparison_counts_who_alone_is_right():
    a, b = random_pair(videos=150)
    table = evaluation.compare({"poor": a, "good": b})
    row = table.iloc[0]
    right_a, right_b = a.y_pred == a.y_true, b.y_pred == b.y_true
    assert (row["a"], row["b"], row["videos"]) == ("poor", "good", 150)
    assert row["clusters"] == len(set(zip(a.y_true.tolist(), a.groups.tolist(), strict=True)))
    assert row["only_a"] == np.sum(right_a & ~right_b)
    assert row["only_b"] == np.sum(right_b & ~right_a)
    assert row["accuracy_a"] == pytest.approx(right_a.mean())
    assert row["accuracy_b"] == pytest.approx(right_b.mean())
    assert row["difference"] == pytest.approx(right_b.mean() - right_a.mean())
    assert row["mcnemar_p"] == evaluation.mcnemar(a, b)
    assert row["sign_flip_p"] == row["holm_p"] == evaluation.sign_flip(a, b)


def test_interval_of_a_difference_is_that_of_paired_gains():
    a, b = random_pair(videos=150, groups=5, seed=2)
    gain = (b.y_pred == b.y_true).astype(int) - (a.y_pred == a.y_true)
    clusters = np.unique(np.char.add(a.y_true.astype(str), a.groups), return_inverse=True)[1]
    paired = evaluation.bootstrap(gain, clusters, repeats=4000, level=0.9)
    row = evaluation.compare({"a": a, "b": b}, repeats=4000, level=0.9).iloc[0]
    assert [row["low"], row["high"]] == pytest.approx([paired.low, paired.high], abs=0.015)


def test_all_pairs_are_compared_or_one_with_each_other():
    a, b = random_pair()
    predicted = {"x": a, "y": b, "z": a}
    table = evaluation.compare(predicted)
    assert table[["a", "b"]].values.tolist() == [["x", "y"], ["x", "z"], ["y", "z"]]
    table = evaluation.compare(predicted, against="y")
    assert table[["a", "b"]].values.tolist() == [["y", "x"], ["y", "z"]]


def test_p_values_are_corrected_for_their_number():
    draw = np.random.default_rng(0)
    predicted = {
        name: of_hits(draw.random(40) < skill)
        for name, skill in zip("wxyz", (0.2, 0.4, 0.5, 0.9), strict=True)
    }
    table = evaluation.compare(predicted).sort_values("sign_flip_p")
    running, expected = 0.0, []
    for place, p_value in enumerate(table["sign_flip_p"]):
        running = max(running, min(1.0, (6 - place) * p_value))
        expected.append(running)
    assert table["holm_p"].tolist() == pytest.approx(expected)


def test_the_order_of_the_videos_does_not_matter():
    a, b = random_pair()
    shuffled = reorder(b, np.random.default_rng(7).permutation(len(b)))
    pd.testing.assert_frame_equal(
        evaluation.compare({"a": a, "b": b}), evaluation.compare({"a": a, "b": shuffled})
    )
    pd.testing.assert_frame_equal(
        evaluation.class_deltas(a, b), evaluation.class_deltas(a, shuffled)
    )


def test_top_five_can_be_compared_where_there_are_ten_classes():
    a, b = random_pair(classes=10)
    # A one-hot answer fills up with the first classes: a hit among five is the answer or A to D.
    row = evaluation.compare({"a": a, "b": b}, k=5).iloc[0]
    assert row["accuracy_a"] == pytest.approx(evaluation.top_k(a, 5))
    few, other = random_pair(classes=4)
    with pytest.raises(MetricError, match="at least 10 classes"):
        evaluation.compare({"a": few, "b": other}, k=5)


def test_other_videos_or_labels_cannot_be_compared():
    a, _ = random_pair(videos=4)
    with pytest.raises(
        MetricError, match=r"4 of one and 4 of two.*in 2, such as other.*same split"
    ):
        evaluation.compare({"one": a, "two": replace(a, video_ids=["v0", "v1", "v2", "other"])})
    with pytest.raises(MetricError, match="each once"):
        evaluation.compare({"one": a, "two": reorder(a, [0, 1, 2, 3, 3])})
    with pytest.raises(MetricError, match="other labels or classes in two than in one"):
        evaluation.compare({"one": a, "two": replace(a, y_true=(a.y_true + 1) % 3)})
    with pytest.raises(MetricError, match="other labels or classes"):
        evaluation.compare({"one": a, "two": replace(a, classes=["A", "C", "B"])})


@pytest.mark.parametrize("options", [{}, {"against": "nobody"}], ids=["one model", "unknown"])
def test_a_comparison_takes_two(options):
    a, b = random_pair()
    with pytest.raises(MetricError, match="two models or more"):
        evaluation.compare({"a": a, "b": b} if options else {"a": a}, **options)


def test_class_deltas_come_with_their_own_groups():
    groups = ["g1", "g1", "g2", "g3", "g1", "g2"]
    a = with_labels([0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1], groups=groups)
    b = with_labels([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 1], groups=groups)
    table = evaluation.class_deltas(a, b)
    assert list(table.index) == ["A", "B"]  # C has no videos
    assert table["videos"].tolist() == [4, 2]
    assert table["groups"].tolist() == [3, 2]
    assert table["accuracy_a"].tolist() == [0.25, 1]
    assert table["accuracy_b"].tolist() == [0.75, 0.5]
    assert table["delta"].tolist() == [0.5, -0.5]
    assert (table["low"] <= table["delta"]).all()
    assert (table["delta"] <= table["high"]).all()
    assert list(evaluation.class_deltas(b, a).index) == ["B", "A"]


def test_a_class_of_one_group_has_a_delta_without_an_interval():
    table = evaluation.class_deltas(
        of_hits([True, False], groups=["g1", "g1"]), of_hits([True, True], groups=["g1", "g1"])
    )
    assert table.loc["A", "delta"] == 0.5
    assert table.loc["A", ["low", "high"]].isna().all()


def quoted(top1, top5=None):
    return Published(top1, top5)


def test_leaderboard_keeps_measured_and_published_apart():
    a, b = random_pair(classes=12)
    metrics = {"good": {"parameters": 7, "training_seconds": 2.5, "model_bytes": 3_500_000}}
    table = evaluation.leaderboard(
        {"poor": a, "good": b},
        dataset="Pantomime",
        metrics=metrics,
        published={"good": quoted(68.2, 87.2), "poor": quoted(57.41)},
    )
    assert list(table.index) == ["good", "poor"]
    assert set(table.columns.get_level_values(0)) == {"measured, Pantomime", "published, UCF-101"}
    measured, published = table["measured, Pantomime"], table["published, UCF-101"]
    for name, predicted in (("poor", a), ("good", b)):
        for k in (1, 5):
            sure = evaluation.interval(predicted, metric=f"top{k}")
            found = measured.loc[name, [f"top{k}", f"top{k}_low", f"top{k}_high"]]
            assert found.tolist() == pytest.approx([sure.estimate, sure.low, sure.high])
    assert measured["videos"].tolist() == [60, 60]
    assert measured.loc["good", ["parameters", "training_seconds", "megabytes"]].tolist() == [
        7,
        2.5,
        3.5,
    ]
    assert math.isnan(measured.loc["good", "feature_seconds"])
    assert measured.loc["poor", ["parameters", "megabytes"]].isna().all()
    assert published.loc["good"].tolist() == pytest.approx([0.682, 0.872])
    assert published.loc["poor", "top1"] == pytest.approx(0.5741)
    assert math.isnan(published.loc["poor", "top5"])


def test_leaderboard_leaves_top_five_out_below_ten_classes():
    a, b = random_pair(classes=9)
    table = evaluation.leaderboard(
        {"a": a, "own": b}, dataset="mine", published={"a": quoted(1, 2)}
    )
    assert not [name for _, name in table.columns if name.startswith("top5")]
    assert math.isnan(table.loc["own", ("published, UCF-101", "top1")])


def test_a_leaderboard_is_about_the_same_videos():
    with pytest.raises(MetricError, match="same videos"):
        evaluation.leaderboard(
            {"a": of_hits([True]), "b": of_hits([True, True])}, dataset="Pantomime"
        )


def test_a_leaderboard_takes_one_model_at_least():
    with pytest.raises(MetricError, match="Train first"):
        evaluation.leaderboard({}, dataset="Pantomime")


def report(**measures):
    return pd.DataFrame.from_dict(measures, orient="index", columns=["precision", "recall", "f1"])


def test_reports_are_counted_by_number_and_by_class():
    a = report(
        P=[0.5, 0.5, 0.5],
        Q=[0.5, 0.5, 0.5],
        R=[0.5, 0.5, 0.5],
        S=[0.5, 0.5, 0.5],
        T=[0.5, 0.5, 0.5],
    )
    b = report(
        T=[0.4, 0.6, 0.5],  # one higher, one lower
        P=[0.6, 0.6, 0.6],  # all higher
        Q=[0.5, 0.5, 0.6],  # none lower
        R=[0.5, 0.5, 0.5],  # all equal
        S=[0.1, 0.5, 0.1],  # none higher
    ).assign(support=9)
    assert evaluation.compare_reports(a, b).to_dict() == {
        "a_higher": 3,
        "b_higher": 5,
        "equal": 7,
        "classes_b_any_higher": 3,
        "classes_b_all_at_least_one_higher": 2,
        "classes_b_all_higher": 1,
        "classes_all_equal": 1,
    }


def test_upper_and_lower_case_do_not_part_classes():
    counts = evaluation.compare_reports(report(SkiJet=[1, 0, 1]), report(Skijet=[0, 0, 2]))
    assert counts[["a_higher", "b_higher", "equal"]].tolist() == [1, 1, 1]
    with pytest.raises(MetricError, match="twice"):
        evaluation.compare_reports(report(A=[1, 1, 1], a=[1, 1, 1]), report(A=[1, 1, 1]))


def test_averages_of_a_report_are_no_classes():
    a, b = (evaluation.report(predicted) for predicted in random_pair())
    counts = evaluation.compare_reports(a, b)
    assert counts[["a_higher", "b_higher", "equal"]].sum() == 3 * 3


def test_published_reports_give_the_published_counts(shared):
    table = pd.read_csv(shared / "published" / "chiche2019_per_class.csv", index_col="class_name")
    inception = table[table["features"] == "inceptionv3"]
    mobilenet = table[table["features"] == "mobilenetv2-quantized"]
    counts = evaluation.compare_reports(inception, mobilenet)
    assert counts.tolist() == [157, 109, 37, 54, 23, 15, 7]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (report(A=[1, 1, 1], B=[1, 1, 1]), "2 and 1 classes, with b"),
        (report(A=[1, 1, 1]).drop(columns="f1"), "precision, recall, f1 in report a"),
        (report(A=[1, math.nan, 1]), "empty cell"),
        (pd.concat([report(A=[1, 1, 1])] * 2), "twice"),
    ],
    ids=["other classes", "no f1", "gap", "twice"],
)
def test_unfit_reports_are_refused(other, message):
    with pytest.raises(MetricError, match=message):
        evaluation.compare_reports(other, report(A=[1, 1, 1]))


CLASSES = ("Open", "Close", "Jump")
PAIRS = [("Open", "Close"), ("Sit", "Stand")]
TRUE = [0, 0, 0, 1, 1, 2]


def test_cost_is_the_accuracy_lost_against_normal_order():
    probe = evaluation.motion_probe(
        with_labels(TRUE, [0, 0, 1, 1, 1, 2], classes=CLASSES),
        reversed=with_labels(TRUE, [1, 1, 0, 0, 0, 2], classes=CLASSES),
        frozen=with_labels(TRUE, [0, 0, 0, 2, 2, 2], classes=CLASSES),
    )
    assert list(probe.per_class.index) == list(CLASSES)
    assert probe.per_class["videos"].tolist() == [3, 2, 1]
    assert probe.per_class["normal"].tolist() == pytest.approx([2 / 3, 1, 1])
    assert probe.per_class["reversed"].tolist() == pytest.approx([1 / 3, 1, 0])
    assert probe.per_class["frozen"].tolist() == pytest.approx([-1 / 3, 1, 0])
    assert list(probe.overall.index) == ["normal", "reversed", "frozen"]
    assert probe.overall["accuracy"].tolist() == pytest.approx([5 / 6, 2 / 6, 4 / 6])
    assert probe.overall["cost"].iloc[1:].tolist() == pytest.approx([3 / 6, 1 / 6])
    low, high = probe.overall.loc["reversed", ["low", "high"]]
    assert low < 0.5 < high
    assert len(probe.flips) == 0
    assert str(probe) == (
        "83.3% in normal order; reversed costs 50.0 points; frozen costs 16.7 points"
    )


def test_reversing_turns_right_answers_into_the_twin():
    normal = with_labels(TRUE, [0, 0, 1, 1, 1, 2], classes=CLASSES)
    after = with_labels(TRUE, [1, 0, 1, 0, 2, 0], classes=CLASSES)
    flips = evaluation.motion_probe(normal, reversed=after, pairs=PAIRS).flips
    assert list(flips.index) == ["Open → Close", "Close → Open", ALL_PAIRS]
    # The third video (wrong in normal order) and Jump are not counted.
    assert flips["videos"].tolist() == [2, 2, 4]
    assert flips["to_twin"].tolist() == [0.5, 0.5, 0.5]
    assert flips["unchanged"].tolist() == [0.5, 0, 0.25]
    assert flips["elsewhere"].tolist() == [0, 0.5, 0.25]


def test_an_order_blind_model_pays_nothing_and_flips_nothing():
    predicted = with_labels(TRUE, [0, 1, 0, 1, 0, 2], classes=CLASSES)
    probe = evaluation.motion_probe(predicted, reversed=predicted, shuffled=predicted, pairs=PAIRS)
    assert (probe.per_class[["reversed", "shuffled"]] == 0).all(axis=None)
    assert probe.flips.loc[ALL_PAIRS, ["to_twin", "unchanged"]].tolist() == [0, 1]


def test_where_nothing_was_right_nothing_can_flip():
    wrong = with_labels([0, 1], [1, 1], classes=CLASSES)
    flips = evaluation.motion_probe(wrong, reversed=wrong, pairs=PAIRS).flips
    assert flips.loc["Open → Close", "videos"] == 0
    assert math.isnan(flips.loc["Open → Close", "to_twin"])


def test_normal_order_alone_is_only_described():
    probe = evaluation.motion_probe(with_labels(TRUE, TRUE, classes=CLASSES), pairs=PAIRS)
    assert list(probe.overall.index) == ["normal"]
    assert len(probe.flips) == 0
    assert str(probe) == "100.0% in normal order"


def test_frames_of_a_probe_may_differ():
    """Frozen and normal videos are looked at in other frames; only whole videos are compared."""
    normal = with_labels(TRUE, TRUE, classes=CLASSES)
    frames = FramePredictions(video=[0], frame=[3], probabilities=[[1, 0, 0]])
    probe = evaluation.motion_probe(normal, frozen=replace(normal, frames=frames))
    assert (probe.per_class["frozen"] == 0).all()


def blobs(*, clusters=5, each=12, features=80, seed=0):
    draw = np.random.default_rng(seed)
    centres = 20 * draw.normal(size=(clusters, features))
    return np.repeat(centres, each, axis=0) + draw.normal(size=(clusters * each, features))


def test_neighbours_stay_neighbours_on_the_map():
    points = evaluation.tsne(blobs())
    assert points.shape == (60, 2)
    assert points.dtype == np.float32
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) // 12 == np.arange(60) // 12).all()


def test_the_same_seed_draws_the_same_map():
    features = blobs()
    once, again = (evaluation.tsne(features, seed=1) for _ in range(2))
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("shape", [(4, 3), (30, 1)], ids=["few videos", "one feature"])
def test_small_collections_have_a_map(shape):
    points = evaluation.tsne(np.random.default_rng(0).normal(size=shape))
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((3, 8)), "at least four videos"),
        (np.zeros((5, 4, 8)), r"shape \(5, 4, 8\)"),
        (np.full((5, 8), np.nan), "NaN"),
    ],
    ids=["three videos", "frames", "not a number"],
)
def test_a_map_needs_one_vector_a_video(features, message):
    with pytest.raises(ValueError, match=message):
        evaluation.tsne(features)
