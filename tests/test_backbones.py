"""Backbones: their preprocessing, weights, top modules, what learns, and encoders made of them."""

import json
import os
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from tests import built
from vidlab.errors import ModelError, WeightsError
from vidlab.models import backbones

SMALL = {"size": (64, 64)}


def pictures(number=3, *, size=(64, 64), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, *size, 3), dtype=np.uint8)


def counts(model):
    """Count parameters and those that learn, by hand."""
    sizes = {id(w): int(np.prod(w.shape)) for w in model.weights}
    return sum(sizes.values()), sum(sizes[id(w)] for w in model.trainable_weights)


@pytest.fixture(scope="module")
def inception():
    return backbones.build("inceptionv3", size=(96, 96))


@pytest.fixture(scope="module")
def mobilenet():
    return backbones.build("mobilenetv2-0.35", **SMALL)


@pytest.fixture(scope="module")
def residual():
    return backbones.build("residual")


def with_spread_weights(model, *, seed=0):
    """Give every weight a random value, batch statistics too, so that mix-ups would show."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.05, 0.3, w.shape).astype("float32") for w in model.weights])
    return model


def test_names_and_sizes_of_the_backbones():
    assert backbones.names() == ["residual", "inceptionv3", "mobilenetv2", "mobilenetv2-0.35"]
    sizes = [backbones.default_size(name) for name in backbones.names()]
    assert sizes == [(112, 112), (299, 299), (224, 224), (224, 224)]


@pytest.mark.parametrize(
    ("name", "size", "shape", "parameters"),
    [
        ("inceptionv3", (139, 160), (3, 3, 2048), 21_802_784),
        ("mobilenetv2", (64, 96), (2, 3, 1280), 2_257_984),
        ("mobilenetv2-0.35", (64, 64), (2, 2, 1280), 410_208),
    ],
)
def test_images_become_a_feature_map(name, size, shape, parameters):
    model = backbones.build(name, size=size)
    assert model.name == "backbone"
    assert model.input_shape == (None, *size, 3)
    assert model.output_shape == (None, *shape)
    assert model.count_params() == parameters


def test_parameters_of_the_residual_network(residual):
    def convolution(channels_in, channels_out, side):
        return channels_in * channels_out * side**2 + 4 * channels_out  # no bias; batch norm

    def block(channels_in, channels_out):
        projection = convolution(channels_in, channels_out, 1) if channels_in != channels_out else 0
        both = convolution(channels_in, channels_out, 3) + convolution(
            channels_out, channels_out, 3
        )
        return both + projection

    blocks = block(12, 24) + block(24, 48) + block(48, 96) + block(96, 96)
    assert residual.count_params() == convolution(3, 12, 5) + blocks == 338_964


def test_maps_of_the_residual_network(residual):
    shapes = {
        name: residual.get_layer(name).output.shape[1:]
        for name in ("stem", "stem_pool", "block1_out", "block2_out", "block3_out", "block4_out")
    }
    assert shapes == {
        "stem": (56, 56, 12),
        "stem_pool": (28, 28, 12),
        "block1_out": (28, 28, 24),
        "block2_out": (14, 14, 48),
        "block3_out": (7, 7, 96),
        "block4_out": (7, 7, 96),
    }
    assert residual.output is residual.get_layer("block4_out").output


def test_a_block_adds_what_its_convolutions_find_to_what_went_in(residual):
    with_spread_weights(residual)
    names = ("block3_out", "block4_conv2_bn", "block4_out")
    tapped = keras.Model(residual.input, [residual.get_layer(name).output for name in names])
    before, found, after = tapped.predict(pictures(size=(112, 112)), verbose=0)
    np.testing.assert_allclose(after, np.maximum(before + found, 0), rtol=1e-5)


def test_preprocessing_inside_equals_scaling_outside(mobilenet):
    bare = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=None, input_shape=(*SMALL["size"], 3)
    )
    bare.set_weights(with_spread_weights(mobilenet).get_weights())
    images = pictures()
    outside = bare.predict(images.astype("float32") / 127.5 - 1, verbose=0)
    inside = mobilenet.predict(images, verbose=0)
    np.testing.assert_allclose(inside, outside, rtol=1e-4, atol=1e-4)


def test_uint8_and_float_images_give_the_same_features(mobilenet):
    images = pictures()
    np.testing.assert_array_equal(
        mobilenet.predict(images, verbose=0),
        mobilenet.predict(images.astype("float32"), verbose=0),
    )


@pytest.mark.parametrize(
    ("name", "momentum"), [("residual", 0.9), ("mobilenetv2-0.35", 0.9), ("inceptionv3", 0.99)]
)
def test_batch_statistics_follow_a_short_training(name, momentum):
    found = {
        layer.momentum
        for layer in backbones.build(name, size=(96, 96)).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert found == {momentum}


def test_a_saved_backbone_keeps_its_batch_statistics_momentum(mobilenet, tmp_path):
    mobilenet.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    assert loaded.get_layer("bn_Conv1").momentum == 0.9


def test_top_two_inception_modules_are_mixed9_and_mixed10(inception):
    top = backbones.top_modules(inception)
    assert {"mixed9", "mixed9_0", "mixed9_1", "mixed10"} <= set(top)
    assert not {f"mixed{i}" for i in range(9)} & set(top)
    kinds = [type(inception.get_layer(name)).__name__ for name in top]
    # Each of the two modules has nine convolutions, one pooling and three concatenations.
    assert kinds.count("Conv2D") == 18
    assert kinds.count("BatchNormalization") == 18
    assert kinds.count("AveragePooling2D") == 2
    assert kinds.count("Concatenate") == 6
    assert len(top) == 18 * 3 + 2 + 6


def test_parameters_of_the_top_two_inception_modules(inception):
    def convolution(channels_in, channels_out, area):
        return channels_in * channels_out * area + 3 * channels_out  # no bias; three batch values

    def module(channels):
        return (
            convolution(channels, 320, 1)
            + convolution(channels, 384, 1)
            + 2 * convolution(384, 384, 3)
            + convolution(channels, 448, 1)
            + convolution(448, 384, 9)
            + 2 * convolution(384, 384, 3)
            + convolution(channels, 192, 1)
        )

    top = backbones.top_modules(inception)
    found = sum(inception.get_layer(name).count_params() for name in top)
    assert found == module(1280) + module(2048)


def test_top_modules_of_the_residual_network_are_blocks_3_and_4(residual):
    expected = {
        layer.name for layer in residual.layers if layer.name.startswith(("block3", "block4"))
    }
    top = backbones.top_modules(residual)
    assert set(top) == expected
    assert len(top) == 10 + 7
    backbones.set_trainable(residual, "top", pretrained=False)
    assert {w.path.split("/")[0] for w in residual.trainable_weights} == {
        name for name in top if residual.get_layer(name).weights
    }
    backbones.set_trainable(residual, "all", pretrained=False)


def test_top_modules_of_mobilenet_are_blocks_15_16_and_conv_1(mobilenet):
    expected = [
        layer.name
        for layer in mobilenet.layers
        if layer.name.startswith(("block_15", "block_16", "Conv_1", "out_relu"))
    ]
    assert backbones.top_modules(mobilenet) == expected
    assert len(expected) == 9 + 8 + 3


@pytest.mark.parametrize(
    ("count", "first"), [(1, "block_16_expand"), (3, "block_14_expand"), (5, "block_12_expand")]
)
def test_other_numbers_of_top_modules(mobilenet, count, first):
    assert backbones.top_modules(mobilenet, count)[0] == first


@pytest.mark.parametrize("count", [0, 7])
def test_an_impossible_number_of_modules_is_refused(mobilenet, count):
    with pytest.raises(ModelError, match=rf"between 1 and 6 modules.*count={count}.*\"all\""):
        backbones.top_modules(mobilenet, count)


def test_top_modules_are_found_inside_a_classifier_and_after_loading(mobilenet, tmp_path):
    expected = backbones.top_modules(mobilenet)
    model = built.frame_classifier(mobilenet, 4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert backbones.top_modules(model) == expected
    assert backbones.top_modules(loaded) == expected
    assert backbones.backbone_of(loaded).get_layer("block_15_add") is not None


def is_normalisation(layer):
    return isinstance(layer, keras.layers.BatchNormalization)


@pytest.mark.parametrize("what", ["none", "top", "all"])
@pytest.mark.parametrize("pretrained", [True, False])
def test_what_learns_is_chosen_and_survives_saving(mobilenet, what, pretrained, tmp_path):
    model = built.frame_classifier(mobilenet, 4)
    backbones.set_trainable(model, what, pretrained=pretrained)
    top = set(backbones.top_modules(mobilenet))
    with_weights = [layer for layer in mobilenet.layers if layer.weights]
    learning = {layer.name for layer in with_weights if layer.trainable_weights}
    chosen = {"none": set(), "top": top, "all": {layer.name for layer in mobilenet.layers}}[what]
    if pretrained:
        chosen = chosen - {layer.name for layer in mobilenet.layers if is_normalisation(layer)}
    assert learning == {layer.name for layer in with_weights} & chosen
    assert all(layer.trainable_weights for layer in model.layers[-2:])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert counts(loaded) == counts(model)


def test_freezing_and_freeing_again_leaves_no_trace(mobilenet):
    model = built.frame_classifier(mobilenet, 4)
    learning = {}
    for what in ("none", "top", "all", "none", "all", "top", "none"):
        backbones.set_trainable(model, what)
        assert counts(model)[1] == learning.setdefault(what, counts(model)[1])
    assert learning["none"] < learning["top"] < learning["all"]


@pytest.mark.parametrize(
    ("what", "pretrained", "moves"),
    [("none", False, False), ("top", True, False), ("all", True, False), ("all", False, True)],
)
def test_batch_statistics_follow_only_where_there_are_none_to_keep(
    mobilenet, what, pretrained, moves
):
    model = built.frame_classifier(mobilenet, 4)
    backbones.set_trainable(model, what, pretrained=pretrained)
    before = mobilenet.get_layer("Conv_1_bn").moving_mean.numpy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pictures(4), np.arange(4), verbose=0)
    after = mobilenet.get_layer("Conv_1_bn").moving_mean.numpy()
    assert (np.abs(after - before).max() > 0) == moves


def test_pooling_averages_the_map_over_the_picture(mobilenet):
    encoder = backbones.pooled(mobilenet)
    assert (encoder.name, encoder.output_shape) == ("encoder", (None, 1280))
    assert backbones.backbone_of(encoder) is mobilenet
    feature_map = mobilenet.predict(pictures(), verbose=0)
    found = encoder.predict(pictures(), verbose=0)
    np.testing.assert_allclose(found, feature_map.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_an_encoder_comes_back_from_its_file(mobilenet, tmp_path):
    encoder = backbones.pooled(mobilenet)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert loaded.name == "encoder"
    assert backbones.top_modules(loaded) == backbones.top_modules(mobilenet)
    found, expected = (model.predict(pictures(), verbose=0) for model in (loaded, encoder))
    np.testing.assert_array_equal(found, expected)


def test_only_a_backbone_can_be_pooled(mobilenet):
    with pytest.raises(ModelError, match=r"named \"backbone\".*frame_vote.*Build it"):
        backbones.pooled(built.frame_vote(mobilenet, 4, units=16))


def test_an_unknown_share_to_train_is_refused(mobilenet):
    with pytest.raises(ModelError, match=r"\"none\", \"top\" or \"all\".*'half'"):
        backbones.set_trainable(mobilenet, "half")


def test_a_model_without_a_backbone_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="plain")
    with pytest.raises(ModelError, match=r"Received: plain.*vidlab\.backbones"):
        backbones.set_trainable(model, "all")


def test_an_unknown_backbone_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"inceptionv3, mobilenetv2.*'resnet'"):
        backbones.build("resnet")


@pytest.mark.parametrize(("name", "least"), [("inceptionv3", 75), ("mobilenetv2", 32)])
def test_images_too_small_for_the_backbone_are_refused(name, least):
    with pytest.raises(ModelError, match=rf"at least {least}×{least}.*Choose a larger size"):
        backbones.build(name, size=(least - 1, 200))


@pytest.mark.parametrize("name", ["residual", "mobilenetv2-0.35"])
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras", "classifier.keras"])
def test_weights_come_back_from_every_kind_of_file(suffix, name, tmp_path):
    source = with_spread_weights(backbones.build(name, **SMALL))
    path = tmp_path / f"trained{suffix}"
    if suffix == "classifier.keras":
        built.frame_classifier(source, 3).save(path)
    elif suffix == ".keras":
        source.save(path)
    elif suffix == ".h5":
        save_as_keras_applications(source, path)
    else:
        source.save_weights(path)
    loaded = backbones.build(name, size=(96, 80), weights=path)
    for found, expected in zip(loaded.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def save_as_keras_applications(model, path):
    """Write weights in the older form in which keras.applications publishes them."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


@pytest.mark.parametrize("name", ["residual", "mobilenetv2-0.35"])
def test_shipped_form_is_half_the_size_and_nearly_the_same(name, tmp_path):
    source = with_spread_weights(backbones.build(name, **SMALL))
    full, half = tmp_path / "full.weights.h5", tmp_path / "half.weights.h5"
    source.save_weights(full)
    assert backbones.save_weights(source, half) == half
    assert half.stat().st_size < 0.55 * full.stat().st_size
    assert half.stat().st_size < 2_000_000
    assert sorted(p.name for p in tmp_path.iterdir()) == [full.name, half.name]
    loaded = backbones.build(name, **SMALL, weights=half)
    for found, expected in zip(loaded.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3)
        assert found.dtype == "float32"


def test_shipped_form_needs_the_ending_keras_expects(mobilenet, tmp_path):
    with pytest.raises(WeightsError, match=r"\.weights\.h5.*wrong\.h5.*Rename"):
        backbones.save_weights(mobilenet, tmp_path / "wrong.h5")


def test_weights_of_another_backbone_are_refused(mobilenet, tmp_path):
    path = tmp_path / "small.weights.h5"
    mobilenet.save_weights(path)
    with pytest.raises(WeightsError, match=r"weights of mobilenetv2 in .*small\.weights\.h5"):
        backbones.build("mobilenetv2", **SMALL, weights=path)


def test_a_model_of_another_backbone_is_refused(mobilenet, tmp_path):
    path = tmp_path / "small.keras"
    mobilenet.save(path)
    with pytest.raises(WeightsError, match=r"weights of mobilenetv2 in .*small\.keras"):
        backbones.build("mobilenetv2", **SMALL, weights=path)


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    path = tmp_path / "text.weights.h5"
    path.write_text("not weights")
    with pytest.raises(WeightsError, match=r"text\.weights\.h5.*written for this backbone"):
        backbones.build("mobilenetv2", **SMALL, weights=path)


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.weights\.h5.*no such file.*'imagenet'"):
        backbones.build("mobilenetv2", weights=tmp_path / "absent.weights.h5")


def test_shipped_weights_fit_one_backbone_only():
    with pytest.raises(WeightsError, match=r"backbone residual for.*Received: inceptionv3.*imagen"):
        backbones.build("inceptionv3", weights="pantomime")


def test_imagenet_has_no_weights_for_the_built_in_backbone():
    expected = r"inceptionv3 or mobilenetv2 or mobilenetv2-0\.35 .*Received: residual.*pantomime"
    with pytest.raises(WeightsError, match=expected):
        backbones.build("residual", weights="imagenet")


@pytest.mark.parametrize(
    ("name", "size", "file"),
    [
        ("inceptionv3", (299, 299), "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("mobilenetv2", (96, 96), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top"),
        ("mobilenetv2", (112, 112), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_"),
        ("mobilenetv2-0.35", (96, 128), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224"),
    ],
)
def test_without_network_the_error_names_file_folder_and_profile(
    name, size, file, tmp_path, monkeypatch
):
    asked = []

    def no_network(fname, origin, **options):
        asked.append(fname)
        raise Exception(f"URL fetch failure on {origin}: None -- [Errno -2] Name not known")

    monkeypatch.setattr(file_utils, "get_file", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WeightsError) as caught:
            backbones.build(name, size=size, weights="imagenet")
    message = str(caught.value)
    assert file in message
    assert asked == re.findall(r"ImageNet weights (\S+),", message)
    assert str(tmp_path / "home" / "models") in message
    assert "KERAS_HOME" in message
    assert "profile quick" in message


def test_a_fault_that_is_not_the_network_is_not_disguised(monkeypatch, tmp_path):
    def broken(fname, origin, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(file_utils, "get_file", broken)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match="something else"):
        backbones.build("mobilenetv2", **SMALL, weights="imagenet")


def test_a_damaged_file_in_the_cache_is_named(monkeypatch, tmp_path):
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(b"cut off")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=re.escape(name)):
        backbones.build("mobilenetv2", **SMALL, weights="imagenet")


@pytest.mark.parametrize("name", ["inceptionv3", "mobilenetv2"])
def test_imagenet_weights_in_the_cache_load_without_network_or_warning(name, monkeypatch, tmp_path):
    application = {
        "inceptionv3": keras.applications.InceptionV3,
        "mobilenetv2": keras.applications.MobileNetV2,
    }[name]
    file = {
        "inceptionv3": "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "mobilenetv2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    }[name]
    source = with_spread_weights(application(include_top=False, weights=None))
    (tmp_path / "models").mkdir()
    save_as_keras_applications(source, tmp_path / "models" / file)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = backbones.build(name, size=(80, 112), weights="imagenet")
    for found, expected in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


GENUINE = """
    import json, sys
    import cv2, keras, numpy as np
    from vidlab import backbones

    photos = sys.argv[1:]
    pictures = np.stack([
        cv2.resize(cv2.imread(p)[:, :, ::-1], (224, 224), interpolation=cv2.INTER_AREA)
        for p in photos
    ])
    ours = backbones.build("mobilenetv2", weights="imagenet")
    theirs = keras.applications.MobileNetV2(include_top=False, input_shape=(224, 224, 3))
    scaled = keras.applications.mobilenet_v2.preprocess_input(pictures.astype("float32"))
    difference = np.abs(ours.predict(pictures, verbose=0) - theirs.predict(scaled, verbose=0)).max()
    whole = keras.applications.MobileNetV2()
    head = keras.Sequential([keras.layers.GlobalAveragePooling2D(), whole.get_layer("predictions")])
    probabilities = head.predict(ours.predict(pictures, verbose=0), verbose=0)
    print(json.dumps({"difference": float(difference), "top": probabilities.argmax(1).tolist()}))
"""


def test_real_imagenet_weights_recognise_real_photos(shared):
    home = shared / "keras_home"
    if not list(home.glob("models/*no_top.h5")):
        pytest.skip("needs ImageNet weights in the shared Keras home")
    labels = (shared / "tflite" / "imagenet_labels.txt").read_text().splitlines()[1:]
    expected = {
        "cat.png": {"tabby", "tiger cat", "Egyptian cat", "lynx", "Persian cat", "Siamese cat"},
        "parrot.jpg": {"macaw", "lorikeet", "sulphur-crested cockatoo", "African grey"},
        "grace_hopper.png": {"military uniform"},
        "sunflower.png": {"daisy"},
        "bird.png": {"chickadee"},
    }
    photos = [str(shared / "photos" / name) for name in expected]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GENUINE), *photos],
        env={**os.environ, "KERAS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["difference"] < 1e-4
    for name, top in zip(expected, result["top"], strict=True):
        assert labels[top] in expected[name], f"{name}: {labels[top]}"
