"""Everything outside the process, as resources that Dagster hands to assets.

Belongs here: what is configured about the store and each service. Does not belong here: how they
are used (`storage.py`, `open_library.py`, `google_books.py`), which know nothing of Dagster.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dagster as dg

from orf_books import __version__
from orf_books.resources.hidden import reveal
from orf_books.resources.ledger import Ledger
from orf_books.resources.pace import DailyQuota, SharedPace
from orf_books.resources.storage import ObjectStorage, S3Options

if TYPE_CHECKING:
    from orf_books.resources.google_books import GoogleBooks
    from orf_books.resources.open_library import OpenLibrary
    from orf_books.resources.raw_answers import RawAnswer


def user_agent(contact: str | None) -> str:
    """Who we are, as Open Library's policy wants it: name, version, and whom to write to."""
    return f"orf_books/{__version__}" + (f" ({contact})" if contact else "")


class StorageResource(dg.ConfigurableResource[None]):
    """The object storage of the platform; S3 fields mean what they mean in `S3Resource`."""

    url: str
    endpoint_url: str | None = None
    region_name: str | None = None
    profile_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None

    def open(self) -> ObjectStorage:
        """The storage, ready to use."""
        options = {name: getattr(self, name) for name in S3Options.__dataclass_fields__}
        revealed = {name: reveal(value) if value else value for name, value in options.items()}
        return ObjectStorage(self.url, S3Options(**revealed))


class OpenLibraryResource(dg.ConfigurableResource[None]):
    """Open Library; asked first."""

    url: str
    contact: str | None = None
    requests_per_second: float
    ledger: str

    def open(self, keep: Callable[["RawAnswer"], None] = lambda _: None) -> "OpenLibrary":
        """A client, for use as `async with` in one step; `keep` is given every answer."""
        from orf_books.resources.open_library import OpenLibrary

        return OpenLibrary(
            self.url,
            user_agent=user_agent(self.contact),
            pace=SharedPace(Ledger(self.ledger), self.url, self.requests_per_second),
            keep=keep,
        )


class GoogleBooksResource(dg.ConfigurableResource[None]):
    """Google Books; asked for what Open Library leaves open, and only with a key."""

    url: str
    contact: str | None = None
    key: str | None = None
    requests_per_second: float
    requests_per_day: int
    ledger: str

    def open(
        self,
        title_seconds: float | None = None,
        keep: Callable[["RawAnswer"], None] = lambda _: None,
    ) -> "GoogleBooks":
        """A client, for use as `async with` in one step; arguments as of `GoogleBooks`."""
        from orf_books.resources.google_books import GoogleBooks

        ledger = Ledger(self.ledger)
        return GoogleBooks(
            self.url,
            key=reveal(self.key) if self.key else None,
            user_agent=user_agent(self.contact),
            pace=SharedPace(ledger, self.url, self.requests_per_second),
            quota=DailyQuota(ledger, self.url, self.requests_per_day),
            title_seconds=title_seconds,
            keep=keep,
        )

    @property
    def is_on(self) -> bool:
        """Whether there is a key."""
        return bool(self.key)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a report should know about this source."""
        off = "Google Books was not asked: set ORF_BOOKS_GOOGLE_BOOKS_KEY to fill gaps from there."
        return () if self.is_on else (off,)
