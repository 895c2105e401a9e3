"""Chiche 2019, *Memory and computation-efficient CNN* (MSc, Politecnico di Milano).

Does looking at time win back what a light encoder loses? Two frozen encoders, each with a GRU, with
an LSTM, and frame by frame.
"""

from keras import layers

from vidlab import models
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.recipes import Phase, Published, recipe

NOTEBOOK = 10


def recurrent(inputs, num_classes, *, backbone, cell, units=None, scale=1.0, momentum=0.99):
    """Classes of clips: a recurrent layer as wide as the features, then a dense block.

    The head has 10,552,933 parameters on 1,280 features with GRU cells.
    """
    pool = layers.GlobalAveragePooling2D(name="pool")
    x = models.each_frame(inputs["rgb"], [backbone, pool])  # (batch, time, features)
    x = layers.Rescaling(scale, name="scale")(x)
    cells = {"gru": layers.GRUCell, "lstm": layers.LSTMCell}
    units = units or backbone.output_shape[-1]
    x = layers.RNN(cells[cell](units, dropout=0.5), name=cell)(x)  # (batch, units)
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


# Of each encoder the name, the size of its frames, options, and how ours departs. The source's
# MobileNetV2 gives integers, which it divides by 255; 255 of them stand for the largest activation,
# 6.
ENCODERS = {
    "inception": ("InceptionV3", 299, {}, []),
    "mobilenet": (
        "MobileNetV2",
        224,
        {"scale": 1 / 6},
        [
            "The source's MobileNetV2 is quantised to 8 bits; ours is with its file as `weights`: "
            "mobilenet_v2_1.0_224_quant.tflite, of TensorFlow Lite's hosted models."
        ],
    ),
}
SINGLE = "How frames decide a video is not stated; here the mean of their probabilities."
RESULTS = {  # top-1 %, top-5 %, and where printed precision, recall and F1
    ("inception", "lstm"): (78.75, 94.22, ()),
    ("inception", "gru"): (79.61, 94.69, (0.77, 0.77, 0.76)),
    ("mobilenet", "lstm"): (74.30, 91.17, ()),
    ("mobilenet", "gru"): (75.94, 92.97, (0.74, 0.73, 0.72)),
    ("inception", "single"): (69.69, 88.12, (0.67, 0.67, 0.66)),
    ("mobilenet", "single"): (64.25, 84.73, (0.62, 0.61, 0.61)),
}
for (encoder, head), (top1, top5, report) in RESULTS.items():
    model, size, options, departures = ENCODERS[encoder]
    frames = head == "single"
    recipe(
        f"{encoder}-{head}",
        title=f"Features of {model} from ImageNet, {'frame by frame' if frames else head.upper()}",
        source="Chiche 2019, Memory and computation-efficient CNN (MSc, Politecnico di Milano)",
        backbone=model.lower(),
        weights="imagenet",
        inputs={"rgb": Rgb(Uniform(25), size, clip=not frames)},
        phases=[Phase(200, "adam", 1e-5, batch_size=32, trainable="none", decay=1e-6)],
        validation=10 / 72,  # 62% training, 10% validation, 28% test
        options=options if frames else options | {"cell": head},
        published=Published(
            top1,
            top5,
            report=report,
            note="Support-weighted recall must equal accuracy, but the printed reports give less; "
            "ten of its twelve accuracies are multiples of 1/1,280, so they were probably measured "
            "on 1,280 videos.",
        ),
        departures=[
            "The source stops early without saying how patiently (5 epochs here), and prints "
            "neither a number of epochs (200 is an upper end) nor a batch size (32). Its dropout "
            'of "0.5%" is read as 0.5.',
            *departures,
            *([SINGLE] if frames else []),
        ],
    )(single if frames else recurrent)
