"""How a database gets the published tables, one revision after the other, by Alembic.

Belongs here: running the revisions in `versions/` over an open connection. Does not belong here:
opening it (`orf_books/resources/database.py`), the tables as they are now
(`orf_books/resources/published_tables.py`).
"""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from orf_books.failures import FixConfiguration


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that the database does not have yet, within the caller's transaction.

    Args:
        connection: to the database.
        revision: the last one to run; by default the newest.

    Raises:
        FixConfiguration: it has one that this version of the project does not know.
    """
    try:
        command.upgrade(_config(connection), revision)
    except CommandError:
        raise FixConfiguration(
            f"The tables of the database are of revision {current(connection)}, which only a newer"
            " version of this project knows: use that."
        ) from None


def current(connection: Connection) -> str | None:
    """The revision of the database; None if it has none of the tables."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision that this version of the project works with."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", ":".join(__name__.rsplit(".", 1)))
    return config
