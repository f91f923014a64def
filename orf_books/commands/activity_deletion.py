"""Deleting an activity: its recording, its record, and everything made of them.

Belongs here: in which order it is deleted from where, so that a deletion that is interrupted can be
repeated. Does not belong here: deleting rows for good (`resources/table_deletion.py`), arguments
and printing (`orf_books/cli.py`).

The pages of its story stay, because other activities use them, and so does what the activity API
holds. Dagster's history of runs keeps the activity's id.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import dagster as dg

from orf_books.activities.audio import read_recording
from orf_books.activities.manifest import FULL_RECORDING
from orf_books.assets.activities.pages import put_activities_page
from orf_books.assets.activities.step import ACTIVITIES
from orf_books.commands.overview import refresh_overview
from orf_books.commands.runs_at_work import MOST_SECONDS, ran_since, wait_for_runs
from orf_books.failures import FixInput
from orf_books.instance import open_instance
from orf_books.jobs import ingest_activities, refresh_activity_reports, retry_failed_activities
from orf_books.object_keys import (
    ACTIVITIES as UPLOADS,
)
from orf_books.object_keys import (
    activity_data_key,
    activity_folder,
    activity_of_folder,
    activity_page_key,
    activity_refusal_key,
    is_activity_list,
)
from orf_books.partition_keys import activity_key
from orf_books.records import activities as tables
from orf_books.records.activities import ActivityRecords, ActivityUpload
from orf_books.records.readings import ReadingRecords, readings, word_corrections
from orf_books.records.recordings import RECORD, read_list, upload_at
from orf_books.records.uploads import abandoned_uploads, upload_claims
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.resources.table_deletion import delete_rows, list_holds, value_in
from orf_books.resources.tables import Table, Tables
from orf_books.settings import Settings

_JOBS = (ingest_activities.name, retry_failed_activities.name, refresh_activity_reports.name)
_DELETION = "deletion"
"""Stands for a run in the receipt of a list that a deletion has changed."""


@dataclass(frozen=True, slots=True)
class ActivityDeletion:
    """What was deleted."""

    activity: str
    objects: tuple[str, ...]
    """Keys."""
    lists_changed: tuple[str, ...]
    """Keys of lists of activities that the id was taken out of."""
    rows: Mapping[str, int]
    """By table, how many."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)

    def and_also(self, other: Self) -> Self:
        """Both, of the same activity, one after the other."""
        return replace(
            self,
            objects=tuple(sorted({*self.objects, *other.objects})),
            lists_changed=tuple(sorted({*self.lists_changed, *other.lists_changed})),
            rows=dict(Counter(self.rows) + Counter(other.rows)),
        )


def delete_activity(
    settings: Settings, activity: str, wait_seconds: float = MOST_SECONDS
) -> ActivityDeletion:
    """Delete an activity from everywhere, and show the others without it.

    Args:
        settings: where everything is.
        activity: its id.
        wait_seconds: how long to wait for runs at work.

    Raises:
        FixInput: there is no such activity.
        RetryLater: a run is at work on activities, or the store did not answer; repeat the
            deletion.
    """
    with open_instance(settings) as instance:
        wait_for_runs(instance, _JOBS, wait_seconds)
        records, began = ActivityRecords(settings.open_storage()), datetime.now(UTC)
        deletion = _Deletion(records, instance, activity)
        if not deletion.finds_anything():
            raise FixInput(f"There is no activity {activity!r}.")
        done = deletion.carry_out()
        # A run that began meanwhile may have read the upload before, and stored its results after.
        wait_for_runs(instance, _JOBS, wait_seconds)
        if ran_since(instance, _JOBS, began):
            again = _Deletion(records, instance, activity, deletion.recordings)
            done = done.and_also(again.carry_out())
        refresh_overview(settings, instance)
        return done


def activities_of_student(storage: ObjectStorage, student_id: str) -> list[str]:
    """The activities that a student read, also those that were never rescored."""
    figures = ReadingRecords(storage).figures().values()
    known = {one.activity_id for one in figures if one.student_id == student_id}
    uploaded = {
        activity
        for stored in storage.list(UPLOADS)
        if stored.key.endswith(f"/{RECORD}") and (activity := activity_of_folder(stored.key))
        if student_id.encode() in storage.get(stored.key).lower()
    }
    return sorted(known | uploaded)


class _Deletion:
    def __init__(
        self,
        records: ActivityRecords,
        instance: dg.DagsterInstance,
        activity: str,
        known_recordings: Collection[str] = (),
    ) -> None:
        self._records, self._instance, self._activity = records, instance, activity
        self._storage, self._tables = records.storage, Tables(records.storage)
        self._key, self._folder = activity_key(activity), activity_folder(activity)
        made = (
            activity_page_key(activity),
            activity_data_key(activity),
            activity_refusal_key(activity),
        )
        self._objects = [
            *(stored.key for stored in self._storage.list(self._folder)),
            *filter(self._storage.exists, made),
        ]
        self._rows: dict[str, int] = {}
        # While the recording is there: it tells which answers are about it.
        self.recordings = {*known_recordings, *self._recordings()}

    def finds_anything(self) -> bool:
        """Whether there is such an activity."""
        is_known = self._activity in self._records.requested()
        return bool(self._objects or is_known or self._records.latest([self._key]))

    def carry_out(self) -> ActivityDeletion:
        """Delete it; what tells what else there is to delete comes last."""
        about_it = value_in("recording", self.recordings)
        self._delete_rows(tables.recogniser_answers, about_it)
        self._storage.delete(*self._objects)
        changed = tuple(self._take_out_of_lists())
        by_key = value_in("key", [self._key])
        self._delete_rows(tables.rescored_activities, by_key)
        self._delete_rows(tables.failed_rescorings, by_key)
        self._delete_from_reports()
        by_folder = value_in("key", [self._folder])
        for table in (upload_claims, abandoned_uploads, tables.activity_uploads):
            self._delete_rows(table, by_folder)
        by_id = value_in("activity_id", [self._activity])
        self._delete_rows(tables.requested_activities, by_id)
        student_id = self._student_id()
        self._delete_rows(readings, by_id)
        self._delete_rows(word_corrections, by_id)
        self._instance.delete_dynamic_partition(str(ACTIVITIES.partitions.name), self._key)
        put_activities_page(self._records, student_id)
        rows = {table: count for table, count in self._rows.items() if count}
        return ActivityDeletion(self._activity, tuple(sorted(self._objects)), changed, rows)

    def _student_id(self) -> str | None:
        """Who read it, if that is known."""
        figures = ReadingRecords(self._storage).figures().get(self._activity)
        return figures.student_id if figures else None

    def _recordings(self) -> set[str]:
        """Fingerprints of the recordings of the activity, also of those that were replaced."""
        own = _recording_of(self._storage, self._activity)
        versions = [one for one in self._records.uploads() if one.key == self._folder]
        if len(versions) < 2:  # noqa: PLR2004 - nothing was replaced
            return own
        runs = self._records.runs_of(self._key)
        others = self._records.activities_of_runs(runs) - {self._activity}
        of_others = set[str]().union(*(_recording_of(self._storage, other) for other in others))
        # What these runs asked about, and no activity has any more, was replaced.
        return own | (self._records.recordings_of_runs(runs) - of_others)

    def _take_out_of_lists(self) -> Iterable[str]:
        for stored in list(self._storage.list(UPLOADS)):
            if not is_activity_list(stored.key):
                continue
            with suppress(FixInput):
                listed = read_list(self._storage.get(stored.key))
                if self._activity in listed:
                    self._put_list(stored.key, [one for one in listed if one != self._activity])
                    yield stored.key

    def _put_list(self, key: str, activities: list[str]) -> None:
        if not activities:
            self._storage.delete(key)
            return
        # No sensor needs to see to it: nothing new is asked for.
        self._records.claim(key)
        self._storage.put(key, "\n".join(["activity_id", *activities, ""]).encode())
        version = upload_at(self._storage, key).version
        receipt = ActivityUpload(key, version, len(activities), datetime.now(UTC), _DELETION)
        self._records.accept(receipt, activities)

    def _delete_from_reports(self) -> None:
        """Delete the reports of this upload alone, and take its key out of the others."""
        of_several = [
            replace(report, uploads=tuple(key for key in report.uploads if key != self._folder))
            for report in self._records.reports()
            if self._folder in report.uploads and len(report.uploads) > 1
        ]
        # The new ones first, so that no interruption loses a report.
        self._tables.append(tables.rescoring_reports, of_several)
        self._delete_rows(tables.rescoring_reports, list_holds("uploads", self._folder))

    def _delete_rows(self, table: Table[Any], where: str) -> None:
        self._rows[table.name] = delete_rows(self._storage, table, where)


def _recording_of(storage: ObjectStorage, activity: str) -> set[str]:
    """The fingerprint of an activity's recording, if it has one."""
    try:
        content = storage.get(f"{activity_folder(activity)}{FULL_RECORDING}")
        return {read_recording(content).fingerprint}
    except (ObjectNotFoundError, FixInput):
        return set()
