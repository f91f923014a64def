"""The object store is away, slow, busy, or answers half.

Each try ingests a library while the store misbehaves from some moment on for some seconds; then a
retry. What the services answered before must not be asked again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

from pydantic import SecretStr

from chaos.counting import Attack, Tally
from chaos.faulty_proxy import FaultyProxy, Trouble
from chaos.ground import Ground
from orf_books.sandbox.behaviour import Service
from orf_books_tests.conftest import BUCKET, Platform, running_s3

LONGEST_TROUBLE = 4.0
LATEST_START = 2.0
LATENCY = 0.3
SHARES = {Trouble.TRUNCATED: 0.2, Trouble.LOST_ANSWER: 0.2, Trouble.BUSY: 0.6}


def bad_stores(ground: Ground, tally: Tally, tries: int) -> None:
    """Ingest libraries into a bucket that misbehaves in every way in turn."""
    ground.sandbox.behaviour.latency_seconds = LATENCY
    troubles = [trouble for trouble in Trouble if trouble is not Trouble.SPOILT]
    with store_that_fails(ground) as (store, known):
        for number in ground.tries(tally, tries):
            trouble = troubles[number % len(troubles)]
            with (
                tally.about(trouble),
                ground.platform(str(number), **known(str(number))) as platform,
            ):
                _ingest_through(ground, tally, platform, store, trouble)
        tally.notes.append(f"{store.met} requests to the store met a trouble")
        tally.check(holds=bool(store.met), wrong="no request met a trouble")


@contextmanager
def store_that_fails(
    ground: Ground,
) -> Iterator[tuple[FaultyProxy, Callable[[str], dict[str, Any]]]]:
    """A bucket behind a proxy, and the settings of a platform in a folder of it."""
    with (
        running_s3() as options,
        FaultyProxy(str(options.endpoint_url), ground.random).running() as store,
    ):

        def settings(folder: str) -> dict[str, Any]:
            return {
                "storage": f"s3://{BUCKET}/{folder}",
                "s3_endpoint_url": store.url,
                "s3_region_name": options.region_name,
                "s3_aws_access_key_id": options.aws_access_key_id,
                "s3_aws_secret_access_key": SecretStr(str(options.aws_secret_access_key)),
            }

        yield store, settings


def _ingest_through(
    ground: Ground, tally: Tally, platform: Platform, store: FaultyProxy, trouble: Trouble
) -> None:
    libraries = ground.libraries()
    library, export = libraries.draw()
    ground.sandbox.counts.clear()
    platform.put(library, export)
    store.share = SHARES.get(trouble, 1.0)
    start = ground.random.uniform(0, LATEST_START)
    timers = [
        Timer(start, setattr, (store, "trouble", trouble)),
        Timer(start + ground.random.uniform(1, LONGEST_TROUBLE), setattr, (store, "trouble", None)),
    ]
    for timer in timers:
        timer.start()
    platform.run(library_entries={"uploads": []})
    for timer in timers:
        timer.cancel()
        timer.join()
    store.trouble = None
    retried = platform.run("retry_failed_books")
    tally.check(holds=retried.success, wrong="the retry failed")
    libraries.judge(tally, platform.storage)
    asked = ground.sandbox.counts.identifiers(Service.OPEN_LIBRARY, "search")
    tally.check(holds=asked <= libraries.books, wrong=f"{asked - libraries.books} asked twice")


ATTACKS = (
    Attack(
        "store away, slow, 503, truncated",
        bad_stores,
        tries=15,
        share=2,
        short_tries=2,
        person="`orf-books retry books`, if the run ended",
    ),
)
