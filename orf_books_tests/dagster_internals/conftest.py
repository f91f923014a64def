import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orf_books_tests.postgres import PostgresServer

IN_POSTGRES = pytest.param("in Postgres", marks=pytest.mark.slow)
PROJECT = Path(__file__).parent.parent.parent
ON_POSTGRES = """
telemetry: {enabled: false}
storage:
  custom:
    module: orf_books.dagster_internals.postgres_storage
    class: PooledPostgresStorage
    config: {postgres_url: {env: DAGSTER_POSTGRES_URL}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dagster home with the project's configuration."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    shutil.copy(PROJECT / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, tmp_path: Path) -> str:
    """An empty database, as people write its address."""
    url = postgres_server.create_database(tmp_path.name)
    return url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def home_on_postgres(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dagster home whose instance lives in Postgres."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text(ON_POSTGRES)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_url)
    return home


@pytest.fixture(params=["in memory", "in files", IN_POSTGRES])
def any_instance(request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """An instance on each kind of event storage."""
    if request.param == "in memory":
        yield request.getfixturevalue("instance")
        return
    request.getfixturevalue("home" if request.param == "in files" else "home_on_postgres")
    with dg.DagsterInstance.get() as instance:
        yield instance
