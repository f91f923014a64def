"""What anybody can read in a store: its keys, its objects, and the rows of its tables."""

import polars as pl

from orf_books.resources.storage import ObjectStorage

DAGSTER = "dagster/"
"""Dagster's own files, which lie in the same folder by default."""


def stored_texts(storage: ObjectStorage) -> dict[str, str]:
    """By key, every object with its key; of tables also the rows, which are compressed."""
    found = {}
    for stored in storage.list(""):
        if not stored.key.startswith(DAGSTER):
            content = storage.get(stored.key)
            is_data = stored.key.endswith(".parquet")
            rows = str(pl.read_parquet(content).to_dicts()) if is_data else ""
            found[stored.key] = f"{stored.key} {content.decode(errors='replace')} {rows}"
    return found


def objects_mentioning(storage: ObjectStorage, *texts: str) -> set[tuple[str, str]]:
    """Keys of objects in which one of these texts stands, and the text."""
    found = stored_texts(storage)
    return {(key, text) for key, content in found.items() for text in texts if text in content}
