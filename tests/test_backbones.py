"""Backbones: their preprocessing, weights, top modules, what learns, and encoders made of them."""

import functools
import re
import warnings

import cv2
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from tests import built
from tests.built import number_learning
from vidlab.errors import ModelError, WeightsError
from vidlab.models import backbones

SMALL = {"size": (64, 64)}
SIZES = {"inceptionv3": (139, 160), "mobilenetv2": (64, 96), "mobilenetv2-0.35": (64, 64)}
MOBILENET_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def pictures(number=3, *, size=(64, 64)):
    return np.random.default_rng(0).integers(0, 256, (number, *size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def backbone():
    """Build each backbone once: (name) -> model."""
    return functools.cache(lambda name: backbones.build(name, size=SIZES.get(name)))


@pytest.fixture(scope="module")
def mobilenet(backbone):
    return backbone("mobilenetv2-0.35")


@pytest.fixture(scope="module")
def residual(backbone):
    return backbone("residual")


def with_spread_weights(model):
    """Give every weight a random value, batch statistics too, so that mix-ups would show."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.05, 0.3, w.shape).astype("float32") for w in model.weights])
    return model


def assert_same_weights(model, other, **options):
    for found, expected in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, **{"rtol": 0} | options)


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "momentum"),
    [
        ("residual", (7, 7, 96), 338_964, 0.9),
        ("residual-0.25", (7, 7, 24), 21_885, 0.9),
        ("inceptionv3", (3, 3, 2048), 21_802_784, 0.99),
        ("mobilenetv2", (2, 3, 1280), 2_257_984, 0.9),
        ("mobilenetv2-0.35", (2, 2, 1280), 410_208, 0.9),
    ],
)
def test_images_become_a_feature_map(name, shape, parameters, momentum, backbone):
    model = backbone(name)
    assert model.name == "backbone"
    assert model.input_shape == (None, *SIZES.get(name, (112, 112)), 3)
    assert model.output_shape == (None, *shape)
    assert model.count_params() == parameters
    normalisation = [layer for layer in model.layers if is_normalisation(layer)]
    assert {layer.momentum for layer in normalisation} == {momentum}


def is_normalisation(layer):
    return isinstance(layer, keras.layers.BatchNormalization)


def is_convolution(layer):
    return isinstance(layer, keras.layers.Conv2D)


def test_a_block_adds_what_its_convolutions_find_to_what_went_in(residual):
    with_spread_weights(residual)
    names = ("block3_out", "block4_conv2_bn", "block4_out")
    tapped = keras.Model(residual.input, [residual.get_layer(name).output for name in names])
    before, found, after = tapped.predict(pictures(size=(112, 112)), verbose=0)
    np.testing.assert_allclose(after, np.maximum(before + found, 0), rtol=1e-5)


def test_preprocessing_inside_equals_scaling_outside_for_bytes_and_floats(mobilenet):
    bare = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=None, input_shape=(*SMALL["size"], 3)
    )
    bare.set_weights(with_spread_weights(mobilenet).get_weights())
    images = pictures()
    outside = bare.predict(images.astype("float32") / 127.5 - 1, verbose=0)
    for given in (images, images.astype("float32")):
        found = mobilenet.predict(given, verbose=0)
        np.testing.assert_allclose(found, outside, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "parts", "layers"),
    [
        ("residual", ("block3", "block4"), 10 + 7),
        ("mobilenetv2-0.35", ("block_15", "block_16", "Conv_1", "out_relu"), 9 + 8 + 3),
    ],
)
def test_the_top_two_modules_are_the_last_blocks(name, parts, layers, backbone):
    expected = [layer.name for layer in backbone(name).layers if layer.name.startswith(parts)]
    assert len(expected) == layers
    assert sorted(backbones.top_modules(backbone(name))) == sorted(expected)


def test_the_top_two_modules_of_inception_are_mixed9_and_mixed10(backbone):
    top = backbones.top_modules(backbone("inceptionv3"))
    assert {"mixed9", "mixed9_0", "mixed9_1", "mixed10"} <= set(top)
    assert not {f"mixed{i}" for i in range(9)} & set(top)
    assert sum(is_convolution(backbone("inceptionv3").get_layer(name)) for name in top) == 2 * 9


@pytest.mark.parametrize(
    ("what", "pretrained"), [("none", True), ("top", True), ("top", False), ("all", True)]
)
def test_what_learns_is_chosen_and_survives_saving(residual, what, pretrained, tmp_path):
    model = built.frame_classifier(residual, 4)
    backbones.set_trainable(model, what, pretrained=pretrained)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    top = set(backbones.top_modules(loaded))
    chosen = {"none": set(), "top": top, "all": {layer.name for layer in residual.layers}}[what]
    for found in (model, loaded):
        with_weights = [layer for layer in backbones.backbone_of(found).layers if layer.weights]
        learning = {layer.name for layer in with_weights if layer.trainable_weights}
        assert learning == {
            layer.name
            for layer in with_weights
            if layer.name in chosen and not (pretrained and is_normalisation(layer))
        }
        assert all(layer.trainable_weights for layer in found.layers[-2:])


def test_freezing_and_freeing_again_leaves_no_trace(residual):
    model, learning = built.frame_classifier(residual, 4), {}
    for what in ("none", "top", "all", "none", "all", "top", "none"):
        backbones.set_trainable(model, what)
        count = number_learning(model)
        assert count == learning.setdefault(what, count)
    assert learning["none"] < learning["top"] < learning["all"]


@pytest.mark.parametrize(
    ("what", "pretrained", "moves"),
    [("none", False, False), ("top", True, False), ("all", False, True)],
)
def test_batch_statistics_follow_only_where_there_are_none_to_keep(
    tiny_backbone, what, pretrained, moves
):
    encoder = backbones.build(tiny_backbone, size=(32, 32))
    model = built.frame_classifier(encoder, 4)
    backbones.set_trainable(model, what, pretrained=pretrained)
    before = encoder.get_layer("tiny_4_bn").moving_mean.numpy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pictures(4, size=(32, 32)), np.arange(4), verbose=0)
    assert (encoder.get_layer("tiny_4_bn").moving_mean.numpy() != before).any() == moves


def test_models_and_names_that_do_not_fit_are_refused(residual):
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="plain")
    own = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="backbone")
    cases = [
        (backbones.set_trainable, (residual, "half"), r"\"none\", \"top\" or \"all\".*'half'"),
        (backbones.set_trainable, (plain, "all"), r"Received: plain.*vidlab\.backbones"),
        (
            backbones.set_trainable,
            (own, "top"),
            r"residual-0\.25, inc.*those of none.*Name the layers",
        ),
        (backbones.build, ("resnet",), r"inceptionv3, mobilenetv2.*'resnet'"),
    ]
    for function, given, message in cases:
        with pytest.raises(ModelError, match=message):
            function(*given)


@pytest.mark.parametrize(("name", "least"), [("inceptionv3", 75), ("mobilenetv2", 32)])
def test_images_too_small_for_the_backbone_are_refused(name, least):
    with pytest.raises(ModelError, match=rf"at least {least}×{least}.*Choose a larger size"):
        backbones.build(name, size=(least - 1, 200))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("residual", "trained.weights.h5"),
        ("residual", "trained.keras"),
        ("residual", "classifier.keras"),
        ("mobilenetv2-0.35", "trained.h5"),
    ],
)
def test_weights_come_back_from_every_kind_of_file(name, file, backbone, tmp_path):
    source, path = with_spread_weights(backbone(name)), tmp_path / file
    if file == "trained.h5":
        save_as_keras_applications(source, path)
    elif file == "trained.weights.h5":
        source.save_weights(path)
    else:
        (source if file == "trained.keras" else built.frame_classifier(source, 3)).save(path)
    assert_same_weights(backbones.build(name, size=(96, 80), weights=path), source)


def save_as_keras_applications(model, path):
    """Write weights in the older form in which keras.applications publishes them."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def test_shipped_form_is_half_the_size_and_nearly_the_same(residual, tmp_path):
    source = with_spread_weights(residual)
    full, half = tmp_path / "full.weights.h5", tmp_path / "half.weights.h5"
    source.save_weights(full)
    assert backbones.save_weights(source, half) == half
    assert half.stat().st_size < min(0.55 * full.stat().st_size, 2_000_000)
    assert sorted(p.name for p in tmp_path.iterdir()) == [full.name, half.name]
    assert_same_weights(backbones.build("residual", **SMALL, weights=half), source, rtol=1e-3)


def test_weights_that_do_not_fit_are_refused(residual, tmp_path):
    residual.save_weights(tmp_path / "small.weights.h5")
    residual.save(tmp_path / "small.keras")
    (tmp_path / "text.weights.h5").write_text("not weights")
    cases = {
        "small.weights.h5": r"weights of mobilenetv2-0\.35 in .*small\.weights\.h5",
        "small.keras": r"weights of mobilenetv2-0\.35 in .*small\.keras",
        "text.weights.h5": r"text\.weights\.h5.*written for this backbone",
        "absent.weights.h5": r"absent\.weights\.h5.*no such file.*'imagenet'",
    }
    for file, message in cases.items():
        with pytest.raises(WeightsError, match=message):
            backbones.build("mobilenetv2-0.35", **SMALL, weights=tmp_path / file)
    shipped = r"backbone residual or residual-0.25 for.*Received: inceptionv3.*imagen"
    imagenet = r"inceptionv3 or mobilenetv2 or mobilenetv2-0\.35 .*Received: residual.*pantomime"
    for name, weights, message in [
        ("inceptionv3", "pantomime", shipped),
        ("residual", "imagenet", imagenet),
    ]:
        with pytest.raises(WeightsError, match=message):
            backbones.build(name, weights=weights)


@pytest.mark.parametrize(
    ("name", "size", "file"),
    [
        ("inceptionv3", (299, 299), "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("mobilenetv2", (112, 112), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_"),
        ("mobilenetv2-0.35", (96, 96), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_"),
        ("mobilenetv2-0.35", (96, 128), MOBILENET_FILE),
    ],
)
def test_without_network_the_error_names_file_folder_and_profile(
    name, size, file, tmp_path, monkeypatch
):
    requested = []

    def no_network(fname, origin, **options):
        requested.append(fname)
        raise Exception(f"URL fetch failure on {origin}: None -- [Errno -2] Name not known")

    monkeypatch.setattr(file_utils, "get_file", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WeightsError) as caught:
            backbones.build(name, size=size, weights="imagenet")
    message = str(caught.value)
    assert requested == re.findall(r"ImageNet weights (\S+),", message)
    for named in (file, str(tmp_path / "home" / "models"), "KERAS_HOME", "profile quick"):
        assert named in message


def test_a_fault_that_is_not_the_network_is_not_disguised(monkeypatch, tmp_path):
    def broken(fname, origin, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(file_utils, "get_file", broken)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match="something else"):
        backbones.build("mobilenetv2-0.35", **SMALL, weights="imagenet")


def test_imagenet_weights_in_the_cache_load_without_network_or_warning(monkeypatch, tmp_path):
    cached = tmp_path / "models" / MOBILENET_FILE
    source = keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None)
    save_as_keras_applications(with_spread_weights(source), cached)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = backbones.build("mobilenetv2-0.35", size=(80, 112), weights="imagenet")
    assert_same_weights(model, source)
    cached.write_bytes(b"cut off")
    with pytest.raises(WeightsError, match=re.escape(MOBILENET_FILE)):
        backbones.build("mobilenetv2-0.35", **SMALL, weights="imagenet")


PHOTOS = {
    "cat.png": {"tabby", "tiger cat", "Egyptian cat", "lynx", "Persian cat", "Siamese cat"},
    "parrot.jpg": {"macaw", "lorikeet", "sulphur-crested cockatoo", "African grey"},
    "grace_hopper.png": {"military uniform"},
    "sunflower.png": {"daisy"},
    "bird.png": {"chickadee"},
}


def test_real_imagenet_weights_recognise_real_photos(shared, monkeypatch):
    home = shared / "keras_home"
    if not list(home.glob("models/*no_top.h5")):
        pytest.skip("needs ImageNet weights in the shared Keras home")
    monkeypatch.setenv("KERAS_HOME", str(home))
    labels = (shared / "tflite" / "imagenet_labels.txt").read_text().splitlines()[1:]
    images = [cv2.imread(str(shared / "photos" / name))[:, :, ::-1] for name in PHOTOS]
    images = np.stack([cv2.resize(one, (224, 224), interpolation=cv2.INTER_AREA) for one in images])
    ours = backbones.build("mobilenetv2", weights="imagenet").predict(images, verbose=0)
    name = str(home / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224")
    mobilenet = keras.applications.MobileNetV2
    theirs = mobilenet(input_shape=(224, 224, 3), include_top=False, weights=f"{name}_no_top.h5")
    scaled = keras.applications.mobilenet_v2.preprocess_input(images.astype("float32"))
    np.testing.assert_allclose(ours, theirs.predict(scaled, verbose=0), atol=1e-4)
    head = mobilenet(weights=f"{name}.h5").get_layer("predictions")
    found = keras.ops.convert_to_numpy(head(ours.mean(axis=(1, 2)))).argmax(axis=1)
    for (name, expected), label in zip(PHOTOS.items(), found, strict=True):
        assert labels[label] in expected, name
