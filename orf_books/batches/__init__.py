"""Many items with partial failure: the batch, rounds, claims, and the driver of a step.

Nothing here knows what an item is, so any Dagster project can use it: see
`docs/partial-failure.md`.
"""
