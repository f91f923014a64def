"""The tables of the books domain: their rows, and the questions that assets ask of them.

Belongs here: what is recorded about uploads, libraries, books and batches, and how it is found
again. Does not belong here: Dagster, services, and how tables are kept (`resources/tables.py`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import TypeAdapter

from orf_books.books.enrichment import CODE_VERSION, EnrichedBook, is_fresh
from orf_books.books.exports.entries import Export, LibraryEntry, UnreadableExport
from orf_books.books.identity import known_goodreads_ids
from orf_books.books.metadata import BookQuery, SourceAnswer
from orf_books.object_keys import export_refusal_key, rejected_export_key
from orf_books.partitions import book_key
from orf_books.records.items import FailedItem, ItemRecords, key_in
from orf_books.records.uploads import upload_claims
from orf_books.resources.raw_answers import RawAnswer
from orf_books.resources.tables import Table

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
    job_id: str
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
        return f"{self.key}@{self.version}#{self.job_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryRow(LibraryEntry):
    """A book in a library, with the upload that brought it."""

    library: str
    edition: str
    book_key: str


@dataclass(frozen=True, slots=True)
class EnrichedBookRow:
    """An enrichment that succeeded; the columns of `EnrichedBook`, and what they were made from."""

    key: str
    found: bool
    genres: tuple[str, ...]
    subjects: tuple[str, ...]
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    matched_by: str | None
    confidence: float | None
    answers: str
    """JSON: per source, what was asked and what it answered."""
    fingerprint: str
    """Digest of the question, see `fingerprint`."""
    code_version: str
    job_id: str
    enriched_at: datetime
    is_fiction: bool | None = None
    audience: str | None = None
    gap: str | None = None
    answered_at: datetime | None = None
    """When the sources were asked; rules may have made the book anew since."""

    @classmethod
    def of(
        cls, book: EnrichedBook, question: str, job_id: str, answered_at: datetime | None
    ) -> Self:
        """The row of a book that was just enriched; `question` is the query's fingerprint."""
        columns = {field.name: getattr(book, field.name) for field in fields(book)}
        columns["answers"] = _ANSWERS.dump_json(book.answers).decode()
        return cls(
            **columns,
            fingerprint=question,
            code_version=CODE_VERSION,
            job_id=job_id,
            enriched_at=datetime.now(UTC),
            answered_at=answered_at,
        )

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
        """The book again; its answers stay in the row."""
        kept = {field.name: getattr(self, field.name) for field in fields(EnrichedBook)}
        return EnrichedBook(**kept | {"answers": ()})

    def is_fresh(self, now: datetime) -> bool:
        """Whether the sources need not be asked again."""
        return is_fresh(self.answered_at or self.enriched_at, now, found=self.found)

    def kept_answers(self) -> tuple[SourceAnswer, ...]:
        """What the sources answered, to make the book anew by other rules."""
        return _ANSWERS.validate_json(self.answers)


@dataclass(frozen=True, slots=True)
class RawAnswerRow(RawAnswer):
    """An answer as a service gave it, to one book or to many."""

    job_id: str


@dataclass(frozen=True, slots=True)
class EnrichmentReport:
    """What came of one batch."""

    job_id: str
    status: str
    """`complete`, or `complete_with_failures`."""
    uploads: tuple[str, ...]
    libraries: tuple[str, ...]
    books_processed: int
    successful_enrichments: int
    """Including books that no source knows, which is an answer too."""
    failed_enrichments: int
    not_found: int
    reused: int
    """Successful without a question: the book was enriched before and has not changed."""
    failed_by_category: str
    """JSON object of counts."""
    success_rate: float
    """Percent of the books processed."""
    requests: str
    """JSON object: requests made, per service."""
    notes: tuple[str, ...]
    started_at: datetime
    processing_time_seconds: float
    gaps: int = 0
    """Books enriched of which a source is still to be asked."""

    @property
    def items(self) -> int:
        """As reports of all kinds have it."""
        return self.books_processed

    @property
    def failed(self) -> int:
        """As reports of all kinds have it."""
        return self.failed_enrichments


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

export_uploads = Table("uploads", ExportUpload, ("key", "version"), "arrived_at")
library_entries = Table("library_entries", LibraryRow, ("edition", "book_key"), "edition")
enriched_books = Table("enriched_books", EnrichedBookRow, ("key",), "enriched_at")
failed_enrichments = Table("failed_enrichments", FailedItem, ("key",), "failed_at")
raw_answers = Table(
    "raw_answers", RawAnswerRow, ("service", "request", "answered_at"), "answered_at"
)
enrichment_reports = Table("enrichment_reports", EnrichmentReport, ("job_id",), "started_at")
library_digests = Table("library_digests", LibraryDigest, ("library_id",), "updated")
TABLES: tuple[Table[Any], ...] = (
    export_uploads,
    upload_claims,
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


def query_for(row: LibraryRow) -> BookQuery:
    """The question about a library's book."""
    return BookQuery(
        key=row.book_key,
        goodreads_id=row.goodreads_id,
        title=row.title,
        author=row.author,
        isbn=row.isbn,
        isbn13=row.isbn13,
    )


class BookRecords(ItemRecords[ExportUpload, EnrichmentReport]):
    """What the store holds about books."""

    noted_uploads = export_uploads
    failed_items = failed_enrichments
    batch_reports = enrichment_reports

    # Uploads and libraries

    def accept(self, upload: ExportUpload, export: Export) -> None:
        """Store an export: from now on its rows are the library's."""
        ids = known_goodreads_ids(export.entries, self._rows_with_ids(export.entries))
        rows = [
            LibraryRow(
                **{field.name: getattr(entry, field.name) for field in fields(LibraryEntry)},
                library=upload.library,
                edition=upload.edition,
                book_key=book_key(
                    replace(entry, goodreads_id=ids.get(entry.row_number, entry.goodreads_id))
                ),
            )
            for entry in export.entries
        ]
        self._tables.append(library_entries, rows)
        # The receipt comes last: it is what makes the rows count.
        self._tables.append(export_uploads, [upload])

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

    def refuse(self, upload: ExportUpload, reason: UnreadableExport) -> None:
        """Copy an upload that is no export aside, with what is wrong and what to do."""
        explanation = {
            "upload": upload.key,
            "looks_like": reason.looks_like,
            "remedy": reason.remedy,
            "refused_at": upload.arrived_at.isoformat(),
        }
        self.storage.copy(upload.key, rejected_export_key(upload.key))
        self.storage.put(export_refusal_key(upload.key), json.dumps(explanation, indent=2).encode())
        self._tables.append(export_uploads, [upload])

    def libraries(self) -> dict[str, ExportUpload]:
        """The upload that counts, for each library."""
        return {upload.library: upload for upload in self.uploads() if upload.status == ACCEPTED}

    def rows(
        self, libraries: Collection[str] | None = None, books: Collection[str] | None = None
    ) -> list[LibraryRow]:
        """What the libraries hold now, the last to arrive last; None is all of them."""
        import polars as pl

        editions = {
            upload.edition: upload.arrived_at
            for library, upload in self.libraries().items()
            if libraries is None or library in libraries
        }
        wanted = pl.col("edition").is_in(list(editions))
        if books is not None:
            wanted &= pl.col("book_key").is_in(list(books))
        rows = self._tables.latest(library_entries, wanted)
        return sorted(rows, key=lambda row: (editions[row.edition], row.row_number))

    # Books

    def enrichments(self, keys: Collection[str]) -> dict[str, EnrichedBookRow]:
        """The latest enrichment of each book that has one."""
        rows = self._tables.latest(enriched_books, key_in(keys))
        return {row.key: row for row in rows}

    def gaps(self) -> set[str]:
        """Why books lack the answer of a source."""
        return {row.gap for row in self._tables.latest(enriched_books) if row.gap}

    def made_at(self, keys: Collection[str]) -> dict[str, datetime]:
        """When each of the books that have an enrichment got its latest."""
        return {key: row.enriched_at for key, row in self.enrichments(keys).items()}

    def add_enrichments(self, rows: Sequence[EnrichedBookRow]) -> None:
        """Store enrichments for good."""
        self._tables.append(enriched_books, rows)

    def add_raw_answers(self, answers: Iterable[RawAnswer], job_id: str) -> None:
        """Store answers as services gave them: rules to come may want what these leave out."""
        rows = [RawAnswerRow(**asdict(answer), job_id=job_id) for answer in answers]
        self._tables.append(raw_answers, rows)

    def books_worked_on(self, job_ids: Collection[str]) -> set[str]:
        """The books that the runs enriched, or failed to."""
        import polars as pl

        of_jobs = pl.col("job_id").is_in(list(job_ids))
        succeeded = {row.key for row in self._tables.all_rows(enriched_books, of_jobs)}
        return succeeded | {row.key for row in self._tables.all_rows(failed_enrichments, of_jobs)}

    # Digests

    def add_digests(self, digests: Sequence[LibraryDigest]) -> None:
        """Store the lines of libraries on the page that lists them all."""
        self._tables.append(library_digests, digests)

    def digests(self) -> list[LibraryDigest]:
        """The line of every library, by name."""
        return sorted(self._tables.latest(library_digests), key=lambda digest: digest.library_id)
