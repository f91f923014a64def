"""The attacks, one module for each kind of bad day."""
