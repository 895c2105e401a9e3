"""Videos on disk, the index of them, which frames are read, and the batches a model is given."""

__all__: list[str] = []
