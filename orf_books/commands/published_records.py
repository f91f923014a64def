"""What is published of classes and students, for those who may see it; every look is logged.

Belongs here: the questions that `orf-books show` answers. Does not belong here: the tables
(`resources/database.py`), printing.
"""

import getpass
import socket
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from orf_books.resources.database import Database
from orf_books.settings import Settings
from orf_books.transcripts.publication import Access


def class_document(settings: Settings, class_id: str, purpose: str) -> dict[str, Any]:
    """The figures of a class.

    Raises:
        RetryLater: the database does not answer, so that nothing can be logged.
    """
    database = _database(settings)
    database.log_access(access_of("show class", class_id, purpose))
    figures = database.class_aggregates(class_id)
    return {
        "class_id": class_id,
        "figures": [
            {
                "from": figure.window_start.isoformat(),
                "to": figure.window_end.isoformat(),
                "figure": figure.metric_name,
                "value": figure.metric_value,
                "suppressed": figure.is_suppressed,
            }
            for figure in figures
        ],
    }


def student_document(settings: Settings, student_id: str, purpose: str) -> dict[str, Any]:
    """Assessments, evidence and corrections of a student.

    Raises:
        RetryLater: the database does not answer, so that nothing can be logged.
    """
    student_id = student_id.strip().lower()
    records = _database(settings).student_records(
        student_id, access_of("show student", student_id, purpose)
    )
    return {"student_id": student_id} | asdict(records)


def actor() -> str:
    """Who is at the command line."""
    return getpass.getuser()


def access_of(action: str, record: str, purpose: str) -> Access:
    """The entry of the access log for what somebody does at the command line."""
    return Access(
        actor=actor(),
        role="operator",
        action=action,
        record_ids=(record,),
        purpose=purpose,
        accessed_at=datetime.now(UTC),
        request_id=str(uuid4()),
        origin=socket.gethostname(),
    )


def _database(settings: Settings) -> Database:
    return Database(settings.published_database.get_secret_value())
