"""The assets of recorded readings."""
