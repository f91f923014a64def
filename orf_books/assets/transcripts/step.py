"""The work on class sessions, for the driver of `score_transcripts`: reading, scoring, storing.

Belongs here: what joins the records of sessions and the domain. Does not belong here: the way of an
item through a step (`orf_books/batches/driver.py`), reading and scoring (`orf_books/transcripts`),
the assets themselves (`assets.py`).
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING

import dagster as dg

from orf_books.batches.batch import BatchOutcome
from orf_books.batches.items import FinishedBatch, Item, ItemKind, ItemWork, Metadata, Wanted, Work
from orf_books.batches.report import BatchReport
from orf_books.failures import OrfBooksError
from orf_books.object_keys import (
    NORMALIZED,
    SCORES,
    class_page_key,
    session_output_key,
    session_refusal_key,
)
from orf_books.partition_keys import class_of_session, day_of_session
from orf_books.records.raw_sessions import SessionFound, load_session, session_at, sessions_in
from orf_books.records.sessions import ACCEPTED, ScoringReport, SessionRecords, SessionRow
from orf_books.resources.dagster_resources import TranscriptRulesResource
from orf_books.transcripts.model_version import config_hash, model_version
from orf_books.transcripts.problems import UnusableTranscript

if TYPE_CHECKING:
    from orf_books.transcripts.parsing import ReadSession
    from orf_books.transcripts.scored_session import StoredScores

SCORED_TRANSCRIPTS = dg.AssetKey("scored_transcripts")
SCORING_REPORT = dg.AssetKey("scoring_report")
READING = "3"
"""Raise it when the same file may be read otherwise."""


@cache
def code_version() -> str:
    """Changes when the same session may get other scores."""
    return f"{READING} {model_version()} {config_hash()}"


class ScoreConfig(dg.Config):
    """How a run scores."""

    score_again: bool = False
    """Also what has not changed."""


def _metadata(session: SessionRow) -> Metadata:
    """Figures, never words."""
    codes = json.loads(session.warnings_by_code)
    return {
        "utterances": dg.MetadataValue.int(session.utterances),
        "students": dg.MetadataValue.int(session.students),
        "unscored_students": dg.MetadataValue.int(session.unscored_students),
        "evidence": dg.MetadataValue.int(session.evidence),
        "without_consent": dg.MetadataValue.int(session.without_consent),
        "warnings": dg.MetadataValue.int(session.warnings),
        **({"warnings_by_code": dg.MetadataValue.json(codes)} if codes else {}),
        "seconds": dg.MetadataValue.float(round(session.seconds, 3)),
    }


SESSIONS = ItemKind(
    "sessions",
    SCORED_TRANSCRIPTS,
    SCORING_REPORT,
    dg.DynamicPartitionsDefinition(name="sessions"),
    _metadata,
)


class SessionScoring(ItemWork[SessionRow, SessionRow, ScoringReport]):
    """The work on sessions in one execution of `score_transcripts`.

    Args:
        config: of the run.
        records: of sessions.
        rules: what a transcript must be, and what finds skills in it.
        run_id: the run.
        after_batch: called when a batch came to its end.
    """

    kind = SESSIONS
    items_at_once = 1
    """Scoring keeps a core busy by itself."""

    def __init__(
        self,
        config: ScoreConfig,
        records: SessionRecords,
        rules: TranscriptRulesResource,
        run_id: str,
        after_batch: Callable[[], None],
    ) -> None:
        self._config, self._records, self._run_id = config, records, run_id
        self._largest_warned_share = rules.largest_warned_share
        self._after_batch = after_batch
        self._started_at = datetime.now(UTC)
        self.code_version = code_version()

    @cached_property
    def _present(self) -> dict[str, SessionFound]:
        """The raw files in the store, by partition."""
        return {session.key: session for session in sessions_in(self._records.storage)}

    def wanted(self, run_id: str | None) -> Wanted:
        """The sessions that the run's uploads ask for, or all that were ever asked for."""
        uploads = self._records.uploads_of_run(run_id) if run_id else []
        keys = [upload.key for upload in uploads if upload.status == ACCEPTED]
        return Wanted(keys, keys) if keys else Wanted(self._records.requested())

    def fingerprints(self, keys: Collection[str]) -> Mapping[str, str]:
        """Versions of the raw files, with their metadata and rosters."""
        return {key: self._present[key].version for key in keys if key in self._present}

    def is_valid(self, row: SessionRow) -> bool:
        """Made by the present code, unless the run scores everything."""
        return super().is_valid(row) and not self._config.score_again

    @asynccontextmanager
    async def open(
        self, items: Sequence[Item[SessionRow]]
    ) -> AsyncIterator[Work[SessionRow, SessionRow]]:
        """Nothing to open: scoring stays in this process."""
        job_ids = self._job_ids([item.key for item in items])
        yield lambda item: asyncio.to_thread(self._scored, item, job_ids[item.key])

    def _job_ids(self, keys: Sequence[str]) -> Mapping[str, str]:
        """By session, what its objects are named after: the run, where that tells them apart."""
        of_day = Counter(key.rpartition("/")[0] for key in keys)
        return {
            key: self._run_id if of_day[day] == 1 else f"{self._run_id}-{digest}"
            for key in keys
            for day, _, digest in [key.rpartition("/")]
        }

    def _scored(self, item: Item[SessionRow], job_id: str) -> SessionRow:
        storage, started = self._records.storage, time.monotonic()
        refusal = session_refusal_key(item.key)
        try:
            found = self._present.get(item.key) or session_at(storage, item.key)
            read, scores = self._read_and_scored(found, job_id)
        except UnusableTranscript as refused:
            storage.put(refusal, refusal_document(item.key, refused))
            raise
        storage.delete(refusal)
        return _row(
            item.key,
            read,
            scores,
            fingerprint=found.version,
            code_version=self.code_version,
            run_id=self._run_id,
            seconds=time.monotonic() - started,
        )

    def _read_and_scored(
        self, found: SessionFound, job_id: str
    ) -> "tuple[ReadSession, StoredScores]":
        # Reading imports numpy, for which loading the definitions should not wait.
        from orf_books.transcripts.detection import shipped_detector
        from orf_books.transcripts.normalised import write_normalised
        from orf_books.transcripts.parsing import read_session
        from orf_books.transcripts.resolution import resolve
        from orf_books.transcripts.score_document import write_scores
        from orf_books.transcripts.scored_session import StoredScores
        from orf_books.transcripts.scoring import score_session

        storage = self._records.storage
        inputs = load_session(storage, found)
        read = read_session(
            inputs.content,
            found.raw_key,
            inputs.metadata,
            inputs.roster,
            self._largest_warned_share,
        )
        place = inputs.metadata.class_id, inputs.metadata.day, job_id
        normalized = session_output_key(NORMALIZED, *place)
        scored = score_session(read.session, shipped_detector())
        if not resolve(inputs.content, read.session, scored).is_complete:
            raise OrfBooksError("Evidence does not stand where it should: a defect, report it.")
        scores = StoredScores(scored, job_id, self._started_at, normalized)
        storage.put(normalized, write_normalised(read))
        storage.put(session_output_key(SCORES, *place), write_scores(scores))
        return read, scores

    def describe(self, key: str) -> Metadata:
        """Class, day, and where the page of the class is."""
        class_id = class_of_session(key)
        page = self._records.storage.location(class_page_key(class_id))
        return {
            "class": dg.MetadataValue.text(class_id),
            "day": dg.MetadataValue.text(day_of_session(key).isoformat()),
            "page": dg.MetadataValue.path(page),
        }

    def report(self, batch: FinishedBatch[SessionRow], report: BatchReport) -> ScoringReport:
        """Adds the classes, what was read of the sessions that succeeded, and why others failed."""
        codes = Counter(failure.code for failure in batch.failures if failure.code)
        return ScoringReport(
            **report.common() | {"uploads": tuple(batch.keys)},
            classes=tuple(sorted(set(map(class_of_session, batch.keys)))),
            utterances=sum(row.utterances for row in batch.rows),
            warnings=sum(row.warnings for row in batch.rows),
            failed_by_code=dict(codes.most_common()),
        )

    def finished(self, outcome: BatchOutcome) -> None:  # noqa: ARG002
        """Tell which raw files cannot be used."""
        self._after_batch()


def _row(  # noqa: PLR0913 - a row has that many origins
    key: str,
    read: "ReadSession",
    scores: "StoredScores",
    *,
    fingerprint: str,
    code_version: str,
    run_id: str,
    seconds: float,
) -> SessionRow:
    scored = scores.session
    students = scored.students.values()
    codes = Counter(warning.code.value for warning in read.warnings)
    return SessionRow(
        key=key,
        class_id=scored.class_id,
        day=scored.day,
        format=read.session.format,
        lines=read.total_lines,
        utterances=len(read.session.utterances),
        without_consent=read.without_consent,
        students=len(students),
        unscored_students=sum(
            all(score.is_insufficient for score in student.skills.values()) for student in students
        ),
        words=sum(student.words_spoken for student in students),
        evidence=sum(
            len(score.evidence) for student in students for score in student.skills.values()
        ),
        warnings=len(read.warnings),
        warnings_by_code=json.dumps(dict(codes.most_common())),
        source_sha256=scored.source_sha256,
        fingerprint=fingerprint,
        code_version=code_version,
        job_id=scores.job_id,
        run_id=run_id,
        scored_at=datetime.now(UTC),
        seconds=seconds,
    )


def refusal_document(key: str, refused: UnusableTranscript) -> bytes:
    """Why a raw file was refused, line by line, without a word of it."""
    document = {
        "session": key,
        "code": refused.code,
        "problem": str(refused),
        "warnings": [{"line": warning.line, "code": warning.code} for warning in refused.warnings],
    }
    return json.dumps(document, indent=1).encode()
