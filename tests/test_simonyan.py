"""Two streams: the networks of the paper, what joins them, and what each of them can know."""

import functools
import json
import re

import keras
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from vidlab import explanation, pantomime, recipes
from vidlab.data import video
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.evaluation import predictions
from vidlab.evaluation.motion import motion_probe, pair_accuracy
from vidlab.pantomime.dataset import VERSION
from vidlab.recipes import Phase, Task, simonyan
from vidlab.training import Settings, experiment, fit

STREAMS = ("spatial-stream", "temporal-stream")
SIZE = 32


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Index videos of a texture that moves to the right, and of the same played in reverse."""
    root = tmp_path_factory.mktemp("moving")
    for group in range(1, 9):
        rng = np.random.default_rng(group)
        wide = rng.integers(0, 256, (12, 24, 3)).astype(np.uint8)
        wide = wide.repeat(4, axis=0).repeat(4, axis=1)  # 48×96
        frames = [wide[:, 30 - 3 * step :][:, :64] for step in range(9)]
        for name, played in (("Away", frames), ("Back", frames[::-1])):
            video.write(root / name / f"v_{name}_g{group:02d}_c01.avi", played)
    return VideoIndex.from_folder(root)


@pytest.fixture(scope="module")
def parts(index):
    late = np.isin(index.groups, ["g07", "g08"])
    return index.select(~late), index.select(late)


@pytest.fixture
def small(tiny_backbone):
    """Adapt a recipe to small pictures and, where it takes one, a tiny backbone."""

    def adapt(name, **changes):
        recipe = recipes.get(name)
        common = {"size": SIZE, "sampling": Uniform(4), "test": Uniform(4), "flow": {"stack": 3}}
        if "backbone" in recipe.builder_options:
            common |= {"backbone": tiny_backbone, "options": {"dropout": 0.0}}
        return recipe.adapted(**common | changes)

    return adapt


@pytest.fixture
def start(small):
    """Build both streams with random weights, by name."""
    keras.utils.set_random_seed(0)
    return {name: recipes.build(small(name), 2) for name in STREAMS}


def probabilities(model, streams, videos, *, aggregation="mean"):
    data = Clips(videos, streams, batch_size=3)
    return predictions.predict(model, data, aggregation=aggregation).probabilities


def test_the_streams_are_trained_as_published():
    """80,000 steps of 256 videos; a tenth of the rate after 50,000 and after 70,000."""
    for name in STREAMS:
        recipe = recipes.get(name)
        (phase,) = recipe.phases
        steps = phase.epochs * 9537 / phase.batch_size  # UCF-101's videos of training, split 1
        assert round(steps, -2) == 80_000
        changes = [e for e in range(1, phase.epochs) if phase.rate_at(e) != phase.rate_at(e - 1)]
        assert [round(e * 9537 / 256, -2) for e in changes] == [50_000, 70_000]
        rates = [phase.rate_at(epoch) for epoch in (0, *changes)]
        assert rates == pytest.approx([1e-2, 1e-3, 1e-4])
        assert (phase.optimizer, phase.momentum, recipe.validation) == ("sgd", 0.9, 0)
        assert repr(recipe.test_sampling) == "Uniform(count=25)"
        assert all(departure.endswith(".") for departure in recipe.departures)
    flow = recipes.get("temporal-stream").inputs["flow"]
    assert (flow.stack, flow.variant, flow.subtract_mean) == (10, "stacking", True)


def test_published_accuracies_are_those_of_table_4():
    names = [*STREAMS, "two-stream", "two-stream-svm"]
    found = {name: recipes.get(name).published.top1 for name in names}
    assert found == {
        "spatial-stream": 73.0,
        "temporal-stream": 83.7,
        "two-stream": 86.9,
        "two-stream-svm": 88.0,
    }


LAYERS = """
conv1 109 96
norm1 109 96
pool1 54 96
conv2 26 256
norm2 26 256
pool2 13 256
conv3 13 512
conv4 13 512
conv5 13 512
pool5 6 512
"""
"""Layers of CNN-M-2048 at 224×224, the side of their maps and their channels."""


@pytest.mark.parametrize(("name", "channels"), [("rgb", 3), ("flow", 20)])
def test_the_network_is_the_papers_layer_by_layer(name, channels, monkeypatch):
    zeros = lambda _, *args, **options: keras.ops.zeros(*args, **options)  # noqa: E731
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", zeros)
    inputs = {name: keras.Input((224, 224, channels), name=name)}
    model = keras.Model(inputs, simonyan.stream(inputs, 101))
    rows = [row.split() for row in LAYERS.split("\n") if row]
    if name == "flow":
        rows = [row for row in rows if row[0] != "norm2"]
    found = [
        [
            layer.name.removeprefix(f"{name}_"),
            str(layer.output.shape[1]),
            str(layer.output.shape[-1]),
        ]
        for layer in model.layers
        if any(part in layer.name for part in ("conv", "norm", "pool"))
    ]
    assert found == rows
    assert [model.get_layer(f"{name}_full{n}").units for n in (6, 7)] == [4096, 2048]
    assert [model.get_layer(f"{name}_dropout{n}").rate for n in (6, 7)] == [0.9, 0.9]


def test_with_a_backbone_the_spatial_stream_learns_its_last_layer_the_temporal_all(start):
    spatial, temporal = (start[name] for name in STREAMS)
    assert len(spatial.trainable_weights) == 2
    assert len(temporal.trainable_weights) == 4 * 4 + 2  # kernel, bias, scale and shift of each
    assert temporal.input_shape == (None, SIZE, SIZE, 6)
    wide = temporal.get_layer("flow_backbone").get_layer("flow_tiny_1_conv").kernel
    np.testing.assert_array_equal(wide[:, :, :1], wide[:, :, 5:])


def test_the_rate_drops_while_a_phase_goes_on(small, parts):
    phase = Phase(4, "sgd", 1e-2, 8, drops=(0.5, 0.75))
    fitted = fit(small("temporal-stream", phases=(phase,)), parts)
    assert fitted.history["learning_rate"].tolist() == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4])
    assert "a tenth of the rate after 50% and 75% of the epochs" in str(phase)
    assert "drops" not in Phase().as_dict()


def test_two_streams_say_the_mean_of_what_each_says(small, start, index):
    recipe = small("two-stream")
    fitted = fit(recipe, (index, index), start=start)
    assert fitted.history.empty
    each = [probabilities(start[name], small(name).streams, index) for name in STREAMS]
    found = probabilities(fitted.model, recipe.streams, index)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 1e-4


def test_the_svm_is_scikit_learns_on_the_scores_of_length_one(small, start, index):
    recipe = small("two-stream-svm")
    fitted = fit(recipe, (index, index), start=start)
    each = [probabilities(start[name], small(name).streams, index) for name in STREAMS]
    features = np.hstack([one / np.linalg.norm(one, axis=1, keepdims=True) for one in each])
    svm = LinearSVC(multi_class="crammer_singer", random_state=0).fit(features, index.labels)
    found = probabilities(fitted.model, recipe.streams, index)
    margin = np.log(found[:, 1] / found[:, 0])
    np.testing.assert_allclose(margin, svm.decision_function(features), atol=1e-3)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 1], [1, 4, 1, 4, 4], [4, 0, 2, 0, 4]], ids=str)
def test_the_svm_names_no_class_without_examples(labels):
    features = np.random.default_rng(0).normal(3, 2, (5, 7))
    kernel, bias = simonyan.linear_svm(features, np.array(labels), 5)
    svm = LinearSVC(multi_class="crammer_singer", random_state=0).fit(features, labels)
    assert (features @ kernel + bias).argmax(axis=1).tolist() == svm.predict(features).tolist()


def test_flow_tells_a_motion_from_its_reverse_and_pictures_do_not(small, parts, tmp_path):
    """Learned from six videos of each: right about the two others, and turned by reversal."""
    found = {}
    for name in STREAMS:
        recipe = small(name, phases=(Phase(12, "adam", 1e-2, 8),), patience=12, augment=None)
        kept = {"cache": tmp_path, "flow": tmp_path}
        fitted = fit(recipe, parts, settings=Settings(seed=0, **kept))
        ask = functools.partial(experiment.predict, fitted.model, parts[1], recipe, **kept)
        found[name] = {order: ask(order=order) for order in ("normal", "reversed")}
    pairs = [("Away", "Back")]
    within = {name: pair_accuracy(each["normal"], pairs) for name, each in found.items()}
    assert within["temporal-stream"]["within_pair"].tolist() == [1.0, 1.0]
    assert within["spatial-stream"]["within_pair"].tolist() == [0.5, 0.5]
    flips = motion_probe(**found["temporal-stream"], pairs=pairs).flips
    assert flips["to_twin"].tolist() == [1.0, 1.0, 1.0]


def test_heat_of_each_stream_lies_in_its_own_encoder(small, start, index):
    recipe = small("two-stream")
    model = recipes.build(recipe, 2, start=start)
    clips = Clips(index, recipe.streams, batch_size=1)
    shown = {name: clip[0] for name, clip in clips[0][0].items()}
    expected = model.predict({name: clip[None] for name, clip in shown.items()}, verbose=0)[0]
    encoders = {"rgb": "backbone/tiny_4", "flow": "flow_backbone/flow_tiny_4"}
    for name, (single, clip) in explanation.by_input(model, shown).items():
        record = explanation.explain(single, clip, target=1, method="grad_cam")
        assert record.score == pytest.approx(expected[1], abs=1e-5)
        assert record.heat.shape == (4, SIZE, SIZE)
        assert record.layer == encoders[name].split("/")[-1]


PROFILE = """
about: Two small streams.
dataset: {folder}
flow: {{stack: 3, size: 32}}
sampling: Uniform(3)
test: Uniform(3)
clip_sampling: Uniform(3)
clip_test: Uniform(3)
recipes:
  spatial-stream: {{epochs: [1], batch_size: [8], backbone: {backbone}, size: 48}}
  temporal-stream: {{epochs: [1], batch_size: [8], backbone: {backbone}}}
  two-stream: {{size: 48}}
"""


def test_any_file_is_predicted_and_explained_by_both_streams(call, tmp_path, index, tiny_backbone):
    text = PROFILE.format(folder=index.root, backbone=tiny_backbone)
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    given = ("--recipe", "two-stream", "--profile", "own.yaml")
    path = index.table["path"].iloc[0]
    for words in (("train", "two-stream", "--profile", "own.yaml"), ("predict", path, *given)):
        shown = call(*words)
        assert shown.exit_code == 0, shown.output
    shown = call(
        "explain", path, *given, "--target", "Back", "--method", "grad_cam", "--out", "out"
    )
    assert shown.exit_code == 0, shown.output
    for name in ("rgb", "flow"):
        assert re.search(rf"^{name}: .*evidence for Back", shown.output, flags=re.M | re.I)
    written = {file.name.rsplit("stream-", 1)[1] for file in (tmp_path / "out").iterdir()}
    assert written == {
        f"{name}-Back.{suffix}" for name in ("rgb", "flow") for suffix in ("png", "mp4")
    }


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Index a few drawn videos of another seed."""
    root = tmp_path_factory.mktemp("beside")
    for group in range(1, 5):
        for name in ("OpenDoor", "CloseDoor"):
            drawn = pantomime.Shot(name, group, 1, seed=1, size="smoke").render()
            video.write(root / "UCF-101" / name / f"v_{name}_g{group:02d}_c01.avi", drawn.frames)
    note = {"size": "smoke", "seed": 1, "version": VERSION, "finished": True}
    (root / "pantomime.json").write_text(json.dumps(note))
    return VideoIndex.from_folder(root)


def test_each_video_pays_only_its_own_loss(small, parts, beside):
    """Labels of one task do not move the other's layer; videos beside are of no class."""
    phase = Phase(1, "sgd", 0.5, 64)  # one step of all
    recipe = small("two-stream-multitask", phases=(phase,), sampling=Uniform(1), augment=None)
    names = ("flow_predictions", "flow_camera")
    after = {}
    for kind, changed in {
        "as they are": recipe,
        "other motions": recipe.adapted(tasks=recipe.tasks | {"camera": Task(always_down)}),
        "other classes": recipe.adapted(tasks=recipe.tasks | {"class": Task(all_of_one)}),
    }.items():
        fitted = fit(changed, parts, settings=Settings(seed=0, beside=beside))
        assert fitted.history["val_camera_loss"].tolist() == [0]  # no such video is validated on
        after[kind] = [fitted.model.get_layer(name).get_weights()[0] for name in names]
    np.testing.assert_array_equal(after["as they are"][0], after["other motions"][0])
    np.testing.assert_array_equal(after["as they are"][1], after["other classes"][1])
    assert np.abs(after["as they are"][1] - after["other motions"][1]).max() > 1e-4
    assert np.abs(after["as they are"][0] - after["other classes"][0]).max() > 1e-4


def always_down(table, classes):
    return simonyan.camera_motion(table, classes) * 0 + 2


def all_of_one(table, classes):
    return simonyan.own_class(table, classes) * 0


def test_videos_beside_are_labelled_by_their_camera(beside):
    """A video played in reverse, as CloseDoor is, moves the other way."""
    table = beside.table.assign(label=-1)
    found = simonyan.camera_motion(table, beside.classes)
    turned = {0: 1, 1: 0, 2: 3, 3: 2}
    by_class = [
        found[(table["class_name"] == name).to_numpy()] for name in ("OpenDoor", "CloseDoor")
    ]
    assert [turned[one] for one in by_class[0].tolist()] == by_class[1].tolist()
    assert not np.ma.getmaskarray(found).any()
    assert simonyan.own_class(table, beside.classes).mask.all()
    mine = simonyan.camera_motion(beside.table, beside.classes)
    assert np.ma.getmaskarray(mine).all()
