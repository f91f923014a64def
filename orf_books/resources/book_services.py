"""The services that know books, as Dagster resources.

Belongs here: what is configured about each service. Does not belong here: how it is asked
(`open_library.py`, `google_books.py`), which know nothing of Dagster.
"""

from typing import TYPE_CHECKING

import dagster as dg

from orf_books import __version__

if TYPE_CHECKING:
    from orf_books.resources.google_books import GoogleBooks
    from orf_books.resources.open_library import OpenLibrary


def user_agent(contact: str | None) -> str:
    """Who we are, as Open Library's policy wants it: name, version, and whom to write to."""
    return f"orf_books/{__version__}" + (f" ({contact})" if contact else "")


class OpenLibraryResource(dg.ConfigurableResource[None]):
    """Open Library; asked first."""

    url: str
    contact: str | None = None
    requests_per_second: float

    def open(self) -> "OpenLibrary":
        """A client, for use as `async with` in one step."""
        from orf_books.resources.open_library import OpenLibrary

        return OpenLibrary(
            self.url,
            user_agent=user_agent(self.contact),
            requests_per_second=self.requests_per_second,
        )


class GoogleBooksResource(dg.ConfigurableResource[None]):
    """Google Books; asked for what Open Library leaves open, and only with a key."""

    url: str
    contact: str | None = None
    key: str | None = None
    requests_per_second: float

    def open(self) -> "GoogleBooks":
        """A client, for use as `async with` in one step."""
        from orf_books.resources.google_books import GoogleBooks

        return GoogleBooks(
            self.url,
            key=self.key,
            user_agent=user_agent(self.contact),
            requests_per_second=self.requests_per_second,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a report should know about this source."""
        off = "Google Books was not asked: set ORF_BOOKS_GOOGLE_BOOKS_KEY to fill gaps from there."
        return () if self.key else (off,)
