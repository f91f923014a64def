"""The tables of the activities domain: their rows, and the questions that assets ask of them.

Belongs here: what is recorded about uploads, activities, answers and batches, and how it is found
again. Does not belong here: Dagster, recognisers, and how tables are kept (`resources/tables.py`).
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pydantic import TypeAdapter

from orf_books.activities.activity import Activity, read_activity
from orf_books.activities.kept_answers import KeptAnswer
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.batches.report import BatchReport
from orf_books.records.items import RUN_ID, FailedItem, ItemRecords, key_in
from orf_books.records.readings import TABLES as TABLES_OF_READINGS
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
    run_id: str
    """The Dagster run that dealt with it."""


@dataclass(frozen=True, slots=True)
class ActivityUpload:
    """One version of one upload that a run has dealt with."""

    key: str
    version: str
    activities: int
    arrived_at: datetime
    run_id: str
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
    run_id: str
    rescored_at: datetime
    is_written_back: bool

    @property
    def made_at(self) -> datetime:
        """When it was stored."""
        return self.rescored_at

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
        run_id: str,
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
            run_id=run_id,
            rescored_at=datetime.now(UTC),
            is_written_back=is_written_back,
            record=inputs.record.decode(),
            result=_RESULT.dump_json(rescored).decode(),
        )

    @property
    def digest(self) -> ActivityDigest:
        """The figures alone."""
        names = [field.name for field in fields(ActivityDigest)]
        return ActivityDigest(**{name: getattr(self, name) for name in names})

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
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoringReport(BatchReport):
    """What came of a batch of activities."""

    json_names: ClassVar[Mapping[str, str]] = RUN_ID | {
        "items": "activities_processed",
        "succeeded": "successful_rescorings",
        "failed": "failed_rescorings",
        "seconds": "processing_time_seconds",
    }


_RESULT = TypeAdapter(RescoredActivity)

activity_uploads = Table(
    "activity_uploads", ActivityUpload, ("key", "version"), "arrived_at", RUN_ID
)
requested_activities = Table(
    "requested_activities",
    RequestedActivity,
    ("activity_id", "upload", "version"),
    "arrived_at",
    RUN_ID,
)
rescored_activities = Table(
    "rescored_activities", RescoredActivityRow, ("key",), "rescored_at", RUN_ID
)
activity_digests = Table("rescored_activities", ActivityDigest, ("key",), "rescored_at", RUN_ID)
recogniser_answers = Table(
    "recogniser_answers", KeptAnswerRow, ("recording", "engine", "question"), "answered_at", RUN_ID
)
failed_rescorings = Table("failed_rescorings", FailedItem, ("key",), "failed_at", RUN_ID)
rescoring_reports = Table(
    "rescoring_reports", RescoringReport, ("run_id",), "started_at", RescoringReport.json_names
)
TABLES: tuple[Table[Any], ...] = (
    activity_uploads,
    requested_activities,
    rescored_activities,
    recogniser_answers,
    failed_rescorings,
    rescoring_reports,
    *TABLES_OF_READINGS,
)


class ActivityRecords(
    ItemRecords[ActivityUpload, ActivityDigest, RescoredActivityRow, RescoringReport]
):
    """What the store holds about activities."""

    noted_uploads = activity_uploads
    item_results = rescored_activities
    item_digests = activity_digests
    failed_items = failed_rescorings
    batch_reports = rescoring_reports
    all_tables = TABLES

    # Uploads

    def accept(self, upload: ActivityUpload, activities: Iterable[str]) -> None:
        """Store which activities an upload asks for."""
        self._tables.append(
            requested_activities,
            [
                RequestedActivity(
                    activity, upload.key, upload.version, upload.arrived_at, upload.run_id
                )
                for activity in activities
            ],
        )
        # The receipt comes last: it is what makes the others count.
        self._tables.append(activity_uploads, self.dated(activity_uploads, [upload]))

    def _uploads_without_rows(self) -> list[ActivityUpload]:
        rows = self._tables.all_rows(requested_activities)
        stored = Counter((row.upload, row.version, row.run_id) for row in rows)
        return [
            upload
            for upload in self.uploads()
            if stored[upload.key, upload.version, upload.run_id] < upload.activities
        ]

    def requested(self, run_id: str | None = None) -> list[str]:
        """Activities that were ever asked for, or those that a run's uploads ask for."""
        import polars as pl

        of_run = None if run_id is None else pl.col("run_id") == run_id
        rows = self._tables.all_rows(requested_activities, of_run)
        return sorted({row.activity_id for row in rows})

    def first_arrivals(self) -> dict[str, datetime]:
        """When each activity was asked for the first time."""
        arrivals = dict[str, datetime]()
        for row in self._tables.all_rows(requested_activities):
            earlier = arrivals.get(row.activity_id, row.arrived_at)
            arrivals[row.activity_id] = min(earlier, row.arrived_at)
        return arrivals

    # Activities

    def results(self, keys: Collection[str]) -> dict[str, RescoredActivityRow]:
        """The latest result of each activity that has one."""
        rows = self._tables.latest(rescored_activities, key_in(keys))
        return {row.key: row for row in rows}

    def results_of_version(self, code_version: str) -> dict[str, RescoredActivityRow]:
        """The latest result of each activity by one version of the code."""
        import polars as pl

        of_version = pl.col("code_version") == code_version
        return {row.key: row for row in self._tables.latest(rescored_activities, of_version)}

    def add_results(self, results: Sequence[RescoredActivityRow]) -> list[ActivityDigest]:
        """Store results for good."""
        dated = self.dated(rescored_activities, results)
        self._tables.append(rescored_activities, dated)
        return [row.digest for row in dated]

    def answers_about(self, recording: str) -> list[KeptAnswerRow]:
        """What recognisers once said about a recording, by its fingerprint."""
        import polars as pl

        return self._tables.latest(recogniser_answers, pl.col("recording") == recording)

    def recordings_of_runs(self, run_ids: Collection[str]) -> set[str]:
        """Fingerprints of the recordings that these runs asked recognisers about."""
        import polars as pl

        of_runs = pl.col("run_id").is_in(list(run_ids))
        return {row.recording for row in self._tables.all_rows(recogniser_answers, of_runs)}

    def runs_of(self, key: str) -> set[str]:
        """The runs that rescored an activity."""
        import polars as pl

        return {row.run_id for row in self._tables.all_rows(activity_digests, pl.col("key") == key)}

    def activities_of_runs(self, run_ids: Collection[str]) -> set[str]:
        """The activities that these runs rescored."""
        import polars as pl

        of_runs = pl.col("run_id").is_in(list(run_ids))
        return {row.activity_id for row in self._tables.all_rows(activity_digests, of_runs)}

    def keep_answers(self, answers: Iterable[KeptAnswer], run_id: str) -> None:
        """Store answers of recognisers for good."""
        now = datetime.now(UTC)
        rows = [
            KeptAnswerRow(**asdict(answer), answered_at=now, run_id=run_id) for answer in answers
        ]
        self._tables.append(recogniser_answers, rows)
