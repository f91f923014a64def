"""Batches whose runs have no report."""

from orf_books.commands.unreported_runs import KINDS_OF_JOBS, unreported_batches
from orf_books.definitions import build_defs
from orf_books.settings import Settings


def test_every_job_of_batches_is_known() -> None:
    jobs = {job.name for job in build_defs(Settings()).resolve_all_job_defs()}
    of_batches = {name for name in jobs if name.startswith(("ingest_", "retry_", "fill_"))}
    assert of_batches == KINDS_OF_JOBS.keys()


def test_who_only_looks_makes_no_dagster_home(settings: Settings) -> None:
    assert unreported_batches(settings) == []
    folder = settings.open_storage().folder
    assert folder is not None
    assert not (folder / "dagster").exists()
