"""Whole runs on days when the services fail, hold us up or turn us away."""

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.definitions import build_defs
from orf_books.jobs import nightly_filling
from orf_books.records.books import BookRecords, EnrichedBookRow, raw_answers
from orf_books.resources.circuit_breaker import FAILURES_THAT_OPEN
from orf_books.resources.dagster_resources import (
    GoogleBooksResource,
    OpenLibraryResource,
    user_agent,
)
from orf_books.resources.google_books import GoogleBooks
from orf_books.resources.http import RetryPolicy
from orf_books.resources.open_library import BOOKS_BY_NUMBER, OpenLibrary
from orf_books.resources.raw_answers import RawAnswer
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Tables
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY, Behaviour, Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import (
    CommandLine,
    Platform,
    book,
    export_of,
    plain_books,
    settings_for,
)

pytestmark = pytest.mark.slow

BOOKS = 200
LEAST_RIGHT_AT_ONCE = 0.995
OPEN_LIBRARY_RATE = 3
HEAD_START = 0.7
"""Of the first run: when the second one starts, it has answers that it has not stored yet."""
LEAST_REQUESTS_TO_MEASURE = 8
REQUESTS_TOGETHER = 3
"""Of evenly spaced ones, as many may seem to arrive together on a busy machine."""
FOUR_QUICK_ATTEMPTS = RetryPolicy(attempts=4, first_wait=0.01, jitter=0.01, rate_limited_wait=0.05)

Answer = tuple[bool, tuple[str, ...]]
"""Whether a book was found, and its genres."""


class QuickOpenLibrary(OpenLibraryResource):
    """Open Library asked as often as by default, with shorter waits between attempts."""

    def open(self, keep: Callable[[RawAnswer], None] = lambda _: None) -> OpenLibrary:
        """A client."""
        return OpenLibrary(
            self.url,
            user_agent=user_agent(self.contact),
            retry_policy=FOUR_QUICK_ATTEMPTS,
            keep=keep,
        )


class QuickGoogleBooks(GoogleBooksResource):
    """Google Books asked as often as by default, with shorter waits between attempts."""

    def open(
        self,
        longest_wait: float | None = None,
        keep: Callable[[RawAnswer], None] = lambda _: None,
    ) -> GoogleBooks:
        """A client."""
        return GoogleBooks(
            self.url,
            key=self.key,
            user_agent=user_agent(self.contact),
            retry_policy=FOUR_QUICK_ATTEMPTS,
            keep=keep,
        )


@dataclass
class QuickPlatform(Platform):
    """The platform with the usual number of attempts, and short waits between them."""

    @cached_property
    def definitions(self) -> dg.Definitions:
        """All of it, with a key for Google Books."""
        settings = self.settings
        return build_defs(
            settings,
            open_library=QuickOpenLibrary(
                url=settings.open_library_url,
                contact=settings.contact,
                requests_per_second=settings.open_library_requests_per_second,
                ledger=settings.ledger,
            ),
            google_books=QuickGoogleBooks(
                url=settings.google_books_url,
                contact=settings.contact,
                key=GOOGLE_BOOKS_KEY,
                window_requests=settings.google_books_window_requests,
                window_seconds=settings.google_books_window_seconds,
                requests_per_day=settings.google_books_daily_quota,
                ledger=settings.ledger,
            ),
        )

    def answers(self, numbers: Iterable[int]) -> dict[str, Answer]:
        """What is recorded of books."""
        return {row.key: (row.found, row.genres) for row in self.rows(numbers)}

    def answers_without_gap(self, numbers: Iterable[int]) -> dict[str, Answer]:
        """What is recorded of books about which every source that was needed answered."""
        rows = [row for row in self.rows(numbers) if row.gap is None]
        return {row.key: (row.found, row.genres) for row in rows}

    def rows(self, numbers: Iterable[int]) -> Iterable[EnrichedBookRow]:
        """The latest enrichments of books."""
        return self.records.with_answers([book(number) for number in numbers]).values()


def platform_in(folder: Path, sandbox: Sandbox, instance: dg.DagsterInstance) -> QuickPlatform:
    return QuickPlatform(settings_for(sandbox, str(folder)), instance)


@pytest.fixture(scope="module")
def answers_of_a_calm_day(
    running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    """What the services know of the books when nothing fails."""
    # Made before the sandbox of a test is calmed: another module's may have left it in a storm.
    running_sandbox.behaviour.change(Behaviour().as_json())
    with dg.DagsterInstance.ephemeral() as instance:
        calm = platform_in(tmp_path_factory.mktemp("calm"), running_sandbox, instance)
        assert calm.ingest("ada", export_of(range(BOOKS))).success
        return calm.answers(range(BOOKS))


# Requests that fail by chance


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_when_one_request_in_twenty_fails_the_books_are_right_and_a_retry_mends_the_rest(
    sandbox: Sandbox,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    answers_of_a_calm_day: dict[str, Answer],
    seed: int,
) -> None:
    bad_day(sandbox, rate=0.05, seed=seed)
    platform = platform_in(tmp_path / "store", sandbox, instance)

    platform.ingest("ada", export_of(range(BOOKS)))

    answers = platform.answers(range(BOOKS))
    assert right_among(answers, answers_of_a_calm_day) >= LEAST_RIGHT_AT_ONCE * BOOKS
    assert existing_recorded_as_not_found(answers, answers_of_a_calm_day) == set()
    assert platform.run("retry_failed_books").success
    assert platform.answers(range(BOOKS)) == answers_of_a_calm_day


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_when_half_of_the_requests_fail_books_fail_or_have_gaps_and_none_gets_a_wrong_answer(
    sandbox: Sandbox,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    answers_of_a_calm_day: dict[str, Answer],
    seed: int,
) -> None:
    bad_day(sandbox, rate=0.5, seed=seed)
    platform = platform_in(tmp_path / "store", sandbox, instance)

    run = platform.ingest("ada", export_of(range(BOOKS)))

    answers = platform.answers(range(BOOKS))
    assert platform.answers_without_gap(range(BOOKS)).items() <= answers_of_a_calm_day.items()
    assert existing_recorded_as_not_found(answers, answers_of_a_calm_day) == set()
    assert platform.report(run).failed == BOOKS - len(answers)
    sandbox.behaviour.fault_rate = 0.0
    assert platform.run("retry_failed_books").success
    assert platform.answers(range(BOOKS)) == answers_of_a_calm_day


def bad_day(sandbox: Sandbox, rate: float, seed: int) -> None:
    sandbox.behaviour.fault_rate = rate
    sandbox.behaviour.fault_seed = seed
    sandbox.behaviour.faults = tuple(Fault)
    sandbox.behaviour.slow_seconds = 0.2


def right_among(answers: dict[str, Answer], calm: dict[str, Answer]) -> int:
    return sum(answers.get(key) == answer for key, answer in calm.items())


def existing_recorded_as_not_found(answers: dict[str, Answer], calm: dict[str, Answer]) -> set[str]:
    return {key for key, (found, _) in answers.items() if calm[key][0] and not found}


# Several runs, one limit


@pytest.mark.slow
def test_runs_at_once_keep_the_services_limit_together_and_ask_for_nothing_twice(
    orf_books: CommandLine, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.behaviour.enforce_limits = True
    orf_books.environment["ORF_BOOKS_OPEN_LIBRARY_RATE"] = str(OPEN_LIBRARY_RATE)
    libraries = {"ada": range(68), "bob": range(34, 102)}
    for library, numbers in libraries.items():
        (tmp_path / f"{library}.csv").write_bytes(export_of(numbers))

    runs = []
    for library in libraries:
        runs.append(orf_books.start("run", "books", f"{library}.csv", "--json"))
        sleep(HEAD_START)
    seconds = seconds_of_asking(sandbox, runs)
    reports = [json.loads(run.communicate(timeout=60)[0]) for run in runs]

    assert [run.returncode for run in runs] == [0, 0]
    requests = sandbox.counts.requests(Service.OPEN_LIBRARY)
    assert requests == sum(report["requests"]["open_library"] for report in reports)
    assert requests >= LEAST_REQUESTS_TO_MEASURE
    assert requests <= OPEN_LIBRARY_RATE * seconds + REQUESTS_TOGETHER
    assert sandbox.counts.answers(status=429) == 0
    searched = sandbox.counts.identifiers(Service.OPEN_LIBRARY, "search")
    assert searched == sum(map(searches_for, recorded(orf_books, range(102))))


def seconds_of_asking(sandbox: Sandbox, runs: Sequence[subprocess.Popen[str]]) -> float:
    """From the first request to the last one."""
    arrivals: dict[int, float] = {}
    while any(run.poll() is None for run in runs):
        arrivals.setdefault(sandbox.counts.requests(Service.OPEN_LIBRARY), monotonic())
        sleep(0.01)
    arrivals.pop(0, None)
    return max(arrivals.values()) - min(arrivals.values())


def recorded(command: CommandLine, numbers: Iterable[int]) -> list[EnrichedBookRow]:
    records = BookRecords(command.storage)
    rows = records.with_answers([book(number) for number in numbers])
    return list(rows.values())


def searches_for(row: EnrichedBookRow) -> int:
    """How often Open Library's search was asked for a book, if nothing was asked twice."""
    (answer,) = [answer for answer in row.kept_answers() if answer.source == OpenLibrary.name]
    return sum(not question.startswith("bibkey:") for question in answer.asked)


def test_a_library_that_shares_books_with_another_asks_only_for_its_own(
    platform: Platform, sandbox: Sandbox
) -> None:
    first, second = plain_books()[:100], plain_books()[40:140]
    platform.ingest("ada", export_of(first))
    sandbox.counts.clear()

    run = platform.ingest("bob", export_of(second))

    assert run.success
    assert platform.report(run).reused == 60
    assert sandbox.counts.identifiers() == 40


# Answers, and what is left open


def test_every_answer_is_kept_whole_with_its_request_and_time(
    platform: Platform, sandbox: Sandbox
) -> None:
    before = datetime.now(UTC)
    run = platform.ingest("ada", export_of(range(BOOKS)))
    kept = Tables(platform.storage).all_rows(raw_answers)
    assert len(kept) == sandbox.counts.requests()
    assert all(row.run_id == run.run_id and row.answered_at > before for row in kept)
    assert all(json.loads(row.body) and row.request.startswith("/") for row in kept)


def test_without_a_key_books_say_so_and_with_one_a_retry_asks_only_google_about_them(
    settings: Settings, instance: dg.DagsterInstance, sandbox: Sandbox
) -> None:
    without_key = Platform(settings, instance)
    run = without_key.ingest("ada", export_of(range(BOOKS)))
    open_questions = without_key.report(run).gaps
    shown = without_key.shown_books("ada").values()
    said = [entry for entry in shown if "no key" in (entry["enrichment_error"] or "")]
    assert len(said) == open_questions > 0
    sandbox.counts.clear()

    with_key = Platform(
        settings.model_copy(update={"google_books_key": SecretStr(GOOGLE_BOOKS_KEY)}), instance
    )
    assert with_key.run("retry_failed_books").success

    assert sandbox.counts.requests(Service.OPEN_LIBRARY) == 0
    assert sandbox.counts.requests(Service.GOOGLE_BOOKS) > 0
    assert with_key.records.gaps() == {}
    assert with_key.run("retry_failed_books").success
    assert not any(entry["enrichment_error"] for entry in with_key.shown_books("ada").values())


def test_a_retry_without_a_key_asks_nothing_about_books_that_only_a_key_would_help(
    platform: Platform, sandbox: Sandbox
) -> None:
    platform.ingest("ada", export_of(range(BOOKS)))
    sandbox.counts.clear()
    run = platform.run("retry_failed_books")
    assert platform.report(run).items == sandbox.counts.requests() == 0


@pytest.mark.parametrize("key", [None, GOOGLE_BOOKS_KEY])
def test_every_night_gaps_are_filled_where_that_is_possible(
    settings: Settings, instance: dg.DagsterInstance, key: str | None
) -> None:
    Platform(settings, instance).ingest("ada", export_of(range(BOOKS)))
    secret = SecretStr(key) if key else None
    now = Platform(settings.model_copy(update={"google_books_key": secret}), instance)

    resources = now.definitions.resources or {}
    context = dg.build_schedule_context(
        instance, resources={name: resources[name] for name in ("storage", "google_books")}
    )
    tick = nightly_filling(context)

    assert isinstance(tick, dg.RunRequest if key else dg.SkipReason)


def test_while_a_source_is_down_the_batch_goes_on_with_the_other_and_stops_asking_it(
    sandbox: Sandbox,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    answers_of_a_calm_day: dict[str, Answer],
) -> None:
    sandbox.behaviour.services = {Service.OPEN_LIBRARY: Troubles(down=True)}
    platform = platform_in(tmp_path / "store", sandbox, instance)

    run = platform.ingest("ada", export_of(range(BOOKS)))

    answers = platform.answers(range(BOOKS))
    assert len(answers) > BOOKS / 2
    assert existing_recorded_as_not_found(answers, answers_of_a_calm_day) == set()
    assert set(platform.report(run).failed_by_category) == {"unavailable"}
    assert sandbox.counts.requests(Service.OPEN_LIBRARY) <= 2 * FAILURES_THAT_OPEN
    sandbox.behaviour.services = {}
    assert platform.run("retry_failed_books").success
    assert platform.answers(range(BOOKS)) == answers_of_a_calm_day


# Services that turn us away


@pytest.mark.parametrize("with_isbn", [True, False])
def test_a_service_that_refuses_us_fails_every_book_with_the_remedy_at_one_request_a_group(
    sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance, *, with_isbn: bool
) -> None:
    sandbox.behaviour.require_contact = True
    nameless = settings_for(sandbox, folder.url).model_copy(update={"contact": None})
    platform = Platform(nameless, instance)
    numbers = plain_books()[:BOOKS]
    cells = {} if with_isbn else {"ISBN": '=""', "ISBN13": '=""'}

    run = platform.ingest("ada", export_of(numbers, **cells))

    assert not run.success
    report = platform.report(run)
    assert (report.failed, report.not_found) == (BOOKS, 0)
    assert platform.records.with_answers([book(number) for number in numbers]) == {}
    shown = platform.shown_books("ada").values()
    assert all("ORF_BOOKS_CONTACT" in entry["enrichment_error"] for entry in shown)
    assert sandbox.counts.requests() <= BOOKS / BOOKS_BY_NUMBER
