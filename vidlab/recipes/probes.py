"""Linear probes: what a straight line sees in the frozen features of a clip's frames.

No systems of the literature but the measure of them: a network that reads clips has learned
something only where it passes these. The weights are those of a logistic regression, found in
seconds and always the same (a *linear probe*, Alain & Bengio 2016; also *linear evaluation*).
"""

import numpy as np
from keras import layers, ops

from vidlab import models
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.recipes import Phase, recipe

NOTEBOOK = 8


def logistic_regression(features, labels, num_classes):
    """Fit scikit-learn's logistic regression, L2 penalty with C = 1, on standardised features.

    The standardisation is part of the weights: (x − mean) / deviation · w is x · w / deviation and
    a constant.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed here alone
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    model = LogisticRegression(max_iter=2000).fit(scaler.transform(features), labels)
    kernel, bias = dense_weights(model, num_classes)
    kernel = kernel / scaler.scale_[:, None]
    return kernel, bias - scaler.mean_ @ kernel


def dense_weights(classifier, num_classes):
    """Return a linear classifier of scikit-learn as kernel and bias of a `keras.layers.Dense`."""
    coefficients, intercept = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2 and len(coefficients) == 1:  # the second class's alone
        coefficients = np.concatenate([0 * coefficients, coefficients])
        intercept = np.concatenate([0 * intercept, intercept])
    kernel = np.zeros((coefficients.shape[1], num_classes))
    bias = np.full(num_classes, -1e3)  # of classes without examples: probability 0
    kernel[:, classifier.classes_] = coefficients.T
    bias[classifier.classes_] = intercept
    return kernel, bias


def linear(inputs, num_classes, *, backbone, keeps):
    """Classes of clips, by one straight line on what is kept of their frames' features."""
    pool = layers.GlobalAveragePooling2D(name="pool")
    x = models.each_frame(inputs["rgb"], [backbone, pool])  # (batch, time, channels)
    mean, first, last = ops.mean(x, axis=1), x[:, 0], x[:, -1]  # (batch, channels) each
    step = ops.cumsum(ops.ones_like(x), axis=1)  # 1, 2, …, time
    half = ops.sign(2 * step - 1 - ops.max(step, axis=1, keepdims=True))  # −1 early, 1 late
    late_minus_early = 2 * ops.mean(half * x, axis=1)  # of the averages of the halves
    kept = {
        "mean": [mean],
        "last": [last],
        "first-last": [first, last],
        "difference": [mean, late_minus_early],
    }[keeps]
    x = ops.concatenate(kept, axis=-1)  # (batch, channels) or (batch, 2 · channels)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


TITLES = {
    "mean": "Linear probe on the mean over the frames, blind to their order",
    "last": "Linear probe on the last frame alone",
    "first-last": "Linear probe on the first and the last frame",
    "difference": "Linear probe on the mean, and the late half minus the early half",
}
for keeps, title in TITLES.items():
    recipe(
        f"linear-{keeps}",
        title=title,
        source="a plain baseline, no system of the literature",
        backbone="inceptionv3",
        weights="imagenet",
        inputs={"rgb": Rgb(Uniform(16), 299, clip=True)},
        phases=[Phase(trainable="none", solver=logistic_regression)],
        options={"keeps": keeps},
        departures=["A line of our own to measure the systems of the literature by."],
    )(linear)
