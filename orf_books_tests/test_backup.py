"""A backup is restored into an empty place, by the scripts that the runbook names."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from orf_books.dagster_internals import PartitionStatus
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.class_sessions import write_invented_day
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import (
    CommandLine,
    book,
    export_of,
    plain_books,
    settings_for,
    statuses_of_books,
)
from orf_books_tests.live_platform import INSTANCE_URL, home_on_postgres
from orf_books_tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEPLOY = Path(__file__).parent.parent / "deploy"


class Place(CommandLine):
    """A folder, a Dagster home and databases of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox, server: PostgresServer) -> None:
        folder.mkdir()
        published = server.create_database(f"{folder.parent.name} {folder.name} published")
        settings = settings_for(
            sandbox, str(folder / "data"), database_url=SecretStr(published.replace(" ", "%20"))
        )
        instance = server.create_database(f"{folder.parent.name} {folder.name}")
        home = home_on_postgres(folder / "home", instance.replace(" ", "%20"))
        super().__init__(folder, settings, home)
        self._programs = server.programs

    def script(self, name: str, backup: Path) -> None:
        """Run a script of `deploy/` here."""
        url = self.settings.database_url
        assert url is not None
        subprocess.run(
            [DEPLOY / name, backup],
            env={
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "DAGSTER_POSTGRES_URL": self.environment[INSTANCE_URL],
                "ORF_BOOKS_DATABASE_URL": url.get_secret_value(),
                "ORF_BOOKS_STORAGE": self.settings.storage,
            },
            check=True,
        )

    def statuses(self) -> dict[str, PartitionStatus]:
        """Of books, as the page shows them."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(INSTANCE_URL, self.environment[INSTANCE_URL])
            with self.instance() as instance:
                return statuses_of_books(instance)


@pytest.fixture
def places(
    tmp_path: Path, sandbox: Sandbox, postgres_server: PostgresServer
) -> Iterator[list[Place]]:
    """One to lose, and one to restore into."""
    places = [Place(tmp_path / name, sandbox, postgres_server) for name in ("lost", "new")]
    yield places
    for place in places:
        place.end()


def test_after_a_restore_everything_is_there_and_only_what_had_failed_is_asked_for(
    places: list[Place], sandbox: Sandbox, tmp_path: Path
) -> None:
    lost, new = places
    broken, *good = plain_books()[:20]
    sandbox.behaviour.broken_books = {book(broken)}
    (lost.folder / "ada.csv").write_bytes(export_of([broken, *good]))
    lost.document("run", "books", "ada.csv", status=1)
    class_id, day = write_invented_day(lost.folder, utterances=40)
    lost.document("run", "transcripts", "morning.txt", "--class", class_id, "--date", str(day))
    shown = lost.document("show", "class", class_id, "--purpose", "test")

    lost.script("back_up.sh", tmp_path / "backup")
    new.script("restore.sh", tmp_path / "backup")

    assert new.storage.get("data/ada.json") == lost.storage.get("data/ada.json")
    assert new.document("show", "class", class_id, "--purpose", "test") == shown
    assert new.statuses() == lost.statuses()
    assert new.statuses()[book(broken)] is PartitionStatus.FAILED
    sandbox.behaviour.broken_books = set()
    sandbox.counts.clear()
    assert new.document("retry", "books")["books_processed"] == 1
    assert sandbox.counts.identifiers(Service.OPEN_LIBRARY) == 1
    assert set(new.statuses().values()) == {PartitionStatus.MATERIALIZED}
