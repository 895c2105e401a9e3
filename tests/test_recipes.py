"""Recipes: what the literature says, as data, and the models it leads to."""

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from vidlab import backbones, recipes
from vidlab.errors import RecipeError
from vidlab.sampling import AllFrames, EverySecond, Uniform

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


def test_finetuned_goes_on_from_pretrained():
    tuned = recipes.get("frame-finetuned")
    assert tuned.starts_from == "frame-pretrained"
    assert [phase.trainable for phase in tuned.phases] == ["top"]


def test_names_are_those_of_the_recipes():
    assert recipes.names()[:4] == FRAME_RECIPES
    assert [recipes.get(name).name for name in recipes.names()] == recipes.names()


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match=r"frame-scratch.*Received: 'frames'.*register"):
        recipes.get("frames")


@pytest.fixture(scope="module")
def vote():
    return recipes.build("frame-vote")


def learning(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_frame_vote_is_built_at_its_published_size(vote):
    assert vote.count_params() == 74_336_133
    assert learning(vote) == 52_533_349
    assert vote.input_shape == (None, 224, 224, 3)


def test_every_recipe_has_its_formula():
    assert list(PARAMETERS) == recipes.names()
    assert PUBLISHED.items() <= PARAMETERS.items()


@pytest.mark.parametrize("name", PARAMETERS)
def test_recipes_are_built_at_their_published_size(name):
    assert recipes.build(name).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", FRAME_RECIPES[:3] + CONVGRU_RECIPES)
def test_what_learns_is_what_the_last_phase_says(name):
    model = recipes.build(name)
    backbone = model.get_layer("backbone")
    top = set(backbones.top_modules(model))
    in_top = sum(  # batch normalisation stays as it is
        layer.count_params()
        for layer in backbone.layers
        if layer.name in top and "batch_normalization" not in layer.name
    )
    statistics = 2 * 512 if name in CONVGRU_RECIPES else 0  # of the batch normalisation
    head = PARAMETERS[name] - INCEPTION - statistics
    in_backbone = {"none": 0, "top": in_top, "all": INCEPTION_LEARNS}
    assert learning(model) == head + in_backbone[recipes.get(name).phases[-1].trainable]


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


def test_the_table_takes_adapted_recipes():
    (row,) = recipes.table([recipes.get("frame-vote").adapted(size=(112, 96))])
    assert row["size"] == "112×96"


def test_reading_recipes_loads_no_tensorflow():
    code = "import sys; from vidlab import recipes; recipes.table(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
