"""Files that somebody changed, by accident or on purpose, end in sentences and in nothing else."""

import math
import re
import zipfile

import flatbuffers
import h5py
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import hostile
from vidlab import recipes
from vidlab.course import profiles
from vidlab.errors import ModelError, ProfileError, RecipeError, VidlabError, WeightsError
from vidlab.evaluation.runs import RunFolder
from vidlab.models import backbones, export, litert

EDITS = st.lists(
    st.tuples(
        st.sampled_from(hostile.KINDS), st.floats(0, 1), st.integers(0, 30), st.integers(0, 200)
    ),
    min_size=1,
    max_size=4,
)
CASES = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def seeds(folder):
    return hostile.seeds(folder)


ARCHIVES = ("archive.zip", "archive.tar", "archive.rar", "archive.rar5")
NAMES = [*hostile.SEEDS, *ARCHIVES, "predictions.npz"]


@pytest.mark.parametrize("name", NAMES)
@given(edits=EDITS)
@settings(
    max_examples=math.ceil(CASES / len(NAMES)),
    deadline=None,
    derandomize=True,
    database=None,
)
def test_a_changed_file_is_read_or_refused_with_a_sentence(name, folder, seeds, edits):
    content = hostile.changed(seeds[name], edits)
    found = "Expected Received"
    try:
        with hostile.limits():
            hostile.read(name, content, folder / "work")
    except VidlabError as error:
        found = str(error)
    assert re.search(r"(?s)\AExpected.*Received", found)
    assert len(found) < 3000


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "seed: [unclosed",
        "seed: !!python/object/apply:os.getcwd []",
        "1: number",
        "seed: " + "9" * 5000,
        "[" * 3000,
        "\0",
        "when: 2001-99-99",
        "{base: quick, recipes: 3}",
    ],
    ids=["list", "syntax", "code", "number", "digits", "deep", "zero", "date", "base"],
)
def test_a_profile_that_is_none_is_named(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ProfileError, match=r"Expected .*mine\.yaml"):
        profiles.load(str(tmp_path / "mine.yaml"))


def test_a_file_of_recipes_that_leaves_python_or_fails_leaves_no_recipe(tmp_path):
    text = hostile.SEEDS["recipe.py"].decode()
    for end in ("raise SystemExit\n", "1 / 0\n"):
        (tmp_path / "mine.py").write_text(f"{text}\n\n{end}")
        with pytest.raises(RecipeError, match=r"mine\.py, which fails with"):
            recipes.load(tmp_path / "mine.py")
        assert "fuzzed" not in recipes.names()


def test_code_in_a_model_is_never_run(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"data alone.*model\.keras.*Lambda layer.*class of its"):
        RunFolder(tmp_path).model()
    with pytest.raises(WeightsError, match=r"model\.keras.*Lambda layer"):
        backbones.build("residual-0.25", size=(32, 32), weights=tmp_path / "model.keras")


def rewritten(source, target, change):
    """Copy a ``.keras`` file, its members changed: (name, bytes) -> bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))


def promising(file, shape, **options):
    """Put a dataset that holds nothing in the place of the first one of an HDF5 file."""
    with h5py.File(file, "r+") as opened:
        names = []
        opened.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        del opened[names[0]]
        opened.create_dataset(names[0], shape=shape, dtype="float32", **options)


@pytest.mark.parametrize("packed", [False, True], ids=["weights.h5", "keras"])
@pytest.mark.parametrize("shape", [(1 << 40,), (1000, 1000, 250)], ids=["4 TB", "1 GB"])
def test_weights_that_promise_more_than_they_hold_are_never_made(tmp_path, shape, packed):
    model = backbones.build("residual-0.25", size=(32, 32))
    model.save_weights(file := tmp_path / "bomb.weights.h5")
    promising(file, shape, chunks=(1000, *(100,) * (len(shape) - 1)))
    if packed:
        model.save(tmp_path / "sound.keras")
        content, file = file.read_bytes(), tmp_path / "bomb.keras"
        change = lambda name, old: content if name.endswith(".h5") else old  # noqa: E731
        rewritten(tmp_path / "sound.keras", file, change)
    with hostile.limits(), pytest.raises(WeightsError, match=r"bomb\..*which promises [\d,]+\. It"):
        backbones.build("residual-0.25", size=(32, 32), weights=file)


@pytest.mark.parametrize("units", [1 << 40, 100_000_000], ids=["16 TB", "1.6 GB"])
def test_layers_wider_than_the_weights_in_the_file_are_never_made(tmp_path, units):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "sound.keras")
    wide = f'"units": {units}'.encode()
    rewritten(
        tmp_path / "sound.keras",
        tmp_path / "model.keras",
        lambda name, old: old.replace(b'"units": 3', wide) if name == "config.json" else old,
    )
    with hostile.limits(), pytest.raises(ModelError, match=r"model\.keras, of [\d,]+ bytes, which"):
        RunFolder(tmp_path).model()


def test_an_archive_that_grows_without_end_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.writestr(name, bytes(100_000_000))
    with hostile.limits(), pytest.raises(ModelError, match=r"promises 300,000,000"):
        RunFolder(tmp_path).model()


def input_of_ten_gigabytes(graph):
    tensor = graph.tensors[graph.inputs[0]]
    tensor.shape, tensor.shapeSignature = [1, 11_200, 11_200, 3], None


def operator_without_its_second_input(graph):
    adding = next(one for one in graph.operators[1:] if len(one.inputs) == 2)
    adding.inputs = [adding.inputs[0], -1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (input_of_ten_gigabytes, "none: .* Give"),
        (operator_without_its_second_input, r"it ends the process that runs it \(status -11\)"),
    ],
    ids=["memory", "crash"],
)
def test_a_litert_file_ends_at_most_the_process_that_tries_it(change, message):
    images = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(x)
    data = export.to_litert(keras.Model(images, x))
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    change(model.subgraphs[0])
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ModelError, match=f"(?s)Expected a LiteRT file.*{message}"):
        litert.from_litert(bytes(builder.Output()))


def test_damaged_models_are_named(tmp_path):
    rng = np.random.default_rng(0)
    for name, content in hostile.model_seeds(tmp_path).items():
        for number in range(4):
            cut = content[: int(rng.integers(len(content)))]
            (tmp_path / name).write_bytes(cut if number else rng.bytes(900))
            with pytest.raises(WeightsError, match=rf"Expected weights.*{name}"):
                backbones.build("residual-0.25", size=(32, 32), weights=tmp_path / name)
