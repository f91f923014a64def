"""Leases of runs: a run that lives says so, so that one whose machine vanished can be told apart.

Belongs here: taking and renewing a lease for as long as a run lasts. Does not belong here: where
leases are kept (`resources/ledger.py`), failing runs whose lease lapsed (`instance.py`).

Dagster's run monitoring asks the launcher whether a run is alive. The launchers for ECS and
Kubernetes know; the default launcher does not, and for runs of the command line there is none.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import dagster as dg

from orf_books.failures import OrfBooksError
from orf_books.resources.ledger import Ledger
from orf_books.tracing import traced_run

logger = logging.getLogger(__name__)

LASTS_SECONDS = 45.0
RENEWED_EVERY_SECONDS = 10.0


@contextmanager
def kept_lease(ledger: Ledger, run_id: str) -> Iterator[None]:
    """Keep the lease of a run while the block lasts; renewed in a thread of its own."""
    ended = Event()
    thread = Thread(target=_keep, args=(ledger, run_id, ended), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep(ledger: Ledger, run_id: str, ended: Event) -> None:
    is_over = False
    while not is_over:
        _try(lambda: ledger.renew_lease(run_id, LASTS_SECONDS))
        is_over = ended.wait(RENEWED_EVERY_SECONDS)
    _try(lambda: ledger.end_lease(run_id))


def _try(write: Callable[[], None]) -> None:
    """A run does not end because its lease cannot be written: steps that need the ledger say so."""
    try:
        write()
    except OrfBooksError as error:
        logger.warning("The lease of this run could not be written: %s", error)


def leased_executor(ledger: str) -> dg.ExecutorDefinition:
    """Dagster's in-process executor, which keeps the lease and names the trace of each run.

    Args:
        ledger: its URL.
    """
    in_process = dg.in_process_executor

    def create(init_context: dg.InitExecutorContext) -> dg.Executor:
        executor: dg.Executor = in_process.executor_creation_fn(init_context)  # type: ignore[misc]
        return _LeasedExecutor(executor, Ledger(ledger))

    return dg.ExecutorDefinition(
        name=in_process.name,
        config_schema=in_process.config_schema,  # type: ignore[arg-type]
        executor_creation_fn=create,
    )


class _LeasedExecutor(dg.Executor):
    def __init__(self, executor: dg.Executor, ledger: Ledger) -> None:
        self._executor, self._ledger = executor, ledger

    @property
    def retries(self) -> Any:  # noqa: ANN401
        return self._executor.retries

    def execute(
        self,
        plan_context: Any,  # noqa: ANN401 - Dagster does not publish these types
        execution_plan: Any,  # noqa: ANN401
    ) -> Iterator[dg.DagsterEvent]:
        run = plan_context.dagster_run
        with kept_lease(self._ledger, run.run_id), traced_run(run.run_id, run.tags):
            yield from self._executor.execute(plan_context, execution_plan)
