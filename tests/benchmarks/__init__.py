"""What costs how much: measurements that are run by hand (`make bench`), not with the tests.

Each module measures one thing: `measure()` gives {method: result} and prints a table. The results
are kept in ``runs/bench/bench.json`` as {task: {method: result}}.
"""
