"""What processes agree on, in a small database: turns at a service, a day's quota, claims on items.

Belongs here: one short transaction for each of these. Does not belong here: asking services
(`http.py`) and results (`tables.py`).

The default is a SQLite file of the user's: services count requests by address, and all runs on a
machine have the same one. Several machines share a Postgres database.
"""

import time
from collections.abc import Callable, Collection
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

_TABLES = """
CREATE TABLE IF NOT EXISTS turns (service TEXT PRIMARY KEY, next_at DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS spending
    (service TEXT, day TEXT, spent INTEGER, PRIMARY KEY (service, day));
CREATE TABLE IF NOT EXISTS claims (item TEXT PRIMARY KEY, holder TEXT, until DOUBLE PRECISION)
"""
_SQLITE = "sqlite:///"
_BUSY_SECONDS = 20
_LOCK = 20_231_101
"""Any number that others do not use."""


def ledger_of_this_machine() -> str:
    """The ledger that all runs of this user on this machine share."""
    return f"{_SQLITE}{Path.home() / '.cache' / 'orf_books' / 'ledger.sqlite'}"


class Ledger:
    """Turns, spending and claims.

    Args:
        url: a database as SQLAlchemy names it: `sqlite:///…` or `postgresql+psycopg://…`.
        now: seconds since 1970. Machines whose clocks differ wait longer, never shorter.
    """

    def __init__(self, url: str, now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._now = now

    def take_turn(self, service: str, spacing: float) -> float:
        """Take the next free turn, `spacing` seconds after the one before; seconds until then."""
        now = self._now()
        (row,) = self._rows(
            "INSERT INTO turns VALUES (:service, :now + :spacing) ON CONFLICT (service)"
            " DO UPDATE SET next_at = :spacing +"
            " CASE WHEN turns.next_at > :now THEN turns.next_at ELSE :now END"
            " RETURNING next_at",
            {"service": service, "now": now, "spacing": spacing},
        )
        return max(0.0, float(row.next_at) - spacing - now)

    def seconds_until_turn(self, service: str) -> float:
        """How long someone who came now would wait."""
        rows = self._rows(
            "SELECT next_at FROM turns WHERE service = :service", {"service": service}
        )
        return max((float(row.next_at) - self._now() for row in rows), default=0.0)

    def hold(self, service: str, seconds: float) -> None:
        """Nobody gets a turn before so many seconds have passed: the service wants a pause."""
        self._rows(
            "INSERT INTO turns VALUES (:service, :until) ON CONFLICT (service) DO UPDATE SET"
            " next_at = CASE WHEN turns.next_at > :until THEN turns.next_at ELSE :until END"
            " RETURNING next_at",
            {"service": service, "until": self._now() + seconds},
        )

    def spend(self, service: str, day: date, quota: int) -> bool:
        """Spend one request of the day's quota; False where none is left."""
        if quota < 1:
            return False
        return bool(
            self._rows(
                "INSERT INTO spending VALUES (:service, :day, 1) ON CONFLICT (service, day)"
                " DO UPDATE SET spent = spending.spent + 1 WHERE spending.spent < :quota"
                " RETURNING spent",
                {"service": service, "day": day.isoformat(), "quota": quota},
            )
        )

    def exhaust(self, service: str, day: date, quota: int) -> None:
        """Nothing is left of the day's quota, the service says, whoever spent it."""
        self._rows(
            "INSERT INTO spending VALUES (:service, :day, :quota) ON CONFLICT (service, day)"
            " DO UPDATE SET spent = :quota RETURNING spent",
            {"service": service, "day": day.isoformat(), "quota": quota},
        )

    def spent(self, service: str, day: date) -> int:
        """Requests spent of the day's quota."""
        rows = self._rows(
            "SELECT spent FROM spending WHERE service = :service AND day = :day",
            {"service": service, "day": day.isoformat()},
        )
        return sum(int(row.spent) for row in rows)

    def claim(self, items: Collection[str], holder: str, seconds: float) -> set[str]:
        """Claim the items that nobody else holds, or keep one's own claim, for so many seconds."""
        now = self._now()
        return {
            row.item
            for row in self._rows(
                "INSERT INTO claims VALUES (:item, :holder, :until) ON CONFLICT (item) DO UPDATE"
                " SET holder = :holder, until = :until"
                " WHERE claims.holder = :holder OR claims.until < :now RETURNING item",
                *(
                    {"item": item, "holder": holder, "until": now + seconds, "now": now}
                    for item in items
                ),
            )
        }

    def holders(self, items: Collection[str]) -> set[str]:
        """Who holds any of the items now."""
        rows = self._rows(
            "SELECT item, holder FROM claims WHERE until >= :now", {"now": self._now()}
        )
        wanted = set(items)
        return {row.holder for row in rows if row.item in wanted}

    def release(self, holder: str) -> None:
        """Give up everything that the holder claims."""
        self._rows("DELETE FROM claims WHERE holder = :holder RETURNING item", {"holder": holder})

    def _rows(self, statement: str, *parameters: dict[str, Any]) -> "list[Row[Any]]":
        """What one statement returns, executed for each of the parameters in one transaction."""
        import sqlalchemy

        text = sqlalchemy.text(statement)
        with self._engine.begin() as connection:
            return [row for values in parameters for row in connection.execute(text, values)]

    @cached_property
    def _engine(self) -> "Engine":
        import sqlalchemy

        is_file = self._url.startswith(_SQLITE)
        if is_file:
            Path(self._url.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(
            self._url,
            connect_args={"timeout": _BUSY_SECONDS} if is_file else {},
            # Nobody closes a ledger, and a server should not be left with open connections.
            poolclass=None if is_file else sqlalchemy.NullPool,
        )
        if is_file:
            # A power cut may give back the last turns; waiting for the disk costs more.
            sqlalchemy.event.listen(engine, "connect", _quick_and_shared)
        with engine.begin() as connection:
            if not is_file:
                # Of two processes that make the same table in Postgres at once, one would fail.
                connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            for table in _TABLES.split(";"):
                connection.execute(sqlalchemy.text(table))
        return engine


def _quick_and_shared(connection: Any, _: object) -> None:  # noqa: ANN401 - any driver's connection
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
