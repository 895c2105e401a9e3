"""Models: the literature's sizes to the last parameter, and what they take and give."""

from functools import partial

import keras
import numpy as np
import pytest

from vidlab import backbones, models
from vidlab.errors import ModelError

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
    model = models.frame_classifier(inception, 101)
    head = (2048 * 512 + 512) + (512 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 22_903_685
    backbones.set_trainable(model, "none")
    assert learning(model) == head


def test_frame_vote_has_exactly_the_published_parameters(inception):
    model = models.frame_vote_classifier(inception, 101)
    assert 5 * 5 * 2048 == 51_200
    head = (51_200 * 1024 + 1024) + (1024 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 74_336_133
    backbones.set_trainable(model, "none")
    assert learning(model) == head == 52_533_349


@pytest.mark.parametrize("build", [models.frame_classifier, models.frame_vote_classifier])
class TestAnyFrameModel:
    def test_frames_become_class_probabilities(self, build, small):
        frames = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
        found = build(small, 7).predict(frames, verbose=0)
        assert found.shape == (3, 7)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)

    def test_it_learns_from_uint8_frames(self, build, small):
        model = build(small, 2, dense=16)
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

    def test_fewer_than_two_classes_are_refused(self, build, small):
        with pytest.raises(ModelError, match=r"at least 2 classes.*num_classes=1.*more classes"):
            build(small, 1)

    def test_a_backbone_without_a_map_is_refused(self, build):
        flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
        with pytest.raises(ModelError, match=r"feature map.*\(None, 192\).*vidlab\.backbones"):
            build(flat, 3)


def test_dropout_acts_before_and_after_the_dense_layer(small):
    model = models.frame_vote_classifier(small, 3, dropout=0.25)
    kinds = [type(layer).__name__ for layer in model.layers[2:]]
    assert kinds == ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {
        0.25
    }


HEADS = {
    "convgru": models.convgru_head,
    "convgru-lstm": partial(models.convgru_head, cell="lstm"),
    "lstm": models.lstm_head,
    "recurrent-gru": partial(models.recurrent_head, cell="gru", dense=6),
    "recurrent-lstm": partial(models.recurrent_head, cell="lstm", dense=6),
}
GATES = {"gru": 3, "lstm": 4}
BIASES = {"gru": 2, "lstm": 1}  # Keras' GRU has one bias for the input and one for the state
FEATURES, CLASSES, SIZE = 8, 5, (12, 16)

every_head = pytest.mark.parametrize("build", HEADS.values(), ids=HEADS)


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


def tiny_encoder():
    """A backbone of a single layer, pooled: quick, and every frame has features of its own."""
    images = keras.Input((*SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    found = keras.layers.Conv2D(FEATURES, 3, strides=2, activation="relu")(scaled)
    return backbones.pooled(mixed_up(keras.Model(images, found, name="backbone")))


def clips_of(*lengths):
    """Clips whose every frame has a colour and noise of its own."""
    rng = np.random.default_rng(sum(lengths))
    colours = [rng.uniform(0, 200, (length, 1, 1, 3)) for length in lengths]
    return [(c + rng.uniform(0, 55, (len(c), *SIZE, 3))).astype(np.uint8) for c in colours]


def said(model, inputs):
    return model.predict(np.asarray(inputs), verbose=0)


def alone(model, clips):
    return np.concatenate([said(model, clip[None]) for clip in clips])


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder()


@pytest.fixture(scope="module")
def convgru(encoder):
    return models.assemble(encoder, mixed_up(models.convgru_head(FEATURES, CLASSES, units=6)))


@pytest.fixture(scope="module")
def pixels():
    return models.pixel_rnn_classifier(CLASSES, size=SIZE, units=4)


class TestPixels:
    @pytest.mark.parametrize("cell", ["gru", "lstm"])
    def test_it_reads_in_both_directions(self, cell):
        model = models.pixel_rnn_classifier(CLASSES, cell=cell, size=SIZE, units=4)
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


class TestHeads:
    @pytest.mark.parametrize("cell", ["gru", "lstm"])
    def test_every_head_has_the_parameters_of_its_layers(self, cell):
        shape, last = {"cell": cell, "units": 6}, dense(6, CLASSES)
        read = recurrent(cell, FEATURES, 6)
        found = [
            build(FEATURES, CLASSES, **shape).count_params()
            for build in (models.convgru_head, models.lstm_head)
        ]
        assert found == [read + 4 * 6 + last, read + last]
        model = models.recurrent_head(FEATURES, CLASSES, **shape, dense=7)
        after = 4 * 6 + dense(6, 7) + 4 * 7 + dense(7, CLASSES)
        assert model.count_params() == read + after

    def test_single_frames_need_no_recurrent_layer(self):
        model = models.single_head(FEATURES, CLASSES, dense=7)
        assert model.count_params() == dense(FEATURES, 7) + 4 * 7 + dense(7, CLASSES)
        assert model.input_shape == (None, FEATURES)

    def test_the_state_is_as_long_as_the_features_unless_said(self):
        head = models.recurrent_head(FEATURES, CLASSES)
        assert head.get_layer("gru").output.shape == (None, FEATURES)

    def test_the_loop_around_a_cell_is_the_layer_of_that_name(self):
        sequence = np.random.default_rng(0).normal(size=(2, 4, FEATURES)).astype(np.float32)
        for cell, kind in (("gru", keras.layers.GRU), ("lstm", keras.layers.LSTM)):
            ours = mixed_up(models.convgru_head(FEATURES, CLASSES, cell=cell, units=6))
            layer = ours.get_layer(cell)
            inputs = keras.Input((None, FEATURES))
            theirs = keras.Model(inputs, kind(6)(inputs))
            theirs.set_weights(layer.get_weights())
            states = said(keras.Model(ours.input, layer.output), sequence)
            np.testing.assert_allclose(states, said(theirs, sequence), atol=1e-6)

    @every_head
    def test_steps_of_zeros_are_skipped_wherever_they_stand(self, build):
        head = mixed_up(build(FEATURES, CLASSES, units=6))
        real = np.random.default_rng(1).normal(size=(3, 4, FEATURES))
        spread = np.zeros((3, 7, FEATURES))
        spread[:, [0, 2, 3, 5]] = real
        np.testing.assert_allclose(said(head, spread), said(head, real), atol=1e-6)
        other = spread + (spread == 0)  # ones in their place are not skipped
        assert abs(said(head, other) - said(head, real)).max() > 0.01

    @every_head
    def test_dropout_acts_in_training_only(self, build):
        head = mixed_up(build(FEATURES, CLASSES, units=6))
        steps = np.ones((1, 3, FEATURES), np.float32)
        np.testing.assert_array_equal(said(head, steps), said(head, steps))
        kinds = {type(layer).__name__: layer for layer in head.layers}
        if "Dropout" in kinds:
            assert kinds["Dropout"].rate == 0.5
        cell = next(layer.cell for layer in head.layers if isinstance(layer, keras.layers.RNN))
        expected = {"convgru_head": 0, "lstm_head": 0.2, "recurrent_head": 0.5}
        assert cell.dropout == expected[head.name]

    @pytest.mark.parametrize("build", [HEADS["convgru"], HEADS["recurrent-lstm"]])
    def test_it_learns(self, build):
        head = build(FEATURES, 2, units=6)
        steps = np.repeat([[[1.0]], [[-1.0]]], 8, axis=0) * np.ones((16, 3, FEATURES))
        head.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        labels = np.repeat([0, 1], 8)
        losses = head.fit(steps, labels, epochs=20, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 2

    @pytest.mark.parametrize(
        "build",
        [
            models.pixel_rnn_classifier,
            *(partial(build, FEATURES) for build in HEADS.values()),
            partial(models.single_head, FEATURES),
        ],
    )
    def test_fewer_than_two_classes_are_refused(self, build):
        with pytest.raises(ModelError, match=r"at least 2 classes.*num_classes=1.*more classes"):
            build(1)

    def test_an_unknown_cell_is_refused(self):
        with pytest.raises(ModelError, match=r"gru, lstm.*Received: 'rnn'.*Correct"):
            models.convgru_head(FEATURES, CLASSES, cell="rnn")


class TestAssembled:
    @every_head
    def test_it_says_what_encoder_and_head_say_one_after_the_other(self, build, encoder):
        head = mixed_up(build(FEATURES, CLASSES, units=6))
        clips = clips_of(4, 4, 4)
        features = np.stack([said(encoder, clip) for clip in clips])
        found = said(models.assemble(encoder, head), clips)
        np.testing.assert_allclose(found, said(head, features), atol=1e-6)
        assert np.ptp(found, axis=0).max() > 0.01  # the clips are told apart

    def test_a_head_of_single_frames_gives_a_frame_model(self, encoder):
        head = mixed_up(models.single_head(FEATURES, CLASSES, dense=6))
        model = models.assemble(encoder, head)
        assert model.input_shape == (None, *SIZE, 3)
        frames = clips_of(5)[0]
        found = said(model, frames)
        np.testing.assert_allclose(found, said(head, said(encoder, frames)), atol=1e-6)

    def test_it_is_one_list_of_layers(self, convgru, encoder):
        assert [layer.name for layer in convgru.layers] == [
            "clips",
            "fold_time",
            "backbone",
            "pool",
            "unfold_time",
            "blank_padding",
            "skip_zeros",
            "gru",
            "batchnorm",
            "predictions",
        ]
        assert backbones.backbone_of(convgru) is encoder.get_layer("backbone")

    def test_it_shares_the_weights_of_its_parts(self, encoder):
        head = models.convgru_head(FEATURES, CLASSES, units=6)
        model = models.assemble(encoder, head)
        assert model.count_params() == encoder.count_params() + head.count_params()
        mixed_up(head)
        np.testing.assert_array_equal(
            model.get_layer("gru").get_weights()[0], head.get_layer("gru").get_weights()[0]
        )

    def test_a_bare_backbone_is_pooled(self, encoder, convgru):
        head = mixed_up(models.convgru_head(FEATURES, CLASSES, units=6))
        model = models.assemble(encoder.get_layer("backbone"), head)
        clips = clips_of(3)
        np.testing.assert_allclose(said(model, clips), said(convgru, clips), atol=1e-6)

    def test_an_encoder_with_branches_stays_whole(self):
        frames = keras.Input((*SIZE, 3))
        darkest = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(-1 / 255)(frames))
        brightest = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(1 / 255)(frames))
        both = keras.layers.Concatenate()([darkest, brightest])
        own, head = keras.Model(frames, both, name="own"), models.convgru_head(6, CLASSES, units=6)
        clips = clips_of(4, 2)
        features = [said(own, clip) for clip in clips]
        model = models.assemble(own, mixed_up(head))
        np.testing.assert_allclose(said(model, models.pad(clips)), alone(head, features), atol=1e-5)

    def test_pictures_may_be_whole_or_real_numbers(self, convgru):
        clip = clips_of(3)[0][None]
        np.testing.assert_array_equal(said(convgru, clip), said(convgru, clip.astype(np.float32)))

    def test_a_head_for_other_features_is_refused(self, encoder):
        head = models.convgru_head(7, CLASSES)
        with pytest.raises(ModelError, match=r"8 features.*convgru_head for 7.*Build the head"):
            models.assemble(encoder, head)

    @every_head
    def test_a_trained_classifier_can_be_cut_for_any_head(self, build, encoder):
        backbone = encoder.get_layer("backbone")
        classifier = models.frame_vote_classifier(backbone, CLASSES, dense=9)
        vectors = keras.Model(classifier.input, classifier.get_layer("dense").output)
        head = mixed_up(build(9, CLASSES, units=6))
        model = models.assemble(backbones.cut(classifier, "dense"), head)
        clips = clips_of(3, 3)
        features = np.stack([said(vectors, clip) for clip in clips])
        np.testing.assert_allclose(said(model, clips), said(head, features), atol=1e-6)

    def test_the_whole_learns_end_to_end(self):
        encoder = tiny_encoder()
        model = models.assemble(encoder, models.convgru_head(FEATURES, 2, units=6))
        before = encoder.get_weights()[0]
        clips = np.stack([clip // 2 + 120 * (i % 2) for i, clip in enumerate(clips_of(*[3] * 8))])
        model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
        losses = model.fit(clips, np.arange(8) % 2, epochs=15, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 2
        assert not np.array_equal(encoder.get_weights()[0], before)


class TestPadding:
    @every_head
    def test_it_does_not_change_what_is_said_of_a_clip(self, build, encoder):
        model = models.assemble(encoder, mixed_up(build(FEATURES, CLASSES, units=6)))
        clips = clips_of(1, 9, 4, 7)
        apart = alone(model, clips)
        np.testing.assert_allclose(said(model, models.pad(clips)), apart, atol=1e-5)
        black = models.pad(clips)
        black[black == models.PADDING] = 0  # what would happen without the mask
        assert abs(said(model, black) - apart).max() > 0.01

    def test_it_does_not_change_it_with_a_real_backbone(self, small):
        head = mixed_up(models.convgru_head(1280, CLASSES, units=16))
        model = models.assemble(small, head)
        rng = np.random.default_rng(0)
        clips = [rng.integers(0, 256, (n, 64, 96, 3), dtype=np.uint8) for n in (2, 5, 1)]
        np.testing.assert_allclose(said(model, models.pad(clips)), alone(model, clips), atol=1e-5)

    def test_it_does_not_change_what_is_said_of_every_frame(self, convgru):
        clips, model = clips_of(2, 6, 3), models.every_frame(convgru)
        together = said(model, models.pad(clips))
        for clip, found in zip(clips, together, strict=True):
            np.testing.assert_allclose(found[: len(clip)], said(model, clip[None])[0], atol=1e-5)
            assert np.ptp(found[len(clip) - 1 :], axis=0).max() < 1e-6  # repeats the last

    def test_a_black_frame_is_a_frame(self, convgru):
        (clip,) = clips_of(3)
        longer = np.concatenate([clip, np.zeros_like(clip)])
        assert abs(said(convgru, longer[None]) - said(convgru, clip[None])).max() > 0.01

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


class TestEveryFrame:
    @every_head
    def test_a_frame_is_labelled_from_what_came_before_it(self, build, encoder):
        model = models.assemble(encoder, mixed_up(build(FEATURES, CLASSES, units=6)))
        clips = np.stack(clips_of(5, 5))
        found = said(models.every_frame(model), clips)
        assert found.shape == (2, 5, CLASSES)
        for end in range(1, 6):  # the same as labelling the clip cut off there
            np.testing.assert_allclose(found[:, end - 1], said(model, clips[:, :end]), atol=1e-6)

    def test_it_works_on_heads_and_shares_their_weights(self):
        head = models.lstm_head(FEATURES, CLASSES, units=6)
        labels = models.every_frame(head)
        mixed_up(head)
        steps = np.random.default_rng(0).normal(size=(2, 4, FEATURES))
        np.testing.assert_allclose(said(labels, steps)[:, -1], said(head, steps), atol=1e-6)

    def test_it_can_be_saved(self, convgru, tmp_path):
        models.every_frame(convgru).save(tmp_path / "labels.keras")
        loaded = keras.saving.load_model(tmp_path / "labels.keras")
        clips = clips_of(4)
        np.testing.assert_allclose(
            said(loaded, clips), said(models.every_frame(convgru), clips), atol=1e-6
        )

    @pytest.mark.parametrize("use", [models.every_frame, models.Stream])
    def test_models_that_do_not_read_forward_are_refused(self, use, pixels, convgru, encoder):
        frames = models.assemble(encoder, models.single_head(FEATURES, CLASSES))
        for model in (pixels, frames, models.every_frame(convgru)):
            with pytest.raises(ModelError, match=r"reads forward only.*Received:.*with none"):
                use(model)


class TestStream:
    @every_head
    def test_it_says_frame_by_frame_what_every_frame_says(self, build, encoder):
        model = models.assemble(encoder, mixed_up(build(FEATURES, CLASSES, units=6)))
        (clip,) = clips_of(6)
        stream = models.Stream(model)
        found = np.stack([stream.step(frame) for frame in clip])
        np.testing.assert_allclose(found, said(models.every_frame(model), clip[None])[0], atol=1e-6)

    def test_streams_run_side_by_side_and_padding_leaves_them_as_they_are(self, convgru):
        batch = models.pad(clips_of(2, 5, 3))
        stream = models.Stream(convgru)
        found = np.stack([stream.step(batch[:, time]) for time in range(5)], axis=1)
        np.testing.assert_allclose(found, said(models.every_frame(convgru), batch), atol=1e-6)

    @every_head
    def test_frames_handed_over_in_pieces_are_read_as_one_clip(self, build, encoder):
        model = models.assemble(encoder, mixed_up(build(FEATURES, CLASSES, units=6)))
        (clip,) = clips_of(7)
        stream = models.Stream(model)
        found = np.concatenate(
            [stream.read(clip[:3]), stream.read(clip[3:4]), stream.read(clip[4:])]
        )
        np.testing.assert_allclose(found, said(models.every_frame(model), clip[None])[0], atol=1e-6)

    def test_a_piece_that_begins_with_padding_goes_on_from_what_was_said(self, convgru):
        batch = models.pad(clips_of(2, 6))
        stream = models.Stream(convgru)
        found = np.concatenate([stream.read(batch[:, :3]), stream.read(batch[:, 3:])], axis=1)
        np.testing.assert_allclose(found, said(models.every_frame(convgru), batch), atol=1e-6)

    def test_it_forgets_when_told(self, convgru):
        stream = models.Stream(convgru)
        (clip,) = clips_of(3)
        first = stream.step(clip[0])
        stream.step(clip[1])
        assert abs(stream.step(clip[0]) - first).max() > 1e-4
        stream.reset()
        np.testing.assert_allclose(stream.step(clip[0]), first, atol=1e-6)

    def test_it_runs_on_features(self):
        head = mixed_up(models.recurrent_head(FEATURES, CLASSES, cell="lstm"))
        steps = np.random.default_rng(0).normal(size=(4, FEATURES)).astype(np.float32)
        stream = models.Stream(head)
        found = [stream.step(step) for step in steps][-1]
        assert found.shape == (CLASSES,)
        np.testing.assert_allclose(found, said(head, steps[None])[0], atol=1e-6)

    def test_it_runs_a_loaded_model(self, convgru, tmp_path):
        convgru.save(tmp_path / "model.keras")
        stream = models.Stream(keras.saving.load_model(tmp_path / "model.keras"))
        (clip,) = clips_of(3)
        found = [stream.step(frame) for frame in clip][-1]
        np.testing.assert_allclose(found, said(convgru, clip[None])[0], atol=1e-6)

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
    model = models.assemble(small, mixed_up(models.convgru_head(1280, CLASSES, units=16)))
    backbones.set_trainable(model, "top")
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return model, path


class TestSavedAssembly:
    def test_it_is_the_same_after_loading(self, saved):
        model, path = saved
        loaded = keras.saving.load_model(path)
        clips = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 96, 3), dtype=np.uint8)
        np.testing.assert_allclose(said(loaded, clips), said(model, clips), atol=1e-6)
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
