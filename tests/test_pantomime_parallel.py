import operator
import os
from functools import partial
from pathlib import Path

import pytest

from vidlab.errors import DatasetError
from vidlab.pantomime.parallel import process_map


def test_results_are_those_of_map_in_its_order():
    items = list(range(40))
    found = process_map(partial(operator.mul, 3), items, jobs=3)
    assert list(found) == [3 * item for item in items]


def test_the_work_is_done_by_other_processes():
    pids = set(process_map(operator.methodcaller("__call__"), [os.getpid] * 40, jobs=2))
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_what_is_printed_is_no_result(capfd):
    assert list(process_map(print, ["a", "b"], jobs=1)) == [None, None]
    assert capfd.readouterr() == ("", "a\nb\n")


def test_an_error_is_raised_here_with_the_place_it_came_from(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        list(process_map(Path.read_bytes, [tmp_path / "nothing"], jobs=2))
    assert "nothing" in str(raised.value)
    assert "pathlib" in raised.value.__notes__[0]


def test_a_process_that_ends_early_is_named_with_the_remedy():
    with pytest.raises(DatasetError, match=r"ended early.*jobs=1"):
        list(process_map(os._exit, [3] * 5, jobs=2))
