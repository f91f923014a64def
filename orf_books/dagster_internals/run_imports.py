"""Loaded last in the process that is forked for each run, after the code of the code server.

Belongs here: what most runs need beside their code. It must not start a thread, because a process
with threads must not be forked; so polars is not here. Does not belong here: forking
(`code_server.py`).
"""

import gc

import dagster._grpc.server
import httpx
import jinja2

__all__ = ["dagster", "httpx", "jinja2"]

# They live to the end: no run looks through them for garbage, and their memory stays shared.
gc.freeze()
