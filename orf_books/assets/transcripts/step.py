"""One execution of `score_transcripts`: which sessions, reading, scoring, storing, reporting.

Belongs here: what joins the batch, the records and the partitions of sessions. Does not belong
here: the assets themselves (`transcripts.py`), reading and scoring (`orf_books/transcripts`).
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import dagster as dg

from orf_books import partitions
from orf_books.batches.batch import COMPLETE, COMPLETE_WITH_FAILURES, BatchOutcome, success_rate
from orf_books.batches.item_step import ItemKind, ItemStep, Metadata, Report
from orf_books.batches.resource import BatchResource
from orf_books.failures import OrfBooksError
from orf_books.object_keys import NORMALIZED, SCORES, session_output_key, session_refusal_key
from orf_books.records.raw_sessions import SessionFound, load_session, session_at, sessions_in
from orf_books.records.sessions import (
    ACCEPTED,
    ScoringReport,
    SessionRecords,
    SessionRow,
)
from orf_books.resources.dagster_resources import TranscriptRulesResource
from orf_books.transcripts.head import read_head
from orf_books.transcripts.model_version import config_hash, model_version
from orf_books.transcripts.problems import UnusableTranscript
from orf_books.transcripts.skill_encoder import SkillEncoder

if TYPE_CHECKING:
    from orf_books.transcripts.parsing import ReadSession
    from orf_books.transcripts.scored_session import ScoredSession, StoredScores

SCORED_TRANSCRIPTS = dg.AssetKey("scored_transcripts")
READING = "2"
"""Raise it when the same file may be read otherwise."""
SESSION_SECONDS = 900.0
"""The longest that one session may take."""
SESSIONS_AT_ONCE = 1
"""Scoring keeps a core busy by itself."""


@cache
def code_version(encoder: SkillEncoder = SkillEncoder.USE) -> str:
    """Changes when the same session may get other scores."""
    return f"{READING} {model_version(read_head(encoder))} {config_hash()}"


class ScoreConfig(dg.Config):
    """How a run scores."""

    score_again: bool = False
    """Also what has not changed."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """The sessions that a step is about."""

    found: dict[str, SessionFound]
    """By partition key, whatever is to be settled and lies in the store."""
    keys: tuple[str, ...]
    """The same, and those whose raw file is gone."""
    reused: dict[str, SessionRow]
    """Those that stay as they are."""
    seen: dict[str, datetime]
    """When those that had scores got them."""

    @property
    def to_score(self) -> list[str]:
        return [key for key in self.keys if key not in self.reused]


class ScoringStep:
    """One execution of `score_transcripts`."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        config: ScoreConfig,
        records: SessionRecords,
        batch: BatchResource,
        rules: TranscriptRulesResource,
    ) -> None:
        self._config, self._records = config, records
        self._largest_warned_share = rules.largest_warned_share
        self._encoder = SkillEncoder(rules.skill_encoder)
        self._step = ItemStep(context, SESSIONS, records, batch)
        self._run_id = context.run.run_id
        self._started_at = datetime.now(UTC)

    def score_batch(self) -> ScoringReport:
        """Score all sessions of the run's uploads, or everything failed or missing.

        Does not raise for sessions that fail: the report is needed downstream, where a blocking
        check fails the run.
        """
        uploads = [
            one for one in self._records.uploads_of_job(self._run_id) if one.status == ACCEPTED
        ]
        wanted = [one.key for one in uploads] or self._unsettled()
        scope = self._scope(wanted)
        scored: list[SessionRow] = []

        async def work(report: Report[SessionRow]) -> BatchOutcome:
            def count(rows: Collection[SessionRow]) -> None:
                scored.extend(rows)
                report(rows)

            return await self._score(scope, count)

        outcome = self._step.settle_batch(scope.to_score, scope.reused, work)
        report = self._report_of(scope, scored, outcome)
        self._records.add_report(report)
        return report

    def score_chosen(self, keys: Sequence[str]) -> None:
        """Score the chosen partitions.

        Raises:
            dg.Failure: some failed; the others are stored and reported as materialized.
        """
        scope = self._scope(keys)
        self._step.settle_chosen(scope.reused, partial(self._score, scope))

    async def _score(self, scope: _Scope, report: Report[SessionRow]) -> BatchOutcome:
        """Score what the scope leaves to do, each session in one run at a time."""
        job_ids = self._job_ids(scope.to_score)
        return await self._step.in_rounds(
            scope.to_score,
            lambda key: asyncio.to_thread(self._scored, key, scope, job_ids[key]),
            self._records.add_sessions,
            partial(self._made_meanwhile, scope),
            report,
            concurrency=SESSIONS_AT_ONCE,
            item_seconds=SESSION_SECONDS,
        )

    def _scored(self, key: str, scope: _Scope, job_id: str) -> SessionRow:
        storage, started = self._records.storage, time.monotonic()
        refusal = session_refusal_key(key)
        try:
            found = scope.found.get(key) or session_at(storage, key)
            read, scores = self._read_and_scored(found, job_id)
        except UnusableTranscript as refused:
            storage.put(refusal, refusal_document(key, refused))
            raise
        storage.delete(refusal)
        return _row(
            key,
            read,
            scores.session,
            fingerprint=found.version,
            code_version=code_version(self._encoder),
            job_id=job_id,
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
        scored = score_session(read.session, shipped_detector(self._encoder))
        if not resolve(inputs.content, read.session, scored).is_complete:
            raise OrfBooksError("Evidence does not stand where it should: a defect, report it.")
        scores = StoredScores(scored, job_id, self._started_at, normalized)
        storage.put(normalized, write_normalised(read))
        storage.put(session_output_key(SCORES, *place), write_scores(scores))
        return read, scores

    def _job_ids(self, keys: Sequence[str]) -> Mapping[str, str]:
        """By session, what its objects are named after: the run, where that tells them apart."""
        of_day = Counter(key.rpartition("/")[0] for key in keys)
        return {
            key: self._run_id if of_day[day] == 1 else f"{self._run_id}-{digest}"
            for key in keys
            for day, _, digest in [key.rpartition("/")]
        }

    def _scope(self, keys: Sequence[str]) -> _Scope:
        wanted = set(keys)
        found = {one.key: one for one in sessions_in(self._records.storage) if one.key in wanted}
        sessions = self._records.sessions(keys)
        failed = self._records.standing_failures(keys)
        return _Scope(
            found,
            tuple(keys),
            reused={
                key: row
                for key, row in sessions.items()
                if not self._config.score_again
                and key not in failed
                and key in found
                and row.fingerprint == found[key].version
                and row.code_version == code_version(self._encoder)
            },
            seen={key: row.scored_at for key, row in sessions.items()},
        )

    def _made_meanwhile(self, scope: _Scope, keys: Collection[str]) -> dict[str, SessionRow]:
        """Sessions that other runs scored since this step looked."""
        return {
            key: row
            for key, row in self._records.sessions(keys).items()
            if row.scored_at != scope.seen.get(key)
            and key in scope.found
            and row.fingerprint == scope.found[key].version
        }

    def _unsettled(self) -> list[str]:
        """Sessions that have no scores of their present version, or are not green."""
        keys = self._records.requested()
        present = {one.key: one.version for one in sessions_in(self._records.storage)}
        sessions = self._records.sessions(keys)
        current = {key for key, row in sessions.items() if row.fingerprint == present.get(key)}
        settled = (
            current - self._step.unsettled(keys) - self._records.standing_failures(keys).keys()
        )
        return [key for key in keys if key not in settled]

    def _report_of(
        self, scope: _Scope, scored: Sequence[SessionRow], outcome: BatchOutcome
    ) -> ScoringReport:
        rows = [*scope.reused.values(), *scored]
        processed, failed = len(scope.keys), len(outcome.failures)
        codes = Counter(one.code for one in outcome.failures if one.code)
        return ScoringReport(
            job_id=self._run_id,
            status=COMPLETE_WITH_FAILURES if failed else COMPLETE,
            uploads=scope.keys,
            classes=tuple(sorted(set(map(partitions.class_of_session, scope.keys)))),
            sessions_processed=processed,
            successful_scorings=processed - failed,
            failed_scorings=failed,
            reused=len(scope.reused),
            utterances=sum(row.utterances for row in rows),
            warnings=sum(row.warnings for row in rows),
            failed_by_category=json.dumps(outcome.failed_by_category),
            failed_by_code=json.dumps(dict(codes.most_common())),
            success_rate=success_rate(processed - failed, processed),
            started_at=self._started_at,
            processing_time_seconds=(datetime.now(UTC) - self._started_at).total_seconds(),
        )


def _row(  # noqa: PLR0913 - a row has that many origins
    key: str,
    read: "ReadSession",
    scored: "ScoredSession",
    *,
    fingerprint: str,
    code_version: str,
    job_id: str,
    run_id: str,
    seconds: float,
) -> SessionRow:
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
            all(score.is_insufficient for score in one.skills.values()) for one in students
        ),
        words=sum(one.words_spoken for one in students),
        evidence=sum(len(score.evidence) for one in students for score in one.skills.values()),
        warnings=len(read.warnings),
        warnings_by_code=json.dumps(dict(codes.most_common())),
        source_sha256=scored.source_sha256,
        fingerprint=fingerprint,
        code_version=code_version,
        job_id=job_id,
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
        "warnings": [{"line": one.line, "code": one.code} for one in refused.warnings],
    }
    return json.dumps(document, indent=1).encode()


def _session_metadata(row: SessionRow) -> Metadata:
    """What the page shows of a session: figures, never words."""
    codes = json.loads(row.warnings_by_code)
    return {
        "utterances": dg.MetadataValue.int(row.utterances),
        "students": dg.MetadataValue.int(row.students),
        "unscored_students": dg.MetadataValue.int(row.unscored_students),
        "evidence": dg.MetadataValue.int(row.evidence),
        "without_consent": dg.MetadataValue.int(row.without_consent),
        "warnings": dg.MetadataValue.int(row.warnings),
        **({"warnings_by_code": dg.MetadataValue.json(codes)} if codes else {}),
        "seconds": dg.MetadataValue.float(round(row.seconds, 3)),
    }


SESSIONS = ItemKind("sessions", SCORED_TRANSCRIPTS, partitions.sessions, _session_metadata)
