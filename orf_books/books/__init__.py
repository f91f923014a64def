"""The books domain, pure: exports, metadata, genres, libraries. No Dagster, no HTTP client."""
