"""The figures that go with a session: `aggregates/<class>/<date>/<job>.json`.

Belongs here: that document, over the windows that end with the session's week. Does not belong
here: the figures (`aggregates.py`). It holds figures of single students, so it is for those who may
see their records.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from orf_books.transcripts.aggregates import ClassAggregate, StudentTrend
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, Usual
from orf_books.transcripts.windows import Window, windows_ending_with


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """All figures of a class and of its students."""

    aggregates: tuple[ClassAggregate, ...]
    trends: tuple[StudentTrend, ...]

    def by_window(self) -> dict[Window, "ClassFigures"]:
        """The same, apart by window."""
        aggregates: defaultdict[Window, list[ClassAggregate]] = defaultdict(list)
        trends: defaultdict[Window, list[StudentTrend]] = defaultdict(list)
        for row in self.aggregates:
            aggregates[Window(row.window_start, row.window_end)].append(row)
        for trend in self.trends:
            trends[trend.window].append(trend)
        return {
            window: ClassFigures(tuple(aggregates[window]), tuple(trends[window]))
            for window in aggregates.keys() | trends.keys()
        }


def write_aggregates(
    figures: Mapping[Window, ClassFigures],
    *,
    job_id: str,
    class_id: str,
    day: date,
    usual: Usual = SHIPPED,
) -> bytes:
    """The document; the same bytes for the same arguments.

    Args:
        figures: of the class, by window.
        job_id: the run that scored the session.
        class_id: of the session.
        day: of the session; its week ends the windows.
        usual: what scores are measured against.
    """
    document = {
        "job_id": job_id,
        "class_id": class_id,
        "date": day.isoformat(),
        "usual": {
            "source": usual.source,
            "utterances": usual.utterances,
            "rates": {skill: usual.rates[skill].rate for skill in Skill},
        },
        "windows": [
            _window_document(window, figures.get(window, ClassFigures((), ())))
            for window in windows_ending_with(day)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _window_document(window: Window, figures: ClassFigures) -> dict[str, Any]:
    return {
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
        "class": {row.metric_name: row.metric_value for row in figures.aggregates},
        "suppressed": [row.metric_name for row in figures.aggregates if row.is_suppressed],
        "students": _student_documents(figures.trends),
    }


def _student_documents(trends: Iterable[StudentTrend]) -> dict[str, dict[str, Any]]:
    by_student: dict[str, dict[str, Any]] = {}
    for trend in trends:
        by_student.setdefault(trend.student_id, {})[trend.skill] = {
            "score": trend.score.value if trend.score else None,
            "low": trend.score.low if trend.score else None,
            "high": trend.score.high if trend.score else None,
            "growth": trend.growth,
            "is_growth_clear": trend.is_growth_clear,
            "confidence": trend.score.confidence if trend.score else None,
            "session_count": trend.session_count,
            "evidence_count": trend.tally.found,
            "utterances": trend.tally.utterances,
        }
    return dict(sorted(by_student.items()))
