import asyncio
import subprocess
import sys
import threading
from time import monotonic

import httpx
import pytest

from orf_books.sandbox.behaviour import Behaviour, Fault, Service
from orf_books.sandbox.limits import LeakyBucket
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.synthetic_library import synthetic_library

DARKNESS_ID = "18423"
DARKNESS = "9780441478125"
DUNE = "9780593099322"


def ask(client: httpx.Client, query: str) -> httpx.Response:
    return client.get("/search.json", params={"q": query, "fields": "title"})


@pytest.mark.parametrize(
    "query",
    [
        f"isbn:{DARKNESS}",
        f"isbn:({DUNE} OR 0441478123)",
        f"id_goodreads:(5 OR {DARKNESS_ID})",
        'title:"The Left Hand of Darkness" AND author:"Le Guin"',
        '(title:"Dune" AND author:"Herbert") OR (title:"Left Hand of Darkness" AND author:"Guin")',
        "the left hand of darkness",
    ],
)
def test_a_broken_book_fails_every_request_that_concerns_it(
    sandbox: Sandbox, open_library: httpx.Client, query: str
) -> None:
    sandbox.behaviour.broken_books = {DARKNESS_ID}
    assert ask(open_library, query).status_code == 500
    sandbox.behaviour.broken_books.clear()
    assert ask(open_library, query).status_code == 200


@pytest.mark.parametrize(
    "path", [f"/isbn/{DARKNESS}.json", f"/api/books?bibkeys=ISBN:{DARKNESS},ISBN:{DUNE}"]
)
def test_a_broken_book_fails_other_endpoints_too(
    sandbox: Sandbox, open_library: httpx.Client, path: str
) -> None:
    sandbox.behaviour.broken_books = {DARKNESS_ID}
    assert open_library.get(path).status_code == 500


def test_a_broken_book_fails_google_books_too(sandbox: Sandbox, google_books: httpx.Client) -> None:
    (item,) = google_books.get("/volumes", params={"q": f"isbn:{DARKNESS}"}).json()["items"]
    sandbox.behaviour.broken_books = {DARKNESS_ID}
    assert google_books.get("/volumes", params={"q": f"isbn:{DARKNESS}"}).status_code == 500
    assert google_books.get(f"/volumes/{item['id']}").status_code == 500


def test_a_broken_book_leaves_other_requests_alone(
    sandbox: Sandbox, open_library: httpx.Client
) -> None:
    sandbox.behaviour.broken_books = {DARKNESS_ID, "3", "34"}
    assert ask(open_library, f"isbn:{DUNE}").status_code == 200
    assert open_library.get("/search.json?q=isbn:1&limit=34").status_code == 200
    assert ask(open_library, 'title:"Darkness" AND author:"Le Guin"').status_code == 200


def test_a_book_that_no_service_knows_can_be_broken_too(
    sandbox: Sandbox, open_library: httpx.Client
) -> None:
    sandbox.behaviour.broken_books = {"588242"}
    assert ask(open_library, "isbn:1590171330").status_code == 500


def test_everything_is_a_page_of_the_proxy_while_the_services_are_down(
    sandbox: Sandbox, open_library: httpx.Client, google_books: httpx.Client
) -> None:
    sandbox.behaviour.down = True
    for answer in (ask(open_library, "dune"), google_books.get("/volumes", params={"q": "dune"})):
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("text/html")


def test_a_time_to_wait_is_named_only_when_the_behaviour_says_so(
    sandbox: Sandbox, open_library: httpx.Client
) -> None:
    sandbox.behaviour.down = True
    assert "Retry-After" not in ask(open_library, "dune").headers
    sandbox.behaviour.retry_after = 7
    assert ask(open_library, "dune").headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.SERVER_ERROR, 500), (Fault.UNAVAILABLE, 503), (Fault.GATEWAY_TIMEOUT, 504)],
)
def test_faults_can_be_error_pages(
    sandbox: Sandbox, open_library: httpx.Client, fault: Fault, status: int
) -> None:
    sandbox.behaviour.fault_rate, sandbox.behaviour.faults = 1.0, (fault,)
    assert ask(open_library, "dune").status_code == status


def test_faults_can_be_garbage(sandbox: Sandbox, open_library: httpx.Client) -> None:
    sandbox.behaviour.fault_rate, sandbox.behaviour.faults = 1.0, (Fault.GARBAGE,)
    answer = ask(open_library, "dune")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()


def test_faults_can_cut_the_connection(sandbox: Sandbox, open_library: httpx.Client) -> None:
    sandbox.behaviour.fault_rate, sandbox.behaviour.faults = 1.0, (Fault.CUT,)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(open_library, "dune")
    sandbox.behaviour.fault_rate = 0.0
    assert ask(open_library, "dune").status_code == 200


def test_faults_can_be_slow_answers(sandbox: Sandbox, open_library: httpx.Client) -> None:
    sandbox.behaviour.fault_rate, sandbox.behaviour.faults = 1.0, (Fault.SLOW,)
    sandbox.behaviour.slow_seconds = 0.2
    start = monotonic()
    assert ask(open_library, "dune").status_code == 200
    assert monotonic() - start >= 0.2


def test_the_same_seed_brings_the_same_faults_whatever_else_is_asked() -> None:
    def faults_of_dune(others: int) -> list[int]:
        behaviour = Behaviour(fault_rate=0.5, faults=(Fault.SERVER_ERROR,), fault_seed=3)
        with Sandbox(behaviour=behaviour) as sandbox:
            base_url = sandbox.open_library_url
            with httpx.Client(base_url=base_url) as client:
                for number in range(others):
                    ask(client, f"isbn:{number}")
                return [ask(client, "dune").status_code for _ in range(12)]

    statuses = faults_of_dune(others=0)
    assert set(statuses) == {200, 500}
    assert faults_of_dune(others=5) == statuses


@pytest.mark.slow
def test_hasty_callers_of_open_library_are_refused_in_json_without_a_time_to_wait() -> None:
    async def burst(base_url: str) -> list[httpx.Response | BaseException]:
        async with httpx.AsyncClient(
            base_url=base_url, timeout=httpx.Timeout(20, read=1.0)
        ) as client:
            requests = [client.get("/search.json", params={"q": "dune"}) for _ in range(40)]
            return await asyncio.gather(*requests, return_exceptions=True)

    with Sandbox(behaviour=Behaviour(enforce_limits=True)) as sandbox:
        results = asyncio.run(burst(sandbox.open_library_url))
    refused = [r for r in results if isinstance(r, httpx.Response) and r.status_code == 429]
    served = [r for r in results if isinstance(r, httpx.Response) and r.status_code == 200]
    assert len(refused) >= 10
    assert len(served) >= 10
    assert refused[0].json()["status"] == 429
    assert "Retry-After" not in refused[0].headers


def test_a_burst_is_let_through_then_slowed_then_refused() -> None:
    bucket = LeakyBucket(per_minute=180, burst=25, undelayed=10)
    waits = [bucket.seconds_to_wait() for _ in range(40)]
    assert waits[:10] == [0.0] * 10
    assert all(wait is not None and wait > 0 for wait in waits[12:25])
    assert waits[-10:] == [None] * 10


def test_requests_books_and_answers_are_counted(
    sandbox: Sandbox, open_library: httpx.Client, google_books: httpx.Client
) -> None:
    ask(open_library, f"isbn:({DUNE} OR {DARKNESS} OR 0441478123)")
    ask(open_library, "id_goodreads:(1 OR 2 OR 3)")
    open_library.get("/api/books", params={"bibkeys": "ISBN:1,ISBN:2"})
    google_books.get("/volumes/no-such-volume")
    counts = sandbox.counts
    assert counts.requests() == 4
    assert counts.requests(Service.OPEN_LIBRARY, "search") == 2
    assert counts.identifiers(Service.OPEN_LIBRARY, "search") == 5
    assert counts.identifiers(Service.OPEN_LIBRARY, "api/books") == 2
    assert counts.answers(Service.GOOGLE_BOOKS, 503) == 1


def test_other_processes_can_steer_and_watch(sandbox: Sandbox, open_library: httpx.Client) -> None:
    changes = {"broken_books": [DARKNESS_ID], "faults": ["cut"]}
    answer = httpx.patch(f"{sandbox.url}/sandbox/behaviour", json=changes)
    assert answer.json()["broken_books"] == [DARKNESS_ID]
    assert sandbox.behaviour.broken_books == {DARKNESS_ID}
    assert sandbox.behaviour.faults == (Fault.CUT,)
    assert httpx.get(f"{sandbox.url}/sandbox/behaviour").json() == sandbox.behaviour.as_json()
    ask(open_library, "dune")
    counts = httpx.get(f"{sandbox.url}/sandbox/counts").json()
    assert counts["open_library"]["requests"] == {"search": 1}
    assert httpx.delete(f"{sandbox.url}/sandbox/counts").status_code == 204
    assert sandbox.counts.requests() == 0


@pytest.mark.parametrize("changes", [{"latencyseconds": 1}, {"down": "perhaps"}])
def test_a_wrong_switch_is_refused_and_changes_nothing(
    sandbox: Sandbox, changes: dict[str, object]
) -> None:
    before = sandbox.behaviour.as_json()
    answer = httpx.patch(f"{sandbox.url}/sandbox/behaviour", json={"retry_after": 1} | changes)
    assert answer.status_code == 422
    assert sandbox.behaviour.as_json() == before


def test_the_export_can_be_downloaded() -> None:
    export, catalogue = synthetic_library(20)
    with Sandbox(catalogue, export=export) as sandbox:
        assert httpx.get(f"{sandbox.url}/sandbox/library.csv").content == export


@pytest.mark.slow
def test_hundreds_of_slow_answers_overlap() -> None:
    async def crowd(base_url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
            requests = [client.get("/search.json", params={"q": "dune"}) for _ in range(50)]
            return [answer.status_code for answer in await asyncio.gather(*requests)]

    async def crowds(base_url: str) -> list[list[int]]:
        # One client of httpx spends its time on its own pool when it has hundreds of connections.
        return await asyncio.gather(*(crowd(base_url) for _ in range(8)))

    with Sandbox(behaviour=Behaviour(latency_seconds=0.9)) as sandbox:
        start = monotonic()
        statuses = asyncio.run(crowds(sandbox.open_library_url))
        seconds = monotonic() - start
    assert statuses == [[200] * 50] * 8
    assert seconds < 20


def test_stopping_leaves_no_thread_and_no_open_port() -> None:
    before = threading.active_count()
    with Sandbox() as sandbox:
        url = sandbox.open_library_url
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/search.json")
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


@pytest.mark.slow
def test_stopping_does_not_wait_for_slow_answers() -> None:
    async def give_up(base_url: str) -> None:
        async with httpx.AsyncClient(
            base_url=base_url, timeout=httpx.Timeout(20, read=0.2)
        ) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/search.json", params={"q": "dune"})

    with Sandbox(behaviour=Behaviour(latency_seconds=60)) as sandbox:
        asyncio.run(give_up(sandbox.open_library_url))
        start = monotonic()
    assert monotonic() - start < 5


def test_the_sandbox_runs_from_the_command_line_and_ends_on_request() -> None:
    command = [sys.executable, "-u", "-m", "orf_books.sandbox", "--library-rows", "10"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        first_line = run.stdout.readline()
        url = first_line.split()[-1]
        answer = httpx.get(f"{url}/search.json", params={"q": "id_goodreads:44767458"})
        run.terminate()
        rest, errors = run.communicate(timeout=20)
    assert answer.json()["numFound"] == 1
    assert rest.endswith("Stopping.\n")
    assert errors == ""
    assert run.returncode == 0


def test_the_sandbox_does_not_import_dagster() -> None:
    check = "import sys, orf_books.sandbox.server; print('dagster' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
