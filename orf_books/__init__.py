"""orf_books: from raw uploads to per-item results. Importing it has no side effect."""
