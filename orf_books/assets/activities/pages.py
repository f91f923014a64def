"""What specialists look at, as an asset: reports, pages of students, and the page over them all.

Belongs here: collecting what a report shows, storing it. Does not belong here: what is on it
(`orf_books/pages`), verdicts (`orf_books/activities`).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
from pydantic import Field

from orf_books.activities.agreement import judge
from orf_books.activities.manifest import FULL_RECORDING
from orf_books.activities.progress import Progress, Reading, first_pass_fluency, word_counts
from orf_books.activities.reader import Reader, read_reader
from orf_books.activities.story import phrases_by_page, words_of
from orf_books.activities.word_corrections import (
    MeasuredFlags,
    WordCorrection,
    applying,
    corrected,
)
from orf_books.assets import OWNERS
from orf_books.assets.activities.assets import GROUP
from orf_books.assets.activities.step import RESCORED_ACTIVITIES, RESCORING_REPORT
from orf_books.assets.uploads import FRESHNESS
from orf_books.failures import FailureCategory
from orf_books.keys import text_of_key
from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    activity_data_key,
    activity_folder,
    activity_page_key,
    progress_page_key,
)
from orf_books.records.activities import (
    ActivityDigest,
    ActivityRecords,
    RescoredActivityRow,
)
from orf_books.records.items import FailedItem
from orf_books.records.overviews import overviews_beside
from orf_books.records.readings import ReadingFigures, ReadingRecords, ReadingRow
from orf_books.records.recordings import pages_of_story, truth_of
from orf_books.resources.dagster_resources import StorageResource

if TYPE_CHECKING:
    from orf_books.pages.activities_index_page import ActivityDigest as ShownActivity
    from orf_books.pages.activity_page import ActivityReport


class ReportsConfig(dg.Config):
    """Which activities to make reports of."""

    after_runs: list[str] = Field(default_factory=list)
    """Those that these runs rescored; empty: this run, or else all."""
    activities: list[str] = Field(default_factory=list)
    """Exactly these, by partition key: a person has corrected them."""


@dg.asset(
    deps=[RESCORED_ACTIVITIES, RESCORING_REPORT],
    group_name=GROUP,
    kinds={"json", "html"},
    owners=OWNERS,
    code_version="2",
    freshness_policy=FRESHNESS,
    description=(
        "For each activity `data/activities/<id>.html` and `.json`, for each student "
        "`data/activities/students/<id>.html`, and `activities.html` over all."
    ),
)
def activity_reports(
    context: dg.AssetExecutionContext, config: ReportsConfig, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Make the reports of the activities that a run has rescored, and of their students."""
    records = ActivityRecords(storage.open())
    pages = _Pages(records)
    keys = config.activities or _rescored_by(records, pages.digests, config, context.run.run_id)
    pages.put_reports(keys)
    pages.put_index()
    return dg.MaterializeResult(
        metadata={
            "reports": len(keys),
            "activities": len(pages.digests.keys() | pages.failures.keys()),
            "failed_activities": len(pages.failures),
            "students": len(pages.students),
            "page": dg.MetadataValue.path(records.storage.location(ACTIVITIES_PAGE)),
        }
    )


def _rescored_by(
    records: ActivityRecords,
    digests: Mapping[str, ActivityDigest],
    config: ReportsConfig,
    run_id: str,
) -> list[str]:
    runs = config.after_runs or [run_id]
    keys = [key for key, digest in digests.items() if digest.run_id in runs]
    if not keys and records.report_of_run(run_id) is None and not config.after_runs:
        return list(digests)
    return keys


def put_activities_page(records: ActivityRecords, student_id: str | None = None) -> None:
    """Make and store the page over all activities, and that of a student who lost a reading."""
    pages = _Pages(records)
    if student_id:
        pages.put_students([student_id])
    pages.put_index()


class _Pages:
    """The pages over activities, from what the store holds when they are made."""

    def __init__(self, records: ActivityRecords) -> None:
        self._records, self._storage = records, records.storage
        self._readings = ReadingRecords(self._storage)
        self.digests = records.latest()
        self.failures = records.failed_since(self.digests)
        self._figures = self._readings.figures()
        self._corrections = defaultdict[str, list[WordCorrection]](list)
        for correction in self._readings.corrections():
            self._corrections[correction.activity_id].append(correction)

    @property
    def students(self) -> Sequence[Progress]:
        """Those of whom a reading is known, by its figures alone."""
        by_student = defaultdict[str, list[Reading]](list)
        for figures in self._figures.values():
            if figures.student_id:
                by_student[figures.student_id].append(figures.reading())
        return [Progress.of(student, readings) for student, readings in by_student.items()]

    def put_reports(self, keys: Collection[str]) -> None:
        """Make the reports of these activities, and the pages of the students who read."""
        rows = [self._put_report(row) for row in self._records.results(keys).values()]
        before = [self._figures.get(row.activity_id) for row in rows]
        self._readings.add_readings(rows)
        self._figures |= {row.activity_id: row.figures for row in rows}
        self.put_students({of.student_id for of in (*before, *rows) if of and of.student_id})

    def put_students(self, students: Iterable[str]) -> None:
        """Make the pages of these students; who has no reading any more has none."""
        from orf_books.pages.progress_page import render_progress_page

        wanted = sorted(students)
        readings = self._readings.readings_of(wanted) if wanted else {}
        for student in wanted:
            if of_student := readings.get(student):
                page = render_progress_page(Progress.of(student, of_student), datetime.now(UTC))
                self._storage.put(progress_page_key(student), page.encode())
            else:
                self._storage.delete(progress_page_key(student))

    def put_index(self) -> None:
        """Make the page over all activities."""
        from orf_books.pages.activities_index_page import render_activities_index_page

        shown = [
            _shown(
                key,
                digest := self.digests.get(key),
                self.failures.get(key),
                self._figures.get(digest.activity_id) if digest else None,
            )
            for key in self.digests.keys() | self.failures.keys()
        ]
        page = render_activities_index_page(
            shown,
            overviews_beside(self._storage, ACTIVITIES_PAGE),
            self.students,
            MeasuredFlags.of(
                correction for of_one in self._corrections.values() for correction in of_one
            ),
        )
        self._storage.put(ACTIVITIES_PAGE, page.encode())

    def _put_report(self, row: RescoredActivityRow) -> ReadingRow:
        from orf_books.pages.activity_page import render_activity_page

        reader = read_reader(row.record.encode())
        corrections = self._corrections_of_recording(row.activity_id)
        report = _report(self._records, row, reader, corrections)
        reading = self._reading(row, report, reader)
        page = render_activity_page(report)
        self._storage.put(activity_page_key(row.activity_id), page.encode())
        document = _document(row, reading, corrections)
        self._storage.put(
            activity_data_key(row.activity_id),
            json.dumps(document, indent=1, default=_as_text).encode(),
        )
        return ReadingRow.of(reading, reader.student_id, datetime.now(UTC))

    def _corrections_of_recording(self, activity_id: str) -> Sequence[WordCorrection]:
        """What people heard in the recording that is there now; all of it where none is."""
        if (corrections := self._corrections.get(activity_id)) is None:
            return ()
        version = self._readings.recording_version(activity_id)
        return [one for one in corrections if version in {"", one.recording}]

    def _reading(
        self, row: RescoredActivityRow, report: "ActivityReport", reader: Reader
    ) -> Reading:
        checked = applying(report.rescored, report.corrections)
        rescored = corrected(report.rescored, checked)
        return Reading(
            activity_id=row.activity_id,
            story_id=row.story_id,
            story=row.story,
            read_at=reader.read_at or self._first_arrivals.get(row.activity_id, row.rescored_at),
            is_draft=row.is_draft,
            grade=report.activity.grade,
            season=report.activity.season,
            first_pass=first_pass_fluency(report.rescored),
            fluency=rescored.fluency,
            accuracy_interval=rescored.accuracy_interval,
            wcpm_interval=rescored.wcpm_interval,
            checked_words=len(checked),
            words=word_counts(rescored),
        )

    @cached_property
    def _first_arrivals(self) -> Mapping[str, datetime]:
        return self._records.first_arrivals()


def _document(
    row: RescoredActivityRow, reading: Reading, corrections: Sequence[WordCorrection]
) -> dict[str, Any]:
    """The data of an activity: the result of the recognisers, and figures that people corrected."""
    document = asdict(row)
    result, _ = document.pop("result"), document.pop("record")
    fluency = reading.fluency
    figures = {
        "words_attempted": fluency.attempted_words,
        "misread": fluency.attempted_words - fluency.correct_words,
        "accuracy": fluency.accuracy,
        "wcpm": fluency.wcpm,
    }
    of_people = {"corrections": [asdict(correction) for correction in corrections]}
    return document | figures | {"result": json.loads(result)} | of_people


def _report(
    records: ActivityRecords,
    row: RescoredActivityRow,
    reader: Reader,
    corrections: Sequence[WordCorrection],
) -> "ActivityReport":
    from orf_books.pages.activity_page import ActivityReport

    activity, rescored = row.activity(), row.rescored()
    story = phrases_by_page(
        [words_of(text) for text in activity.phrases],
        pages_of_story(records.storage, activity.story_id),
    )
    labels = truth_of(records.storage, row.activity_id)
    return ActivityReport(
        rescored,
        activity,
        row.rescored_at,
        pages=story.pages,
        judged=judge(rescored, labels) if labels else None,
        # From `data/activities/<id>.html` to `activities/<id>/complete.wav`.
        recording_address=f"../../{quote(activity_folder(row.activity_id))}{FULL_RECORDING}",
        corrections=corrections,
        student_id=reader.student_id,
    )


def _shown(
    key: str,
    digest: ActivityDigest | None,
    failure: FailedItem | None,
    figures: ReadingFigures | None,
) -> "ShownActivity":
    """The line of an activity; where it failed at last, earlier figures stand beside the reason.

    Its figures are those that people corrected, where its report has been made.
    """
    from orf_books.pages.activities_index_page import ActivityDigest as ShownActivity
    from orf_books.pages.activities_index_page import ActivityStatus

    rescored = ActivityStatus.DRAFT if digest and digest.is_draft else ActivityStatus.RESCORED
    moments = [digest.rescored_at] if digest else []
    moments += [failure.failed_at] if failure else []
    shown = ShownActivity(
        activity_id=digest.activity_id if digest else text_of_key(key),
        story_id=digest.story_id if digest else "",
        story=digest.story if digest else "",
        updated=max(moments),
        status=ActivityStatus.FAILED if failure else rescored,
        attempted_words=digest.words_attempted if digest else None,
        correct_words=digest.words_attempted - digest.misread if digest else None,
        wcpm=digest.wcpm if digest else None,
        changed_verdicts=digest.changed if digest else None,
        failure=FailureCategory(failure.category) if failure else None,
        remedy=failure.message if failure else "",
    )
    if figures is None:
        return shown
    fluency = figures.reading().fluency
    return replace(
        shown,
        attempted_words=fluency.attempted_words,
        correct_words=fluency.correct_words,
        wcpm=fluency.wcpm,
    )


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
