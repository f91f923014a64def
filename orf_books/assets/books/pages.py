"""What people look at, as assets: one dashboard per library, and the page that lists them all.

Belongs here: collecting what a dashboard shows, storing it, attaching previews. Does not belong
here: what is on it (`orf_books/books/library.py`, `orf_books/pages`).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from orf_books.assets import OWNERS
from orf_books.assets.books.assets import library_entries
from orf_books.assets.books.page_links import link_to_library
from orf_books.assets.books.step import ENRICHED_BOOKS, ENRICHMENT_REPORT, books_in_turn
from orf_books.assets.uploads import FRESHNESS
from orf_books.books.exports.entries import RefusedRow, UnreadCell
from orf_books.books.library import (
    DashboardStamp,
    EnrichmentResults,
    ExportReport,
    LibraryDashboard,
    LibrarySummary,
    build_library_dashboard,
)
from orf_books.object_keys import LIBRARIES_PAGE, library_data_key, library_page_key
from orf_books.records.books import (
    BookRecords,
    ExportUpload,
    LibraryDigest,
    LibraryRow,
    libraries_of,
)
from orf_books.records.overviews import overviews_beside
from orf_books.resources.dagster_resources import GoogleBooksResource, StorageResource

GROUP = "dashboards"
PREVIEWED = 10


class DashboardConfig(dg.Config):
    """Which libraries to make dashboards of."""

    after_runs: list[str] = Field(default_factory=list)
    """Those that hold books which these runs worked on; empty: this run, or else all libraries."""


@dg.asset(
    deps=[library_entries, ENRICHED_BOOKS, ENRICHMENT_REPORT],
    group_name=GROUP,
    kinds={"json", "html"},
    owners=OWNERS,
    code_version="1",
    freshness_policy=FRESHNESS,
    description="For each library `data/<library>.json`, and beside it a page to look at.",
)
def library_dashboard(
    context: dg.AssetExecutionContext,
    config: DashboardConfig,
    storage: StorageResource,
    google_books: GoogleBooksResource,
) -> dg.MaterializeResult[None]:
    """Make the dashboards of the libraries that a run has changed."""
    records = BookRecords(storage.open())
    libraries = _libraries_to_show(records, config.after_runs or [context.run.run_id])
    digests: list[LibraryDigest] = []
    previews: list[str] = []
    for made in _make_dashboards(records, libraries, google_books):
        digests.append(LibraryDigest(**LibrarySummary.of(made).model_dump()))
        if len(previews) < PREVIEWED:
            previews.append(_preview(made))
    records.add_digests(digests)
    return dg.MaterializeResult(
        metadata={
            "libraries": len(digests),
            "books": sum(digest.books for digest in digests),
            "failed_books": sum(digest.failed for digest in digests),
            "files": dg.MetadataValue.md(_links(storage, libraries)),
            "preview": dg.MetadataValue.md("\n\n".join(previews)),
        }
    )


@dg.asset(
    deps=[library_dashboard],
    group_name=GROUP,
    kinds={"html"},
    owners=OWNERS,
    code_version="1",
    freshness_policy=FRESHNESS,
    description="One page over all libraries: how many books, how many enriched, what failed.",
)
def dashboard(storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the page that lists all libraries."""
    records = BookRecords(storage.open())
    summaries = put_libraries_page(records)
    return dg.MaterializeResult(
        metadata={
            "libraries": len(summaries),
            "books": sum(summary.books for summary in summaries),
            "failed_books": sum(summary.failed for summary in summaries),
            "page": dg.MetadataValue.path(records.storage.location(LIBRARIES_PAGE)),
        }
    )


def put_libraries_page(records: BookRecords) -> list[LibrarySummary]:
    """Make and store the page that lists all libraries; what it shows of each."""
    from orf_books.pages.libraries_index_page import render_libraries_index_page

    names = [field.name for field in fields(LibraryDigest)]
    summaries = [
        LibrarySummary(**{name: getattr(digest, name) for name in names})
        for digest in records.digests()
    ]
    page = render_libraries_index_page(summaries, overviews_beside(records.storage, LIBRARIES_PAGE))
    records.storage.put(LIBRARIES_PAGE, page.encode())
    return summaries


def _libraries_to_show(records: BookRecords, run_ids: Sequence[str]) -> dict[str, ExportUpload]:
    """Libraries that the runs changed, and those that have no dashboard of their last upload."""
    uploads = records.uploads()
    libraries = libraries_of(uploads)
    worked_on = records.books_worked_on(run_ids)
    dealt_with = {upload.library for upload in uploads if upload.run_id in run_ids}
    if not (worked_on or dealt_with or records.reports(run_ids)):
        return libraries
    shown = {digest.library_id: digest.updated for digest in records.digests()}
    changed = {row.library for row in records.rows(libraries, worked_on)} if worked_on else set()
    return {
        library: upload
        for library, upload in libraries.items()
        if library in changed | dealt_with
        or library not in shown
        or shown[library] < upload.arrived_at
    }


def _make_dashboards(
    records: BookRecords,
    libraries: dict[str, ExportUpload],
    google_books: GoogleBooksResource,
) -> Iterator[LibraryDashboard]:
    """Make and store the JSON and the page of each library, one after the other."""
    from orf_books.pages.library_page import render_library_page

    rows = defaultdict[str, list[LibraryRow]](list)
    for row in records.rows(libraries):
        rows[row.library].append(row)
    now = datetime.now(UTC)
    waiting = books_in_turn(records) if google_books.is_on else set[str]()
    results = replace(
        _enrichment_results(
            records, {row.book_key for of_library in rows.values() for row in of_library}
        ),
        waiting=waiting,
        waiting_until=google_books.asked_by(len(waiting), now) if waiting else None,
    )
    for library, upload in sorted(libraries.items()):
        made = build_library_dashboard(
            [(row.book_key, row) for row in rows[library]],
            results,
            _export_report(upload),
            DashboardStamp(library_id=library, export_id=library, now=now),
        )
        records.storage.put(library_data_key(library), made.model_dump_json(indent=1).encode())
        records.storage.put(library_page_key(library), render_library_page(made).encode())
        yield made


def _enrichment_results(records: BookRecords, books: Collection[str]) -> EnrichmentResults:
    latest = records.latest(books)
    return EnrichmentResults(
        enriched={key: row.book() for key, row in latest.items()},
        failures={
            key: (failure.category, failure.message)
            for key, failure in records.failed_since(latest, books).items()
        },
    )


def _export_report(upload: ExportUpload) -> ExportReport:
    return ExportReport(
        rows=upload.rows,
        refused=_row_notes(upload.refused_rows),
        duplicates=_row_notes(upload.duplicates),
        unread=tuple(UnreadCell(**note) for note in json.loads(upload.unread_cells)),
        notes=upload.file_notes,
    )


def _row_notes(notes: str) -> tuple[RefusedRow, ...]:
    return tuple(RefusedRow(**note) for note in json.loads(notes))


def _links(storage: StorageResource, libraries: Iterable[str]) -> str:
    opened = storage.open()
    return "\n".join(
        f"- {library}: {link_to_library(opened, storage.serve_url, library)}, "
        f"`{opened.location(library_data_key(library))}`"
        for library in sorted(libraries)
    )


def _preview(made: LibraryDashboard) -> str:
    """A library in a few lines of Markdown, with a chart of its genres in text."""
    summary = made.summary
    most = max((genre.count for genre in summary.most_common_genres), default=1)
    chart = [
        f"| {genre.genre} | {genre.count} | {'█' * round(20 * genre.count / most)} |"
        for genre in summary.most_common_genres
    ]
    figures = (
        f"**{made.export_id}**: {summary.total_books} books, {summary.read_books} read, "
        f"{summary.genre_enriched_books} with genres ({summary.genre_enrichment_rate:.1f} %), "
        f"{summary.failed_books} failed"
    )
    return "\n".join([figures, "", "| genre | books | |", "|---|--:|---|", *chart])
