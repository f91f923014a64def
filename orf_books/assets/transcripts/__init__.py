"""The assets of class sessions."""
