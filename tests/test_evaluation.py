import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from vidlab import evaluation
from vidlab.errors import MetricError
from vidlab.evaluation import ALL_PAIRS, OTHER
from vidlab.evaluation.predictions import FramePredictions, Predictions, aggregate


def make(*, classes=12, videos=120, groups=5, skill=1.5, seed=0, start=0):
    """Make predictions that are often right; classes are named A, B, …; groups g01, g02, …"""
    draw = np.random.default_rng(seed)
    y_true = draw.integers(0, classes, videos)
    logits = draw.normal(size=(videos, classes))
    logits[np.arange(videos), y_true] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        video_ids=[f"v{start + number}" for number in range(videos)],
        groups=[f"g{1 + draw.integers(groups):02d}" for _ in range(videos)],
        y_true=y_true,
        probabilities=probabilities,
        classes=[chr(65 + place) if place < 26 else f"Z{place}" for place in range(classes)],
    )


def of_labels(y_true, y_pred, classes):
    """Make predictions that say exactly `y_pred`."""
    return Predictions(
        video_ids=[f"v{number}" for number in range(len(y_true))],
        groups=["g01"] * len(y_true),
        y_true=y_true,
        probabilities=np.eye(len(classes))[y_pred],
        classes=classes,
    )


def of_frames(frames, video_ids, y_true):
    """Make predictions of frames of the classes A and B."""
    groups = ["g01"] * len(y_true)
    return Predictions(video_ids, groups, y_true, aggregate(frames), ["A", "B"], frames)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_agrees_with_scikit_learn(k):
    predicted = make()
    expected = metrics.top_k_accuracy_score(
        predicted.y_true, predicted.probabilities, k=k, labels=np.arange(12)
    )
    assert evaluation.top_k(predicted, k) == pytest.approx(expected)


@given(st.lists(st.lists(st.sampled_from([0, 0.25, 0.5]), min_size=6, max_size=6), min_size=1))
def test_where_classes_tie_the_first_one_goes_first(chances):
    predicted = Predictions(
        video_ids=[f"v{number}" for number in range(len(chances))],
        groups=["g01"] * len(chances),
        y_true=np.arange(len(chances)) % 6,
        probabilities=chances,
        classes=list("ABCDEF"),
    )
    for k in (1, 3):
        best = [sorted(range(6), key=lambda c, row=row: -row[c])[:k] for row in chances]
        right = [true in first for true, first in zip(predicted.y_true, best, strict=True)]
        assert evaluation.top_k(predicted, k) == pytest.approx(np.mean(right))


def test_what_is_not_a_number_is_never_right():
    predicted = of_labels([0, 0, 1], [0, 0, 0], ["A", "B"])
    predicted.probabilities[1] = np.nan
    assert evaluation.top_k(predicted) == pytest.approx(1 / 3)


def test_top_k_of_chosen_classes_counts_their_videos_only():
    predicted = make()
    chosen = [
        guess == true
        for guess, true in zip(predicted.y_pred.tolist(), predicted.y_true.tolist(), strict=True)
        if predicted.classes[true] in ("B", "D")
    ]
    expected = sum(chosen) / len(chosen)
    assert evaluation.top_k(predicted, classes=["D", "B"]) == pytest.approx(expected)


def test_top_five_is_left_out_below_ten_classes():
    few, enough = make(classes=9), make(classes=10)
    assert list(evaluation.per_class(few)) == ["support", "top1"]
    assert list(evaluation.per_class(enough)) == ["support", "top1", "top5"]
    assert list(evaluation.top_ks(few)) == ["top1"]
    assert list(evaluation.top_ks(enough)) == ["top1", "top5"]
    with pytest.raises(MetricError, match="at least 10 classes"):
        evaluation.top_k(few, 5)
    with pytest.raises(ValueError, match="at least 10 classes"):
        evaluation.interval(few, metric="top5")


def test_frame_accuracy_counts_frames():
    frames = FramePredictions(
        video=[0, 0, 0, 1], frame=[0, 1, 2, 0], probabilities=np.eye(2)[[0, 1, 0, 0]]
    )
    predicted = of_frames(frames, ["a", "b"], [0, 1])
    assert evaluation.frame_top_k(predicted) == 2 / 4
    assert evaluation.top_k(predicted) == 1 / 2


def test_frame_accuracy_needs_frames():
    with pytest.raises(MetricError, match="single frames"):
        evaluation.frame_top_k(make())


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


def test_a_restricted_confusion_still_tells_all_that_happened():
    predicted = make(skill=0.5)
    whole = evaluation.confusion(predicted, normalise=False)
    part = evaluation.confusion(predicted, classes=["D", "A"], normalise=False)
    assert list(part.index) == ["D", "A"]
    assert list(part.columns) == ["D", "A", OTHER]
    assert part.loc["D", "A"] == whole.loc["D", "A"]
    assert part.loc["A", OTHER] == whole.loc["A"].drop(["A", "D"]).sum()
    shares = evaluation.confusion(predicted, classes=["D", "A"])
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_a_class_without_videos_has_no_accuracy_and_no_shares():
    predicted = of_labels([0, 0], [0, 1], ["A", "B"])
    assert evaluation.per_class(predicted).loc["A"].tolist() == [2, 0.5]
    assert evaluation.per_class(predicted).loc["B"].isna().tolist() == [False, True]
    assert evaluation.confusion(predicted).loc["B"].isna().all()
    assert evaluation.confusion(predicted, normalise=False).loc["B"].tolist() == [0, 0]


def test_no_classes_have_no_accuracy_and_no_rows():
    assert np.isnan(evaluation.top_k(make(), classes=[]))
    assert len(evaluation.confusion(make(), classes=[])) == 0


@pytest.mark.parametrize("names", [["A", "Nothing"], ["A", "A"]])
def test_unknown_or_repeated_classes_are_refused(names):
    with pytest.raises(MetricError, match="Expected different classes out of A, B, C"):
        evaluation.confusion(make(), classes=names)


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
    table = evaluation.report(of_labels([0, 1, 1], [0, 0, 0], ["A", "B", "C"]))
    assert (table.loc[["B", "C"], ["precision", "recall", "f1"]] == 0).all(axis=None)


def test_most_confused_pairs_come_first():
    predicted = of_labels([0, 0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 1, 2, 2, 2, 1, 2, 0], ["A", "B", "C"])
    table = evaluation.most_confused(predicted)
    assert table.values.tolist() == [
        ["B", "C", 2, pytest.approx(2 / 3)],
        ["A", "B", 2, pytest.approx(2 / 4)],
        ["C", "A", 1, pytest.approx(1 / 2)],
        ["A", "C", 1, pytest.approx(1 / 4)],
    ]
    assert len(evaluation.most_confused(predicted, 2)) == 2
    assert evaluation.most_confused(of_labels([0, 1], [0, 1], ["A", "B"])).empty


def test_interval_rests_on_clusters_of_class_and_group():
    predicted = make(videos=300)
    sure = evaluation.interval(predicted)
    assert sure.clusters == len(
        set(zip(predicted.y_true.tolist(), predicted.groups.tolist(), strict=True))
    )
    assert sure.estimate == pytest.approx(evaluation.top_k(predicted))
    assert sure.low < sure.estimate < sure.high
    assert f"{sure.clusters} clusters" in str(sure)
    assert evaluation.interval(predicted) == sure
    assert evaluation.interval(predicted, seed=1) != sure


def test_interval_agrees_with_a_bootstrap_written_out():
    predicted = make(videos=150, groups=3)
    right = predicted.y_pred == predicted.y_true
    clusters = {}
    for key, hit in zip(zip(predicted.y_true, predicted.groups, strict=True), right, strict=True):
        clusters.setdefault(key, []).append(hit)
    held = list(clusters.values())
    draw = np.random.default_rng(5)
    means = []
    for _ in range(4000):
        chosen = draw.integers(len(held), size=len(held))
        means.append(np.mean(list(itertools.chain.from_iterable(held[c] for c in chosen))))
    sure = evaluation.interval(predicted, repeats=4000, level=0.9)
    assert [sure.low, sure.high] == pytest.approx(np.quantile(means, [0.05, 0.95]), abs=0.01)


def test_repeated_evidence_does_not_make_an_interval_narrower():
    predicted = make(videos=60, groups=20)
    times = 8
    repeated = Predictions(
        video_ids=[f"{name}-{copy}" for copy in range(times) for name in predicted.video_ids],
        groups=np.tile(predicted.groups, times),
        y_true=np.tile(predicted.y_true, times),
        probabilities=np.tile(predicted.probabilities, (times, 1)),
        classes=predicted.classes,
    )
    once, often = evaluation.interval(predicted), evaluation.interval(repeated)
    assert once == often


def test_interval_of_chosen_classes_and_bootstrap_of_a_score_of_your_own():
    predicted = make(videos=200)
    sure = evaluation.interval(predicted, classes=["A", "B"])
    assert sure.estimate == pytest.approx(evaluation.top_k(predicted, classes=["A", "B"]))
    score, groups = predicted.probabilities.max(axis=1), np.arange(len(predicted)) // 10
    own = evaluation.bootstrap(score, groups)
    assert own.estimate == pytest.approx(float(score.mean()))
    assert own.low < own.estimate < own.high
    assert own.clusters == 20


def test_one_cluster_gives_no_interval():
    sure = evaluation.interval(of_labels([0, 0], [0, 1], ["A", "B"]))
    assert np.isnan(sure.low)
    assert np.isnan(sure.high)
    assert str(sure) == "50.0% (no interval: 1 cluster)"


def test_intervals_of_classes_are_those_of_each_class_alone():
    predicted = make(classes=10, videos=90, groups=5)
    table = evaluation.class_intervals(predicted, repeats=200, level=0.9, seed=3)
    for label, name in enumerate(predicted.classes):
        assert table.loc[name, "groups"] == len(set(predicted.groups[predicted.y_true == label]))
        for top in ("top1", "top5"):
            options = {"classes": [name], "repeats": 200, "level": 0.9, "seed": 3}
            alone = evaluation.interval(predicted, metric=top, **options)
            found = table.loc[name, [top, f"{top}_low", f"{top}_high"]].tolist()
            assert found == [alone.estimate, alone.low, alone.high]
    few = evaluation.class_intervals(make(classes=4))
    assert list(few) == ["support", "groups", "top1", "top1_low", "top1_high"]


def test_a_class_of_one_group_or_of_none_has_no_interval():
    table = evaluation.class_intervals(of_labels([0, 0, 1], [0, 1, 1], ["A", "B", "C"]))
    assert table["groups"].tolist() == [1, 1, 0]
    assert table["top1"].tolist()[:2] == [0.5, 1]
    assert table[["top1_low", "top1_high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        ({"phase": [1, 1, 1], "val_loss": [0.5, 0.3, 0.4]}, 1),
        ({"phase": [1, 1, 2, 2], "val_loss": [0.1, 0.2, 0.4, 0.3]}, 3),
        ({"phase": [1, 1, 1], "val_loss": [0.5, 0.3, 0.3]}, 1),
        ({"phase": [1, 1], "val_loss": [np.nan, 0.9]}, 1),
        ({"phase": [1, 2], "val_loss": [0.4, np.nan]}, None),
        ({"val_loss": [0.5, 0.3, 0.4]}, 1),
        ({"phase": [1, 1], "loss": [0.5, 0.3]}, None),
        ({"phase": [], "val_loss": []}, None),
    ],
    ids=[
        "lowest",
        "last-phase",
        "first-of-equals",
        "nan-skipped",
        "all-nan",
        "no-phases",
        "no-validation",
        "empty",
    ],
)
def test_the_kept_epoch_has_the_lowest_validation_loss_of_the_last_phase(history, kept):
    assert evaluation.kept_epoch(pd.DataFrame(history)) == kept


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "accuracy"}, "top1 or top5"),
        ({"classes": ["Nothing"]}, "Nothing"),
    ],
)
def test_interval_refuses_what_it_does_not_know(options, message):
    with pytest.raises(MetricError, match=message):
        evaluation.interval(make(), **options)


def test_interval_of_no_videos_is_an_error():
    with pytest.raises(MetricError, match="at least one video"):
        evaluation.interval(of_labels([0], [0], ["A", "B"]), classes=["B"])


def test_pooled_splits_count_every_video_once():
    parts = [make(seed=seed, start=1000 * seed) for seed in range(3)]
    pooled = evaluation.pool(parts)
    assert len(pooled) == 360
    expected = np.mean([evaluation.top_k(part) for part in parts])
    assert evaluation.top_k(pooled) == pytest.approx(expected)
    assert pooled.frames is None


def test_pooled_frames_point_to_their_own_videos():
    def part(start, labels):
        frames = FramePredictions(
            video=np.arange(len(labels)), frame=[7] * len(labels), probabilities=np.eye(2)[labels]
        )
        names = [f"v{start + number}" for number in range(len(labels))]
        return of_frames(frames, names, labels)

    pooled = evaluation.pool([part(0, [0, 1, 0]), part(10, [1, 1])])
    assert pooled.frames.video.tolist() == [0, 1, 2, 3, 4]
    assert evaluation.frame_top_k(pooled) == 1


def test_the_same_video_cannot_be_pooled_twice():
    with pytest.raises(MetricError, match=r"v0 2 times.*different splits"):
        evaluation.pool([make(), make(seed=1)])


def test_different_datasets_cannot_be_pooled():
    with pytest.raises(MetricError, match="one dataset"):
        evaluation.pool([make(), make(classes=4, start=500)])
    with pytest.raises(MetricError, match="none"):
        evaluation.pool([])


PAIRS = [("Open", "Close"), ("Sit", "Stand"), ("Lift", "Drop")]


def test_pair_accuracy_among_all_classes_and_within_the_pair():
    predicted = Predictions(
        video_ids=["a", "b", "c", "d", "e"],
        groups=["g01"] * 5,
        y_true=[0, 1, 0, 3, 2],
        probabilities=[
            [0.6, 0.3, 0.1, 0, 0],  # right
            [0.2, 0.3, 0.5, 0, 0],  # right only within the pair
            [0.3, 0.4, 0.3, 0, 0],  # wrong
            [0, 0, 0, 0.9, 0.1],  # right
            [0, 0, 1.0, 0, 0],  # not in a pair
        ],
        classes=["Open", "Close", "Jump", "Sit", "Stand"],
    )
    table = evaluation.pair_accuracy(predicted, PAIRS)
    assert list(table.index) == ["Open / Close", "Sit / Stand", ALL_PAIRS]
    assert table["videos"].tolist() == [3, 1, 4]
    assert table["among_all"].tolist() == pytest.approx([1 / 3, 1, 1 / 2])
    assert table["within_pair"].tolist() == pytest.approx([2 / 3, 1, 3 / 4])


def test_twins_with_equal_answers_score_one_half_within_their_pair():
    rows = np.random.default_rng(0).dirichlet(np.ones(3), size=50)
    predicted = Predictions(
        video_ids=[f"v{number}" for number in range(100)],
        groups=["g01"] * 100,
        y_true=np.repeat([0, 1], 50),
        probabilities=np.concatenate([rows, rows]),
        classes=["Open", "Close", "Jump"],
    )
    assert evaluation.pair_accuracy(predicted, PAIRS).loc[ALL_PAIRS, "within_pair"] == 0.5


def test_no_pairs_give_no_rows():
    assert len(evaluation.pair_accuracy(make(), PAIRS)) == 0


@pytest.mark.parametrize("pair", [("A", "A"), ("A",), "AB"])
def test_a_pair_is_two_classes(pair):
    with pytest.raises(MetricError, match="two different classes"):
        evaluation.pair_accuracy(make(), [pair])


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_ceiling_is_the_others_and_half_of_the_reversed(labels):
    classes = ["Open", "Close", "Jump", "Sit", "Stand"]
    reversed_videos = sum(label != 2 for label in labels)
    others = len(labels) - reversed_videos
    expected = (others + reversed_videos / 2) / len(labels)
    assert evaluation.order_blind_ceiling(labels, classes, pairs=PAIRS) == pytest.approx(expected)


def test_no_order_blind_model_passes_the_ceiling():
    draw = np.random.default_rng(1)
    classes = ["Open", "Close", "Jump", "Sit", "Stand", "Play"]
    y_true = np.repeat(np.arange(6), 20)
    best = np.eye(6)[[[0, 0, 2, 3, 3, 5][label] for label in y_true]]
    ceiling = evaluation.order_blind_ceiling(y_true, classes, pairs=PAIRS)
    accuracy = np.mean(best.argmax(axis=1) == y_true)
    assert accuracy == pytest.approx(ceiling)
    # Any answers, as long as the n-th video of a class and of its reverse get the same one.
    for _ in range(20):
        guesses = draw.integers(0, 6, size=(3, 20))
        right = sum(
            np.sum(row == a) + np.sum(row == b)
            for row, (a, b) in zip(guesses[:2], [(0, 1), (3, 4)], strict=True)
        )
        assert (right + 40) / 120 <= ceiling


def test_a_dataset_without_pairs_has_no_ceiling():
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


def test_summary_of_nothing_is_an_empty_table():
    table = evaluation.summary([])
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 0
