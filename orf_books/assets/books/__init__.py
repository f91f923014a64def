"""The assets of libraries and their books."""
