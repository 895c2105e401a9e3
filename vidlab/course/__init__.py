"""The course around the package: `Lab` in the notebooks, profiles, the runner of all notebooks."""

__all__: list[str] = []
