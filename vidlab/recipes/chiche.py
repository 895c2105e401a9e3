"""Chiche 2019, *Memory and computation-efficient CNN* (MSc, Politecnico di Milano).

Does looking at time win back what a light encoder loses? Two frozen encoders, each with a GRU, with
an LSTM, and frame by frame.
"""

from __future__ import annotations

from keras import layers

from vidlab import models
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.recipes.registry import Phase, Published, recipe

NOTEBOOK = 10

PAPER = {
    "source": "Chiche 2019, Memory and computation-efficient CNN (MSc, Politecnico di Milano)",
    "weights": "imagenet",
    "phases": [
        Phase(
            epochs=200,
            optimizer="adam",
            learning_rate=1e-5,
            batch_size=32,
            trainable="none",
            decay=1e-6,
        )
    ],
    "validation": 10 / 72,  # 62% training, 10% validation, 28% test
}
DEPARTURES = (
    "The source stops early without saying how patiently (5 epochs here), and prints neither a "
    "number of epochs (200 is an upper end) nor a batch size (32). Its dropout of "
    '"0.5%" is read as 0.5.',
)
NOTE = (
    "Support-weighted recall must equal accuracy, but the printed reports give less; ten of its "
    "twelve accuracies are multiples of 1/1,280, so they were probably measured on 1,280 videos."
)


def recurrent(
    inputs, num_classes, *, backbone, cell, units=None, scale=1.0, momentum=0.99, pooling="last"
):
    """Classes of clips: a recurrent layer as wide as the features, then a dense block.

    The head has 10,552,933 parameters on 1,280 features with GRU cells. With `pooling`
    "statistics" it sees mean and deviation of all states in place of the last one.
    """
    pool = layers.GlobalAveragePooling2D(name="pool")
    x = models.each_frame(inputs["rgb"], [backbone, pool])  # (batch, time, features)
    x = layers.Rescaling(scale, name="scale")(x)
    cells = {"gru": layers.GRUCell, "lstm": layers.LSTMCell}
    units = units or backbone.output_shape[-1]
    memory = cells[cell](units, dropout=0.5)
    if pooling == "statistics":
        memory = [memory, models.RunningStatistics(units)]
    x = layers.RNN(memory, name=cell)(x)  # (batch, units), of statistics (batch, 2 · units)
    x = layers.BatchNormalization(momentum=momentum, name="batchnorm")(x)
    return dense_block(x, num_classes, momentum=momentum)


def single(inputs, num_classes, *, backbone, scale=1.0, momentum=0.99):
    """Classes of single frames by the same dense block: the measure of what memory adds."""
    x = backbone(inputs["rgb"])  # (batch, rows, columns, features)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, features)
    x = layers.Rescaling(scale, name="scale")(x)
    return dense_block(x, num_classes, momentum=momentum)


def dense_block(x, num_classes, *, momentum):
    """Class probabilities from vectors (batch, features)."""
    x = layers.Dense(512, name="linear")(x)
    x = layers.BatchNormalization(momentum=momentum, name="batchnorm_linear")(x)
    x = layers.LeakyReLU(0.3, name="leaky_relu")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


INCEPTION = PAPER | {"backbone": "inceptionv3", "departures": DEPARTURES}
MOBILENET = PAPER | {
    "backbone": "mobilenetv2",
    "departures": (
        *DEPARTURES,
        "The source's MobileNetV2 is quantised to 8 bits; ours is with its file as `weights`: "
        "mobilenet_v2_1.0_224_quant.tflite, of TensorFlow Lite's hosted models.",
    ),
}
# The source divides the integers its network gives by 255; 255 of them stand for the largest
# activation, 6.
SCALED = {"scale": 1 / 6}
CLIPS_299 = {"rgb": Rgb(Uniform(25), 299, clip=True)}
CLIPS_224 = {"rgb": Rgb(Uniform(25), 224, clip=True)}

recipe(
    "inception-lstm",
    title="Features of InceptionV3 from ImageNet, LSTM",
    inputs=CLIPS_299,
    options={"cell": "lstm"},
    published=Published(top1=78.75, top5=94.22, note=NOTE),
    **INCEPTION,
)(recurrent)

recipe(
    "inception-gru",
    title="Features of InceptionV3 from ImageNet, GRU",
    inputs=CLIPS_299,
    options={"cell": "gru"},
    published=Published(top1=79.61, top5=94.69, note=NOTE, report=(0.77, 0.77, 0.76)),
    **INCEPTION,
)(recurrent)

recipe(
    "mobilenet-lstm",
    title="Features of MobileNetV2 from ImageNet, LSTM",
    inputs=CLIPS_224,
    options={"cell": "lstm", **SCALED},
    published=Published(top1=74.30, top5=91.17, note=NOTE),
    **MOBILENET,
)(recurrent)

recipe(
    "mobilenet-gru",
    title="Features of MobileNetV2 from ImageNet, GRU",
    inputs=CLIPS_224,
    options={"cell": "gru", **SCALED},
    published=Published(top1=75.94, top5=92.97, note=NOTE, report=(0.74, 0.73, 0.72)),
    **MOBILENET,
)(recurrent)

SINGLE = "How frames decide a video is not stated; here the mean of their probabilities."

recipe(
    "inception-single",
    title="Features of InceptionV3 from ImageNet, frame by frame",
    inputs={"rgb": Rgb(Uniform(25), 299)},
    published=Published(top1=69.69, top5=88.12, note=NOTE, report=(0.67, 0.67, 0.66)),
    **(INCEPTION | {"departures": (*INCEPTION["departures"], SINGLE)}),
)(single)

recipe(
    "mobilenet-single",
    title="Features of MobileNetV2 from ImageNet, frame by frame",
    inputs={"rgb": Rgb(Uniform(25), 224)},
    options=SCALED,
    published=Published(top1=64.25, top5=84.73, note=NOTE, report=(0.62, 0.61, 0.61)),
    **(MOBILENET | {"departures": (*MOBILENET["departures"], SINGLE)}),
)(single)
