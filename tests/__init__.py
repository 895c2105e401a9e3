"""A package, so that `tests.benchmarks` is found here and not in a package of the same name."""
