"""The package as somebody installs it: a wheel in an empty environment, outside the checkout."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from orf_books_tests.conftest import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROJECT = Path(__file__).parent.parent
UV = Path(sys.executable).with_name("uv")
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name locationOrLoadError { __typename } } } } }"""


@dataclass(frozen=True, slots=True)
class Installation:
    """An environment with nothing but the wheel and what it requires, and a folder to work in."""

    programs: Path
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def command(self, *arguments: str) -> list[str]:
        return [str(self.programs / "orf-books"), *arguments]

    def demo(self, *options: str) -> str:
        """Run the demo; what it prints. Again, it finds all results of the first time."""
        done = subprocess.run(
            self.command("demo", *options),
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = folder / "environment"
    python = environment / "bin" / "python"
    _uv("build", "--wheel", "--out-dir", str(folder), str(PROJECT))
    (wheel,) = folder.glob("*.whl")
    _uv("venv", "--python", sys.executable, str(environment))
    install = ("pip", "install", "--python", str(python))
    _uv(*install, "--require-hashes", "-r", str(PROJECT / "requirements.lock"))
    _uv(*install, "--no-deps", str(wheel))
    return Installation(python.parent, folder)


def _uv(*arguments: str) -> None:
    # `make setup` has left all of it in uv's cache, unless somebody emptied that.
    offline = subprocess.run([UV, "--offline", *arguments], capture_output=True, check=False)
    if offline.returncode:
        subprocess.run([UV, *arguments], check=True)


def test_the_demo_needs_nothing_and_nothing_in_it_fails(installation: Installation) -> None:
    books = json.loads(installation.demo("--json"))
    assert books["rows"] > 0
    assert not any(of["failures"] for of in (books, books["activities"], books["transcripts"]))


def test_the_demo_says_where_its_dashboard_is(installation: Installation) -> None:
    said = installation.demo()
    for report in ("success rate", "activities processed", "sessions processed"):
        assert report in said
    demo = installation.folder / "data" / "demo"
    assert str(demo / "data" / "demo.html") in said
    assert (demo / "data" / "demo.html").exists()
    assert (demo / "dashboard.html").exists()
    assert list((demo / "data" / "activities").glob("*.html"))
    assert len(list((demo / "data" / "classes").glob("*/*.html"))) > 20


@pytest.fixture
def page(installation: Installation) -> Iterator["Page"]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # Dagster warns about a configuration in the working directory that is not in use.
    (installation.folder / "dagster.yaml").touch()
    output = installation.folder / "output.txt"
    with output.open("wb") as opened:
        process = subprocess.Popen(
            ["env", "--default-signal=INT,TERM", *installation.command("dev", "--port", str(port))],
            cwd=installation.folder,
            env=installation.variables,
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Page(f"http://127.0.0.1:{port}", process, output)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True, slots=True)
class Page:
    """The Dagster page of an installation."""

    url: str
    process: "subprocess.Popen[bytes]"
    output: Path

    def locations(self) -> dict[str, str] | None:
        """Code locations by name, and whether each was loaded; None before the page answers."""
        assert self.process.poll() is None, self.output.read_text()
        try:
            answer = httpx.post(f"{self.url}/graphql", json={"query": LOCATIONS}, timeout=60).json()
        except httpx.TransportError:
            return None
        entries = answer["data"]["workspaceOrError"]["locationEntries"]
        loaded = {entry["name"]: entry["locationOrLoadError"] for entry in entries}
        if not all(loaded.values()):
            return None
        return {name: state["__typename"] for name, state in loaded.items()}


def test_the_page_loads_the_code_without_a_warning_and_stops_when_asked(page: Page) -> None:
    locations = wait_for("page with its code", page.locations, seconds=120, pause=0.5)
    assert locations == {"orf_books": "RepositoryLocation"}

    page.process.terminate()
    assert page.process.wait(60) == 0
    printed = page.output.read_text()
    assert "Warning" not in printed
    assert "WARNING" not in printed
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)
