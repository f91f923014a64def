"""What Alembic runs for each of its commands."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
