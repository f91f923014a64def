"""The work on activities, for the driver of `rescore_activities`: recordings, recognisers, votes.

Belongs here: what joins the records of activities and the recognisers. Does not belong here: the
way of an item through a step (`orf_books/batches/driver.py`), how an activity is rescored
(`orf_books/activities`), the assets themselves (`assets.py`).
"""

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dagster as dg

from orf_books.activities.kept_answers import AnswersAbout, KeptAnswer
from orf_books.activities.recognition import Recognisers
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import CODE_VERSION, rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.batches.batch import ItemFailure
from orf_books.batches.items import FinishedBatch, Item, ItemKind, ItemWork, Metadata, Wanted, Work
from orf_books.batches.report import BatchReport
from orf_books.failures import FixInput, RetryLater
from orf_books.keys import text_of_key
from orf_books.object_keys import activity_folder, activity_page_key, activity_refusal_key
from orf_books.partition_keys import activity_key
from orf_books.records.activities import (
    ActivityDigest,
    ActivityRecords,
    RescoredActivityRow,
    RescoringReport,
)
from orf_books.records.recordings import ActivityInputs, load_activity, upload_at
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    SpeechResource,
)

if TYPE_CHECKING:
    from orf_books.activities.phonemes import Lexicon
    from orf_books.resources.activity_api import ActivityApi

RESCORED_ACTIVITIES = dg.AssetKey("rescored_activities")
RESCORING_REPORT = dg.AssetKey("rescoring_report")


class RescoreConfig(dg.Config):
    """How a run rescores."""

    rescore_again: bool = False
    """Also what has not changed; recognisers are asked only for what was not kept."""


def _metadata(activity: ActivityDigest) -> Metadata:
    """Figures, never words."""
    measures = {"accuracy": activity.accuracy, "words_correct_per_minute": activity.wcpm}
    return {
        "story_id": dg.MetadataValue.text(activity.story_id),
        "words_attempted": dg.MetadataValue.int(activity.words_attempted),
        "misread": dg.MetadataValue.int(activity.misread),
        "changed_verdicts": dg.MetadataValue.int(activity.changed),
        "is_draft": dg.MetadataValue.bool(activity.is_draft),
        **{
            name: dg.MetadataValue.float(value)
            for name, value in measures.items()
            if value is not None
        },
    }


ACTIVITIES = ItemKind(
    "activities",
    RESCORED_ACTIVITIES,
    RESCORING_REPORT,
    dg.DynamicPartitionsDefinition(name="activities"),
    _metadata,
)


class ActivityRescoring(ItemWork[ActivityDigest, RescoredActivityRow, RescoringReport]):
    """The work on activities in one execution of `rescore_activities`."""

    kind = ACTIVITIES
    code_version = CODE_VERSION
    item_seconds = 1800.0
    items_at_once = 32
    """Each holds its recording in memory."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        config: RescoreConfig,
        records: ActivityRecords,
        speech: SpeechResource,
        activity_api: ActivityApiResource,
    ) -> None:
        self._run_id = context.run.run_id
        self._config, self._records = config, records
        self._speech, self._activity_api = speech, activity_api
        self._rule = VoteRule(speech.vote_rule)
        self._new_answers: list[KeptAnswer] = []

    def wanted(self, run_id: str | None) -> Wanted:
        """The activities that the run's uploads ask for, or all that were ever asked for."""
        uploads = self._records.uploads_of_run(run_id) if run_id else []
        keys, unusable = _keys_of(self._records.requested(run_id if uploads else None))
        return Wanted(keys, [upload.key for upload in uploads] or None, unusable)

    def fingerprints(self, keys: Collection[str]) -> Mapping[str, str]:
        """Digests of the recording, the rule, and who listens."""
        return {key: self._fingerprint(key) for key in keys}

    def _fingerprint(self, key: str) -> str:
        upload = upload_at(self._records.storage, activity_folder(text_of_key(key)))
        depends_on = (upload.version, self._rule.value, self._speech.mode)
        return hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]

    def is_settled(self, row: ActivityDigest) -> bool:  # noqa: ARG002
        """Any result: a changed recording is an upload of its own."""
        return True

    def is_valid(self, row: ActivityDigest) -> bool:
        """Made by the present code, unless the run rescores everything."""
        return super().is_valid(row) and not self._config.rescore_again

    @asynccontextmanager
    async def open(
        self,
        items: Sequence[Item[ActivityDigest]],  # noqa: ARG002
    ) -> AsyncIterator[Work[ActivityDigest, RescoredActivityRow]]:
        """Open the recognisers and the activity API."""
        lexicon = bundled_lexicon()
        async with self._speech.open() as recognisers, self._activity_api.open() as api:
            yield lambda item: self._rescored(item, recognisers, lexicon, api)

    async def _inputs(self, activity: str, api: "ActivityApi | None") -> ActivityInputs:
        """Load an activity; for one whose upload is unusable, an object in the store says why."""
        storage, refusal = self._records.storage, activity_refusal_key(activity)
        try:
            inputs = await load_activity(storage, activity, api)
        except FixInput as refused:
            document = {"upload": activity_folder(activity), "problem": str(refused)}
            storage.put(refusal, json.dumps(document, indent=1).encode())
            raise
        storage.delete(refusal)
        return inputs

    async def _rescored(
        self,
        item: Item[ActivityDigest],
        recognisers: Recognisers,
        lexicon: "Lexicon",
        api: "ActivityApi | None",
    ) -> RescoredActivityRow:
        inputs = await self._inputs(text_of_key(item.key), api)
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
            item.key,
            inputs,
            rescored,
            fingerprint=str(item.fingerprint),
            code_version=CODE_VERSION,
            run_id=self._run_id,
            is_written_back=is_written_back,
        )

    def describe(self, key: str) -> Metadata:
        """The id, and where the specialist's report is."""
        activity = text_of_key(key)
        page = self._records.storage.location(activity_page_key(activity))
        return {
            "activity": dg.MetadataValue.text(activity),
            "report": dg.MetadataValue.path(page),
        }

    def keep(self) -> None:
        """Store the answers of recognisers."""
        answers = self._new_answers[:]
        self._records.keep_answers(answers, self._run_id)
        del self._new_answers[: len(answers)]

    def report(
        self,
        batch: FinishedBatch[ActivityDigest],  # noqa: ARG002
        report: BatchReport,
    ) -> RescoringReport:
        """Says whether verdicts are drafts, and which recognisers are missing."""
        return RescoringReport(**report.common() | {"notes": self._speech.notes})


def _keys_of(activities: Iterable[str]) -> tuple[list[str], list[ItemFailure]]:
    """Partition keys, and ids that cannot be one."""
    keys, unusable = [], []
    for activity in activities:
        try:
            keys.append(activity_key(activity))
        except FixInput as error:
            digest = hashlib.sha256(activity.encode()).hexdigest()[:12]
            unusable.append(ItemFailure(f"unusable:{digest}", error.category, str(error)))
    return keys, unusable


def _nobody_answered(rescored: RescoredActivity) -> RetryLater:
    category = max(rescored.failures, key=lambda reason: rescored.failures[reason])
    counts = ", ".join(f"{count} {reason}" for reason, count in rescored.failures.items())
    return RetryLater(
        f"No recogniser answered about any phrase in doubt ({counts}): nothing was changed.",
        category,
    )


def bundled_lexicon() -> "Lexicon":
    """How English words sound, from the dictionary that comes with the embedded recogniser."""
    from orf_books.resources import pocketsphinx_model

    return pocketsphinx_model.bundled_lexicon()
