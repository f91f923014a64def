"""One execution of `rescore_activities`: which activities, listening, storing, reporting.

Belongs here: what joins the batch, the records and the partitions of activities. Does not belong
here: the assets themselves (`activities.py`), how an activity is rescored (`orf_books/activities`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from orf_books import partitions
from orf_books.activities.kept_answers import AnswersAbout, KeptAnswer
from orf_books.activities.recognition import Recognisers
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import CODE_VERSION, rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.batches.batch import (
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    BatchOutcome,
    ItemFailure,
    success_rate,
)
from orf_books.batches.item_step import ItemKind, ItemStep, Metadata, Report
from orf_books.batches.resource import BatchResource
from orf_books.failures import FixInput, OrfBooksError, RetryLater
from orf_books.keys import text_of_key
from orf_books.object_keys import activity_folder
from orf_books.records.activities import (
    ActivityDigest,
    ActivityRecords,
    RescoredActivityRow,
    RescoringReport,
)
from orf_books.records.recordings import load_activity, upload_at
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    SlackResource,
    SpeechResource,
)

if TYPE_CHECKING:
    from orf_books.activities.phonemes import Lexicon
    from orf_books.resources.activity_api import ActivityApi

RESCORED_ACTIVITIES = dg.AssetKey("rescored_activities")
ACTIVITY_SECONDS = 1800.0
"""The longest that one activity may take, waiting for recognisers included."""
ACTIVITIES_AT_ONCE = 32
"""Each holds its recording in memory."""


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
    seen: dict[str, datetime]
    """When those that had a result got it."""

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
        self._step = ItemStep(context, ACTIVITIES, records, batch)
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
        outcome = self._step.settle_batch(
            scope.to_rescore, scope.reused, partial(self._rescore, scope)
        )
        outcome += BatchOutcome(0, tuple(unusable), 0.0)
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
        self._step.settle_chosen(scope.reused, partial(self._rescore, scope))

    async def _rescore(self, scope: _Scope, report: Report[ActivityDigest]) -> BatchOutcome:
        """Rescore what the scope leaves to do, each activity in one run at a time."""
        if not scope.to_rescore:
            return BatchOutcome(0, (), 0.0)

        def store(rows: Sequence[RescoredActivityRow]) -> None:
            self._keep_answers()
            self._records.add_results(rows)

        lexicon = bundled_lexicon()
        try:
            async with self._speech.open() as recognisers, self._activity_api.open() as api:
                return await self._step.in_rounds(
                    scope.to_rescore,
                    lambda key: self._rescored(
                        key, scope.fingerprints[key], recognisers, lexicon, api
                    ),
                    store,
                    partial(self._made_meanwhile, scope),
                    report,
                    concurrency=ACTIVITIES_AT_ONCE,
                    item_seconds=ACTIVITY_SECONDS,
                )
        finally:
            # Answers were paid for, also those about an activity that failed.
            self._keep_answers()

    def _made_meanwhile(self, scope: _Scope, keys: Collection[str]) -> dict[str, ActivityDigest]:
        """Activities that other runs rescored since this step looked.

        Not by the clock: what was made before may have been stored only after.
        """
        return {
            key: row
            for key, row in self._records.digests(keys).items()
            if row.rescored_at != scope.seen.get(key) and row.fingerprint == scope.fingerprints[key]
        }

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
        is_written_back = api is not None and rescored.not_scored is None
        if api is not None and is_written_back:
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
            is_written_back=is_written_back,
        )

    def _keep_answers(self) -> None:
        answers = self._new_answers[:]
        self._records.keep_answers(answers, self._run_id)
        del self._new_answers[: len(answers)]

    def _scope(self, keys: Iterable[str]) -> _Scope:
        fingerprints = {key: self._fingerprint(key) for key in keys}
        digests = self._records.digests(fingerprints)
        failed = self._records.standing_failures(fingerprints)
        return _Scope(
            fingerprints,
            reused={
                key: row
                for key, row in digests.items()
                if not self._config.rescore_again
                and key not in failed
                and row.fingerprint == fingerprints[key]
                and row.code_version == CODE_VERSION
            },
            seen={key: row.rescored_at for key, row in digests.items()},
        )

    def _fingerprint(self, key: str) -> str:
        """A digest of the recording, the rule, and who listens."""
        upload = upload_at(self._records.storage, activity_folder(text_of_key(key)))
        depends_on = (upload.version, self._rule.value, self._speech.mode)
        return hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]

    def _unsettled_of(self, keys: Collection[str]) -> list[str]:
        """Those that have no result, or are not green."""
        settled = self._records.digests(keys).keys() - self._step.unsettled(keys)
        failed = self._records.standing_failures(keys)
        return [key for key in keys if key not in settled or key in failed]

    def _report_of(
        self, scope: _Scope, uploads: Sequence[str], outcome: BatchOutcome
    ) -> RescoringReport:
        failed = len(outcome.failures)
        processed = len(scope.reused) + outcome.succeeded + failed
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
            notes=self._speech.notes,
            started_at=self._started_at,
            processing_time_seconds=(datetime.now(UTC) - self._started_at).total_seconds(),
        )

    def _tell(self, message: str) -> None:
        try:
            self._slack.tell(message)
        except OrfBooksError as failure:
            self._context.log.warning("Slack was not told: %s", failure)


def _activity_metadata(row: ActivityDigest) -> Metadata:
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


ACTIVITIES = ItemKind("activities", RESCORED_ACTIVITIES, partitions.activities, _activity_metadata)


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
    from orf_books.resources import pocketsphinx_model

    return pocketsphinx_model.bundled_lexicon()
