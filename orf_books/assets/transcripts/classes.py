"""What is made of all sessions of a class, in one step: figures, published tables, pages.

Belongs here: which classes have changed, reading their scores, storing what is made of them. Does
not belong here: figures (`orf_books/transcripts/aggregates.py`), tables (`resources/database.py`),
what pages show (`pages.py`).

The step looks at what is recorded, not at what its run has scored: whatever an interrupted run, a
backfill or an outage left undone is done by the next run.
"""

import hashlib
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import stamina

from orf_books.assets import OWNERS
from orf_books.assets.transcripts.assets import GROUP
from orf_books.assets.transcripts.pages import (
    ClassMaterial,
    put_class_pages,
    put_index,
    shown_class,
)
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS, SCORING_REPORT
from orf_books.assets.uploads import FRESHNESS
from orf_books.batches.batch import ItemFailure
from orf_books.failures import FailureCategory, FixInput, OrfBooksError, RetryLater
from orf_books.object_keys import CLASSES_PAGE
from orf_books.records.corrections import corrections_of
from orf_books.records.evidence import utterances_of
from orf_books.records.sessions import ClassSessions, SessionRecords, SessionRow, ShownClass
from orf_books.records.usual import learn_when_due, note_class, usual_in
from orf_books.resources.dagster_resources import DatabaseResource, StorageResource
from orf_books.resources.storage import ObjectNotFoundError

if TYPE_CHECKING:
    from orf_books.transcripts.aggregate_document import ClassFigures
    from orf_books.transcripts.corrections import Correction, MeasuredPrecision
    from orf_books.transcripts.scored_session import StoredScores
    from orf_books.transcripts.skills import Skill
    from orf_books.transcripts.usual import Usual

CLASS_FIGURES = dg.AssetKey("class_figures")
PUBLISHED_SCORES = dg.AssetKey("published_scores")
CLASS_PAGES = dg.AssetKey("class_pages")
READ_AT_ONCE = 16
"""Objects of a store that may be far away."""
KEPT_DOCUMENTS = 1000
"""Score documents kept in memory, so that each is read once: several years of a class."""
PUBLISHING_ATTEMPTS = 3
FIRST_WAIT_SECONDS = 2.0
_LOST = "Its stored scores are gone or damaged: retry it, and it is scored again."

logger = logging.getLogger(__name__)


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


@dg.multi_asset(
    name="publish_classes",
    specs=[
        dg.AssetSpec(
            CLASS_FIGURES,
            deps=[SCORED_TRANSCRIPTS, SCORING_REPORT],
            group_name=GROUP,
            kinds={"json"},
            owners=OWNERS,
            code_version="1",
            skippable=True,
            description=(
                "The figures of classes and students over a week, four and twelve, beside each "
                "session: `aggregates/…`. Figures of fewer than five students are suppressed."
            ),
        ),
        dg.AssetSpec(
            PUBLISHED_SCORES,
            deps=[CLASS_FIGURES],
            group_name=GROUP,
            kinds={"postgres"},
            owners=OWNERS,
            code_version="1",
            skippable=True,
            description=(
                "Students, assessments, evidence and class figures in the published tables. Where "
                "the database does not answer, scores stay as they are and are published later."
            ),
        ),
        dg.AssetSpec(
            CLASS_PAGES,
            deps=[SCORING_REPORT, PUBLISHED_SCORES],
            group_name=GROUP,
            kinds={"html"},
            owners=OWNERS,
            code_version="1",
            freshness_policy=FRESHNESS,
            skippable=True,
            description=(
                "For each class `data/classes/<class>.html`, a page for each of its students, and "
                "`classes.html` over all. Pages whose making cannot be logged are not made."
            ),
        ),
    ],
    can_subset=True,
)
def publish_classes(
    context: dg.AssetExecutionContext, storage: StorageResource, database: DatabaseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Bring figures, published tables and pages up to date, for the classes that have changed."""
    classes = _Classes(context, SessionRecords(storage.open()), database)
    steps = {
        CLASS_FIGURES: classes.put_figures,
        PUBLISHED_SCORES: classes.publish,
        CLASS_PAGES: classes.put_pages,
    }
    for asset, bring_up_to_date in steps.items():
        if asset in context.selected_asset_keys:
            with redact_errors():
                result = bring_up_to_date()
            yield dg.MaterializeResult(asset_key=asset, metadata=result)


class _Classes:
    """All classes, as one execution of the step sees them."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        records: SessionRecords,
        database: DatabaseResource,
    ) -> None:
        self._context, self._records, self._database = context, records, database
        self._run_id = context.run.run_id
        self._read = lru_cache(KEPT_DOCUMENTS)(self._read_scores)
        self._corrections = cache(partial(corrections_of, records.storage))
        self._figures: dict[str, ClassFigures] = {}

    @cached_property
    def _classes(self) -> dict[str, ClassSessions]:
        return self._records.classes()

    @cached_property
    def _usual(self) -> "Usual":
        return usual_in(self._records.storage)

    @cached_property
    def _precision(self) -> "Mapping[Skill, MeasuredPrecision]":
        from orf_books.transcripts.corrections import measured_precision

        return measured_precision(corrections_of(self._records.storage))

    def put_figures(self) -> dict[str, Any]:
        """Store the figures of the classes whose scores have changed."""
        from orf_books.transcripts.aggregate_document import write_aggregates

        made = self._records.aggregated()
        self._learn_usual(made)
        changed = self._changed_since(made)
        written = 0
        for of_class in changed:
            if (scores := self._scores(of_class, of_class.rows)) is None:
                continue
            figures = self._figures_of(of_class, scores).by_window()
            documents = {
                row: write_aggregates(
                    figures,
                    job_id=row.job_id,
                    class_id=row.class_id,
                    day=row.day,
                    usual=self._usual,
                )
                for row in of_class.rows
            }
            states = {row.key: hashlib.sha256(documents[row]).hexdigest() for row in documents}
            new = [row for row in documents if made.get(row.key) != states[row.key]]
            for row in new:
                self._records.storage.put(row.aggregates_key, documents[row])
            self._records.note_aggregated(
                {row.key: states[row.key] for row in new}
                | {of_class.class_id: of_class.scores_state}
            )
            written += len(new)
        return {"classes": len(changed), "documents": written}

    def _changed_since(self, made: Mapping[str, str]) -> list[ClassSessions]:
        """The classes whose figures were made from another state."""
        return [
            of_class
            for of_class in self._classes.values()
            if made.get(of_class.class_id) != of_class.scores_state
        ]

    def _learn_usual(self, made: Mapping[str, str]) -> None:
        """Learn what is usual from all classes, if that is due; then all are published again."""
        for of_class in self._changed_since(made):
            if scores := self._scores(of_class, of_class.rows):
                note_class(self._records.storage, of_class.class_id, scores)
        if learn_when_due(self._records.storage, self._classes.keys()):
            rows = [row for of_class in self._classes.values() for row in of_class.rows]
            self._records.publish_again(rows, "What is usual was learned anew.")
            self._classes, self._usual = self._records.classes(), usual_in(self._records.storage)

    def publish(self) -> dict[str, Any]:
        """Publish all scores that are not published yet, in one transaction."""
        rows, scores = list[SessionRow](), list["StoredScores"]()
        corrections = list["Correction"]()
        for of_class in list(self._classes.values()):
            if found := self._scores(of_class, of_class.unpublished):
                rows += of_class.unpublished
                scores += found
                corrections += self._corrections(of_class.class_id)
        failure = self._published(scores, corrections) if rows else None
        if rows:
            self._records.note_publication(rows, failure)
        if rows and not failure:
            published = {row.key for row in rows}
            self._classes = {
                class_id: replace(of_class, unpublished_keys=of_class.unpublished_keys - published)
                for class_id, of_class in self._classes.items()
            }
        return {"published": "no" if failure else "yes", "sessions": len(rows)} | (
            {"problem": str(failure)} if failure else {}
        )

    def _published(
        self, scores: "Sequence[StoredScores]", corrections: "Sequence[Correction]"
    ) -> OrfBooksError | None:
        """Why nothing was published, if so."""
        try:
            for attempt in stamina.retry_context(
                on=RetryLater, attempts=PUBLISHING_ATTEMPTS, wait_initial=FIRST_WAIT_SECONDS
            ):
                with attempt:
                    self._database.open().publish(scores, corrections, self._usual)
        except OrfBooksError as failure:
            self._context.log.warning("Nothing was published, all scores are kept: %s", failure)
            return failure
        return None

    def put_pages(self) -> dict[str, Any]:
        """Build the pages of the classes of which there is something new to show."""
        shown = self._records.shown_classes()
        changed = [
            of_class
            for class_id, of_class in self._classes.items()
            if class_id not in shown or shown[class_id].state != of_class.state
        ]
        made = list[ShownClass]()
        for of_class in changed:
            if (scores := self._scores(of_class, of_class.rows)) is None:
                continue
            students = sorted(
                {student for document in scores for student in document.session.students}
            )
            material = ClassMaterial(
                of_class,
                scores,
                self._figures_of(of_class, scores),
                datetime.now(UTC),
                self._usual,
                self._precision,
            )
            try:
                put_class_pages(
                    self._records.storage, self._database.open(), material, students, self._run_id
                )
            except OrfBooksError as error:
                self._context.log.warning(
                    "The pages of class %s stay as they are: %s", of_class.class_id, error
                )
            else:
                made.append(shown_class(of_class, len(students)))
        self._records.note_shown(made)
        put_index(self._records, self._classes.keys())
        return {
            "classes": len(self._classes),
            "made": len(made),
            "not_made": len(changed) - len(made),
            "page": dg.MetadataValue.path(self._records.storage.location(CLASSES_PAGE)),
        }

    def _scores(
        self, of_class: ClassSessions, rows: Sequence[SessionRow]
    ) -> "list[StoredScores] | None":
        """The scores of some sessions of a class, in the same order.

        None where any are gone or damaged: that is noted as a failure of their sessions, which the
        next retry scores again. The other classes go on.

        Raises:
            RetryLater: the store does not answer.
        """
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            found = list(pool.map(self._read, [row.scores_key for row in rows]))
        lost = [row.key for row, scores in zip(rows, found, strict=True) if scores is None]
        new = [key for key in lost if key not in of_class.failures]
        if new:
            failures = [ItemFailure(key, FailureCategory.BAD_DATA, _LOST) for key in new]
            self._records.add_failures(failures, self._run_id)
            self._classes = self._records.classes()
        return (
            None
            if lost
            else [
                self._corrected(row, scores)
                for row, scores in zip(rows, found, strict=True)
                if scores
            ]
        )

    def _corrected(self, row: SessionRow, scores: "StoredScores") -> "StoredScores":
        """The scores of a session as educators corrected them, against what is usual now."""
        from orf_books.transcripts.corrections import Verdict, corrected

        corrections = [one for one in self._corrections(row.class_id) if one.session == row.key]
        has_added = any(one.verdict is Verdict.MISSED for one in corrections)
        said = utterances_of(self._records.storage, row) if has_added else ()
        return corrected(scores, corrections, said, self._usual)

    def _read_scores(self, key: str) -> "StoredScores | None":
        from orf_books.transcripts.score_document import read_scores

        logger.debug("Reading %s", key)
        try:
            return read_scores(self._records.storage.get(key))
        except (ObjectNotFoundError, FixInput):
            return None

    def _figures_of(
        self, of_class: ClassSessions, scores: "Sequence[StoredScores]"
    ) -> "ClassFigures":
        """The figures of a class, worked out once."""
        from orf_books.transcripts.aggregate_document import ClassFigures
        from orf_books.transcripts.aggregates import class_aggregates, student_trends
        from orf_books.transcripts.publication import scores_of

        if of_class.class_id not in self._figures:
            single = [score for document in scores for score in scores_of(document)]
            self._figures[of_class.class_id] = ClassFigures(
                tuple(class_aggregates(single, self._usual)),
                tuple(student_trends(single, self._usual)),
            )
        return self._figures[of_class.class_id]
