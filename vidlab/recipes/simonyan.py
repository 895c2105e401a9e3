"""Simonyan & Zisserman 2014, *Two-stream convolutional networks for action recognition in videos*.

One network sees a single picture, another the optical flow around it; what they say is joined at
the very end. (NIPS 2014; arXiv:1406.2199.)
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

from vidlab import models, pantomime
from vidlab.data.augment import Augment
from vidlab.data.sampling import Segments, Uniform
from vidlab.data.streams import Flow, Rgb
from vidlab.recipes import Phase, Published, Task, recipe
from vidlab.recipes.probes import dense_weights

NOTEBOOK = 13

paper = partial(
    recipe,
    source="Simonyan & Zisserman 2014, Two-stream convolutional networks for action recognition in "
    "videos (NIPS)",
    validation=0.0,  # the number of steps is fixed
)
# 80,000 steps of 256 videos, a frame of each: 2,147 times through 9,537; a tenth of the rate after
# 50,000 and after 70,000 of them.
one_stream = partial(
    paper,
    augment=Augment(rotation=0, zoom=0, shift=0, crop=224 / 256),
    phases=[Phase(2147, "sgd", 1e-2, 256, momentum=0.9, drops=(5 / 8, 7 / 8))],
)
PICTURE = Rgb(Segments(1), 224, test=Uniform(25))
FLOW = Flow(Segments(1), 224, test=Uniform(25), stack=10, subtract_mean=True)


def stream(inputs, num_classes, *, backbone=None, dropout=0.9):
    """Classes of single pictures, 90,627,813 parameters, or of the flow around them, 90,707,781.

    The network of the source, or an encoder in its place: of pictures as it is, of which only the
    last layer learns, or widened to the channels of flow, and then all of it learns.
    """
    [(name, x)] = inputs.items()  # (batch, height, width, 3 or 2 · pairs)
    if backbone is None:
        x = cnn_m_2048(x, name, dropout=dropout)  # (batch, 2048)
    else:
        if name == "rgb":
            backbone.trainable = False
        else:
            backbone = models.widened(backbone, x.shape[-1])
        x = layers.GlobalAveragePooling2D(name=f"{name}_pool")(backbone(x))  # (batch, channels)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Dense(num_classes, activation="softmax", name=f"{name}_predictions")(x)


def cnn_m_2048(x, name, *, dropout):
    """The network of figure 1, CNN-M-2048 of Chatfield et al. 2014: (batch, 2048).

    Paddings are those of its published model; the sizes are for pictures of 224×224.
    """

    def convolution(x, number, channels, size, **options):
        options = {"activation": "relu", "name": f"{name}_conv{number}", **options}
        return layers.Conv2D(channels, size, **options)(x)

    def pool(x, number, padding="valid"):
        return layers.MaxPooling2D(3, 2, padding, name=f"{name}_pool{number}")(x)

    pictures = name == "rgb"
    scale, offset = (1 / 127.5, -1) if pictures else models.FLOW_RANGE
    x = layers.Rescaling(scale, offset=offset, name=f"{name}_preprocessing")(x)
    x = convolution(x, 1, 96, 7, strides=2)  # (batch, 109, 109, 96)
    x = models.ResponseNormalization(name=f"{name}_norm1")(x)
    x = pool(x, 1)  # (batch, 54, 54, 96)
    x = layers.ZeroPadding2D(1, name=f"{name}_pad2")(x)
    x = convolution(x, 2, 256, 5, strides=2)  # (batch, 26, 26, 256)
    if pictures:  # the flow's network has none here, to save memory
        x = models.ResponseNormalization(name=f"{name}_norm2")(x)
    x = pool(x, 2, "same")  # (batch, 13, 13, 256)
    for number in (3, 4, 5):
        x = convolution(x, number, 512, 3, padding="same")  # (batch, 13, 13, 512)
    x = pool(x, 5)  # (batch, 6, 6, 512)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    for number, units in ((6, 4096), (7, 2048)):
        x = layers.Dense(units, activation="relu", name=f"{name}_full{number}")(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout{number}")(x)
    return x


BOTH = (
    "The source crops the four corners and the centre of each test picture and mirrors them, ten "
    "views in all; here the whole picture, once.",
    "Training pictures are crops of 7/8 of the whole, enlarged; the source cuts 224×224 out of "
    "pictures whose shorter side is 256. How far it jitters colours is not stated; here brightness "
    "by 20%.",
    "The figure says pooling 2×2, the text 3×3 with stride 2, as here. A weight decay is not "
    "stated; here none.",
    "With a backbone its map is averaged, and the layers full6 and full7 are left out.",
)

one_stream(
    "spatial-stream",
    title="One picture: the spatial stream",
    inputs={"rgb": PICTURE},
    published=Published(
        top1=73.0,
        note="Mean of three splits; pre-trained on ImageNet, and only the last layer trained (72.7 "
        "on split 1). From random weights, as here: 52.3 on split 1.",
    ),
    departures=[
        "There are no ImageNet weights of this network for Keras: here it starts from random ones, "
        "with the dropout of 0.9 the source then found best. A profile can put a pre-trained "
        "backbone in its place, of which, as in the source, the last layer alone learns.",
        *BOTH,
    ],
)(stream)

OWN_FLOW = (
    "Flow is DIS (Kroeger et al. 2016), cut off at 1/16 of the picture; the source's is that of "
    "Brox et al. 2004, which opencv-python does not have.",
)

one_stream(
    "temporal-stream",
    title="Optical flow of ten pairs of frames: the temporal stream",
    inputs={"flow": FLOW},
    published=Published(
        top1=83.7,
        note="Mean of three splits, trained with HMDB-51 as a second task; without it 81.0 on "
        "split 1. With five pairs 80.4, with one 73.9; without subtracting the mean 79.9; along "
        "trajectories 80.2; bi-directional 81.2.",
    ),
    departures=[
        *OWN_FLOW,
        *BOTH,
        "A pre-trained backbone's first layer is averaged over red, green and blue and repeated "
        "for every channel of flow (Wang et al. 2016); the source starts from random weights.",
    ],
)(stream)


def own_class(table, classes):
    """Label the videos of the dataset itself by their classes; those beside have none."""
    return np.ma.masked_less(table["label"].to_numpy(np.int64), 0)


def camera_motion(table, classes):
    """Label the videos beside by how the picture moves most: right, left, down or up, 0 to 3."""
    labels = np.ma.masked_all(len(table), np.int64)
    for row in np.flatnonzero(table["label"] < 0):
        path = Path(table["path"].iloc[row])
        right, down = pantomime.shot_of(path.stem, root=path.parents[2]).camera.pan
        labels[row] = np.argmax([right, -right, down, -down])
    return labels


def two_tasks(inputs, num_classes, *, backbone=None, dropout=0.9):
    """Classes of stacks, and their camera's motion: the temporal stream with two last layers."""
    whole = keras.Model(inputs, stream(inputs, num_classes, backbone=backbone, dropout=dropout))
    shared = whole.get_layer("flow_predictions").input  # (batch, 2048 or channels)
    motion = layers.Dense(4, activation="softmax", name="flow_camera")(shared)
    return {"class": whole.output, "camera": motion}


one_stream(
    "two-stream-multitask",
    title="The temporal stream with two tasks, each of a dataset of its own",
    inputs={"flow": FLOW.changed(subtract_mean=False)},
    beside="pantomime",
    tasks={"class": Task(own_class), "camera": Task(camera_motion)},
    published=Published(
        top1=81.5, note="Split 1, HMDB-51 being the other dataset; 81.0 without a second task."
    ),
    departures=[
        "The other dataset is Pantomime of another seed, its videos labelled by how the camera "
        "moves, in place of HMDB-51 and its classes. So the mean of the flow, which shows that, is "
        "not subtracted.",
        "A batch mixes the videos of both as they come; each pays its own loss only.",
        *OWN_FLOW,
        *BOTH,
    ],
)(two_tasks)


def scores(inputs, start):
    """Class probabilities of both trained streams, means over the positions: (batch, classes)."""
    for name, model in (("rgb", "spatial-stream"), ("flow", "temporal-stream")):
        x = models.each_frame(inputs[name], [start[model]])  # (batch, time, classes)
        yield layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)


def two_stream(inputs, num_classes, *, start):
    """Classes of videos: the average of what the two streams say."""
    return layers.Average(name="average")([*scores(inputs, start)])


def two_stream_svm(inputs, num_classes, *, start):
    """Classes of videos: a linear classifier of the scores of both streams, of length 1 each."""
    for model in start.values():
        model.trainable = False
    both = [layers.UnitNormalization()(x) for x in scores(inputs, start)]
    x = layers.Concatenate(name="scores")(both)  # (batch, 2 · classes)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


def linear_svm(features, labels, num_classes):
    """Fit scikit-learn's linear support vector machine of several classes (Crammer & Singer)."""
    from sklearn.svm import LinearSVC  # slow to import, and needed here alone

    model = LinearSVC(multi_class="crammer_singer", max_iter=20_000, random_state=0)
    return dense_weights(model.fit(features, labels), num_classes)


both_streams = partial(
    paper,
    inputs={
        "rgb": Rgb(Uniform(25), 224, clip=True),
        "flow": Flow(Uniform(25), 224, clip=True, stack=10, subtract_mean=True),
    },
    starts_from=("spatial-stream", "temporal-stream"),
)
SINGLE_TASK = "The source's best temporal stream has learned HMDB-51 besides; here it has not."

both_streams(
    "two-stream",
    title="Picture and flow, their scores averaged",
    phases=[],
    published=Published(
        top1=86.9, note="Mean of three splits; with a temporal stream of one task 85.9 on split 1."
    ),
    departures=[SINGLE_TASK],
)(two_stream)

both_streams(
    "two-stream-svm",
    title="Picture and flow, a linear SVM on their scores",
    phases=[Phase(solver=linear_svm)],
    published=Published(top1=88.0, note="Mean of three splits; 87.0 on split 1."),
    departures=[
        SINGLE_TASK,
        "The source does not state the SVM's C, here 1, nor on which videos it is fitted: here on "
        "the training videos, which the streams have learned too.",
    ],
)(two_stream_svm)
