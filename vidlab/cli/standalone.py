"""What is done in a video? Without vidlab: numpy, opencv-python, and ai-edge-litert or openvino.

`vidlab export` copies this file beside a model (``.tflite`` or ``.xml``) of the same name and what
it has to be given (``.json``). Use: python NAME.py VIDEO
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np

__all__ = ["load", "main", "read"]


def load(model):
    """Return what computes probabilities, (classes,), from one frame or clip of pixels."""
    if model.suffix == ".xml":
        import openvino

        exactly = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.compile_model(model, "CPU", exactly)
        return lambda pixels: compiled(pixels[None])[0][0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()

    def compute(pixels):
        interpreter.set_tensor(given["index"], pixels[None])
        interpreter.invoke()
        return interpreter.get_tensor(made["index"])[0]

    return compute


def read(video, count, height, width):
    """Read `count` frames spread evenly over a video: uint8, (count, height, width, 3), RGB."""
    capture = cv2.VideoCapture(video)
    frames = [frame for read, frame in iter(capture.read, (False, None))]
    middles = [(2 * part + 1) * len(frames) // (2 * count) for part in range((count + 1) // 2)]
    numbers = [*middles, *(len(frames) - 1 - number for number in middles[: count // 2][::-1])]
    shrinks = sorted((frames[0].shape[0] / height, frames[0].shape[1] / width))
    how = cv2.INTER_AREA if shrinks[0] >= 1 and shrinks[1] > 1.5 else cv2.INTER_LINEAR
    clip = [cv2.resize(frames[n], (width, height), interpolation=how) for n in numbers]
    return np.ascontiguousarray(np.stack(clip)[..., ::-1])


def main():
    """Print the three most probable classes."""
    name = Path(__file__)
    takes = json.loads(name.with_suffix(".json").read_text(encoding="utf-8"))
    compute = load(name.with_name(takes["model"]))
    frames = read(sys.argv[1], takes["frames"], *takes["size"])
    probabilities = np.mean([compute(one) for one in ([frames] if takes["clip"] else frames)], 0)
    for number in probabilities.argsort()[:-4:-1]:
        print(f"{takes['classes'][number]} {probabilities[number]:.4f}")


if __name__ == "__main__":
    main()
