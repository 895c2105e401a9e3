import operator
import os
from functools import partial
from pathlib import Path

import pytest

from vidlab.pantomime.parallel import process_map


def test_results_are_those_of_map_in_its_order():
    items = list(range(40))
    found = process_map(partial(operator.mul, 3), items, jobs=3)
    assert list(found) == [3 * item for item in items]


def test_the_work_is_done_by_other_processes():
    pids = set(process_map(operator.methodcaller("__call__"), [os.getpid] * 40, jobs=2))
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_an_error_is_raised_here(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        list(process_map(Path.read_bytes, [tmp_path / "nothing"], jobs=2))
