"""What the page about costs is computed from."""

import re
from pathlib import Path

import pytest

from benchmarks import costs

STACK = (Path(__file__).parent.parent / "deploy" / "aws" / "stack.py").read_text()


def test_tasks_are_those_of_the_stack() -> None:
    cpu, memory = map(int, re.findall(r'"Run", "run".*cpu=(\d+), memory=(\d+)', STACK)[0])
    assert costs.Task(cpu / 1024, memory / 1024) == costs.RUN
    default_cpu, default_memory = re.findall(r"(?:cpu|memory): int = (\d+)", STACK)
    assert costs.ALWAYS_ON["scheduler"] == costs.Task(
        int(default_cpu) / 1024, int(default_memory) / 1024
    )
    assert STACK.count("cpu=1024") == 3, "daemon, page and workers"


def test_a_task_costs_what_its_parts_do() -> None:
    assert costs.RUN.dollars(3600) == pytest.approx(2 * 0.04048 + 8 * 0.004445)


def test_a_short_run_is_charged_from_its_start() -> None:
    assert costs.run_task_seconds(5) == costs.START_SECONDS + 5


def test_readings_pay_for_workers_and_for_the_run_that_waits() -> None:
    job = costs.job_of_readings(4000.0)
    waiting = costs.RUN.dollars(costs.START_SECONDS + 4000.0 / costs.WORKERS)
    assert job.dollars == pytest.approx(costs.WORKER.dollars(4000.0) + waiting)
