"""`orf-books` and recorded readings, as people start it, against the services of the sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orf_books.activities.rescoring import CODE_VERSION
from orf_books.cli import ITEMS_FAILED, WRONG_CALL
from orf_books.sandbox.behaviour import Behaviour, Service
from orf_books.sandbox.server import Sandbox
from orf_books_tests.assets.activities.recorded_readings import (
    hear_the_story,
    settings_of_services,
    write_upload,
)
from orf_books_tests.conftest import CommandLine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def services() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def command(services: Sandbox, tmp_path: Path) -> Iterator[CommandLine]:
    services.behaviour.change(Behaviour().as_json())
    hear_the_story(services)
    services.counts.clear()
    started = CommandLine(tmp_path, settings_of_services(services, str(tmp_path / "data")))
    yield started
    started.end()


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    """A folder with three upload folders."""
    for number, activity in enumerate(("anna-1", "ben-2", "cleo-3")):
        write_upload(tmp_path / "readings", activity, number)
    return tmp_path / "readings"


def test_readings_are_rescored_evaluated_and_compared(
    command: CommandLine, services: Sandbox, readings: Path
) -> None:
    report = command.document("run", "activities", "readings")
    assert report["status"] == "complete"
    assert (report["activities_processed"], report["success_rate"]) == (3, 100.0)
    assert Path(report["page"]).exists()

    evaluation = command.document("evaluate", "activities", "readings")
    measures = {row["measure"]: row for row in evaluation["measures"]}
    assert (measures["f1"]["rescored"], measures["f1"]["first_pass"]) == (1.0, 0.0)
    assert measures["bias of accuracy"]["rescored"] == 0.0

    services.counts.clear()
    comparison = command.document("compare", "activities", "reference", "majority")
    assert (comparison["activities"], comparison["words"]) == (3, 24)
    assert {row["measure"] for row in comparison["measures"]} >= {"accuracy", "f1", "mcc"}
    same = command.document("compare", "activities", f"version:{CODE_VERSION}", "reference")
    assert same["changed"] == []
    assert services.counts.requests() == 0


@pytest.mark.slow
def test_a_failed_activity_ends_with_status_one_and_a_retry_mends_it(
    command: CommandLine, services: Sandbox, readings: Path
) -> None:
    sound = (readings / "ben-2" / "complete.wav").read_bytes()
    (readings / "ben-2" / "complete.wav").write_bytes(b"")
    report = command.document("run", "activities", "readings", status=ITEMS_FAILED)
    assert [failure["category"] for failure in report["failures"]] == ["missing_audio"]
    assert command.document("status", "ben-2")["category"] == "missing_audio"
    assert command.document("status", "activities/anna-1")["words_attempted"] == 8

    (readings / "ben-2" / "complete.wav").write_bytes(sound)
    command.document("upload", "activities", "readings/ben-2")
    services.counts.clear()
    retried = command.document("retry", "activities")

    assert (retried["activities_processed"], retried["status"]) == (1, "complete")
    assert services.counts.requests(Service.DEEPGRAM) == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("run", "activities", "empty"), "holds no activity"),
        (("evaluate", "activities", "empty"), "truth.json"),
        (("compare", "activities", "best", "majority"), "reference"),
        (("run", "activities", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_to_do(
    command: CommandLine, tmp_path: Path, arguments: tuple[str, ...], hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = command(*arguments)
    assert done.returncode == WRONG_CALL
    assert hint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_people_get_tables(command: CommandLine, readings: Path) -> None:
    done = command("run", "activities", "readings")
    assert "activities.html" in done.stdout
    shown = command("evaluate", "activities", "readings")
    assert "precision" in shown.stdout
    assert json.loads(command("evaluate", "activities", "readings", "--json").stdout)["words"] == 24
