"""The page over all libraries: `dashboard.html`.

Belongs here: what is said of many libraries at once. Does not belong here: one library's page
(`library_page.py`), counting books (`books/library.py`), storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from orf_books.books.library import LibrarySummary
from orf_books.pages.parts import Overview
from orf_books.pages.templating import page_template


@dataclass(frozen=True, slots=True)
class Totals:
    """All libraries together."""

    libraries: int
    books: int
    read: int
    failed: int
    not_found: int
    libraries_with_failures: int

    @classmethod
    def of(cls, summaries: Sequence[LibrarySummary]) -> Self:
        """Add up; a book that stands in two libraries counts in both."""
        return cls(
            libraries=len(summaries),
            books=sum(summary.books for summary in summaries),
            read=sum(summary.read for summary in summaries),
            failed=sum(summary.failed for summary in summaries),
            not_found=sum(summary.not_found for summary in summaries),
            libraries_with_failures=sum(summary.failed > 0 for summary in summaries),
        )


def render_libraries_index_page(
    summaries: Sequence[LibrarySummary], overviews: Sequence[Overview] = ()
) -> str:
    """Make the page: it lies in the storage root and links to `data/<library>.html`.

    Args:
        summaries: one for each library, in any order; the page shows the latest first.
        overviews: pages over other things.
    """
    latest_first = sorted(summaries, key=lambda summary: summary.updated, reverse=True)
    return page_template("libraries.html.jinja").render(
        summaries=latest_first, totals=Totals.of(summaries), overviews=overviews
    )
