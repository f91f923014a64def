"""The same work as Dagster's own means do it: the baseline of `benchmarks/books.py`."""
