"""What is wrong with a set-up, and what to do about it.

Belongs here: the checks of `orf-books doctor`, each of which says what it looked at. Does not
belong here: printing, and how damage is found and repaired (`resources/tables.py`).
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from orf_books.dagster_internals import other_schemas
from orf_books.definitions import google_books_of, speech_of, upload_queue_of
from orf_books.failures import (
    DamagedStore,
    FailureCategory,
    FixConfiguration,
    FixInput,
    OrfBooksError,
    RetryLater,
)
from orf_books.instance import failure_of_home, open_instance
from orf_books.records import activities, books, sessions
from orf_books.resources import migrations
from orf_books.resources.database import current
from orf_books.resources.embedded_speech import missing_models
from orf_books.resources.ledger import Ledger
from orf_books.resources.tables import Table, Tables
from orf_books.settings import Settings
from orf_books.transcripts.encoder_files import PIECES, WEIGHTS, find

SERVICE_SECONDS = 5.0
TABLES: tuple[Table[Any], ...] = (*books.TABLES, *activities.TABLES, *sessions.TABLES)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    is_well: bool
    detail: str
    """What was looked at, or what is wrong and what to do."""
    category: FailureCategory | None = None
    """Of what is wrong, as docs/runbook.md has it."""


def examine(settings: Settings, *, repair: bool = False) -> list[Finding]:
    """Look at everything that the platform needs.

    Args:
        settings: of the platform.
        repair: also repair damaged tables; nobody may write to them meanwhile.
    """
    store = _finding("store", lambda: _store(settings))
    findings = [_finding("versions", _versions), store]
    if store.is_well:
        findings += _tables(settings, repair=repair)
    checks: dict[str, Callable[[], str]] = {
        "ledger": lambda: _ledger(settings),
        "database": lambda: _database(settings),
        "Dagster home": lambda: _home(settings),
        "models": lambda: _models(settings),
    }
    findings += [_finding(name, check) for name, check in checks.items()]
    findings += [_finding(name, check) for name, check in _services(settings)]
    return findings


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, is_well=True, detail=check())
    except OrfBooksError as error:
        return Finding(name, is_well=False, detail=str(error), category=error.category)
    except OSError as error:
        return Finding(name, is_well=False, detail=str(error), category=FailureCategory.UNAVAILABLE)


def _versions() -> str:
    packages = ("orf-books", "dagster", "polars", "deltalake")
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _store(settings: Settings) -> str:
    storage = settings.open_storage()
    key = f"doctor/{uuid.uuid4().hex}"
    content = b"written by orf-books doctor"
    storage.put_new(key, content)
    try:
        storage.get(key)
        is_listed = key in {stored.key for stored in storage.list("doctor/")}
        is_replaced = storage.put_new(key, content)
    finally:
        storage.delete(key)
    if not is_listed:
        raise FixConfiguration(
            f"{storage.url} does not list what was just written, so sensors would miss uploads: "
            "use another store."
        )
    if is_replaced:
        raise FixConfiguration(
            f"{storage.url} ignores conditional puts (If-None-Match): of two writers to a table, "
            "one would lose its rows. Use a store that has them."
        )
    return f"{storage.url} can be written, read, listed and deleted from."


def _ledger(settings: Settings) -> str:
    with _remedy("Check ORF_BOOKS_LEDGER, and that its database runs and lets us in."):
        Ledger(settings.ledger).seconds_until_turn("doctor")
    return "Runs can agree on turns, quotas and claims."


def _database(settings: Settings) -> str:
    with _remedy("Check ORF_BOOKS_DATABASE_URL; scores are kept and published later."):
        revision = current(settings.published_database.get_secret_value())
    if revision is None:
        return "It has no tables yet."
    if revision != migrations.newest():
        raise FixConfiguration(
            f"Its tables are of revision {revision}, and this version works with "
            f"{migrations.newest()}: run `orf-books database upgrade`."
        )
    return f"Its tables are of revision {revision}."


def _home(settings: Settings) -> str:
    try:
        with open_instance(settings) as instance:
            runs = instance.get_runs_count()
            schemas = other_schemas(instance)
    except (OSError, SQLAlchemyError) as error:
        raise failure_of_home(error) or FixConfiguration(
            f"The Dagster home cannot be used ({_named(error)}): check DAGSTER_HOME, or the folder "
            "of ORF_BOOKS_STORAGE, its permissions, and `storage` in its dagster.yaml."
        ) from error
    if schemas:
        raise FixConfiguration(
            f"Another version of Dagster has made its tables: {', '.join(schemas)}. Stop "
            "everything, back it up, and run `dagster instance migrate`; if that knows no such "
            "revision, use the newer version."
        )
    return f"{os.environ['DAGSTER_HOME']} holds {runs} runs."


def _named(error: Exception) -> str:
    """What the system says; of a database only the kind of error: the rest may hold secrets."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _models(settings: Settings) -> str:
    find(WEIGHTS)
    find(PIECES)
    if settings.speech == "services":
        return "The sentence encoder is there; services listen to recordings."
    if missing := missing_models():
        raise FixConfiguration(" ".join(missing))
    return "The sentence encoder and all recognisers are there, as they were measured."


@contextmanager
def _remedy(remedy: str) -> Iterator[None]:
    """Add what to do to a failure that does not know which setting it comes from."""
    try:
        yield
    except RetryLater as error:
        raise RetryLater(f"{error} {remedy}", error.category) from None


def _tables(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    storage = settings.open_storage()
    tables = Tables(storage)
    damaged = [(table, damage) for table in TABLES if (damage := tables.damage(table))]
    if not damaged:
        yield Finding("tables", is_well=True, detail=f"All {len(TABLES)} can be read.")
    has_lost = False
    for table, damage in damaged:
        if repair:
            done = tables.repair(table)
            has_lost = has_lost or bool(done.lost_files)
            yield Finding(f"table {table.name}", is_well=True, detail=f"Repaired. {done.remedy}")
        else:
            remedy = "Stop the runs, then `orf-books doctor --repair` rebuilds it from its files."
            yield Finding(
                f"table {table.name}",
                is_well=False,
                detail=f"{damage} {remedy}",
                category=DamagedStore.category,
            )
    if has_lost:
        for records in (books.BookRecords(storage), activities.ActivityRecords(storage)):
            records.forget_lost()


def _upload_queue(settings: Settings) -> str:
    inbox = upload_queue_of(settings).inbox()
    if inbox is None:
        return "Off: uploads are found by listing."
    waiting, dead = inbox.queue.waiting(), inbox.queue.dead_letters()
    if dead is None:
        raise FixConfiguration(
            "It has no dead-letter queue: give it one, or unreadable messages come back for ever."
        )
    if dead:
        raise FixInput(
            f"{dead} messages are in its dead-letter queue: see DeadLettersAlarm in "
            "docs/runbook.md."
        )
    return f"{waiting} messages wait in it."


def _services(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    if settings.upload_queue_url is not None:
        yield "upload queue", lambda: _upload_queue(settings)
    if settings.cluster is not None:
        yield "cluster", lambda: _cluster(settings)
    yield "Open Library", lambda: _answers(settings.open_library_url)
    if settings.google_books_key is None:
        yield "Google Books", lambda: "Off: set ORF_BOOKS_GOOGLE_BOOKS_KEY to fill gaps from there."
    else:
        yield "Google Books", lambda: _google_books(settings)
    if settings.speech == "services":
        yield "speech services", lambda: _speech(settings)


def _answers(url: str) -> str:
    try:
        httpx.head(url, timeout=SERVICE_SECONDS)
    except httpx.HTTPError as error:
        raise RetryLater(
            f"{url} does not answer ({type(error).__name__}): check the network, a proxy, or the "
            "address in the settings.",
            FailureCategory.NETWORK,
        ) from None
    return f"{url} answers."


def _google_books(settings: Settings) -> str:
    answer = _answers(settings.google_books_url)
    left = google_books_of(settings).requests_left()
    return f"{answer} {left} of {settings.google_books_daily_quota} requests are left today."


def _cluster(settings: Settings) -> str:
    size = speech_of(settings).cluster_size()
    if not size:
        raise FixConfiguration(
            f"{settings.cluster} has no worker: start one, from the image of the runs."
        )
    return f"{settings.cluster} carries out {size} calls at once, and runs our version."


def _speech(settings: Settings) -> str:
    if settings.deepgram_key is None or settings.wav2vec_url is None:
        raise FixConfiguration(
            "ORF_BOOKS_SPEECH=services needs ORF_BOOKS_DEEPGRAM_KEY and ORF_BOOKS_WAV2VEC_URL."
        )
    urls = (
        settings.deepgram_url,
        settings.wav2vec_url,
        settings.kaldi_general_url,
        settings.kaldi_partner_url,
    )
    return " ".join(_answers(url) for url in urls if url)
