"""The assets of the books domain: uploads in, libraries and enriched books out.

Belongs here: fetching what an asset needs, calling the domain, storing, attaching metadata. Does
not belong here: rules about books (`orf_books/books`), tables (`records/books.py`), pages
(`pages.py`).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial

import dagster as dg

from orf_books.assets import OWNERS
from orf_books.assets.books.page_links import link_to_library
from orf_books.assets.books.step import BOOKS, BookEnrichment, EnrichConfig
from orf_books.assets.table_columns import shown_columns
from orf_books.assets.uploads import (
    SAME_FOR_EARLIER_ITEMS,
    UploadConfig,
    UploadsConfig,
    log_refused,
    read_those_left,
    refused_uploads,
    reporting_unread,
)
from orf_books.batches.driver import Driver
from orf_books.batches.resource import BatchResource
from orf_books.books.enrichment import CODE_VERSION
from orf_books.books.exports.entries import RefusedRow, UnreadableExport, UnreadCell
from orf_books.failures import FixInput
from orf_books.object_keys import EXPORTS, is_export, library_of_export
from orf_books.records import books as tables
from orf_books.records.books import (
    ACCEPTED,
    REFUSED,
    BookRecords,
    ExportUpload,
)
from orf_books.resources.dagster_resources import (
    GoogleBooksResource,
    OpenLibraryResource,
    SlackResource,
    StorageResource,
)
from orf_books.resources.storage import ObjectStorage, StoredObject

GROUP = "books"
GOODREADS_EXPORTS = dg.AssetKey("goodreads_exports")
EXPORT_IS_VALID = "export_is_valid"

goodreads_exports = dg.AssetSpec(
    GOODREADS_EXPORTS,
    group_name=GROUP,
    kinds={"csv"},
    owners=OWNERS,
    description="Goodreads exports as readers upload them, `uploads/<library>/<name>.csv`.",
)


@dg.asset(
    deps=[GOODREADS_EXPORTS],
    group_name=GROUP,
    kinds={"polars", "deltalake"},
    owners=OWNERS,
    code_version="1",
    metadata=shown_columns(tables.library_entries),
    description="What each library holds: the rows of its latest export.",
)
def library_entries(
    context: dg.AssetExecutionContext, config: UploadsConfig, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Read the uploads; one that is no export is refused, and the next goes on."""
    records = BookRecords(storage.open())
    with reporting_unread(context.instance, GOODREADS_EXPORTS, records):
        found = read_those_left(
            context,
            config.uploads or new_uploads(records),
            lambda upload: _ingest(context, records, upload),
        )
    context.instance.report_runless_asset_event(validity_of_exports(records))
    refused = log_refused(context, found)
    return dg.MaterializeResult(
        data_version=SAME_FOR_EARLIER_ITEMS,
        metadata={
            "uploads": len(found),
            "refused_uploads": refused,
            "libraries": sorted({upload.library for upload in found}),
            "books": sum(upload.books for upload in found),
            "refused_rows": sum(len(json.loads(upload.refused_rows)) for upload in found),
            "preview": dg.MetadataValue.md(_uploads_preview(found)),
        },
    )


def new_uploads(records: BookRecords) -> list[UploadConfig]:
    """Uploads in the store that no run has dealt with at their present version."""
    new = records.without_receipt(stored_uploads(records.storage))
    return UploadsConfig.noticed_now(new).uploads


def stored_uploads(storage: ObjectStorage) -> Iterator[StoredObject]:
    """What lies in the store as an upload, in no order."""
    return (stored for stored in storage.list(EXPORTS) if is_export(stored.key))


def _ingest(
    context: dg.AssetExecutionContext, records: BookRecords, config: UploadConfig
) -> ExportUpload:
    upload = ingest(records, config, context.run.run_id)
    if config.copy_key:
        records.storage.delete(config.copy_key)
    context.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            GOODREADS_EXPORTS,
            description=upload.problem,
            metadata={
                "upload": upload.key,
                "library": upload.library,
                "status": upload.status,
                "rows": upload.rows,
            },
        )
    )
    return upload


def validity_of_exports(records: BookRecords) -> dg.AssetCheckEvaluation:
    """Whether the last version of every upload is an export."""
    last = {upload.key: upload for upload in records.uploads()}
    refused = {key: str(upload.problem) for key, upload in last.items() if upload.status == REFUSED}
    return refused_uploads(GOODREADS_EXPORTS, EXPORT_IS_VALID, len(last), refused)


def ingest(records: BookRecords, config: UploadConfig, run_id: str) -> ExportUpload:
    """Read one upload and store what it holds, or refuse it."""
    from orf_books.books.exports.reading import parse_export, refuse_by_size

    arrived_at = datetime.fromisoformat(config.arrived_at)
    library, source = "", config.copy_key or config.key
    stored = records.storage.head(source)
    # Of an upload that was replaced since it was noticed, what lies there now is read.
    version = config.version if config.copy_key else stored.version
    try:
        library = _library_named_by(config.key)
        refuse_by_size(stored.size)
        export = parse_export(records.storage.get(source))
    except UnreadableExport as reason:
        refused = ExportUpload(
            config.key, version, library, REFUSED, arrived_at, run_id, problem=str(reason)
        )
        records.refuse(refused, reason, source)
        return refused
    accepted = ExportUpload(
        config.key,
        version,
        library,
        ACCEPTED,
        arrived_at,
        run_id,
        rows=export.rows,
        books=len(export.entries),
        refused_rows=_notes(export.refused),
        duplicates=_notes(export.duplicates),
        unread_cells=_notes(export.unread),
        file_notes=export.notes,
    )
    records.accept(accepted, export)
    return accepted


def _library_named_by(upload: str) -> str:
    try:
        return library_of_export(upload)
    except FixInput as error:
        name = "an upload for a library that cannot have this name"
        raise UnreadableExport(name, f"{error} Rename its folder.") from None


@dg.multi_asset(
    name="enrich_books",
    specs=BOOKS.specs(
        [library_entries],
        group_name=GROUP,
        kinds={"http", "deltalake"},
        owners=OWNERS,
        code_version=CODE_VERSION,
        metadata=shown_columns(
            tables.enriched_books,
            {
                "key": ["book_key"],
                "fingerprint": ["book_key", "goodreads_id", "title", "author", "isbn", "isbn13"],
            },
            dg.AssetKey("library_entries"),
        ),
        description=(
            "Genres, covers and descriptions, one partition per book, from Open Library and Google "
            "Books."
        ),
        report_description=(
            "What came of a batch: over an upload's books, or, materialized by hand, over "
            "everything failed or missing."
        ),
    ),
    can_subset=True,
    pool="book_services",
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def enrich_books(  # noqa: PLR0913, PLR0917 - Dagster hands resources over as parameters
    context: dg.AssetExecutionContext,
    config: EnrichConfig,
    storage: StorageResource,
    open_library: OpenLibraryResource,
    google_books: GoogleBooksResource,
    batch: BatchResource,
    slack: SlackResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Enrich chosen partitions, or as a batch all that an upload brought."""
    records = BookRecords(storage.open())
    work = BookEnrichment(
        config,
        records,
        open_library,
        google_books,
        context.run.run_id,
        partial(link_to_library, records.storage, storage.serve_url),
    )
    yield from Driver(context, work, records, batch, slack).run()


def _notes(rows: Iterable[RefusedRow | UnreadCell]) -> str:
    return json.dumps([asdict(row) for row in rows])


def _uploads_preview(uploads: Iterable[ExportUpload]) -> str:
    lines = [
        f"| {upload.key} | {upload.library} | {upload.status} | {upload.rows} | {upload.books} |"
        for upload in uploads
    ]
    header = ["| upload | library | status | rows | books |", "|---|---|---|--:|--:|"]
    return "\n".join(header + lines)
