"""Recipes: what the literature says, the models it leads to, and files of one's own."""

import functools
import json
import os
from dataclasses import FrozenInstanceError
from itertools import pairwise

import keras
import numpy as np
import pandas as pd
import pytest

from tests.built import number_learning
from vidlab import recipes
from vidlab.data.sampling import EverySecond, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import RecipeError
from vidlab.models import backbones
from vidlab.recipes import newman

VOTE = ["frame-vote", "cnn-lstm"]
FRAME_RECIPES = ["frame-scratch", "frame-pretrained", "frame-finetuned"]
PIXEL_RECIPES = ["lstm-pixels", "gru-pixels"]
CONVGRU_RECIPES = ["convgru-scratch", "convgru-fixed", "convgru-finetuned"]
PAIRED_PROBES = ["linear-first-last", "linear-difference"]
SLOW_FUSION = ["slow-fusion", *(f"slow-fusion-{learns}" for learns in ("top", "top-three", "all"))]
NEWMAN = [*FRAME_RECIPES, *PIXEL_RECIPES, *CONVGRU_RECIPES]

INCEPTION = 21_802_784  # without its top, as Keras documents it
INCEPTION_CHANNELS = 17_216  # of its batch normalisation, which has a shift and no scale
MOBILENET = 2_257_984  # MobileNetV2 without its top
CLASSES = 101


def dense(inputs, outputs):
    return inputs * outputs + outputs


def gru(inputs, units):
    """Three gates, each with weights on input and state, and one bias for either."""
    return 3 * (inputs * units + units * units + 2 * units)


def lstm(inputs, units):
    """Four gates, each with weights on input and state, and a bias."""
    return 4 * (inputs * units + units * units + units)


def batchnorm(features):
    return 4 * features  # scale, shift, mean, variance


def convolution(size, inputs, outputs):
    return size * size * inputs * outputs + outputs


def chiche_head(features, cell=None):
    memory = cell(features, features) + batchnorm(features) if cell else 0
    return memory + dense(features, 512) + batchnorm(512) + dense(512, CLASSES)


PIXELS = 50 * 50 * 3
VOTE_DENSE = dense(5 * 5 * 2048, 1024)
FRAMES = (INCEPTION, dense(2048, 512) + dense(512, CLASSES))
CONVGRU = (INCEPTION, gru(2048, 512) + batchnorm(512) + dense(512, CLASSES))
CNN_M = [convolution(5, 96, 256), convolution(3, 256, 512), 2 * convolution(3, 512, 512)]
CNN_M += [dense(6 * 6 * 512, 4096), dense(4096, 2048), dense(2048, CLASSES)]  # from conv2 on
SPATIAL = convolution(7, 3, 96) + sum(CNN_M)
TEMPORAL = convolution(7, 2 * 10, 96) + sum(CNN_M)
PARAMETERS = {  # of the encoder, and of the layers after it
    "frame-vote": (INCEPTION, VOTE_DENSE + dense(1024, CLASSES)),
    "cnn-lstm": (INCEPTION + VOTE_DENSE, lstm(1024, 1024) + dense(1024, CLASSES)),
    **dict.fromkeys(FRAME_RECIPES, FRAMES),
    "lstm-pixels": (0, 2 * lstm(PIXELS, 512) + dense(2 * 512, CLASSES)),
    "gru-pixels": (0, 2 * gru(PIXELS, 512) + dense(2 * 512, CLASSES)),
    **dict.fromkeys(CONVGRU_RECIPES, CONVGRU),
    "inception-lstm": (INCEPTION, chiche_head(2048, lstm)),
    "inception-gru": (INCEPTION, chiche_head(2048, gru)),
    "inception-single": (INCEPTION, chiche_head(2048)),
    "mobilenet-lstm": (MOBILENET, chiche_head(1280, lstm)),
    "mobilenet-gru": (MOBILENET, chiche_head(1280, gru)),
    "mobilenet-single": (MOBILENET, chiche_head(1280)),
    "spatial-stream": (0, SPATIAL),
    "temporal-stream": (0, TEMPORAL),
    "two-stream-multitask": (0, TEMPORAL + dense(2048, 4)),
    "two-stream": (0, SPATIAL + TEMPORAL),
    "two-stream-svm": (SPATIAL + TEMPORAL, dense(2 * CLASSES, CLASSES)),
    "bag-of-words": (256 * 4 * 9, dense(3 * 256, CLASSES)),  # words of four cells of nine bins
    "bag-of-flow-words": (256 * 4 * 8, dense(3 * 256, CLASSES)),
    "cnn-svm": (INCEPTION, dense(2048, CLASSES)),
    "cnn-linear": (INCEPTION, dense(2 * 2048, CLASSES)),
    **dict.fromkeys(["linear-mean", "linear-last"], (INCEPTION, dense(2048, CLASSES))),
    **dict.fromkeys(PAIRED_PROBES, (INCEPTION, dense(2 * 2048, CLASSES))),
}


def convolution(kernel, inputs, outputs, *, time=1):
    return time * kernel * kernel * inputs * outputs + outputs


def karpathy(*, times=(1, 1, 1), frames=1, streams=1, features=7 * 7 * 256):
    """Five convolutions, of which the first three may reach over time, and three dense layers."""
    first = convolution(11, 3 * frames, 96, time=times[0])
    second = convolution(5, 96, 256, time=times[1])
    third = convolution(3, 256, 384, time=times[2])
    last = convolution(3, 384, 384) + convolution(3, 384, 256)
    joined = dense(features, 4096) + dense(4096, 4096) + dense(4096, CLASSES)
    return streams * (first + second + third + last) + joined


C3D_CHANNELS = [3, 64, 128, 256, 256, 512, 512, 512, 512]
C3D = sum(convolution(3, *pair, time=3) for pair in pairwise(C3D_CHANNELS))
C3D += dense(4 * 4 * 512, 4096) + dense(4096, 4096) + dense(4096, CLASSES)
# The 94 convolutions of InceptionV3 have no bias. Those of 3×3 become 3×3×3, those of 5×5 5×5×5.
KERNELS_OVER_TIME = 2 * (
    9 * (3 * 32 + 32 * 32 + 32 * 64 + 80 * 192)  # the stem
    + 3 * 9 * (64 * 96 + 96 * 96)  # mixed0–2
    + 9 * (288 * 384 + 64 * 96 + 96 * 96)  # mixed3
    + 9 * (192 * 320 + 192 * 192)  # mixed8
    + 2 * 9 * 448 * 384  # mixed9–10
) + 4 * (3 * 25 * 48 * 64)
INFLATED = INCEPTION + KERNELS_OVER_TIME


def of_flow(inception, *, channels, time=1):
    """Count an encoder whose first convolution takes flow in place of three colours."""
    return inception + time * 9 * 32 * (channels - 3)


PARAMETERS |= {
    "single-frame": (0, karpathy()),
    "early-fusion": (0, karpathy(frames=10)),
    "late-fusion": (0, karpathy(features=2 * 7 * 7 * 256)),
    **dict.fromkeys(SLOW_FUSION, (0, karpathy(times=(4, 2, 2)))),
    "multiresolution": (0, karpathy(streams=2, features=2 * 7 * 7 * 256)),
    "c3d": (0, C3D),
    "i3d-rgb": (INFLATED, dense(2048, CLASSES)),
    "i3d-flow": (of_flow(INFLATED, channels=2, time=3), dense(2048, CLASSES)),
    "i3d": (INFLATED + of_flow(INFLATED, channels=2, time=3), 2 * dense(2048, CLASSES)),
    "tsn-rgb": (INCEPTION, dense(2048, CLASSES)),
    "tsn-flow": (of_flow(INCEPTION, channels=10), dense(2048, CLASSES)),
    "tsn": (INCEPTION + of_flow(INCEPTION, channels=10), 2 * dense(2048, CLASSES)),
    "fused-two-stream": (
        INCEPTION + of_flow(INCEPTION, channels=20),
        convolution(3, 2 * 2048, 512, time=3) + dense(512, CLASSES),
    ),
}
TUNED = {  # where not all of the layers learn
    "slow-fusion-top": dense(4096, CLASSES),
    "slow-fusion-top-three": dense(7 * 7 * 256, 4096) + dense(4096, 4096) + dense(4096, CLASSES),
}
PUBLISHED = {
    "c3d": 78_409_573,
    "frame-scratch": 22_903_685,
    "frame-vote": 74_336_133,
    "lstm-pixels": 32_924_773,
    "gru-pixels": 24_722_533,
    "convgru-scratch": 25_791_877,
}
PUBLISHED_WITHOUT_ENCODER = {
    "frame-vote": 52_533_349,  # those that learn, as the thesis prints
    "cnn-lstm": 8_496_229,
    "mobilenet-gru": 10_552_933,
    "mobilenet-lstm": 13_827_173,
    "mobilenet-single": 709_733,
    "inception-gru": 26_289_253,
    "inception-lstm": 34_673_765,
    "inception-single": 1_102_949,
}


SYSTEMS = """
frame-vote        57.41 None  inceptionv3 224 EverySecond(count=8)             vote 0    5 imagenet
cnn-lstm          66.27 None  None        224 EverySecond(count=8,at_most=80)  mean 0    5 None
frame-scratch     23.4  38.9  inceptionv3 299 AllFrames()                      mean 0.1  1 None
frame-pretrained  47.0  73.2  inceptionv3 299 AllFrames()                      mean 0.1  1 imagenet
frame-finetuned   68.2  87.2  inceptionv3 299 AllFrames()                      mean 0.1  1 imagenet
lstm-pixels       44.1  72.8  None        50  Window(length=100)               mean 0.1  1 None
gru-pixels        45.8  74.2  None        50  Window(length=100)               mean 0.1  1 None
convgru-scratch   14.2  21.3  inceptionv3 299 Window(length=100)               mean 0.1  1 None
convgru-fixed     68.7  89.2  inceptionv3 299 Window(length=100)               mean 0.1  1 imagenet
convgru-finetuned 71.1  91.8  inceptionv3 299 Window(length=100)               mean 0.1  1 imagenet
inception-lstm    78.75 94.22 inceptionv3 299 Uniform(count=25)                mean 5/36 5 imagenet
inception-gru     79.61 94.69 inceptionv3 299 Uniform(count=25)                mean 5/36 5 imagenet
inception-single  69.69 88.12 inceptionv3 299 Uniform(count=25)                mean 5/36 5 imagenet
mobilenet-lstm    74.30 91.17 mobilenetv2 224 Uniform(count=25)                mean 5/36 5 imagenet
mobilenet-gru     75.94 92.97 mobilenetv2 224 Uniform(count=25)                mean 5/36 5 imagenet
mobilenet-single  64.25 84.73 mobilenetv2 224 Uniform(count=25)                mean 5/36 5 imagenet
"""
"""Top-1 and top-5, backbone and image size, frames, aggregation, validation, patience, weights."""
SYSTEMS = {row.split()[0]: row.split()[1:] for row in SYSTEMS.strip().splitlines()}
CHICHE = recipes.Phase(200, "adam", 1e-5, 32, "none", decay=1e-6)
PHASES = {
    "frame-vote": recipes.Phase(225, "sgd", 0.001, 32, "none", momentum=0.6),
    "cnn-lstm": recipes.Phase(20, "adam", 0.001, 32),
    "frame-scratch": recipes.Phase(100, "adam", 0.001, 128, "all"),
    "frame-pretrained": recipes.Phase(1, "adam", 0.001, 128, "none"),
    "frame-finetuned": recipes.Phase(10, "sgd", 0.001, 128, "top"),
    **dict.fromkeys(PIXEL_RECIPES, recipes.Phase(30, "adam", 0.001, 32)),
    "convgru-scratch": recipes.Phase(100, "adam", 0.001, 32, "all"),
    "convgru-fixed": recipes.Phase(30, "sgd", 0.0001, 32, "none"),
    "convgru-finetuned": recipes.Phase(30, "sgd", 0.0001, 32, "all"),
}
STARTS = {
    "cnn-lstm": "frame-vote",
    "frame-finetuned": "frame-pretrained",
    "convgru-finetuned": "convgru-fixed",
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_is_the_one_of_the_literature(name):
    recipe = recipes.get(name)
    top1, top5, backbone, size, sampling, aggregation, validation, patience, weights = SYSTEMS[name]
    values = (recipe.published.top1, recipe.published.top5, recipe.backbone, recipe.weights)
    found = [*map(str, values), repr(recipe.train_sampling).replace(" ", "")]
    assert found == [str(eval(top1)), top5.rstrip("0"), backbone, weights, sampling]
    assert recipe.size == (int(size), int(size))
    assert recipe.train_sampling == recipe.test_sampling
    assert (recipe.aggregation, recipe.patience) == (aggregation, int(patience))
    assert recipe.validation == pytest.approx(eval(validation))
    assert recipe.phases == (PHASES.get(name, CHICHE),)
    assert recipe.starts_from == STARTS.get(name)
    assert recipe.per_frame == (name.startswith("frame") or name.endswith("single"))
    assert bool(recipe.augment) == ("Newman 2020" in recipe.source)
    assert any(work in recipe.source for work in ("Newman 2020", "Chiche 2019", "(thesis)"))
    assert recipe.title
    assert recipe.departures
    assert all(departure.endswith(".") for departure in recipe.departures)


def test_published_details_are_kept():
    vote, lstm_ = (recipes.get(name).published for name in ("frame-vote", "cnn-lstm"))
    assert (vote.splits, lstm_.splits) == ((57.41, 56.08, 57.01), (66.27, 66.87, 65.40))
    for name, printed in {"frame": "23M", "lstm": "33M", "gru": "25M", "convgru": "26M"}.items():
        found = [recipes.get(one).published.parameters for one in NEWMAN if one.startswith(name)]
        assert set(found) == {printed}
    for encoder, scaled in (("inception", {}), ("mobilenet", {"scale": 1 / 6})):
        for head in ("lstm", "gru", "single"):
            recipe = recipes.get(f"{encoder}-{head}")
            assert recipe.options == scaled | ({} if head == "single" else {"cell": head})
            assert any("quantised" in one for one in recipe.departures) == bool(scaled)


def test_the_published_reports_are_the_means_of_the_published_classes(shared):
    table = pd.read_csv(shared / "published" / "chiche2019_per_class.csv")
    of = {"mobilenet-gru": "mobilenetv2-quantized", "inception-gru": "inceptionv3"}
    for name, features in of.items():
        rows = table[(table["features"] == features) & (table["classifier"] == "gru")]
        means = rows[["precision", "recall", "f1"]].mean().round(2)
        assert tuple(means) == recipes.get(name).published.report


def test_papers_come_in_the_order_of_the_notebooks_that_train_them():
    assert recipes.names()[4:14] == [*VOTE, *NEWMAN]
    assert [recipes.get(name).name for name in recipes.names()] == recipes.names()


def test_a_paper_that_no_notebook_trains_comes_last(monkeypatch):
    names = recipes.names()
    with monkeypatch.context() as patch:
        patch.delattr(newman, "NOTEBOOK")
        recipes._discover.__wrapped__()
        assert recipes.names()[-len(NEWMAN) :] == [*NEWMAN]
    recipes._discover.__wrapped__()
    assert recipes.names() == names


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match=r"frame-scratch.*Received: 'frames'.*my_recipe\.py:"):
        recipes.get("frames")


def test_every_recipe_has_its_formula():
    assert set(PARAMETERS) == set(recipes.names())
    assert {name: sum(PARAMETERS[name]) for name in PUBLISHED} == PUBLISHED
    heads = {name: PARAMETERS[name][1] for name in PUBLISHED_WITHOUT_ENCODER}
    assert heads == PUBLISHED_WITHOUT_ENCODER


build_once = functools.cache(backbones.build)


@pytest.fixture
def only_sizes(monkeypatch):
    """Leave weights at zero, which is quick, and build each backbone once."""
    monkeypatch.setattr(backbones, "build", build_once)
    for initializer in (keras.initializers.VarianceScaling, keras.initializers.Orthogonal):
        monkeypatch.setattr(initializer, "__call__", lambda _, *a, **o: keras.ops.zeros(*a, **o))


@pytest.mark.parametrize("name", PARAMETERS)
def test_recipes_are_built_at_their_published_size(name, only_sizes):
    model, recipe = recipes.build(name), recipes.get(name)
    encoder, head = PARAMETERS[name]
    assert model.count_params() == encoder + head
    # Of the batch normalisation after a recurrent or dense layer.
    statistics = 2 * sum(
        layer.moving_mean.shape[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    fixed = 3 if recipe.freeze_batchnorm else 2  # of batch normalisation: mean, variance, shift
    encoders = encoder - len(recipe.inputs) * fixed * INCEPTION_CHANNELS
    in_backbone = {"top": weights_of_top, "all": lambda _: encoders}
    learns = recipe.phases[-1].trainable if recipe.phases else None
    expected = in_backbone.get(learns, lambda _: 0)(model)
    assert number_learning(model) == TUNED.get(name, head) - statistics + expected


def weights_of_top(model):
    """Count the weights of the top modules, without statistics of batch normalisation."""
    top = set(backbones.top_modules(model))
    return sum(
        int(np.prod(weight.shape))
        for layer in model.get_layer("backbone").layers
        if layer.name in top
        for weight in layer.weights
        if weight.name not in ("moving_mean", "moving_variance")
    )


@pytest.fixture
def small(tiny_backbone):
    """Adapt a recipe to small pictures and a small backbone: (name, changes…) -> Recipe."""

    def adapt(name, **changes):
        recipe = recipes.get(name)
        changes |= {"backbone": tiny_backbone} if recipe.backbone is not None else {}
        return recipe.adapted(**{"size": 32, **changes})

    return adapt


def test_an_adapted_recipe_is_built_small_and_for_its_classes(small):
    model = recipes.build(small("frame-finetuned", size=(64, 96)), 12)
    assert model.input_shape == (None, 64, 96, 3)
    assert model.output_shape == (None, 12)
    learning = {x.name for x in model.get_layer("backbone").layers if x.trainable_weights}
    assert learning == {"tiny_3_conv", "tiny_3_bn", "tiny_4_conv", "tiny_4_bn"}


@pytest.mark.parametrize("cell", ["gru", "lstm", None], ids=str)
@pytest.mark.parametrize("name", ["lstm-pixels", "inception-gru"])
def test_recipes_on_clips_are_built_small_with_either_cell_for_any_length(name, cell, small):
    options = {"units": 8} | ({"cell": cell} if cell else {})
    model = recipes.build(small(name, options=options), 4)
    assert model.input_shape == (None, None, 32, 32, 3)
    assert (model.name, model.inputs[0].name) == (name, "rgb")
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(model.predict(clips, verbose=0).sum(axis=1), 1, rtol=1e-5)
    layer = model.get_layer(cell or recipes.get(name).options["cell"])
    assert layer.output.shape[-1] == (16 if name == "lstm-pixels" else 8)


def test_batchnorm_keeps_its_statistics_only_where_a_recipe_says_so_and_has_some(small):
    learns = {}
    for kept, weights in ((False, "imagenet"), (True, "imagenet"), (True, None)):
        recipe = small("convgru-finetuned", freeze_batchnorm=kept, weights=weights)
        model = recipes.build(recipe, 4)
        learns[kept, weights] = model.get_layer("backbone").get_layer("tiny_1_bn").trainable
    assert learns == {(False, "imagenet"): True, (True, "imagenet"): False, (True, None): True}


def test_a_phase_chooses_what_learns(small):
    recipe = small("convgru-finetuned", options={"units": 8})
    model = recipes.build(recipe, 4)
    counts = []
    for what in ("none", "top", "all", None):
        recipes.prepare(model, recipe, recipes.Phase(1, "sgd", 0.1, 4, what))
        counts.append(number_learning(model))
    assert counts[0] < counts[1] < counts[2] == counts[3]  # None leaves it as it was


def test_a_trained_model_hands_its_weights_on(small):
    start = recipes.build(small("convgru-fixed", options={"units": 8}), 4)
    tuned = recipes.build(small("convgru-finetuned", options={"units": 8}), 4, start=start)
    for mine, theirs in zip(tuned.get_weights(), start.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert number_learning(tuned) > number_learning(start)


def test_the_thesis_cnn_lstm_is_built_on_the_trained_cnn(small):
    start = recipes.build(small("frame-vote", options={"units": 16}), 4)
    model = recipes.build(small("cnn-lstm", options={"units": 8}), 4, start=start)
    # The CNN without its dropout, which does not learn.
    assert [layer.name for layer in model.layers][2:5] == ["backbone", "flatten", "dense"]
    assert model.get_layer("dense") is start.get_layer("dense")
    assert number_learning(model) == lstm(16, 8) + dense(8, 4)


def test_building_passes_the_named_weights_on(tmp_path, small):
    recipe, path = small("frame-pretrained"), tmp_path / "own.weights.h5"
    source = backbones.build(recipe.backbone, size=(32, 32))
    source.save_weights(path)
    model = recipes.build(recipe, 3, weights=path)
    found = model.get_layer("backbone").get_layer("tiny_1_conv").get_weights()[0]
    np.testing.assert_array_equal(found, source.get_layer("tiny_1_conv").get_weights()[0])


def test_fewer_than_two_classes_are_refused():
    with pytest.raises(RecipeError, match=r"at least 2 classes.*num_classes=1.*more classes"):
        recipes.build("gru-pixels", 1)


def test_adapting_changes_a_copy():
    recipe = recipes.get("frame-vote")
    other = recipe.adapted(test=Uniform(16), weights=None, options={"units": 8})
    assert (other.test_sampling, other.weights, other.options) == (Uniform(16), None, {"units": 8})
    assert other.train_sampling == EverySecond(8)
    assert (recipe.test_sampling, recipe.weights) == (EverySecond(8), "imagenet")
    assert (recipe.options, other.published) == ({}, recipe.published)
    with pytest.raises(FrozenInstanceError):
        recipe.aggregation = "mean"


def test_size_and_frames_change_in_every_input():
    recipe = recipes.get("gru-pixels")
    inputs = {"rgb": recipe.inputs["rgb"], "more": recipe.inputs["rgb"]}
    other = recipe.adapted(inputs=inputs, size=16, sampling=Uniform(4))
    assert {stream.size for stream in other.inputs.values()} == {(16, 16)}
    assert {stream.sampling for stream in other.inputs.values()} == {Uniform(4)}


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("frame-vote", {"epochs": 3}, r"phases.*size.*Received: epochs for frame-vote.*remove"),
        (
            "frame-vote",
            {"options": {"cell": "gru"}},
            r"options of frame_vote: backbone, units, dropout.*options cell in frame-vote",
        ),
        ("frame-vote", {"backbone": None}, r"backbone=None in frame-vote.*the function"),
        ("gru-pixels", {"backbone": "residual"}, r"backbone='residual' in gru-.*the function"),
    ],
    ids=["field", "option", "no backbone", "unused backbone"],
)
def test_adapting_what_a_recipe_does_not_have_is_refused(name, changes, message):
    with pytest.raises(RecipeError, match=message):
        recipes.get(name).adapted(**changes)


@pytest.mark.parametrize("name", ["frame-vote", "cnn-lstm", "frame-scratch", "gru-pixels"])
def test_what_decides_a_result_becomes_json(name):
    def as_json(**changes):
        return json.dumps(recipes.get(name).adapted(**changes).as_dict())

    phases = (recipes.Phase(1, "sgd", 0.1, 2),)
    others = [{"sampling": Uniform(3)}, {"size": 33}, {"patience": 7}, {"phases": phases}]
    assert as_json() == as_json(title="Another title")
    assert len({as_json(), *(as_json(**changes) for changes in others)}) == 5


def test_every_recipe_starts_from_one_before_it():
    for position, name in enumerate(recipes.names()):
        assert set(recipes.get(name).starts) <= set(recipes.names()[:position])


def test_the_table_says_what_each_recipe_takes_and_how_it_learns():
    table = recipes.table()
    assert table.index.tolist() == recipes.names()
    assert table.loc["frame-vote", "inputs"] == "rgb (frames)"
    assert table.loc["gru-pixels", ["inputs", "backbone"]].tolist() == ["rgb (clips)", "none"]
    trained = {
        "frame-finetuned": "frame-pretrained; then 10 epochs sgd 0.001, batch 128, "
        "backbone learns: top",
        "gru-pixels": "30 epochs adam 0.001, batch 32",
        "frame-vote": "225 epochs sgd 0.001, momentum 0.6, batch 32, backbone learns: none",
    }
    assert table["training"][list(trained)].to_dict() == trained
    adapted = recipes.table([recipes.get("frame-vote").adapted(size=(112, 96))])
    assert adapted["size"].tolist() == ["112×96"]


def test_what_was_published_stands_with_its_note_and_the_departures():
    names = ("frame-vote", "mobilenet-gru")
    found = recipes.published_beside({name: {"recipe": name} for name in names})
    assert found.loc["frame-vote", "by split %"] == "57.41 / 56.08 / 57.01"
    assert "had seen the test set" in found.loc["frame-vote", "note"]
    assert found.loc["mobilenet-gru", "precision / recall / F1"] == "0.74 / 0.73 / 0.72"
    assert "quantised to 8 bits" in found.loc["mobilenet-gru", "departures"]


@pytest.fixture
def forget(monkeypatch):
    """Forget recipes that a test has made known."""
    recipes.names()
    monkeypatch.setattr(recipes, "_RECIPES", dict(recipes._RECIPES))
    monkeypatch.setattr(recipes, "_FILES", {})


OWN = '''
import keras

from vidlab.recipes import Phase, recipe
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb


@recipe("mine", inputs={"rgb": Rgb(Uniform(4), 16, clip=True)}, phases=[Phase(1, "sgd", 0.1, 2)])
def mine(inputs, num_classes, *, units=4):
    """A small net."""
    x = keras.layers.Conv3D(units, 3, padding="same")(inputs["rgb"])  # volumes
    x = keras.layers.GlobalAveragePooling3D()(x)
    return keras.layers.Dense(num_classes, activation="softmax")(x)
'''


@pytest.fixture
def own_file(tmp_path, forget):
    """Write a file of recipes: (text, what to replace in it…) -> path."""
    seconds = iter(range(1, 99))

    def write(text=OWN, *replaced):
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "my_recipe.py"
        path.write_text(text, encoding="utf-8")
        time = next(seconds) * 10**9  # a change within one tick of the clock counts too
        os.utime(path, ns=(time, time))
        return path

    return write


def test_a_recipe_in_a_file_of_ones_own_is_found_by_the_file(own_file, monkeypatch):
    path = own_file()
    recipe = recipes.get(f"{path}:mine")
    assert recipe is recipes.get(str(path)) is recipes.get("mine")
    assert (recipe.name, recipe.file, recipe.source) == ("mine", str(path), "own recipe")
    assert recipes.names()[-1] == "mine"
    assert recipes.table().index[-1] == "mine"
    monkeypatch.chdir(path.parent)
    assert recipes.get("my_recipe.py") is recipe
    model = recipes.build(recipe, 3)
    assert model.input_shape == (None, None, 16, 16, 3)
    assert model.count_params() == 3 * 3 * 3 * 3 * 4 + 4 + dense(4, 3)


def test_a_file_that_has_changed_is_read_again(own_file):
    path = own_file()
    before = recipes.get(f"{path}:mine")
    assert recipes.get(f"{path}:mine") is before
    own_file(OWN, ("units=4", "units=5"))
    after = recipes.get(f"{path}:mine")
    assert recipes.build(after, 3).count_params() == 3 * 3 * 3 * 3 * 5 + 5 + dense(5, 3)
    own_file(OWN, ('"mine"', '"other"'))
    assert recipes.load(path) == ["other"]
    with pytest.raises(RecipeError, match="Received: 'mine'"):
        recipes.get("mine")


def test_only_code_changes_the_digest_of_the_code(own_file):
    def digest(*changes):
        return recipes.get(str(own_file(OWN, *changes))).code_digest

    same = [('"""A small net."""', '"""Another word."""'), ("# volumes", "# other words")]
    same += [('    """A small net."""\n', ""), ('Phase(1, "sgd"', 'Phase(2, "adam"')]
    assert {digest(change) for change in same} == {digest()}
    beside = "\n\ndef width():\n    return {}\n"
    others = [digest(("Conv3D(units, 3", "Conv3D(units, 5"))]
    others += [digest((OWN, OWN + beside.format(count))) for count in (3, 4)]
    assert len({digest(), *others}) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", r"my_recipe\.py, which fails with SyntaxError.*shows the line"),
        ("1 / 0\n", r"fails with ZeroDivisionError: division by zero"),
        ("x = 1\n", r"at least one function decorated.*my_recipe\.py.*Received: none.*Decorate"),
        (
            OWN.replace('"mine"', '"frame-vote"'),
            r"no other recipe has.*'frame-vote'.*cnn_lstm_thesis.*my-frame-vote",
        ),
    ],
    ids=["syntax", "error", "none", "taken"],
)
def test_what_is_wrong_with_a_file_is_said(own_file, text, message):
    path = own_file(text)
    before = recipes.names()
    for _ in range(2):  # asked again, it fails again
        with pytest.raises(RecipeError, match=message):
            recipes.get(f"{path}:mine")
    assert recipes.names() == before


def test_a_file_that_is_absent_or_lacks_the_recipe_is_said(own_file, tmp_path):
    with pytest.raises(RecipeError, match=r"gone\.py, which is absent"):
        recipes.get(str(tmp_path / "gone.py"))
    with pytest.raises(RecipeError, match=r"my_recipe\.py: mine\. Received.*yours.*py:mine"):
        recipes.get(f"{own_file()}:yours")


def test_of_several_recipes_in_a_file_one_has_to_be_named(own_file):
    second = OWN[OWN.index("@recipe") :].replace("mine", "second")
    path = own_file(OWN + "\n\n" + second)
    assert recipes.load(path) == ["mine", "second"]
    with pytest.raises(RecipeError, match=r"mine, second\. Received.*Write .*py:mine"):
        recipes.get(str(path))
    assert recipes.get(f"{path}:second").name == "second"


def decorated(name="notebook", **changes):
    """Do what a cell of a notebook does."""
    inputs = {"rgb": Rgb(Uniform(4), 16)}
    fields = {"inputs": inputs, "phases": [recipes.Phase(1, "sgd", 0.1, 2)], **changes}

    @recipes.recipe(name, **fields)
    def simple(inputs, num_classes):
        x = keras.layers.Flatten()(inputs["rgb"])
        return keras.layers.Dense(num_classes, activation="softmax")(x)

    return simple


def test_a_decorated_function_of_a_notebook_is_a_recipe(forget):
    write = decorated()
    recipe = recipes.get("notebook")
    assert recipe.build is write  # the decorator gives it back
    assert recipe.phases == (recipes.Phase(1, "sgd", 0.1, 2),)
    assert recipes.build("notebook", 3).output_shape == (None, 3)
    decorated(title="Run again")
    assert recipes.get("notebook").title == "Run again"
    with pytest.raises(RecipeError, match=r"'frame-vote'.*cnn_lstm_thesis.*my-frame-vote"):
        decorated("frame-vote")


def test_a_model_may_have_several_inputs_and_outputs(forget):
    inputs = {name: Rgb(Uniform(4), size) for name, size in (("large", 16), ("small", 8))}
    tasks = {"action": recipes.Task(), "hand": recipes.Task(weight=0.5)}

    @recipes.recipe("two", inputs=inputs, phases=[recipes.Phase(1, "sgd", 0.1, 2)], tasks=tasks)
    def two(inputs, num_classes):
        means = [keras.layers.GlobalAveragePooling2D()(inputs[name]) for name in inputs]
        x = keras.layers.Concatenate()(means)
        return {
            name: keras.layers.Dense(num_classes, activation="softmax", name=name)(x)
            for name in tasks
        }

    assert recipes.build("two", 3).output_shape == [(None, 3), (None, 3)]
    assert recipes.table(["two"])["inputs"].item() == "large, small (frames)"
    other = recipes.get("two").adapted(tasks={"action": recipes.Task(), "foot": recipes.Task()})
    with pytest.raises(RecipeError, match=r"two to give action, foot.*Received: action, hand"):
        recipes.build(other, 3)
