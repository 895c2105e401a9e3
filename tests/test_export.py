"""Models as files of LiteRT and OpenVINO, and back: the same answers, smaller."""

import re
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
from keras import layers
from typer.testing import CliRunner

from tests import built
from vidlab import backbones, explanation, models, recipes
from vidlab.cli import app
from vidlab.course.lab import Lab
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import ModelError, WeightsError
from vidlab.evaluation.timeline import VideoPredictor
from vidlab.models import export, litert
from vidlab.training import engines, features

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")

QUANTISED = "mobilenet_v2_1.0_224_quant.tflite"
PHOTOS = {
    "bird.png": "chickadee",
    "cat.png": "Egyptian cat",
    "grace_hopper.png": "military uniform",
    "parrot.jpg": "macaw",
    "sunflower.png": "daisy",
}


def pictures(count, size=32):
    """Smooth noise, different everywhere."""
    noise = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    return np.stack([cv2.GaussianBlur(one, None, 1.5) for one in noise])


@pytest.fixture(scope="module")
def encoder():
    return built.pooled(backbones.build("residual", size=(32, 32), weights="pantomime"))


def recurrent(cell):
    clips = keras.Input((None, 16, 16, 3), name="rgb")
    x = models.each_frame(clips, [layers.Flatten()])
    x = cell(layers.Rescaling(1 / 255)(x))
    return keras.Model(clips, layers.Dense(3, activation="softmax")(x))


@pytest.mark.parametrize("number", [1, 5])
def test_a_file_of_32_bits_computes_what_keras_does(encoder, number):
    given = pictures(number)
    back = litert.from_litert(export.to_litert(encoder))
    expected = encoder.predict(given, verbose=0)
    np.testing.assert_allclose(back.predict(given, verbose=0), expected, rtol=1e-4, atol=1e-4)


def test_eight_bits_take_a_third_of_the_size_and_nearly_agree(encoder, caplog, recwarn):
    given = pictures(24)
    exact = export.to_litert(encoder)
    small = export.to_litert(encoder, [[one] for one in given])
    assert len(small) < 0.33 * len(exact)
    found = litert.from_litert(small).predict(given, verbose=0)
    expected = encoder.predict(given, verbose=0)
    assert not np.array_equal(found, expected)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    assert not caplog.records
    assert not [one for one in recwarn if "quantized" in str(one.message)]


@pytest.mark.parametrize(
    "cell",
    [
        layers.RNN(layers.GRUCell(4, dropout=0.5)),
        layers.LSTM(4, recurrent_dropout=0.5),
        layers.Bidirectional(layers.GRU(4, dropout=0.5)),
    ],
    ids=["cell", "lstm", "both directions"],
)
def test_a_recurrent_model_becomes_one_file_for_clips_of_one_length(cell):
    model = recurrent(cell)
    clips = pictures(12, size=16).reshape(2, 6, 16, 16, 3)
    for examples in (None, [[clip] for clip in clips]):
        data = export.to_litert(model, examples, shapes=[(6, 16, 16, 3)])
        back = litert.from_litert(data, inputs="rgb").predict(clips, verbose=0)
        expected = model.predict(clips, verbose=0)
        np.testing.assert_allclose(back, expected, atol=1e-5 if examples is None else 0.05)


def test_what_litert_has_no_operation_for_is_named():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.ops.erfinv(inputs), name="inverse")
    with pytest.raises(ModelError, match=r"inverse, of which it says: .*Erfinv"):
        export.to_litert(model, dtype="float32")


def test_openvino_reads_a_model_and_a_file_of_integers(encoder):
    openvino = pytest.importorskip("openvino", reason="needs OpenVINO")
    given = pictures(24)
    expected = encoder.predict(given[:1], verbose=0)
    exactly = {"INFERENCE_PRECISION_HINT": "f32"}
    small = export.to_litert(encoder, [[one] for one in given])
    made = [export.to_openvino(encoder, [((1, 32, 32, 3), "uint8")]), export.to_openvino(small)]
    for graph, error in zip(made, (1e-4, 0.1), strict=True):
        found = openvino.compile_model(graph, "CPU", exactly)(given[:1])[0]
        np.testing.assert_allclose(found, expected, atol=error * np.abs(expected).max())


@pytest.fixture(scope="module")
def file(encoder, tmp_path_factory):
    """A classifier of pictures in eight bits; its last map is the residual network's."""
    x = layers.Dense(5, activation="softmax")(encoder.output)
    data = export.to_litert(keras.Model(encoder.input, x), [[one] for one in pictures(24)])
    path = tmp_path_factory.mktemp("litert") / "classifier.tflite"
    path.write_bytes(data)
    return path


class TestAFileAsABackbone:
    @pytest.fixture
    def backbone(self, file):
        return backbones.build("residual", size=(32, 32), weights=file)

    def test_it_gives_the_last_map_of_the_file(self, backbone, encoder, file):
        float_map = encoder.get_layer("backbone").predict(pictures(4), verbose=0)
        found = backbone.predict(pictures(4), verbose=0)
        assert found.shape == float_map.shape
        assert np.corrcoef(found.ravel(), float_map.ravel())[0, 1] > 0.98
        assert len(litert.embedding_of(file.read_bytes())) < file.stat().st_size

    def test_it_is_saved_with_the_model_around_it(self, backbone, tmp_path):
        model = built.pooled(backbone)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        given = pictures(3)
        np.testing.assert_array_equal(loaded(given), model(given))
        assert engines.encoder_digest(loaded) == engines.encoder_digest(model)

    def test_its_features_are_computed_by_keras_and_are_its_own(
        self, backbone, encoder, toy_folder, tmp_path
    ):
        model = built.pooled(backbone)
        assert engines.choose("auto", "float32", model)[0] == "keras"
        index = VideoIndex.from_folder(toy_folder).select(range(2))
        stores = [
            features.extract(
                index,
                one,
                streams={one.inputs[0].name: Rgb(Uniform(2), one.input_shape[1:3])},
                sampling=Uniform(2),
                out=tmp_path,
            )
            for one in (model, encoder)
        ]
        assert stores[0].folder != stores[1].folder

    def test_it_has_no_gradients_and_says_what_explains_it(self, backbone):
        x = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(backbone.output))
        model = keras.Model(backbone.input, x)
        with pytest.raises(ModelError, match="by_occlusion"):
            explanation.grad_cam(model, pictures(1), layer="litert")

    def test_a_file_for_other_pictures_is_refused(self, file):
        with pytest.raises(WeightsError, match=r"from \(None, 32, 32, 3\).* not from \(None, 64"):
            backbones.build("residual", size=(64, 64), weights=file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[: len(data) // 2], "a download may have been cut off"),
        (lambda data: b"<html>404</html>", "none"),
    ],
    ids=["half", "a page"],
)
def test_a_damaged_file_is_refused(encoder, change, message, tmp_path):
    path = tmp_path / "broken.tflite"
    path.write_bytes(change(export.to_litert(encoder)))
    with pytest.raises(ModelError, match=message):
        litert.from_litert(path.read_bytes())
    with pytest.raises(WeightsError, match=r"broken\.tflite"):
        backbones.build("residual", weights=path)


def test_a_network_without_maps_has_no_embedding():
    inputs = keras.Input((8,))
    data = export.to_litert(keras.Model(inputs, layers.Dense(2)(inputs)), dtype="float32")
    with pytest.raises(ModelError, match="without a map"):
        litert.embedding_of(data)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(litert, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install ai-edge-litert"):
        litert.from_litert(b"")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install openvino"):
        export.to_openvino(b"")


@pytest.fixture(scope="module")
def literature(shared):
    path = shared / "tflite" / QUANTISED
    if not path.is_file():
        pytest.skip(f"needs {QUANTISED} in the shared folder")
    return path.read_bytes()


class TestTheFileOfTheLiterature:
    def test_it_recognises_photos(self, literature, shared):
        labels = (shared / "tflite" / "imagenet_labels.txt").read_text().splitlines()
        images = [cv2.imread(str(shared / "photos" / name))[..., ::-1] for name in PHOTOS]
        given = np.stack([cv2.resize(one, (224, 224)) for one in images])
        said = litert.from_litert(literature).predict(given, verbose=0).argmax(axis=1)
        assert [labels[one] for one in said] == list(PHOTOS.values())

    def test_a_sixth_of_its_mean_map_is_what_the_source_divides_by_255(self, literature, shared):
        from ai_edge_litert.interpreter import Interpreter

        given = pictures(2, size=224)
        path = shared / "tflite" / QUANTISED
        encoder = built.pooled(backbones.build("mobilenetv2", weights=path))
        found = encoder.predict(given, verbose=0) / 6
        whole = Interpreter(model_content=literature, experimental_preserve_all_tensors=True)
        whole.allocate_tensors()
        (embedding,) = (
            one["index"]
            for one in whole.get_tensor_details()
            if list(one["shape"]) == [1, 7, 7, 1280] and "Relu6" in one["name"]
        )
        for picture, row in zip(given, found, strict=True):
            whole.set_tensor(whole.get_input_details()[0]["index"], picture[None])
            whole.invoke()
            integers = whole.get_tensor(embedding)[0]
            assert integers.dtype == np.uint8
            np.testing.assert_allclose(row, integers.mean(axis=(0, 1)) / 255, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("options", [[], ["--int8"], ["--format", "openvino"]])
def test_an_exported_recipe_answers_without_vidlab(options, toy_folder, tmp_path, monkeypatch):
    if "openvino" in options:
        pytest.importorskip("openvino", reason="needs OpenVINO")
    else:
        monkeypatch.setitem(sys.modules, "openvino", None)  # as where it is not installed
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    command = ["export", "gru-pixels", "--profile", "smoke", "--dataset", str(toy_folder), *options]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 0, said.output
    (script,) = (tmp_path / "exported").glob("*.py")
    film = VideoIndex.from_folder(toy_folder).paths[0]
    isolated = [sys.executable, "-I", "-X", "importtime", str(script), str(film)]
    answer = subprocess.run(isolated, capture_output=True, text=True, check=True)
    assert not re.search(r"\| +(vidlab|tensorflow|keras)$", answer.stderr, re.M)
    predictor = VideoPredictor.of_run(Lab("smoke", dataset=str(toy_folder)).run("gru-pixels"))
    expected = predictor.predict(film).top(3)
    found = dict(line.split() for line in answer.stdout.splitlines())
    assert list(found) == list(expected.index)
    error = 0.05 if "--int8" in options else 2e-4
    np.testing.assert_allclose([float(one) for one in found.values()], expected, atol=error)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("temporal-stream", "looks at pictures, spread evenly over the video"),
        ("two-stream", "looks at pictures, spread evenly over the video"),
        ("frame-vote", "averages over frames"),
    ],
)
def test_what_a_short_script_cannot_feed_is_refused_before_it_is_trained(
    name, message, monkeypatch
):
    adapted = recipes.get(name).adapted(test=Uniform(8))
    monkeypatch.setattr(Lab, "recipe", lambda lab, name: adapted)
    monkeypatch.delattr(Lab, "run")
    said = CliRunner().invoke(app, ["export", name])
    assert said.exit_code == 1
    assert message in " ".join(said.output.split())
