"""Accuracy, confusion, intervals, paired tests, leaderboards and motion."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from vidlab import evaluation
from vidlab.data.index import ReversedPair
from vidlab.errors import MetricError
from vidlab.evaluation import CYCLIC, END_STATE
from vidlab.evaluation.predictions import FramePredictions, Predictions, aggregate


def names_of(classes):
    return [chr(65 + index) if index < 26 else f"Z{index}" for index in range(classes)]


def with_probabilities(y_true, probabilities, *, classes="ABC", groups=None, start=0):
    """Make predictions; every video is a group of its own unless told."""
    videos = range(start, start + len(y_true))
    groups = [f"g{number}" for number in videos] if groups is None else groups
    ids = [f"v{number}" for number in videos]
    return Predictions(ids, groups, y_true, probabilities, list(classes))


def with_labels(y_true, y_pred, *, classes="ABC", **options):
    """Make predictions of exactly the classes `y_pred`."""
    one_hot = np.eye(len(classes))[np.asarray(y_pred, dtype=int)]
    return with_probabilities(y_true, one_hot, classes=classes, **options)


def make(*, classes=12, videos=120, groups=5, skill=1.5, seed=0, start=0):
    """Make predictions that are often right; classes are named A, B, …; groups g01, g02, …"""
    draw = np.random.default_rng(seed)
    y_true = draw.integers(0, classes, videos)
    logits = draw.normal(size=(videos, classes))
    logits[np.arange(videos), y_true] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"g{1 + draw.integers(groups):02d}" for _ in range(videos)]
    options = {"classes": names_of(classes), "groups": names, "start": start}
    return with_probabilities(y_true, probabilities, **options)


def of_hits(right, **options):
    """Make predictions of videos of class A that are right where `right` says so."""
    right = np.asarray(right, dtype=bool)
    return with_labels(np.zeros(len(right), dtype=int), np.where(right, 0, 1), **options)


def of_frames(frames, y_true, *, start=0):
    """Make predictions of frames of the classes A and B."""
    whole = with_probabilities(y_true, aggregate(frames), classes="AB", start=start)
    return replace(whole, frames=frames)


def random_pair(*, videos=60, groups=4, classes=3, seed=0):
    """Make two sets of predictions of the same videos, the second one better."""
    draw = np.random.default_rng(seed)
    y_true = draw.integers(0, classes, videos)
    named = draw.integers(0, groups, videos).astype(str)

    def predictions(skill):
        y_pred = np.where(draw.random(videos) < skill, y_true, draw.integers(0, classes, videos))
        return with_labels(y_true, y_pred, groups=named, classes=names_of(classes))

    return predictions(0.2), predictions(0.6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_agrees_with_scikit_learn(k):
    predicted = make()
    expected = metrics.top_k_accuracy_score(
        predicted.y_true, predicted.probabilities, k=k, labels=np.arange(12)
    )
    assert evaluation.top_k(predicted, k) == pytest.approx(expected)


@given(st.lists(st.lists(st.sampled_from([0, 0.25, 0.5]), min_size=6, max_size=6), min_size=1))
def test_where_classes_tie_the_first_one_goes_first(chances):
    predicted = with_probabilities(np.arange(len(chances)) % 6, chances, classes="ABCDEF")
    for k in (1, 3):
        best = [sorted(range(6), key=lambda c, row=row: -row[c])[:k] for row in chances]
        right = [true in first for true, first in zip(predicted.y_true, best, strict=True)]
        assert evaluation.top_k(predicted, k) == pytest.approx(np.mean(right))


def test_what_is_not_a_number_is_never_right():
    predicted = with_labels([0, 0, 1], [0, 0, 0])
    predicted.probabilities[1] = np.nan
    assert evaluation.top_k(predicted) == pytest.approx(1 / 3)


def test_top_k_of_chosen_classes_counts_their_videos_only():
    predicted = make()
    right = predicted.y_pred == predicted.y_true
    chosen = [hit for hit, true in zip(right, predicted.y_true, strict=True) if true in (1, 3)]
    assert evaluation.top_k(predicted, classes=["D", "B"]) == pytest.approx(np.mean(chosen))
    assert np.isnan(evaluation.top_k(predicted, classes=[]))


def test_top_five_is_left_out_below_ten_classes():
    few, enough = make(classes=9), make(classes=10)
    assert "top5" not in evaluation.per_class(few)
    assert {"top1", "top5"} <= set(evaluation.per_class(enough))
    assert list(evaluation.top_ks(few)) == ["top1"]
    assert list(evaluation.top_ks(enough)) == ["top1", "top5"]
    with pytest.raises(MetricError, match="at least 10 classes"):
        evaluation.top_k(few, 5)
    with pytest.raises(ValueError, match="at least 10 classes"):
        evaluation.interval(few, 5)


def test_frame_accuracy_counts_frames():
    frames = FramePredictions(
        video=[0, 0, 0, 1], frame=[0, 1, 2, 0], probabilities=np.eye(2)[[0, 1, 0, 0]]
    )
    predicted = of_frames(frames, [0, 1])
    assert evaluation.top_k(predicted, per="frame") == 2 / 4
    assert evaluation.top_k(predicted) == 1 / 2
    with pytest.raises(MetricError, match="single frames"):
        evaluation.top_k(make(), per="frame")


def test_tables_count_frames_where_frames_are_asked_for():
    predicted = of_frames(
        FramePredictions([0, 0, 0, 1, 2], [0, 1, 2, 0, 0], np.eye(2)[[0, 1, 0, 0, 1]]), [0, 1, 0]
    )
    table = evaluation.per_class(predicted, per="frame")
    assert table["support"].tolist() == [4, 1]
    assert table["top1"].tolist() == [2 / 4, 0]
    counts = evaluation.confusion(predicted, normalise=False, per="frame")
    assert counts.to_numpy().tolist() == [[2, 2], [1, 0]]
    bounds = evaluation.per_class(predicted, per="frame").loc["A"]
    assert bounds[["support", "groups", "top1"]].tolist() == [4, 2, 2 / 4]
    assert (bounds["top1_low"], bounds["top1_high"]) == (0, pytest.approx(2 / 3))
    for table in (evaluation.per_class, evaluation.confusion):
        pd.testing.assert_frame_equal(table(predicted, per="video"), table(predicted))


def test_models_that_look_at_different_frames_are_compared_by_the_shares_of_each_video():
    two = of_frames(FramePredictions([0, 0, 1, 1], [0, 9] * 2, np.eye(2)[[0, 1, 0, 0]]), [0, 0])
    three = FramePredictions([0, 0, 0, 1, 1, 1], [0, 5, 9] * 2, np.eye(2)[[0, 0, 0, 1, 1, 0]])
    three = reorder(of_frames(three, [0, 0]), [1, 0])
    three = replace(three, frames=replace(three.frames, video=1 - three.frames.video))
    row = evaluation.class_deltas(two, three, per="frame").loc["A"]
    assert row["accuracy_a"] == pytest.approx((1 / 2 + 1) / 2)
    assert row["accuracy_b"] == pytest.approx((1 + 1 / 3) / 2)
    assert row["low"] == pytest.approx(1 / 3 - 1)
    assert row["high"] == pytest.approx(1 - 1 / 2)


@pytest.mark.parametrize("normalise", [False, True], ids=["counts", "shares"])
def test_confusion_agrees_with_scikit_learn(normalise):
    predicted = make()
    expected = metrics.confusion_matrix(
        predicted.y_true,
        predicted.y_pred,
        labels=np.arange(12),
        normalize="true" if normalise else None,
    )
    table = evaluation.confusion(predicted, normalise=normalise)
    np.testing.assert_allclose(table, expected)
    assert list(table.index) == list(table.columns) == predicted.classes
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_a_class_without_videos_has_no_accuracy_no_shares_and_no_interval():
    predicted = with_labels([0, 0], [0, 1], groups=["g1", "g1"], classes="AB")
    shares = evaluation.per_class(predicted)[["support", "top1"]]
    assert shares.loc["A"].tolist() == [2, 0.5]
    assert shares.loc["B"].isna().tolist() == [False, True]
    assert evaluation.confusion(predicted).loc["B"].isna().all()
    assert evaluation.confusion(predicted, normalise=False).loc["B"].tolist() == [0, 0]
    table = evaluation.per_class(predicted)
    assert table["groups"].tolist() == [1, 0]
    assert table[["top1_low", "top1_high"]].isna().all(axis=None)
    found = evaluation.interval(predicted)
    assert np.isnan([found.low, found.high]).all()
    assert str(found) == "50.0% (no interval: one group a class)"


def test_report_agrees_with_scikit_learn_and_is_zero_where_nothing_was_predicted():
    predicted = make(skill=0.7)
    table = evaluation.report(predicted)
    assert list(table.index) == [*predicted.classes, "macro average", "weighted average"]
    assert list(table) == ["precision", "recall", "f1", "support"]
    score = metrics.precision_recall_fscore_support
    expected = score(predicted.y_true, predicted.y_pred, labels=np.arange(12), zero_division=0)
    np.testing.assert_allclose(table.iloc[:12], np.transpose(expected))
    for name, average in (("macro average", "macro"), ("weighted average", "weighted")):
        expected = score(predicted.y_true, predicted.y_pred, average=average, zero_division=0)[:3]
        np.testing.assert_allclose(table.loc[name].iloc[:3], expected)
    table = evaluation.report(with_labels([0, 1, 1], [0, 0, 0]))
    assert (table.loc[["B", "C"], ["precision", "recall", "f1"]] == 0).all(axis=None)


def test_most_confused_pairs_come_first():
    predicted = with_labels([0, 0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 1, 2, 2, 2, 1, 2, 0])
    table = evaluation.most_confused(predicted)
    assert table.values.tolist() == [
        ["B", "C", 2, pytest.approx(2 / 3)],
        ["A", "B", 2, pytest.approx(2 / 4)],
        ["C", "A", 1, pytest.approx(1 / 2)],
        ["A", "C", 1, pytest.approx(1 / 4)],
    ]
    assert len(evaluation.most_confused(predicted, 2)) == 2
    assert evaluation.most_confused(with_labels([0, 1], [0, 1])).empty


def clusters_of(predicted):
    """Number the clusters of class and group, where there are no reversed pairs."""
    names = np.char.add(predicted.y_true.astype(str), predicted.groups)
    return np.unique(names, return_inverse=True)[1]


def test_interval_is_a_bootstrap_over_groups_within_each_class():
    predicted = make(classes=3, videos=150, groups=6)
    right, clusters = predicted.y_pred == predicted.y_true, clusters_of(predicted)
    draw, means = np.random.default_rng(5), np.zeros(4000)
    for label in range(3):
        own = predicted.y_true == label
        parts = [right[clusters == number] for number in np.unique(clusters[own])]
        for repeat in range(len(means)):
            chosen = draw.integers(len(parts), size=len(parts))
            mean = np.concatenate([parts[number] for number in chosen]).mean()
            means[repeat] += own.mean() * mean
    found = evaluation.interval(predicted)
    assert [found.low, found.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)
    assert found.estimate == pytest.approx(evaluation.top_k(predicted))
    assert found.clusters == clusters.max() + 1
    assert f"{found.clusters} clusters" in str(found)
    assert evaluation.interval(predicted) == found


def test_a_class_always_right_beside_one_always_wrong_has_no_width():
    """How many videos a class has is the dataset's choice; drawn at random it would vary."""
    split = with_labels([0] * 6 + [1] * 6, [0] * 12, groups=["g1", "g2", "g3"] * 4)
    found = evaluation.interval(split)
    assert (found.low, found.estimate, found.high) == (0.5, 0.5, 0.5)


@given(st.integers(0, 2**32 - 1), st.integers(2, 7))
def test_no_interval_of_an_order_blind_model_passes_its_ceiling(seed, groups):
    """Twins have the same probabilities; groups differ in their number of videos."""
    draw, classes = np.random.default_rng(seed), ["Close", "Jump", "Open", "Sit", "Stand"]
    pairs = [ReversedPair("Open", "Close"), ReversedPair("Sit", "Stand", cyclic=True)]
    rows = []
    for group in range(groups):
        for names in [*pairs, ("Jump",)]:
            for _ in range(draw.integers(1, 4)):
                same = draw.dirichlet(np.full(len(classes), 0.3))
                rows += [(classes.index(name), f"g{group}", same) for name in names]
    y_true, in_groups, probabilities = zip(*rows, strict=True)
    blind = with_probabilities(y_true, probabilities, classes=classes, groups=list(in_groups))
    blind = replace(blind, reversed_pairs=pairs)
    ceiling = evaluation.order_blind_ceiling(blind.y_true, classes, pairs=pairs)
    assert evaluation.interval(blind).high <= ceiling + 1e-9


def test_mcnemar_and_sign_flip_may_disagree_in_either_direction():
    """Six groups gain one video and lose one, six gain one: groups hide what videos cancel."""
    groups = [f"g{number}" for number in range(6) for _ in range(2)]
    groups += [f"g{number}" for number in range(6, 12)]
    before, after = [True, False] * 6 + [False] * 6, [False, True] * 6 + [True] * 6
    a, b = (of_hits(right, groups=groups) for right in (before, after))
    assert evaluation.mcnemar(a, b) == pytest.approx(0.238, abs=1e-3)
    assert evaluation.sign_flip(a, b) == pytest.approx(0.031, abs=1e-3)


def test_twins_of_a_pair_are_one_cluster():
    of_pairs = with_labels(
        [0, 0, 1, 1, 2, 2], [0] * 6, classes=["Open", "Close", "Jump"], groups=["g1", "g2"] * 3
    )
    of_pairs = replace(of_pairs, reversed_pairs=[ReversedPair("Open", "Close")])
    assert evaluation.clusters_of(of_pairs).tolist() == [0, 1, 0, 1, 2, 3]
    assert evaluation.strata_of(of_pairs).tolist() == [0, 0, 0, 0, 2, 2]
    assert evaluation.pool([of_pairs]).reversed_pairs == of_pairs.reversed_pairs


def persons(seed, *, across_classes, people=12, classes=6):
    """Make predictions of one video a person and class; some persons are easier than others."""
    draw = np.random.default_rng(seed)
    easy = draw.beta(0.5, 0.5, people)  # 1/2 on average
    person = np.repeat(np.arange(people), classes)
    y_true = np.tile(np.arange(classes), people)
    y_pred = (y_true + (draw.random(len(y_true)) > easy[person])) % classes
    options = {"classes": names_of(classes), "groups": [f"person{number}" for number in person]}
    return replace(with_labels(y_true, y_pred, **options), across_classes=across_classes)


def test_a_person_in_several_classes_is_one_cluster_and_counts_once():
    """Of eight persons four are always right: eight tosses of a coin, however many videos."""
    right = np.repeat([True, False], 16)
    y_true, groups = np.tile(np.arange(4), 8), np.repeat([f"p{n}" for n in range(8)], 4)
    apart = with_labels(y_true, (y_true + ~right) % 4, classes="ABCD", groups=groups)
    whole = replace(apart, across_classes=True)
    assert evaluation.interval(apart).clusters == 32
    found = evaluation.interval(whole)
    assert found.clusters == 8
    assert evaluation.strata_of(whole).tolist() == [0] * 32
    assert found.high - found.low == pytest.approx(2 * 1.96 * (0.25 / 8) ** 0.5, abs=0.1)
    worse = replace(whole, probabilities=np.eye(4)[(y_true + 1) % 4])
    assert evaluation.sign_flip(worse, whole) == pytest.approx(2 / 2**4)


def test_intervals_over_persons_hold_the_truth_as_often_as_they_say():
    def covered(across_classes):
        found = [evaluation.interval(persons(n, across_classes=across_classes)) for n in range(300)]
        return np.mean([one.low <= 0.5 <= one.high for one in found])

    assert covered(across_classes=False) < 0.75
    assert covered(across_classes=True) > 0.88


def test_persons_of_one_class_each_leave_the_classes_apart():
    whole = with_labels([0, 0, 1, 1, 2, 2], [0] * 6, groups=["p1", "p2", "p2", "p3", "p4", "p5"])
    whole = replace(whole, across_classes=True)
    strata, clusters = evaluation.strata_of(whole), evaluation.clusters_of(whole)
    assert strata.tolist() == [0, 0, 0, 0, 1, 1]
    assert clusters.tolist() == [0, 1, 1, 2, 3, 4]


def test_repeated_evidence_does_not_make_an_interval_narrower():
    once = make(videos=60, groups=20)
    repeated = with_probabilities(
        np.tile(once.y_true, 8),
        np.tile(once.probabilities, (8, 1)),
        groups=np.tile(once.groups, 8),
        classes=once.classes,
    )
    assert evaluation.interval(once) == evaluation.interval(repeated)


def test_intervals_of_classes_are_those_of_each_class_alone():
    predicted = make(classes=10, videos=90, groups=5)
    table, clusters = evaluation.per_class(predicted), clusters_of(predicted)
    right = predicted.y_pred == predicted.y_true
    for label, name in enumerate(predicted.classes):
        own = predicted.y_true == label
        alone = evaluation.bootstrap(right[own], clusters[own])
        found = table.loc[name, ["top1", "top1_low", "top1_high", "groups"]].tolist()
        assert found == [alone.estimate, alone.low, alone.high, alone.clusters]
    few = evaluation.per_class(make(classes=4))
    assert list(few) == ["support", "groups", "top1", "top1_low", "top1_high"]
    assert {"top5", "top5_low", "top5_high"} <= set(table)


@pytest.mark.parametrize(
    ("phases", "losses", "kept"),
    [
        ([1, 1, 1], [0.5, 0.3, 0.4], 1),
        ([1, 1, 2, 2], [0.1, 0.2, 0.4, 0.3], 3),
        ([1, 1, 1], [0.5, 0.3, 0.3], 1),
        ([1, 1], [np.nan, 0.9], 1),
        ([1, 2], [0.4, np.nan], None),
        ([], [], None),
    ],
    ids=["lowest", "last phase", "first of equals", "one unknown", "all unknown", "empty"],
)
def test_the_kept_epoch_has_the_lowest_validation_loss_of_the_last_phase(phases, losses, kept):
    history = pd.DataFrame({"phase": phases, "val_loss": losses})
    assert evaluation.kept_epoch(history) == kept
    assert evaluation.kept_epoch(history.drop(columns="val_loss")) is None
    if len(set(phases)) == 1:
        assert evaluation.kept_epoch(history.drop(columns="phase")) == kept


@pytest.mark.parametrize(
    ("phases", "spans"),
    [
        ([1, 1, 2], [(0, 2), (2, 3)]),
        ([3], [(0, 1)]),
        ([1, 2, 1], [(0, 1), (1, 2), (2, 3)]),
        ([], []),
    ],
    ids=["two", "one", "again", "none"],
)
def test_phases_begin_and_end_where_their_number_changes(phases, spans):
    assert evaluation.phase_spans(pd.DataFrame({"phase": phases})) == spans
    whole = [(0, len(phases))] if phases else []
    assert evaluation.phase_spans(pd.DataFrame({"loss": np.ones(len(phases))})) == whole


def test_pooled_splits_count_every_video_once():
    parts = [make(seed=seed, start=1000 * seed) for seed in range(3)]
    pooled = evaluation.pool(parts)
    assert len(pooled) == 360
    expected = np.mean([evaluation.top_k(part) for part in parts])
    assert evaluation.top_k(pooled) == pytest.approx(expected)
    assert pooled.frames is None


def test_pooled_frames_point_to_their_own_videos():
    def part(start, labels):
        positions, numbers = np.arange(len(labels)), [7] * len(labels)
        frames = FramePredictions(positions, numbers, np.eye(2)[labels])
        return of_frames(frames, labels, start=start)

    pooled = evaluation.pool([part(0, [0, 1, 0]), part(10, [1, 1])])
    assert pooled.frames.video.tolist() == [0, 1, 2, 3, 4]
    assert evaluation.top_k(pooled, per="frame") == 1


PAIRS = [("Open", "Close"), ReversedPair("Sit", "Stand", cyclic=True), ("Lift", "Drop")]


def test_pair_accuracy_among_all_classes_and_within_the_pair():
    predicted = with_probabilities(
        [0, 1, 0, 3, 2],
        [
            [0.6, 0.3, 0.1, 0, 0],  # right
            [0.2, 0.3, 0.5, 0, 0],  # right only within the pair
            [0.3, 0.4, 0.3, 0, 0],  # wrong
            [0, 0, 0, 0.9, 0.1],  # right
            [0, 0, 1.0, 0, 0],  # not in a pair
        ],
        classes=["Open", "Close", "Jump", "Sit", "Stand"],
    )
    table = evaluation.pair_accuracy(predicted, PAIRS)
    assert list(table.index) == ["Open / Close", "Sit / Stand", END_STATE, CYCLIC]
    assert table["videos"].tolist() == [3, 1, 3, 1]
    assert table["among_all"].tolist() == pytest.approx([1 / 3, 1, 1 / 3, 1])
    assert table["within_pair"].tolist() == pytest.approx([2 / 3, 1, 2 / 3, 1])
    sentence = "66.7% (end-state pairs) and 100.0% (cyclic pair)"
    assert evaluation.within_pairs(predicted, PAIRS) == sentence
    assert evaluation.within_pairs(predicted, PAIRS[:1]) == "66.7% (end-state pairs)"
    assert len(evaluation.pair_accuracy(make(), PAIRS)) == 0


def test_twins_with_equal_predictions_score_one_half_within_their_pair():
    rows = np.random.default_rng(0).dirichlet(np.ones(3), size=50)
    twins = with_probabilities(
        np.repeat([0, 1], 50), np.tile(rows, (2, 1)), classes=["Open", "Close", "Jump"]
    )
    assert evaluation.pair_accuracy(twins, PAIRS).loc[END_STATE, "within_pair"] == 0.5


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_ceiling_is_the_others_and_half_of_the_reversed(labels):
    classes = ["Open", "Close", "Jump", "Sit", "Stand"]
    reversed_videos = sum(label != 2 for label in labels)
    others = len(labels) - reversed_videos
    expected = (others + reversed_videos / 2) / len(labels)
    assert evaluation.order_blind_ceiling(labels, classes, pairs=PAIRS) == pytest.approx(expected)
    assert evaluation.order_blind_ceiling([0, 1, 1], ["A", "Open"], pairs=PAIRS) == 1


def test_summary_gives_mean_and_spread_over_runs():
    runs = [
        ("mine", seed, split, make(seed=10 * seed + split)) for seed in (0, 1) for split in (1, 2)
    ]
    runs.append(("other", 0, 1, make(seed=99)))
    table = evaluation.summary(runs)
    accuracies = [np.mean(predicted.y_pred == predicted.y_true) for _, _, _, predicted in runs[:4]]
    assert list(table.index) == ["mine", "other"]
    assert table.loc["mine", ["runs", "seeds", "splits"]].tolist() == [4, 2, 2]
    assert table.loc["mine", "top1"] == pytest.approx(np.mean(accuracies))
    assert table.loc["mine", "top1_spread"] == pytest.approx(np.std(accuracies, ddof=1))
    assert np.isnan(table.loc["other", "top1_spread"])
    assert {"top5", "top5_spread"} <= set(table.columns)
    assert "top5" not in evaluation.summary([("few", 0, 1, make(classes=4))])
    assert len(evaluation.summary([])) == 0


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


@pytest.mark.parametrize("seed", range(4))
def test_sign_flip_agrees_with_trying_all_signs(seed):
    a, b = random_pair(seed=seed)
    sums = cluster_sums(a, b)
    assert len(sums) <= 12
    flips = [
        abs(sum(sign * one for sign, one in zip(signs, sums, strict=True))) >= abs(sum(sums))
        for signs in itertools.product((-1, 1), repeat=len(sums))
    ]
    for pair in ((a, b), (b, a)):
        assert evaluation.sign_flip(*pair) == pytest.approx(np.mean(flips))


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


def test_comparison_counts_who_alone_is_right_and_bounds_the_difference():
    a, b = random_pair(videos=150, groups=5, seed=2)
    row = evaluation.compare({"poor": a, "good": b}).iloc[0]
    right_a, right_b = a.y_pred == a.y_true, b.y_pred == b.y_true
    assert (row["a"], row["b"], row["videos"]) == ("poor", "good", 150)
    assert row["clusters"] == len(set(zip(a.y_true.tolist(), a.groups.tolist(), strict=True)))
    assert row["only_a"] == np.sum(right_a & ~right_b)
    assert row["only_b"] == np.sum(right_b & ~right_a)
    assert row["accuracy_a"] == pytest.approx(right_a.mean())
    assert row["accuracy_b"] == pytest.approx(right_b.mean())
    assert row["difference"] == pytest.approx(right_b.mean() - right_a.mean())
    gains = right_b.astype(int) - right_a
    paired = evaluation.bootstrap(gains, clusters_of(a), strata=a.y_true)
    assert [row["low"], row["high"]] == [paired.low, paired.high]
    assert row["mcnemar_p"] == evaluation.mcnemar(a, b)
    assert row["sign_flip_p"] == row["holm_p"] == evaluation.sign_flip(a, b)


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
    for smaller, p_value in enumerate(table["sign_flip_p"]):
        running = max(running, min(1.0, (6 - smaller) * p_value))
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
    a, b = (of_hits([True, right], groups=["g1", "g1"]) for right in (False, True))
    table = evaluation.class_deltas(a, b)
    assert table.loc["A", "delta"] == 0.5
    assert table.loc["A", ["low", "high"]].isna().all()


def test_leaderboard_puts_the_best_first_and_leaves_empty_what_is_not_known():
    a, b = random_pair(classes=12)
    metrics = {"good": {"parameters": 7, "training_seconds": 2.5, "model_bytes": 3_500_000}}
    measured = evaluation.leaderboard({"poor": a, "good": b}, metrics=metrics)
    assert list(measured.index) == ["good", "poor"]
    for name, predicted in (("poor", a), ("good", b)):
        for k in (1, 5):
            interval = evaluation.interval(predicted, k)
            found = measured.loc[name, [f"top{k}", f"top{k}_low", f"top{k}_high"]]
            assert found.tolist() == pytest.approx([interval.estimate, interval.low, interval.high])
    assert measured["videos"].tolist() == [60, 60]
    assert measured.loc["good", ["parameters", "training_seconds", "megabytes"]].tolist() == [
        7,
        2.5,
        3.5,
    ]
    assert math.isnan(measured.loc["good", "feature_seconds"])
    assert measured.loc["poor", ["parameters", "megabytes"]].isna().all()


def test_tables_of_models_tell_the_kinds_of_pairs_apart():
    pairs = [ReversedPair("A", "B"), ReversedPair("C", "D", cyclic=True)]
    own = replace(make(classes=4), reversed_pairs=pairs)
    inside = evaluation.pair_accuracy(own, pairs)["within_pair"]
    board = evaluation.leaderboard({"own": own})
    spread = evaluation.summary([("own", 0, 1, own), ("own", 1, 1, own)])
    for table in (board, spread):
        assert table.loc["own", END_STATE] == inside[END_STATE]
        assert table.loc["own", CYCLIC] == inside[CYCLIC]
    assert spread.loc["own", f"{CYCLIC}_spread"] == 0
    assert CYCLIC not in evaluation.summary([("own", 0, 1, make(classes=4))])


def test_leaderboard_leaves_top_five_out_below_ten_classes():
    a, b = random_pair(classes=9)
    assert "top5" not in evaluation.leaderboard({"a": a, "own": b})


def report(**measures):
    return pd.DataFrame.from_dict(measures, orient="index", columns=["precision", "recall", "f1"])


def test_reports_are_counted_by_number_and_by_class():
    a = report(**{name: [0.5, 0.5, 0.5] for name in "PQRST"})
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


CLASSES = ("Open", "Close", "Jump")
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


def test_reversing_turns_right_answers_into_the_twin():
    normal = with_labels(TRUE, [0, 0, 1, 1, 1, 2], classes=CLASSES)
    after = with_labels(TRUE, [1, 0, 1, 0, 2, 0], classes=CLASSES)
    flips = evaluation.motion_probe(normal, reversed=after, pairs=PAIRS).flips
    assert list(flips.index) == ["Open → Close", "Close → Open", END_STATE]
    # The third video (wrong in normal order) and Jump are not counted.
    assert flips["videos"].tolist() == [2, 2, 4]
    assert flips["to_twin"].tolist() == [0.5, 0.5, 0.5]
    assert flips["unchanged"].tolist() == [0.5, 0, 0.25]
    assert flips["elsewhere"].tolist() == [0, 0.5, 0.25]


def test_an_order_blind_model_pays_nothing_and_flips_nothing():
    predicted = with_labels(TRUE, [0, 1, 0, 1, 0, 2], classes=CLASSES)
    probe = evaluation.motion_probe(predicted, reversed=predicted, shuffled=predicted, pairs=PAIRS)
    assert (probe.per_class[["reversed", "shuffled"]] == 0).all(axis=None)
    assert probe.flips.loc[END_STATE, ["to_twin", "unchanged"]].tolist() == [0, 1]


def test_where_nothing_was_right_nothing_can_flip():
    wrong = with_labels([0, 1], [1, 1], classes=CLASSES)
    flips = evaluation.motion_probe(wrong, reversed=wrong, pairs=PAIRS).flips
    assert flips.loc["Open → Close", "videos"] == 0
    assert math.isnan(flips.loc["Open → Close", "to_twin"])


def test_normal_order_alone_is_only_described_and_frames_may_differ():
    normal = with_labels(TRUE, TRUE, classes=CLASSES)
    probe = evaluation.motion_probe(normal, pairs=PAIRS)
    assert list(probe.overall.index) == ["normal"]
    assert len(probe.flips) == 0
    frames = FramePredictions(video=[0], frame=[3], probabilities=[[1, 0, 0]])
    probe = evaluation.motion_probe(normal, frozen=replace(normal, frames=frames))
    assert (probe.per_class["frozen"] == 0).all()


ONE_CLASS = report(A=[1, 1, 1])
REFUSED = [
    (evaluation.top_k, [make()], {"classes": ["A", "Nothing"]}, "classes out of A, B, C"),
    (evaluation.interval, [with_probabilities([], np.zeros((0, 3)))], {}, "at least one video"),
    (evaluation.confusion, [make()], {"per": "clip"}, "video or frame"),
    (evaluation.per_class, [make()], {"per": "frame"}, "forwards only"),
    (evaluation.class_deltas, [make(), make()], {"per": "frame"}, "forwards only"),
    (evaluation.pool, [[make(), make(seed=1)]], {}, r"v0 2 times.*different splits"),
    (evaluation.pool, [[make(), make(classes=4, start=500)]], {}, "one dataset"),
    (evaluation.pool, [[]], {}, "none"),
    (evaluation.compare, [{"a": make()}], {}, "two models or more"),
    (evaluation.compare, [{"a": make(), "b": make()}], {"against": "c"}, "two models or more"),
    (evaluation.leaderboard, [{}], {}, "Train first"),
    (evaluation.leaderboard, [{"a": make(), "b": of_hits([1])}], {}, "same videos"),
    (evaluation.compare_reports, [report(A=[1, 1, 1], B=[1, 1, 1]), ONE_CLASS], {}, "2 and 1 cl"),
    (evaluation.compare_reports, [ONE_CLASS.drop(columns="f1"), ONE_CLASS], {}, "f1 in report a"),
    (evaluation.compare_reports, [report(A=[1, math.nan, 1]), ONE_CLASS], {}, "empty cell"),
    (evaluation.compare_reports, [pd.concat([ONE_CLASS] * 2), ONE_CLASS], {}, "twice"),
    (evaluation.compare_reports, [report(A=[1, 1, 1], a=[1, 1, 1]), ONE_CLASS], {}, "twice"),
]


@pytest.mark.parametrize(("function", "given", "options", "message"), REFUSED)
def test_what_cannot_be_computed_is_refused(function, given, options, message):
    with pytest.raises(ValueError, match=message):
        function(*given, **options)
