"""What becomes of a library whose books are looked up within the services' limits.

Measured, with services that take 0.9 s a request and enforce their published limits: `orf-books run
books` without a key for Google Books and with one, over a library whose known books Open Library
nearly all knows, and over one that leaves more to Google, which takes 100 questions in 100 s; and
the same until Google was asked about every gap (`--wait`).

Baseline: the usual way (`usual_way.py`): requests for one book at a time, 15 books at once, and a
429 taken for a book without genres.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from benchmarks.measuring import (
    COMMAND,
    SandboxProcess,
    end_cleanly_when_stopped,
    output,
    platform_environment,
    running_sandbox,
    tell,
    temporary_folder,
)
from benchmarks.usual_way import look_up_one_by_one
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY
from orf_books.sandbox.synthetic_library import synthetic_library

OPEN_LIBRARY_ALLOWS = "Open Library 180 a minute with a burst of 25"
GOOGLE_BOOKS_ALLOWS = "Google Books 100 in 100 seconds and 1,000 a day"
WITH_KEY = {"ORF_BOOKS_GOOGLE_BOOKS_KEY": GOOGLE_BOOKS_KEY}
SECONDS_FOR_THE_USUAL_WAY = 90.0
WELL_KNOWN, LESS_KNOWN = 0.99, 0.95
"""Shares of its known books that Open Library knows."""
SERVICES = ("open_library", "google_books")
LIMIT_CATEGORIES = ("rate_limited", "quota_exhausted")


@dataclass(frozen=True, slots=True)
class Result:
    """What one way made of the library."""

    way: str
    seconds: float
    books: int
    """Those that it came to."""
    with_genres: frozenset[str]
    """Goodreads ids."""
    refused: int
    """Books that have no answer because of a limit."""
    still_to_ask: int = 0
    """Books about which a source is left for a later run."""
    share: float = 0.0
    """Of the known books, those that Open Library knows."""
    requests: dict[str, int] = field(default_factory=dict)
    """By service."""
    refusals: int = 0
    """Requests answered 429."""


Way = Callable[[SandboxProcess, bytes], Result]


def main(
    rows: Annotated[int, typer.Option(help="Books of the library.")] = 565,
    latency: Annotated[float, typer.Option(help="Seconds that a request takes.")] = 0.9,
    cap: Annotated[
        float, typer.Option(help="Seconds after which the usual way is stopped.")
    ] = SECONDS_FOR_THE_USUAL_WAY,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    cases: tuple[tuple[Way, float], ...] = (
        (_without_key, WELL_KNOWN),
        (_with_key, WELL_KNOWN),
        (_with_key, LESS_KNOWN),
        (_with_key_until_the_last_gap, LESS_KNOWN),
        (lambda sandbox, export: _usual_way(sandbox, export, cap), WELL_KNOWN),
    )
    results = [_measured(way, rows, latency, share) for way, share in cases]
    _print(results, rows, latency, cap)


def _measured(way: Way, rows: int, latency: float, open_library_share: float) -> Result:
    """With services of its own, whose limits nobody has used yet."""
    with running_sandbox(rows, latency, open_library_share) as sandbox:
        export = sandbox.export()
        sandbox.change(enforce_limits=True)
        sandbox.forget_counts()
        made = way(sandbox, export)
        tell(f"{made.way}: {made.books} books in {made.seconds:.0f} s.")
        requests, refusals = _asked(sandbox)
        return replace(made, share=open_library_share, requests=requests, refusals=refusals)


def _asked(sandbox: SandboxProcess) -> tuple[dict[str, int], int]:
    """Requests to each service, and how many of them were answered 429."""
    counts = httpx.get(f"{sandbox.url}/sandbox/counts").raise_for_status().json()
    requests = {name: sum(counts[name]["requests"].values()) for name in SERVICES}
    return requests, sum(counts[name]["answers"].get("429", 0) for name in SERVICES)


def _without_key(sandbox: SandboxProcess, export: bytes) -> Result:
    return _our_way("orf-books, no Google key", sandbox, export, {})


def _with_key(sandbox: SandboxProcess, export: bytes) -> Result:
    return _our_way("orf-books, with a Google key", sandbox, export, WITH_KEY)


def _with_key_until_the_last_gap(sandbox: SandboxProcess, export: bytes) -> Result:
    return _our_way("the same, --wait", sandbox, export, WITH_KEY, "--wait")


def _our_way(
    way: str,
    sandbox: SandboxProcess,
    export: bytes,
    settings: dict[str, str],
    *options: str,
) -> Result:
    with temporary_folder() as folder:
        (folder / "library.csv").write_bytes(export)
        own_ledger = {"ORF_BOOKS_LEDGER": f"sqlite:///{folder / 'ledger.sqlite'}"}
        rate_by_policy = platform_environment(sandbox, requests_per_second=None)
        started = time.monotonic()
        run = subprocess.run(
            [COMMAND, "run", "books", "library.csv", *options, "--json"],
            cwd=folder,
            env=rate_by_policy | own_ledger | settings,
            stdout=subprocess.PIPE,
            check=False,
        )
        seconds = time.monotonic() - started
        dashboard = json.loads((folder / "data" / "data" / "library.json").read_bytes())
    report = json.loads(run.stdout)
    return Result(
        way,
        seconds,
        len(dashboard["books"]),
        frozenset(book["goodreads_id"] for book in dashboard["books"] if book["genres"]),
        _refused_by_limits(report),
        still_to_ask=report["gaps"],
    )


def _refused_by_limits(report: dict[str, Any]) -> int:
    failed = report["failed_by_category"]
    return sum(failed.get(category, 0) for category in LIMIT_CATEGORIES)


def _usual_way(sandbox: SandboxProcess, export: bytes, cap: float) -> Result:
    started = time.monotonic()
    found = asyncio.run(look_up_one_by_one(export, sandbox, cap))
    return Result(
        "the usual way, with a Google key",
        time.monotonic() - started,
        len(found),
        frozenset(book.goodreads_id for book in found if book.genres),
        sum(book.was_refused and not book.genres for book in found),
    )


def _print(results: Iterable[Result], rows: int, latency: float, cap: float) -> None:
    table = Table(
        "way",
        title=f"{rows} books, {latency:g} s a request, limits enforced",
        title_justify="left",
    )
    headings = ("known to O. L.", "seconds", "requests a book (O. L., Google)", "429s", "enriched")
    for heading in (*headings, "refused", "still to ask"):
        table.add_column(heading, justify="right")
    for one in results:
        table.add_row(one.way, *_cells(one, rows))
    output.print(table)
    for note in (
        f"The limits: {OPEN_LIBRARY_ALLOWS}; {GOOGLE_BOOKS_ALLOWS}.",
        "Known to O. L.: the share of the known books that Open Library knows.",
        "Enriched: books with genres, of those that either service knows with headings.",
        "Refused: books without genres because of a limit, failed (ours) or taken for an answer.",
        "Still to ask: books about which a source is left for a later run, or for a key.",
        f"The usual way is stopped after {cap:g} s, whatever is left to do.",
    ):
        output.print(f"  {note}", markup=False, highlight=False)
    output.print()


def _cells(one: Result, rows: int) -> tuple[str, ...]:
    known = _books_with_headings(rows, one.share)
    stopped = "" if one.books == rows else " (stopped)"
    requests = [one.requests[service] / max(1, one.books) for service in SERVICES]
    return (
        f"{one.share:.0%}",
        f"{one.seconds:.1f}{stopped}",
        ", ".join(f"{each:.3f}" for each in requests),
        f"{one.refusals}",
        f"{len(one.with_genres & known)} of {len(known)}",
        f"{one.refused}",
        f"{one.still_to_ask}",
    )


def _books_with_headings(rows: int, open_library_share: float) -> frozenset[str]:
    """Books of which either service knows what they are about."""
    _, catalogue = synthetic_library(rows, open_library_share=open_library_share)
    return frozenset(
        book.goodreads_id
        for book in catalogue.books
        if (book.open_library and book.open_library.subjects)
        or (book.google_books and book.google_books.categories)
    )


if __name__ == "__main__":
    typer.run(main)
