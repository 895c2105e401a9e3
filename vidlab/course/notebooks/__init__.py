"""Notebooks from the outside: find them, hold them to the rules, run them, report.

Takes the ``.ipynb`` files of ``notebooks/`` and a profile; gives executed notebooks and a report
to ``runs/<profile>/``, and the verbs ``run``, ``check`` and ``strip`` to `vidlab.cli`.
"""

from vidlab.course.notebooks.files import Notebook, find, strip
from vidlab.course.notebooks.records import Failure, Record
from vidlab.course.notebooks.rules import check
from vidlab.course.notebooks.running import RunSummary, run

__all__ = ["Failure", "Notebook", "Record", "RunSummary", "check", "find", "run", "strip"]
