"""Services that answer anything: any status, any bytes, JSON of any shape.

Each try lets nearly all answers of Open Library be something else, drawn from the seed. A book may
fail, with a category and a reason, or be taken for one that nobody knows, if that was the answer.
No run may break, no book be forgotten, and no page become unreadable. When the service behaves
again, asking again makes all whole.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from chaos.attacks.generated import change_somewhere
from chaos.counting import Attack, Tally
from chaos.faulty_proxy import Answer, FaultyProxy, Trouble
from chaos.ground import Ground
from chaos.libraries import Libraries
from orf_books.books.library import LibraryDashboard
from orf_books.failures import FailureCategory
from orf_books.object_keys import export_key, library_data_key
from orf_books_tests.conftest import Platform

SHARE = 0.9
STATUSES = (200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 599)
JSON = {"Content-Type": "application/json"}

Spoil = Callable[[bytes, Random], Answer]


def _another_status(content: bytes, random: Random) -> Answer:
    return random.choice(STATUSES), JSON, content


def _any_bytes(_content: bytes, random: Random) -> Answer:
    return 200, JSON, random.randbytes(random.randint(0, 5000))


def _half(content: bytes, random: Random) -> Answer:
    return 200, JSON, content[: random.randint(0, len(content))]


def _a_page(_content: bytes, _random: Random) -> Answer:
    return (
        200,
        {"Content-Type": "text/html"},
        b"<html><script>alert(1)</script>Log in first.</html>",
    )


def _another_document(_content: bytes, random: Random) -> Answer:
    documents: tuple[Any, ...] = (
        None,
        True,
        0,
        -1e400,
        "docs",
        [],
        {},
        [[]],
        {"docs": None},
        {"docs": [None, 1]},
    )
    return 200, JSON, json.dumps(random.choice(documents)).encode()


def _deep(_content: bytes, random: Random) -> Answer:
    return 200, JSON, random.choice([b"[", b'{"docs":']) * 100_000


def _not_packed(content: bytes, _random: Random) -> Answer:
    return 200, JSON | {"Content-Encoding": "gzip"}, content


def _other_letters(content: bytes, random: Random) -> Answer:
    encoding = random.choice(["utf-16", "utf-32", "latin-1"])
    return 200, JSON, content.decode(errors="replace").encode(encoding, errors="replace")


def _changed_somewhere(content: bytes, random: Random) -> Answer:
    try:
        document = json.loads(content)
    except ValueError:
        return 200, JSON, content
    if isinstance(document, dict) and document:
        for _ in range(random.randint(1, 5)):
            change_somewhere(document, random)
    return 200, JSON, json.dumps(document).encode()


SPOILS: tuple[Spoil, ...] = (
    _another_status,
    _any_bytes,
    _half,
    _a_page,
    _another_document,
    _deep,
    _not_packed,
    _other_letters,
    _changed_somewhere,
    _changed_somewhere,
    _changed_somewhere,
)


def services_that_answer_anything(ground: Ground, tally: Tally, tries: int) -> None:
    """Ingest libraries while the services answer anything."""
    # All services lie below the sandbox's address.
    with FaultyProxy(ground.sandbox.url, ground.random).running() as proxy:
        path = ground.sandbox.open_library_url.removeprefix(ground.sandbox.url)
        proxy.spoil = lambda content: ground.random.choice(SPOILS)(content, ground.random)
        proxy.share = SHARE
        for number in ground.tries(tally, tries):
            with ground.platform(str(number), open_library_url=proxy.url + path) as platform:
                _ingest_nonsense(ground, tally, platform, proxy)
        tally.check(holds=proxy.met > 0, wrong="no answer was spoilt")
        tally.notes.append(f"{proxy.met} answers of Open Library were spoilt")


def _ingest_nonsense(ground: Ground, tally: Tally, platform: Platform, proxy: FaultyProxy) -> None:
    libraries = ground.libraries()
    library, export = libraries.draw()
    proxy.trouble = Trouble.SPOILT
    run = platform.ingest(library, export)
    proxy.trouble = None
    _judge_nonsense(tally, platform, library, libraries, run.run_id)
    upload = platform.upload_config(export_key(library))
    again = platform.run(library_entries={"uploads": [upload]}, enrich_books={"ask_again": True})
    tally.check(holds=again.success, wrong=f"{library}: asking again failed")
    libraries.judge(tally, platform.storage)


def _judge_nonsense(
    tally: Tally, platform: Platform, library: str, libraries: Libraries, run_id: str
) -> None:
    report = platform.records.report_of_run(run_id)
    if report is None:
        tally.lost.append(f"{library}: the run broke")
        return
    if report.succeeded + report.failed != libraries.books:
        tally.lost.append(f"{library}: {report.succeeded} and {report.failed} of {libraries.books}")
    crashed = report.failed_by_category.get(FailureCategory.CRASH, 0)
    tally.check(holds=not crashed, wrong=f"{library}: {crashed} books crashed")
    document: Any = platform.storage.get(library_data_key(library))
    shown = LibraryDashboard.model_validate_json(document)
    if len(shown.books) != libraries.books:
        tally.lost.append(f"{library}: {len(shown.books)} of {libraries.books} are shown")


ATTACKS = (
    Attack(
        "services that answer anything",
        services_that_answer_anything,
        tries=40,
        short_tries=3,
        person="`orf-books retry books`",
    ),
)
