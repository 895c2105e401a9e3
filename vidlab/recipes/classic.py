"""Before networks learned features: bags of visual words, and support vector machines.

A frame is described by histograms of the orientation of its gradient (HOG, Dalal & Triggs 2005) or
of its optical flow (HOF, Laptev et al. 2008), cell by cell. Descriptors that are alike are one
*word* (k-means, Sivic & Zisserman 2003); a video is the histogram of its words, wherever and
whenever they occur; and a linear support vector machine tells histograms apart, by χ² where they
first pass its feature map (Vedaldi & Zisserman 2010). The other two replace the words by the
features of a trained CNN.
"""

import math
from functools import partial

import keras
import numpy as np
from keras import layers, ops

from vidlab import models
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Flow, Rgb
from vidlab.recipes import Phase, Published, recipe
from vidlab.recipes.probes import dense_weights, logistic_regression

NOTEBOOK = 5

CELL = 8  # pixels along a side
SLOWEST = 0.02  # flow below this share of the largest counts as rest


def orientation_histograms(vectors, bins, *, signed):
    """Histograms of the orientation of vectors in cells of 8×8 pixels, in blocks of 2×2 cells.

    Each vector votes by its length for the two bins next to its orientation, linearly.

    Parameters
    ----------
    vectors
        (batch, height, width, 2): to the right and down.
    signed
        Whether a vector and its negative are told apart.

    Returns
    -------
    keras.KerasTensor
        (batch, height / 8 - 1, width / 8 - 1, 4 · bins), each of length 1, no value above 0.2
        before it is made so (L2-Hys of Dalal & Triggs).
    """
    dx, dy = vectors[..., 0], vectors[..., 1]
    length = ops.sqrt(dx**2 + dy**2 + 1e-12)
    around = 2 * math.pi if signed else math.pi
    turn = ops.mod(ops.arctan2(dy, dx), around) * (bins / around)  # 0..bins
    centres = ops.arange(bins, dtype="float32")
    away = ops.abs(turn[..., None] - centres)
    votes = ops.relu(1 - ops.minimum(away, bins - away))  # (batch, height, width, bins)
    cells = ops.average_pool(votes * length[..., None], CELL)  # (batch, rows, columns, bins)
    corners = [cells[:, y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)]
    blocks = ops.concatenate(corners, axis=-1)
    clipped = ops.minimum(_unit(blocks), 0.2)
    return _unit(clipped)


def _unit(vectors):
    return vectors / ops.sqrt(ops.sum(vectors**2, axis=-1, keepdims=True) + 1e-6)


def gradient(frames):
    """Gradient of the brightness of frames, by the difference of both neighbours.

    From (batch, height, width, 3), 0..255, to (batch, height, width, 2); 0 at the border.
    """
    grey = frames @ ops.convert_to_tensor([[0.299], [0.587], [0.114]], "float32") / 255
    dx = ops.pad(grey[:, :, 2:] - grey[:, :, :-2], [[0, 0], [0, 0], [1, 1], [0, 0]])
    dy = ops.pad(grey[:, 2:] - grey[:, :-2], [[0, 0], [1, 1], [0, 0], [0, 0]])
    return ops.concatenate([dx, dy], axis=-1)


@keras.saving.register_keras_serializable("vidlab")
class Vocabulary(layers.Layer):
    """Count words: each descriptor is the one whose centre is nearest.

    Input shape: (batch, rows, columns, numbers). Output shape: (batch, words), the share of each.

    The assignment has no gradient, so no heatmap leads through it.
    """

    def __init__(self, units: int, *, trainable=False, **options):
        super().__init__(trainable=trainable, **options)
        self.units = units

    def build(self, shape):
        """Make the centres, (words, numbers); a phase's solver finds them."""
        shape = (self.units, shape[-1])
        self.centres = self.add_weight(
            shape=shape, name="kernel", initializer="glorot_uniform", trainable=False
        )

    def call(self, descriptors):
        """Return the histogram of each row."""
        x = ops.reshape(descriptors, (-1, math.prod(descriptors.shape[1:3]), descriptors.shape[-1]))
        # Of |x - c|² = |x|² - 2 x·c + |c|² the first is the same for all words.
        distances = ops.sum(self.centres**2, axis=-1) - 2 * x @ ops.transpose(self.centres)
        words = ops.one_hot(ops.argmin(distances, axis=-1), self.units)
        return ops.mean(words, axis=1)

    def compute_output_shape(self, shape):
        """Return (batch, words)."""
        return (shape[0], self.units)

    def get_config(self):
        """Return the options."""
        return super().get_config() | {"units": self.units}


def chi_squared_map(histograms, *, interval=0.5):
    """Features whose dot product approximates the additive χ² kernel 2xy / (x + y).

    Vedaldi & Zisserman 2010, *Efficient additive kernels via explicit feature maps*: from n shares
    to 3 · n numbers, as scikit-learn's ``AdditiveChi2Sampler``.
    """
    x = ops.maximum(histograms, 0)
    weighted = ops.sqrt(x) * math.sqrt(2 * interval / math.cosh(math.pi * interval))
    angle = interval * ops.log(ops.maximum(x, 1e-30))
    waves = [weighted * ops.cos(angle), weighted * ops.sin(angle)]
    return ops.concatenate([ops.sqrt(x * interval), *waves], axis=-1)


def bag_of_words(inputs, num_classes, *, words=256):
    """Classes of clips by the histogram of their words, blind to where and when they occur."""
    ((name, clips),) = inputs.items()
    frames = models.FoldTime()(clips)  # (batch · time, height, width, channels)
    if name == "flow":
        fields = ops.reshape(
            (frames - 128) / 127, (-1, *frames.shape[1:3], frames.shape[-1] // 2, 2)
        )
        vectors = ops.mean(fields, axis=3)  # of the pairs around a frame
        moving = ops.sum(vectors**2, axis=-1, keepdims=True) > SLOWEST**2
        x = orientation_histograms(vectors * ops.cast(moving, "float32"), 8, signed=True)
    else:
        x = orientation_histograms(gradient(frames), 9, signed=False)
    x = Vocabulary(words, name="vocabulary")(x)
    x = models.UnfoldTime()(clips, x)  # (batch, time, words)
    x = chi_squared_map(ops.mean(x, axis=1))
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


def k_means(descriptors, labels, words):
    """Find the centres of words among descriptors: mini-batch k-means of scikit-learn."""
    from sklearn.cluster import MiniBatchKMeans  # slow to import, and needed here alone

    found = MiniBatchKMeans(words, random_state=0, batch_size=4096, n_init=1).fit(descriptors)
    return [found.cluster_centers_]


def linear_svm(features, labels, num_classes):
    """Fit scikit-learn's linear support vector machine, one class against the rest, C = 1.

    Features are divided by the mean of their lengths, a number that becomes part of the weights.
    """
    from sklearn.svm import LinearSVC  # slow to import, and needed here alone

    scale = np.linalg.norm(features, axis=1).mean()
    found = LinearSVC(random_state=0).fit(features / scale, labels)
    kernel, bias = dense_weights(found, num_classes)
    return kernel / scale, bias


MARGINS = (
    "Probabilities are the softmax of the margins: their order counts, they are not calibrated."
)
bags = partial(
    recipe,
    source="bag of visual words (Sivic & Zisserman 2003; Laptev et al. 2008)",
    phases=[
        Phase(solver=k_means, layer="vocabulary", batch_size=8),
        Phase(solver=linear_svm, batch_size=8),
    ],
    published=Published(
        43.9,
        note="Harris3D points, HOG and HOF together, a bag of words, a non-linear SVM, by the "
        "makers of UCF-101 (Soomro et al. 2012): of their report CRCV-TR-12-01, quoted by Karpathy "
        "et al. 2014. Its arXiv version, 1212.0402, has 44.5.",
    ),
    departures=[
        "Descriptors of every cell, where Harris3D takes points of interest; cells of single "
        "frames, none in time.",
        MARGINS,
    ],
)

bags(
    "bag-of-words",
    title="Bag of words of gradients, χ², linear SVM",
    inputs={"rgb": Rgb(Uniform(16), (240, 320), clip=True)},
)(bag_of_words)

bags(
    "bag-of-flow-words",
    title="Bag of words of optical flow, χ², linear SVM",
    inputs={"flow": Flow(Uniform(16), (240, 320), clip=True, stack=1)},
)(bag_of_words)


def cnn_features(inputs, num_classes, *, backbone, deviation):
    """Classes of clips by a classifier on the mean (and deviation) of their frames' features."""
    pool = layers.GlobalAveragePooling2D(name="pool")
    x = models.each_frame(inputs["rgb"], [backbone, pool])  # (batch, time, channels)
    mean = ops.mean(x, axis=1)
    x = ops.concatenate([mean, ops.std(x, axis=1)], axis=-1) if deviation else mean
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


off_the_shelf = partial(
    recipe,
    backbone="inceptionv3",
    weights="imagenet",
    inputs={"rgb": Rgb(Uniform(16), 299, clip=True)},
)

off_the_shelf(
    "cnn-svm",
    title="Mean CNN features, linear SVM",
    source="CNN features off the shelf (Razavian et al. 2014)",
    phases=[Phase(trainable="none", solver=linear_svm)],
    options={"deviation": False},
    departures=(
        "The source classifies photographs; here the features of a video's frames, averaged.",
        MARGINS,
    ),
)(cnn_features)

off_the_shelf(
    "cnn-linear",
    title="Mean and deviation of CNN features, logistic regression",
    source="a plain baseline, no system of the literature",
    phases=[Phase(trainable="none", solver=logistic_regression)],
    options={"deviation": True},
    departures=("A line of our own to measure the systems of the literature by.",),
)(cnn_features)
