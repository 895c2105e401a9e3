"""``vidlab export``: a trained recipe as a file that runs without vidlab, and its script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlab.cli.options import of_a_run
from vidlab.errors import ModelError
from vidlab.files import relative

if TYPE_CHECKING:
    from vidlab.data.streams import Rgb
    from vidlab.evaluation.runs import RunFolder
    from vidlab.recipes import Recipe

__all__ = ["export"]

_EXAMPLES = 48  # videos from which the ranges of activations are learned


@of_a_run
def export(
    recipe: Annotated[str, typer.Argument(help="A recipe; it is trained first if it was not.")],
    format: Annotated[
        Literal["litert", "openvino"], typer.Option(help="LiteRT is what phones run.")
    ] = "litert",
    int8: Annotated[
        bool, typer.Option("--int8", help="Integers of 8 bits: a quarter of the size.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("exported"),
    *,
    which: dict,
) -> None:
    """Write a trained recipe as a file that runs without vidlab, and a script that runs it.

    With `--int8` the ranges of its activations are learned from training videos, and predictions
    for them are compared with those in 32 bits.

    **Example:** `vidlab export mobilenet-gru --int8`, then
    `python exported/mobilenet-gru-litert-int8.py my.avi`
    """
    from vidlab import recipes
    from vidlab.cli import standalone
    from vidlab.course.lab import Lab
    from vidlab.files import write_text
    from vidlab.models.export import to_litert, to_openvino
    from vidlab.models.litert import from_litert

    lab = Lab(**which)
    stream = _only_stream(lab.recipe(recipes.get(recipe).name))
    run = lab.run(recipes.get(recipe).name)
    sampling, size = stream.at_test, stream.size
    shape = (sampling.count, *size, 3) if stream.clip else (*size, 3)
    examples = _examples(run, lab.split()[0].paths) if int8 else None
    model, name = run.model(), f"{run.recipe['recipe']}-{format}{'-int8' if int8 else ''}"
    data = to_litert(model, examples, shapes=[shape]) if format == "litert" or int8 else None
    out.mkdir(parents=True, exist_ok=True)
    if format == "litert":
        file = weights = out / f"{name}.tflite"
        file.write_bytes(data)
    else:
        import openvino

        file, weights = out / f"{name}.xml", out / f"{name}.bin"
        graph = to_openvino(data or model, [((1, *shape), "uint8")])
        openvino.save_model(graph, file, compress_to_fp16=False)
    takes = {"model": file.name, "frames": sampling.count, "size": size, "clip": stream.clip}
    takes |= {"classes": list(run.predictions.classes)}
    write_text(out / f"{name}.json", json.dumps(takes, ensure_ascii=False, indent=1) + "\n")
    script = write_text(out / f"{name}.py", Path(standalone.__file__).read_text(encoding="utf-8"))
    megabytes = weights.stat().st_size / 1e6
    typer.echo(f"Written: {relative(file)} ({megabytes:,.2f} MB) and {relative(script)}")
    if int8:
        small = from_litert(data)
        pairs = [[one.predict_on_batch(x[None]) for one in (model, small)] for (x,) in examples]
        same = sum(exact.argmax() == rounded.argmax() for exact, rounded in pairs)
        typer.echo(f"The same class as in 32 bits for {same} of {len(examples)} training inputs.")


def _only_stream(recipe: Recipe) -> Rgb:
    """Return what the model takes, if a script of a few lines can give it that."""
    from vidlab.data.sampling import Uniform
    from vidlab.data.streams import Flow

    (stream, *more), shown = recipe.inputs.values(), ", ".join(recipe.inputs)
    is_simple = not more and not isinstance(stream, Flow) and isinstance(stream.at_test, Uniform)
    if not is_simple or recipe.aggregation != "mean":
        raise ModelError(
            "Expected a recipe that looks at pictures, spread evenly over the video, and averages "
            f"over frames. Received: {recipe.name}, which takes {shown} with the sampling "
            f"{stream.at_test} and decides by {recipe.aggregation}. Export another one, such as "
            "frame-finetuned, or convert its model yourself: "
            "vidlab.models.export.to_litert(run.model(), …)"
        )
    return stream


def _examples(run: RunFolder, paths: list[Path]) -> list[list]:
    """Read what the model takes of some training videos: a clip, or a frame, of each."""
    from vidlab.data import video
    from vidlab.data.sampling import choose
    from vidlab.evaluation.timeline import VideoPredictor

    predictor = VideoPredictor.of_run(run)
    found = []
    for path in paths[:: max(1, len(paths) // _EXAMPLES)]:
        numbers = choose(predictor.sampling, video.probe(path))
        ((name, frames),) = predictor.inputs(path, numbers).items()
        found.append([frames if predictor.streams[name].clip else frames[len(frames) // 2]])
    return found
