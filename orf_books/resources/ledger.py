"""What processes share in a small database: turns, quotas, claims on items, leases of runs.

Belongs here: one short transaction for each of these. Does not belong here: asking services
(`http.py`) and results (`tables.py`).

The default is a SQLite file of the user: services count requests by IP address, which all runs on a
machine share. Several machines share a Postgres database.

The wall clock may be set back, so nothing but the day of a quota rests on it. In SQLite times are
those of the machine's monotonic clock, which all its processes share and which starts anew at each
boot; in Postgres they are those of the server. What seems to be written in the future was written
before a boot, or before the server's clock was set back, and holds nobody up.
"""

import time
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row
    from sqlalchemy.exc import DBAPIError

_TABLES = """
CREATE TABLE IF NOT EXISTS service_turns
    (service TEXT PRIMARY KEY, taken_at DOUBLE PRECISION, next_at DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS window_turns
    (service TEXT, taken_at DOUBLE PRECISION, turn_at DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS spending
    (service TEXT, day TEXT, spent INTEGER, PRIMARY KEY (service, day));
CREATE TABLE IF NOT EXISTS item_claims
    (item TEXT PRIMARY KEY, holder TEXT, taken_at DOUBLE PRECISION, until DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS run_leases
    (run_id TEXT PRIMARY KEY, taken_at DOUBLE PRECISION, until DOUBLE PRECISION,
     noticed_at DOUBLE PRECISION)
"""
_SQLITE = "sqlite:///"
_BUSY_SECONDS = 20
_CLOCK_TOLERANCE = 2 * _BUSY_SECONDS
"""Seconds by which a time in the ledger may be ahead: the clock is read before the lock is held."""
_LOCK = 20_231_101
"""Any number that others do not use."""


def ledger_of_this_machine() -> str:
    """The ledger that all runs of this user on this machine share."""
    return f"{_SQLITE}{Path.home() / '.cache' / 'orf_books' / 'ledger.sqlite'}"


class Ledger:
    """Turns, spending, claims and leases.

    Args:
        url: a database as SQLAlchemy names it: `sqlite:///…` or `postgresql+psycopg://…`.
        now: seconds on the clock that everybody who uses the ledger has; as above by default.

    Every method raises:
        FixConfiguration: the ledger cannot be used until somebody does something about it.
        RetryLater: its database does not answer.
    """

    def __init__(self, url: str, now: Callable[[], float] | None = None) -> None:
        self._url = url
        self._is_file = url.startswith(_SQLITE)
        self._now = now or (time.monotonic if self._is_file else None)

    def take_turn(self, service: str, spacing: float) -> float:
        """Take the next free turn, `spacing` seconds after the one before; seconds until then."""
        (row,) = self._rows(
            "INSERT INTO service_turns VALUES (:service, :now, :now + :spacing)"
            " ON CONFLICT (service) DO UPDATE SET taken_at = :now, next_at = :spacing + CASE"
            " WHEN service_turns.next_at > :now AND service_turns.taken_at <= :latest"
            " THEN service_turns.next_at ELSE :now END"
            " RETURNING next_at - :spacing - :now AS wait",
            {"service": service, "spacing": spacing},
        )
        return max(0.0, float(row.wait))

    def seconds_until_turn(self, service: str) -> float:
        """How long a request that came now would wait."""
        rows = self._rows(
            "SELECT next_at - :now AS wait FROM service_turns WHERE service = :service"
            " AND service_turns.taken_at <= :latest",
            {"service": service},
        )
        return max((float(row.wait) for row in rows), default=0.0)

    def take_turn_in_window(
        self, service: str, most: int, seconds: float, longest_wait: float | None = None
    ) -> float | None:
        """Take a turn such that no `seconds` hold more than `most`.

        Returns:
            Seconds until the turn; None where that is longer than the longest wait, and no turn
            was taken.
        """
        with self._window(service, most, seconds) as (connection, clock, wait):
            if longest_wait is not None and wait > longest_wait:
                return None
            self._execute(
                connection,
                "INSERT INTO window_turns VALUES (:service, :now, :now + :wait)",
                {"service": service, "wait": wait} | clock,
            )
        return wait

    def seconds_until_turn_in_window(self, service: str, most: int, seconds: float) -> float:
        """How long someone who came now would wait."""
        with self._window(service, most, seconds) as (_, _, wait):
            return wait

    @contextmanager
    def _window(
        self, service: str, most: int, seconds: float
    ) -> "Iterator[tuple[Connection, dict[str, float], float]]":
        """A transaction that nobody shares, the time, and the wait for the next turn."""
        with self._errors(), self._engine.begin() as connection:
            if not self._is_file:
                self._execute(connection, f"SELECT pg_advisory_xact_lock({_LOCK})", {})
            clock = self._clock(connection)
            values = {"service": service, "seconds": seconds, "skipped": most - 1} | clock
            # First, because with it SQLite locks the database until the end of the transaction.
            self._execute(
                connection,
                "DELETE FROM window_turns WHERE service = :service"
                " AND (turn_at <= :now - :seconds OR taken_at > :latest)",
                values,
            )
            waits = self._execute(
                connection,
                "SELECT turn_at + :seconds - :now AS wait FROM window_turns"
                " WHERE service = :service ORDER BY turn_at DESC LIMIT 1 OFFSET :skipped",
                values,
            )
            holds = self._execute(
                connection,
                "SELECT next_at - :now AS wait FROM service_turns"
                " WHERE service = :service AND taken_at <= :latest",
                values,
            )
            yield connection, clock, max([0.0, *(float(row.wait) for row in [*waits, *holds])])

    @staticmethod
    def _execute(
        connection: "Connection", statement: str, values: dict[str, Any]
    ) -> "list[Row[Any]]":
        import sqlalchemy

        result = connection.execute(sqlalchemy.text(statement), values)
        return list(result) if result.returns_rows else []

    def hold(self, service: str, seconds: float) -> None:
        """Give no turn for so many seconds, because the service asked for a pause."""
        self._rows(
            "INSERT INTO service_turns VALUES (:service, :now, :now + :seconds)"
            " ON CONFLICT (service) DO UPDATE SET taken_at = :now, next_at = CASE"
            " WHEN service_turns.next_at > :now + :seconds AND service_turns.taken_at <= :latest"
            " THEN service_turns.next_at ELSE :now + :seconds END RETURNING next_at",
            {"service": service, "seconds": seconds},
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
        """Count the day's quota as spent, because the service says so."""
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
        return {
            row.item
            for row in self._rows(
                "INSERT INTO item_claims VALUES (:item, :holder, :now, :now + :seconds)"
                " ON CONFLICT (item) DO UPDATE"
                " SET holder = :holder, taken_at = :now, until = :now + :seconds"
                " WHERE item_claims.holder = :holder OR item_claims.until < :now"
                " OR item_claims.taken_at > :latest RETURNING item",
                *({"item": item, "holder": holder, "seconds": seconds} for item in items),
            )
        }

    def holders(self, items: Collection[str]) -> set[str]:
        """Who holds any of the items now."""
        rows = self._rows(
            "SELECT item, holder FROM item_claims WHERE until >= :now"
            " AND item_claims.taken_at <= :latest",
            {},
        )
        wanted = set(items)
        return {row.holder for row in rows if row.item in wanted}

    def release(self, holder: str) -> None:
        """Release all claims of a holder."""
        self._rows(
            "DELETE FROM item_claims WHERE holder = :holder RETURNING item", {"holder": holder}
        )

    def renew_lease(self, run_id: str, seconds: float) -> None:
        """Take or renew the lease of a run: it is alive, for so many seconds at least."""
        self._rows(
            "INSERT INTO run_leases VALUES (:run_id, :now, :now + :seconds, NULL)"
            " ON CONFLICT (run_id) DO UPDATE"
            " SET taken_at = :now, until = :now + :seconds, noticed_at = NULL RETURNING run_id",
            {"run_id": run_id, "seconds": seconds},
        )

    def end_lease(self, run_id: str) -> None:
        """Forget the lease of a run that is over."""
        self._rows(
            "DELETE FROM run_leases WHERE run_id = :run_id RETURNING run_id", {"run_id": run_id}
        )

    def lapsed_leases(self, patience: float) -> set[str]:
        """Runs that did not renew their lease in time, nor since somebody noticed.

        An outage of the ledger makes all leases lapse. Runs that live renew theirs after it, while
        those who look are still patient.

        Args:
            patience: seconds since a look first found the lease lapsed; more than runs need to
                renew it.
        """
        lapsed = "(until < :now OR taken_at > :latest)"
        self._rows(
            f"UPDATE run_leases SET noticed_at = :now WHERE {lapsed}"  # noqa: S608
            " AND (noticed_at IS NULL OR noticed_at > :latest) RETURNING run_id",
            {},
        )
        rows = self._rows(
            f"SELECT run_id FROM run_leases WHERE {lapsed}"  # noqa: S608
            " AND noticed_at + :patience <= :now",
            {"patience": patience},
        )
        return {row.run_id for row in rows}

    def _rows(self, statement: str, *parameters: dict[str, Any]) -> "list[Row[Any]]":
        """What one statement returns, executed for each of the parameters in one transaction."""
        import sqlalchemy

        text = sqlalchemy.text(statement)
        with self._errors(), self._engine.begin() as connection:
            clock = self._clock(connection) if ":now" in statement else {}
            return [
                row for values in parameters for row in connection.execute(text, values | clock)
            ]

    def _clock(self, connection: "Connection") -> dict[str, float]:
        """The time, and the latest one that can have been written by now."""
        import sqlalchemy

        if self._now is None:
            of_server = sqlalchemy.text("SELECT extract(epoch FROM clock_timestamp())")
            now = float(connection.execute(of_server).scalar_one())
        else:
            now = self._now()
        return {"now": now, "latest": now + _CLOCK_TOLERANCE}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what is wrong with the ledger, and what to do; its address may hold a password."""
        from sqlalchemy.exc import DBAPIError

        try:
            yield
        except DBAPIError as error:
            raise self._failure(error) from error
        except OSError as error:
            raise self._failure_of_file(str(error)) from error

    def _failure(self, error: "DBAPIError") -> OrfBooksError:
        if self._is_file:
            return self._failure_of_file(str(error))
        from orf_books.resources.database_failures import failure_of

        return failure_of(error, "The ledger's database")

    def _failure_of_file(self, reason: str) -> OrfBooksError:
        place = f"The ledger {self._url.removeprefix(_SQLITE)}"
        if "database is locked" in reason:
            return RetryLater(f"{place} is in use for too long.", FailureCategory.UNAVAILABLE)
        for sign, what in _TROUBLES.items():
            if sign in reason:
                return FixConfiguration(f"{place} {what}")
        return FixConfiguration(
            f"{place} cannot be used: check its folder, or set ORF_BOOKS_LEDGER to another file."
        )

    @cached_property
    def _engine(self) -> "Engine":
        import sqlalchemy

        if self._is_file:
            Path(self._url.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(
            self._url,
            connect_args={"timeout": _BUSY_SECONDS} if self._is_file else {},
            # A server should not be left with open connections.
            poolclass=None if self._is_file else sqlalchemy.NullPool,
        )
        # Nobody closes a ledger.
        weakref.finalize(self, engine.dispose)
        if self._is_file:
            # A power cut may give back the last turns; waiting for the disk costs more.
            sqlalchemy.event.listen(engine, "connect", _quick_and_shared)
        with engine.begin() as connection:
            if not self._is_file:
                # Of two processes that make the same table in Postgres at once, one would fail.
                connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            for table in _TABLES.split(";"):
                connection.execute(sqlalchemy.text(table))
        return engine


_FULL = "cannot be written, because its disk is full: free space there."
_TROUBLES = {
    "disk is full": _FULL,
    "disk I/O error": _FULL,
    "readonly database": "cannot be written: check the permissions of the file and its folder.",
    "not a database": (
        "is damaged: delete it. It holds turns, claims and the day's count of requests, no results."
    ),
    "malformed": (
        "is damaged: delete it. It holds turns, claims and the day's count of requests, no results."
    ),
}
"""What to do, by a sign in SQLite's message."""


def _quick_and_shared(connection: Any, _: object) -> None:  # noqa: ANN401 - any driver's connection
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
