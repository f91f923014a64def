"""A reader's library as data: the JSON that dashboards, pages and other programs read.

Belongs here: the shape of that JSON, and every figure in it. Does not belong here: reading exports,
enriching books, storage, how a page shows the figures.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NonNegativeInt

from orf_books.books.enrichment import EnrichedBook
from orf_books.books.exports.cells import READ
from orf_books.books.exports.entries import Export, LibraryEntry, RefusedRow, UnreadCell
from orf_books.books.genre_evidence import Evidence, GenreEvidence, KnownBook
from orf_books.books.genres import read_headings

EXPORTER_VERSION = "1.0.0"
DATA_SCHEMA_VERSION = "1.2.0"
EXPORT_SOURCE = "goodreads_csv_with_genre_enrichment"
SCHEMA_FILE = Path(__file__).with_name("library.schema.json")

_MOST_COMMON_GENRES = 10
_LONGEST_ERROR = 240

Percent = Annotated[float, Field(ge=0, le=100)]
Rating = Annotated[int | float, Field(gt=0, le=5)]


class PageCategory(StrEnum):
    """How long a book is. The lower bound belongs to the category: 350 pages are Long."""

    SHORT = "Short (<200)"
    MEDIUM = "Medium (200-350)"
    LONG = "Long (350-500)"
    VERY_LONG = "Very Long (500+)"


_PAGE_BOUNDS = (
    (200, PageCategory.SHORT),
    (350, PageCategory.MEDIUM),
    (500, PageCategory.LONG),
)


class EnrichmentStatus(StrEnum):
    """The result of enrichment for one book."""

    ENRICHED = "enriched"
    NOT_FOUND = "not_found"
    """No source that answered knows the book; the error says if one is still to be asked."""
    FAILED = "failed"
    """A source could not answer at the last attempt; older genres are kept."""
    PENDING = "pending"
    """Not tried yet."""


class _Record(BaseModel):
    """Base of everything in the JSON: immutable, with no other fields than the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DashboardBook(_Record):
    """One book of the library: the reader's own row, and what enrichment added to it."""

    goodreads_id: str | None
    title: str
    author: str
    isbn: str | None
    isbn13: str | None
    date_added: date | None = None
    date_read: date | None
    reading_year: int | None
    reading_month_year: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")] | None
    earlier_readings: tuple[str, ...] = ()
    """When the book was finished before: ISO days, months or years, the earliest first."""
    my_rating: Rating | None
    average_rating: float | None
    is_rated: bool
    num_pages: Annotated[int, Field(gt=0)] | None
    audio_hours: float | None = None
    publisher: str | None
    binding: str | None
    publication_year: int | None
    page_category: PageCategory | None
    reading_status: str
    bookshelves: tuple[str, ...]
    genres: tuple[str, ...]
    genre_evidence: Evidence | None = None
    """Where the genres come from; anything but `source` is inferred."""
    topics: tuple[str, ...] = ()
    """Headings of the sources that are no genres, as they have them."""
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    my_review: str | None
    private_notes: str | None
    has_spoilers: bool
    has_review: bool
    genre_enriched: bool
    was_reread: bool
    original_read_count: NonNegativeInt
    enrichment_status: EnrichmentStatus
    enrichment_error: str | None


class ReadingDateRange(_Record):
    """First and last day on which a book was finished."""

    earliest: date | None
    latest: date | None


class GenreCount(_Record):
    """How many books have a genre, and their share of the books that have any."""

    genre: str
    count: NonNegativeInt
    percentage: Percent


class EvidenceCount(_Record):
    """How many books have their genres from one kind of evidence."""

    evidence: Evidence
    count: NonNegativeInt


class Summary(_Record):
    """The figures of a whole library. Reading figures count books on the shelf `read` only."""

    total_books: NonNegativeInt
    read_books: NonNegativeInt
    rated_books: NonNegativeInt
    genre_enriched_books: NonNegativeInt
    genre_enrichment_rate: Percent
    unique_authors: NonNegativeInt
    unique_genres: NonNegativeInt
    total_pages: NonNegativeInt
    reading_date_range: ReadingDateRange
    reading_years: tuple[int, ...]
    average_rating: float | None
    most_common_genres: tuple[GenreCount, ...]
    """Without genres of last resort."""
    genres_by_evidence: tuple[EvidenceCount, ...] = ()
    failed_books: NonNegativeInt
    not_found_books: NonNegativeInt
    waiting_books: NonNegativeInt = 0
    """About which a source is still being asked; what it knows will be on a later dashboard."""
    waiting_until: AwareDatetime | None = None
    """When all of them will have been asked about, if the platform goes on running."""


class RowNote(_Record):
    """A row of the export that is no book of its own, and why. It never quotes the row."""

    row_number: int
    reason: str


class CellNote(_Record):
    """A filled cell of the export that was not understood, or only in part. It is not quoted."""

    row_number: int
    column: str
    reason: str


class Validation(_Record):
    """Whether every row and every cell of the export is accounted for."""

    library_id: str
    rows_in_file: NonNegativeInt
    books: NonNegativeInt
    refused_rows: NonNegativeInt
    merged_duplicates: NonNegativeInt
    refused: tuple[RowNote, ...]
    duplicates: tuple[RowNote, ...]
    counts_add_up: bool
    enrichment_failed: NonNegativeInt
    unread_cells: tuple[CellNote, ...] = ()
    file_notes: tuple[str, ...] = ()
    """What holds for the whole file, such as the order of day and month in its dates."""


class DashboardMetadata(_Record):
    """Where the data comes from and how it was made."""

    export_id: str
    export_timestamp: AwareDatetime
    exporter_version: str
    data_schema_version: str
    export_source: str
    processing_notes: tuple[str, ...]
    validation: Validation


class LibraryDashboard(_Record):
    """Everything there is to show about one library."""

    export_id: str
    books: tuple[DashboardBook, ...]
    summary: Summary
    metadata: DashboardMetadata


class LibrarySummary(_Record):
    """One library among many: a line of the index page."""

    library_id: str
    books: NonNegativeInt
    read: NonNegativeInt
    failed: NonNegativeInt
    not_found: NonNegativeInt
    genre_enrichment_rate: Percent
    updated: AwareDatetime

    @classmethod
    def of(cls, dashboard: LibraryDashboard) -> Self:
        """The line that stands for a whole dashboard."""
        return cls(
            library_id=dashboard.metadata.validation.library_id,
            books=dashboard.summary.total_books,
            read=dashboard.summary.read_books,
            failed=dashboard.summary.failed_books,
            not_found=dashboard.summary.not_found_books,
            genre_enrichment_rate=round(dashboard.summary.genre_enrichment_rate, 1),
            updated=dashboard.metadata.export_timestamp,
        )


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What there is to report about an export besides its entries."""

    rows: int
    refused: tuple[RefusedRow, ...]
    duplicates: tuple[RefusedRow, ...]
    unread: tuple[UnreadCell, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, export: Export) -> Self:
        """The report of an export that was just read."""
        return cls(export.rows, export.refused, export.duplicates, export.unread, export.notes)


@dataclass(frozen=True, slots=True)
class EnrichmentResults:
    """The results of enrichment, by the key of the entry."""

    enriched: Mapping[str, EnrichedBook]
    """The latest that is known of each book, from this batch or an older one."""
    failures: Mapping[str, tuple[str, str]]
    """Category and message of each book whose last attempt failed."""
    waiting: Collection[str] = ()
    """Books about which a source is still being asked."""
    waiting_until: datetime | None = None
    """When all books will have been asked about; None where none waits, or nobody knows."""


@dataclass(frozen=True, slots=True)
class DashboardStamp:
    """Which library a dashboard shows, and when it was made."""

    library_id: str
    export_id: str
    now: datetime
    """With a time zone."""


def build_library_dashboard(
    entries: Sequence[tuple[str, LibraryEntry]],
    enrichment: EnrichmentResults,
    report: ExportReport,
    stamp: DashboardStamp,
) -> LibraryDashboard:
    """Make the dashboard of one library; equal arguments make equal dashboards.

    Args:
        entries: the books in the order of the export, each with the key that `enrichment` uses.
        enrichment: the results of enrichment so far.
        report: what became of the rows and cells that are not in `entries`.
        stamp: library, export and time to write on the dashboard.
    """
    known = [_known_book(entry, key, enrichment.enriched.get(key)) for key, entry in entries]
    evidence = GenreEvidence(known)
    books = tuple(
        _dashboard_book(entry, book, enrichment, evidence)
        for (_, entry), book in zip(entries, known, strict=True)
    )
    waiting = sum(key in enrichment.waiting for key, _ in entries)
    summary = _summarise(books).model_copy(
        update={
            "waiting_books": waiting,
            "waiting_until": enrichment.waiting_until if waiting else None,
        }
    )
    metadata = DashboardMetadata(
        export_id=stamp.export_id,
        export_timestamp=stamp.now,
        exporter_version=EXPORTER_VERSION,
        data_schema_version=DATA_SCHEMA_VERSION,
        export_source=EXPORT_SOURCE,
        processing_notes=tuple(_processing_notes(books, report)),
        validation=_validate(summary, report, stamp.library_id),
    )
    return LibraryDashboard(
        export_id=stamp.export_id, books=books, summary=summary, metadata=metadata
    )


def page_category(num_pages: int | None) -> PageCategory | None:
    """Category of a book by its pages; None where they are unknown."""
    if num_pages is None:
        return None
    for bound, category in _PAGE_BOUNDS:
        if num_pages < bound:
            return category
    return PageCategory.VERY_LONG


def library_schema() -> str:
    """The JSON Schema (Draft 2020-12) of a dashboard, as the text of `library.schema.json`."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= LibraryDashboard.model_json_schema(mode="serialization")
    return json.dumps(schema, indent=2) + "\n"


def write_library_schema(file: Path = SCHEMA_FILE) -> None:
    """Write the schema file anew from the models."""
    file.write_text(library_schema(), encoding="utf-8")


def _known_book(entry: LibraryEntry, key: str, enriched: EnrichedBook | None) -> KnownBook:
    return KnownBook(
        key=key,
        title=entry.title,
        author=entry.author,
        shelves=entry.bookshelves,
        genres=enriched.genres if enriched else (),
        is_fiction=enriched.is_fiction if enriched else None,
        audience=enriched.audience if enriched else None,
    )


def _dashboard_book(
    entry: LibraryEntry, known: KnownBook, enrichment: EnrichmentResults, evidence: GenreEvidence
) -> DashboardBook:
    enriched = enrichment.enriched.get(known.key)
    failure = enrichment.failures.get(known.key)
    genres = evidence.genres_of(known)
    pages = entry.num_pages or None  # exports write 0 for unknown
    return DashboardBook(
        goodreads_id=entry.goodreads_id,
        title=entry.title,
        author=entry.author,
        isbn=entry.isbn,
        isbn13=entry.isbn13,
        date_added=entry.date_added,
        date_read=entry.date_read,
        reading_year=entry.reading_year,
        reading_month_year=_month_of(entry),
        earlier_readings=entry.earlier_readings,
        my_rating=entry.rating,
        average_rating=entry.average_rating,
        is_rated=entry.rating is not None,
        num_pages=pages,
        audio_hours=entry.audio_hours,
        publisher=entry.publisher,
        binding=entry.binding,
        publication_year=_publication_year(entry),
        page_category=page_category(pages),
        reading_status=entry.reading_status,
        bookshelves=entry.bookshelves,
        genres=genres.names,
        genre_evidence=genres.evidence,
        topics=read_headings([enriched.subjects]).topics if enriched else (),
        thumbnail_url=enriched.thumbnail_url if enriched else None,
        small_thumbnail_url=enriched.small_thumbnail_url if enriched else None,
        my_review=entry.my_review,
        private_notes=entry.private_notes,
        has_spoilers=entry.has_spoilers,
        has_review=bool(entry.my_review),
        genre_enriched=bool(genres.names),
        was_reread=entry.read_count > 1,
        original_read_count=entry.read_count,
        enrichment_status=_status(enriched, failed=failure is not None),
        enrichment_error=_trouble(enriched, failure),
    )


def _status(enriched: EnrichedBook | None, *, failed: bool) -> EnrichmentStatus:
    if failed:
        return EnrichmentStatus.FAILED
    if enriched is None:
        return EnrichmentStatus.PENDING
    return EnrichmentStatus.ENRICHED if enriched.found else EnrichmentStatus.NOT_FOUND


def _trouble(enriched: EnrichedBook | None, failure: tuple[str, str] | None) -> str | None:
    """Why a book failed, or why it has no genres though a source might know some."""
    if failure:
        return _error_text(": ".join(failure))
    if enriched and enriched.gap and not enriched.genres:
        return _error_text(enriched.gap)
    return None


def _error_text(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"


def _month_of(entry: LibraryEntry) -> str | None:
    if entry.reading_year is None or entry.reading_month is None:
        return None
    return f"{entry.reading_year:04d}-{entry.reading_month:02d}"


def _publication_year(entry: LibraryEntry) -> int | None:
    if entry.original_publication_year is not None:
        return entry.original_publication_year
    return entry.year_published


def _summarise(books: Sequence[DashboardBook]) -> Summary:
    read = [book for book in books if book.reading_status == READ]
    ratings = [book.my_rating for book in books if book.my_rating is not None]
    with_genres = [book for book in books if book.genre_enriched]
    telling = [book for book in with_genres if book.genre_evidence is not Evidence.LAST_RESORT]
    statuses = Counter(book.enrichment_status for book in books)
    evidence = Counter(book.genre_evidence for book in with_genres)
    return Summary(
        total_books=len(books),
        read_books=len(read),
        rated_books=len(ratings),
        genre_enriched_books=len(with_genres),
        genre_enrichment_rate=_percent(len(with_genres), len(books)),
        unique_authors=len({book.author for book in books}),
        unique_genres=len({genre for book in telling for genre in book.genres}),
        total_pages=sum(book.num_pages or 0 for book in read),
        reading_date_range=_date_range(read),
        reading_years=_reading_years(read),
        average_rating=fmean(ratings) if ratings else None,
        most_common_genres=_most_common_genres(telling),
        genres_by_evidence=tuple(
            EvidenceCount(evidence=kind, count=evidence[kind])
            for kind in Evidence
            if evidence[kind]
        ),
        failed_books=statuses[EnrichmentStatus.FAILED],
        not_found_books=statuses[EnrichmentStatus.NOT_FOUND],
    )


def _date_range(read: Iterable[DashboardBook]) -> ReadingDateRange:
    days = [book.date_read for book in read if book.date_read]
    return ReadingDateRange(earliest=min(days, default=None), latest=max(days, default=None))


def _reading_years(read: Iterable[DashboardBook]) -> tuple[int, ...]:
    return tuple(sorted({year for book in read for year in years_read(book)}))


def years_read(book: DashboardBook) -> tuple[int, ...]:
    """The year of each reading whose date is known, the latest first."""
    latest = () if book.reading_year is None else (book.reading_year,)
    return (*latest, *(int(reading[:4]) for reading in reversed(book.earlier_readings)))


def _most_common_genres(with_genres: Sequence[DashboardBook]) -> tuple[GenreCount, ...]:
    counts = Counter(genre for book in with_genres for genre in set(book.genres))
    # Ties go by name: the order must not depend on the order of a set.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        GenreCount(genre=genre, count=count, percentage=_percent(count, len(with_genres)))
        for genre, count in ranked[:_MOST_COMMON_GENRES]
    )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _validate(summary: Summary, report: ExportReport, library_id: str) -> Validation:
    accounted_for = summary.total_books + len(report.refused) + len(report.duplicates)
    return Validation(
        library_id=library_id,
        rows_in_file=report.rows,
        books=summary.total_books,
        refused_rows=len(report.refused),
        merged_duplicates=len(report.duplicates),
        refused=_row_notes(report.refused),
        duplicates=_row_notes(report.duplicates),
        counts_add_up=accounted_for == report.rows,
        enrichment_failed=summary.failed_books,
        unread_cells=tuple(CellNote(**asdict(cell)) for cell in report.unread),
        file_notes=report.notes,
    )


def _row_notes(rows: Iterable[RefusedRow]) -> tuple[RowNote, ...]:
    return tuple(RowNote(row_number=row.row_number, reason=row.reason) for row in rows)


def _processing_notes(books: Sequence[DashboardBook], report: ExportReport) -> Iterable[str]:
    yield "A book that was read again counts in each year for which the export gives a date."
    undated = sum(book.reading_status == READ and book.reading_year is None for book in books)
    if undated:
        yield f"Read books whose date is missing or unreadable: {undated}. None was made up."
    if report.unread:
        unread = len(report.unread)
        yield f"Cells that were not understood: {unread}. `validation.unread_cells` says why."
    yield from report.notes
    if report.refused:
        yield f"Rows refused: {len(report.refused)}. `validation.refused` says why."
    if report.duplicates:
        yield f"Rows merged into another row of the same book: {len(report.duplicates)}."
    failed = sum(book.enrichment_status is EnrichmentStatus.FAILED for book in books)
    if failed:
        yield f"Books that failed in enrichment: {failed}. Genres known from earlier are kept."
