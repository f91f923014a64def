"""Whether the tests notice a defect: one-token changes to the code, and the tests that hold it.

`make mutate` draws changes from a seed, runs for each the test files of its module, and writes the
table in `docs/mutation.md`. `python -m mutation batches/claims books/isbn --seed 3` looks at some
modules only, and prints what survives.
"""
