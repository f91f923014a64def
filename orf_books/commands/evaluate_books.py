"""How well the genres of stored books agree with labels that someone brings.

Belongs here: the question that `orf-books evaluate books` answers, from the store and a file.
Does not belong here: what is right (`books/evaluation.py`), printing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from orf_books.books.evaluation import (
    Evaluation,
    JudgedBook,
    LabelledBook,
    evaluate_genres,
    read_labels,
)
from orf_books.books.genres import DropReason, read_headings
from orf_books.failures import FixInput
from orf_books.keys import safe_key
from orf_books.precision_recall import rounded
from orf_books.records.books import BookRecords, EnrichedBookRow
from orf_books.resources.storage import ObjectStorage

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class DroppedHeadings:
    """The headings of all judged books that were dropped for one reason."""

    reason: DropReason
    headings: int
    """How often; a heading that two books have counts twice."""
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BooksEvaluation:
    """What the store says of the labelled books."""

    evaluation: Evaluation
    dropped: tuple[DroppedHeadings, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every labelled book was enriched."""
        return not self.evaluation.not_enriched

    def as_document(self) -> dict[str, Any]:
        """For machines; shares are from 0 to 1, and null where nothing could be counted."""
        evaluation = self.evaluation
        return {
            "books": len(evaluation.judged),
            "precision": rounded(evaluation.precision),
            "recall": rounded(evaluation.recall),
            "f1": rounded(evaluation.f1),
            "without_result": _named(evaluation.without_result),
            "not_enriched": _named(evaluation.not_enriched),
            "differences": [_difference(difference) for difference in evaluation.differences],
            "dropped_headings": [
                {
                    "reason": dropped.reason.value,
                    "headings": dropped.headings,
                    "examples": list(dropped.examples),
                }
                for dropped in self.dropped
            ],
        }


def evaluate_books(storage: ObjectStorage, labels: bytes) -> BooksEvaluation:
    """Compare the stored genres of the labelled books with their labels.

    Raises:
        FixInput: the labels cannot be read, or none of their books was ever enriched.
    """
    books = read_labels(labels)
    keys = {book.goodreads_id: safe_key(book.goodreads_id) for book in books}
    rows = BookRecords(storage).with_answers(list(keys.values()))
    if not rows:
        raise FixInput(
            "No book of these labels is in the store; run `orf-books run books` with an export "
            "that holds them first."
        )
    genres = {book_id: rows[key].genres for book_id, key in keys.items() if key in rows}
    return BooksEvaluation(evaluate_genres(books, genres), _dropped_headings(rows.values()))


def _dropped_headings(rows: Iterable[EnrichedBookRow]) -> tuple[DroppedHeadings, ...]:
    """What the map of today drops of the raw headings, the most frequent reason first."""
    by_reason: defaultdict[DropReason, list[str]] = defaultdict(list)
    for row in rows:
        for dropped in read_headings([row.subjects]).dropped:
            by_reason[dropped.reason].append(dropped.heading)
    return tuple(
        DroppedHeadings(reason, len(headings), _most_frequent(headings))
        for reason, headings in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    )


def _most_frequent(headings: Collection[str]) -> tuple[str, ...]:
    return tuple(heading for heading, _ in Counter(sorted(headings)).most_common(EXAMPLES))


def _named(books: Iterable[LabelledBook]) -> list[dict[str, str]]:
    return [{"goodreads_id": book.goodreads_id, "title": book.title} for book in books]


def _difference(judged: JudgedBook) -> dict[str, Any]:
    return {
        "goodreads_id": judged.book.goodreads_id,
        "title": judged.book.title,
        "shown": list(judged.shown),
        "labels": list(judged.book.genres),
        "wrong": list(judged.wrong),
        "missed": list(judged.missed),
    }
