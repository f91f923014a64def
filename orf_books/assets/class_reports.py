"""What is made of all sessions of a class, as assets: figures and published tables.

Belongs here: which classes have changed, fetching their scores, storing what is made of them. Does
not belong here: figures (`orf_books/transcripts/aggregates.py`), tables (`resources/database.py`),
pages (`class_pages.py`).

Each of the assets looks at what is recorded, not at what its run has scored: whatever a broken-off
run, a backfill or an outage left undone is done by the next run.
"""

import hashlib
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import stamina

from orf_books.assets.item_step import OWNERS
from orf_books.assets.session_records import ClassSessions, SessionRecords, SessionRow
from orf_books.assets.session_scoring import SCORED_TRANSCRIPTS
from orf_books.assets.transcripts import GROUP, SCORING_REPORT
from orf_books.failures import OrfBooksError, RetryLater
from orf_books.resources.dagster_resources import DatabaseResource, StorageResource
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage

if TYPE_CHECKING:
    from orf_books.transcripts.aggregate_document import ClassFigures
    from orf_books.transcripts.scored_session import StoredScores

READ_AT_ONCE = 16
"""Objects of a store that may be far away."""
PUBLISHING_ATTEMPTS = 3
FIRST_WAIT_SECONDS = 2.0


@contextmanager
def nothing_quoted() -> Iterator[None]:
    """Tell a defect by its class and its place: its text may hold what people wrote.

    Raises:
        dg.Failure: there was one.
    """
    try:
        yield
    except (OrfBooksError, ObjectNotFoundError):
        raise
    except Exception as defect:
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
@nothing_quoted()
def class_figures(storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the figures of the classes whose scores have changed."""
    from orf_books.transcripts.aggregate_document import write_aggregates

    records = SessionRecords(storage.open())
    made = records.aggregated()
    changed = [
        one for one in records.classes().values() if made.get(one.class_id) != one.scores_state
    ]
    written = 0
    for one in changed:
        figures = figures_of(stored_scores(records.storage, one.rows)).by_window()
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


def stored_scores(storage: ObjectStorage, rows: Sequence[SessionRow]) -> "list[StoredScores]":
    """The scores of sessions, in the same order.

    Raises:
        FixInput: an object is damaged.
        RetryLater: the store does not answer.
    """
    from orf_books.transcripts.score_document import read_scores

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return [
            read_scores(content)
            for content in pool.map(storage.get, [row.scores_key for row in rows])
        ]


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
@nothing_quoted()
def published_scores(
    context: dg.AssetExecutionContext, storage: StorageResource, database: DatabaseResource
) -> dg.MaterializeResult[None]:
    """Publish all scores that are not yet, in one transaction."""
    records = SessionRecords(storage.open())
    rows = list(_unpublished(records.classes().values()))
    failure = None
    if rows:
        scores = stored_scores(records.storage, rows)
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


def _unpublished(classes: Iterable[ClassSessions]) -> Iterator[SessionRow]:
    for one in classes:
        yield from one.unpublished
