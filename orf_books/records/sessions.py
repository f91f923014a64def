"""The tables of the transcripts domain: their rows, and the questions that assets ask of them.

Belongs here: what is recorded about uploads, sessions, publishing and batches, and how it is found
again. Does not belong here: Dagster, scores themselves (objects of the store, see
`orf_books/transcripts/score_document.py`), and how tables are kept (`resources/tables.py`).

No row holds a student's id, a name or a word, so that nothing has to be deleted from here when a
student is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from orf_books.batches.report import BatchReport
from orf_books.failures import OrfBooksError
from orf_books.object_keys import (
    AGGREGATES,
    CORRECTIONS,
    NORMALIZED,
    SCORES,
    session_output_key,
    session_outputs_folder,
)
from orf_books.partition_keys import class_of_session, day_of_session
from orf_books.records.corrections import corrections_states
from orf_books.records.items import RUN_ID, FailedItem, ItemRecords
from orf_books.records.usual import usual_in
from orf_books.resources.tables import Table

ACCEPTED, REFUSED, WITHDRAWN = "accepted", "refused", "withdrawn"


@dataclass(frozen=True, slots=True)
class SessionUpload:
    """One version of one raw file that was dealt with."""

    key: str
    """Partition of the session."""
    version: str
    status: str
    """`accepted`; `refused` where no session can be made of it; `withdrawn` where it was deleted.
    """
    arrived_at: datetime
    run_id: str
    """The Dagster run that dealt with it."""
    problem: str | None = None
    """Why it was refused, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session that was scored, in a few figures."""

    key: str
    class_id: str
    day: date
    format: str
    lines: int
    utterances: int
    """That were kept, of everybody."""
    without_consent: int
    students: int
    """Who were heard."""
    unscored_students: int
    """Of these, who said too little for a score."""
    words: int
    """Of these students."""
    evidence: int
    warnings: int
    warnings_by_code: str
    """JSON object of counts."""
    source_sha256: str
    fingerprint: str
    """Version of the upload: of the file, its metadata and the roster."""
    code_version: str
    """Of reading, detection and scoring."""
    job_id: str
    """In the keys of its objects."""
    run_id: str
    scored_at: datetime
    seconds: float
    """The work on it took so long."""

    @property
    def made_at(self) -> datetime:
        """When it was stored."""
        return self.scored_at

    @property
    def data_version(self) -> str:
        """An equal one means that nothing downstream changes."""
        found = (self.fingerprint, self.code_version)
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    @property
    def normalized_key(self) -> str:
        """Where its utterances are."""
        return session_output_key(NORMALIZED, self.class_id, self.day, self.job_id)

    @property
    def scores_key(self) -> str:
        """Where its scores are."""
        return session_output_key(SCORES, self.class_id, self.day, self.job_id)

    @property
    def aggregates_key(self) -> str:
        """Where the figures of its class over the windows that end with it are."""
        return session_output_key(AGGREGATES, self.class_id, self.day, self.job_id)

    @property
    def output_keys(self) -> tuple[str, str, str]:
        """Every object that was made of it."""
        return self.normalized_key, self.scores_key, self.aggregates_key


@dataclass(frozen=True, slots=True)
class Publication:
    """The last attempt to publish a session."""

    key: str
    job_id: str
    """Whose scores."""
    is_published: bool
    tries: int
    """Of these scores, until they were."""
    tried_at: datetime
    category: str | None = None
    problem: str | None = None
    """Why not, and what to do."""


@dataclass(frozen=True, slots=True)
class Aggregated:
    """What the figures of a class, or those beside a session, were last made from."""

    name: str
    """Of the class, or the session's partition."""
    state: str
    """A digest."""
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ShownClass:
    """The line of a class on the page over all classes; fields as in `ClassDigest`."""

    class_id: str
    state: str
    """A digest of what its pages were last made from."""
    last_session: date | None
    sessions: int
    students: int
    failed: int
    not_published: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringReport(BatchReport):
    """What came of a batch of sessions; `uploads` are their partitions."""

    json_names: ClassVar[Mapping[str, str]] = RUN_ID | {
        "items": "sessions_processed",
        "succeeded": "successful_scorings",
        "failed": "failed_scorings",
        "seconds": "processing_time_seconds",
    }
    classes: tuple[str, ...]
    utterances: int
    warnings: int
    failed_by_code: Mapping[str, int]
    """How many sessions failed, by what exactly is wrong with them."""


session_uploads = Table("session_uploads", SessionUpload, ("key", "version"), "arrived_at", RUN_ID)
scored_sessions = Table("scored_sessions", SessionRow, ("key",), "scored_at")
failed_sessions = Table("failed_sessions", FailedItem, ("key",), "failed_at", RUN_ID)
publications = Table("publications", Publication, ("key",), "tried_at")
aggregated = Table("aggregated", Aggregated, ("name",), "made_at")
shown_classes = Table("shown_classes", ShownClass, ("class_id",), "made_at")
scoring_reports = Table(
    "scoring_reports", ScoringReport, ("run_id",), "started_at", ScoringReport.json_names
)
TABLES: tuple[Table[Any], ...] = (
    session_uploads,
    scored_sessions,
    failed_sessions,
    publications,
    aggregated,
    shown_classes,
    scoring_reports,
)


@dataclass(frozen=True, slots=True)
class ClassSessions:
    """The sessions of a class."""

    class_id: str
    rows: tuple[SessionRow, ...]
    """Those that have scores, by day; of files with the same content, uploaded for the same day,
    one counts."""
    failures: Mapping[str, FailedItem]
    """Those that failed at last; they may have scores of an earlier version."""
    unpublished_keys: frozenset[str]
    basis: str = ""
    """Changes with corrections of the class, and with what its scores are measured against."""

    @property
    def unpublished(self) -> list[SessionRow]:
        """Those whose latest scores are not published."""
        return [row for row in self.rows if row.key in self.unpublished_keys]

    @property
    def scores_state(self) -> str:
        """Changes with the scores."""
        return _digest([(row.key, row.job_id) for row in self.rows], self.basis)

    @property
    def state(self) -> str:
        """Changes with whatever is told of the class."""
        failures = sorted(
            (failure.key, str(failure.failed_at)) for failure in self.failures.values()
        )
        return _digest(self.scores_state, failures, sorted(row.key for row in self.unpublished))

    @property
    def days(self) -> list[date]:
        """Days of all of them."""
        failed = {day_of_session(key) for key in self.failures}
        return sorted({row.day for row in self.rows} | failed)


class SessionRecords(ItemRecords[SessionUpload, SessionRow, SessionRow, ScoringReport]):
    """What the store holds about class sessions."""

    noted_uploads = session_uploads
    item_results = item_digests = scored_sessions
    failed_items = failed_sessions
    batch_reports = scoring_reports
    all_tables = TABLES

    # Uploads

    def add_uploads(self, uploads: Sequence[SessionUpload]) -> None:
        """Store that uploads were dealt with."""
        self._tables.append(session_uploads, self.dated(session_uploads, uploads))

    def requested(self) -> list[str]:
        """Sessions that uploads ask for."""
        last = {upload.key: upload for upload in self.uploads()}
        return sorted(key for key, upload in last.items() if upload.status == ACCEPTED)

    # Sessions

    def classes(self) -> dict[str, ClassSessions]:
        """Every class that has a session, whatever came of it."""
        requested = self.requested()
        sessions = self.latest(requested)
        failures = self.failed_since(sessions, requested)
        published = {(row.key, row.job_id) for row in self.publications() if row.is_published}
        corrections, usual = corrections_states(self.storage), usual_in(self.storage).state
        found: dict[str, ClassSessions] = {}
        for class_id, keys in _by_class(sessions.keys() | failures.keys()).items():
            rows = [sessions[key] for key in keys if key in sessions]
            counted = {(row.day, row.source_sha256): row for row in reversed(rows)}
            found[class_id] = ClassSessions(
                class_id,
                tuple(reversed(counted.values())),
                {key: failures[key] for key in keys if key in failures},
                frozenset(row.key for row in rows if (row.key, row.job_id) not in published),
                usual + corrections.get(session_outputs_folder(CORRECTIONS, class_id), ""),
            )
        return found

    def add_results(self, results: Sequence[SessionRow]) -> Sequence[SessionRow]:
        """Store what came of sessions for good; what earlier runs made of them is deleted."""
        earlier = self.latest([row.key for row in results])
        dated = self.dated(scored_sessions, results)
        self._tables.append(scored_sessions, dated)
        for row in dated:
            before = earlier.get(row.key)
            if before and before.job_id != row.job_id:
                self.storage.delete(*before.output_keys)
        return dated

    def sweep(self, before: datetime) -> int:
        """Delete objects that no session refers to, left by runs that broke off; how many."""
        kept = {key for row in self.latest().values() for key in row.output_keys}
        left = [
            stored.key
            for stage in (NORMALIZED, SCORES, AGGREGATES)
            for stored in self.storage.list(f"{stage}/")
            if stored.key not in kept and stored.last_modified < before
        ]
        self.storage.delete(*left)
        return len(left)

    # Publishing

    def publications(self) -> list[Publication]:
        """The last attempt to publish each session."""
        return self._tables.latest(publications)

    def note_publication(
        self, rows: Iterable[SessionRow], failure: OrfBooksError | None = None
    ) -> None:
        """Store that sessions were published, or why not."""
        tries = {(row.key, row.job_id): row.tries for row in self.publications()}
        now = datetime.now(UTC)
        self._tables.append(
            publications,
            [
                Publication(
                    row.key,
                    row.job_id,
                    failure is None,
                    tries.get((row.key, row.job_id), 0) + 1,
                    now,
                    failure.category.value if failure else None,
                    str(failure) if failure else None,
                )
                for row in rows
            ],
        )

    def publish_again(self, rows: Iterable[SessionRow], reason: str) -> None:
        """Store that what is published of sessions is no longer what should be."""
        now = datetime.now(UTC)
        self._tables.append(
            publications,
            [
                Publication(
                    row.key, row.job_id, is_published=False, tries=0, tried_at=now, problem=reason
                )
                for row in rows
            ],
        )

    # Classes

    def aggregated(self) -> dict[str, str]:
        """By class and session, the state from which figures were last made."""
        return {row.name: row.state for row in self._tables.latest(aggregated)}

    def note_aggregated(self, states: Mapping[str, str]) -> None:
        """Store from which states figures were made."""
        now = datetime.now(UTC)
        self._tables.append(
            aggregated, [Aggregated(name, state, now) for name, state in states.items()]
        )

    def shown_classes(self) -> dict[str, ShownClass]:
        """The classes that have pages."""
        return {row.class_id: row for row in self._tables.latest(shown_classes)}

    def note_shown(self, rows: Sequence[ShownClass]) -> None:
        """Store from which states pages were made."""
        self._tables.append(shown_classes, rows)


def _by_class(sessions: Iterable[str]) -> dict[str, list[str]]:
    """By class, its sessions by day."""
    by_class: dict[str, list[str]] = {}
    for key in sorted(sessions, key=lambda key: (day_of_session(key), key)):
        by_class.setdefault(class_of_session(key), []).append(key)
    return by_class


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
