"""What the platform costs in time and memory, against its budgets and against a baseline.

`python -m benchmarks` runs everything, `python -m benchmarks.<name>` one benchmark. Each prints a
table: what was measured, the budget it has on two cores, a baseline measured in the same run, and
how many times better than the baseline it is. Nothing here passes or fails: times depend on the
machine, which is why the baseline stands beside them.
"""
