"""Batches whose runs have no report."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orf_books.commands.unreported_runs import KINDS_OF_JOBS, unreported_batches
from orf_books.definitions import build_defs
from orf_books.instance import open_instance
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


ASKING = """
import sys
from orf_books.commands.unreported_runs import unreported_batches
from orf_books.settings import load_settings
found = unreported_batches(load_settings(), sys.argv[1:])
print([batch.job_id for batch in found], "dagster" in sys.modules)
"""


def asked(*reported: str) -> str:
    """Which runs another process finds, and whether it had to import Dagster."""
    done = subprocess.run(
        [sys.executable, "-c", ASKING, *reported], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_dagster_is_asked_only_about_runs_that_have_no_report(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with open_instance(settings) as instance:
        run(instance, dg.DagsterRunStatus.SUCCESS)
        run(instance, dg.DagsterRunStatus.FAILURE, job="refresh_libraries")
        assert asked() == "[] False"
        failed = run(instance, dg.DagsterRunStatus.FAILURE)
        stopped = run(instance, dg.DagsterRunStatus.CANCELED)
        assert asked(failed) == f"['{stopped}', '{failed}'] True"
        assert asked(failed, stopped) == "[] False"
    configuration = settings.dagster_home / "dagster.yaml"
    elsewhere = {"sqlite": {"base_dir": str(tmp_path / "elsewhere")}}
    configuration.write_text(f"storage: {json.dumps(elsewhere)}", encoding="utf-8")
    assert asked(failed, stopped) == "[] True"


def run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, job: str = "ingest_books"
) -> str:
    @dg.job(name=job)
    def empty() -> None:
        pass

    return instance.create_run_for_job(empty, status=status).run_id
