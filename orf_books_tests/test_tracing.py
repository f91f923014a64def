"""One upload, followed through sensor, run, item and request by the id of its trace."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orf_books.batches.report import FIGURES
from orf_books.log_lines import JsonLines
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.server import Sandbox
from orf_books.sensors import watch_exports
from orf_books.tracing import (
    TRACE_TAG,
    current_trace,
    trace_header,
    trace_id_of_run,
    trace_id_of_uploads,
    traced_item,
    traced_run,
)
from orf_books.upload_watch import Timing
from orf_books_tests.assets.activities.recorded_readings import (
    PHRASES,
    hear_the_story,
    record,
    settings_of_services,
    with_activity_api,
    write_upload,
)
from orf_books_tests.conftest import CommandLine

RUN = "0b8c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01"
ACTIVITY = "anna-1"
OURS = (Service.KALDI, Service.WAV2VEC, Service.ACTIVITY_API)


def line_of(message: str, **extra: object) -> dict[str, Any]:
    made = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "test", **extra})
    return dict(json.loads(JsonLines().format(made)))


# The id


def test_a_trace_is_told_by_which_versions_of_which_uploads_it_is_about() -> None:
    ada, bob = ("uploads/ada/raw.csv", "1"), ("uploads/bob/raw.csv", "1")
    assert trace_id_of_uploads([ada, bob]) == trace_id_of_uploads([bob, ada])
    others = [[ada], [bob], [ada, bob], [(ada[0], "2")]]
    assert len({trace_id_of_uploads(uploads) for uploads in others}) == len(others)
    assert "ada" not in trace_id_of_uploads([ada])


def test_a_run_without_uploads_is_a_trace_by_itself() -> None:
    assert trace_id_of_run(RUN, {}) == RUN.replace("-", "")
    assert trace_id_of_run(RUN, {TRACE_TAG: "of its upload"}) == "of its upload"


def test_a_header_is_that_of_w3c_and_differs_by_item() -> None:
    with traced_run(RUN, {}):
        with traced_item("1"):
            first = trace_header()["traceparent"]
        with traced_item("2"):
            second = trace_header()["traceparent"]
    version, trace, span, flags = first.split("-")
    assert (version, trace, len(span), flags) == ("00", RUN.replace("-", ""), 16, "01")
    assert int(span, 16)
    assert second.split("-")[2] != span


def test_outside_of_runs_there_is_no_trace() -> None:
    with traced_item("1"):
        assert current_trace() is None
        assert trace_header() == {}


# Lines


def test_a_line_names_trace_run_and_item_and_has_its_figures() -> None:
    with traced_run(RUN, {TRACE_TAG: "t"}), traced_item("book 1"):
        line = line_of('Two\nlines, "quoted"', **{FIGURES: {"failed": 2}})
    assert (line["trace_id"], line["run_id"], line["item"]) == ("t", RUN, "book 1")
    assert line["message"] == 'Two\nlines, "quoted"'
    assert (line["failed"], line["level"]) == (2, "info")


def test_a_line_of_no_run_is_a_line_all_the_same() -> None:
    assert line_of("Starting.").keys() == {"time", "level", "logger", "message"}


# The way of an upload


def test_the_sensor_names_the_trace_in_the_tags_of_the_run_that_it_requests(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    version = folder.put("uploads/ada/raw.csv", b"...")
    context = dg.build_sensor_context(instance=instance)
    result = watch_exports(folder).tick(context, Timing(folder_pause=0.01))
    (request,) = result.run_requests or []
    expected = trace_id_of_uploads([("uploads/ada/raw.csv", version)])
    assert request.tags[TRACE_TAG] == expected


def test_the_line_of_a_failed_run_names_the_event_that_the_alarm_looks_for() -> None:
    lines: list[dict[str, Any]] = []

    class Console(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines().format(record)))

    @dg.logger
    def console(_context: dg.InitLoggerContext) -> logging.Logger:
        made = logging.getLoggerClass()("test")
        made.addHandler(Console())
        return made

    @dg.op
    def fail() -> None:
        raise ValueError

    @dg.job(logger_defs={"console": console}, config={"loggers": {"console": {}}})
    def failing() -> None:
        fail()

    tags = {TRACE_TAG: "of its upload"}
    run = failing.execute_in_process(raise_on_error=False, tags=tags)
    (failure,) = [line for line in lines if line.get("event") == "RUN_FAILURE"]
    assert (failure["run_id"], failure["trace_id"]) == (run.run_id, "of its upload")
    assert {"RUN_START", "STEP_FAILURE"} <= {line.get("event") for line in lines}


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path) -> Iterator[CommandLine]:
    hear_the_story(sandbox)
    sandbox.counts.clear()
    sandbox.activities.put(record(ACTIVITY))
    settings = settings_of_services(
        sandbox,
        str(tmp_path / "data"),
        log_format="json",
        **with_activity_api(sandbox),
    )
    started = CommandLine(tmp_path, settings)
    yield started
    started.end()


@pytest.mark.slow
def test_an_upload_is_followed_to_the_requests_that_its_items_make(
    command: CommandLine, sandbox: Sandbox, tmp_path: Path
) -> None:
    write_upload(tmp_path, ACTIVITY)

    done = command("run", "activities", ACTIVITY)

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    with command.instance() as instance:
        (run,) = instance.get_runs()
    trace = run.tags[TRACE_TAG]
    assert {line["trace_id"] for line in lines} == {trace}
    assert {line["run_id"] for line in lines} == {run.run_id}
    requests = [line for line in lines if line["logger"] == "httpx"]
    assert {line["item"] for line in requests} == {ACTIVITY}
    (end,) = [line for line in lines if "error_rate_percent" in line]
    assert (end["items"], end["failed"], end["error_rate_percent"]) == (1, 0, 0.0)
    assert (end["job"], end["step"]) == ("ingest_activities", "rescore_activities")

    header = f"00-{trace}-{requests[0]['span_id']}-01"
    assert [sandbox.counts.traces(service) for service in OURS] == [{header}] * len(OURS)
    assert sandbox.counts.requests(Service.DEEPGRAM)
    assert sandbox.counts.traces(Service.DEEPGRAM) == set()
    assert not [words for words in PHRASES if words in done.stderr]
