"""The page over all classes: `classes.html`.

Belongs here: what is said of many classes at once, which is nothing about their students but how
many there are. Does not belong here: one class's page (`class_page.py`), storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self
from urllib.parse import quote

from orf_books.object_keys import class_page_key
from orf_books.pages.parts import Overview
from orf_books.pages.templating import page_template


@dataclass(frozen=True, slots=True)
class ClassDigest:
    """What the page says of one class."""

    class_id: str
    last_session: date | None
    """Day of the latest session that was handed in; None where there is none."""
    sessions: int
    """That were handed in."""
    students: int
    """Who were heard."""
    failed: int
    """Sessions that failed or were refused."""
    not_published: int
    """Sessions that were scored, but the tables do not have them."""

    @property
    def address(self) -> str:
        """Its page, from this one."""
        return quote(class_page_key(self.class_id))


@dataclass(frozen=True, slots=True)
class Totals:
    """All classes together."""

    classes: int
    sessions: int
    students: int
    failed: int
    not_published: int
    classes_with_failures: int
    classes_with_unpublished: int

    @classmethod
    def of(cls, digests: Sequence[ClassDigest]) -> Self:
        """Add up; a student who is heard in two classes counts in both."""
        return cls(
            classes=len(digests),
            sessions=sum(digest.sessions for digest in digests),
            students=sum(digest.students for digest in digests),
            failed=sum(digest.failed for digest in digests),
            not_published=sum(digest.not_published for digest in digests),
            classes_with_failures=sum(digest.failed > 0 for digest in digests),
            classes_with_unpublished=sum(digest.not_published > 0 for digest in digests),
        )


def render_classes_index_page(
    digests: Sequence[ClassDigest], overviews: Sequence[Overview] = ()
) -> str:
    """Make the page: it lies in the storage root and links to the pages of the classes.

    Args:
        digests: one for each class, in any order; the page shows the latest heard first.
        overviews: pages over other things.
    """
    by_name = sorted(digests, key=lambda digest: digest.class_id)
    return page_template("classes.html.jinja").render(
        digests=sorted(by_name, key=lambda digest: digest.last_session or date.min, reverse=True),
        totals=Totals.of(digests),
        overviews=overviews,
    )
