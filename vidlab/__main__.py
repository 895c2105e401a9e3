"""Run the command line as a module: ``python -m vidlab``.

Takes the arguments of the interpreter; gives them to `cli`.
"""

from vidlab.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
