"""Checkpoints: everything an interrupted training needs to go on, in one file."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path

import keras
import numpy as np

from vidlab.files import is_whole, replacing, seal

__all__ = ["Checkpoint", "Progress"]


@dataclasses.dataclass
class Progress:
    """How far a training has come; with the weights, what a checkpoint holds."""

    key: str
    phase: int = 0
    epoch: int = 0  # finished, within the phase
    best: float = float("inf")  # validation loss
    waited: int = 0  # epochs since it was best
    history: list[dict] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Checkpoint:
    """One file with everything needed to go on: progress, variables, best weights."""

    file: Path | None

    def write(
        self,
        progress: Progress,
        model: keras.Model,
        optimizer: keras.Optimizer,
        best: list[np.ndarray],
    ) -> None:
        """Write how far a training came; the file is there whole or not at all."""
        if self.file is None:
            return
        variables = [*model.variables, *optimizer.variables]
        with replacing(self.file) as temporary:
            np.savez(
                temporary,
                progress=json.dumps(dataclasses.asdict(progress)),
                **{f"last_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)},
                **{f"best_{i}": array for i, array in enumerate(best)},
            )
            seal(temporary)

    def progress(self, key: str) -> Progress:
        """Return how far this very training came; a fresh start where it never began."""
        if self.file is not None and self.file.is_file():
            if not is_whole(self.file):
                warnings.warn(
                    f"vidlab: {self.file} is damaged, so the training begins anew.", stacklevel=3
                )
                return Progress(key)
            with np.load(self.file) as found:
                progress = Progress(**json.loads(found["progress"].item()))
            if progress.key == key:
                return progress
        return Progress(key)

    def restore(
        self, model: keras.Model, optimizer: keras.Optimizer | None = None
    ) -> list[np.ndarray]:
        """Set the variables of a model and its optimizer; return the best weights so far."""
        variables = [*model.variables, *(optimizer.variables if optimizer else [])]
        with np.load(self.file) as found:
            for i, variable in enumerate(variables):
                variable.assign(found[f"last_{i}"])
            return [found[f"best_{i}"] for i in range(len(model.weights))]
