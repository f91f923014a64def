"""The tables of the books domain: their rows, and the questions that assets ask of them.

Belongs here: what is recorded about uploads, libraries, books and batches, and how it is found
again. Does not belong here: Dagster, services, and how tables are kept (`resources/tables.py`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote_plus

from pydantic import TypeAdapter

from orf_books.batches.report import BatchReport
from orf_books.books.enrichment import CODE_VERSION, EnrichedBook, is_fresh
from orf_books.books.exports.entries import Export, LibraryEntry, UnreadableExport
from orf_books.books.identity import known_goodreads_ids
from orf_books.books.metadata import BookQuery, SourceAnswer
from orf_books.object_keys import export_refusal_key, rejected_export_key
from orf_books.partition_keys import book_key
from orf_books.records.items import (
    RUN_ID,
    FailedItem,
    FailureTime,
    ItemRecords,
    key_in,
    service_calls,
)
from orf_books.records.uploads import abandoned_uploads, upload_claims
from orf_books.resources.raw_answers import RawAnswer
from orf_books.resources.tables import Table

if TYPE_CHECKING:
    import polars as pl

ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True, slots=True)
class ExportUpload:
    """One version of one uploaded object, as far as this platform has dealt with it."""

    key: str
    version: str
    library: str
    status: str
    """`accepted` or `refused`."""
    arrived_at: datetime
    """When it was noticed: of two exports of a library the later one counts."""
    run_id: str
    """The Dagster run that dealt with it."""
    rows: int = 0
    books: int = 0
    refused_rows: str = "[]"
    """JSON list of row numbers and reasons."""
    duplicates: str = "[]"
    """Likewise, of rows merged into another."""
    unread_cells: str = "[]"
    """JSON list of row numbers, columns and reasons."""
    file_notes: tuple[str, ...] = ()
    problem: str | None = None
    """Why the whole file was refused, and what to do."""

    @property
    def edition(self) -> str:
        """What the rows of this upload are stored under."""
        return f"{self.key}@{self.version}#{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryRow(LibraryEntry):
    """A book in a library, with the upload that brought it."""

    library: str
    edition: str
    book_key: str
    question: str | None = None
    """The fingerprint of what is asked about the book; None in rows of earlier versions."""

    @classmethod
    def of(cls, entry: LibraryEntry, upload: ExportUpload, key: str) -> Self:
        """The row of an entry of an export."""
        return cls(
            **{field.name: getattr(entry, field.name) for field in fields(LibraryEntry)},
            library=upload.library,
            edition=upload.edition,
            book_key=key,
            question=fingerprint(query_for(key, entry)),
        )

    @property
    def query(self) -> BookQuery:
        """The question about the book."""
        return query_for(self.book_key, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBook:
    """Of a book in a library, what tells whether its enrichment may stay."""

    edition: str
    row_number: int
    book_key: str
    question: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDigest:
    """An enrichment that succeeded, without the answers that it was made from."""

    key: str
    found: bool
    genres: tuple[str, ...]
    subjects: tuple[str, ...]
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    matched_by: str | None
    confidence: float | None
    fingerprint: str
    """Digest of the question, see `fingerprint`."""
    code_version: str
    run_id: str
    enriched_at: datetime
    is_fiction: bool | None = None
    audience: str | None = None
    gap: str | None = None
    answered_at: datetime | None = None
    """When the sources were asked; rules may have made the book anew since."""

    @property
    def made_at(self) -> datetime:
        """When it was stored."""
        return self.enriched_at

    @property
    def data_version(self) -> str:
        """A digest of what was found; an equal one means that nothing downstream changes."""
        found = (
            self.found,
            self.genres,
            self.is_fiction,
            self.audience,
            self.thumbnail_url,
            self.description,
        )
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    def book(self) -> EnrichedBook:
        """The book again, without answers."""
        columns = {field.name for field in fields(EnrichedBook)} - {"answers"}
        return EnrichedBook(**{name: getattr(self, name) for name in columns}, answers=())

    def is_fresh(self, now: datetime) -> bool:
        """Whether the sources need not be asked again."""
        return is_fresh(self.answered_at or self.enriched_at, now, found=self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookGap:
    """Of an enrichment, which source could not answer yet."""

    key: str
    enriched_at: datetime
    gap: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """Of an enrichment, what tells whether it may stay."""

    key: str
    fingerprint: str
    enriched_at: datetime
    gap: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichedBookRow(BookDigest):
    """An enrichment that succeeded, with the answers that it was made from."""

    answers: str
    """JSON: per source, what was asked and what it answered."""

    @classmethod
    def of(
        cls, book: EnrichedBook, question: str, run_id: str, answered_at: datetime | None
    ) -> Self:
        """The row of a book that was just enriched; `question` is the query's fingerprint."""
        columns = {field.name: getattr(book, field.name) for field in fields(book)}
        columns["answers"] = _ANSWERS.dump_json(book.answers).decode()
        return cls(
            **columns,
            fingerprint=question,
            code_version=CODE_VERSION,
            run_id=run_id,
            enriched_at=datetime.now(UTC),
            answered_at=answered_at,
        )

    @property
    def digest(self) -> BookDigest:
        """The row without the answers."""
        return BookDigest(**{name.name: getattr(self, name.name) for name in fields(BookDigest)})

    def kept_answers(self) -> tuple[SourceAnswer, ...]:
        """What the sources answered, to make the book anew by other rules."""
        return _ANSWERS.validate_json(self.answers)


@dataclass(frozen=True, slots=True)
class RawAnswerRow(RawAnswer):
    """An answer as a service gave it, to one book or to many."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentReport(BatchReport):
    """What came of a batch of books; those that no source knows succeeded, too."""

    json_names: ClassVar[Mapping[str, str]] = RUN_ID | {
        "items": "books_processed",
        "succeeded": "successful_enrichments",
        "failed": "failed_enrichments",
        "seconds": "processing_time_seconds",
    }
    libraries: tuple[str, ...]
    not_found: int
    requests: Mapping[str, int]
    """Requests made, per service."""
    gaps: int = 0
    """Books enriched of which a source is still to be asked."""


@dataclass(frozen=True, slots=True)
class LibraryDigest:
    """The line of a library on the page that lists all of them; fields as in `LibrarySummary`."""

    library_id: str
    books: int
    read: int
    failed: int
    not_found: int
    genre_enrichment_rate: float
    updated: datetime


_ANSWERS = TypeAdapter(tuple[SourceAnswer, ...])

export_uploads = Table("uploads", ExportUpload, ("key", "version"), "arrived_at", RUN_ID)
library_entries = Table("library_entries", LibraryRow, ("edition", "book_key"), "edition")
held_books = Table("library_entries", HeldBook, ("edition", "book_key"), "edition")
enriched_books = Table("enriched_books", EnrichedBookRow, ("key",), "enriched_at", RUN_ID)
book_gaps = Table("enriched_books", BookGap, ("key",), "enriched_at")
book_states = Table("enriched_books", BookState, ("key",), "enriched_at")
book_digests = Table("enriched_books", BookDigest, ("key",), "enriched_at", RUN_ID)
failed_enrichments = Table("failed_enrichments", FailedItem, ("key",), "failed_at", RUN_ID)
failure_times = Table("failed_enrichments", FailureTime, ("key",), "failed_at")
raw_answers = Table(
    "raw_answers", RawAnswerRow, ("service", "request", "answered_at"), "answered_at", RUN_ID
)
enrichment_reports = Table(
    "enrichment_reports",
    EnrichmentReport,
    ("run_id",),
    "started_at",
    EnrichmentReport.json_names,
)
library_digests = Table("library_digests", LibraryDigest, ("library_id",), "updated")
TABLES: tuple[Table[Any], ...] = (
    export_uploads,
    upload_claims,
    abandoned_uploads,
    service_calls,
    library_entries,
    enriched_books,
    failed_enrichments,
    raw_answers,
    enrichment_reports,
    library_digests,
)


def fingerprint(query: BookQuery) -> str:
    """A digest of all that an enrichment depends on: an equal one means an equal answer."""
    return hashlib.sha256(json.dumps(asdict(query)).encode()).hexdigest()[:16]


def query_for(key: str, entry: LibraryEntry) -> BookQuery:
    """The question about a book, by its partition, as a library describes it."""
    return BookQuery(
        key=key,
        goodreads_id=entry.goodreads_id,
        title=entry.title,
        author=entry.author,
        isbn=entry.isbn,
        isbn13=entry.isbn13,
    )


def _arrivals(libraries: Mapping[str, ExportUpload]) -> dict[str, datetime]:
    """By edition, when it arrived."""
    return {upload.edition: upload.arrived_at for upload in libraries.values()}


def _in_editions(libraries: Mapping[str, ExportUpload]) -> "pl.Expr":
    import polars as pl

    return pl.col("edition").is_in([upload.edition for upload in libraries.values()])


def libraries_of(uploads: Iterable[ExportUpload]) -> dict[str, ExportUpload]:
    """For each library the upload that counts, which is the last one that was accepted.

    Args:
        uploads: in the order they arrived.
    """
    return {upload.library: upload for upload in uploads if upload.status == ACCEPTED}


class BookRecords(ItemRecords[ExportUpload, BookDigest, EnrichedBookRow, EnrichmentReport]):
    """What the store holds about books."""

    noted_uploads = export_uploads
    item_results = enriched_books
    item_digests = book_digests
    failed_items = failed_enrichments
    batch_reports = enrichment_reports
    all_tables = TABLES

    # Uploads and libraries

    def accept(self, upload: ExportUpload, export: Export) -> None:
        """Store an export: from now on its rows are the library's."""
        ids = known_goodreads_ids(export.entries, self._rows_with_ids(export.entries))
        keys = [
            book_key(replace(entry, goodreads_id=ids.get(entry.row_number, entry.goodreads_id)))
            for entry in export.entries
        ]
        rows = [
            LibraryRow.of(entry, upload, key)
            for entry, key in zip(export.entries, keys, strict=True)
        ]
        self._tables.append(library_entries, rows)
        # The receipt comes last: it is what makes the rows count.
        self._add_receipt(upload)

    def _rows_with_ids(self, entries: Iterable[LibraryEntry]) -> list[LibraryRow]:
        """Rows with a Goodreads Book Id that may be a book of the entries without one."""
        import polars as pl

        without = [entry for entry in entries if not entry.goodreads_id]
        if not without:
            return []
        isbns = [entry.isbn13 for entry in without if entry.isbn13]
        authors = list({entry.author for entry in without})
        may_be_same = pl.col("isbn13").is_in(isbns) | pl.col("author").is_in(authors)
        return self._tables.latest(
            library_entries, pl.col("goodreads_id").is_not_null() & may_be_same
        )

    def refuse(self, upload: ExportUpload, reason: UnreadableExport, source: str) -> None:
        """Copy an upload that is no export aside, with what is wrong and what to do.

        Args:
            upload: which.
            reason: why it is refused.
            source: key of the object that was read.
        """
        explanation = {
            "upload": upload.key,
            "looks_like": reason.looks_like,
            "remedy": reason.remedy,
            "refused_at": upload.arrived_at.isoformat(),
        }
        self.storage.copy(source, rejected_export_key(upload.key))
        self.storage.put(export_refusal_key(upload.key), json.dumps(explanation, indent=2).encode())
        self._add_receipt(upload)

    def _add_receipt(self, upload: ExportUpload) -> None:
        self._tables.append(export_uploads, self.dated(export_uploads, [upload]))

    def _uploads_without_rows(self) -> list[ExportUpload]:
        import polars as pl

        counting = {upload.edition: upload for upload in self.libraries().values()}
        stored = self._tables.all_rows(library_entries, pl.col("edition").is_in(list(counting)))
        rows = Counter(row.edition for row in stored)
        return [upload for edition, upload in counting.items() if rows[edition] < upload.books]

    def libraries(self) -> dict[str, ExportUpload]:
        """The upload that counts, for each library."""
        return libraries_of(self.uploads())

    def rows(
        self,
        libraries: Mapping[str, ExportUpload] | None = None,
        books: Collection[str] | None = None,
    ) -> list[LibraryRow]:
        """What libraries hold now, the last to arrive last.

        Args:
            libraries: with the upload that counts for each, see `libraries_of`; None is all.
            books: partitions of the books that are wanted; None is all.
        """
        import polars as pl

        libraries = self.libraries() if libraries is None else libraries
        arrivals = _arrivals(libraries)
        wanted = _in_editions(libraries)
        if books is not None:
            wanted &= pl.col("book_key").is_in(list(books))
        rows = self._tables.latest(library_entries, wanted)
        return sorted(rows, key=lambda row: (arrivals[row.edition], row.row_number))

    def rows_of_library(self, library: str) -> list[LibraryRow]:
        """All that a library holds, or held by an earlier export."""
        import polars as pl

        return self._tables.all_rows(library_entries, pl.col("library") == library)

    def books_of_others(self, books: Collection[str], library: str) -> set[str]:
        """Those of these books that another library holds, or held by an earlier export."""
        import polars as pl

        of_others = (pl.col("library") != library) & pl.col("book_key").is_in(list(books))
        return {row.book_key for row in self._tables.all_rows(library_entries, of_others)}

    # Books

    def held_books(self, libraries: Mapping[str, ExportUpload]) -> dict[str, str]:
        """By book that libraries hold, the fingerprint of the question about it."""
        import polars as pl

        arrivals = _arrivals(libraries)
        order = pl.DataFrame(
            {"edition": list(arrivals), "arrived_at": list(arrivals.values())},
            schema={"edition": pl.String, "arrived_at": pl.Datetime("us", "UTC")},
        )
        held = self._tables.all_frame(held_books).join(order, on="edition")
        held = held.select("book_key", "question", "arrived_at", "row_number")
        held = held.sort("arrived_at", "row_number")
        questions = dict(zip(held["book_key"].to_list(), held["question"].to_list(), strict=True))
        if earlier := [key for key, question in questions.items() if question is None]:
            rows = self.rows(libraries, earlier)
            questions |= {row.book_key: fingerprint(row.query) for row in rows}
        return questions

    def settled(
        self, questions: Mapping[str, str], can_be_filled: Callable[[str], bool]
    ) -> set[str]:
        """Books that need no work: not failed, the question still the same, no gap to fill.

        Args:
            questions: by book, the fingerprint of the question about it.
            can_be_filled: whether a gap can be.
        """
        import polars as pl

        states = self._tables.latest_frame(book_states)
        failures = self._tables.latest_frame(failure_times)
        open_gaps = [gap for gap in states["gap"].drop_nulls().unique() if can_be_filled(gap)]
        asked = pl.DataFrame(
            {"key": list(questions), "question": list(questions.values())},
            schema={"key": pl.String, "question": pl.String},
        )
        settled = (
            states.filter(~pl.col("gap").is_in(open_gaps).fill_null(value=False))
            .join(asked, left_on=["key", "fingerprint"], right_on=["key", "question"])
            .join(failures, on="key", how="left")
            .filter((pl.col("failed_at") <= pl.col("enriched_at")).fill_null(value=True))
        )
        return set(settled["key"].to_list())

    def with_answers(self, keys: Collection[str]) -> dict[str, EnrichedBookRow]:
        """The latest enrichment of each book, with the answers that it was made from."""
        return {row.key: row for row in self._tables.latest(enriched_books, key_in(keys))}

    def version_of_books(self) -> str:
        """Changes with every enrichment that is stored."""
        return self._tables.version(enriched_books)

    def gaps(self) -> dict[str, str]:
        """By book, which source could not answer yet, and why."""
        gaps = self._tables.latest_frame(book_gaps).drop_nulls("gap")
        return dict(zip(gaps["key"].to_list(), gaps["gap"].to_list(), strict=True))

    def add_results(self, results: Sequence[EnrichedBookRow]) -> list[BookDigest]:
        """Store enrichments for good."""
        dated = self.dated(enriched_books, results)
        self._tables.append(enriched_books, dated)
        return [row.digest for row in dated]

    def add_raw_answers(self, answers: Iterable[RawAnswer], run_id: str) -> None:
        """Store answers as services gave them: rules to come may want what these leave out."""
        rows = [RawAnswerRow(**asdict(answer), run_id=run_id) for answer in answers]
        self._tables.append(raw_answers, rows)

    def requests_mentioning(self, marks: Iterable[str]) -> set[str]:
        """Requests in which, or in whose answers, one of these texts stands."""
        import polars as pl

        spellings = [
            written
            for mark in marks
            for written in {mark, quote_plus(mark), json.dumps(mark)[1:-1]}
        ]
        if not spellings:
            return set()
        text = pl.concat_str("request", "body")
        mentioning = text.str.contains_any(spellings, ascii_case_insensitive=True)
        return {row.request for row in self._tables.all_rows(raw_answers, mentioning)}

    def books_worked_on(self, run_ids: Collection[str]) -> set[str]:
        """The books that the runs enriched, or failed to."""
        import polars as pl

        of_runs = pl.col("run_id").is_in(list(run_ids))
        succeeded = {row.key for row in self._tables.all_rows(book_digests, of_runs)}
        return succeeded | {row.key for row in self._tables.all_rows(failed_enrichments, of_runs)}

    # Digests

    def add_digests(self, digests: Sequence[LibraryDigest]) -> None:
        """Store the lines of libraries on the page that lists them all."""
        self._tables.append(library_digests, self.dated(library_digests, digests))

    def digests(self) -> list[LibraryDigest]:
        """The line of every library, by name."""
        return sorted(self._tables.latest(library_digests), key=lambda digest: digest.library_id)
