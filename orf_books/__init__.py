"""orf_books: from raw uploads to per-item results. Importing it has no side effect."""

__version__ = "0.1.0"
