"""The page over everything that the platform does, as an asset.

Belongs here: what it is made after, and the metadata that Dagster shows of it. Does not belong
here: what is on it (`orf_books/records/platform.py`, `orf_books/pages/overview_page.py`).
"""

from typing import TYPE_CHECKING

import dagster as dg

from orf_books.assets import OWNERS
from orf_books.assets.activities.step import ACTIVITIES, RESCORING_REPORT
from orf_books.assets.books.step import BOOKS, ENRICHMENT_REPORT
from orf_books.assets.transcripts.step import SCORING_REPORT, SESSIONS
from orf_books.object_keys import OVERVIEW_PAGE
from orf_books.resources.dagster_resources import GoogleBooksResource, StorageResource
from orf_books.resources.storage import ObjectStorage

if TYPE_CHECKING:
    from orf_books.pages.overview_page import KindOverview

_KINDS = (BOOKS, ACTIVITIES, SESSIONS)


@dg.asset(
    # Not after the dashboards: a failed item blocks what follows them, and this page says why.
    deps=[ENRICHMENT_REPORT, RESCORING_REPORT, SCORING_REPORT],
    group_name="dashboards",
    kinds={"html"},
    owners=OWNERS,
    code_version="1",
    description=(
        "One page over everything: what came in, what is fresh, what failed and why, how fast, and "
        "how much of the quotas is spent."
    ),
)
def overview(
    context: dg.AssetExecutionContext,
    storage: StorageResource,
    google_books: GoogleBooksResource,
) -> dg.MaterializeResult[None]:
    """Make the page over books, activities and sessions."""
    opened = storage.open()
    kinds = put_overview(opened, context.instance, google_books)
    return dg.MaterializeResult(
        metadata={
            "uploads": sum(kind.uploads for kind in kinds),
            "uploads_not_read": sum(len(kind.refused) for kind in kinds),
            "failed_items": sum(kind.failed for kind in kinds),
            "page": dg.MetadataValue.path(opened.location(OVERVIEW_PAGE)),
        }
    )


def put_overview(
    storage: ObjectStorage, instance: dg.DagsterInstance, google_books: GoogleBooksResource
) -> "list[KindOverview]":
    """Make and store the page; what it shows of each kind."""
    from orf_books.pages.overview_page import Quota
    from orf_books.records import platform

    registered = {
        name: len(instance.get_dynamic_partitions(name))
        for name in (str(kind.partitions.name) for kind in _KINDS)
    }
    quotas = list[Quota]()
    if google_books.key:
        allowed = google_books.requests_per_day
        quotas.append(Quota("Google Books", allowed - google_books.requests_left(), allowed))
    return platform.put_overview(storage, registered, quotas)
