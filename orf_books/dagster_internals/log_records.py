"""What Dagster notes on a record of Python's `logging` about the run that wrote it.

Belongs here: reading it. Does not belong here: how lines look (`log_lines.py`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster._core.events import EVENT_TYPE_TO_DISPLAY_STRING

_NOTED_AS = "dagster_meta"


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """The run that wrote a line, and what it says of itself."""

    run_id: str
    job: str | None
    step: str | None
    tags: Mapping[str, str]
    event: str | None
    """The type of Dagster's event, where the line is about one."""
    message: str
    """Without the names of job, run and step, which Dagster writes before it."""


def logged_run(record: logging.LogRecord) -> LoggedRun | None:
    """The run that a record is of; None where it is of no run."""
    noted: Mapping[str, Any] | None = getattr(record, _NOTED_AS, None)
    if noted is None or noted["run_id"] is None:
        return None
    event = noted["dagster_event"]
    return LoggedRun(
        run_id=noted["run_id"],
        job=noted["job_name"],
        step=noted["step_key"],
        tags=noted["job_tags"] or {},
        event=EVENT_TYPE_TO_DISPLAY_STRING.get(event.event_type, event.event_type_value)
        if event
        else None,
        message=noted["orig_message"],
    )
