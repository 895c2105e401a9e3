"""Engines: the same features from each of them, chosen and told honestly."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.models import backbones
from vidlab.recipes.cnn_lstm_thesis import frame_vote
from vidlab.training import engines, features

ROOT = Path(__file__).resolve().parents[1]
HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
COMPILED = [
    pytest.param("openvino", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="needs OpenVINO")),
    "tensorflow",
    "keras",
]
SIZE = (64, 80)
OPTIONS = {"engine": "tensorflow", "precision": "float32", "batch_size": 8, "dtypes": ["uint8"]}


@pytest.fixture(scope="module")
def pictures():
    """Draw 8 pictures with more than noise in them, uint8."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (8, SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.uint8)
    return rough.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def encoders():
    trained = backbones.build("residual", size=SIZE, weights="pantomime")
    inputs = {"rgb": keras.Input((*SIZE, 3))}
    said = frame_vote(inputs, 4, backbone=trained, units=32)
    classifier = keras.Model(inputs["rgb"], said)
    return {
        "pooled": backbones.pooled(trained),
        "cut": keras.Model(classifier.input, classifier.get_layer("dense").output),
    }


def compute(encoder, batches, *, engine, precision="float32"):
    made = engines.compiled(
        encoder,
        str(id(encoder)),
        engine=engine,
        precision=precision,
        batch_size=len(batches[0]),
        dtypes=["uint8"],
    )
    return list(made.map((number, [batch]) for number, batch in enumerate(batches)))


@pytest.mark.parametrize("kind", ["pooled", "cut"])
@pytest.mark.parametrize("engine", COMPILED)
def test_engines_agree_with_keras_before_rounding(engine, kind, encoders, pictures):
    ((_, found),) = compute(encoders[kind], [pictures], engine=engine)
    expected = encoders[kind].predict(pictures, verbose=0)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("engine", COMPILED)
def test_results_come_in_the_order_of_the_batches(engine, encoders, pictures):
    batches = [np.roll(pictures, shift, axis=0) for shift in range(5)]
    results = compute(encoders["pooled"], batches, engine=engine)
    assert [tag for tag, _ in results] == [0, 1, 2, 3, 4]
    for shift, (_, found) in enumerate(results):
        expected = np.roll(results[0][1], shift, axis=0)
        np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs OpenVINO")
def test_the_next_batch_is_asked_for_while_one_is_under_way(encoders, pictures):
    asked = []

    def batches():
        for number in range(4):
            asked.append(number)
            yield number, [pictures]

    made = engines.compiled(encoders["pooled"], "pooled", **OPTIONS | {"engine": "openvino"})
    assert next(made.map(batches()))[0] == 0
    assert asked == [0, 1, 2]


def test_the_latest_encoder_is_compiled_once(encoders, pictures):
    first = engines.compiled(encoders["pooled"], "a", **OPTIONS)
    assert engines.compiled(encoders["pooled"], "a", **OPTIONS) is first
    assert first.seconds > 0
    assert engines.compiled(encoders["pooled"], "b", **OPTIONS) is not first
    assert len(engines._latest) == 1


@pytest.mark.parametrize(
    ("installed", "gpus", "expected"),
    [(True, [], "openvino"), (False, [], "tensorflow"), (True, ["GPU:0"], "keras")],
    ids=["with OpenVINO", "without", "on a GPU"],
)
def test_the_fastest_engine_is_chosen(installed, gpus, expected, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: installed or None)
    monkeypatch.setattr(engines, "_gpus", lambda: gpus)
    assert engines.choose("auto", "float32") == (expected, "float32")


def test_gpu_memory_is_taken_as_needed():
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_tensorflow_keeps_single_precision_whole_only_while_keras_computes(encoders, pictures):
    from tensorflow.config import experimental

    before = experimental.tensor_float_32_execution_enabled()
    made = engines.compiled(encoders["pooled"], "pooled", **OPTIONS | {"engine": "keras"})
    results = made.map([(0, [pictures])])
    next(results)
    assert not experimental.tensor_float_32_execution_enabled()
    assert list(results) == []
    assert experimental.tensor_float_32_execution_enabled() == before


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_fast_falls_back_to_single_precision_and_says_so(engine, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: True)
    monkeypatch.setattr(engines, "_has_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match=rf"bfloat16; here it is {engine}.*float32"):
        assert engines.choose(engine, "fast") == (engine, "float32")


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs OpenVINO")
def test_fast_features_have_a_store_of_their_own_if_the_cpu_has_them(
    encoders, toy_dataset, tmp_path
):
    index = VideoIndex.from_folder(toy_dataset(classes=("Jump",), groups=1, lists=False))
    options = {"sampling": Uniform(2), "out": tmp_path / "store"}
    exact = features.extract(index, encoders["pooled"], **options)
    if not engines._has_bfloat16():
        with pytest.warns(UserWarning, match="CPU without"):
            fast = features.extract(index, encoders["pooled"], precision="fast", **options)
        assert fast.folder == exact.folder
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = features.extract(index, encoders["pooled"], precision="fast", **options)
    assert fast.folder != exact.folder
    assert (fast.dtype, exact.dtype) == (np.float16, np.float32)
    name = index.table["video_id"][0]
    difference = np.abs(fast[name].astype(float) - exact[name]).max()
    assert 1e-4 * exact[name].max() < difference < 0.2 * exact[name].max()


ELSEWHERE = """
    import sys
    import keras, numpy as np
    from vidlab.training import engines

    pictures = keras.Input((8, 8, 3))
    encoder = keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(pictures))
    name, precision = engines.choose("auto", "float32")
    options = dict(engine=name, precision=precision, batch_size=2, dtypes=["uint8"])
    made = engines.compiled(encoder, "", **options)
    ((_, found),) = made.map([(0, [np.full((2, 8, 8, 3), 7, np.uint8)])])
    print(name, found.tolist(), "tensorflow" in sys.modules)
"""


@pytest.mark.skipif(not HAS_OPENVINO, reason="needs OpenVINO, here as what Keras runs on")
def test_where_keras_does_not_run_on_tensorflow_keras_computes():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ELSEWHERE)],
        env={**os.environ, "KERAS_BACKEND": "openvino"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "keras [[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]] False"


def test_nothing_is_written_to_stderr_while_a_graph_is_simplified(encoders, capfd):
    capfd.readouterr()
    engines._frozen(encoders["pooled"], [((2, *SIZE, 3), "uint8")])
    assert capfd.readouterr().err == ""
