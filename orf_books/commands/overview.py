"""The page over everything after a command has changed something: no daemon need be running.

Belongs here: when it is made. Does not belong here: what is on it (`orf_books/pages`), the asset
that a schedule makes (`orf_books/assets/overview.py`).
"""

from contextlib import suppress

import dagster as dg

from orf_books.assets.overview import put_overview
from orf_books.definitions import google_books_of
from orf_books.failures import RetryLater
from orf_books.settings import Settings


def refresh_overview(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Make the page, if the store and the ledger answer: what the command did is stored already."""
    with suppress(RetryLater):
        put_overview(settings.open_storage(), instance, google_books_of(settings))
