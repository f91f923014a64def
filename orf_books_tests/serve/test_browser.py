"""`orf-books serve` as readers use it: in a browser."""

import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from orf_books_tests.conftest import CommandLine, export_of, wait_for

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

PHONE = ViewportSize(width=360, height=740)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class OtherSite(BaseHTTPRequestHandler):
    """A page of another project."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(OTHER_PAGE.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherSite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def address(orf_books: CommandLine, other_site: str) -> str:
    """Of a server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    orf_books.environment["ORF_BOOKS_SERVE_ORIGINS"] = f"http://localhost:8000,{other_site}"
    process = orf_books.start("serve", "--port", str(port))
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None
        try:
            return httpx.get(f"{address}/health").is_success
        except httpx.ConnectError:
            return False

    wait_for("server", answers, seconds=60)
    return address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab in which nothing goes wrong: no script fails, no policy is violated."""
    context = browser.new_context()
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield tab
    context.close()
    # Covers lie on hosts that a test may not ask; a refused file is answered with status 400.
    expected = ("ERR_", "status of 400")
    assert [one for one in problems if not any(text in one for text in expected)] == []


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "goodreads_library_export.csv"
    file.write_bytes(export_of(range(30)))
    return file


def test_an_upload_ends_in_the_dashboard(page: Page, address: str, export: Path) -> None:
    page.goto(address)
    page.get_by_label("Your export").set_input_files(export)
    page.get_by_role("button", name="Make my dashboard").click()
    page.wait_for_url("**/data/*.html", timeout=60_000)
    assert page.locator("#catalogue tbody tr").count() == 30
    page.get_by_role("link", name="Data as JSON").click()
    assert page.url.endswith(".json")
    assert '"total_books": 30' in page.content()


def test_the_keyboard_is_enough(page: Page, address: str, export: Path) -> None:
    page.goto(address)
    page.get_by_label("Your export").set_input_files(export)
    page.get_by_label("Your export").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/data/*.html", timeout=60_000)


def test_a_page_that_is_opened_again_goes_on(page: Page, address: str, export: Path) -> None:
    page.goto(address)
    page.get_by_label("Your export").set_input_files(export)
    page.get_by_role("button", name="Make my dashboard").click()
    page.wait_for_url("**/#*", timeout=60_000)
    kept = page.url
    page.goto("about:blank")
    page.goto(kept)
    page.wait_for_url("**/data/*.html", timeout=60_000)


def test_a_refused_file_says_why_and_another_can_be_chosen(
    page: Page, address: str, tmp_path: Path, export: Path
) -> None:
    wrong = tmp_path / "<img src=x onerror=alert(1)>.csv"
    wrong.write_text("Name,Price\n<b>Pear</b>,3\n")
    page.goto(address)
    page.get_by_label("Your export").set_input_files(wrong)
    page.get_by_role("button", name="Make my dashboard").click()
    page.get_by_role("alert").filter(has_text="Export Library").wait_for()
    page.get_by_label("Your export").set_input_files(export)
    page.get_by_role("button", name="Make my dashboard").click()
    page.wait_for_url("**/data/*.html", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(
    page: Page, address: str, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    papers = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert papers == {"light": "rgb(250, 248, 244)", "dark": "rgb(23, 22, 19)"}[scheme]


OTHER_PAGE = """<!doctype html><script>
async function run(api, csv) {
  const body = new FormData();
  body.append("csv", new File([csv], "export.csv"));
  const { uuid } = await (await fetch(`${api}/upload`, { method: "POST", body })).json();
  const found = await fetch(`${api}/data/${uuid}`);
  const data = await found.json();
  const gone = await fetch(`${api}/data/${uuid}`, { method: "DELETE" });
  return [found.status, data.summary.total_books, (await gone.json()).deleted_files.length];
}
</script>"""


def test_a_page_of_another_project_uploads_shows_and_deletes(
    page: Page, address: str, other_site: str
) -> None:
    page.goto(other_site)
    csv = export_of(range(5)).decode()
    status, books, deleted = page.evaluate("([api, csv]) => run(api, csv)", [address, csv])
    assert (status, books) == (200, 5)
    assert deleted >= 3
