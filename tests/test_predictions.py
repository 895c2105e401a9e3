import dataclasses
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.data.index import ReversedPair
from vidlab.errors import ResultError
from vidlab.evaluation.predictions import FramePredictions, Predictions, aggregate, predict


def softmax_rows(seed, rows, classes):
    logits = np.random.default_rng(seed).normal(size=(rows, classes))
    return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


def frames_of(counts, *, classes=4, seed=0):
    """Make frames of videos with the given numbers of frames, in a mixed order."""
    video = np.repeat(np.arange(len(counts)), counts)
    frame = np.concatenate([np.arange(count) for count in counts])
    order = np.random.default_rng(seed).permutation(len(video))
    return FramePredictions(video[order], frame[order], softmax_rows(seed, len(video), classes))


@pytest.fixture
def predicted():
    frames = frames_of([3, 5, 4])
    return Predictions(
        video_ids=["v_A_g01_c01", "v_B_g02_c01", "v_C_g03_c01"],
        groups=["g01", "g02", "g03"],
        y_true=[0, 1, 3],
        probabilities=aggregate(frames),
        classes=["A", "B", "C", "D"],
        frames=frames,
    )


def test_mean_is_the_mean_of_a_videos_frames():
    frames = frames_of([3, 1, 7])
    expected = [
        np.mean([p for v, p in zip(frames.video, frames.probabilities, strict=True) if v == k], 0)
        for k in range(3)
    ]
    np.testing.assert_allclose(aggregate(frames, aggregation="mean"), expected, rtol=1e-6)


def test_vote_is_the_share_of_frames_won():
    frames = frames_of([10, 4])
    expected = np.zeros((2, 4))
    for video, row in zip(frames.video, frames.probabilities.tolist(), strict=True):
        expected[video, row.index(max(row))] += 1 / [10, 4][video]
    voted = aggregate(frames, aggregation="vote")
    np.testing.assert_allclose(voted, expected, atol=1.01e-3)
    np.testing.assert_allclose(voted.sum(axis=1), 1, rtol=1e-6)


def test_the_mean_decides_a_tied_vote():
    frames = FramePredictions(
        video=[0, 0], frame=[0, 1], probabilities=[[0.51, 0.49, 0.0], [0.1, 0.8, 0.1]]
    )
    assert aggregate(frames, aggregation="vote").argmax() == 1
    swapped = FramePredictions([0, 0], [0, 1], frames.probabilities[:, [1, 0, 2]])
    assert aggregate(swapped, aggregation="vote").argmax() == 0


def test_no_mean_outweighs_a_vote():
    won = np.arange(1001) < 501
    rows = np.where(won[:, None], [[0.5001, 0.4999]], [[0.0, 1.0]])
    voted = aggregate(FramePredictions(np.zeros(1001), np.arange(1001), rows), aggregation="vote")
    assert voted[0].argmax() == 0
    assert voted[0, 0] == pytest.approx(501 / 1001, abs=1e-3)


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 60),
    aggregation=st.sampled_from(["mean", "vote"]),
)
def test_a_reversed_twin_gets_the_same_prediction_to_the_last_bit(seed, count, aggregation):
    rows = softmax_rows(seed, count, 5)
    shuffled = np.random.default_rng(seed).permutation(count)
    together = FramePredictions(
        video=np.repeat([0, 1, 2], count),
        frame=np.tile(np.arange(count), 3),
        probabilities=np.concatenate([rows, rows[::-1], rows[shuffled]]),
    )
    found = aggregate(together, aggregation=aggregation)
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_unknown_aggregations_are_refused():
    with pytest.raises(ResultError, match=r"mean or vote.*'median'"):
        aggregate(frames_of([2]), aggregation="median")


def test_predicted_class_is_the_most_probable_and_the_first_where_two_tie():
    predicted = Predictions(
        ["a", "b"], ["g01", "g02"], [0, 1], [[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], ["A", "B", "C"]
    )
    assert predicted.y_pred.tolist() == [1, 0]


def test_another_aggregation_keeps_everything_else_and_needs_frames(predicted):
    voted = predicted.with_aggregation("vote")
    np.testing.assert_array_equal(
        voted.probabilities, aggregate(predicted.frames, aggregation="vote")
    )
    np.testing.assert_array_equal(voted.video_ids, predicted.video_ids)
    back = voted.with_aggregation("mean")
    np.testing.assert_array_equal(back.probabilities, predicted.probabilities)
    with pytest.raises(ResultError, match="frame model"):
        dataclasses.replace(predicted, frames=None).with_aggregation("vote")


@pytest.mark.parametrize("with_frames", [True, False], ids=["frames", "videos only"])
def test_what_is_saved_is_loaded(predicted, tmp_path, with_frames):
    others = {"light": np.array([0.1, 0.2, 0.3], np.float32), "area": np.eye(3, 2)}
    frames = predicted.frames if with_frames else None
    predicted = dataclasses.replace(predicted, others=others, frames=frames)
    file = predicted.save(tmp_path / "deep" / "predictions.npz")

    def arrays(one):
        frames = one.frames
        rows = (frames.video, frames.frame, frames.probabilities) if frames else ()
        yield from (one.video_ids, one.groups, one.y_true, one.probabilities)
        yield from (*one.others.values(), *rows)

    for source in (file, file.parent):
        loaded = Predictions.load(source)
        for found, expected in zip(arrays(loaded), arrays(predicted), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype.kind == expected.dtype.kind
        assert loaded.classes == predicted.classes
        assert list(loaded.others) == ["light", "area"]


DAMAGE = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:200]),
    "text": lambda file: file.write_text("not an archive"),
    "empty": lambda file: file.write_bytes(b""),
    "foreign": lambda file: np.savez(file, something=np.arange(3)),
}


def test_an_absent_or_damaged_file_is_named_with_the_remedy(predicted, tmp_path):
    for source in (tmp_path / "predictions.npz", tmp_path):
        with pytest.raises(ResultError, match=r"predictions\.npz.*vidlab train"):
            Predictions.load(source)
    for damage in DAMAGE.values():
        file = predicted.save(tmp_path / "predictions.npz")
        damage(file)
        with pytest.raises(ResultError, match=r"predictions\.npz.*Delete it"):
            Predictions.load(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": ["g01"]}, "1 groups"),
        ({"y_true": [0, 7]}, "Expected labels from 0 to 1"),
        ({"probabilities": [[0.5, 0.5]]}, r"shape \(1, 2\)"),
        ({"probabilities": [0.5, 0.5]}, r"shape \(2,\)"),
        ({"classes": ["A", "B", "C"]}, "3 probabilities"),
    ],
    ids=["groups", "label", "rows", "dimensions", "classes"],
)
def test_pieces_that_do_not_belong_together_are_refused(change, message):
    pieces = {
        "video_ids": ["a", "b"],
        "groups": ["g01", "g02"],
        "y_true": [0, 1],
        "probabilities": [[1.0, 0.0], [0.0, 1.0]],
        "classes": ["A", "B"],
    }
    with pytest.raises(ResultError, match=message):
        Predictions(**{**pieces, **change})


def test_a_shuffling_dataset_is_refused():
    with pytest.raises(ResultError, match="shuffle=False"):
        predict(None, SimpleNamespace(shuffle=True))


def test_the_reversed_pairs_are_kept_with_the_predictions(predicted, tmp_path):
    pairs = [ReversedPair("A", "B"), ReversedPair("C", "D", cyclic=True)]
    kept = replace(predicted, reversed_pairs=pairs).save(tmp_path / "pairs")
    assert Predictions.load(kept).reversed_pairs == pairs
    assert Predictions.load(predicted.save(tmp_path / "none")).reversed_pairs == []


def test_whether_a_group_goes_across_classes_is_kept_and_told_of_predictions_from_elsewhere(
    predicted, tmp_path
):
    """A person in two classes is one group; g01 of two classes of UCF-101 are two."""
    whole = replace(predicted, across_classes=True).save(tmp_path / "persons")
    assert Predictions.load(whole).across_classes is True
    assert Predictions.load(predicted.save(tmp_path / "names")).across_classes is False
    names = ["v_a_g01_c01", "v_b_g01_c01"]
    options = {"classes": ["a", "b"], "video_ids": names}
    found = [
        Predictions.of(["a", "b"], np.eye(2), groups=groups, **options).across_classes
        for groups in (None, ["g01", "g01"], ["anna", "anna"])
    ]
    assert found == [False, False, True]


def test_the_time_steps_of_a_recurrent_model_are_not_aggregated(tmp_path):
    steps = [[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]
    frames = FramePredictions([0] * 4, range(4), steps, recurrent=True)
    of_a_video = Predictions(["v"], ["g01"], [1], [steps[-1]], ["A", "B"], frames=frames)
    loaded = Predictions.load(of_a_video.save(tmp_path / "recurrent"))
    assert loaded.frames.recurrent
    with pytest.raises(ResultError, match="last time step is the video's"):
        loaded.with_aggregation("mean")


ELSEWHERE = {
    "names": "video_id,true,group,Jump,Run\na,Run,g1,0.25,0.75\nb,Jump,g2,0.5,0.5\n",
    "excel": "\ufefffile;label;p_Run;p_Jump\nclips/a.avi;Run;0.75;0.25\nclips/b.avi;Jump;.5;.5\n",
    "no ids": "y_true\tJump\tRun\tpredicted\nRun\t0.25\t0.75\tRun\nJump\t0.5\t0.5\tJump\n",
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_table_made_elsewhere_is_loaded(tmp_path, kind):
    file = tmp_path / "theirs.csv"
    file.write_text(ELSEWHERE[kind], encoding="utf-8")
    loaded = Predictions.load(file)
    assert sorted(loaded.classes) == ["Jump", "Run"]
    right = [loaded.classes[label] for label in loaded.y_true]
    assert right == ["Run", "Jump"]
    np.testing.assert_array_equal(loaded.probabilities[:, loaded.classes.index("Run")], [0.75, 0.5])
    assert len(set(loaded.groups)) == 2
    assert loaded.video_ids.tolist() == (["video 0", "video 1"] if kind == "no ids" else ["a", "b"])


def test_arrays_of_a_classifier_are_taken_by_the_names_of_their_classes(tmp_path):
    rng = np.random.default_rng(0)
    y_true, classes = np.array(["walk", "fall", "walk", "sit"]), ["fall", "sit", "walk"]
    shares = rng.dirichlet(np.ones(3), size=4)
    ids = [f"v_{name}_g0{at}_c01" for at, name in enumerate(y_true)]
    found = Predictions.of(y_true, shares, classes=classes, video_ids=ids)
    assert found.y_true.tolist() == [2, 0, 2, 1]
    assert found.groups.tolist() == ["g00", "g01", "g02", "g03"]
    np.savez(tmp_path / "theirs.npz", y_true=y_true, probabilities=shares, classes=classes)
    loaded = Predictions.load(tmp_path / "theirs.npz")
    np.testing.assert_array_equal(loaded.y_true, found.y_true)
    numbered = Predictions.of([7, 3], [[0.2, 0.8], [0.9, 0.1]], classes=[3, 7])
    assert numbered.y_true.tolist() == [1, 0]
    by_index = Predictions.of([1, 0], [[0.2, 0.8], [0.9, 0.1]], classes=["a", "b"])
    assert by_index.y_true.tolist() == [1, 0]
    second = Predictions.of(["fall"], [0.9], classes=["walk", "fall"])
    np.testing.assert_allclose(second.probabilities, [[0.1, 0.9]], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y_true": ["a", "x"]}, "out of the classes a, b. Received: x"),
        ({"y_true": [0, 1], "classes": [1, 2]}, "Received: 0"),
        ({"probabilities": [[2.0, -1.0], [1, 0]]}, "predict_proba or a softmax"),
        ({"probabilities": [[60.0, 40.0], [1, 0]]}, "row 0 with a sum of 100"),
        ({"video_ids": ["v.avi", "v.mp4"]}, "2 rows of v"),
        ({"probabilities": [[1.0, 0, 0], [1, 0, 0]]}, "2 probabilities for each"),
    ],
)
def test_what_is_no_prediction_is_refused(options, message):
    pieces = {"y_true": ["a", "b"], "probabilities": np.eye(2), "classes": ["a", "b"]}
    with pytest.raises(ResultError, match=message):
        Predictions.of(**{**pieces, **options})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_id,Jump,Run\na,0.5,0.5\n", r"Expected a column true.*theirs\.csv"),
        ("true,Jump,Run\nRun,0.5,high\n", r"column 'Run' holds 'high'"),
        ("true,Jump,Run,camera\nRun,0.5,0.5,left\n", r"'camera' holds 'left'.*no class"),
        ("", r"theirs\.csv.*No columns"),
        ("true,Jump\n\"open", r"theirs\.csv.*numpy\.savez"),
    ],
)  # fmt: skip
def test_a_table_that_holds_none_is_named_and_not_to_be_deleted(tmp_path, text, message):
    (tmp_path / "theirs.csv").write_text(text)
    with pytest.raises(ResultError, match=message) as caught:
        Predictions.load(tmp_path / "theirs.csv")
    assert "Delete it" not in str(caught.value)
