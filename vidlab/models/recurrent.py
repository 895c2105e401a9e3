"""Recurrent networks: on the pixels of a clip, and as heads on the features of its frames.

Takes nothing but sizes; gives classifiers of clips to `recipes`, and heads to `assembly` and to
training on stored features.

A head reads (batch, time, features) and skips every step that is zero throughout, so that videos
of different lengths fit into one batch. Its recurrent layer is written as a cell and the loop
around it, ``RNN(GRUCell(units))``, the same computation as ``GRU(units)``: the cell is what
`streaming` runs step by step, and the loop takes masks on every device, which the closed kernels
of GPUs do not.
"""

from __future__ import annotations

import keras
from keras import layers

from vidlab.errors import ModelError

__all__ = [
    "convgru_head",
    "lstm_head",
    "pixel_rnn_classifier",
    "recurrent_head",
    "single_head",
]

_CELLS = {"gru": layers.GRUCell, "lstm": layers.LSTMCell}

# Keras' own 0.99 needs hundreds of batches until its statistics are those of the data; a training
# on few videos would be judged on its initial values.
_MOMENTUM = 0.9


def pixel_rnn_classifier(
    num_classes: int, *, cell: str = "gru", size: tuple[int, int] = (50, 50), units: int = 512
) -> keras.Model:
    """Classify clips from their bare pixels: every frame one long vector, read in both directions.

    On 50×50 pixels and 101 classes it has 24,722,533 parameters with GRU cells and 32,924,773 with
    LSTM cells, the "25M" and "33M" of Newman 2020, *Video classification using deep learning* (MSc,
    Stellenbosch). One direction would give half as many.

    Parameters
    ----------
    num_classes
        How many classes there are, at least 2.
    cell
        ``"gru"`` (Cho et al. 2014) or ``"lstm"`` (Hochreiter & Schmidhuber 1997).
    size
        Height and width of the frames in pixels.
    units
        Length of the state, in each direction.

    Returns
    -------
    keras.Model
        Input ``float32`` (``uint8`` is cast), (batch, time, height, width, 3), 0..255, clips of
        any length but without padding; output ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the cell is unknown.
    """
    _check(num_classes, cell)
    height, width = size
    kinds = {"gru": layers.GRU, "lstm": layers.LSTM}
    clips = keras.Input((None, height, width, 3), name="clips")
    x = layers.Rescaling(1 / 255, name="preprocessing")(clips)
    x = layers.Reshape((-1, height * width * 3), name="pixels")(x)  # (batch, time, pixels)
    x = layers.Bidirectional(kinds[cell](units), name=cell)(x)  # (batch, 2 · units)
    return _classifier(clips, x, num_classes, name=f"{cell}_on_pixels")


def convgru_head(
    features: int, num_classes: int, *, cell: str = "gru", units: int = 512
) -> keras.Model:
    """Classify sequences of features: recurrent layer, batch normalisation, softmax.

    On 2,048 features and 101 classes it has 3,989,093 parameters; with InceptionV3 before it
    25,791,877, the "26M" of Newman 2020, *Video classification using deep learning* (MSc,
    Stellenbosch).

    Parameters
    ----------
    features
        Length of a frame's feature vector.
    num_classes
        How many classes there are, at least 2.
    cell
        ``"gru"`` or ``"lstm"``.
    units
        Length of the state.

    Returns
    -------
    keras.Model
        Input ``float32``, (batch, time, features), any length, steps of zeros are skipped; output
        ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the cell is unknown.
    """
    _check(num_classes, cell)
    steps, x = _read(features, cell, units=units)
    x = layers.BatchNormalization(momentum=_MOMENTUM, name="batchnorm")(x)
    return _classifier(steps, x, num_classes, name="convgru_head")


def lstm_head(
    features: int,
    num_classes: int,
    *,
    cell: str = "lstm",
    units: int = 1024,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Classify sequences of features: recurrent layer with dropout, dropout, softmax.

    On 1,024 features and 101 classes it has 8,496,229 parameters. From the thesis *Video
    classification on UCF-101 with CNN and CNN+LSTM*.

    Parameters
    ----------
    features
        Length of a frame's feature vector.
    num_classes
        How many classes there are, at least 2.
    cell
        ``"lstm"`` or ``"gru"``.
    units
        Length of the state.
    input_dropout
        The share of features dropped while training, the same ones at every step, 0..1.
    dropout
        The share of the last state dropped while training, 0..1.

    Returns
    -------
    keras.Model
        Input ``float32``, (batch, time, features), any length, steps of zeros are skipped; output
        ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the cell is unknown.
    """
    _check(num_classes, cell)
    steps, x = _read(features, cell, units=units, dropout=input_dropout)
    x = layers.Dropout(dropout, name="dropout")(x)
    return _classifier(steps, x, num_classes, name="lstm_head")


def recurrent_head(
    features: int,
    num_classes: int,
    *,
    cell: str = "gru",
    units: int | None = None,
    dense: int = 512,
    dropout: float = 0.5,
) -> keras.Model:
    """Classify sequences of features: recurrent layer, then the layers of `single_head`.

    Chiche 2019, *Memory and computation-efficient CNN* (MSc, Politecnico di Milano).

    Parameters
    ----------
    features
        Length of a frame's feature vector.
    num_classes
        How many classes there are, at least 2.
    cell
        ``"gru"`` or ``"lstm"``.
    units
        Length of the state; as many as there are features when left out.
    dense
        Units of the dense layer after it.
    dropout
        The share of values dropped while training, 0..1, both of the features and before the
        softmax.

    Returns
    -------
    keras.Model
        Input ``float32``, (batch, time, features), any length, steps of zeros are skipped; output
        ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the cell is unknown.
    """
    _check(num_classes, cell)
    steps, x = _read(features, cell, units=units or features, dropout=dropout)
    x = layers.BatchNormalization(momentum=_MOMENTUM, name="batchnorm")(x)
    x = _dense(x, dense, dropout)
    return _classifier(steps, x, num_classes, name="recurrent_head")


def single_head(
    features: int, num_classes: int, *, dense: int = 512, dropout: float = 0.5
) -> keras.Model:
    """Classify the features of a single frame, the measure of what a recurrent layer adds.

    Chiche 2019, *Memory and computation-efficient CNN* (MSc, Politecnico di Milano).

    Parameters
    ----------
    features
        Length of a frame's feature vector.
    num_classes
        How many classes there are, at least 2.
    dense
        Units of the dense layer.
    dropout
        The share of values dropped before the softmax while training, 0..1.

    Returns
    -------
    keras.Model
        Input ``float32``, (batch, features); output ``float32``, (batch, num_classes),
        probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes.
    """
    _check(num_classes)
    vectors = keras.Input((features,), name="features")
    return _classifier(vectors, _dense(vectors, dense, dropout), num_classes, name="single_head")


def _read(
    features: int, cell: str, *, units: int, dropout: float = 0.0
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Read a sequence; give its input and the state after its last step that is not zero."""
    steps = keras.Input((None, features), name="features")
    x = layers.Masking(0.0, name="skip_zeros")(steps)
    return steps, layers.RNN(_CELLS[cell](units, dropout=dropout), name=cell)(x)  # (batch, units)


def _dense(x: keras.KerasTensor, units: int, dropout: float) -> keras.KerasTensor:
    x = layers.Dense(units, name="linear")(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM, name="batchnorm_linear")(x)
    x = layers.LeakyReLU(0.3, name="leaky_relu")(x)
    return layers.Dropout(dropout, name="dropout")(x)


def _classifier(
    inputs: keras.KerasTensor, x: keras.KerasTensor, num_classes: int, *, name: str
) -> keras.Model:
    probabilities = layers.Dense(num_classes, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, probabilities, name=name)


def _check(num_classes: int, cell: str = "gru") -> None:
    if num_classes < 2:
        raise ModelError(
            f"Expected at least 2 classes. Received: num_classes={num_classes}. "
            "Choose a dataset with more classes."
        )
    if cell not in _CELLS:
        raise ModelError(
            f"Expected a cell out of {', '.join(_CELLS)}. Received: {cell!r}. Correct the name."
        )
