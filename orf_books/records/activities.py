"""The tables of the activities domain: their rows, and the questions that assets ask of them.

Belongs here: what is recorded about uploads, activities, answers and batches, and how it is found
again. Does not belong here: Dagster, recognisers, and how tables are kept (`resources/tables.py`).
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import TypeAdapter

from orf_books.activities.activity import Activity, read_activity
from orf_books.activities.kept_answers import KeptAnswer
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.records.items import FailedItem, ItemRecords, key_in
from orf_books.records.recordings import ActivityInputs
from orf_books.resources.tables import Table


@dataclass(frozen=True, slots=True)
class RequestedActivity:
    """An activity that an upload asks for: its own folder, or a list."""

    activity_id: str
    upload: str
    """Key of the folder or of the list."""
    version: str
    arrived_at: datetime
    job_id: str
    """The Dagster run that dealt with it."""


@dataclass(frozen=True, slots=True)
class ActivityUpload:
    """One version of one upload that a run has dealt with."""

    key: str
    version: str
    activities: int
    arrived_at: datetime
    job_id: str
    problem: str | None = None
    """Why it was refused, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityDigest:
    """An activity that was rescored, in a few figures."""

    key: str
    activity_id: str
    story_id: str
    story: str
    """How it begins."""
    grade: int | None
    words: int
    words_attempted: int
    misread: int
    changed: int
    """Words whose flag is another one than before."""
    accuracy: float | None
    """Share of the attempted words."""
    wcpm: float | None
    """Words correct per minute, from the first attempted word to the last."""
    is_draft: bool
    rule: str
    fingerprint: str
    """Digest of the inputs, the rule and the recognisers."""
    code_version: str
    job_id: str
    rescored_at: datetime
    is_written_back: bool

    @property
    def data_version(self) -> str:
        """An equal one means that nothing downstream changes."""
        found = (self.fingerprint, self.code_version, self.misread, self.wcpm)
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoredActivityRow(ActivityDigest):
    """An activity that was rescored, with the evidence for every word."""

    record: str
    """JSON of the activity as it was read."""
    result: str
    """JSON of `RescoredActivity`: phrases and words with verdicts, votes, transcripts, times."""

    @classmethod
    def of(  # noqa: PLR0913 - a row has that many origins
        cls,
        key: str,
        inputs: ActivityInputs,
        rescored: RescoredActivity,
        *,
        fingerprint: str,
        code_version: str,
        job_id: str,
        is_written_back: bool,
    ) -> Self:
        """The row of an activity that was just rescored."""
        words, fluency = rescored.words, rescored.fluency
        return cls(
            key=key,
            activity_id=rescored.activity_id,
            story_id=rescored.story_id,
            story=inputs.activity.phrases[0],
            grade=inputs.activity.grade,
            words=len(words),
            words_attempted=fluency.attempted_words,
            misread=fluency.attempted_words - fluency.correct_words,
            changed=sum(word.misread is not word.previously_misread for word in words),
            accuracy=fluency.accuracy,
            wcpm=fluency.wcpm,
            is_draft=rescored.is_draft,
            rule=rescored.rule.value,
            fingerprint=fingerprint,
            code_version=code_version,
            job_id=job_id,
            rescored_at=datetime.now(UTC),
            is_written_back=is_written_back,
            record=inputs.record.decode(),
            result=_RESULT.dump_json(rescored).decode(),
        )

    def rescored(self) -> RescoredActivity:
        """The whole result again."""
        return _RESULT.validate_json(self.result)

    def activity(self) -> Activity:
        """The activity again."""
        return read_activity(self.record.encode())


@dataclass(frozen=True, slots=True)
class KeptAnswerRow(KeptAnswer):
    """A recogniser's answer, with when it came and who asked."""

    answered_at: datetime
    job_id: str


@dataclass(frozen=True, slots=True)
class RescoringReport:
    """What came of one batch."""

    job_id: str
    status: str
    """`complete`, or `complete_with_failures`."""
    uploads: tuple[str, ...]
    activities_processed: int
    successful_rescorings: int
    failed_rescorings: int
    reused: int
    """Successful without any work: rescored before, and nothing has changed."""
    failed_by_category: str
    """JSON object of counts."""
    success_rate: float
    """Percent of the activities processed."""
    notes: tuple[str, ...]
    started_at: datetime
    processing_time_seconds: float

    @property
    def items(self) -> int:
        """As reports of all kinds have it."""
        return self.activities_processed

    @property
    def failed(self) -> int:
        """As reports of all kinds have it."""
        return self.failed_rescorings


_RESULT = TypeAdapter(RescoredActivity)

activity_uploads = Table("activity_uploads", ActivityUpload, ("key", "version"), "arrived_at")
requested_activities = Table(
    "requested_activities", RequestedActivity, ("activity_id", "upload", "version"), "arrived_at"
)
rescored_activities = Table("rescored_activities", RescoredActivityRow, ("key",), "rescored_at")
activity_digests = Table("rescored_activities", ActivityDigest, ("key",), "rescored_at")
recogniser_answers = Table(
    "recogniser_answers", KeptAnswerRow, ("recording", "engine", "question"), "answered_at"
)
failed_rescorings = Table("failed_rescorings", FailedItem, ("key",), "failed_at")
rescoring_reports = Table("rescoring_reports", RescoringReport, ("job_id",), "started_at")
TABLES: tuple[Table[Any], ...] = (
    activity_uploads,
    requested_activities,
    rescored_activities,
    recogniser_answers,
    failed_rescorings,
    rescoring_reports,
)


class ActivityRecords(ItemRecords[ActivityUpload, RescoringReport]):
    """What the store holds about activities."""

    noted_uploads = activity_uploads
    failed_items = failed_rescorings
    batch_reports = rescoring_reports

    # Uploads

    def accept(self, upload: ActivityUpload, activities: Iterable[str]) -> None:
        """Store which activities an upload asks for."""
        self._tables.append(
            requested_activities,
            [
                RequestedActivity(
                    activity, upload.key, upload.version, upload.arrived_at, upload.job_id
                )
                for activity in activities
            ],
        )
        # The receipt comes last: it is what makes the others count.
        self._tables.append(activity_uploads, [upload])

    def requested(self, job_id: str | None = None) -> list[str]:
        """Activities that were ever asked for, or those that a run's uploads ask for."""
        import polars as pl

        of_job = None if job_id is None else pl.col("job_id") == job_id
        rows = self._tables.all_rows(requested_activities, of_job)
        return sorted({row.activity_id for row in rows})

    # Activities

    def digests(self, keys: Collection[str] | None = None) -> dict[str, ActivityDigest]:
        """The figures of each activity that has a result."""
        rows = self._tables.latest(activity_digests, None if keys is None else key_in(keys))
        return {row.key: row for row in rows}

    def results(self, keys: Collection[str]) -> dict[str, RescoredActivityRow]:
        """The latest result of each activity that has one."""
        rows = self._tables.latest(rescored_activities, key_in(keys))
        return {row.key: row for row in rows}

    def results_of_version(self, code_version: str) -> dict[str, RescoredActivityRow]:
        """The latest result of each activity by one version of the code."""
        import polars as pl

        of_version = pl.col("code_version") == code_version
        return {row.key: row for row in self._tables.latest(rescored_activities, of_version)}

    def add_results(self, rows: Sequence[RescoredActivityRow]) -> None:
        """Store results for good."""
        self._tables.append(rescored_activities, rows)

    def answers_about(self, recording: str) -> list[KeptAnswerRow]:
        """What recognisers once said about a recording, by its fingerprint."""
        import polars as pl

        return self._tables.latest(recogniser_answers, pl.col("recording") == recording)

    def keep_answers(self, answers: Iterable[KeptAnswer], job_id: str) -> None:
        """Store answers of recognisers for good."""
        now = datetime.now(UTC)
        rows = [KeptAnswerRow(**asdict(one), answered_at=now, job_id=job_id) for one in answers]
        self._tables.append(recogniser_answers, rows)

    def made_at(self, keys: Collection[str]) -> dict[str, datetime]:
        """When each of the activities that have a result got its latest."""
        return {key: digest.rescored_at for key, digest in self.digests(keys).items()}
