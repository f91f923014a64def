"""Dagster assets, thin: fetch, call the domain, store, attach metadata."""

OWNERS = ["team:data-engineering"]
"""Who answers for the assets, as Dagster's page shows it."""
