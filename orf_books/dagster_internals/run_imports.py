"""What every run needs, loaded before runs: the process that imports this is forked for each.

Belongs here: modules that start no thread, because a process with threads must not be forked; so
polars is not here. Does not belong here: forking (`code_server.py`).
"""

import gc

import dagster._grpc.server
import httpx
import jinja2

import orf_books.definitions

__all__ = ["dagster", "httpx", "jinja2", "orf_books"]

# They live to the end: no run looks through them for garbage, and their memory stays shared.
gc.freeze()
