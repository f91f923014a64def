"""What runs are forked off; that they are is seen in `test_live_platform.py`."""

import subprocess
import sys

import pytest

LOAD_AND_COUNT_THREADS = """
import os
import orf_books.definitions
import orf_books.dagster_internals.run_imports
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.slow
def test_nothing_that_is_loaded_before_runs_starts_a_thread() -> None:
    counted = subprocess.run(
        [sys.executable, "-c", LOAD_AND_COUNT_THREADS], check=True, capture_output=True, text=True
    )
    assert int(counted.stdout) == 1
