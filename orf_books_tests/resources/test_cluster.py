"""On a real cluster: a scheduler and two workers as processes, with TLS."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

import pytest

from orf_books.activities.recognition import PageToHear, StoryContext
from orf_books.activities.story import words_of
from orf_books.failures import FailureCategory, FixConfiguration, FixInput, RetryLater
from orf_books.resources import cluster as module
from orf_books.resources.cluster import ClusterTls, ClusterWorkers, versions_here
from orf_books.resources.embedded_speech import EmbeddedSpeech
from orf_books.resources.workers import ProcessWorkers, Workers
from orf_books.sandbox.readings.recorded_reading import recorded_readings
from orf_books_tests.conftest import export_of, wait_for
from orf_books_tests.resources import work
from orf_books_tests.resources.cluster import PROJECT, Cluster, new_certificates, running_cluster
from orf_books_tests.resources.test_workers import is_alive, processes_in

UNREACHABLE = "tls://127.0.0.1:9"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that tests leave as it is."""
    with running_cluster(tmp_path_factory.mktemp("cluster") / "shared") as cluster:
        yield cluster


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster to be broken."""
    with running_cluster(tmp_path / "own") as cluster:
        yield cluster


def on(
    cluster: Cluster, use: Callable[[ClusterWorkers], Awaitable[None]], call_seconds: float = 60.0
) -> None:
    """Use a cluster whose two workers are there."""

    async def run() -> None:
        workers = ClusterWorkers(cluster.address, cluster.tls, call_seconds=call_seconds)
        async with workers:
            await workers._client.wait_for_workers(2)
            await asyncio.to_thread(wait_for, "two slots", lambda: workers.slots == 2)
            await use(workers)

    asyncio.run(run())


# Addresses


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "tcp://scheduler:8786", "http://localhost:1", "scheduler"]
)
def test_a_plain_connection_to_another_machine_is_refused(address: str) -> None:
    with pytest.raises(FixConfiguration, match="whoever reaches the port can run code"):
        ClusterWorkers(address, call_seconds=1)


def test_tls_needs_certificates() -> None:
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_CLUSTER_CERTIFICATE"):
        ClusterWorkers(UNREACHABLE, call_seconds=1)


def test_versions_are_those_of_the_project_its_models_and_what_runs_them() -> None:
    versions = versions_here()
    assert versions["orf_books"] == versions_here()["orf_books"]
    assert {"python", "pocketsphinx", "distributed"} < versions.keys()
    assert "not installed" not in versions.values()


# Work


@pytest.mark.slow
def test_results_are_those_of_processes_of_this_machine_byte_for_byte(shared: Cluster) -> None:
    exports = [export_of(range(start, start + 40)) for start in range(0, 400, 40)]

    async def parsed(workers: Workers) -> list[bytes]:
        results = await asyncio.gather(*(workers.run(work.parse, export) for export in exports))
        return [result.encode() for result in results]

    async def use(workers: ClusterWorkers) -> None:
        async with ProcessWorkers(2) as here:
            assert await parsed(workers) == await parsed(here)
        assert sum(workers.calls_by_worker.values()) == len(exports)

    on(shared, use)


@pytest.mark.slow
def test_speech_is_heard_as_by_processes_of_this_machine_byte_for_byte(shared: Cluster) -> None:
    reading = next(recorded_readings("tuning"))
    recording, phrases = reading.recording(), range(4)
    words = tuple(tuple(words_of(phrase)) for phrase in reading.story.phrases)
    first_page = PageToHear((0, int(1000 * reading.pages[0][1])), tuple(phrases))
    story = StoryContext(reading.story_id, reading.story.tags, words, pages=(first_page,))

    async def heard(speech: EmbeddedSpeech, order: Iterable[int]) -> bytes:
        assert speech.placer is not None
        calls = {
            (role.engine, phrase): role.hear(
                recording.between(*(int(1000 * moment) for moment in reading.phrases[phrase])),
                story,
                phrase,
            )
            for phrase in order
            for role in (speech.listener, speech.checker)
        }
        page = (
            speech.transcriber.transcribe(recording, story),
            speech.placer.place(recording, story),
        )
        evidence = dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
        return repr((sorted(evidence.items()), await asyncio.gather(*page))).encode()

    async def on_both() -> None:
        cluster = ClusterWorkers(shared.address, shared.tls, call_seconds=60)
        async with EmbeddedSpeech(cluster) as there, EmbeddedSpeech(ProcessWorkers(2)) as here:
            assert await heard(there, reversed(phrases)) == await heard(here, phrases)

    asyncio.run(on_both())


@pytest.mark.slow
def test_failures_arrive_as_they_were_raised_and_arguments_are_not_logged(shared: Cluster) -> None:
    async def use(workers: ClusterWorkers) -> None:
        with pytest.raises(FixInput, match="The recording cannot be used") as refused:
            await workers.run(work.refuse, "The recording")
        assert refused.value.code == "unusable"
        with pytest.raises(RetryLater, match="The service is down") as postponed:
            await workers.run(work.postpone)
        assert postponed.value.category is FailureCategory.UNAVAILABLE
        with pytest.raises(ValueError, match="It failed"):
            await workers.run(work.fail_with_secret, "what a child said")

    on(shared, use)
    assert "what a child said" not in shared.log()


@pytest.mark.slow
def test_a_call_that_kills_its_process_fails_alone_and_once(
    shared: Cluster, tmp_path: Path
) -> None:
    started = tmp_path / "started"

    async def use(workers: ClusterWorkers) -> None:
        poison = asyncio.create_task(workers.run(work.kill_itself))
        innocent = [workers.run(work.wait, 0.05, started) for _ in range(30)]
        assert len(await asyncio.gather(*innocent)) == 30
        with pytest.raises(RetryLater, match="died") as died:
            await poison
        assert died.value.category is FailureCategory.CRASH

    on(shared, use)
    assert len(processes_in(started)) == 30, "none ran twice"


@pytest.mark.slow
def test_a_call_that_takes_too_long_is_ended_where_it_runs(shared: Cluster, tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def use(workers: ClusterWorkers) -> None:
        with pytest.raises(RetryLater, match="Not done after 2 s") as late:
            await workers.run(work.wait, 600.0, started)
        assert late.value.category is FailureCategory.TIMEOUT
        (process,) = processes_in(started)
        assert not is_alive(process) or await asyncio.to_thread(
            wait_for, "end of it", lambda: not is_alive(process)
        )
        assert await workers.run(work.process_id)

    on(shared, use, call_seconds=2)


@pytest.mark.slow
def test_calls_wait_here_and_not_in_the_scheduler(shared: Cluster) -> None:
    async def use(workers: ClusterWorkers) -> None:
        calls = [asyncio.create_task(workers.run(work.wait, 0.05)) for _ in range(20)]
        held = set()
        while not all(call.done() for call in calls):
            held.add(len(workers._client.futures))
            await asyncio.sleep(0.01)
        await asyncio.gather(*calls)
        assert max(held) == 4

    on(shared, use)


# What is lost


@pytest.mark.slow
def test_the_calls_of_a_lost_worker_are_carried_out_by_another(
    own: Cluster, tmp_path: Path
) -> None:
    started = tmp_path / "started"

    async def use(workers: ClusterWorkers) -> None:
        calls = [asyncio.create_task(workers.run(work.wait, 1.0, started)) for _ in range(4)]
        await asyncio.to_thread(
            wait_for, "two calls under way", lambda: len(processes_in(started)) >= 2
        )
        own.workers[0].send_signal(signal.SIGKILL)
        assert len(await asyncio.gather(*calls)) == 4
        assert sum(workers.calls_by_worker.values()) == 4

    on(own, use)
    lost = [process for process in processes_in(started) if not is_alive(process)]
    assert lost, "the process of the lost worker ended with it"


@pytest.mark.slow
def test_a_lost_scheduler_is_an_outage_and_another_one_mends_it(
    own: Cluster, tmp_path: Path
) -> None:
    async def use(workers: ClusterWorkers) -> None:
        call = asyncio.create_task(workers.run(work.wait, 3.0, tmp_path / "started"))
        await asyncio.to_thread(
            wait_for, "start of the work", lambda: processes_in(tmp_path / "started")
        )
        own.scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(RetryLater, match="cannot be reached") as lost:
            await call
        assert lost.value.category is FailureCategory.UNAVAILABLE
        with pytest.raises(RetryLater, match="cannot be reached"):
            await workers.run(work.process_id)

    on(own, use)
    # The workers end, and what they were doing with them; whoever runs them starts them again.
    wait_for("end of the workers", lambda: all(worker.poll() is not None for worker in own.workers))
    (process,) = processes_in(tmp_path / "started")
    wait_for("end of the work", lambda: not is_alive(process))


@pytest.mark.slow
def test_a_killed_client_leaves_no_work_behind(shared: Cluster, tmp_path: Path) -> None:
    started = tmp_path / "started"
    files = [str(file) for file in (shared.tls.ca, shared.tls.certificate, shared.tls.key)]
    program = f"""
import asyncio
from pathlib import Path
from orf_books.resources.cluster import ClusterTls, ClusterWorkers
from orf_books_tests.resources import work

async def run():
    tls = ClusterTls(*map(Path, {files!r}))
    async with ClusterWorkers({shared.address!r}, tls, call_seconds=60) as workers:
        await asyncio.gather(
            *(workers.run(work.wait, 1.0, Path({str(started)!r})) for _ in range(40))
        )

asyncio.run(run())
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(PROJECT)}
    ) as client:
        wait_for("start of the work", lambda: processes_in(started))
        client.send_signal(signal.SIGKILL)

    async def use(workers: ClusterWorkers) -> None:
        assert await workers.run(work.process_id)

    on(shared, use)
    begun = len(processes_in(started))
    time.sleep(1.5)
    assert len(processes_in(started)) == begun < 10


# What does not fit


@pytest.mark.slow
def test_a_certificate_of_another_authority_is_refused(shared: Cluster, tmp_path: Path) -> None:
    other = new_certificates(tmp_path / "other")
    # It knows the cluster's authority, but has no certificate of it.
    tls = ClusterTls(shared.tls.ca, other.certificate, other.key)

    async def connect(tls: ClusterTls) -> None:
        async with ClusterWorkers(shared.address, tls, call_seconds=1):
            raise AssertionError("It was let in.")

    with pytest.raises(FixConfiguration, match="do not trust each other"):
        asyncio.run(connect(other))
    # The scheduler may hang up before it says why.
    with pytest.raises((FixConfiguration, RetryLater)):
        asyncio.run(connect(tls))


@pytest.mark.slow
def test_workers_of_another_version_are_refused(shared: Cluster) -> None:
    def newer() -> dict[str, str]:
        return {**versions_here(), "pocketsphinx": "6.0"}

    async def connect() -> None:
        workers = ClusterWorkers(shared.address, shared.tls, call_seconds=1, versions=newer)
        async with workers:
            raise AssertionError("Versions were not compared.")

    def use(workers: ClusterWorkers) -> Awaitable[None]:
        async def run() -> None:
            # A worker of another version that comes later is noticed by its first call.
            workers._versions["pocketsphinx"] = "6.0"
            with pytest.raises(FixConfiguration, match="pocketsphinx"):
                await workers.run(work.process_id)

        return run()

    wait_for("workers", lambda: "Registered to" in shared.log())
    with pytest.raises(FixConfiguration, match=r"pocketsphinx .* there, 6\.0 here"):
        asyncio.run(connect())
    on(shared, use)


def test_nobody_at_the_address_is_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    tls = new_certificates(tmp_path / "certificates")

    async def connect() -> None:
        async with ClusterWorkers(UNREACHABLE, tls, call_seconds=1):
            raise AssertionError("Nobody is there.")

    with pytest.raises(RetryLater, match="cannot be reached") as nobody:
        asyncio.run(connect())
    assert nobody.value.category is FailureCategory.UNAVAILABLE
