"""Models of frames and clips: padding, a prediction for every frame, and saving."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests import built
from tests.built import with_random_weights
from vidlab import models
from vidlab.errors import ModelError
from vidlab.training.freezing import KEPT, split

FEATURES, CLASSES, SIZE = 8, 5, (12, 16)
CELLS = {  # recurrent models, and the cell of each
    "convgru": "gru",
    "chiche-lstm": "lstm",
    "cnn-lstm": "lstm",
    "masking-gru": "gru",
    "masking-lstm": "lstm",
    "convgru-statistics": "gru",
    "masking-lstm-statistics": "lstm",
}
MASKING = [name for name in CELLS if name.startswith("masking")]
every_recurrent = pytest.mark.parametrize("name", CELLS)
close = functools.partial(np.testing.assert_allclose, atol=1e-5)


def one_layer_backbone():
    """A backbone of a single layer: quick, and every frame has features of its own."""
    images = keras.Input((*SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    found = keras.layers.Conv2D(FEATURES, 3, strides=2, activation="relu", name="conv")(scaled)
    return keras.Model(images, found, name="backbone")


def build(name, classes=CLASSES):
    backbone = one_layer_backbone()
    if name == "cnn-lstm":
        start = built.frame_vote(backbone, classes, units=FEATURES)
        return built.cnn_lstm(start, classes, units=6)
    pooling = "statistics" if name.endswith("statistics") else "last"
    if name.startswith("convgru"):
        return built.convgru(backbone, classes, units=6, pooling=pooling)
    write = {"chiche": built.chiche_rnn, "masking": built.recurrent}[name.split("-")[0]]
    return write(backbone, classes, cell=CELLS[name], units=6, pooling=pooling)


def clips_of(*lengths):
    """Clips whose every frame has a colour and noise of its own."""
    rng = np.random.default_rng(sum(lengths))
    colours = [rng.uniform(0, 200, (length, 1, 1, 3)) for length in lengths]
    return [(c + rng.uniform(0, 55, (len(c), *SIZE, 3))).astype(np.uint8) for c in colours]


def predicted(model, inputs):
    return model.predict(np.asarray(inputs), verbose=0)


def frame_vectors(model):
    """Return the vectors of the frames, zero where a clip is padded."""
    return next(one.output for one in model.layers if isinstance(one, models.BlankPadding))


def one_by_one(model, clips):
    return np.concatenate([predicted(model, clip[None]) for clip in clips])


@pytest.fixture(scope="module")
def made():
    """Build a model of each kind once, with random weights: (name) -> model."""
    return functools.cache(lambda name: with_random_weights(build(name)))


@pytest.fixture(scope="module")
def convgru(made):
    return made("convgru")


@pytest.fixture(scope="module")
def masking(made):
    return made("masking-gru")


@pytest.mark.parametrize("write", [built.frame_classifier, built.frame_vote, built.single])
def test_frames_become_class_probabilities_and_the_model_comes_back_from_its_file(write, tmp_path):
    backbone = one_layer_backbone()
    model, frames = write(backbone, 7), np.concatenate(clips_of(3))
    found = predicted(model, frames)
    assert (found.shape, found.dtype) == ((3, 7), np.float32)
    close(found.sum(axis=1), 1)
    assert model.get_layer("backbone") is backbone
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    close(predicted(loaded, frames), found)
    assert loaded.get_layer("backbone").get_layer("conv").output.shape[1:] == (5, 7, FEATURES)


@pytest.mark.parametrize(
    ("name", "recurrent", "others"),
    [("chiche-lstm", 0.5, [0.5]), ("cnn-lstm", 0.2, [0.5]), ("convgru", 0, [])],
)
def test_dropout_is_where_the_papers_have_it(made, name, recurrent, others):
    model = made(name)
    rates = [one.rate for one in model.layers if isinstance(one, keras.layers.Dropout)]
    assert (model.get_layer(CELLS[name]).cell.dropout, rates) == (recurrent, others)


def test_statistics_are_mean_and_deviation_of_the_states_so_far():
    vectors = keras.Input((None, FEATURES))
    memory, pool = keras.layers.LSTMCell(6), models.RunningStatistics(6)
    states = keras.layers.RNN(memory, return_sequences=True)(vectors)
    found = keras.layers.RNN([memory, pool], return_sequences=True)(vectors)
    both = keras.Model(vectors, [states, found])
    states, found = both.predict(np.random.default_rng(0).normal(size=(2, 5, FEATURES)), verbose=0)
    for step in range(1, 6):
        mean, deviation = states[:, :step].mean(axis=1), states[:, :step].std(axis=1)
        expected = np.concatenate([mean, np.sqrt(deviation**2 + 1e-6)], axis=1)
        np.testing.assert_allclose(found[:, step - 1], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["convgru-statistics", "masking-lstm-statistics"])
def test_a_head_on_statistics_learns_from_clips_of_one_frame_and_comes_back(made, name, tmp_path):
    model, clips = keras.models.clone_model(made(name)), models.pad(clips_of(1, 3))
    model.compile("adam", "sparse_categorical_crossentropy")
    assert np.isfinite(model.train_on_batch(clips, np.array([0, 1])))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    model.save(tmp_path / "model.keras")
    close(
        predicted(keras.saving.load_model(tmp_path / "model.keras"), clips), predicted(model, clips)
    )


def test_a_head_on_statistics_is_trained_on_what_is_computed_once(made):
    model, clips = made("convgru-statistics"), np.stack(clips_of(4, 4))
    model.get_layer("backbone").trainable = False
    cut = split(model, clips=True)
    vectors = np.stack([cut.frozen.predict({"rgb": clip}, verbose=0) for clip in clips])
    close(cut.rest.predict({KEPT: vectors}, verbose=0), predicted(model, clips))


def test_pixels_are_scaled_and_laid_in_a_row():
    model, (clip,) = built.pixel_rnn(CLASSES, size=SIZE, units=4), clips_of(3)
    row = keras.Model(model.input, model.get_layer("pixels").output)
    close(predicted(row, clip[None])[0], clip.reshape(3, -1) / 127.5 - 1)


class TestRecurrent:
    @pytest.mark.parametrize("name", ["convgru", "chiche-lstm"])
    def test_the_loop_around_a_cell_is_the_layer_of_that_name(self, made, name):
        model, cell = made(name), CELLS[name]
        layer, inputs = model.get_layer(cell), keras.Input((None, FEATURES))
        kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
        theirs = keras.Model(inputs, kind(6)(inputs))
        theirs.set_weights(layer.get_weights())
        clips = np.stack(clips_of(4, 4))
        vectors, states = (
            predicted(keras.Model(model.input, tensor), clips)
            for tensor in (layer.input, layer.output)
        )
        close(states, predicted(theirs, vectors))

    @every_recurrent
    def test_it_predicts_what_its_encoder_and_head_do_one_after_the_other(self, made, name):
        model, clips = made(name), np.stack(clips_of(4, 4, 4))
        frames = x = keras.Input((*SIZE, 3))
        for layer in model.layers[2 : [type(one) for one in model.layers].index(models.UnfoldTime)]:
            x = layer(x)
        vectors = np.stack([predicted(keras.Model(frames, x), clip) for clip in clips])
        head = keras.Model(frame_vectors(model), model.output)
        found = predicted(model, clips)
        close(found, predicted(head, vectors))
        close(found, predicted(model, clips.astype(np.float32)))
        assert np.ptp(found, axis=0).max() > 0.01  # the clips are told apart

    def test_an_encoder_with_branches_stays_whole(self):
        frames = keras.Input((*SIZE, 3))
        pooled = [
            keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(scale)(frames))
            for scale in (-1 / 255, 1 / 255)
        ]
        own = keras.Model(frames, keras.layers.Concatenate()(pooled), name="own")
        model, clips = with_random_weights(built.recurrent(own, CLASSES)), clips_of(4, 2)
        head = keras.Model(frame_vectors(model), model.output)
        vectors = [predicted(own, clip) for clip in clips]
        close(predicted(model, models.pad(clips)), one_by_one(head, vectors))

    def test_an_encoder_may_be_applied_to_several_clips(self):
        inputs = [keras.Input((None, *SIZE, 3), name=name) for name in ("rgb", "motion")]
        tower = [one_layer_backbone(), keras.layers.GlobalMaxPooling2D()]
        x = keras.layers.Concatenate()([models.each_frame(one, tower) for one in inputs])
        model, clip = keras.Model(inputs, keras.layers.GRU(4)(x)), np.stack(clips_of(3))
        assert model.predict([clip, clip], verbose=0).shape == (1, 4)


class TestPadding:
    @pytest.mark.parametrize("name", MASKING)
    def test_where_it_is_masked_it_does_not_change_the_prediction(self, made, name):
        model, clips = made(name), clips_of(1, 9, 4, 7)
        apart, batch = one_by_one(model, clips), models.pad(clips)
        close(predicted(model, batch), apart)
        batch[batch == models.PADDING] = 0  # a black frame is a frame
        assert abs(predicted(model, batch) - apart).max() > 0.01

    @pytest.mark.parametrize("name", ["convgru", "cnn-lstm"])
    def test_elsewhere_it_is_read_as_vectors_of_zeros(self, made, name):
        model, clips = made(name), clips_of(2, 5)
        vectors = frame_vectors(model)
        encoder, head = keras.Model(model.input, vectors), keras.Model(vectors, model.output)
        expected = np.zeros((2, 5, FEATURES), np.float32)
        for row, clip in zip(expected, clips, strict=True):
            row[: len(clip)] = predicted(encoder, clip[None])[0]
        close(predicted(encoder, models.pad(clips)), expected)
        close(predicted(model, models.pad(clips)), predicted(head, expected))

    def test_it_does_not_change_the_prediction_for_every_frame(self, masking):
        clips, model = clips_of(2, 6, 3), models.every_frame(masking)
        together = predicted(model, models.pad(clips))
        for clip, found in zip(clips, together, strict=True):
            close(found[: len(clip)], predicted(model, clip[None])[0])
            assert np.ptp(found[len(clip) - 1 :], axis=0).max() < 1e-6  # repeats the last

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            ([(2, 8, 8, 3), (2, 9, 8, 3)], r"\(2, 8, 8, 3\), \(2, 9, 8, 3\).*one size"),
            ([(8, 8, 3)], r"Received: \(8, 8, 3\)"),
            ([], "no clip"),
        ],
    )
    def test_what_cannot_be_one_batch_is_refused(self, shapes, message):
        with pytest.raises(ModelError, match=message):
            models.pad([np.zeros(shape) for shape in shapes])


def classified(clips, state):
    return keras.Model(clips, keras.layers.Dense(CLASSES, activation="softmax")(state))


def head_on_vectors():
    steps = keras.Input((None, FEATURES))
    return classified(steps, keras.layers.LSTM(6, name="lstm")(steps))


def by_time_distributed():
    clips = keras.Input((None, *SIZE, 3))
    encoder = keras.Sequential([one_layer_backbone(), keras.layers.GlobalMaxPooling2D()])
    x = keras.layers.TimeDistributed(encoder)(clips)
    return classified(clips, keras.layers.GRU(6)(keras.layers.Masking()(x)))


def by_operations():
    """Scale pictures and vectors by operations in place of layers."""
    clips = keras.Input((None, *SIZE, 3))
    pool = keras.layers.GlobalMaxPooling2D()
    x = models.each_frame(clips / 255.0 - 0.5, [one_layer_backbone(), pool])
    return classified(clips, keras.layers.GRU(6)(x * 2.0))


def mixing_before():
    clips = keras.Input((None, FEATURES))
    x = keras.layers.Conv1D(4, 3, padding="same")(clips)
    return classified(clips, keras.layers.GRU(6, name="gru")(x))


def around_it():
    clips = keras.Input((None, FEATURES))
    means = keras.layers.GlobalAveragePooling1D()(clips)
    state = keras.layers.GRU(6, name="gru")(clips)
    return classified(clips, keras.layers.Concatenate()([state, means]))


def two_of_them():
    clips = keras.Input((None, FEATURES))
    states = [keras.layers.GRU(6, name="gru")(clips), keras.layers.LSTM(6, name="lstm")(clips)]
    return classified(clips, keras.layers.Concatenate()(states))


class TestEveryFrame:
    @every_recurrent
    def test_a_frame_is_predicted_from_those_up_to_it_all_at_once_or_one_by_one(self, made, name):
        model, clips = made(name), np.stack(clips_of(5, 5))
        found = predicted(models.every_frame(model), clips)
        assert found.shape == (2, 5, CLASSES)
        for end in range(1, 6):  # the same as predicting the clip cut off there
            close(found[:, end - 1], predicted(model, clips[:, :end]))
        stream = models.Stream(model)
        close(np.stack([stream.step(frame) for frame in clips[0]]), found[0])
        stream.reset()
        pieces = [stream.predict(piece) for piece in np.split(clips[0], [2, 3])]
        close(np.concatenate(pieces), found[0])

    def test_it_works_on_heads_and_shares_their_weights(self):
        head = head_on_vectors()
        labels = models.every_frame(head)
        with_random_weights(head)
        steps = np.random.default_rng(0).normal(size=(2, 4, FEATURES)).astype(np.float32)
        close(predicted(labels, steps)[:, -1], predicted(head, steps))
        stream = models.Stream(head)
        found = [stream.step(step) for step in steps[0]][-1]
        assert found.shape == (CLASSES,)
        close(found, predicted(head, steps)[0])

    @pytest.mark.parametrize("write", [by_time_distributed, by_operations])
    def test_encoders_may_be_applied_in_other_ways(self, write):
        model, clips = with_random_weights(write()), np.stack(clips_of(4, 4)).astype(np.float32)
        found, stream = predicted(models.every_frame(model), clips), models.Stream(model)
        streamed = np.concatenate(
            [stream.predict(clips[:, :3]), stream.predict(clips[:, 3:])], axis=1
        )
        close(streamed, found)
        for end in range(1, 5):  # called directly: TimeDistributed keeps the length of its graph
            shown = keras.ops.convert_to_numpy(model(clips[:, :end]))
            close(found[:, end - 1], shown)

    @pytest.mark.parametrize("use", [models.every_frame, models.Stream])
    def test_models_without_a_state_that_is_all_they_know_are_refused(self, use, convgru):
        not_forward = (
            built.pixel_rnn(CLASSES, size=SIZE, units=4),
            built.single(one_layer_backbone(), CLASSES),
            models.every_frame(convgru),
        )
        for model in not_forward:
            with pytest.raises(
                ModelError, match=r"one unidirectional recurrent layer.*Received:.*with none"
            ):
                use(model)
        message = r"frame by frame before it.*with gru.*convgru-fixed"
        for write in (mixing_before, around_it, two_of_them):
            with pytest.raises(ModelError, match=message):
                use(write())


class TestStream:
    @pytest.mark.parametrize("name", ["convgru", "cnn-lstm", *MASKING])
    def test_streams_run_side_by_side_and_padding_is_read_as_in_a_clip(self, made, name):
        model, batch = made(name), models.pad(clips_of(2, 5, 3))
        stream = models.Stream(model)
        found = np.stack([stream.step(batch[:, time]) for time in range(5)], axis=1)
        close(found, predicted(models.every_frame(model), batch))
        close(found[:, -1], predicted(model, batch))
        stream.reset()  # a piece that begins with padding goes on from what was predicted
        pieces = [stream.predict(batch[:, :3]), stream.predict(batch[:, 3:])]
        close(np.concatenate(pieces, axis=1), found)

    def test_it_forgets_when_reset(self, convgru):
        stream, (clip,) = models.Stream(convgru), clips_of(3)
        first = stream.step(clip[0])
        stream.step(clip[1])
        assert abs(stream.step(clip[0]) - first).max() > 1e-4
        stream.reset()
        close(stream.step(clip[0]), first)

    def test_frames_of_another_size_or_number_are_refused(self, convgru):
        stream = models.Stream(convgru)
        with pytest.raises(ModelError, match=r"1 × \(12, 16, 3\).*16, 12, 3\).*Resize"):
            stream.step(np.zeros((16, 12, 3)))
        stream.step(np.zeros((2, *SIZE, 3)))
        with pytest.raises(ModelError, match=r"2 × .*\(3, 1, 12, 16, 3\).*reset"):
            stream.step(np.zeros((3, *SIZE, 3)))
        stream.reset()
        assert stream.step(np.zeros((3, *SIZE, 3))).shape == (3, CLASSES)


def test_a_recurrent_model_is_the_same_in_a_fresh_process(convgru, tmp_path):
    """Also as a stream, and labelling every frame."""
    clips, labels = np.stack(clips_of(3, 3)), models.every_frame(convgru)
    convgru.save(tmp_path / "model.keras")
    labels.save(tmp_path / "labels.keras")
    np.save(tmp_path / "clips.npy", clips)
    code = """if True:
        import numpy as np, vidlab
        _ = vidlab.models  # through it Keras knows vidlab's layers
        import keras
        clips = np.load("clips.npy")
        model, labels = map(keras.saving.load_model, ("model.keras", "labels.keras"))
        streamed = vidlab.models.Stream(model).predict(clips)
        np.savez("found", model.predict(clips), labels.predict(clips), streamed)
    """
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    whole, by_frame = predicted(convgru, clips), predicted(labels, clips)
    with np.load(tmp_path / "found.npz") as found:
        for array, expected in zip(found.values(), (whole, by_frame, by_frame), strict=True):
            close(array, expected)


def test_responses_are_divided_by_those_of_two_channels_on_either_side():
    maps = np.random.default_rng(0).normal(0, 50, (2, 3, 3, 7)).astype(np.float32)
    expected = [
        maps[..., c] / (2 + 1e-4 * (maps[..., max(c - 2, 0) : c + 3] ** 2).sum(axis=-1)) ** 0.75
        for c in range(7)
    ]
    close(models.ResponseNormalization()(maps), np.stack(expected, axis=-1))


def test_an_encoder_of_pictures_becomes_one_of_flow():
    """Four channels of the mean weight give 4 / 3 of what three give, of the same values."""
    backbone = one_layer_backbone()
    wide = models.widened(backbone, 4)
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (2, *SIZE, 1)).astype(np.float32)
    same = keras.Model(backbone.get_layer("conv").input, backbone.output)  # without preprocessing
    values = np.tile((grey - 128) / 127, 3)
    close(wide(np.tile(grey, 4)), same(values * 4 / 3))
    assert not wide(np.full((1, *SIZE, 4), 128.0)).numpy().any()  # nothing moves
    assert {backbone.name, *(layer.name for layer in backbone.layers)}.isdisjoint(
        {wide.name, *(layer.name for layer in wide.layers)}
    )
