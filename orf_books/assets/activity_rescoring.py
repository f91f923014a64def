"""One execution of `rescore_activities`: which activities, listening, storing, reporting.

Belongs here: what joins the batch, the records and the partitions of activities. Does not belong
here: the assets themselves (`activities.py`), how an activity is rescored (`orf_books/activities`).
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orf_books import partitions
from orf_books.activities.kept_answers import AnswersAbout, KeptAnswer
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import CODE_VERSION, Recognisers, rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.assets.activity_inputs import load_activity, upload_at
from orf_books.assets.activity_records import (
    ActivityDigest,
    ActivityRecords,
    RescoredActivityRow,
    RescoringReport,
)
from orf_books.batches import (
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    BatchOutcome,
    ItemFailure,
    success_rate,
)
from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)
from orf_books.failures import FixInput, OrfBooksError, RetryLater
from orf_books.keys import text_of_key
from orf_books.object_keys import activity_folder
from orf_books.resources.batch import BatchResource
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    SlackResource,
    SpeechResource,
)
from orf_books.rounds import work_in_rounds

if TYPE_CHECKING:
    from orf_books.activities.phonemes import Lexicon
    from orf_books.resources.activity_api import ActivityApi

RESCORED_ACTIVITIES = dg.AssetKey("rescored_activities")
ACTIVITY_SECONDS = 1800.0
"""The longest that one activity may take, waiting for recognisers included."""
ACTIVITIES_AT_ONCE = 32
"""Each holds its recording in memory."""
SHOWN_FAILURES = 20


class RescoreConfig(dg.Config):
    """How a run rescores."""

    rescore_again: bool = False
    """Also what has not changed; recognisers are asked only for what was not kept."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """The activities that a step is about."""

    fingerprints: dict[str, str]
    """By partition key, whatever is to be settled: a digest of what the result depends on."""
    reused: dict[str, ActivityDigest]
    """Those that stay as they are."""

    @property
    def to_rescore(self) -> list[str]:
        return [key for key in self.fingerprints if key not in self.reused]


class RescoringStep:
    """One execution of `rescore_activities`."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the asset was given
        self,
        context: dg.AssetExecutionContext,
        config: RescoreConfig,
        records: ActivityRecords,
        speech: SpeechResource,
        activity_api: ActivityApiResource,
        slack: SlackResource,
        batch: BatchResource,
    ) -> None:
        self._context, self._config, self._records = context, config, records
        self._speech, self._activity_api, self._slack = speech, activity_api, slack
        self._rule = VoteRule(speech.vote_rule)
        self._batch = batch
        self._events = PartitionEvents(context, RESCORED_ACTIVITIES)
        self._run_id = context.run.run_id
        self._started_at = datetime.now(UTC)
        self._new_answers: list[KeptAnswer] = []

    def rescore_batch(self) -> RescoringReport:
        """Rescore all activities of the run's uploads, or everything failed or missing.

        Does not raise for activities that fail: the report is needed downstream, where a blocking
        check fails the run.
        """
        from orf_books.resources.slack import stopped_batch

        try:
            return self._rescore_batch()
        except Exception:
            self._tell(stopped_batch("activities", self._run_id))
            raise

    def _rescore_batch(self) -> RescoringReport:
        from orf_books.resources.slack import finished_batch

        uploads = self._records.uploads_of_job(self._run_id)
        wanted = self._records.requested(self._run_id if uploads else None)
        keys, unusable = _keys_of(wanted)
        scope = self._scope(keys if uploads else self._unsettled_of(keys))
        partitions.register(self._context.instance, partitions.activities, list(scope.fingerprints))
        unsettled = self._unsettled(scope.reused)
        self._events.plan([*scope.to_rescore, *unsettled])
        self._events.materialized(_materialization(scope.reused[key]) for key in unsettled)

        def report(rows: Iterable[ActivityDigest]) -> None:
            self._events.materialized(map(_materialization, rows))

        outcome = self._rescore(scope, report) + BatchOutcome(0, tuple(unusable), 0.0)
        made = self._report_of(scope, [upload.key for upload in uploads], outcome)
        self._records.add_report(made)
        self._tell(finished_batch("activities", self._run_id, outcome))
        return made

    def rescore_chosen(self, keys: Sequence[str]) -> None:
        """Rescore the chosen partitions.

        Raises:
            dg.Failure: some failed; the others are stored and reported as materialized.
        """
        scope = self._scope(keys)
        done = list(scope.reused.values())
        outcome = self._rescore(scope, done.extend)
        if outcome.failures:
            self._events.materialized(map(_materialization, done))
            shown = "\n".join(map(str, outcome.failures[:SHOWN_FAILURES]))
            raise dg.Failure(
                f"{len(outcome.failures)} of {len(keys)} activities failed:\n{shown}",
                allow_retries=False,
            )
        for row in done:
            self._context.add_asset_metadata(activity_metadata(row), RESCORED_ACTIVITIES, row.key)

    def _rescore(
        self, scope: _Scope, report: Callable[[Collection[ActivityDigest]], None]
    ) -> BatchOutcome:
        """Rescore what the scope leaves to do, each activity in one run at a time."""
        outcome = BatchOutcome(0, (), 0.0)
        if scope.to_rescore:
            try:
                outcome = asyncio.run(self._rescore_in_rounds(scope, report))
            finally:
                # Answers were paid for, also those about an activity that failed.
                self._keep_answers()
        self._records.add_failures(outcome.failures, self._run_id)
        for failure in outcome.failures[:SHOWN_FAILURES]:
            self._context.log.error("%s", failure)
        return outcome

    async def _rescore_in_rounds(
        self, scope: _Scope, report: Callable[[Collection[ActivityDigest]], None]
    ) -> BatchOutcome:
        def commit(rows: Sequence[RescoredActivityRow]) -> None:
            self._keep_answers()
            self._records.add_results(rows)
            report(rows)

        def made_meanwhile(keys: Collection[str]) -> Collection[str]:
            made = {
                key: row
                for key, row in self._records.digests(keys).items()
                if row.fingerprint == scope.fingerprints[key] and row.rescored_at > self._started_at
            }
            report(list(made.values()))
            return made

        lexicon = bundled_lexicon()
        async with self._speech.open() as recognisers, self._activity_api.open() as api:
            return await work_in_rounds(
                scope.to_rescore,
                self._batch.claims(self._context, f"{self._records.storage.url} activities"),
                made_meanwhile,
                lambda key: self._rescored(key, scope.fingerprints[key], recognisers, lexicon, api),
                commit,
                concurrency=min(ACTIVITIES_AT_ONCE, self._batch.concurrency),
                item_seconds=ACTIVITY_SECONDS,
                progress=self._batch.watch(self._context, "activities"),
            )

    async def _rescored(
        self,
        key: str,
        fingerprint: str,
        recognisers: Recognisers,
        lexicon: "Lexicon",
        api: "ActivityApi | None",
    ) -> RescoredActivityRow:
        storage = self._records.storage
        inputs = await load_activity(storage, text_of_key(key), api)
        recording = inputs.sound.recording.fingerprint
        answers = AnswersAbout(recording, self._records.answers_about(recording))
        try:
            rescored = await rescore_activity(
                inputs.activity, inputs.sound, answers.first(recognisers), lexicon, self._rule
            )
        finally:
            self._new_answers += answers.new
        if not rescored.is_rescored:
            raise _nobody_answered(rescored)
        if api is not None:
            await api.write_back(
                rescored.activity_id, rescored.trimmed.errors, inputs.activity.version
            )
        return RescoredActivityRow.of(
            key,
            inputs,
            rescored,
            fingerprint=fingerprint,
            code_version=CODE_VERSION,
            job_id=self._run_id,
            is_written_back=api is not None,
        )

    def _keep_answers(self) -> None:
        answers = self._new_answers[:]
        self._records.keep_answers(answers, self._run_id)
        del self._new_answers[: len(answers)]

    def _scope(self, keys: Iterable[str]) -> _Scope:
        fingerprints = {key: self._fingerprint(key) for key in keys}
        digests = {} if self._config.rescore_again else self._records.digests(fingerprints)
        failed = self._records.standing_failures(fingerprints)
        return _Scope(
            fingerprints,
            reused={
                key: row
                for key, row in digests.items()
                if key not in failed
                and row.fingerprint == fingerprints[key]
                and row.code_version == CODE_VERSION
            },
        )

    def _fingerprint(self, key: str) -> str:
        """A digest of the recording, the rule, and who listens."""
        upload = upload_at(self._records.storage, activity_folder(text_of_key(key)))
        depends_on = (upload.version, self._rule.value, self._speech.mode)
        return hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]

    def _unsettled_of(self, keys: Collection[str]) -> list[str]:
        """Those that have no result, or are not green."""
        settled = self._records.digests(keys).keys() - self._unsettled(keys)
        failed = self._records.standing_failures(keys)
        return [key for key in keys if key not in settled or key in failed]

    def _unsettled(self, keys: Collection[str]) -> set[str]:
        """Partitions that Dagster does not show as materialized."""
        statuses = partition_statuses(
            self._context.instance, RESCORED_ACTIVITIES, partitions.activities, list(keys)
        )
        return {key for key, status in statuses.items() if status != PartitionStatus.MATERIALIZED}

    def _report_of(
        self, scope: _Scope, uploads: Sequence[str], outcome: BatchOutcome
    ) -> RescoringReport:
        failed = len(outcome.failures)
        processed = len(scope.reused) + outcome.succeeded + failed
        draft = "Verdicts are drafts: recognisers of this machine listened, and a person reviews."
        return RescoringReport(
            job_id=self._run_id,
            status=COMPLETE_WITH_FAILURES if failed else COMPLETE,
            uploads=tuple(uploads),
            activities_processed=processed,
            successful_rescorings=processed - failed,
            failed_rescorings=failed,
            reused=len(scope.reused),
            failed_by_category=json.dumps(outcome.failed_by_category),
            success_rate=success_rate(processed - failed, processed),
            notes=(draft,) if self._speech.is_embedded else (),
            started_at=self._started_at,
            processing_time_seconds=(datetime.now(UTC) - self._started_at).total_seconds(),
        )

    def _tell(self, message: str) -> None:
        try:
            self._slack.tell(message)
        except OrfBooksError as failure:
            self._context.log.warning("Slack was not told: %s", failure)


def activity_metadata(row: ActivityDigest) -> dict[str, dg.MetadataValue[Any]]:
    """What the page shows of an activity: figures, never words."""
    return {
        "words_attempted": dg.MetadataValue.int(row.words_attempted),
        "misread": dg.MetadataValue.int(row.misread),
        "changed_verdicts": dg.MetadataValue.int(row.changed),
        "is_draft": dg.MetadataValue.bool(row.is_draft),
        **({"accuracy": dg.MetadataValue.float(row.accuracy)} if row.accuracy is not None else {}),
        **(
            {"words_correct_per_minute": dg.MetadataValue.float(row.wcpm)}
            if row.wcpm is not None
            else {}
        ),
    }


def _materialization(row: ActivityDigest) -> PartitionMaterialization:
    return PartitionMaterialization(
        row.key,
        activity_metadata(row),
        {"dagster/code_version": row.code_version, "dagster/data_version": row.data_version},
    )


def _keys_of(activities: Iterable[str]) -> tuple[list[str], list[ItemFailure]]:
    """Partition keys, and ids that cannot be one."""
    keys, unusable = [], []
    for activity in activities:
        try:
            keys.append(partitions.activity_key(activity))
        except FixInput as error:
            digest = hashlib.sha256(activity.encode()).hexdigest()[:12]
            unusable.append(ItemFailure(f"unusable:{digest}", error.category, str(error)))
    return keys, unusable


def _nobody_answered(rescored: RescoredActivity) -> RetryLater:
    category = max(rescored.failures, key=lambda one: rescored.failures[one])
    counts = ", ".join(f"{count} {why}" for why, count in rescored.failures.items())
    return RetryLater(
        f"No recogniser answered about any phrase in doubt ({counts}): nothing was changed.",
        category,
    )


def bundled_lexicon() -> "Lexicon":
    """How English words sound, from the dictionary that comes with the embedded recogniser."""
    from orf_books.activities.phonemes import Lexicon
    from orf_books.resources.embedded_speech import dictionary_file

    return Lexicon(dictionary_file())
