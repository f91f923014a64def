"""The figures that go with a session: `aggregates/<class>/<date>/<job>.json`.

Belongs here: that document, over the windows that end with the session's week. Does not belong
here: the figures (`aggregates.py`). It holds figures of single students, so it is for those who may
see their records.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from orf_books.transcripts.aggregates import ClassAggregate, StudentTrend
from orf_books.transcripts.windows import Window, windows_ending_with


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """All figures of a class and of its students."""

    aggregates: tuple[ClassAggregate, ...]
    trends: tuple[StudentTrend, ...]


def write_aggregates(figures: ClassFigures, *, job_id: str, class_id: str, day: date) -> bytes:
    """The document; the same bytes for the same arguments.

    Args:
        figures: of the class, over whatever windows.
        job_id: the run that scored the session.
        class_id: of the session.
        day: of the session; its week ends the windows.
    """
    document = {
        "job_id": job_id,
        "class_id": class_id,
        "date": day.isoformat(),
        "windows": [_window_document(window, figures) for window in windows_ending_with(day)],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _window_document(window: Window, figures: ClassFigures) -> dict[str, Any]:
    of_class = [
        row
        for row in figures.aggregates
        if (row.window_start, row.window_end) == (window.start, window.end)
    ]
    return {
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
        "class": {row.metric_name: row.metric_value for row in of_class},
        "suppressed": [row.metric_name for row in of_class if row.is_suppressed],
        "students": dict(_student_documents(one for one in figures.trends if one.window == window)),
    }


def _student_documents(trends: Iterable[StudentTrend]) -> Iterator[tuple[str, dict[str, Any]]]:
    by_student: dict[str, dict[str, Any]] = {}
    for one in trends:
        by_student.setdefault(one.student_id, {})[one.skill] = {
            "average": one.average,
            "growth": one.growth,
            "confidence": one.confidence,
            "session_count": one.session_count,
            "evidence_count": one.evidence_count,
        }
    return iter(sorted(by_student.items()))
