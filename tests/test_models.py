"""Models: the literature's sizes to the last parameter, and what they take and give."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from tests import built
from vidlab import models
from vidlab.errors import ModelError
from vidlab.models import backbones

INCEPTION = 21_802_784  # without its top, as Keras documents it


@pytest.fixture(scope="module")
def inception():
    return backbones.build("inceptionv3", size=(224, 224))


@pytest.fixture(scope="module")
def small():
    return backbones.build("mobilenetv2-0.35", size=(64, 96))


def learning(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_frame_classifier_has_the_published_23_million(inception):
    model = built.frame_classifier(inception, 101)
    head = (2048 * 512 + 512) + (512 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 22_903_685
    backbones.set_trainable(model, "none")
    assert learning(model) == head


def test_frame_vote_has_exactly_the_published_parameters(inception):
    model = built.frame_vote(inception, 101)
    assert 5 * 5 * 2048 == 51_200
    head = (51_200 * 1024 + 1024) + (1024 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 74_336_133
    backbones.set_trainable(model, "none")
    assert learning(model) == head == 52_533_349


@pytest.mark.parametrize("build", [built.frame_classifier, built.frame_vote])
class TestAnyFrameModel:
    def test_frames_become_class_probabilities(self, build, small):
        frames = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
        found = build(small, 7).predict(frames, verbose=0)
        assert found.shape == (3, 7)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)

    def test_it_learns_from_uint8_frames(self, build, small):
        model = build(small, 2, units=16)
        backbones.set_trainable(model, "none")
        model.compile("adam", "sparse_categorical_crossentropy")
        frames = np.stack([np.full((64, 96, 3), shade, np.uint8) for shade in (20, 230)] * 4)
        losses = model.fit(frames, np.array([0, 1] * 4), epochs=3, verbose=0).history["loss"]
        assert np.isfinite(losses).all()

    def test_it_is_the_same_after_saving(self, build, small, tmp_path):
        model = build(small, 3)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
        np.testing.assert_allclose(
            loaded.predict(frames, verbose=0), model.predict(frames, verbose=0), rtol=1e-6
        )
        assert loaded.get_layer("backbone").get_layer("out_relu").output.shape[1:] == (2, 3, 1280)

    def test_the_backbone_is_one_layer_of_it(self, build, small):
        assert build(small, 3).get_layer("backbone") is small


def test_dropout_acts_before_and_after_the_dense_layer(small):
    model = built.frame_vote(small, 3, dropout=0.25)
    kinds = [type(layer).__name__ for layer in model.layers[2:]]
    assert kinds == ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {
        0.25
    }


GATES = {"gru": 3, "lstm": 4}
BIASES = {"gru": 2, "lstm": 1}  # Keras' GRU has one bias for the input and one for the state
FEATURES, CLASSES, SIZE = 8, 5, (12, 16)


def recurrent(cell, inputs, units):
    return GATES[cell] * (inputs * units + units * units + BIASES[cell] * units)


def dense(inputs, outputs):
    return inputs * outputs + outputs


def mixed_up(model):
    """Give every weight a random value, so that what it sees decides what it says."""
    rng = np.random.default_rng(0)

    def drawn(shape):  # statistics and scales have one dimension, and must not be negative
        return rng.uniform(0.1, 0.6, shape) if len(shape) == 1 else rng.normal(0, 0.8, shape)

    model.set_weights([drawn(weight.shape) for weight in model.get_weights()])
    return model


def tiny_backbone():
    """A backbone of a single layer: quick, and every frame has features of its own."""
    images = keras.Input((*SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    found = keras.layers.Conv2D(FEATURES, 3, strides=2, activation="relu")(scaled)
    return keras.Model(images, found, name="backbone")


def after_frame_vote(classes, *, units):
    """Build the CNN+LSTM of the thesis on features as long as the others'."""
    start = built.frame_vote(tiny_backbone(), classes, units=FEATURES)
    return built.cnn_lstm(start, classes, units=units)


def build(name, classes):
    if name == "cnn-lstm":
        return after_frame_vote(classes, units=6)
    if name == "convgru":
        return built.convgru(tiny_backbone(), classes, units=6)
    write = {"chiche": built.chiche_rnn, "masking": built.recurrent}[name.split("-")[0]]
    return write(tiny_backbone(), classes, cell=CELLS[name], units=6)


CELLS = {
    "convgru": "gru",
    "chiche-gru": "gru",
    "chiche-lstm": "lstm",
    "cnn-lstm": "lstm",
    "masking-gru": "gru",
    "masking-lstm": "lstm",
}

every_recurrent = pytest.mark.parametrize("name", CELLS)


def clips_of(*lengths):
    """Clips whose every frame has a colour and noise of its own."""
    rng = np.random.default_rng(sum(lengths))
    colours = [rng.uniform(0, 200, (length, 1, 1, 3)) for length in lengths]
    return [(c + rng.uniform(0, 55, (len(c), *SIZE, 3))).astype(np.uint8) for c in colours]


def said(model, inputs):
    return model.predict(np.asarray(inputs), verbose=0)


def steps_of(model):
    """Return the vectors of the frames, zero where a clip is padded."""
    return next(one.output for one in model.layers if isinstance(one, models.BlankPadding))


def alone(model, clips):
    return np.concatenate([said(model, clip[None]) for clip in clips])


@pytest.fixture(scope="module")
def made():
    """Build a model of each kind once, with random weights: (name) -> model."""
    kept = {}

    def make(name):
        if name not in kept:
            kept[name] = mixed_up(build(name, CLASSES))
        return kept[name]

    return make


@pytest.fixture(scope="module")
def convgru(made):
    return made("convgru")


@pytest.fixture(scope="module")
def masking(made):
    return made("masking-gru")


@pytest.fixture(scope="module")
def pixels():
    return built.pixel_rnn(CLASSES, size=SIZE, units=4)


class TestPixels:
    @pytest.mark.parametrize("cell", ["gru", "lstm"])
    def test_it_reads_in_both_directions(self, cell):
        model = built.pixel_rnn(CLASSES, cell=cell, size=SIZE, units=4)
        expected = 2 * recurrent(cell, 12 * 16 * 3, 4) + dense(2 * 4, CLASSES)
        assert model.count_params() == expected

    def test_clips_of_any_length_become_class_probabilities(self, pixels):
        for length in (1, 7):
            found = said(pixels, clips_of(length, length))
            assert found.shape == (2, CLASSES)
            np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)

    def test_pixels_are_scaled_and_laid_in_a_row(self, pixels):
        clip = clips_of(3)[0]
        row = keras.Model(pixels.input, pixels.get_layer("pixels").output)
        np.testing.assert_allclose(said(row, clip[None])[0], clip.reshape(3, -1) / 255, rtol=1e-5)


class TestRecurrent:
    @every_recurrent
    def test_it_has_the_parameters_of_its_layers(self, name):
        model = build(name, CLASSES)
        backbone = 3 * 3 * 3 * FEATURES + FEATURES
        read = recurrent(CELLS[name], FEATURES, 6)
        others = {
            "chiche": 4 * 6 + dense(6, 512) + 4 * 512 + dense(512, CLASSES),
            "cnn": dense(5 * 7 * FEATURES, FEATURES) + dense(6, CLASSES),
        }.get(name.split("-")[0], 4 * 6 + dense(6, CLASSES))
        assert model.count_params() == backbone + read + others

    def test_single_frames_need_no_recurrent_layer(self):
        model = built.single(tiny_backbone(), CLASSES)
        backbone = 3 * 3 * 3 * FEATURES + FEATURES
        head = dense(FEATURES, 512) + 4 * 512 + dense(512, CLASSES)
        assert model.count_params() == backbone + head
        assert model.input_shape == (None, *SIZE, 3)

    def test_the_state_is_as_long_as_the_features_unless_said(self):
        model = built.chiche_rnn(tiny_backbone(), CLASSES)
        assert model.get_layer("gru").output.shape == (None, FEATURES)

    @pytest.mark.parametrize("name", ["convgru", "chiche-lstm"])
    def test_the_loop_around_a_cell_is_the_layer_of_that_name(self, made, name):
        model, cell = made(name), CELLS[name]
        layer = model.get_layer(cell)
        inputs = keras.Input((None, FEATURES))
        kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
        theirs = keras.Model(inputs, kind(6)(inputs))
        theirs.set_weights(layer.get_weights())
        clips = np.stack(clips_of(4, 4))
        vectors, states = (
            said(keras.Model(model.input, tensor), clips) for tensor in (layer.input, layer.output)
        )
        np.testing.assert_allclose(states, said(theirs, vectors), atol=1e-5)

    @every_recurrent
    def test_it_says_what_its_encoder_and_head_say_one_after_the_other(self, made, name):
        model, clips = made(name), np.stack(clips_of(4, 4, 4))
        frames = keras.Input((*SIZE, 3))
        x = frames
        for layer in model.layers[2 : [type(one) for one in model.layers].index(models.UnfoldTime)]:
            x = layer(x)
        vectors = np.stack([said(keras.Model(frames, x), clip) for clip in clips])
        head = keras.Model(steps_of(model), model.output)
        found = said(model, clips)
        np.testing.assert_allclose(found, said(head, vectors), atol=1e-5)
        assert np.ptp(found, axis=0).max() > 0.01  # the clips are told apart

    @every_recurrent
    def test_dropout_acts_in_training_only(self, made, name):
        model, clips = made(name), np.stack(clips_of(3))
        np.testing.assert_array_equal(said(model, clips), said(model, clips))
        expected = {"chiche": (0.5, [0.5]), "cnn": (0.2, [0.5])}.get(name.split("-")[0], (0, []))
        rates = [one.rate for one in model.layers if isinstance(one, keras.layers.Dropout)]
        layer = model.get_layer(CELLS[name])
        assert (getattr(layer, "cell", layer).dropout, rates) == expected

    def test_it_is_one_list_of_layers(self, convgru):
        around = ["InputLayer", "FoldTime", "Functional", "GlobalAveragePooling2D", "UnfoldTime"]
        head = ["BlankPadding", "RNN", "BatchNormalization", "Dense"]
        assert [type(layer).__name__ for layer in convgru.layers] == around + head
        assert backbones.backbone_of(convgru) is convgru.get_layer("backbone")

    def test_an_encoder_with_branches_stays_whole(self):
        frames = keras.Input((*SIZE, 3))
        darkest = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(-1 / 255)(frames))
        brightest = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(1 / 255)(frames))
        own = keras.Model(frames, keras.layers.Concatenate()([darkest, brightest]), name="own")
        model, clips = mixed_up(built.recurrent(own, CLASSES)), clips_of(4, 2)
        head = keras.Model(steps_of(model), model.output)
        vectors = [said(own, clip) for clip in clips]
        np.testing.assert_allclose(said(model, models.pad(clips)), alone(head, vectors), atol=1e-5)

    def test_an_encoder_may_be_applied_to_several_clips(self):
        inputs = [keras.Input((None, *SIZE, 3), name=name) for name in ("rgb", "motion")]
        tower = [tiny_backbone(), keras.layers.GlobalMaxPooling2D()]
        x = keras.layers.Concatenate()([models.each_frame(one, tower) for one in inputs])
        model = keras.Model(inputs, keras.layers.GRU(4)(x))
        clip = np.stack(clips_of(3))
        assert model.predict([clip, clip], verbose=0).shape == (1, 4)

    def test_pictures_may_be_whole_or_real_numbers(self, convgru):
        clip = clips_of(3)[0][None]
        np.testing.assert_array_equal(said(convgru, clip), said(convgru, clip.astype(np.float32)))

    @pytest.mark.parametrize("name", ["convgru", "masking-lstm"])
    def test_the_whole_learns_end_to_end(self, name):
        model = mixed_up(build(name, 2))
        before = model.get_layer("backbone").get_weights()[0]
        clips = np.stack([clip // 2 + 120 * (i % 2) for i, clip in enumerate(clips_of(*[3] * 8))])
        model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
        losses = model.fit(clips, np.arange(8) % 2, epochs=15, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 2
        assert not np.array_equal(model.get_layer("backbone").get_weights()[0], before)

    def test_the_cnn_that_the_thesis_starts_from_does_not_learn(self):
        model = after_frame_vote(2, units=6)
        assert learning(model) == recurrent("lstm", FEATURES, 6) + dense(6, 2)
        names = [layer.name for layer in model.layers]
        assert names[2:5] == ["backbone", "flatten", "dense"]  # without its dropout


class TestPadding:
    @pytest.mark.parametrize("name", ["masking-gru", "masking-lstm"])
    def test_where_it_is_masked_it_does_not_change_what_is_said_of_a_clip(self, made, name):
        model, clips = made(name), clips_of(1, 9, 4, 7)
        apart = alone(model, clips)
        np.testing.assert_allclose(said(model, models.pad(clips)), apart, atol=1e-5)
        black = models.pad(clips)
        black[black == models.PADDING] = 0  # what would happen without the mask
        assert abs(said(model, black) - apart).max() > 0.01

    @pytest.mark.parametrize("name", ["convgru", "cnn-lstm"])
    def test_elsewhere_it_is_read_as_vectors_of_zeros(self, made, name):
        model, clips = made(name), clips_of(2, 5)
        steps = steps_of(model)
        encoder, head = keras.Model(model.input, steps), keras.Model(steps, model.output)
        vectors = np.zeros((2, 5, FEATURES), np.float32)
        for row, clip in zip(vectors, clips, strict=True):
            row[: len(clip)] = said(encoder, clip[None])[0]
        np.testing.assert_allclose(said(encoder, models.pad(clips)), vectors, atol=1e-5)
        np.testing.assert_allclose(said(model, models.pad(clips)), said(head, vectors), atol=1e-5)

    def test_it_does_not_change_it_with_a_real_backbone(self, small):
        model = mixed_up(built.recurrent(small, CLASSES, units=16))
        rng = np.random.default_rng(0)
        clips = [rng.integers(0, 256, (n, 64, 96, 3), dtype=np.uint8) for n in (2, 5, 1)]
        np.testing.assert_allclose(said(model, models.pad(clips)), alone(model, clips), atol=1e-5)

    def test_it_does_not_change_what_is_said_of_every_frame(self, masking):
        clips, model = clips_of(2, 6, 3), models.every_frame(masking)
        together = said(model, models.pad(clips))
        for clip, found in zip(clips, together, strict=True):
            np.testing.assert_allclose(found[: len(clip)], said(model, clip[None])[0], atol=1e-5)
            assert np.ptp(found[len(clip) - 1 :], axis=0).max() < 1e-6  # repeats the last

    def test_a_black_frame_is_a_frame(self, masking):
        (clip,) = clips_of(3)
        longer = np.concatenate([clip, np.zeros_like(clip)])
        assert abs(said(masking, longer[None]) - said(masking, clip[None])).max() > 0.01

    def test_clips_are_filled_up_at_the_end(self):
        clips = clips_of(2, 4)
        batch = models.pad(clips)
        assert batch.shape == (2, 4, *SIZE, 3)
        assert batch.dtype == np.float32
        np.testing.assert_array_equal(batch[0, :2], clips[0])
        np.testing.assert_array_equal(batch[1], clips[1])
        assert (batch[0, 2:] == -1).all()

    def test_clips_of_different_sizes_are_refused(self):
        with pytest.raises(ModelError, match=r"\(2, 8, 8, 3\), \(2, 9, 8, 3\).*one size"):
            models.pad([np.zeros((2, 8, 8, 3)), np.zeros((2, 9, 8, 3))])

    def test_frames_without_time_are_refused(self):
        with pytest.raises(ModelError, match=r"Received: \(8, 8, 3\)"):
            models.pad([np.zeros((8, 8, 3))])

    def test_nothing_is_refused(self):
        with pytest.raises(ModelError, match="no clip"):
            models.pad([])


def vectors_to_classes():
    steps = keras.Input((None, FEATURES))
    return written(steps, keras.layers.LSTM(6, name="lstm")(steps))


def written(clips, state):
    scores = keras.layers.Dense(CLASSES, activation="softmax")(state)
    return keras.Model(clips, scores)


def by_keras():
    """Apply the encoder by Keras' own layer, and skip padding."""
    clips = keras.Input((None, *SIZE, 3))
    encoder = keras.Sequential([tiny_backbone(), keras.layers.GlobalMaxPooling2D()])
    x = keras.layers.TimeDistributed(encoder)(clips)
    return written(clips, keras.layers.GRU(6)(keras.layers.Masking()(x)))


def by_operations():
    """Scale pictures and vectors by operations in place of layers."""
    clips = keras.Input((None, *SIZE, 3))
    pool = keras.layers.GlobalMaxPooling2D()
    x = models.each_frame(clips / 255.0 - 0.5, [tiny_backbone(), pool])
    return written(clips, keras.layers.GRU(6)(x * 2.0))


def mixing_before():
    clips = keras.Input((None, FEATURES))
    x = keras.layers.Conv1D(4, 3, padding="same")(clips)
    return written(clips, keras.layers.GRU(6, name="gru")(x))


def around_it():
    clips = keras.Input((None, FEATURES))
    means = keras.layers.GlobalAveragePooling1D()(clips)
    state = keras.layers.GRU(6, name="gru")(clips)
    return written(clips, keras.layers.Concatenate()([state, means]))


def two_of_them():
    clips = keras.Input((None, FEATURES))
    states = [keras.layers.GRU(6, name="gru")(clips), keras.layers.LSTM(6, name="lstm")(clips)]
    return written(clips, keras.layers.Concatenate()(states))


class TestEveryFrame:
    @every_recurrent
    def test_a_frame_is_labelled_from_what_came_before_it(self, made, name):
        model, clips = made(name), np.stack(clips_of(5, 5))
        found = said(models.every_frame(model), clips)
        assert found.shape == (2, 5, CLASSES)
        for end in range(1, 6):  # the same as labelling the clip cut off there
            np.testing.assert_allclose(found[:, end - 1], said(model, clips[:, :end]), atol=1e-5)

    def test_it_works_on_heads_and_shares_their_weights(self):
        head = vectors_to_classes()
        labels = models.every_frame(head)
        mixed_up(head)
        steps = np.random.default_rng(0).normal(size=(2, 4, FEATURES))
        np.testing.assert_allclose(said(labels, steps)[:, -1], said(head, steps), atol=1e-5)

    def test_it_can_be_saved(self, convgru, tmp_path):
        models.every_frame(convgru).save(tmp_path / "labels.keras")
        loaded = keras.saving.load_model(tmp_path / "labels.keras")
        clips = clips_of(4)
        np.testing.assert_allclose(
            said(loaded, clips), said(models.every_frame(convgru), clips), atol=1e-5
        )

    @pytest.mark.parametrize("write", [by_keras, by_operations])
    def test_encoders_may_be_applied_in_other_ways(self, write):
        model, clips = mixed_up(write()), np.stack(clips_of(4, 4)).astype(np.float32)
        found, stream = said(models.every_frame(model), clips), models.Stream(model)
        streamed = np.concatenate([stream.read(clips[:, :3]), stream.read(clips[:, 3:])], axis=1)
        np.testing.assert_allclose(streamed, found, atol=1e-5)
        for end in range(1, 5):  # called directly: TimeDistributed keeps the length of its graph
            shown = keras.ops.convert_to_numpy(model(clips[:, :end]))
            np.testing.assert_allclose(found[:, end - 1], shown, atol=1e-5)

    @pytest.mark.parametrize("use", [models.every_frame, models.Stream])
    def test_models_that_do_not_read_forward_are_refused(self, use, pixels, convgru):
        frames = built.single(tiny_backbone(), CLASSES)
        for model in (pixels, frames, models.every_frame(convgru)):
            with pytest.raises(ModelError, match=r"reads forward only.*Received:.*with none"):
                use(model)

    @pytest.mark.parametrize("use", [models.every_frame, models.Stream])
    @pytest.mark.parametrize("write", [mixing_before, around_it, two_of_them])
    def test_models_whose_state_is_not_all_they_know_are_refused(self, use, write):
        with pytest.raises(ModelError, match=r"frame by frame before it.*with gru.*convgru-fixed"):
            use(write())


class TestStream:
    @every_recurrent
    def test_it_says_frame_by_frame_what_every_frame_says(self, made, name):
        model, (clip,) = made(name), clips_of(6)
        stream = models.Stream(model)
        found = np.stack([stream.step(frame) for frame in clip])
        np.testing.assert_allclose(found, said(models.every_frame(model), clip[None])[0], atol=1e-5)

    @pytest.mark.parametrize("name", ["convgru", "cnn-lstm", "masking-gru", "masking-lstm"])
    def test_streams_run_side_by_side_and_padding_is_read_as_in_a_clip(self, made, name):
        model, batch = made(name), models.pad(clips_of(2, 5, 3))
        stream = models.Stream(model)
        found = np.stack([stream.step(batch[:, time]) for time in range(5)], axis=1)
        np.testing.assert_allclose(found, said(models.every_frame(model), batch), atol=1e-5)
        np.testing.assert_allclose(found[:, -1], said(model, batch), atol=1e-5)

    @every_recurrent
    def test_frames_handed_over_in_pieces_are_read_as_one_clip(self, made, name):
        model, (clip,) = made(name), clips_of(7)
        stream = models.Stream(model)
        found = np.concatenate(
            [stream.read(clip[:3]), stream.read(clip[3:4]), stream.read(clip[4:])]
        )
        np.testing.assert_allclose(found, said(models.every_frame(model), clip[None])[0], atol=1e-5)

    def test_a_piece_that_begins_with_padding_goes_on_from_what_was_said(self, masking):
        batch = models.pad(clips_of(2, 6))
        stream = models.Stream(masking)
        found = np.concatenate([stream.read(batch[:, :3]), stream.read(batch[:, 3:])], axis=1)
        np.testing.assert_allclose(found, said(models.every_frame(masking), batch), atol=1e-5)

    def test_it_forgets_when_told(self, convgru):
        stream = models.Stream(convgru)
        (clip,) = clips_of(3)
        first = stream.step(clip[0])
        stream.step(clip[1])
        assert abs(stream.step(clip[0]) - first).max() > 1e-4
        stream.reset()
        np.testing.assert_allclose(stream.step(clip[0]), first, atol=1e-5)

    def test_it_runs_on_features(self):
        head = mixed_up(vectors_to_classes())
        steps = np.random.default_rng(0).normal(size=(4, FEATURES)).astype(np.float32)
        stream = models.Stream(head)
        found = [stream.step(step) for step in steps][-1]
        assert found.shape == (CLASSES,)
        np.testing.assert_allclose(found, said(head, steps[None])[0], atol=1e-5)

    def test_it_runs_a_loaded_model(self, convgru, tmp_path):
        convgru.save(tmp_path / "model.keras")
        stream = models.Stream(keras.saving.load_model(tmp_path / "model.keras"))
        (clip,) = clips_of(3)
        found = [stream.step(frame) for frame in clip][-1]
        np.testing.assert_allclose(found, said(convgru, clip[None])[0], atol=1e-5)

    def test_a_frame_of_another_size_is_refused(self, convgru):
        with pytest.raises(ModelError, match=r"1 × \(12, 16, 3\).*\(16, 12, 3\).*Resize"):
            models.Stream(convgru).step(np.zeros((16, 12, 3)))

    def test_another_number_of_streams_is_refused_until_reset(self, convgru):
        stream = models.Stream(convgru)
        stream.step(np.zeros((2, *SIZE, 3)))
        with pytest.raises(ModelError, match=r"2 × .*\(3, 12, 16, 3\).*reset"):
            stream.step(np.zeros((3, *SIZE, 3)))
        stream.reset()
        assert stream.step(np.zeros((3, *SIZE, 3))).shape == (3, CLASSES)


@pytest.fixture(scope="module")
def saved(small, tmp_path_factory):
    model = mixed_up(built.convgru(small, CLASSES, units=16))
    backbones.set_trainable(model, "top")
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return model, path


class TestSaved:
    def test_it_is_the_same_after_loading(self, saved):
        model, path = saved
        loaded = keras.saving.load_model(path)
        clips = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 96, 3), dtype=np.uint8)
        np.testing.assert_allclose(said(loaded, clips), said(model, clips), atol=1e-5)
        assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
        assert learning(loaded) == learning(model)

    def test_what_learns_can_be_chosen_after_loading(self, saved):
        model = keras.saving.load_model(saved[1])
        head = recurrent("gru", 1280, 16) + 2 * 16 + dense(16, CLASSES)
        counts = []
        for what in ("none", "top", "all"):
            backbones.set_trainable(model, what)
            counts.append(learning(model))
        assert counts[0] == head
        assert counts[0] < counts[1] < counts[2]
        backbone = model.get_layer("backbone")
        assert counts[2] == head + sum(int(np.prod(w.shape)) for w in backbone.trainable_weights)

    def test_it_is_the_same_in_a_fresh_process(self, saved, tmp_path):
        model, path = saved
        clips = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 96, 3), dtype=np.uint8)
        np.save(tmp_path / "clips.npy", clips)
        code = (
            "import sys, numpy as np, vidlab; _ = vidlab.models; import keras;"
            "model = keras.saving.load_model(sys.argv[1]);"
            "np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))"
        )
        files = [path, tmp_path / "clips.npy", tmp_path / "said.npy"]
        subprocess.run([sys.executable, "-c", code, *map(str, files)], check=True)
        np.testing.assert_allclose(np.load(files[2]), said(model, clips), atol=1e-5)
