"""Trains the shipped weights and writes them into the package, with the note beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vidlab.models import backbones
from vidlab.pretraining.training import STAGES, train

__all__ = ["main"]


def _note(scores: pd.DataFrame, *, file_name: str, count: int, held_out: int) -> str:
    kinds = scores.groupby(scores.index.str.split(" towards|:").str[0], sort=False).mean()
    rows = "\n".join(
        f"| {kind} | {numbers.chance:.3f} | {numbers.accuracy:.3f} |"
        for kind, numbers in kinds.iterrows()
    )
    seen = ", then ".join(f"{stage.epochs} times at {stage.size} pixels" for stage in STAGES)
    return f"""# The shipped weights

`{file_name}`: the small residual network
of `vidlab.backbones`, in half precision, made by
`python -m vidlab.pretraining` on {count:,} drawn still pictures, each seen
{seen}.
The stills show bodies in random poses with random things in random places; none is a frame of a
Pantomime video, and no action is a target. Targets are which thing there is, attributes of the body
and the place, and where in the picture the thing and the joints are.

The weights stand in for ImageNet's where nothing can be downloaded. They have seen drawings only:
do not expect them to help on photographs.

On {held_out:,} held-out stills of other scenes (one target of each kind, or the mean over the
kind's binary attributes; chance is always predicting the commonest value):

| target | chance | accuracy |
|---|---|---|
{rows}
"""


def main() -> None:
    """Train, write the weights file and the note beside it."""
    count, held_out = 30_000, 2_000
    backbone, scores = train(count=count, held_out=held_out)
    file = backbones.save_weights(backbone, backbones.PANTOMIME_WEIGHTS)
    note = _note(scores, file_name=file.name, count=count, held_out=held_out)
    Path(file.parent, "README.md").write_text(note, encoding="utf-8")
    print(scores.round(3).to_string())
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
