"""``vidlab explain``: where in a video a trained recipe looked, as a video and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import one_by_one
from vidlab.cli.options import of_a_run
from vidlab.cli.results import run_path
from vidlab.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

    from vidlab.evaluation.timeline import VideoPredictor

__all__ = ["explain"]

_SMOOTH = 25  # frames a second, at least, where the rate of the video varies


@of_a_run
def explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Video files.")],
    recipe: Annotated[str, typer.Option(help="A recipe that was run, or the folder of a run.")],
    target: Annotated[
        str,
        typer.Option(metavar="CLASS", help="The class to explain; the model's prediction if none."),
    ] = "",
    against: Annotated[
        str, typer.Option(metavar="CLASS", help="Show what speaks for the target more than for it.")
    ] = "",
    method: Annotated[
        str, typer.Option(help="Such as `grad_cam` or `saliency`; what fits the model if none.")
    ] = "",
    layer: Annotated[
        str, typer.Option(help="The layer to explain with; chosen if none is named.")
    ] = "",
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("explained"),
    *,
    which: dict,
) -> None:
    """Show where in videos, and when, a trained recipe found what speaks for a class.

    Writes for each a video with the heat laid over the frames the model was shown, and a picture
    of them with the curve of how much each frame counted. Says whether hiding the hot places lowers
    the score, as it should.

    **Example:** `vidlab explain my.avi --recipe frame-finetuned --target OpenDoor`
    """
    from vidlab.evaluation.runs import RunFolder
    from vidlab.evaluation.timeline import VideoPredictor

    predictor = VideoPredictor.of_run(RunFolder(run_path(recipe, which)))
    label, rival = (_label(name, predictor.classes) for name in (target, against))
    options = {"target": label, "against": rival, "method": method or None, "layer": layer or None}
    one_by_one(files, lambda file, stem: _explain(file, predictor, stem, **options), out=out)


def _explain(
    file: Path,
    predictor: VideoPredictor,
    stem: Path,
    *,
    against: int | None,
    **options: object,
) -> list[Path]:
    """Explain a video; write the explanation of each input of the model, names after `stem`."""
    from vidlab import explanation, plots  # imports Keras
    from vidlab.data import video
    from vidlab.data.sampling import choose
    from vidlab.files import file_name, printable

    classes, name = predictor.classes, predictor.name
    info = video.probe(file)
    indices = choose(predictor.sampling, info)
    frames = video.read_frames(file, indices)
    plots.use_style()
    written, inputs = [], predictor.inputs(file, indices)
    for stream, (model, clip) in explanation.by_input(predictor.model, inputs).items():
        record = explanation.explain(model, clip, against=against, **options)
        typer.echo(f"{printable(str(file))}, {stream}: {record.in_words(classes)}")
        if record.has_evidence:
            check = explanation.agrees_with_deletion(model, clip, record, steps=6, orders=3)
            typer.echo(check.in_words())
        shown = [classes[each] for each in (record.target, against) if each is not None]
        drawn = predictor.streams[stream].pictures(frames, clip)
        strip = plots.heat_strip(
            drawn,
            {f"{' − '.join(shown)}, {record.score:.0%}": record},
            seconds=info.seconds_at(indices),
            title=f"{file.name}: where {name} looked in {stream}, and when",
        )
        path = stem.with_name(file_name(f"{stem.name}-{name}-{stream}-{'-not-'.join(shown)}"))
        written += plots.save(strip, path, formats=("png",))
        covered = plots.overlay(drawn, record.heat)
        rate = info.fps * len(indices) / info.frames  # as long as the video itself
        if info.times is not None:
            covered, rate = _at_constant_rate(covered, info.seconds_at(indices), info.seconds)
        written.append(video.write(path.with_name(f"{path.name}.avi"), covered, fps=rate))
    return written


def _at_constant_rate(frames: np.ndarray, times: np.ndarray, end: float):
    """Repeat frames so that each is shown from its time to the next one's; return also the rate."""
    import numpy as np

    rate = max(_SMOOTH, len(frames) / end)
    shown = np.searchsorted(times, np.arange(0, end, 1 / rate), side="right") - 1
    return frames[shown.clip(0)], rate


def _label(name: str, classes: Sequence[str]) -> int | None:
    """Return the number of a class, None for no name."""
    if not name:
        return None
    if name not in classes:
        raise ModelError(
            f"Expected a class out of {', '.join(classes)}. Received: {name!r}. "
            "Correct the name, or leave the option out."
        )
    return classes.index(name)
