"""Networks for clips and segments, after the lecture "Video classification" (Colorado, 2021).

3-D convolution (Tran et al. 2015), networks inflated from two dimensions (Carreira & Zisserman
2017), segments with a consensus (Wang et al. 2016), and two streams that meet in a 3-D convolution
(Feichtenhofer et al. 2016).
"""

from functools import partial

from keras import layers, ops

from vidlab.data.augment import Augment
from vidlab.data.sampling import Segments, Uniform, Window
from vidlab.data.streams import Flow, Rgb
from vidlab.models import FoldTime, UnfoldTime, inflated, widened
from vidlab.recipes import Phase, Published, recipe

NOTEBOOK = 11

C3D_FILTERS = ((64,), (128,), (256, 256), (512, 512), (512, 512))  # a max-pooling after each tuple


def c3d(inputs, num_classes, *, width=1.0, units=4096, dropout=0.5, batchnorm=False):
    """Classes of clips by eight 3×3×3 convolutions: 78,409,573 parameters at 101 classes."""
    x = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(inputs["rgb"])
    for block, numbers in enumerate(C3D_FILTERS, start=1):
        for letter, filters in zip("ab", numbers, strict=False):
            name = f"conv{block}{letter}"
            x = layers.Conv3D(round(width * filters), 3, padding="same", name=name)(x)
            if batchnorm:
                x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        time = 1 if block == 1 else 2  # time is kept longest
        x = layers.MaxPooling3D((time, 2, 2), padding="same", name=f"pool{block}")(x)
    x = layers.Flatten(name="features")(x)
    for number in (6, 7):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


recipe(
    "c3d",
    title="Sixteen frames, 3×3×3 convolutions throughout",
    source="Tran et al. 2015, Learning spatiotemporal features with 3D convolutional networks",
    inputs={"rgb": Rgb(Window(16), 112, clip=True, fixed=True)},
    phases=[Phase(16, "sgd", 3e-3, batch_size=30)],
    augment=Augment(crop=0.85, rotation=0, zoom=0, shift=0, brightness=0),
    published=Published(
        top1=82.3,
        parameters="78M",
        note="The source: trained on 1.1 million sports videos or more, its features in a linear "
        "SVM; mean over the three splits. Newman quotes a top-5 of 85.5.",
    ),
    departures=(
        "From random weights on the videos there are, its own softmax for a classifier.",
        "The learning rate of the source falls tenfold every four epochs; here it stays.",
        'The last pooling yields 4×4 (padding "same").',
        "One clip a video, from its middle; the source averages the features of many.",
    ),
)(c3d)


def encoder(name, clips, backbone):
    """An encoder of pictures, of flow with its first layer widened to the channels there."""
    return widened(backbone, clips.shape[-1]) if name == "flow" else backbone


def inflated_network(inputs, num_classes, *, backbone, dropout=0.5):
    """Classes of clips by an encoder of pictures whose kernels are repeated along time.

    Of two streams, the class probabilities are averaged.
    """
    scores = []
    for name, clips in inputs.items():
        network = inflated(encoder(name, clips, backbone), prefix=f"{name}_")
        x = network(clips)  # (batch, time, rows, columns, channels)
        x = layers.GlobalAveragePooling3D(name=f"{name}_pool")(x)  # (batch, channels)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
        x = layers.Dense(num_classes, activation="softmax", name=f"{name}_predictions")(x)
        scores.append(x)
    return layers.Average(name="predictions")(scores) if len(scores) > 1 else scores[0]


i3d = partial(
    recipe,
    source="Carreira & Zisserman 2017, Quo vadis, action recognition?",
    backbone="inceptionv3",
    weights="imagenet",
    phases=[Phase(30, "sgd", 1e-2, batch_size=8, trainable="all", momentum=0.9)],
    augment=Augment(crop=0.85, rotation=0, zoom=0, shift=0, brightness=0),
    departures=[
        "Inflated from InceptionV3; the source inflates Inception-V1 with batch normalisation, and "
        "halves time in three poolings, which here keep its length.",
        "16 frames; the source trains on 64 and tests on all of a video.",
        "The source pads time with zeros; here the edge frames are repeated, so that a still gives "
        "what the 2-D network gives.",
        "How long the source trains on UCF-101 alone is not stated.",
    ],
)
I3D_NOTE = "Split 1, from ImageNet without Kinetics; with Kinetics {}."
I3D_RGB = Rgb(Window(16), 224, clip=True)
I3D_FLOW = Flow(Window(16), 224, clip=True, stack=1)

i3d(
    "i3d-rgb",
    title="Sixteen frames, an image network inflated to 3-D",
    inputs={"rgb": I3D_RGB},
    published=Published(top1=84.5, note=I3D_NOTE.format("95.1 (mean of splits 95.6)")),
)(inflated_network)

i3d(
    "i3d-flow",
    title="Flow of sixteen frames, an image network inflated to 3-D",
    inputs={"flow": I3D_FLOW},
    published=Published(top1=90.6, note=I3D_NOTE.format("96.5")),
)(inflated_network)

i3d(
    "i3d",
    title="Both streams inflated to 3-D, averaged",
    inputs={"rgb": I3D_RGB, "flow": I3D_FLOW},
    published=Published(
        top1=93.4, note=I3D_NOTE.format("97.8") + " Newman quotes 44M parameters, top-5 93.4."
    ),
)(inflated_network)


def segment_network(inputs, num_classes, *, backbone, dropout=0.8):
    """Classes of clips by the mean, over their segments, of one network's scores.

    A sampling strategy rather than a network: the mean forgets the order of the segments. Of two
    streams, the scores are averaged with the weights of the source, 1 and 1.5.
    """
    scores = []
    for name, clips in inputs.items():
        x = FoldTime()(clips)  # (batch · segments, height, width, channels)
        x = encoder(name, clips, backbone)(x)  # (batch · segments, rows, columns, channels)
        x = layers.GlobalAveragePooling2D(name=f"{name}_pool")(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
        x = layers.Dense(num_classes, name=f"{name}_scores")(x)
        x = UnfoldTime()(clips, x)  # (batch, segments, classes)
        consensus = ops.mean(x, axis=1)
        scores.append(consensus if name == "rgb" else 1.5 * consensus)
    return layers.Softmax(name="predictions")(scores[0] if len(scores) == 1 else sum(scores))


tsn = partial(
    recipe,
    source="Wang et al. 2016, Temporal segment networks",
    backbone="inceptionv3",
    weights="imagenet",
    augment=Augment(crop=0.8, rotation=0, zoom=0, shift=0, brightness=0),
    # 4,500 steps of 32 videos, a tenth of the rate after 2,000 and after 4,000 of them.
    phases=[Phase(15, "sgd", 1e-3, 32, "all", momentum=0.9, drops=(4 / 9, 8 / 9))],
    freeze_batchnorm=True,
    departures=[
        "InceptionV3 for the source's Inception-V2; the source lets the first of its layers of "
        "batch normalisation learn, here none does.",
        "The source averages 25 frames of a test video, each cropped and mirrored ten times over; "
        "here 25 frames as they are.",
        "Flow is trained for as many steps as pictures, which is a quarter of the source's.",
    ],
)
TSN_NOTE = "Split 1, as quoted elsewhere; not checked in the source."
TSN_RGB = Rgb(Segments(3), 224, clip=True, test=Uniform(25))
TSN_FLOW = Flow(Segments(3), 224, clip=True, test=Uniform(25), stack=5)

tsn(
    "tsn-rgb",
    title="Segments, one network on a frame of each, mean of the scores",
    inputs={"rgb": TSN_RGB},
    published=Published(top1=85.7, note=TSN_NOTE),
)(segment_network)

tsn(
    "tsn-flow",
    title="Segments, one network on the flow in each, mean of the scores",
    inputs={"flow": TSN_FLOW},
    published=Published(top1=87.9, note=TSN_NOTE),
)(segment_network)

tsn(
    "tsn",
    title="Segments, both streams",
    inputs={"rgb": TSN_RGB, "flow": TSN_FLOW},
    published=Published(
        top1=93.5,
        note=f"{TSN_NOTE} Mean over the splits 94.0, with warped flow as a third stream 94.2.",
    ),
)(segment_network)


def fused_two_stream(inputs, num_classes, *, backbone, units=512, dropout=0.5):
    """Classes of clips: the last maps of both streams, fused by a 3-D convolution and pooling."""
    maps = []  # (batch · time, rows, columns, channels)
    for name, clips in inputs.items():
        maps.append(encoder(name, clips, backbone)(FoldTime()(clips)))
    x = UnfoldTime()(inputs["rgb"], layers.Concatenate(name="streams")(maps))
    x = layers.Conv3D(units, 3, padding="same", activation="relu", name="fusion")(x)
    x = layers.MaxPooling3D(2, padding="same", name="pool_fusion")(x)
    x = layers.GlobalAveragePooling3D(name="pool")(x)  # (batch, units)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


recipe(
    "fused-two-stream",
    title="Both streams, fused by a 3-D convolution over their last maps",
    source="Feichtenhofer et al. 2016, Convolutional two-stream network fusion for video action "
    "recognition",
    backbone="inceptionv3",
    weights="imagenet",
    inputs={
        "rgb": Rgb(Uniform(5), 224, clip=True),
        "flow": Flow(Uniform(5), 224, clip=True, stack=10),
    },
    phases=[Phase(30, "sgd", 1e-3, batch_size=16, trainable="all", momentum=0.9)],
    augment=Augment(crop=0.85, rotation=0, zoom=0, shift=0, brightness=0),
    published=Published(top1=92.5, note="VGG-16, mean over the three splits."),
    departures=(
        "InceptionV3 for VGG-16, its maps averaged over places and time after the fusion, where "
        "the source keeps its dense layers; both streams start from ImageNet rather than from two "
        "streams trained before.",
        "The source keeps a second softmax on the flow stream and averages both.",
        "Epochs and learning rate are ours; the source stops when the validation error levels out.",
    ),
)(fused_two_stream)
