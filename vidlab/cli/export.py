"""``vidlab export``: a trained recipe as a file that runs without vidlab, and its script."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlab.cli.console import relative
from vidlab.cli.options import of_a_run
from vidlab.errors import ModelError

if TYPE_CHECKING:
    from vidlab.data.streams import Rgb
    from vidlab.evaluation.runs import RunFolder

__all__ = ["export"]

_EXAMPLES = 48  # videos from which the ranges of activations are learned

_SCRIPT = Template('''\
"""What is done in a video? python $script VIDEO, with numpy, opencv-python and $package."""

import sys
from pathlib import Path

import cv2
import numpy as np
$imports

CLASSES = $classes
COUNT, HEIGHT, WIDTH = $count, $height, $width

video = cv2.VideoCapture(sys.argv[1])
frames = [frame for read, frame in iter(video.read, (False, None))]
middles = [(2 * part + 1) * len(frames) // (2 * COUNT) for part in range(COUNT // 2 + COUNT % 2)]
numbers = [*middles, *(len(frames) - 1 - n for n in middles[: COUNT // 2][::-1])]
shrinks = sorted((frames[0].shape[0] / HEIGHT, frames[0].shape[1] / WIDTH))
how = cv2.INTER_AREA if shrinks[0] >= 1 and shrinks[1] > 1.5 else cv2.INTER_LINEAR
clip = np.stack([cv2.resize(frames[n], (WIDTH, HEIGHT), interpolation=how) for n in numbers])
clip = np.ascontiguousarray(clip[..., ::-1])  # red first, 0 to 255
$compute
probabilities = np.mean([compute(one[None]) for one in $inputs], axis=0)
for number in probabilities.argsort()[:-4:-1]:
    print(f"{CLASSES[number]} {probabilities[number]:.4f}")
''')
_LITERT = {
    "package": "ai-edge-litert",
    "imports": "from ai_edge_litert.interpreter import Interpreter",
    "compute": """
model = Interpreter(str(Path(__file__).with_name("$file")))
model.allocate_tensors()
(given,), (made,) = model.get_input_details(), model.get_output_details()


def compute(batch):
    model.set_tensor(given["index"], batch)
    model.invoke()
    return model.get_tensor(made["index"])[0]

""",
}
_OPENVINO = {
    "package": "openvino",
    "imports": "import openvino",
    "compute": """
model = openvino.compile_model(
    Path(__file__).with_name("$file"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
)


def compute(batch):
    return model(batch)[0][0]

""",
}


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
    from vidlab.course.lab import Lab
    from vidlab.files import replacing, write_text
    from vidlab.models.export import to_litert, to_openvino

    lab = Lab(**which)
    run = lab.run(recipes.get(recipe).name)
    stream = _only_stream(run)
    examples = _examples(run, lab.split()[0].paths) if int8 else None
    model, shapes = run.model(), [_shape(stream)]
    name = f"{run.recipe['recipe']}-{format}{'-int8' if int8 else ''}"
    as_litert = format == "litert" or int8
    data = to_litert(model, examples, shapes=shapes) if as_litert else None
    if format == "litert":
        files = [out / f"{name}.tflite"]
        with replacing(files[0]) as temporary:
            temporary.write_bytes(data)
    else:
        graph = to_openvino(data or model, [((1, *shapes[0]), "uint8")])
        import openvino

        files = [out / f"{name}.xml", out / f"{name}.bin"]
        out.mkdir(parents=True, exist_ok=True)
        openvino.save_model(graph, files[0], compress_to_fp16=False)
    file, script = files[0], out / f"{name}.py"
    write_text(script, _script(run, stream, file=file.name, script=script.name, format=format))
    size = sum(one.stat().st_size for one in files)
    typer.echo(f"Written: {relative(file)} ({size / 1e6:,.2f} MB) and {relative(script)}")
    if int8:
        same = _agreeing(model, data, examples)
        typer.echo(f"The same class as in 32 bits for {same} of {len(examples)} training inputs.")


def _only_stream(run: RunFolder) -> Rgb:
    """Return what the model takes, if a script of a few lines can give it that."""
    from vidlab.data.sampling import Uniform
    from vidlab.data.streams import Flow

    streams, record = run.streams(), run.recipe["config"]
    (stream, *more) = streams.values()
    if more or isinstance(stream, Flow) or not isinstance(stream.at_test, Uniform):
        raise ModelError(
            "Expected a recipe that looks at pictures, spread evenly over the video. Received: "
            f"{run.recipe['recipe']} with {', '.join(map(str, streams.values()))}. Convert its "
            "model yourself: vidlab.models.export.to_litert(run.model(), …)"
        )
    if record["aggregation"] != "mean":
        raise ModelError(
            f"Expected a recipe that averages over frames. Received: {run.recipe['recipe']}, which "
            f"takes the {record['aggregation']}. Export one that averages, such as frame-finetuned."
        )
    return stream


def _shape(stream: Rgb) -> tuple[int, ...]:
    frame = (*stream.size, 3)
    return (stream.at_test.count, *frame) if stream.clip else frame


def _examples(run: RunFolder, paths: list[Path]) -> list[list]:
    """Read what the model takes of some training videos: a clip, or a frame, of each."""
    from vidlab.data import video
    from vidlab.data.sampling import choose
    from vidlab.evaluation.timeline import VideoPredictor

    predictor = VideoPredictor.of_run(run)
    found = []
    for path in paths[:: max(1, len(paths) // _EXAMPLES)]:
        info = video.probe(path)
        numbers = choose(predictor.sampling, info)
        (frames,) = predictor.inputs(path, numbers).values()
        clip = next(iter(predictor.streams.values())).clip
        found.append([frames if clip else frames[len(frames) // 2]])
    return found


def _agreeing(model, data: bytes, examples: list[list]) -> int:
    """Count the examples of which both name the same class."""
    import numpy as np

    from vidlab.models.litert import from_litert

    small = from_litert(data)
    pairs = [(m.predict_on_batch(e[0][None]).argmax() for m in (model, small)) for e in examples]
    return int(np.sum([first == second for first, second in pairs]))


def _script(run: RunFolder, stream: Rgb, *, file: str, script: str, format: str) -> str:
    texts = _LITERT if format == "litert" else _OPENVINO
    height, width = stream.size
    return _SCRIPT.substitute(
        package=texts["package"],
        imports=texts["imports"],
        compute=Template(texts["compute"]).substitute(file=file).rstrip("\n") + "\n\n",
        classes=repr(run.predictions.classes),
        count=stream.at_test.count,
        height=height,
        width=width,
        inputs="[clip]" if stream.clip else "clip",
        script=script,
    )
