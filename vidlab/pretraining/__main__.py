"""Trains the shipped weights and writes them into the package, with the note beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vidlab.models import backbones
from vidlab.models.backbones.specs import spec
from vidlab.pretraining.training import STAGES, train

__all__ = ["main"]


BACKBONES = ("residual", "residual-0.25")


def _note(scores: dict[str, pd.DataFrame], *, count: int, held_out: int) -> str:
    table = pd.DataFrame({name: own["accuracy"] for name, own in scores.items()})
    table.insert(0, "chance", next(iter(scores.values()))["chance"])
    table = table.groupby(table.index.str.split(" towards|:").str[0], sort=False).mean()
    rows = "\n".join(
        f"| {kind} | {' | '.join(f'{share:.3f}' for share in row)} |"
        for kind, row in zip(table.index, table.to_numpy(), strict=True)
    )
    files = " and ".join(f"`{spec(name).pantomime.name}`" for name in scores)
    seen = ", then ".join(f"{stage.epochs} times at {stage.size} pixels" for stage in STAGES)
    return f"""# The shipped weights

{files}: the small residual network
of `vidlab.backbones`, whole and with a quarter of its channels, in half precision, made by
`python -m vidlab.pretraining` on {count:,} drawn still pictures, each seen
{seen}.
The stills show bodies in random poses with random things in random places; none is a frame of a
Pantomime video, and no action is a target. Targets are which thing there is, attributes of the body
and the place, and where in the picture the thing and the joints are.

The weights stand in for ImageNet's where nothing can be downloaded. They have seen drawings only:
do not expect them to help on photographs.

On {held_out:,} held-out stills of other scenes (one target of each kind, or the mean over the
kind's binary attributes; chance is always predicting the commonest value):

| target | chance | {" | ".join(scores)} |
|---|---|{"---|" * len(scores)}
{rows}
"""


def main() -> None:
    """Train, write the weights files and the note beside them."""
    count, held_out = 30_000, 2_000
    scores = {}
    for name in BACKBONES:
        backbone, scores[name] = train(count=count, held_out=held_out, backbone=name)
        file = backbones.save_weights(backbone, spec(name).pantomime)
        print(scores[name].round(3).to_string())
        print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")
    note = _note(scores, count=count, held_out=held_out)
    Path(file.parent, "README.md").write_text(note, encoding="utf-8")


if __name__ == "__main__":
    main()
