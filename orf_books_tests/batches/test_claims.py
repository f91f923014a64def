import asyncio
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orf_books.batches import claims as module
from orf_books.batches.claims import Claims
from orf_books.resources.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.fixture
def claims_of(ledger: Ledger, instance: dg.DagsterInstance) -> Callable[[str], Claims]:
    return lambda run_id: Claims(ledger, instance, "file:///store", run_id)


def run_that_failed(instance: dg.DagsterInstance) -> str:
    @dg.op
    def fail() -> None:
        raise dg.Failure("It was killed.")

    @dg.job
    def failing() -> None:
        fail()

    return failing.execute_in_process(instance=instance, raise_on_error=False).run_id


def test_two_runs_never_work_on_the_same_item(claims_of: Callable[[str], Claims]) -> None:
    assert claims_of("first").take(["a", "b"]) == {"a", "b"}
    assert claims_of("second").take(["b", "c"]) == {"c"}


def test_what_a_run_gives_up_another_may_take(claims_of: Callable[[str], Claims]) -> None:
    first = claims_of("first")
    first.take(["a"])
    first.give_up()

    assert claims_of("second").take(["a"]) == {"a"}


def test_a_run_that_is_over_holds_nothing(
    claims_of: Callable[[str], Claims], instance: dg.DagsterInstance
) -> None:
    claims_of(run_that_failed(instance)).take(["a"])

    assert claims_of("second").take(["a"]) == {"a"}


def test_a_run_that_is_still_going_keeps_its_claims(
    claims_of: Callable[[str], Claims], instance: dg.DagsterInstance
) -> None:
    going = dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(going)
    claims_of(going.run_id).take(["a"])

    assert claims_of("second").take(["a"]) == set()


def test_a_claim_outlives_two_renewals_that_fail() -> None:
    assert module.LASTS_SECONDS >= 3 * module.RENEWED_EVERY_SECONDS


def test_items_of_another_store_are_other_items(
    ledger: Ledger, instance: dg.DagsterInstance
) -> None:
    Claims(ledger, instance, "file:///one", "first").take(["a"])

    assert Claims(ledger, instance, "file:///other", "second").take(["a"]) == {"a"}


def test_claims_are_renewed_while_the_work_goes_on_and_given_up_after_it(
    claims_of: Callable[[str], Claims], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LASTS_SECONDS", 0.3)
    monkeypatch.setattr(module, "RENEWED_EVERY_SECONDS", 0.05)
    first, second = claims_of("first"), claims_of("second")

    async def work() -> set[str]:
        async with first.kept():
            first.take(["a"])
            await asyncio.sleep(0.6)
            return second.take(["a"])

    assert asyncio.run(work()) == set()
    assert second.take(["a"]) == {"a"}
