"""Run the benchmarks named, or all: ``python -m tests.benchmarks [task …]``."""

import argparse
import importlib
import json
import os
from pathlib import Path

from tests.benchmarks.turns import ratios
from vidlab.files import replacing

TASKS = {
    "decode": ("decode", ()),
    "flow": ("flow", ()),
    "features.mobilenetv2": ("features", ("mobilenetv2", "float32")),
    "features.mobilenetv2.fast": ("features", ("mobilenetv2", "fast")),
    "features.inceptionv3": ("features", ("inceptionv3", "float32")),
    "features.inceptionv3.fast": ("features", ("inceptionv3", "fast")),
    "cam": ("cam", ("frames",)),
    "cam.clip": ("cam", ("clip",)),
    "training.scratch": ("training", ("scratch",)),
    "training.frozen": ("training", ("frozen",)),
    "memory": ("memory", ()),
}
"""Which module measures a task, and with which options."""

RESULTS = Path(__file__).resolve().parents[2] / "runs" / "bench" / "bench.json"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("task", nargs="*", help=f"one of {', '.join(TASKS)}; all without any")
    chosen = parser.parse_args(arguments).task or list(TASKS)
    unknown = [task for task in chosen if task not in TASKS]
    if unknown:
        parser.error(f"no task {', '.join(unknown)}; there are {', '.join(TASKS)}")
    # Bars and remarks of TensorFlow would end up between the lines of the table.
    os.environ["VIDLAB_QUIET"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1", "3"
    print(f"{'task':27}{'method':19}{'videos/s':>9}   vidlab is", flush=True)
    for task in chosen:
        module, options = TASKS[task]
        results = importlib.import_module(f"tests.benchmarks.{module}").measure(*options)
        keep(task, results)
        print("\n".join(rows(task, results)), flush=True)
    print(f"kept in {RESULTS}")


def keep(task, results):
    """Put the results of one task in place of its earlier ones; the file is whole at any time."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    kept[task] = results
    if not results:  # left out on this machine
        del kept[task]
    with replacing(RESULTS) as temporary:
        temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def rows(task, results):
    """Give the lines of the table that a task fills."""
    if task == "memory":
        ((method, peaks),) = results.items()
        first = next(iter(peaks.values()))
        for count, peak in peaks.items():
            yield f"{task:27}{method:19}{peak:6.0f} MB   for {count} videos, {peak / first:.2f}×"
        return
    for method, ratio in ratios(results).items():
        unit = "   frames/s" if TASKS[task][0] in ("cam", "training") else ""
        unit = "   pairs/s" if task == "flow" else unit
        yield f"{task:27}{method:19}{results[method]:9.2f}   {ratio:.2f}×{unit}"


if __name__ == "__main__":
    main()
