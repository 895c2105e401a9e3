"""Recipes: what the literature says, the models it leads to, and files of one's own."""

import json
import os
from dataclasses import FrozenInstanceError

import keras
import numpy as np
import pandas as pd
import pytest

from vidlab import recipes
from vidlab.data.sampling import AllFrames, EverySecond, Uniform, Window
from vidlab.data.streams import Rgb
from vidlab.errors import RecipeError
from vidlab.models import backbones
from vidlab.recipes import registry

VOTE = ["frame-vote", "cnn-lstm"]
FRAME_RECIPES = ["frame-scratch", "frame-pretrained", "frame-finetuned"]
PIXEL_RECIPES = ["lstm-pixels", "gru-pixels"]
CONVGRU_RECIPES = ["convgru-scratch", "convgru-fixed", "convgru-finetuned"]

INCEPTION = 21_802_784  # without its top, as Keras documents it
INCEPTION_LEARNS = 21_768_352  # all but the stored statistics of its batch normalisation
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


def chiche_head(features):
    return dense(features, 512) + batchnorm(512) + dense(512, CLASSES)


PIXELS = 50 * 50 * 3
FRAMES_HEAD = dense(2048, 512) + dense(512, CLASSES)
CONVGRU_HEAD = gru(2048, 512) + batchnorm(512) + dense(512, CLASSES)
VOTE_DENSE = dense(5 * 5 * 2048, 1024)
ENCODERS = {
    "frame-vote": INCEPTION,
    "cnn-lstm": INCEPTION + VOTE_DENSE,
    **dict.fromkeys(FRAME_RECIPES, INCEPTION),
    **dict.fromkeys(PIXEL_RECIPES, 0),
    **dict.fromkeys(CONVGRU_RECIPES, INCEPTION),
    **dict.fromkeys(["inception-lstm", "inception-gru"], INCEPTION),
    **dict.fromkeys(["mobilenet-lstm", "mobilenet-gru"], MOBILENET),
    "inception-single": INCEPTION,
    "mobilenet-single": MOBILENET,
}
HEADS = {
    "frame-vote": VOTE_DENSE + dense(1024, CLASSES),
    "cnn-lstm": lstm(1024, 1024) + dense(1024, CLASSES),
    **dict.fromkeys(FRAME_RECIPES, FRAMES_HEAD),
    "lstm-pixels": 2 * lstm(PIXELS, 512) + dense(2 * 512, CLASSES),
    "gru-pixels": 2 * gru(PIXELS, 512) + dense(2 * 512, CLASSES),
    **dict.fromkeys(CONVGRU_RECIPES, CONVGRU_HEAD),
    "inception-lstm": lstm(2048, 2048) + batchnorm(2048) + chiche_head(2048),
    "inception-gru": gru(2048, 2048) + batchnorm(2048) + chiche_head(2048),
    "mobilenet-lstm": lstm(1280, 1280) + batchnorm(1280) + chiche_head(1280),
    "mobilenet-gru": gru(1280, 1280) + batchnorm(1280) + chiche_head(1280),
    "inception-single": chiche_head(2048),
    "mobilenet-single": chiche_head(1280),
}
PUBLISHED = {
    "frame-scratch": 22_903_685,
    "frame-vote": 74_336_133,
    "lstm-pixels": 32_924_773,
    "gru-pixels": 24_722_533,
    "convgru-scratch": 25_791_877,
    "convgru-fixed": 25_791_877,
    "convgru-finetuned": 25_791_877,
}
PUBLISHED_HEADS = {
    "cnn-lstm": 8_496_229,
    "mobilenet-gru": 10_552_933,
    "mobilenet-lstm": 13_827_173,
    "mobilenet-single": 709_733,
    "inception-gru": 26_289_253,
    "inception-lstm": 34_673_765,
    "inception-single": 1_102_949,
}


@pytest.mark.parametrize(
    ("name", "top1", "top5", "phases", "weights"),
    [
        ("frame-scratch", 23.4, 38.9, [(100, "adam", 0.001, 128, "all")], None),
        ("frame-pretrained", 47.0, 73.2, [(1, "adam", 0.001, 128, "none")], "imagenet"),
        (
            "frame-finetuned",
            68.2,
            87.2,
            [(10, "sgd", 0.001, 128, "top")],
            "imagenet",
        ),
    ],
)
def test_newmans_frame_models(name, top1, top5, phases, weights):
    recipe = recipes.get(name)
    assert (recipe.published.top1, recipe.published.top5) == (top1, top5)
    found = [
        (p.epochs, p.optimizer, p.learning_rate, p.batch_size, p.trainable) for p in recipe.phases
    ]
    assert found == phases
    assert recipe.weights == weights
    assert (recipe.backbone, recipe.size) == ("inceptionv3", (299, 299))
    assert recipe.per_frame
    assert recipe.aggregation == "mean"
    assert recipe.augment
    assert recipe.train_sampling == recipe.test_sampling == AllFrames()
    assert recipe.published.parameters == "23M"
    assert "Newman 2020" in recipe.source


def test_the_thesis_frame_vote():
    recipe = recipes.get("frame-vote")
    (phase,) = recipe.phases
    assert (phase.optimizer, phase.learning_rate, phase.momentum) == ("sgd", 0.001, 0.6)
    assert 223 <= phase.epochs <= 226
    assert phase.trainable == "none"
    assert (recipe.size, recipe.aggregation) == ((224, 224), "vote")
    assert recipe.validation == 0
    assert recipe.train_sampling == EverySecond(8)
    assert recipe.published.splits == (57.41, 56.08, 57.01)
    assert recipe.published.top1 == 57.41
    assert recipe.published.top5 is None
    assert "74,336,133" in recipe.published.parameters


@pytest.mark.parametrize(
    ("name", "cell", "parameters", "results"),
    [("lstm-pixels", "lstm", "33M", (44.1, 72.8)), ("gru-pixels", "gru", "25M", (45.8, 74.2))],
)
def test_newmans_networks_on_pixels(name, cell, parameters, results):
    recipe = recipes.get(name)
    assert (recipe.published.top1, recipe.published.top5) == results
    assert recipe.published.parameters == parameters
    assert (recipe.backbone, recipe.weights, recipe.size) == (None, None, (50, 50))
    assert (recipe.per_frame, recipe.options) == (False, {"cell": cell})
    assert recipe.phases == (recipes.Phase(30, "adam", 0.001, 32),)
    assert recipe.train_sampling == recipe.test_sampling == Window(100)


@pytest.mark.parametrize(
    ("name", "results", "phase", "weights", "starts_from"),
    [
        ("convgru-scratch", (14.2, 21.3), (100, "adam", 0.001, 32, "all"), None, None),
        ("convgru-fixed", (68.7, 89.2), (30, "sgd", 0.0001, 32, "none"), "imagenet", None),
        (
            "convgru-finetuned",
            (71.1, 91.8),
            (30, "sgd", 0.0001, 32, "all"),
            "imagenet",
            "convgru-fixed",
        ),
    ],
)
def test_newmans_combined_networks(name, results, phase, weights, starts_from):
    recipe = recipes.get(name)
    assert (recipe.published.top1, recipe.published.top5) == results
    assert recipe.published.parameters == "26M"
    assert recipe.phases == (recipes.Phase(*phase),)
    assert (recipe.weights, recipe.starts_from) == (weights, starts_from)
    assert (recipe.backbone, recipe.size) == ("inceptionv3", (299, 299))
    assert not recipe.per_frame
    assert recipe.train_sampling == recipe.test_sampling == Window(100)
    assert recipe.augment
    assert (recipe.patience, recipe.validation) == (1, 0.1)


def test_the_thesis_cnn_lstm():
    recipe = recipes.get("cnn-lstm")
    assert recipe.published.splits == (66.27, 66.87, 65.40)
    assert recipe.published.top1 == 66.27
    assert "8,496,229" in recipe.published.parameters
    assert recipe.starts_from == "frame-vote"
    assert (recipe.per_frame, recipe.validation) == (False, 0)
    (phase,) = recipe.phases
    assert phase.optimizer == "adam"
    assert 18 <= phase.epochs <= 21
    start = recipes.get(recipe.starts_from)
    assert recipe.size == start.size
    assert recipe.test_sampling == EverySecond(start.test_sampling.count, at_most=80)


@pytest.mark.parametrize(
    ("name", "top1", "top5", "report"),
    [
        ("inception-lstm", 78.75, 94.22, ()),
        ("inception-gru", 79.61, 94.69, (0.77, 0.77, 0.76)),
        ("mobilenet-lstm", 74.30, 91.17, ()),
        ("mobilenet-gru", 75.94, 92.97, (0.74, 0.73, 0.72)),
        ("inception-single", 69.69, 88.12, (0.67, 0.67, 0.66)),
        ("mobilenet-single", 64.25, 84.73, (0.62, 0.61, 0.61)),
    ],
)
def test_chiches_heads_on_features(name, top1, top5, report):
    recipe = recipes.get(name)
    encoder, head = name.split("-")
    assert (recipe.published.top1, recipe.published.top5) == (top1, top5)
    assert recipe.published.report == report
    assert (recipe.backbone, recipe.size) == {
        "inception": ("inceptionv3", (299, 299)),
        "mobilenet": ("mobilenetv2", (224, 224)),
    }[encoder]
    assert any("quantised" in one for one in recipe.departures) == (encoder == "mobilenet")
    scaled = {"scale": 1 / 255} if encoder == "mobilenet" else {}
    cell = {} if head == "single" else {"cell": head}
    assert recipe.options == scaled | cell
    assert recipe.per_frame == (head == "single")
    (phase,) = recipe.phases
    assert (phase.optimizer, phase.learning_rate, phase.decay) == ("adam", 1e-5, 1e-6)
    assert phase.trainable == "none"
    assert recipe.validation == pytest.approx(10 / (62 + 10))  # of what is not tested
    assert recipe.train_sampling == recipe.test_sampling == Uniform(25)


def test_the_published_reports_are_the_means_of_the_published_classes(shared):
    table = pd.read_csv(shared / "published" / "chiche2019_per_class.csv")
    of = {"mobilenet-gru": "mobilenetv2-quantized", "inception-gru": "inceptionv3"}
    for name, features in of.items():
        rows = table[(table["features"] == features) & (table["classifier"] == "gru")]
        means = rows[["precision", "recall", "f1"]].mean().round(2)
        assert tuple(means) == recipes.get(name).published.report


def test_finetuned_goes_on_from_pretrained():
    tuned = recipes.get("frame-finetuned")
    assert tuned.starts_from == "frame-pretrained"
    assert [phase.trainable for phase in tuned.phases] == ["top"]


def test_names_are_those_of_the_recipes():
    assert recipes.names()[:8] == [*VOTE, *FRAME_RECIPES, *PIXEL_RECIPES, CONVGRU_RECIPES[0]]
    assert [recipes.get(name).name for name in recipes.names()] == recipes.names()


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match=r"frame-scratch.*Received: 'frames'.*my_recipe\.py:"):
        recipes.get("frames")


@pytest.mark.parametrize("name", HEADS)
def test_every_recipe_says_its_source_and_where_it_departs(name):
    recipe = recipes.get(name)
    assert any(work in recipe.source for work in ("Newman 2020", "Chiche 2019", "(thesis)"))
    assert recipe.title
    assert recipe.departures
    assert all(one.endswith(".") for one in recipe.departures)
    assert recipe.published.top1


def learning(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_every_recipe_has_its_formula():
    assert set(HEADS) == set(ENCODERS) == set(recipes.names())
    assert {name: ENCODERS[name] + HEADS[name] for name in PUBLISHED} == PUBLISHED
    assert {name: HEADS[name] for name in PUBLISHED_HEADS} == PUBLISHED_HEADS
    assert HEADS["frame-vote"] == 52_533_349  # trainable, as the thesis prints


@pytest.mark.parametrize("name", HEADS)
def test_recipes_are_built_at_their_published_size(name):
    model, recipe = recipes.build(name), recipes.get(name)
    assert model.count_params() == ENCODERS[name] + HEADS[name]
    # Of the batch normalisation after a recurrent or dense layer.
    statistics = 2 * sum(
        layer.moving_mean.shape[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    in_backbone = {
        "none": lambda model: 0,
        "top": weights_of_top,
        "all": lambda _: INCEPTION_LEARNS,
    }
    expected = in_backbone[recipe.phases[-1].trainable or "none"](model)
    assert learning(model) == HEADS[name] - statistics + expected


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


def small(name, **changes):
    recipe = recipes.get(name)
    if recipe.backbone is not None:
        changes = {"backbone": "mobilenetv2-0.35", **changes}
    return recipe.adapted(**{"size": 32, **changes})


def test_an_adapted_recipe_is_built_small_and_for_its_classes():
    recipe = small("frame-finetuned", size=(64, 96))
    model = recipes.build(recipe, 12)
    assert model.input_shape == (None, 64, 96, 3)
    assert model.output_shape == (None, 12)
    learning_layers = {
        layer.name for layer in model.get_layer("backbone").layers if layer.trainable_weights
    }
    assert learning_layers <= set(backbones.top_modules(model))
    assert learning_layers


@pytest.mark.parametrize("name", PIXEL_RECIPES + CONVGRU_RECIPES)
def test_recipes_on_clips_are_built_small_for_any_length(name):
    recipe = small(name, options={"units": 8})
    model = recipes.build(recipe, 4)
    assert model.input_shape == (None, None, 32, 32, 3)
    assert (model.name, model.inputs[0].name) == (name, "rgb")
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(model.predict(clips, verbose=0).sum(axis=1), 1, rtol=1e-5)
    cell = recipe.options.get("cell", "gru")
    assert model.get_layer(cell).output.shape[-1] == (8 if recipe.backbone else 2 * 8)


@pytest.mark.parametrize("name", ["lstm-pixels", "inception-gru"])
def test_the_other_cell_can_be_chosen(name):
    cell = {"gru": "lstm", "lstm": "gru"}[recipes.get(name).options["cell"]]
    model = recipes.build(small(name, options={"cell": cell, "units": 8}), 4)
    assert model.get_layer(cell).output.shape[-1] == (16 if name == "lstm-pixels" else 8)


def test_batchnorm_keeps_its_statistics_only_where_a_recipe_says_so_and_has_some():
    learns = {}
    for kept, weights in ((False, "imagenet"), (True, "imagenet"), (True, None)):
        recipe = small("convgru-finetuned", freeze_batchnorm=kept, weights=weights)
        model = recipes.build(recipe, 4)
        learns[kept, weights] = model.get_layer("backbone").get_layer("bn_Conv1").trainable
    assert learns == {(False, "imagenet"): True, (True, "imagenet"): False, (True, None): True}


def test_a_phase_chooses_what_learns():
    recipe = small("convgru-finetuned", options={"units": 8})
    model = recipes.build(recipe, 4)
    counts = []
    for what in ("none", "top", "all", None):
        recipes.prepare(model, recipe, recipes.Phase(1, "sgd", 0.1, 4, what))
        counts.append(learning(model))
    assert counts[0] < counts[1] < counts[2] == counts[3]  # None leaves it as it was


def test_a_trained_model_hands_its_weights_on():
    start = recipes.build(small("convgru-fixed", options={"units": 8}), 4)
    tuned = recipes.build(small("convgru-finetuned", options={"units": 8}), 4, start=start)
    for mine, theirs in zip(tuned.get_weights(), start.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert learning(tuned) > learning(start)


def test_the_thesis_cnn_lstm_is_built_on_the_trained_cnn():
    start = recipes.build(small("frame-vote", options={"units": 16}), 4)
    model = recipes.build(
        recipes.get("cnn-lstm").adapted(options={"units": 8}, size=32), 4, start=start
    )
    assert model.get_layer("dense") is start.get_layer("dense")
    assert learning(model) == lstm(16, 8) + dense(8, 4)


def test_building_passes_the_named_weights_on(tmp_path):
    source = backbones.build("mobilenetv2-0.35", size=(32, 32))
    path = tmp_path / "own.weights.h5"
    source.save_weights(path)
    model = recipes.build(small("frame-pretrained"), 3, weights=path)
    found = model.get_layer("backbone").get_layer("Conv1").get_weights()[0]
    np.testing.assert_array_equal(found, source.get_layer("Conv1").get_weights()[0])


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


def test_options_that_are_not_named_stay():
    recipe = recipes.get("mobilenet-gru").adapted(options={"units": 8})
    assert recipe.options == {"cell": "gru", "scale": 1 / 255, "units": 8}


def test_size_and_frames_change_in_every_input():
    recipe = recipes.get("gru-pixels")
    inputs = {"rgb": recipe.inputs["rgb"], "more": recipe.inputs["rgb"]}
    other = recipe.adapted(inputs=inputs, size=16, sampling=Uniform(4))
    assert {stream.size for stream in other.inputs.values()} == {(16, 16)}
    assert {stream.sampling for stream in other.inputs.values()} == {Uniform(4)}


def test_adapting_what_a_recipe_does_not_have_is_refused():
    with pytest.raises(RecipeError, match=r"phases.*size.*Received: epochs for frame-vote.*remove"):
        recipes.get("frame-vote").adapted(epochs=3)
    known = r"options of frame_vote: backbone, units, dropout.*options cell in frame-vote"
    with pytest.raises(RecipeError, match=known):
        recipes.get("frame-vote").adapted(options={"cell": "gru"})


@pytest.mark.parametrize(
    ("name", "backbone"), [("frame-vote", None), ("gru-pixels", "mobilenetv2")]
)
def test_a_backbone_that_does_not_fit_the_function_is_refused(name, backbone):
    with pytest.raises(RecipeError, match=rf"backbone={backbone!r} in {name}.*the function"):
        recipes.get(name).adapted(backbone=backbone)


def test_recipes_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        recipes.get("frame-vote").aggregation = "mean"


@pytest.mark.parametrize("name", HEADS)
def test_what_decides_a_result_becomes_json(name):
    recipe = recipes.get(name)
    values = json.loads(json.dumps(recipe.as_dict()))
    assert values == json.loads(json.dumps(recipe.adapted().as_dict()))
    for other in (
        recipe.adapted(sampling=Uniform(3)),
        recipe.adapted(size=33),
        recipe.adapted(patience=7),
        recipe.adapted(phases=(recipes.Phase(1, "sgd", 0.1, 2),)),
    ):
        assert json.loads(json.dumps(other.as_dict())) != values
    named = recipe.adapted(title="Another title")
    assert json.loads(json.dumps(named.as_dict())) == values


def test_the_json_holds_samplers_and_phases_in_words():
    values = recipes.get("frame-vote").as_dict()
    assert values["inputs"]["rgb"]["sampling"] == "EverySecond(count=8)"
    assert values["phases"][0]["momentum"] == 0.6


def test_every_recipe_starts_from_one_before_it():
    for position, name in enumerate(recipes.names()):
        start = recipes.get(name).starts_from
        assert start is None or start in recipes.names()[:position]


def test_the_table_has_a_row_per_recipe_with_published_numbers():
    chosen = [*FRAME_RECIPES, "frame-vote"]
    rows = recipes.table(chosen)
    assert [row["recipe"] for row in rows] == chosen
    assert len({tuple(row) for row in rows}) == 1
    assert [row["published top-1 %"] for row in rows] == [23.4, 47.0, 68.2, 57.41]
    assert rows[2]["training"] == (
        "frame-pretrained; then 10 epochs sgd 0.001, batch 128, backbone learns: top"
    )
    assert rows[3]["training"].startswith("225 epochs sgd 0.001, momentum 0.6")


def test_the_table_says_what_each_recipe_takes():
    rows = {row["recipe"]: row for row in recipes.table()}
    assert rows["frame-vote"]["inputs"] == "rgb (frames)"
    assert rows["gru-pixels"]["inputs"] == "rgb (clips)"
    assert rows["gru-pixels"]["backbone"] == "none"
    assert rows["gru-pixels"]["training"] == "30 epochs adam 0.001, batch 32"
    assert rows["inception-gru"]["training"].startswith("200 epochs adam 1e-05, decay 1e-06, batch")


def test_the_table_takes_adapted_recipes():
    (row,) = recipes.table([recipes.get("frame-vote").adapted(size=(112, 96))])
    assert row["size"] == "112×96"


def test_what_was_published_stands_with_its_note_and_the_departures():
    found = recipes.published(["frame-vote", "mobilenet-gru"])
    assert found.loc["frame-vote", "by split %"] == "57.41 / 56.08 / 57.01"
    assert "had seen the test set" in found.loc["frame-vote", "note"]
    assert found.loc["mobilenet-gru", "precision / recall / F1"] == "0.74 / 0.73 / 0.72"
    assert "quantised to 8 bits" in found.loc["mobilenet-gru", "departures"]


@pytest.fixture
def forget(monkeypatch):
    """Forget recipes that a test has made known."""
    recipes.names()
    monkeypatch.setattr(registry, "_RECIPES", dict(registry._RECIPES))
    monkeypatch.setattr(registry, "_FILES", {})


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
    assert recipes.table()[-1]["recipe"] == "mine"
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


def test_comments_docstrings_and_decorators_do_not_change_the_code(own_file):
    same = [(), ('"""A small net."""', '"""Another word."""'), ("# volumes", "# other words")]
    same += [('    """A small net."""\n', ""), ('Phase(1, "sgd"', 'Phase(2, "adam"')]
    digests = [
        recipes.get(str(own_file(OWN, *([change] if change else [])))).code_digest
        for change in same
    ]
    assert len(set(digests)) == 1
    other = recipes.get(str(own_file(OWN, ("Conv3D(units, 3", "Conv3D(units, 5"))))
    assert other.code_digest not in digests


def test_code_beside_the_function_counts_in_a_file_of_ones_own(own_file):
    helper = "\n\ndef width():\n    return {}\n"
    digests = {
        recipes.get(str(own_file(OWN + helper.format(count)))).code_digest for count in (3, 4)
    }
    assert len(digests) == 2


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
        (
            OWN.replace("phases=", 'options={"width": 3}, phases='),
            r"options of mine: units\. Received: options width in mine",
        ),
        (
            OWN.replace("*, units", "*, backbone, units"),
            r"backbone, units\. Received: backbone=None in mine.*the function",
        ),
        (
            OWN.replace("phases=", 'backbone="mobilenetv2", phases='),
            r"options of mine: units\. Received: backbone='mobilenetv2' in mine",
        ),
    ],
    ids=["syntax", "error", "none", "taken", "option", "no backbone", "unused backbone"],
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

    model = recipes.build("two", 3)
    batch = {"large": np.zeros((2, 16, 16, 3)), "small": np.zeros((2, 8, 8, 3))}
    found = model.predict(batch, verbose=0)
    assert [found[name].shape for name in tasks] == [(2, 3), (2, 3)]
    assert recipes.table(["two"])[0]["inputs"] == "large, small (frames)"
    other = recipes.get("two").adapted(tasks={"action": recipes.Task(), "foot": recipes.Task()})
    with pytest.raises(RecipeError, match=r"two to give action, foot.*Received: action, hand"):
        recipes.build(other, 3)
