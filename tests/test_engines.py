"""Engines: the same features from each of them, chosen and told honestly."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests import built
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.models import backbones
from vidlab.training import engines, features

ROOT = Path(__file__).resolve().parents[1]
HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
with_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="needs OpenVINO")
SIZE = (64, 80)


@pytest.fixture(scope="module")
def pictures():
    """Draw 8 pictures with more than noise in them, uint8."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (8, SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.uint8)
    return rough.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def encoder():
    return built.pooled(backbones.build("residual", size=SIZE, weights="pantomime"))


def compile_encoder(encoder, **options):
    given = {"engine": "openvino", "precision": "float32", "batch_size": 8, "dtypes": ["uint8"]}
    return engines.compiled(encoder, str(id(encoder)), **given | options)


@pytest.mark.parametrize("engine", [pytest.param("openvino", marks=with_openvino), "keras"])
def test_engines_agree_with_keras_before_rounding_batch_by_batch(engine, encoder, pictures):
    batches = [np.roll(pictures, shift, axis=0) for shift in range(5)]
    made = compile_encoder(encoder, engine=engine)
    results = list(made((number, [batch]) for number, batch in enumerate(batches)))
    assert [tag for tag, _ in results] == [0, 1, 2, 3, 4]
    expected = encoder.predict(pictures, verbose=0)
    for shift, (_, found) in enumerate(results):
        assert found.dtype == np.float32
        difference = np.abs(found - np.roll(expected, shift, axis=0)).max()
        assert difference <= 1e-4 * np.abs(expected).max()


@with_openvino
def test_the_next_batch_is_taken_while_one_is_under_way(encoder, pictures):
    taken = []

    def batches():
        for number in range(4):
            taken.append(number)
            yield number, [pictures]

    made = compile_encoder(encoder, engine="openvino")
    assert next(made(batches()))[0] == 0
    assert taken == [0, 1, 2]


@with_openvino
def test_the_latest_encoder_is_compiled_once(encoder):
    first = compile_encoder(encoder)
    assert compile_encoder(encoder) is first
    assert compile_encoder(encoder, batch_size=4) is not first
    assert compile_encoder(encoder) is not first  # one is kept


@pytest.mark.parametrize(
    ("installed", "gpus", "expected"),
    [(True, [], "openvino"), (False, [], "keras"), (True, ["GPU:0"], "keras")],
    ids=["with OpenVINO", "without", "on a GPU"],
)
def test_the_fastest_engine_is_chosen(installed, gpus, expected, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: installed or None)
    monkeypatch.setattr(engines, "_gpus", lambda: gpus)
    assert engines.choose("auto", "float32") == (expected, "float32")


def test_tensorflow_keeps_single_precision_whole_only_while_keras_computes(encoder, pictures):
    from tensorflow.config import experimental

    before = experimental.tensor_float_32_execution_enabled()
    results = compile_encoder(encoder, engine="keras")([(0, [pictures])])
    next(results)
    assert not experimental.tensor_float_32_execution_enabled()
    assert list(results) == []
    assert experimental.tensor_float_32_execution_enabled() == before
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


@pytest.mark.parametrize("engine", ["openvino", "keras"])
def test_fast_falls_back_to_single_precision_and_says_so(engine, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: True)
    monkeypatch.setattr(engines, "_has_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match=rf"bfloat16; here it is {engine}.*float32"):
        assert engines.choose(engine, "fast") == (engine, "float32")


@pytest.mark.skipif(
    not (HAS_OPENVINO and engines._has_bfloat16()), reason="needs OpenVINO and a CPU with bfloat16"
)
def test_fast_features_have_a_store_of_their_own(encoder, toy_folder, tmp_path):
    index = VideoIndex.from_folder(toy_folder).select([0, 1])
    streams = {encoder.inputs[0].name: Rgb(Uniform(2), SIZE)}
    options = {"sampling": Uniform(2), "streams": streams, "out": tmp_path / "store"}
    exact = features.extract(index, encoder, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = features.extract(index, encoder, precision="fast", **options)
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
    ((_, found),) = made([(0, [np.full((2, 8, 8, 3), 7, np.uint8)])])
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


@with_openvino
def test_nothing_is_written_to_stderr_while_a_graph_is_simplified(encoder, capfd):
    capfd.readouterr()
    compile_encoder(encoder, batch_size=2)
    assert capfd.readouterr().err == ""
