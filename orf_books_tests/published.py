"""The published tables as another program sees them, and what may happen to them meanwhile.

Belongs here: looking into a database, and disturbing it. Does not belong here: starting a server
(`postgres.py`).
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from orf_books.resources.database import Database
from orf_books.resources.published_tables import METADATA

Rows = list[dict[str, Any]]


def rows(url: str, table: sa.Table, *columns: str) -> Rows:
    """What a table holds, as another program sees it."""
    wanted = [table.c[name] for name in columns] or list(table.columns)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sa.select(*wanted).order_by(*table.primary_key))
        return [dict(row) for row in found.mappings()]


def everything(url: str) -> dict[str, Rows]:
    """What all tables hold, by name."""
    return {name: rows(url, table) for name, table in METADATA.tables.items()}


def at(database: Database, moment: str, happen: Callable[[], object]) -> None:
    """Let something happen once, before the statement that begins so."""
    left = [happen]

    def before(statement: str) -> None:
        if statement.startswith(moment) and left:
            left.pop()()

    def before_statement(*arguments: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        before(arguments[2])

    def before_commit(_: object) -> None:
        before("COMMIT")

    sa.event.listen(database._engine, "before_cursor_execute", before_statement)
    sa.event.listen(database._engine, "commit", before_commit)
