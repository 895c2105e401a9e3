"""Run the benchmarks named, or all: ``python -m tests.benchmarks [memory] [decode]``."""

import argparse
import importlib
import json
from pathlib import Path

from vidlab.runs import replacing

TASKS = ("memory", "decode")
RESULTS = Path(__file__).resolve().parents[2] / "runs" / "bench" / "bench.json"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("task", nargs="*", choices=(*TASKS, []), metavar="task", help=f"{TASKS}")
    for task in parser.parse_args().task or TASKS:
        keep(task, importlib.import_module(f"tests.benchmarks.{task}").measure())


def keep(task, results):
    """Put the results of one task beside those of the others; the file is whole at any time."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    with replacing(RESULTS) as temporary:
        temporary.write_text(json.dumps({**kept, task: results}, indent=1), encoding="utf-8")
    print(f"kept in {RESULTS}\n")


if __name__ == "__main__":
    main()
