"""The thesis on CNN and CNN+LSTM video classification on UCF-101 (its title is not known to us).

Frames that vote, from the whole feature map; then an LSTM on features of the trained CNN.
"""

from keras import layers

from vidlab import models
from vidlab.data.sampling import EverySecond
from vidlab.data.streams import Rgb
from vidlab.recipes import Phase, Published, recipe

NOTEBOOK = 8

SOURCE = "Video classification on UCF-101 with CNN and CNN+LSTM (thesis)"


@recipe(
    "frame-vote",
    title="Frames, InceptionV3 from ImageNet, frozen, flattened; majority vote",
    source=SOURCE,
    backbone="inceptionv3",
    weights="imagenet",
    inputs={"rgb": Rgb(EverySecond(8), 224)},
    phases=[Phase(225, "sgd", 1e-3, batch_size=32, trainable="none", momentum=0.6)],
    validation=0.0,
    aggregation="vote",
    published=Published(
        top1=57.41,
        parameters="74,336,133 (52,533,349 trainable)",
        splits=(57.41, 56.08, 57.01),
        note="Its accuracy on validation frames, 60.93%, is that of the test videos' frames: what "
        "stopped the training, after 223 to 226 epochs, had seen the test set.",
    ),
    departures=(
        "The source stops early on frames of the test videos; here 225 epochs, no validation.",
        "Its 598,363 training frames are near every third; 8 of every 25 are some 550,000.",
        "The batch size is not printed; Keras' own 32. No augmentation is mentioned.",
    ),
)
def frame_vote(inputs, num_classes, *, backbone, units=1024, dropout=0.5):
    """Classes of single frames from the whole map: what was seen, and where in the picture."""
    x = backbone(inputs["rgb"])  # (batch, rows, columns, channels)
    x = layers.Flatten(name="flatten")(x)  # (batch, rows · columns · channels)
    x = layers.Dropout(dropout, name="dropout_map")(x)
    x = layers.Dense(units, activation="relu", name="dense")(x)  # (batch, units)
    x = layers.Dropout(dropout, name="dropout_dense")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


@recipe(
    "cnn-lstm",
    title="Features of the trained frame-vote model, and LSTM",
    source=SOURCE,
    starts_from="frame-vote",
    inputs={"rgb": Rgb(EverySecond(8, at_most=80), 224, clip=True)},
    phases=[Phase(20, "adam", 1e-3, batch_size=32)],
    validation=0.0,
    published=Published(
        top1=66.27,
        parameters="8,496,229 (without the CNN)",
        splits=(66.27, 66.87, 65.40),
        note="18 to 21 epochs, by split, without validation videos.",
    ),
    departures=(
        "How the 80 frames are chosen is not stated: here the first 80 of 8 of every 25, ten "
        "seconds. Shorter videos are padded with zero vectors, not masked, as there.",
        "Learning rate and batch size are not printed; Keras' own 0.001 and 32.",
    ),
)
def cnn_lstm(inputs, num_classes, *, start, units=1024, input_dropout=0.2, dropout=0.5):
    """Classes of clips: the frozen CNN up to its dense layer, an LSTM over its 1,024 features."""
    start.trainable = False
    encoder = [start.get_layer(name) for name in ("backbone", "flatten", "dense")]
    x = models.each_frame(inputs["rgb"], encoder)  # (batch, time, 1024), zeros where padded
    x = layers.RNN(layers.LSTMCell(units, dropout=input_dropout), name="lstm")(x)  # (batch, units)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)
