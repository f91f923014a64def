"""Dagster's web server with a guard in front: `python -m orf_books.dagster_internals.webserver`.

Belongs here: putting the guard there. Does not belong here: what it refuses (`page_guard.py`).

The program takes the options of `dagster-webserver`. Dagster has no setting for middleware; its
server builds its own in `DagsterWebserver.build_middleware`, which this overrides.
"""

from typing import Any

import dagster_webserver.app
from dagster_webserver.cli import main as serve
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from orf_books.page_guard import PageGuard


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """The page, for tabs of its own and local programs only."""

    def build_middleware(self) -> list[Middleware]:
        """The guard, and then what Dagster wants."""
        return [Middleware(PageGuard), *super().build_middleware()]


def main() -> None:
    """Serve the page until the process is stopped."""
    dagster_webserver.app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]
    serve()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
