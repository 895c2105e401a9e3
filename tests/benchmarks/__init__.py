"""What costs how much: measurements that are run by hand (`make bench`), not with the tests.

``python -m tests.benchmarks`` measures every task, ``python -m tests.benchmarks decode`` one of
them, and prints a table: videos per second of every method, for the task ``cam`` frames per second,
and how many times as fast vidlab is. The same numbers are kept in ``runs/bench/bench.json`` as
{task: {method: videos per second}}; for the task ``memory`` as {task: {"vidlab": {number of videos:
megabytes}}}.

Methods of one task take turns, so that a machine that is busy for a while slows down all of them,
and the median of the rounds counts. All of it takes ten minutes on two cores.
"""
