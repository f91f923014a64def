"""Readers' exports: what services write when a reader downloads a library, read into entries."""
