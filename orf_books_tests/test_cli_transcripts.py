"""`orf-books` and class sessions, as people and machines start it."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import stamina

from orf_books.cli import ITEMS_FAILED, WRONG_CALL
from orf_books.object_keys import class_page_key, roster_key
from orf_books.partition_keys import session_key
from orf_books.resources.published_tables import ACCESS_LOG
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.settings import Settings
from orf_books.transcripts.labels import Half, labelled_sentences
from orf_books_tests.assets.transcripts.class_platform import NOBODY_THERE, NOTHING_SAID
from orf_books_tests.conftest import Call, CommandLine

pytestmark = pytest.mark.slow

CLASS = invented_class("5B", students=6)
CHILD = CLASS.students[0]
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
PLACE = ("--class", "5B", "--date", str(MONDAY))
RUN = ("run", "transcripts", "lessons", *PLACE)

Document = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(folder: ObjectStorage) -> Settings:
    return Settings(storage=folder.url)


@pytest.fixture(autouse=True)
def _unhurried() -> Iterator[None]:
    """Nobody waits between attempts."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    """A folder with two sessions of Monday and the roster."""
    made = tmp_path / "lessons"
    made.mkdir()
    (made / "roster.json").write_bytes(CLASS.roster())
    write(made / "morning.txt", MONDAY)
    write(made / "afternoon.csv", TUESDAY)
    return made


@pytest.fixture
def document(call: Call) -> Document:
    """What a command prints with `--json`; it ends with the given exit status."""

    def printed(*arguments: str, status: int = 0) -> dict[str, Any]:
        done = call(*arguments, "--json")
        assert done.returncode == status, done.stderr
        return dict(json.loads(done.stdout))

    return printed


def write(file: Path, day: date, utterances: int = 40) -> None:
    file.write_bytes(invented_session(CLASS, day, utterances).write(file.suffix[1:]))


def session(name: str) -> str:
    """The partition of a file of Monday."""
    return session_key("5B", MONDAY, f"raw/5B/{MONDAY}/{name}")


def by_session(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["session"]: one for one in report["sessions"]}


def out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORF_BOOKS_DATABASE_URL", NOBODY_THERE.get_secret_value())


# Runs


def test_a_run_reports_what_machines_rely_on_and_where_everything_is(
    document: Document, lessons: Path, folder: ObjectStorage
) -> None:
    report = document(*RUN)

    assert (report["status"], report["published"], report["publishing_problem"]) == (
        "complete",
        "yes",
        None,
    )
    assert (report["sessions_processed"], report["successful_scorings"]) == (2, 2)
    assert (report["failed_scorings"], report["reused"]) == (0, 0)
    assert (report["success_rate"], report["failures"], report["classes"]) == (100.0, [], ["5B"])
    assert (report["failed_by_category"], report["failed_by_code"]) == ({}, {})
    assert Path(report["page"]).exists()
    assert folder.get(class_page_key("5B"))
    assert by_session(report).keys() == {session("morning.txt"), session("afternoon.csv")}
    for one in report["sessions"]:
        for stage, extension in (
            ("normalized", "jsonl"),
            ("scores", "json"),
            ("aggregates", "json"),
        ):
            assert one[stage] == f"{stage}/5B/{MONDAY}/{one['job_id']}.{extension}"
            assert folder.get(one[stage])
        assert one["job_id"].startswith(report["job_id"])
        assert one["students"] == len(CLASS.students)


def test_a_second_run_reuses_and_a_corrected_file_replaces(
    document: Document, lessons: Path, folder: ObjectStorage
) -> None:
    before = by_session(document(*RUN))

    again = document(*RUN)
    assert (again["reused"], again["successful_scorings"]) == (2, 2)
    assert by_session(again) == before

    write(lessons / "morning.txt", MONDAY, utterances=50)
    corrected = by_session(document("run", "transcripts", "lessons/morning.txt", *PLACE))

    (key,) = corrected
    assert key == session("morning.txt")
    assert corrected[key]["utterances"] > before[key]["utterances"]
    kept = {one.key for stage in ("normalized", "scores") for one in folder.list(f"{stage}/")}
    assert {corrected[key]["scores"], corrected[key]["normalized"]} < kept
    assert len(kept) == 2 * len(before)
    assert before[key]["scores"] not in kept


def test_a_failed_session_ends_with_status_one_and_a_retry_mends_it(
    document: Document, call: Call, lessons: Path, folder: ObjectStorage
) -> None:
    (lessons / "morning.txt").write_bytes(NOTHING_SAID)
    report = document(*RUN, status=ITEMS_FAILED)
    (failure,) = report["failures"]
    assert (failure["session"], failure["code"]) == (session("morning.txt"), "no_utterances")
    assert report["failed_by_code"] == {"no_utterances": 1}
    assert by_session(report).keys() == {session("afternoon.csv")}

    retried = call("retry", "transcripts")
    assert retried.returncode == ITEMS_FAILED
    assert f"Session {session('morning.txt')} failed (no_utterances): " in retried.stdout
    assert "orf-books retry transcripts" in retried.stdout
    assert "success rate" in retried.stdout
    assert folder.location("classes.html") in retried.stdout

    write(lessons / "morning.txt", MONDAY)
    document("upload", "transcripts", "lessons/morning.txt", *PLACE)
    mended = document("retry", "transcripts")

    assert (mended["sessions_processed"], mended["status"]) == (1, "complete")
    assert by_session(mended).keys() == {session("morning.txt")}


def test_scores_that_cannot_be_published_are_kept_and_a_retry_publishes_them(
    document: Document, call: Call, lessons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        out_of_reach(patch)
        report = document(*RUN)
        assert report["published"] == "no"
        assert "127.0.0.1" in report["publishing_problem"]
        assert document("status", session("morning.txt"))["published"] == "no"
        assert "publishes what is not yet" in call("retry", "transcripts").stdout
        waiting = document("status", "--status", "not_published")["batches"]
        assert report["job_id"] in {batch["job_id"] for batch in waiting}

    retried = document("retry", "transcripts")

    assert (retried["sessions_processed"], retried["published"]) == (0, "yes")
    assert document("status", "--status", "not_published")["batches"] == []
    assert document("status", session("morning.txt"))["published"] == "yes"
    assert document("show", "class", "5B", "--purpose", "a test")["figures"]


# Uploads


@pytest.mark.parametrize("name", ["{0.first_name}_{0.last_name}", "with {0.first_name}"])
def test_a_file_that_is_named_after_a_child_gets_another_name(
    call: Call, lessons: Path, folder: ObjectStorage, name: str
) -> None:
    file = (lessons / "morning.txt").rename(lessons / f"{name.format(CHILD)}.txt")

    done = call("upload", "transcripts", str(file.relative_to(lessons.parent)), *PLACE)

    assert done.returncode == 0
    (key,) = done.stdout.split()
    assert folder.get(key) == file.read_bytes()
    assert key.startswith(f"raw/5B/{MONDAY}/")
    keys = "\n".join(one.key for one in folder.list("")).lower()
    assert CHILD.first_name.lower() not in keys + done.stderr.lower()
    # The same file comes to the same place.
    assert call("upload", "transcripts", str(file), *PLACE).stdout.split() == [key]


def test_files_that_would_have_one_name_are_refused_before_any_is_uploaded(
    call: Call, lessons: Path, folder: ObjectStorage
) -> None:
    (lessons / "more").mkdir()
    write(lessons / "more" / "morning.txt", TUESDAY)
    done = call("run", "transcripts", "lessons", "lessons/more", *PLACE)
    assert done.returncode == WRONG_CALL
    assert "rename one" in done.stderr
    assert not list(folder.list(f"raw/5B/{MONDAY}/"))


def test_an_upload_brings_roster_and_source_and_waits(
    document: Document, lessons: Path, folder: ObjectStorage
) -> None:
    uploaded = document("upload", "transcripts", "lessons", *PLACE, "--source", "Zoom")
    assert len(uploaded["uploads"]) == 2
    assert uploaded["upload"] == uploaded["uploads"][0]
    assert folder.get(roster_key("5B")) == CLASS.roster()
    for key in uploaded["uploads"]:
        assert json.loads(folder.get(f"{key}.metadata.json"))["source"] == "Zoom"
        assert document("status", key)["status"] == "waiting"


def test_a_folder_says_what_it_passed_over_without_a_name(call: Call, lessons: Path) -> None:
    for name in ("Emma.pdf", "Liam.PDF", "notes"):
        (lessons / name).touch()
    (lessons / "README.md").write_text("Emma: these are our lessons.")
    uploaded = call("upload", "transcripts", "lessons", *PLACE)
    assert uploaded.stdout.count("raw/5B/") == 2
    assert "Passed over, as no transcripts: 1 .md, 2 .pdf, 1 without" in uploaded.stderr
    assert "Emma" not in uploaded.stderr


# Rosters


def test_a_roster_is_suggested_that_reads_the_lessons_once_it_is_filled_in(
    document: Document, lessons: Path
) -> None:
    lacking = document("roster", "suggest", "lessons", "--roster", "lessons/roster.json")
    (entry,) = lacking["student_roster"]
    assert (entry["names"], entry["aliases"], entry["consent"]) == ([], ["Student Q"], False)
    suggested = document("roster", "suggest", "lessons")
    named = {name for entry in suggested["student_roster"] for name in entry["names"]}
    assert named >= {student.name for student in CLASS.students}
    (lessons / "roster.json").write_text(json.dumps(suggested))
    assert document(*RUN)["successful_scorings"] == 2


def test_files_that_are_no_transcripts_suggest_no_roster(call: Call, lessons: Path) -> None:
    (lessons / "notes.pdf").touch()
    refused = call("roster", "suggest", "lessons/notes.pdf")
    assert refused.returncode == WRONG_CALL
    assert "no transcript" in refused.stderr


# Status


def test_a_session_is_found_by_raw_file_and_by_partition_and_its_file_is_not_named(
    document: Document, call: Call, lessons: Path
) -> None:
    (lessons / "afternoon.csv").write_text("Zyqora;Vimpletop\n")
    report = document(*RUN, status=ITEMS_FAILED)
    scored, refused = session("morning.txt"), session("afternoon.csv")
    for name in (scored, f"raw/5B/{MONDAY}/morning.txt"):
        found = document("status", name)
        assert (found["upload"], found["status"], found["published"]) == (scored, "scored", "yes")
        assert found["utterances"] == by_session(report)[scored]["utterances"]
        assert "morning" not in call("status", name).stdout
    for name in (refused, f"raw/5B/{MONDAY}/afternoon.csv"):
        found = document("status", name)
        assert (found["upload"], found["status"]) == (refused, "refused")
        assert (found["code"], found["job_id"]) == ("missing_columns", report["job_id"])


def test_batches_are_found_by_class_status_duration_and_error(
    document: Document, call: Call, lessons: Path
) -> None:
    good = document(*RUN)["job_id"]
    (lessons / "morning.txt").write_bytes(NOTHING_SAID)
    bad = document(*RUN, status=ITEMS_FAILED)["job_id"]

    def found(*options: str) -> list[str]:
        return [batch["job_id"] for batch in document("status", *options)["batches"]]

    assert found() == found("--kind", "transcripts") == found("--class", "5B") == [bad, good]
    assert found("--class", "6C") == found("--kind", "books") == []
    assert found("--status", "complete") == [good]
    assert found("--status", "complete_with_failures") == [bad]
    assert found("--error", "no_utterances") == found("--error", "bad_data") == [bad]
    assert found("--error", "too_large") == found("--longer-than", "3600") == []
    assert found("--longer-than", "0", "--error", "no_utterances", "--class", "5B") == [bad]
    shown = call("status").stdout
    assert all(run_id[:8] in shown for run_id in (bad, good))
    assert "no such batch" in call("status", "--class", "6C").stdout


# What is published


def test_whoever_looks_is_logged(
    document: Document, call: Call, lessons: Path, settings: Settings
) -> None:
    document(*RUN)
    before = len(accesses(settings))

    figures = document("show", "class", "5B", "--purpose", "planning")["figures"]
    # However it is written, so that a deletion finds the entry.
    written = CHILD.student_id.upper()
    shown = json.loads(call("show", "student", written, "--purpose", "a talk").stdout)
    person = call("show", "class", "5B", "--purpose", "planning")

    assert "avg_collaboration" in {figure["figure"] for figure in figures}
    assert shown["student_id"] == CHILD.student_id
    assert len(shown["assessments"]) == 2
    assert "Class 5B" in person.stdout
    logged = accesses(settings)[before:]
    assert [(row["action"], row["record_ids"], row["purpose"]) for row in logged] == [
        ("show class", ["5B"], "planning"),
        ("show student", [CHILD.student_id], "a talk"),
        ("show class", ["5B"], "planning"),
    ]
    assert all(row["actor"] and row["request_id"] and row["origin"] for row in logged)


def accesses(settings: Settings) -> list[dict[str, Any]]:
    engine = sa.create_engine(settings.published_database.get_secret_value(), poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(ACCESS_LOG).order_by(ACCESS_LOG.c.accessed_at))
        return [dict(row) for row in rows.mappings()]


@pytest.mark.parametrize("what", [("class", "5B"), ("student", CHILD.student_id)])
def test_nothing_is_told_where_nothing_can_be_logged(
    call: Call, monkeypatch: pytest.MonkeyPatch, what: tuple[str, str]
) -> None:
    out_of_reach(monkeypatch)
    done = call("show", *what, "--purpose", "a test")
    assert (done.returncode, done.stdout) == (ITEMS_FAILED, "")
    assert done.stderr.count("\n") == 1
    assert "does not answer" in done.stderr


def test_a_student_is_deleted_once(document: Document, call: Call, lessons: Path) -> None:
    (lessons / "solo.txt").write_text(f"{CHILD.name}: I can read this all by myself.\n")
    document(*RUN)

    deleted = document("delete", "student", CHILD.student_id)

    assert (deleted["classes"], deleted["raw_files_deleted"]) == (["5B"], 1)
    assert deleted["assessments_deleted"] == 3
    again = call("delete", "student", CHILD.student_id)
    assert again.returncode == WRONG_CALL
    assert again.stderr.count("\n") == 1
    shown = json.loads(call("show", "student", CHILD.student_id, "--purpose", "a test").stdout)
    assert (shown["assessments"], shown["evidence"]) == ([], [])
    assert document("status", session("solo.txt"))["status"] == "withdrawn"


def test_the_tables_of_a_database_are_made_and_their_revision_is_told(call: Call) -> None:
    assert call("database", "revision").stdout == "There are no tables yet.\n"
    upgraded = call("database", "upgrade")
    assert upgraded.returncode == 0
    revision = call("database", "revision").stdout
    assert revision == upgraded.stdout == call("database", "upgrade").stdout


# Evaluation


def write_labels(file: Path) -> None:
    lines = [
        json.dumps({"text": one.text, "skills": sorted(one.skills)})
        for one in labelled_sentences(Half.TUNING)[:40]
    ]
    file.write_text("\n".join(lines))


def test_an_evaluation_has_figures_and_is_the_same_each_time(
    call: Call, document: Document, tmp_path: Path
) -> None:
    write_labels(tmp_path / "labels.jsonl")
    found = document("evaluate", "transcripts", "labels.jsonl")
    assert found["texts"] == 40
    for way in ("detected", "by_keywords"):
        assert {"precision", "recall", "f1", "labels"} <= found[way]["micro"].keys()
    assert found["detected"]["micro"]["f1"] > 0.5
    assert set(found["detected"]["by_skill"]) >= {"empathy", "self_regulation"}
    assert "Differences" in call("evaluate", "transcripts", "labels.jsonl").stdout

    assert document("evaluate", "transcripts", "labels.jsonl") == found


def test_without_labels_our_own_held_out_sentences_are_evaluated(
    call: Call, document: Document
) -> None:
    found = document("evaluate", "transcripts")
    assert found["texts"] == len(labelled_sentences(Half.HELD_OUT))
    assert found["detected"]["micro"]["f1"] >= 0.66 > found["by_keywords"]["micro"]["f1"]
    refused = call("evaluate", "books")
    assert (refused.returncode, "path of your labels" in refused.stderr) == (WRONG_CALL, True)


@pytest.mark.slow
def test_evaluations_by_two_processes_are_equal_byte_by_byte(
    tmp_path: Path, settings: Settings
) -> None:
    write_labels(tmp_path / "labels.jsonl")
    orf_books = CommandLine(tmp_path, settings)
    one, other = (
        orf_books("evaluate", "transcripts", "labels.jsonl", "--json").stdout for _ in range(2)
    )
    assert one == other
    assert json.loads(one)["texts"] == 40


# Wrong calls


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("run", "transcripts", "lessons"), "--class and --date"),
        (("run", "transcripts", "lessons", "--class", "5B"), "--class and --date"),
        (("run", "transcripts", "lessons", "--class", "../x", "--date", str(MONDAY)), "class_id"),
        (("run", "transcripts", "lessons", "--class", "5B", "--date", "Monday"), "YYYY-MM-DD"),
        (("run", "transcripts", "empty", *PLACE), ".txt, .csv, .jsonl, .vtt"),
        (("run", "transcripts", "nowhere", *PLACE), "nowhere"),
        (("run", "transcripts", "alone", *PLACE), "--roster, or upload raw/5B/roster.json"),
        (("upload", "transcripts", "alone", *PLACE), "--roster, or upload raw/5B/roster.json"),
        (("run", "transcripts", "lessons", *PLACE, "--roster", "bad.json"), "roster"),
        (("run", "transcripts"), "paths"),
        (("retry", "lessons"), "transcripts"),
        (("status", f"raw/5B/{MONDAY}/nobody.txt"), "no such class session"),
        (("evaluate", "transcripts", "lessons"), "JSON lines"),
        (("evaluate", "transcripts", "bad.json"), "Line 1"),
        (("show", "class", "5B"), "--purpose"),
        (("delete", "student", "Emma"), "UUID"),
        (("delete", "student", CHILD.student_id), "knows"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_to_do(
    call: Call, lessons: Path, tmp_path: Path, arguments: tuple[str, ...], hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "alone").mkdir()
    write(tmp_path / "alone" / "morning.txt", MONDAY)
    (tmp_path / "bad.json").write_text('[{"names": "Emma"}]')

    done = call(*arguments)

    assert (done.returncode, done.stdout) == (WRONG_CALL, "")
    assert done.stderr.startswith("orf-books: ")
    assert done.stderr.count("\n") == 1
    assert hint in done.stderr
    assert "Emma" not in done.stderr


@pytest.mark.slow
def test_as_a_process_it_ends_with_the_same_statuses(
    tmp_path: Path, lessons: Path, settings: Settings
) -> None:
    orf_books = CommandLine(tmp_path, settings)
    report = orf_books.document(*RUN)
    assert report["status"] == "complete"
    wrong = orf_books("run", "transcripts", "lessons")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (WRONG_CALL, 1)
