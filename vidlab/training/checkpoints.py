"""Checkpoints: everything an interrupted training needs to go on, in one file."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from vidlab.files import is_whole, replacing, seal

__all__ = ["Checkpoint"]


@dataclass
class Checkpoint:
    """How far a training has come; its file holds that, all variables and the best weights."""

    file: Path | None
    key: str
    phase: int = 0
    epoch: int = 0  # finished, within the phase
    best: float = float("inf")  # validation loss
    waited: int = 0  # epochs since it was best
    history: list[dict] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path | None, key: str) -> Checkpoint:
        """Return how far this very training came; a fresh start where it never began."""
        if file is not None and file.is_file():
            if not is_whole(file):
                warnings.warn(
                    f"vidlab: {file} is damaged, so the training begins anew.", stacklevel=3
                )
                return cls(file, key)
            with np.load(file) as found:
                progress = json.loads(found["progress"].item())
            if progress["key"] == key:
                return cls(file, **progress)
        return cls(file, key)

    def write(self, model: keras.Model, optimizer: keras.Optimizer, best: list[np.ndarray]) -> None:
        """Write how far the training came; the file is there whole or not at all."""
        if self.file is None:
            return
        variables = [*model.variables, *optimizer.variables]
        progress = asdict(self)
        del progress["file"]
        with replacing(self.file) as temporary:
            np.savez(
                temporary,
                progress=json.dumps(progress),
                **{f"last_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)},
                **{f"best_{i}": array for i, array in enumerate(best)},
            )
            seal(temporary)

    def restore(
        self, model: keras.Model, optimizer: keras.Optimizer | None = None
    ) -> list[np.ndarray]:
        """Set the variables of a model and its optimizer; return the best weights so far."""
        variables = [*model.variables, *(optimizer.variables if optimizer else [])]
        with np.load(self.file) as found:
            for i, variable in enumerate(variables):
                variable.assign(found[f"last_{i}"])
            return [found[f"best_{i}"] for i in range(len(model.weights))]
