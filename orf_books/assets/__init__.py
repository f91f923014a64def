"""Dagster assets, thin: fetch, call the domain, store, attach metadata."""
