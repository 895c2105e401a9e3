"""Recipes: what the literature says, as data, and the models it leads to."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import keras
import numpy as np
import pandas as pd
import pytest

from vidlab import backbones, recipes
from vidlab.errors import RecipeError
from vidlab.sampling import AllFrames, EverySecond, Uniform, Window

FRAME_RECIPES = ["frame-scratch", "frame-pretrained", "frame-finetuned", "frame-vote"]
PIXEL_RECIPES = ["lstm-pixels", "gru-pixels"]
CONVGRU_RECIPES = ["convgru-scratch", "convgru-fixed", "convgru-finetuned"]

INCEPTION = 21_802_784  # without its top, as Keras documents it
INCEPTION_LEARNS = 21_768_352  # all but the stored statistics of its batch normalisation
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
CONVGRU_HEAD = gru(2048, 512) + batchnorm(512) + dense(512, CLASSES)
PARAMETERS = {
    "frame-scratch": INCEPTION + dense(2048, 512) + dense(512, CLASSES),
    "frame-pretrained": INCEPTION + dense(2048, 512) + dense(512, CLASSES),
    "frame-finetuned": INCEPTION + dense(2048, 512) + dense(512, CLASSES),
    "frame-vote": INCEPTION + dense(5 * 5 * 2048, 1024) + dense(1024, CLASSES),
    "lstm-pixels": 2 * lstm(PIXELS, 512) + dense(2 * 512, CLASSES),
    "gru-pixels": 2 * gru(PIXELS, 512) + dense(2 * 512, CLASSES),
    "convgru-scratch": INCEPTION + CONVGRU_HEAD,
    "convgru-fixed": INCEPTION + CONVGRU_HEAD,
    "convgru-finetuned": INCEPTION + CONVGRU_HEAD,
    "cnn-lstm": lstm(1024, 1024) + dense(1024, CLASSES),
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
    "cnn-lstm": 8_496_229,
}


@pytest.fixture
def own_recipe():
    recipe = recipes.get("frame-pretrained").adapted(name="mine", title="Mine")
    yield recipe
    recipes._RECIPES.pop("mine", None)


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
    assert (recipe.backbone, recipe.size, recipe.head) == ("inceptionv3", (299, 299), "gap")
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
    assert (recipe.size, recipe.head, recipe.aggregation) == ((224, 224), "flatten", "vote")
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
    assert (recipe.head, recipe.takes, recipe.cell, recipe.units) == ("pixels", "clips", cell, 512)
    assert recipe.phases == (recipes.Phase(30, "adam", 0.001, 32, trainable=None),)
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
    assert (recipe.head, recipe.takes, recipe.cell, recipe.units) == (
        "convgru",
        "clips",
        "gru",
        512,
    )
    assert recipe.train_sampling == recipe.test_sampling == Window(100)
    assert recipe.augment


def test_the_thesis_cnn_lstm():
    recipe = recipes.get("cnn-lstm")
    assert recipe.published.splits == (66.27, 66.87, 65.40)
    assert recipe.published.top1 == 66.27
    assert "8,496,229" in recipe.published.parameters
    assert (recipe.starts_from, recipe.cut) == ("frame-vote", "dense")
    assert (recipe.takes, recipe.head, recipe.cell, recipe.units) == (
        "features",
        "lstm",
        "lstm",
        1024,
    )
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
    assert ("quantised" in recipe.published.note) == (encoder == "mobilenet")
    assert recipe.takes == "features"
    if head == "single":
        assert (recipe.head, recipe.cell, recipe.units) == ("single", None, 512)
    else:
        assert (recipe.head, recipe.cell, recipe.units) == ("recurrent", head, None)
    (phase,) = recipe.phases
    assert (phase.optimizer, phase.learning_rate, phase.decay) == ("adam", 1e-5, 1e-6)
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
    assert recipes.names()[:9] == FRAME_RECIPES + PIXEL_RECIPES + CONVGRU_RECIPES
    assert [recipes.get(name).name for name in recipes.names()] == recipes.names()


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match=r"frame-scratch.*Received: 'frames'.*register"):
        recipes.get("frames")


def learning(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_every_recipe_has_its_formula():
    assert list(PARAMETERS) == recipes.names()
    assert PUBLISHED.items() <= PARAMETERS.items()
    assert PARAMETERS["frame-vote"] - INCEPTION == 52_533_349  # trainable, as the thesis prints


@pytest.mark.parametrize("name", PARAMETERS)
def test_recipes_are_built_at_their_published_size(name):
    model, recipe = recipes.build(name), recipes.get(name)
    assert model.count_params() == PARAMETERS[name]
    if recipe.takes == "features" or recipe.backbone is None:
        return
    backbone = model.get_layer("backbone")
    top = set(backbones.top_modules(model))
    in_top = sum(  # batch normalisation stays as it is
        layer.count_params()
        for layer in backbone.layers
        if layer.name in top and "batch_normalization" not in layer.name
    )
    statistics = 2 * 512 if recipe.head == "convgru" else 0  # of the batch normalisation
    head = PARAMETERS[name] - INCEPTION - statistics
    in_norms = sum(
        layer.beta.shape[0]
        for layer in backbone.layers
        if "batch_normalization" in layer.name and recipe.weights is not None
    )
    in_backbone = {"none": 0, "top": in_top, "all": INCEPTION_LEARNS - in_norms}
    assert learning(model) == head + in_backbone[recipe.phases[-1].trainable]


def test_an_adapted_recipe_is_built_small_and_for_its_classes():
    recipe = recipes.get("frame-finetuned").adapted(backbone="mobilenetv2-0.35", size=(64, 64))
    model = recipes.build(recipe, 12)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 12)
    learning_layers = {
        layer.name for layer in model.get_layer("backbone").layers if layer.trainable_weights
    }
    assert learning_layers <= set(backbones.top_modules(model))
    assert learning_layers


def small(name, **changes):
    recipe = recipes.get(name)
    if recipe.backbone is not None:
        changes = {"backbone": "mobilenetv2-0.35", "size": (32, 32), **changes}
    return recipe.adapted(**changes)


@pytest.mark.parametrize("name", PIXEL_RECIPES + CONVGRU_RECIPES)
def test_recipes_on_clips_are_built_small_for_any_length(name):
    recipe = small(name, units=8, size=(32, 32))
    model = recipes.build(recipe, 4)
    assert model.input_shape == (None, None, 32, 32, 3)
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(model.predict(clips, verbose=0).sum(axis=1), 1, rtol=1e-5)
    assert model.get_layer(recipe.cell).output.shape[-1] == (8 if recipe.backbone else 2 * 8)


@pytest.mark.parametrize("name", ["convgru-fixed", "inception-lstm", "mobilenet-single"])
def test_a_head_on_stored_features_and_its_encoder_make_the_whole_model(name):
    recipe = small(name, takes="features", units=8)
    head, encoder = recipes.build(recipe, 4), recipes.encoder(recipe)
    assert head.input_shape[-1] == encoder.output_shape[-1] == 1280
    assert not encoder.trainable_weights
    model = recipes.assemble(encoder, head)
    single = recipe.head == "single"
    assert model.input_shape == ((None, 32, 32, 3) if single else (None, None, 32, 32, 3))
    assert learning(model) == learning(head)
    clip = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    features = encoder.predict(clip, verbose=0)
    found = model.predict(clip if single else clip[None], verbose=0)
    said = head.predict(features if single else features[None], verbose=0)
    np.testing.assert_allclose(found, said, atol=1e-6)


def test_a_frozen_convgru_on_features_has_the_weights_of_the_one_on_clips():
    whole = recipes.build(small("convgru-fixed", units=8), 4)
    recipe = small("convgru-fixed", units=8, takes="features")
    joined = recipes.assemble(recipes.encoder(recipe), recipes.build(recipe, 4))
    assert [w.shape for w in joined.get_weights()] == [w.shape for w in whole.get_weights()]
    assert [layer.name for layer in joined.layers] == [layer.name for layer in whole.layers]
    backbones.set_trainable(joined, "all")  # to go on as convgru-finetuned
    assert learning(joined) == learning(recipes.build(small("convgru-finetuned", units=8), 4))


def test_the_lstm_reads_what_the_trained_frame_model_knows():
    start = recipes.build(small("frame-vote", units=24), 4)
    recipe = small("cnn-lstm", units=8)
    encoder = recipes.encoder(recipe, start=start)
    assert encoder.output_shape == (None, 24)
    assert not encoder.trainable_weights
    head = recipes.build(recipe, 4, features=24)
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    vectors = keras.Model(start.input, start.get_layer("dense").output).predict(frames, verbose=0)
    found = recipes.assemble(encoder, head).predict(frames[None], verbose=0)
    np.testing.assert_allclose(found, head.predict(vectors[None], verbose=0), atol=1e-6)


def test_a_cut_needs_the_trained_model():
    with pytest.raises(RecipeError, match=r"the trained frame-vote.*cnn-lstm.*none.*start="):
        recipes.encoder("cnn-lstm")


def test_pixels_have_no_encoder():
    with pytest.raises(RecipeError, match=r"a backbone.*gru-pixels.*Choose"):
        recipes.encoder("gru-pixels")


def test_features_after_another_layer_have_to_be_counted_by_the_caller():
    recipe = recipes.get("cnn-lstm").adapted(cut="flatten")
    with pytest.raises(RecipeError, match=r"'flatten' of frame-vote.*Pass features="):
        recipes.build(recipe)
    assert recipes.build(recipe, 4, features=7).input_shape == (None, None, 7)


@pytest.mark.parametrize("name", [*CONVGRU_RECIPES, "cnn-lstm", "inception-gru"])
def test_the_other_cell_can_be_chosen(name):
    cell = {"gru": "lstm", "lstm": "gru"}[recipes.get(name).cell]
    recipe = small(name, takes="features", cell=cell, units=8)
    assert recipes.build(recipe, 4, features=7).get_layer(cell).output.shape[-1] == 8


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("frame-vote", {"takes": "clips"}, "takes='clips' and head='flatten' in frame-vote.*lstm"),
        ("gru-pixels", {"takes": "features"}, "head='pixels' in gru-pixels"),
        ("frame-vote", {"takes": "videos"}, "frames, clips, features.*takes='videos'"),
        ("gru-pixels", {"backbone": "inceptionv3"}, "backbone='inceptionv3' and head='pixels'"),
        ("convgru-fixed", {"backbone": None}, "backbone=None and head='convgru'"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(name, changes, message):
    with pytest.raises(RecipeError, match=message):
        recipes.get(name).adapted(**changes)


def test_building_passes_the_named_weights_on(tmp_path):
    recipe = recipes.get("frame-pretrained").adapted(backbone="mobilenetv2-0.35", size=(64, 64))
    source = backbones.build("mobilenetv2-0.35", size=(64, 64))
    path = tmp_path / "own.weights.h5"
    source.save_weights(path)
    model = recipes.build(recipe, 3, weights=path)
    found = model.get_layer("backbone").get_layer("Conv1").get_weights()[0]
    np.testing.assert_array_equal(found, source.get_layer("Conv1").get_weights()[0])


def test_adapting_changes_a_copy():
    recipe = recipes.get("frame-vote")
    other = recipe.adapted(test_sampling=Uniform(16), weights=None)
    assert (other.test_sampling, other.weights) == (Uniform(16), None)
    assert (recipe.test_sampling, recipe.weights) == (EverySecond(8), "imagenet")
    assert other.published == recipe.published


def test_adapting_what_a_recipe_does_not_have_is_refused():
    with pytest.raises(RecipeError, match=r"phases.*Received: epochs for frame-vote.*remove"):
        recipes.get("frame-vote").adapted(epochs=3)


def test_recipes_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        recipes.get("frame-vote").size = (8, 8)


def test_a_recipe_becomes_json():
    values = json.loads(json.dumps(recipes.get("frame-vote").as_dict()))
    assert values["train_sampling"] == "EverySecond(count=8)"
    assert values["phases"][0]["momentum"] == 0.6
    assert values["published"]["splits"] == [57.41, 56.08, 57.01]


@pytest.mark.parametrize("name", recipes.names())
def test_the_json_of_a_recipe_holds_all_of_it(name):
    recipe = recipes.get(name)
    values = json.loads(json.dumps(recipe.as_dict()))
    assert list(values) == [field.name for field in fields(recipe)]
    assert [list(phase) for phase in values["phases"]] == [
        [field.name for field in fields(phase)] for phase in recipe.phases
    ]


def test_every_recipe_starts_from_one_before_it():
    for place, name in enumerate(recipes.names()):
        start = recipes.get(name).starts_from
        assert start is None or start in recipes.names()[:place]


def test_an_own_recipe_is_known_from_then_on(own_recipe):
    assert recipes.register(own_recipe) is own_recipe
    assert recipes.get("mine") is own_recipe
    assert recipes.names()[-1] == "mine"
    again = own_recipe.adapted(title="Mine, better")
    recipes.register(again)
    assert recipes.get("mine").title == "Mine, better"
    assert recipes.table()[-1]["recipe"] == "mine"


def test_a_recipe_of_the_literature_cannot_be_replaced():
    changed = recipes.get("frame-vote").adapted(weights=None)
    with pytest.raises(RecipeError, match=r"Received: 'frame-vote'.*my-frame-vote"):
        recipes.register(changed)
    assert recipes.get("frame-vote").weights == "imagenet"


def test_the_table_has_a_row_per_recipe_with_published_numbers():
    rows = recipes.table(FRAME_RECIPES)
    assert [row["recipe"] for row in rows] == FRAME_RECIPES
    assert len({tuple(row) for row in rows}) == 1
    assert [row["published top-1 %"] for row in rows] == [23.4, 47.0, 68.2, 57.41]
    assert rows[2]["training"] == (
        "frame-pretrained; then 10 epochs sgd 0.001, batch 128, backbone learns: top"
    )
    assert rows[3]["training"].startswith("225 epochs sgd 0.001, momentum 0.6")


def test_the_table_says_what_each_recipe_takes():
    rows = {row["recipe"]: row for row in recipes.table()}
    assert [rows[name]["takes"] for name in ("frame-vote", "gru-pixels", "cnn-lstm")] == [
        "frames",
        "clips",
        "features",
    ]
    assert rows["gru-pixels"]["backbone"] == "none"
    assert rows["gru-pixels"]["training"] == "30 epochs adam 0.001, batch 32"
    assert rows["inception-gru"]["training"].startswith("200 epochs adam 1e-05, decay 1e-06, batch")


def test_the_table_takes_adapted_recipes():
    (row,) = recipes.table([recipes.get("frame-vote").adapted(size=(112, 96))])
    assert row["size"] == "112×96"


def test_reading_recipes_loads_no_tensorflow():
    code = "import sys; from vidlab import recipes; recipes.table(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
