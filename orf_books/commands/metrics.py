"""What Prometheus is told of the platform, in its text format.

Belongs here: which figures there are, gathered from tables, ledger, queue, cluster and instance.
Does not belong here: when that is done, and by whom (docs/deployment.md). Figures are counts and
seconds; their labels name kinds, services and reasons, never an item.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import dagster as dg
from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from orf_books.commands.batch_status import batches
from orf_books.commands.batch_view import BatchFilter
from orf_books.definitions import google_books_of, speech_of, upload_queue_of
from orf_books.failures import OrfBooksError
from orf_books.instance import open_instance
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.sessions import SessionRecords
from orf_books.resources.service_calls import BOUNDS, ServiceCalls
from orf_books.settings import Settings

WAITING = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED)
UNDER_WAY = (*WAITING, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)


def metrics(settings: Settings) -> str:
    """All figures, as Prometheus reads them."""
    return generate_latest(_collect(settings)).decode()


def write_metrics(settings: Settings, file: Path) -> None:
    """Replace a file by all figures, at once: somebody may be reading it."""
    write_to_textfile(str(file), _collect(settings))


def _collect(settings: Settings) -> CollectorRegistry:
    registry = CollectorRegistry()
    up = Gauge("orf_books_up", "Whether a part could be asked.", ["part"], registry=registry)
    parts: dict[str, Callable[[Settings, CollectorRegistry], None]] = {
        "store": _of_store,
        "instance": _of_instance,
        "ledger": _of_ledger,
    }
    if settings.upload_queue_url is not None:
        parts["upload_queue"] = _of_queue
    if settings.cluster is not None:
        parts["cluster"] = _of_cluster
    for part, collect in parts.items():
        # A part that is away must not hide the others: that is when figures are needed.
        try:
            collect(settings, registry)
        except OrfBooksError:
            up.labels(part).set(0)
        else:
            up.labels(part).set(1)
    return registry


def _of_store(settings: Settings, registry: CollectorRegistry) -> None:
    storage = settings.open_storage()
    finished = Gauge(
        "orf_books_batches", "Batches that came to an end.", ["kind", "status"], registry=registry
    )
    seconds = Gauge(
        "orf_books_batch_seconds", "What all batches took together.", ["kind"], registry=registry
    )
    latest = Gauge(
        "orf_books_latest_batch_seconds", "What the latest batch took.", ["kind"], registry=registry
    )
    items = Gauge(
        "orf_books_items", "Items of all batches.", ["kind", "outcome"], registry=registry
    )
    for batch in reversed(batches(storage, BatchFilter())):
        finished.labels(batch.kind, batch.status).inc()
        seconds.labels(batch.kind).inc(batch.seconds)
        latest.labels(batch.kind).set(batch.seconds)
        items.labels(batch.kind, "succeeded").inc(batch.items - batch.failed)
        items.labels(batch.kind, "failed").inc(batch.failed)
    failures = Gauge(
        "orf_books_failed_items",
        "Items that have failed now.",
        ["kind", "reason"],
        registry=registry,
    )
    books, activities, sessions = (
        BookRecords(storage),
        ActivityRecords(storage),
        SessionRecords(storage),
    )
    for kind, standing in (
        ("books", books.standing_failures()),
        ("activities", activities.standing_failures()),
        ("transcripts", sessions.standing_failures()),
    ):
        for failure in standing.values():
            failures.labels(kind, failure.category).inc()
    calls = {_label(service): of_service for service, of_service in books.calls().items()}
    registry.register(_RequestSeconds(calls))
    for name, description, counted in (
        ("requests", "Requests, every attempt counted.", "requests"),
        ("rate_limited_requests", "Requests refused because there were too many.", "rate_limited"),
        ("unanswered_requests", "Requests that got no answer.", "unanswered"),
    ):
        requests = Gauge(f"orf_books_{name}", description, ["service"], registry=registry)
        for service, of_service in calls.items():
            requests.labels(service).set(getattr(of_service, counted))


def _label(service: str) -> str:
    return service.removeprefix("The ").lower().replace(" ", "_")


class _RequestSeconds(Collector):
    """How long requests took: a histogram whose counts are in the store already."""

    def __init__(self, calls: Mapping[str, ServiceCalls]) -> None:
        self._calls = calls

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "orf_books_request_seconds", "How long requests took.", labels=["service"]
        )
        for service, calls in self._calls.items():
            bounds = [*map(str, BOUNDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(calls.by_duration), strict=True))
            family.add_metric([service], buckets, calls.seconds)
        yield family


def _of_instance(settings: Settings, registry: CollectorRegistry) -> None:
    runs = Gauge("orf_books_runs", "Runs that have not ended.", ["status"], registry=registry)
    oldest = Gauge(
        "orf_books_oldest_waiting_run_seconds",
        "How long the oldest run waits to be started.",
        registry=registry,
    )
    with open_instance(settings) as instance:
        found = instance.get_run_records(dg.RunsFilter(statuses=list(UNDER_WAY)))
    counts = Counter(record.dagster_run.status for record in found)
    for status in UNDER_WAY:
        runs.labels(status.value.lower()).set(counts[status])
    waiting = [record.create_timestamp for record in found if record.dagster_run.status in WAITING]
    if waiting:
        oldest.set((datetime.now(UTC) - min(waiting).replace(tzinfo=UTC)).total_seconds())


def _of_ledger(settings: Settings, registry: CollectorRegistry) -> None:
    left = Gauge(
        "orf_books_google_books_requests_left", "Of the quota of today.", registry=registry
    )
    used = Gauge(
        "orf_books_google_books_requests_used", "Of the quota of today.", registry=registry
    )
    requests_left = google_books_of(settings).requests_left()
    left.set(requests_left)
    used.set(settings.google_books_daily_quota - requests_left)


def _of_queue(settings: Settings, registry: CollectorRegistry) -> None:
    waiting = Gauge("orf_books_upload_messages", "Waiting in the queue.", registry=registry)
    dead = Gauge("orf_books_dead_letters", "Messages nobody could read.", registry=registry)
    if inbox := upload_queue_of(settings).inbox():
        waiting.set(inbox.queue.waiting())
        dead.set(inbox.queue.dead_letters() or 0)


def _of_cluster(settings: Settings, registry: CollectorRegistry) -> None:
    slots = Gauge(
        "orf_books_cluster_threads", "Threads of all workers of the cluster.", registry=registry
    )
    size = speech_of(settings).cluster_size()
    if size is not None:
        slots.set(size)
