"""Run the command line as a module: ``python -m vidlab``."""

from vidlab.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
