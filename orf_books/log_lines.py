"""What this process logs, as one JSON object a line, for programs that collect logs.

Belongs here: the fields of a line, and putting them in place of the usual text. Does not belong
here: which trace a line belongs to (`tracing.py`), what is worth a line.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from orf_books.batches.report import FIGURES
from orf_books.dagster_internals.log_records import logged_run
from orf_books.tracing import current_trace, trace_id_of_run

_OF_DAGSTER = "dagster"


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how bad, who, what, and which trace, run and item."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, as `logging` asks for it."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = current_trace()
        if trace:
            line |= {"trace_id": trace.trace_id, "span_id": trace.span_id, "run_id": trace.run_id}
        if trace and trace.item is not None:
            line["item"] = trace.item
        if run := logged_run(record):
            line |= {
                "message": run.message,
                "trace_id": trace_id_of_run(run.run_id, run.tags),
                "run_id": run.run_id,
                "job": run.job,
                "step": run.step,
                "event": run.event,
            }
        line |= getattr(record, FIGURES, {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None})


class _JsonLogger(logging.Logger):
    """A logger whose handlers write JSON, whatever format they were made with."""

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802 - the name is given
        hdlr.setFormatter(JsonLines())
        super().addHandler(hdlr)


def write_json_lines() -> None:
    """From now on, this process logs JSON on standard error; call it before there are runs.

    Dagster makes a console logger for each run, of the class that is set for new loggers.
    """
    if logging.getLoggerClass() is _JsonLogger:
        return
    logging.setLoggerClass(_JsonLogger)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    # Dagster's processes have handlers of their own for what Dagster says.
    handler.addFilter(lambda record: not record.name.startswith(_OF_DAGSTER))
    logging.getLogger().addHandler(handler)
    logging.getLogger("httpx").setLevel(logging.INFO)  # a line for each request
