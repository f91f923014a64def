"""`python -m benchmarks`: every benchmark, one table below the other.

Belongs here: which benchmarks there are. Does not belong here: anything that they measure.
"""

import subprocess
import sys

from benchmarks.measuring import end_cleanly_when_stopped

BENCHMARKS = (
    "books",
    "enrichment",
    "partition_events",
    "upload_queue",
    "dashboards",
    "pages",
    "memory",
    "activities",
    "scoring",
    "score_simulation",
    "transcripts",
)


def main() -> None:
    """Run each benchmark in a process of its own, so that none inherits another's memory."""
    end_cleanly_when_stopped()
    for name in BENCHMARKS:
        _run(name)


def _run(name: str) -> None:
    benchmark = subprocess.Popen([sys.executable, "-m", f"benchmarks.{name}"])
    try:
        benchmark.wait()
    finally:
        # It ends its own processes and removes its folders when it is asked to stop.
        benchmark.terminate()
        benchmark.wait()


if __name__ == "__main__":
    main()
