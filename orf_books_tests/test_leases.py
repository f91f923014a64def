"""Runs that are alive, and runs whose machine vanished."""

import os
from pathlib import Path

import dagster as dg
import pytest

from orf_books.instance import NOTICED_FOR_SECONDS, fail_lapsed_runs
from orf_books.leases import LASTS_SECONDS, RENEWED_EVERY_SECONDS, kept_lease, leased_executor
from orf_books.resources.ledger import Ledger
from orf_books.tracing import TRACE_TAG, Trace, current_trace
from orf_books_tests.conftest import wait_for

URL = "URL_OF_THE_LEDGER"
LONG_AFTER = LASTS_SECONDS + 1
Status = dg.DagsterRunStatus


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Ledger:
    return Ledger(url, clock)


def leases(url: str) -> set[str]:
    """Runs that have a lease, as somebody sees who comes late and has no patience."""
    late = Clock()
    late.seconds = 1e9
    return Ledger(url, late).lapsed_leases(0)


def lapse(instance: dg.DagsterInstance, ledger: Ledger, clock: Clock) -> list[str]:
    """What two looks do that lie far enough apart."""
    clock.seconds += LONG_AFTER
    assert fail_lapsed_runs(instance, ledger) == []
    clock.seconds += NOTICED_FOR_SECONDS
    return fail_lapsed_runs(instance, ledger)


def run_in(instance: dg.DagsterInstance, status: Status) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job_name="ingest_books", status=status))


def test_whoever_looks_is_more_patient_than_runs_are_slow() -> None:
    assert RENEWED_EVERY_SECONDS < NOTICED_FOR_SECONDS
    assert 2 * RENEWED_EVERY_SECONDS < LASTS_SECONDS


@pytest.mark.parametrize("status", [Status.STARTING, Status.STARTED, Status.CANCELING])
def test_a_run_whose_lease_lapsed_is_failed_and_says_why(
    status: Status, instance: dg.DagsterInstance, ledger: Ledger, clock: Clock, url: str
) -> None:
    run = run_in(instance, status)
    ledger.renew_lease(run.run_id, LASTS_SECONDS)
    assert lapse(instance, ledger, clock) == [run.run_id]
    (failed,) = instance.get_runs()
    assert failed.status is Status.FAILURE
    messages = " ".join(entry.message for entry in instance.all_logs(run.run_id))
    assert "is gone" in messages
    assert "orf-books retry" in messages
    assert leases(url) == set()


def test_a_run_that_ended_without_ending_its_lease_stays_as_it_is(
    instance: dg.DagsterInstance, ledger: Ledger, clock: Clock, url: str
) -> None:
    run = run_in(instance, Status.SUCCESS)
    ledger.renew_lease(run.run_id, LASTS_SECONDS)
    assert lapse(instance, ledger, clock) == []
    assert instance.get_runs()[0].status is Status.SUCCESS
    assert leases(url) == set()


def test_runs_of_other_instances_are_left_to_them(
    instance: dg.DagsterInstance, ledger: Ledger, clock: Clock, url: str
) -> None:
    ledger.renew_lease("a run of another instance", LASTS_SECONDS)
    assert lapse(instance, ledger, clock) == []
    assert leases(url) == {"a run of another instance"}


def test_a_lease_is_kept_until_the_end_whatever_the_end_is(url: str) -> None:
    def break_off() -> None:
        with kept_lease(Ledger(url), "run"):
            wait_for("lease", lambda: leases(url) == {"run"})
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert leases(url) == set()


def test_a_run_goes_on_without_a_ledger(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "ledger.sqlite").write_text("this is not a database, and it is long enough " * 9)
    with kept_lease(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"), "run"):
        pass
    assert "is damaged" in caplog.text


@dg.op
def look_for_the_lease(context: dg.OpExecutionContext) -> None:
    wait_for("lease", lambda: leases(os.environ[URL]) == {context.run_id})
    assert current_trace() == Trace("of its upload", context.run_id)


def leased_job() -> dg.JobDefinition:
    @dg.job(executor_def=leased_executor(os.environ[URL]))
    def looking() -> None:
        look_for_the_lease()

    return looking


def test_a_run_has_a_lease_and_a_trace_while_its_steps_are_executed(
    instance: dg.DagsterInstance, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, url)
    tags = {TRACE_TAG: "of its upload"}
    with dg.execute_job(dg.reconstructable(leased_job), instance, tags=tags) as result:
        assert result.success
    assert leases(url) == set()
