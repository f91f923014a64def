"""What is made of all sessions of a class, as assets: figures and published tables.

Belongs here: which classes have changed, fetching their scores, storing what is made of them. Does
not belong here: figures (`orf_books/transcripts/aggregates.py`), tables (`resources/database.py`),
pages (`pages.py`).

Each of the assets looks at what is recorded, not at what its run has scored: whatever a broken-off
run, a backfill or an outage left undone is done by the next run.
"""

import hashlib
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import stamina

from orf_books.assets import OWNERS
from orf_books.assets.transcripts.assets import GROUP
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS, SCORING_REPORT
from orf_books.batches.batch import ItemFailure
from orf_books.failures import FailureCategory, FixInput, OrfBooksError, RetryLater
from orf_books.records.sessions import ClassSessions, SessionRecords, SessionRow
from orf_books.resources.dagster_resources import DatabaseResource, StorageResource
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage

if TYPE_CHECKING:
    from orf_books.transcripts.aggregate_document import ClassFigures
    from orf_books.transcripts.scored_session import StoredScores

_LOST = "Its stored scores are gone or damaged: retry it, and it is scored again."
READ_AT_ONCE = 16
"""Objects of a store that may be far away."""
PUBLISHING_ATTEMPTS = 3
FIRST_WAIT_SECONDS = 2.0


@contextmanager
def redact_errors() -> Iterator[None]:
    """Tell a defect by its class and its place: its text may hold what people wrote.

    Raises:
        dg.Failure: there was one.
    """
    try:
        yield
    except (OrfBooksError, ObjectNotFoundError):
        raise
    except Exception as defect:  # noqa: BLE001 - whatever it is, its text stays here
        place = "".join(traceback.format_tb(defect.__traceback__))
        raise dg.Failure(
            f"A defect, {type(defect).__name__}:\n{place}", allow_retries=False
        ) from None


@dg.asset(
    deps=[SCORED_TRANSCRIPTS, SCORING_REPORT],
    group_name=GROUP,
    kinds={"json"},
    owners=OWNERS,
    code_version="1",
    description=(
        "The figures of classes and students over a week, four and twelve, beside each session: "
        "`aggregates/…`. Figures of fewer than five students are suppressed."
    ),
)
@redact_errors()
def class_figures(
    context: dg.AssetExecutionContext, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Make the figures of the classes whose scores have changed."""
    from orf_books.transcripts.aggregate_document import write_aggregates

    records = SessionRecords(storage.open())
    made = records.aggregated()
    changed = [
        one for one in records.classes().values() if made.get(one.class_id) != one.scores_state
    ]
    written = 0
    for one in changed:
        scores = stored_scores(records, one, one.rows, context.run.run_id)
        if scores is None:
            continue
        figures = figures_of(scores).by_window()
        documents = {
            row: write_aggregates(figures, job_id=row.job_id, class_id=row.class_id, day=row.day)
            for row in one.rows
        }
        states = {row.key: hashlib.sha256(documents[row]).hexdigest() for row in documents}
        new = [row for row in documents if made.get(row.key) != states[row.key]]
        for row in new:
            records.storage.put(row.aggregates_key, documents[row])
        records.note_aggregated(
            {row.key: states[row.key] for row in new} | {one.class_id: one.scores_state}
        )
        written += len(new)
    return dg.MaterializeResult(metadata={"classes": len(changed), "documents": written})


def stored_scores(
    records: SessionRecords, of_class: ClassSessions, rows: Sequence[SessionRow], run_id: str
) -> "list[StoredScores] | None":
    """The scores of some sessions of a class, in the same order.

    None where any are gone or damaged: that is noted as a failure of their sessions, which the next
    retry scores again. The other classes go on.

    Raises:
        RetryLater: the store does not answer.
    """
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        found = list(pool.map(partial(_read_scores, records.storage), rows))
    failures = [
        ItemFailure(row.key, FailureCategory.BAD_DATA, _LOST)
        for row, one in zip(rows, found, strict=True)
        if one is None
    ]
    records.add_failures([one for one in failures if one.key not in of_class.failures], run_id)
    return None if failures else [one for one in found if one]


def _read_scores(storage: ObjectStorage, row: SessionRow) -> "StoredScores | None":
    from orf_books.transcripts.score_document import read_scores

    try:
        return read_scores(storage.get(row.scores_key))
    except (ObjectNotFoundError, FixInput):
        return None


def figures_of(scores: "Sequence[StoredScores]") -> "ClassFigures":
    """The figures of the class whose sessions these are."""
    from orf_books.transcripts.aggregate_document import ClassFigures
    from orf_books.transcripts.aggregates import class_aggregates, student_trends
    from orf_books.transcripts.publication import scores_of

    single = [score for one in scores for score in scores_of(one)]
    return ClassFigures(tuple(class_aggregates(single)), tuple(student_trends(single)))


@dg.asset(
    deps=[class_figures],
    group_name=GROUP,
    kinds={"postgres"},
    owners=OWNERS,
    code_version="1",
    description=(
        "Students, assessments, evidence and class figures in the published tables. Where the "
        "database does not answer, scores stay as they are and are published later."
    ),
)
@redact_errors()
def published_scores(
    context: dg.AssetExecutionContext, storage: StorageResource, database: DatabaseResource
) -> dg.MaterializeResult[None]:
    """Publish all scores that are not yet, in one transaction."""
    records = SessionRecords(storage.open())
    rows, scores = list[SessionRow](), list["StoredScores"]()
    for one in records.classes().values():
        if found := stored_scores(records, one, one.unpublished, context.run.run_id):
            rows += one.unpublished
            scores += found
    failure = None
    if rows:
        try:
            for attempt in stamina.retry_context(
                on=RetryLater, attempts=PUBLISHING_ATTEMPTS, wait_initial=FIRST_WAIT_SECONDS
            ):
                with attempt:
                    database.open().publish(scores)
        except OrfBooksError as error:
            failure = error
            context.log.warning("Nothing was published, all scores are kept: %s", error)
        records.note_publication(rows, failure)
    return dg.MaterializeResult(
        metadata={"published": "no" if failure else "yes", "sessions": len(rows)}
        | ({"problem": str(failure)} if failure else {})
    )
