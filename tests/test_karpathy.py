"""Where frames meet (Karpathy et al. 2014): what each network sees, and that it learns."""

import keras
import numpy as np
import pytest

from tests.built import fit_once, probabilities
from vidlab import recipes
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform

SMALL = {"width": 0.1, "units": 8}
OF_FRAMES = ["single-frame", "multiresolution"]
OF_CLIPS = ["early-fusion", "late-fusion", "slow-fusion"]


@pytest.fixture(scope="module")
def videos(small_toys):
    """Return 3 classes × 2 groups × 2 clips of 9 frames, learned from and tested on."""
    return VideoIndex.from_folder(small_toys)


def changes_of(name, normalization):
    frames = Uniform(4 if name in OF_FRAMES else 10)
    options = SMALL | {"normalization": normalization}
    return {"options": options, "sampling": frames, "test": frames}


@pytest.mark.parametrize("name", OF_FRAMES + OF_CLIPS)
def test_each_network_learns_and_only_those_of_clips_see_their_order(name, videos):
    normalization = "batch" if name == "slow-fusion" else "response"
    fitted, recipe = fit_once(recipes.get(name), videos, **changes_of(name, normalization))
    assert len(fitted.history) == 1
    assert np.isfinite(fitted.history["loss"]).all()
    normal, back = (probabilities(fitted, recipe, videos, order=o) for o in ("normal", "reversed"))
    np.testing.assert_allclose(normal.sum(axis=1), 1, rtol=1e-5)
    change = np.abs(normal - back).max()
    assert change <= 1e-6 if name in OF_FRAMES else change > 1e-6


@pytest.mark.parametrize("learns", ["top", "top-three", "all"])
def test_a_trained_network_is_tuned_in_the_named_part_alone(learns, videos):
    options = changes_of("slow-fusion", "response")
    start, _ = fit_once(recipes.get("slow-fusion"), videos, **options)
    before = {layer.name: layer.get_weights() for layer in start.model.layers if layer.weights}
    del options["options"]
    tuned, _ = fit_once(recipes.get(f"slow-fusion-{learns}"), videos, start=start.model, **options)
    after = {n: start.model.get_layer(n).get_weights() for n in before}  # the layers are shared
    changed = {n for n in before if np.abs(before[n][0] - after[n][0]).max() > 0}
    convolutions = {f"conv{number}" for number in range(1, 6)}
    parts = {"top": set(), "top-three": {"dense1", "dense2"}}
    assert changed == parts.get(learns, convolutions | {"dense1", "dense2"})
    assert tuned.model.get_layer("predictions") is not start.model.get_layer("predictions")


def built(name, **changes):
    return recipes.build(recipes.get(name).adapted(options=SMALL, **changes), 3)


def test_maps_are_as_large_as_the_source_says():
    """All end in 7×7, also the streams of half the side; slow fusion has 4, 2 and 1 times."""
    assert built("single-frame").get_layer("pool5").output.shape[1:3] == (7, 7)
    two = built("multiresolution")
    for stream in ("context", "fovea"):
        assert two.get_layer(stream).output.shape[1:3] == (89, 89)
        assert two.get_layer(f"{stream}_relu5").output.shape[1:3] == (7, 7)
    slow = built("slow-fusion")
    assert slow.get_layer("pool5").output.shape[1:4] == (1, 7, 7)
    times = [slow.get_layer(f"conv{number}").output.shape[1] for number in range(1, 6)]
    assert times == [4, 2, 1, 1, 1]


def clips(frames, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, frames, 32, 32, 3)).astype("float32")


def differs(model, one, other):
    return np.abs(model.predict(one, verbose=0) - model.predict(other, verbose=0)).max() > 1e-7


def test_late_fusion_sees_the_first_and_the_last_frame_by_one_tower():
    model, clip = built("late-fusion", size=32), clips(16)
    middle, swapped = clip.copy(), clip.copy()
    middle[:, 1:-1] = 0
    swapped[:, [0, -1]] = clip[:, [-1, 0]]
    assert not differs(model, clip, middle)
    assert differs(model, clip, swapped)
    towers = keras.Model(model.input, model.get_layer("features").input)
    np.testing.assert_allclose(towers(swapped)[:, 0], towers(clip)[:, 1], atol=1e-5)


@pytest.mark.parametrize("name", ["early-fusion", "slow-fusion"])
def test_early_and_slow_fusion_see_every_frame(name):
    model, clip = built(name, size=32), clips(10)
    for frame in range(10):
        other = clip.copy()
        other[:, frame] = 0
        assert differs(model, clip, other)


def test_the_fovea_sees_the_middle_and_the_context_everything():
    model = built("multiresolution", size=64)
    picture = clips(4)[0, :1].repeat(2, axis=1).repeat(2, axis=2)  # 64×64
    border = picture.copy()
    border[:, :16] = 0
    seen = {
        name: keras.Model(model.input, model.get_layer(f"{name}_features").output)
        for name in ("context", "fovea")
    }
    assert not differs(seen["fovea"], picture, border)
    assert differs(seen["context"], picture, border)
