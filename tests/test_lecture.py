"""Networks of the lecture: 3-D convolution, inflated encoders, segments, fused streams."""

import keras
import numpy as np
import pytest

from tests.built import fit_once, probabilities
from vidlab import recipes
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform

NAMES = ["c3d", "i3d-rgb", "i3d-flow", "i3d", "tsn-rgb", "tsn-flow", "tsn", "fused-two-stream"]


@pytest.fixture(scope="module")
def videos(small_toys):
    """Return 3 classes × 2 groups × 2 clips of 9 frames, learned from and tested on."""
    return VideoIndex.from_folder(small_toys)


@pytest.fixture
def small(tiny_backbone):
    """Say how a recipe becomes small: (name) -> changes."""

    def changes(name):
        known = recipes.get(name).builder_options
        options = {"width": 0.05, "units": 8}
        given = {"options": {key: value for key, value in options.items() if key in known}}
        if "backbone" in known:
            given |= {"backbone": tiny_backbone, "weights": None}
        return given | {"sampling": Uniform(4), "test": Uniform(4)}

    return changes


@pytest.mark.parametrize("name", NAMES)
def test_each_network_learns_and_all_but_segments_of_pictures_see_the_order(name, small, videos):
    fitted, recipe = fit_once(recipes.get(name), videos, **small(name))
    assert np.isfinite(fitted.history["loss"]).all()
    normal, back = (probabilities(fitted, recipe, videos, order=o) for o in ("normal", "reversed"))
    np.testing.assert_allclose(normal.sum(axis=1), 1, rtol=1e-5)
    change = np.abs(normal - back).max()
    assert change <= 1e-6 if name == "tsn-rgb" else change > 1e-6


def built(name, changes, size=32):
    return recipes.build(recipes.get(name).adapted(**{"size": size, **changes}), 3)


def outputs(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


def random_inputs(model, time=4):
    rng = np.random.default_rng(0)
    tensors = {tensor.name: (2, time, *tensor.shape[2:]) for tensor in model.inputs}
    found = {n: rng.integers(0, 256, shape).astype("float32") for n, shape in tensors.items()}
    return found if len(found) > 1 else next(iter(found.values()))


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("segments", [1, 3, 5])
def test_segments_agree_on_the_mean_of_their_scores(segments, small):
    model = built("tsn-rgb", small("tsn-rgb"))
    clips = random_inputs(model, time=segments)
    scores = np.asarray(outputs(model, "rgb_scores")(clips)).reshape(2, segments, 3)
    np.testing.assert_allclose(model(clips), softmax(scores.mean(axis=1)), atol=1e-5)


def test_the_scores_of_flow_weigh_half_as_much_again(small):
    model = built("tsn", small("tsn"))
    clips = random_inputs(model)
    rgb, flow = (np.asarray(x) for x in outputs(model, "rgb_scores", "flow_scores")(clips))
    rgb, flow = (scores.reshape(2, 4, 3).mean(axis=1) for scores in (rgb, flow))
    np.testing.assert_allclose(model(clips), softmax(rgb + 1.5 * flow), atol=1e-5)


def test_both_inflated_streams_are_averaged(small):
    model = built("i3d", small("i3d"))
    clips = random_inputs(model)
    rgb, flow = outputs(model, "rgb_predictions", "flow_predictions")(clips)
    np.testing.assert_allclose(model(clips), (np.asarray(rgb) + flow) / 2, atol=1e-6)
    assert np.abs(np.asarray(rgb) - flow).max() > 1e-3


def test_c3d_keeps_time_in_its_first_pooling_and_halves_it_in_the_others():
    model = built("c3d", {"options": {"width": 0.05, "units": 8}}, size=112)
    maps = [model.get_layer(f"pool{block}").output.shape[1:4] for block in range(1, 6)]
    assert maps == [(16, 56, 56), (8, 28, 28), (4, 14, 14), (2, 7, 7), (1, 4, 4)]
