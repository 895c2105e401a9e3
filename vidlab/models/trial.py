"""Runs a LiteRT file, from standard input, on zeros: in a process of its own.

LiteRT checks most of a file, but one whose parts do not fit together can end the process that runs
it, or have it fill the memory.
"""

from __future__ import annotations

import sys

import numpy as np

__all__ = ["main"]

_MEMORY = 4 << 30  # bytes


def main() -> None:
    """Run the file, or raise what LiteRT raises of it."""
    from ai_edge_litert.interpreter import Interpreter

    if sys.platform == "linux":  # elsewhere the size of the memory cannot be limited
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    interpreter = Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
    interpreter.allocate_tensors()
    for given in interpreter.get_input_details():
        interpreter.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
    interpreter.invoke()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, RuntimeError, MemoryError) as error:
        print(error or "it takes too much memory.")
        sys.exit(1)
