"""Predictions that other tools made, as arrays of a classifier or as a CSV table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd

from vidlab.data.video import SUFFIXES
from vidlab.errors import ResultError

__all__ = ["HOW_TO_WRITE", "checked", "read_csv"]

HOW_TO_WRITE = (
    "Write plain arrays, numpy.savez(file, y_true=…, probabilities=…, classes=…, video_ids=…), or "
    "a CSV table with the columns video_id, true, group if there are any, and one a class."
)
_COLUMNS = {
    "video_ids": ("video_id", "video", "file", "path", "id", "name"),
    "y_true": ("true", "y_true", "label", "class"),
    "groups": ("group", "groups"),
    "ignored": ("", "unnamed: 0", "predicted", "prediction", "y_pred", "split"),
}
_GROUP = re.compile(r"(?i)_(g\d+)_c\d+$")
_OFF = 1e-3  # what probabilities may add up to beside 1


def read_csv(path: Path) -> dict[str, Any]:
    """Read a table with a row a video and a column a class, as arguments of `checked`."""
    header = path.read_text(encoding="utf-8-sig").partition("\n")[0]
    separator = max(",;\t", key=header.count)
    table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    roles = {
        column: role
        for role, names in _COLUMNS.items()
        for name in names
        for column in table
        if column.strip().lower() == name
    }
    found = {role: table[column] for column, role in reversed(roles.items()) if role != "ignored"}
    if "y_true" not in found:
        raise ResultError(
            f"Expected a column true, with the right class of each video. Received: {path} with "
            f"{', '.join(table)[:500]}. {HOW_TO_WRITE}"
        )
    classes = [column for column in table if column not in roles]
    values = table[classes].apply(pd.to_numeric, errors="coerce")
    for column in classes:
        if values[column].isna().any():
            held = table[column][values[column].isna()].iloc[0]
            raise ResultError(
                f"Expected a probability in every row of a class. Received: {path}, where column "
                f"{column[:200]!r} holds {held[:200]!r}. "
                "Leave out columns that are no class."
            )
    if not set(found["y_true"]) & set(classes):
        classes = [re.sub(r"^(p|prob|proba|probability)[_ ]", "", name) for name in classes]
    return {**found, "probabilities": values, "classes": classes}


def checked(
    y_true: Sequence,
    probabilities: np.ndarray,
    classes: Sequence,
    video_ids: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the arguments of `Predictions` for those of another tool.

    Raises
    ------
    ResultError
        If a label is no class, rows are no probabilities, or a video is there twice.
    """
    names, labels = [str(name) for name in np.asarray(classes)], np.asarray(y_true)
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim == 1 or probabilities.shape[1:] == (1,):  # of the second of two classes
        probabilities = np.column_stack([1 - probabilities.ravel(), probabilities.ravel()])
    known = {name: number for number, name in enumerate(names)}
    if not {str(label) for label in labels} <= known.keys():
        is_index = np.issubdtype(labels.dtype, np.integer) and not any(map(str.isdigit, names))
        if not is_index:
            unknown = next(str(label) for label in labels if str(label) not in known)[:200]
            raise ResultError(
                f"Expected labels out of the classes {', '.join(names)[:500]}. Received: "
                f"{unknown}. Give the names of the right classes, and classes in the order of the "
                "columns."
            )
    else:
        labels = np.array([known[str(label)] for label in labels], np.int64)
    sums = probabilities.sum(axis=1)
    if probabilities.min(initial=0) < 0 or (abs(sums - 1) > _OFF).any():
        worst = int(abs(sums - 1).argmax())
        raise ResultError(
            "Expected probabilities, each row from 0 to 1 and 1 in all. Received: row "
            f"{worst} with a sum of {sums[worst]:.4g}. Give what predict_proba or a softmax gives."
        )
    if video_ids is None:
        video_ids = [f"video {number}" for number in range(len(labels))]
    paths = [PurePath(str(name)) for name in video_ids]
    ids = [path.stem if path.suffix.lower() in SUFFIXES else str(path) for path in paths]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise ResultError(
            f"Expected one row a video. Received: {ids.count(twice)} rows of {twice[:200]}. Take "
            "the mean over the frames or clips of a video: table.groupby(…).mean()."
        )
    in_names = [found[1] if (found := _GROUP.search(name)) else name for name in ids]
    groups = in_names if groups is None else [str(group) for group in groups]
    found = {"video_ids": ids, "groups": groups, "y_true": labels, "classes": names}
    return found | {"probabilities": probabilities, "across_classes": groups != in_names}
