"""What is recorded about class sessions, without any run."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from orf_books.batches.batch import ItemFailure
from orf_books.batches.report import COMPLETE
from orf_books.failures import FailureCategory, RetryLater
from orf_books.object_keys import session_output_key
from orf_books.partition_keys import class_of_session, day_of_session, session_key
from orf_books.records.raw_sessions import SessionFound
from orf_books.records.sessions import (
    ACCEPTED,
    REFUSED,
    WITHDRAWN,
    ScoringReport,
    SessionRecords,
    SessionRow,
    SessionUpload,
    ShownClass,
)
from orf_books.resources.storage import ObjectStorage

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONDAY = NOW.date()
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def records(folder: ObjectStorage) -> SessionRecords:
    return SessionRecords(folder)


def key_of(name: str, day: date = MONDAY, class_id: str = "5B") -> str:
    return session_key(class_id, day, f"raw/{class_id}/{day}/{name}.txt")


def row(
    name: str = "morning",
    *,
    day: date = MONDAY,
    class_id: str = "5B",
    job_id: str = "run",
    content: str | None = None,
    minute: int = 0,
) -> SessionRow:
    return SessionRow(
        key=key_of(name, day, class_id),
        class_id=class_id,
        day=day,
        format="txt",
        lines=10,
        utterances=9,
        without_consent=0,
        students=3,
        unscored_students=1,
        words=90,
        evidence=4,
        warnings=0,
        warnings_by_code="{}",
        source_sha256=content or f"sha256 of {name} {day} {class_id}",
        fingerprint="version",
        code_version="1",
        job_id=job_id,
        run_id=job_id,
        scored_at=NOW + timedelta(minutes=minute),
        seconds=0.1,
    )


def upload(
    key: str, *, status: str = ACCEPTED, minute: int = 0, version: str = "1", job_id: str = "run"
) -> SessionUpload:
    return SessionUpload(key, version, status, NOW + timedelta(minutes=minute), job_id)


def score(records: SessionRecords, *rows: SessionRow) -> None:
    """Sessions that were asked for and scored."""
    records.add_uploads([upload(one.key) for one in rows])
    records.add_results(rows)


def fail(records: SessionRecords, key: str, code: str | None = "no_utterances") -> None:
    records.add_failures([ItemFailure(key, FailureCategory.BAD_DATA, "Mend it.", code)], "run")


# Uploads


def test_an_upload_is_dealt_with_at_one_version(records: SessionRecords) -> None:
    found = [
        SessionFound(key_of("morning"), version, NOW, "raw/5B/…", 10) for version in ("1", "2")
    ]
    records.add_uploads([upload(key_of("morning"))])
    assert records.without_receipt(found) == found[1:]


def test_uploads_are_known_by_their_run_in_the_order_they_came(records: SessionRecords) -> None:
    late, early = upload("b", minute=2), upload("a", minute=1, job_id="other")
    records.add_uploads([late, early])
    assert records.uploads() == [early, late]
    assert records.uploads_of_run("run") == [late]


@pytest.mark.parametrize("status", [REFUSED, WITHDRAWN])
def test_what_is_refused_or_withdrawn_at_last_is_asked_for_no_more(
    records: SessionRecords, status: str
) -> None:
    records.add_uploads([upload("a"), upload("b"), upload("c", status=status)])
    records.add_uploads([upload("b", status=status, minute=1, version="2")])
    records.add_uploads([upload("c", minute=1, version="2")])
    assert records.requested() == ["a", "c"]


# Sessions


def test_the_latest_scores_of_a_session_count(records: SessionRecords) -> None:
    latest = row(job_id="second", minute=1)
    records.add_results([row()])
    records.add_results([latest])
    assert records.latest() == {latest.key: latest}
    assert records.latest(["another"]) == {}


def test_objects_of_earlier_scores_are_deleted_and_those_of_others_stay(
    records: SessionRecords,
) -> None:
    other, first = row("noon", job_id="run-noon"), row(job_id="run-morning")
    for one in (other, first):
        for key in one.output_keys:
            records.storage.put(key, b"...")
    records.add_results([other, first])
    records.add_results([row(job_id="later", minute=1)])
    left = {found.key for found in records.storage.list("")}
    assert left >= set(other.output_keys)
    assert not left & set(first.output_keys)


def test_scores_of_the_same_job_keep_their_objects(records: SessionRecords) -> None:
    records.add_results([row()])
    records.storage.put(row().scores_key, b"...")
    records.add_results([row(minute=1)])
    assert records.storage.get(row().scores_key)


def test_objects_lie_by_class_day_and_job(records: SessionRecords) -> None:
    assert row(class_id="Year 5/b").output_keys == (
        f"normalized/Year%205%2Fb/{MONDAY}/run.jsonl",
        f"scores/Year%205%2Fb/{MONDAY}/run.json",
        f"aggregates/Year%205%2Fb/{MONDAY}/run.json",
    )


def test_a_failure_stands_until_there_is_a_later_result(records: SessionRecords) -> None:
    one = row()
    fail(records, one.key)
    assert records.standing_failures()[one.key].code == "no_utterances"
    records.add_results([row(minute=60 * 24 * 365 * 100)])
    assert records.standing_failures() == {}


# Classes


def test_a_class_has_its_sessions_by_day(records: SessionRecords) -> None:
    sessions = [row("b", day=TUESDAY), row("a"), row(class_id="Año 5")]
    score(records, *sessions)
    found = records.classes()
    assert found.keys() == {"5B", "Año 5"}
    assert found["5B"].rows == (sessions[1], sessions[0])
    assert found["5B"].days == [MONDAY, TUESDAY]
    assert found["Año 5"].rows == (sessions[2],)


def test_of_files_with_the_same_content_on_a_day_one_counts(records: SessionRecords) -> None:
    twins = [row(name, content="same") for name in ("a", "b")]
    others = [row("c", day=TUESDAY, content="same"), row(class_id="6C", content="same")]
    score(records, *twins, *others)
    found = records.classes()
    assert [one.day for one in found["5B"].rows] == [MONDAY, TUESDAY]
    assert found["5B"].rows[0] == min(twins, key=lambda one: one.key)
    assert found["6C"].rows == (others[1],)
    assert len(found["5B"].unpublished) == 2


def test_a_session_that_nobody_asks_for_any_more_is_of_no_class(records: SessionRecords) -> None:
    kept, withdrawn = row("a"), row("b")
    score(records, kept, withdrawn)
    records.add_uploads([upload(withdrawn.key, status=WITHDRAWN, minute=1, version="2")])
    assert records.classes()["5B"].rows == (kept,)


def test_a_failed_session_is_there_beside_its_earlier_scores(records: SessionRecords) -> None:
    scored = row()
    score(records, scored)
    before = records.classes()["5B"]
    records.add_uploads([upload(key_of("noon", TUESDAY))])
    fail(records, scored.key)
    fail(records, key_of("noon", TUESDAY), None)
    found = records.classes()["5B"]
    assert found.rows == (scored,)
    assert found.failures.keys() == {scored.key, key_of("noon", TUESDAY)}
    assert found.days == [MONDAY, TUESDAY]
    assert found.scores_state == before.scores_state
    assert found.state != before.state


def test_the_state_changes_with_scores_and_with_what_is_published(records: SessionRecords) -> None:
    score(records, row())
    states = [records.classes()["5B"].state]
    records.note_publication([row()])
    states.append(records.classes()["5B"].state)
    records.add_results([row(job_id="second", minute=1)])
    states.append(records.classes()["5B"].state)
    assert len(set(states)) == 3
    assert records.classes()["5B"].state == states[-1]


# Publishing


def published(records: SessionRecords) -> Sequence[tuple[str, bool, int]]:
    return [(one.job_id, one.is_published, one.tries) for one in records.publications()]


def test_scores_are_unpublished_until_these_very_scores_are(records: SessionRecords) -> None:
    score(records, row())
    assert records.classes()["5B"].unpublished == [row()]
    records.note_publication([row()])
    assert records.classes()["5B"].unpublished == []
    again = row(job_id="second", minute=1)
    records.add_results([again])
    assert records.classes()["5B"].unpublished == [again]


def test_tries_are_counted_for_the_same_scores(records: SessionRecords) -> None:
    failure = RetryLater("The database does not answer.", FailureCategory.UNAVAILABLE)
    for _ in range(2):
        records.note_publication([row()], failure)
    assert published(records) == [("run", False, 2)]
    (publication,) = records.publications()
    assert (publication.category, publication.problem) == (
        "unavailable",
        "The database does not answer.",
    )
    records.note_publication([row(job_id="second")], failure)
    assert published(records) == [("second", False, 1)]
    records.note_publication([row(job_id="second")])
    assert published(records) == [("second", True, 2)]


# What was made


def test_the_last_state_that_figures_were_made_from_is_known(records: SessionRecords) -> None:
    records.note_aggregated({"5B": "a", "6C": "a"})
    records.note_aggregated({"5B": "b"})
    assert records.aggregated() == {"5B": "b", "6C": "a"}


def test_the_last_line_of_a_class_is_known(records: SessionRecords) -> None:
    lines = [
        ShownClass("5B", state, MONDAY, 1, 2, 0, 0, NOW + timedelta(minutes=minute))
        for minute, state in enumerate("ab")
    ]
    records.note_shown(lines)
    assert records.shown_classes() == {"5B": lines[1]}


def test_a_report_is_known_by_its_run(records: SessionRecords) -> None:
    report = ScoringReport(
        run_id="run",
        status=COMPLETE,
        uploads=("a", "b"),
        classes=("5B",),
        items=2,
        succeeded=2,
        failed=0,
        reused=1,
        utterances=18,
        warnings=0,
        failed_by_category={},
        failed_by_code={},
        success_rate=100.0,
        started_at=NOW,
        seconds=0.5,
    )
    records.add_report(report)
    assert records.report_of_run("run") == report
    assert records.report_of_run("another") is None


@pytest.mark.parametrize("class_id", ["5B", "Year 5", "Año/5", "50%"])
def test_class_and_day_are_in_the_key(class_id: str) -> None:
    key = key_of("morning", class_id=class_id)
    if "/" not in class_id:
        assert class_of_session(key) == class_id
        assert day_of_session(key) == MONDAY


def test_what_broken_off_runs_left_is_swept_and_nothing_else(records: SessionRecords) -> None:
    kept, raw = row(), "raw/5B/2026-01-05/morning.txt"
    records.add_results([kept])
    left = session_output_key("scores", "5B", MONDAY, "broken-off")
    for key in (*kept.output_keys, left, raw):
        records.storage.put(key, b"{}")

    assert records.sweep(before=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert records.sweep(before=datetime.now(UTC) + timedelta(hours=1)) == 1

    stored = {one.key for one in records.storage.list("") if not one.key.startswith("tables/")}
    assert stored == {*kept.output_keys, raw}
