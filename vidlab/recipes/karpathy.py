"""Karpathy et al. 2014, *Large-scale video classification with convolutional neural networks*.

Where in a network should the frames of a clip meet? At the pixels (early fusion), at the first
dense layer (late fusion), little by little (slow fusion), or never (single frame). The network is
the same otherwise: C(96, 11, 3)-N-P-C(256, 5, 1)-N-P-C(384, 3, 1)-C(384, 3, 1)-C(256, 3, 1)-P-
FC(4096)-FC(4096), where C(d, f, s) are d filters of f×f with stride s, N local response
normalisation and P max-pooling over 2×2.
"""

from functools import partial

import keras
from keras import layers, ops

from vidlab.data.augment import Augment
from vidlab.data.sampling import AllFrames, Window
from vidlab.data.streams import Rgb
from vidlab.models import FoldTime, ResponseNormalization, UnfoldTime, pad_space
from vidlab.recipes import Phase, Published, recipe

NOTEBOOK = 11

FILTERS = (96, 256, 384, 384, 256)
KERNELS = (11, 5, 3, 3, 3)
SLOW = ((4, 2), (2, 2), (2, 2))  # extent and stride in time of the first three convolutions


def single_frame(inputs, num_classes, *, width=1.0, units=4096, normalization="response"):
    """Classes of single frames: 72,326,629 parameters at 101 classes."""
    x = convolutions(scaled(inputs["rgb"]), width=width, normalization=normalization)
    return classifier(x, num_classes, units=units)


def early_fusion(inputs, num_classes, *, width=1.0, units=4096, normalization="response"):
    """Classes of clips whose frames meet in the first convolution, as channels of one picture."""
    x = scaled(inputs["rgb"])  # (batch, time, height, width, 3)
    x = ops.concatenate([x[:, n] for n in range(x.shape[1])], axis=-1)
    x = convolutions(x, width=width, normalization=normalization)
    return classifier(x, num_classes, units=units)


def late_fusion(inputs, num_classes, *, width=1.0, units=4096, normalization="response"):
    """Classes from the first and the last frame of a clip, which meet in the first dense layer."""
    clips = scaled(inputs["rgb"])
    both = ops.stack([clips[:, 0], clips[:, -1]], axis=1)  # (batch, 2, height, width, 3)
    frames = FoldTime()(both)  # one tower, applied to both
    x = convolutions(frames, width=width, normalization=normalization)
    x = UnfoldTime()(both, layers.Flatten(name="tower")(x))  # (batch, 2, features)
    return classifier(x, num_classes, units=units)


def slow_fusion(inputs, num_classes, *, width=1.0, units=4096, normalization="response"):
    """Classes of clips of ten frames, which meet little by little in three convolutions."""
    x = scaled(inputs["rgb"])
    x = convolutions(x, width=width, normalization=normalization, time=SLOW)
    return classifier(x, num_classes, units=units)


def multiresolution(inputs, num_classes, *, width=1.0, units=4096, normalization="response"):
    """Classes of single frames, seen twice: whole at half the size, and their middle at full size.

    Both streams lose their last pooling, so that they end in maps as large as the others'.
    """
    x = scaled(inputs["rgb"])  # (batch, height, width, 3)
    height, side = x.shape[1] // 2, x.shape[2] // 2
    context = layers.Resizing(height, side, name="context")(x)
    fovea = layers.CenterCrop(height, side, name="fovea")(x)
    streams = [
        layers.Flatten(name=f"{name}_features")(
            convolutions(seen, width=width, normalization=normalization, name=name, pooled=False)
        )
        for name, seen in (("context", context), ("fovea", fovea))
    ]
    return classifier(layers.Concatenate(name="streams")(streams), num_classes, units=units)


def fine_tuned(inputs, num_classes, *, start, learns, dropout=0.9):
    """Classes of clips by a trained network with a new last layer.

    `learns` is ``"top"``, the new layer alone; ``"top three"``, the dense layers before it too; or
    ``"all"``. The source drops up to nine units in ten before dense layers that learn.
    """
    body = keras.Model(start.input, start.get_layer("features").output, name="convolutions")
    body.trainable = learns == "all"
    x = body(inputs["rgb"])
    for dense in (start.get_layer("dense1"), start.get_layer("dense2")):
        dense.trainable = learns != "top"
        x = dense(layers.Dropout(dropout)(x) if learns == "top three" else x)
    x = x if learns == "all" else layers.Dropout(dropout)(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


def scaled(pictures):
    """Subtract 117 from pixels of 0..255, as the source does."""
    return layers.Rescaling(1.0, offset=-117.0, name="preprocessing")(pictures)


def convolutions(x, *, width, normalization, time=(), name="", pooled=True):
    """Five convolutions: pictures (batch, height, width, channels), or clips, to a map.

    Parameters
    ----------
    width
        Share of the filters there are.
    normalization
        ``"response"``, local response normalisation after the first two convolutions, or
        ``"batch"``, batch normalisation after each.
    time
        For clips, (batch, time, height, width, channels): extent and stride in time of the first
        convolutions. The others see one time step.
    """
    prefix = f"{name}_" if name else ""
    for number, (filters, kernel) in enumerate(zip(FILTERS, KERNELS, strict=True)):
        stride = 3 if number == 0 else 1
        options = {"filters": round(width * filters), "name": f"{prefix}conv{number + 1}"}
        if len(x.shape) == 4:
            x = layers.Conv2D(kernel_size=kernel, strides=stride, padding="same", **options)(x)
            pool = layers.MaxPooling2D(2, name=f"{prefix}pool{number + 1}")
        else:
            extent, step = time[number] if number < len(time) else (1, 1)
            x = pad_space(x, (kernel, kernel), (stride, stride))
            size, steps = (extent, kernel, kernel), (step, stride, stride)
            x = layers.Conv3D(kernel_size=size, strides=steps, **options)(x)
            pool = layers.MaxPooling3D((1, 2, 2), name=f"{prefix}pool{number + 1}")
        if normalization == "batch":
            x = layers.BatchNormalization(momentum=0.9, name=f"{prefix}bn{number + 1}")(x)
        x = layers.ReLU(name=f"{prefix}relu{number + 1}")(x)
        if normalization == "response" and number < 2:
            x = ResponseNormalization(name=f"{prefix}norm{number + 1}")(x)
        if number < 2 or (number == 4 and pooled):
            x = pool(x)
    return x


def classifier(x, num_classes, *, units):
    """Join all there is in two dense layers and name the class."""
    x = layers.Flatten(name="features")(x)
    x = layers.Dense(units, activation="relu", name="dense1")(x)
    x = layers.Dense(units, activation="relu", name="dense2")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


paper = partial(
    recipe,
    source="Karpathy et al. 2014, Large-scale video classification with convolutional neural "
    "networks",
    phases=[Phase(50, "sgd", 1e-3, batch_size=32, momentum=0.9, drops=(3 / 4,))],
    augment=Augment(crop=0.85, rotation=0, zoom=0, shift=0, brightness=0),
    departures=[
        "From random weights on the videos there are: the source trains on Sports-1M, 1.1 million "
        "videos, for a month on a cluster (asynchronous SGD).",
        "The weight decay of 0.0005 is left out. The constants of response normalisation are those "
        "of Krizhevsky et al. 2012, whom the source follows; they could not be checked in it.",
        "One clip a video, from its middle; the source averages 20 random clips, each four times.",
        "How long to train is not stated, and the learning rate is lowered by hand; here 50 epochs "
        "at most, a tenth of the rate in the last quarter.",
        "Crops of at least 0.85 of the side stand for 170 of 200 pixels.",
    ],
)
SPORTS = "The source on Sports-1M, videos, 487 classes: hit@1 {}, hit@5 {}."
THREE_SPLITS = "Mean over the three splits."
START = (
    "The source starts from slow fusion trained on Sports-1M, whose weights are not public; here "
    "it is trained on the same videos, or on others, by `vidlab.training.fit(start=…)`.",
    "Dropout of 0.9 before dense layers that learn: its rate could not be checked in the source.",
)
CLIP = Rgb(Window(10), 170, clip=True, fixed=True)

paper(
    "single-frame",
    title="Single frames, the network of the fusion study",
    inputs={"rgb": Rgb(AllFrames(), 170)},
    published=Published(note=SPORTS.format(59.3, 77.7)),
)(single_frame)

paper(
    "early-fusion",
    title="Ten frames that meet at the pixels",
    inputs={"rgb": CLIP},
    published=Published(note=SPORTS.format(57.7, 76.8)),
)(early_fusion)

paper(
    "late-fusion",
    title="Two frames, 15 apart, that meet at the dense layers",
    inputs={"rgb": Rgb(Window(16), 170, clip=True)},
    published=Published(note=SPORTS.format(59.3, 78.7)),
)(late_fusion)

paper(
    "slow-fusion",
    title="Ten frames that meet little by little",
    inputs={"rgb": CLIP},
    published=Published(top1=41.3, note=f"{THREE_SPLITS} {SPORTS.format(60.9, 80.2)}"),
)(slow_fusion)

for learns, top1, note in (
    ("top", 64.1, ""),
    ("top three", 65.4, " 63.3 in its abstract."),
    ("all", 62.2, ""),
):
    paper(
        f"slow-fusion-{learns.replace(' ', '-')}",
        title=f"Slow fusion, trained before, {learns} of its layers tuned",
        starts_from="slow-fusion",
        inputs={"rgb": CLIP},
        options={"learns": learns},
        published=Published(top1=top1, note=THREE_SPLITS + note),
        departures=[*paper.keywords["departures"][1:], *START],
    )(fine_tuned)

paper(
    "multiresolution",
    title="Single frames, whole and their middle enlarged",
    inputs={"rgb": Rgb(AllFrames(), 178)},
    published=Published(note=SPORTS.format(60.0, 78.5)),
)(multiresolution)
