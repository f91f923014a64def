import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from stat import S_IMODE
from time import sleep
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orf_books.failures import (
    FailureCategory,
    FixConfiguration,
    FixInput,
    OrfBooksError,
    RetryLater,
)
from orf_books.resources import migrations
from orf_books.resources.database import Database, Deleted, Published, current, upgrade
from orf_books.resources.published_tables import (
    ACCESS_LOG,
    ASSESSMENTS,
    CORRECTIONS,
    DELETION_LOG,
    EVIDENCE,
    METADATA,
    STUDENTS,
)
from orf_books.transcripts.aggregates import class_aggregates
from orf_books.transcripts.publication import (
    Access,
    Deletion,
    assessments_of,
    student_scores,
)
from orf_books.transcripts.scored_session import ScoredStudent, StoredScores
from orf_books.transcripts.skills import Skill
from orf_books_tests.postgres import PostgresServer
from orf_books_tests.published import at, everything, rows
from orf_books_tests.transcripts.scores import (
    EVENING,
    WORDS,
    correction,
    evidence,
    stored_scores,
    student,
)

pytestmark = pytest.mark.slow

MONDAY = date(2026, 11, 16)
LATER = EVENING + timedelta(hours=1)
ACCESS = Access(
    "ms-rivera", "educator", "export", ("a record",), "parents' evening", EVENING, "request-1"
)
SECRET = "correct-horse"


def student_id(student: int) -> str:
    return str(UUID(int=student + 1))


def scored(value: float, spans: int, words: str = WORDS) -> ScoredStudent:
    found = {skill: [evidence(line, 0, words, skill) for line in range(spans)] for skill in Skill}
    return student(value, 0.5, found)


def session(
    students: Sequence[int] = range(6),
    *,
    file: str = "morning.txt",
    sha256: str = "5f2c",
    class_id: str = "class-7",
    day: date = MONDAY,
    scored_at: datetime = EVENING,
    value: float = 5.0,
    spans: int = 2,
) -> StoredScores:
    return stored_scores(
        {student_id(number): scored(value, spans) for number in students},
        file=file,
        sha256=sha256,
        class_id=class_id,
        day=day,
        job_id=f"job at {scored_at}",
        scored_at=scored_at,
    )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return file_url(tmp_path)
    return fresh_database(request.getfixturevalue("postgres_server"), tmp_path)


@pytest.fixture
def server_url(postgres_server: PostgresServer, tmp_path: Path) -> str:
    return fresh_database(postgres_server, tmp_path)


@pytest.fixture
def database(url: str) -> Database:
    return Database(url)


def file_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'a folder' / 'published.sqlite'}"


def fresh_database(server: PostgresServer, folder: Path) -> str:
    url = server.create_database(folder.name)
    upgrade(url)
    return url


def scores_in(url: str) -> set[float]:
    return {row["empathy"] for row in rows(url, ASSESSMENTS, "empathy")}


def failure_of(work: Callable[[], object]) -> OrfBooksError:
    """What is raised; neither it nor its traceback tells what nobody may know."""
    with pytest.raises(OrfBooksError) as failure:
        work()
    told = "".join(traceback.format_exception(failure.value))
    assert not [secret for secret in (SECRET, WORDS, student_id(0), "77.77") if secret in told]
    return failure.value


# Publishing


def test_a_session_is_published_with_its_evidence_and_figures(database: Database, url: str) -> None:
    one = session()

    assert database.publish([one]) == Published(1, 0, 6, 60)
    assert [row["student_id"] for row in rows(url, STUDENTS)] == [student_id(n) for n in range(6)]
    assert {(row["name"], row["external_ref"]) for row in rows(url, STUDENTS)} == {(None, None)}
    (assessment, *_) = rows(url, ASSESSMENTS)
    assert (assessment["empathy"], assessment["confidence_empathy"]) == (5.0, 0.5)
    assert (assessment["assessed_on"], assessment["scored_at"]) == (MONDAY, EVENING)
    assert {row["span_text"] for row in rows(url, EVIDENCE)} == {WORDS}
    assert database.class_aggregates("class-7") == sorted(
        class_aggregates(
            student_scores(
                assessments_of(one),
                {
                    (row.assessment_id, skill): (2, 1.832)
                    for row in assessments_of(one)
                    for skill in Skill
                },
            )
        ),
        key=lambda row: (row.window_start, row.metric_name),
    )


def test_publishing_again_changes_nothing(database: Database, url: str) -> None:
    sessions = [session(), session(file="afternoon.txt", sha256="77", spans=1)]
    database.publish(sessions)
    before = everything(url)

    assert database.publish(sessions) == Published(2, 0, 12, 90)
    assert database.publish(sessions[:1]) == Published(1, 0, 6, 60)
    assert everything(url) == before


def test_postgres_does_not_even_touch_rows_that_are_as_they_should_be(server_url: str) -> None:
    def writers() -> set[Any]:
        engine = sa.create_engine(server_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return {
                (name, *row)
                for name in METADATA.tables
                for row in connection.execute(sa.text(f"SELECT ctid::text, xmin::text FROM {name}"))
            }

    database = Database(server_url)
    database.publish([session()])
    before = writers()
    database.publish([session()])

    assert writers() == before


def test_a_rerun_changes_scores_in_their_rows(database: Database, url: str) -> None:
    database.publish([session()])
    before = rows(url, ASSESSMENTS)
    database.publish([session(scored_at=LATER, value=7.5, spans=3)])
    after = rows(url, ASSESSMENTS)

    assert scores_in(url) == {7.5}
    assert {row["job_id"] for row in after} == {f"job at {LATER}"}
    for column in ("assessment_id", "created_at"):
        assert [row[column] for row in after] == [row[column] for row in before]
    assert figure(database, "found_empathy") == 6 * 3


def test_a_file_with_new_content_replaces_what_was_published_of_it(
    database: Database, url: str
) -> None:
    database.publish([session(range(6)), session(range(6), file="afternoon.txt", sha256="77")])
    database.publish([session(range(1, 6), sha256="new", scored_at=LATER, spans=1)])

    versions = [row["source_sha256"] for row in rows(url, ASSESSMENTS)]
    assert {version: versions.count(version) for version in versions} == {"new": 5, "77": 6}
    assert len(rows(url, EVIDENCE)) == 5 * 5 + 6 * 10


def test_an_older_run_published_late_replaces_nothing(database: Database, url: str) -> None:
    database.publish([session(scored_at=LATER, value=8)])

    assert database.publish([session(value=2)]) == Published(0, 1, 0, 0)
    assert scores_in(url) == {8}


def test_of_two_runs_over_a_file_in_a_batch_the_newer_counts(database: Database, url: str) -> None:
    runs = [session(scored_at=LATER, value=8), session(value=2)]

    assert database.publish(runs) == Published(1, 1, 6, 60)
    assert scores_in(url) == {8}


def test_the_same_session_uploaded_under_two_names_counts_once(
    database: Database, url: str
) -> None:
    database.publish([session(), session(file="copy of morning.txt")])

    assert len(rows(url, ASSESSMENTS)) == 6


def test_a_student_is_of_the_class_they_were_last_heard_in(database: Database, url: str) -> None:
    after = session([0], class_id="class-8", day=MONDAY + timedelta(days=1))
    database.publish([after])
    database.publish([session([0, 1])])

    assert [row["class_id"] for row in rows(url, STUDENTS)] == ["class-8", "class-7"]


def test_a_student_nothing_is_left_of_is_gone(database: Database, url: str) -> None:
    database.publish([session([0, 1])])
    database.publish([session([1], sha256="new", scored_at=LATER)])

    assert [row["student_id"] for row in rows(url, STUDENTS)] == [student_id(1)]


def test_nothing_to_publish_is_nothing_published(database: Database, url: str) -> None:
    assert database.publish([]) == Published(0, 0, 0, 0)
    assert not any(everything(url).values())


def test_a_refused_row_leaves_the_whole_batch_out_and_is_not_quoted(
    database: Database, url: str
) -> None:
    refused = session(file="afternoon.txt", sha256="77", value=77.77)
    failure = failure_of(lambda: database.publish([session(), refused]))

    assert isinstance(failure, FixInput)
    assert not any(everything(url).values())


def publish_in_process(url: str, number: int) -> Published:
    return Database(url).publish(
        [session(range(number, number + 6), file=f"{number}.txt", sha256=f"{number}", value=number)]
    )


def test_runs_that_publish_at_once_lose_nothing(url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(publish_in_process, [url] * 3, range(3)))

    assert len(rows(url, ASSESSMENTS)) == 18
    before = everything(url)
    for number in range(3):
        publish_in_process(url, number)
    assert everything(url) == before


# Deleting


DELETION = Deletion(student_id(0), "principal", "request-9", LATER)


def test_a_deleted_student_is_gone_from_every_table_but_the_log_of_deletions(
    database: Database, url: str
) -> None:
    database.publish([session(range(6)), session([0], class_id="class-8", sha256="88")])
    database.log_access(replace(ACCESS, record_ids=(student_id(0),)))

    assert database.delete_student(DELETION) == Deleted(2, 20)
    for table in METADATA.sorted_tables:
        assert (student_id(0) in str(rows(url, table))) is (table is DELETION_LOG)
    assert (len(rows(url, ASSESSMENTS)), len(rows(url, EVIDENCE))) == (5, 50)
    (looked,) = rows(url, ACCESS_LOG)
    assert looked["record_ids"] == [f"deletion {DELETION.deletion_id}"]
    assert (looked["actor"], looked["purpose"]) == (ACCESS.actor, ACCESS.purpose)
    assert rows(url, DELETION_LOG) == [
        {
            "deletion_id": DELETION.deletion_id,
            "student_id": student_id(0),
            "actor": "principal",
            "request_id": "request-9",
            "deleted_at": LATER,
            "assessment_count": 2,
            "evidence_count": 20,
        }
    ]


def test_figures_after_a_deletion_are_those_of_the_students_left(
    database: Database, url: str
) -> None:
    database.publish([session(range(6)), session([0], file="high.txt", sha256="77", spans=3)])
    assert figure(database, "found_empathy") == 6 * 2 + 3

    database.delete_student(DELETION)
    assert figure(database, "found_empathy") == 5 * 2

    database.delete_student(replace(DELETION, student_id=student_id(1)))
    assert figure(database, "found_empathy") is None
    assert database.class_aggregates("class-7")

    for number in range(2, 6):
        database.delete_student(replace(DELETION, student_id=student_id(number)))
    assert database.class_aggregates("class-7") == []


def figure(database: Database, metric: str) -> float | None:
    (found,) = {
        row.metric_value
        for row in database.class_aggregates("class-7")
        if row.metric_name == metric
    }
    return found


def test_corrections_are_published_once_and_go_with_the_student(
    database: Database, url: str
) -> None:
    corrections = [correction(student_id(0)), correction(student_id(1)), correction(student_id(9))]
    database.publish([session()], corrections)
    database.publish([session()], corrections)
    published = rows(url, CORRECTIONS)
    assert {row["student_id"] for row in published} == {student_id(0), student_id(1)}
    row = published[0]
    assert (row["corrected_by"], row["corrected_at"]) == ("Ms. Rivera", EVENING)
    assert (row["verdict"], row["skill"], row["place"]) == ("wrong", "empathy", "1:0")
    records = database.student_records(student_id(0), ACCESS)
    assert [one.verdict for one in records.corrections] == ["wrong"]

    database.delete_student(DELETION)
    assert [row["student_id"] for row in rows(url, CORRECTIONS)] == [student_id(1)]


def test_a_deletion_asked_for_twice_is_logged_once_as_it_was(database: Database, url: str) -> None:
    database.publish([session()])
    database.delete_student(DELETION)
    logged = rows(url, DELETION_LOG)

    assert database.delete_student(DELETION) == Deleted(0, 0)
    assert rows(url, DELETION_LOG) == logged


def test_scores_from_before_a_deletion_do_not_bring_a_student_back(
    database: Database, url: str
) -> None:
    database.publish([session()])
    database.delete_student(DELETION)

    assert database.publish([session()]) == Published(1, 0, 5, 50)
    assert student_id(0) not in str(rows(url, ASSESSMENTS))
    again = session([0], file="new.txt", sha256="88", scored_at=LATER + timedelta(days=1))
    assert database.publish([again]).assessment_count == 1


def test_a_session_that_a_deletion_withdrew_is_not_published_again(
    database: Database, url: str
) -> None:
    database.publish([session([0])])
    database.delete_student(DELETION)

    late = session([0, 1])
    assert database.publish([late]) == Published(0, 1, 0, 0)
    assert rows(url, ASSESSMENTS) == []
    scored_again = session([1], file="renamed.txt", sha256="88", scored_at=LATER)
    assert database.publish([scored_again]).assessment_count == 1


def test_whoever_asks_for_a_deleted_student_is_logged_without_the_student(
    database: Database, url: str
) -> None:
    access = replace(ACCESS, record_ids=(student_id(0),))
    database.publish([session()])
    database.delete_student(DELETION)
    database.student_records(student_id(0), access)
    database.log_access(access)

    marks = [f"deletion {DELETION.deletion_id}"]
    assert [row["record_ids"] for row in rows(url, ACCESS_LOG)] == [marks, marks]

    back = session([0], file="new.txt", sha256="88", scored_at=LATER + timedelta(days=1))
    database.publish([back])
    database.log_access(access)
    assert [student_id(0)] in [row["record_ids"] for row in rows(url, ACCESS_LOG)]


# Reading


def test_whoever_reads_a_students_records_is_logged(database: Database, url: str) -> None:
    database.publish([session()])
    records = database.student_records(student_id(0), replace(ACCESS, origin="192.0.2.1"))

    assert [row.student_id for row in records.assessments] == [student_id(0)]
    assert len(records.evidence) == 10
    assert WORDS not in repr(records)
    ((entry,)) = rows(url, ACCESS_LOG)
    del entry["access_id"]
    assert entry == {
        "actor": "ms-rivera",
        "role": "educator",
        "action": "export",
        "record_ids": ["a record"],
        "purpose": "parents' evening",
        "accessed_at": EVENING,
        "request_id": "request-1",
        "origin": "192.0.2.1",
    }


def test_a_class_nobody_was_heard_in_has_no_figures(database: Database) -> None:
    assert database.class_aggregates("class-0") == []


# Revisions


def test_a_file_gets_its_tables_by_itself_and_is_for_its_owner_only(tmp_path: Path) -> None:
    url = file_url(tmp_path)
    Database(url).publish([])

    assert current(url) == migrations.newest()
    assert S_IMODE((tmp_path / "a folder" / "published.sqlite").stat().st_mode) == 0o600


def test_an_empty_server_gets_its_tables_by_itself_or_by_hand(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    used, upgraded = (postgres_server.create_database(f"{tmp_path.name}{n}") for n in (1, 2))
    assert current(used) is None
    assert Database(used).publish([session()]).session_count == 1

    assert upgrade(upgraded) == migrations.newest()
    assert upgrade(upgraded) == current(upgraded) == current(used)


def test_tables_of_another_version_are_upgraded_by_a_person_only(server_url: str) -> None:
    with sa.create_engine(server_url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(FixConfiguration, match="orf-books database upgrade"):
        Database(server_url).publish([session()])


def test_tables_of_a_newer_version_are_left_alone(server_url: str) -> None:
    with sa.create_engine(server_url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(FixConfiguration, match="9999"):
        Database(server_url).publish([session()])
    with pytest.raises(FixConfiguration, match="9999"):
        upgrade(server_url)


def test_the_revisions_make_the_tables_that_we_know(server_url: str) -> None:
    with sa.create_engine(server_url, poolclass=sa.NullPool).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_rows_of_the_first_revision_stay_readable_and_count_in_no_score(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = file_url(tmp_path)
    if kind == "sqlite":
        (tmp_path / "a folder").mkdir()
    else:
        url = request.getfixturevalue("postgres_server").create_database(tmp_path.name)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        migrations.upgrade(connection, "0001")
        (row,) = assessments_of(session([0]))
        connection.execute(
            sa.insert(STUDENTS), {"student_id": row.student_id, "class_id": row.class_id}
        )
        columns = {column["name"] for column in sa.inspect(connection).get_columns("assessments")}
        connection.execute(
            sa.insert(ASSESSMENTS),
            {name: getattr(row, name) for name in columns - {"created_at"}},
        )

    upgrade(url)
    database = Database(url)
    (read,) = database.student_records(student_id(0), ACCESS).assessments
    assert (read.empathy, read.utterance_count, read.usual, read.low_empathy) == (
        5.0,
        None,
        None,
        None,
    )
    database.publish([session(range(1, 6), file="new.txt", sha256="77")])
    assert (figure(database, "n_students"), figure(database, "coverage")) == (5, 0.8333)
    assert figure(database, "found_empathy") == 5 * 2


# Bad days


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"no url {SECRET}",
        "sqlite://",
        "sqlite:///:memory:",
        f"postgres://user:{SECRET}@localhost/published",
        f"postgresql+psycopg2://user:{SECRET}@localhost/published",
        f"postgresql+psycopg://user:{SECRET}@localhost",
        f"postgresql+psycopg://localhost:{SECRET}/published",
        f"mysql://user:{SECRET}@localhost/published",
    ],
)
def test_a_url_of_no_database_that_we_know_is_refused(url: str) -> None:
    failure = failure_of(lambda: Database(url).publish([session()]))

    assert isinstance(failure, FixConfiguration)
    assert "write postgresql+psycopg://" in str(failure)


@pytest.fixture
def secured_url(postgres_server: PostgresServer, server_url: str, tmp_path: Path) -> Iterator[str]:
    """A database as someone sees it who needs a password, and may do nothing in it."""
    user = f"user of {tmp_path.name}"
    url = sa.make_url(server_url).set(username=user, password=SECRET)
    administrator = sa.create_engine(server_url, poolclass=sa.NullPool)
    with administrator.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        rules = Path(str(connection.scalar(sa.text("SHOW hba_file"))))
        without = rules.read_text(encoding="utf-8")
        rules.write_text(f'host all "{user}" all scram-sha-256\n{without}', encoding="utf-8")
        connection.execute(sa.text(f"CREATE USER \"{user}\" PASSWORD '{SECRET}'"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        while lets_in(url.set(password="guessed")):
            sleep(0.02)
        yield url.render_as_string(hide_password=False)
        rules.write_text(without, encoding="utf-8")
        connection.execute(sa.text("SELECT pg_reload_conf()"))


def lets_in(url: sa.URL) -> bool:
    try:
        sa.create_engine(url, poolclass=sa.NullPool).connect().close()
    except sa.exc.OperationalError:
        return False
    return True


def test_whom_postgres_does_not_let_in_has_to_change_the_configuration(secured_url: str) -> None:
    url = sa.make_url(secured_url)
    for refused in (
        url.set(password=f"not {SECRET}"),
        url.set(username="nobody", password=SECRET),
        url.set(database="nowhere"),
        url,
    ):
        database = Database(refused.render_as_string(hide_password=False))
        failure = failure_of(partial(database.publish, [session()]))

        assert isinstance(failure, FixConfiguration)
        assert f"127.0.0.1:{url.port}/{refused.database}" in str(failure)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_a_server_that_is_not_there_may_be_later(host: str) -> None:
    url = f"postgresql+psycopg://user:{SECRET}@{host}/published"
    failure = failure_of(lambda: Database(url).publish([session()]))

    assert isinstance(failure, RetryLater)
    assert failure.category is FailureCategory.UNAVAILABLE


def test_a_file_that_is_in_use_for_too_long_may_be_free_later(tmp_path: Path) -> None:
    url = file_url(tmp_path)
    Database(url).publish([])
    other = sa.create_engine(url, connect_args={"isolation_level": None}, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        failure = failure_of(lambda: Database(f"{url}?timeout=0.1").publish([session()]))

    assert isinstance(failure, RetryLater)


@pytest.mark.parametrize("path", ["file/published.sqlite", "folder", "file"])
def test_a_file_that_cannot_be_a_database_is_a_wrong_setting(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("This is no database, however long one looks at it." * 20)
    failure = failure_of(lambda: Database(f"sqlite:///{tmp_path / path}").publish([session()]))

    assert isinstance(failure, FixConfiguration)
    assert str(tmp_path / path) in str(failure)


def test_nothing_of_what_is_published_is_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    for logger in (None, "sqlalchemy"):
        caplog.set_level(logging.DEBUG, logger)
    database = Database(url)
    database.publish([session()])
    database.student_records(student_id(0), ACCESS)
    refused = session(value=77.77)
    failure_of(lambda: database.publish([refused]))
    database.delete_student(DELETION)

    told = "".join(str(vars(record)) for record in caplog.records)
    assert not [secret for secret in (WORDS, student_id(0), "77.77") if secret in told]


MOMENTS = [
    "INSERT INTO students",
    "INSERT INTO evidence",
    "DELETE FROM students",
    "INSERT INTO class_aggregates",
    "COMMIT",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_killed_while_publishing_has_all_of_a_batch_or_nothing(
    postgres_server: PostgresServer, server_url: str, moment: str
) -> None:
    database = Database(server_url)
    database.publish([session(value=3)])
    before = everything(server_url)
    batch = [
        session(range(3, 12), scored_at=LATER, spans=3),
        session(file="afternoon.txt", sha256="77"),
    ]
    at(database, moment, postgres_server.kill)

    failure = failure_of(lambda: database.publish(batch))
    assert isinstance(failure, RetryLater)
    assert failure.category is FailureCategory.UNAVAILABLE
    postgres_server.start()
    assert everything(server_url) == before

    assert database.publish(batch) == Published(2, 0, 15, 195)
    assert (len(rows(server_url, ASSESSMENTS)), len(rows(server_url, EVIDENCE))) == (15, 195)
    after = everything(server_url)
    database.publish(batch)
    assert everything(server_url) == after


def publish_and_die(url: str) -> None:
    database = Database(url)
    at(database, "COMMIT", lambda: os.kill(os.getpid(), signal.SIGKILL))
    database.publish([session(range(3, 12), scored_at=LATER)])


def test_a_run_killed_while_publishing_leaves_nothing_half_written(url: str) -> None:
    Database(url).publish([session(value=3)])
    before = everything(url)
    run = get_context("spawn").Process(target=publish_and_die, args=(url,))
    run.start()
    run.join()

    assert run.exitcode == -signal.SIGKILL
    assert everything(url) == before
    publish_again = Database(url).publish([session(range(3, 12), scored_at=LATER)])
    assert publish_again == Published(1, 0, 9, 90)
    assert len(rows(url, ASSESSMENTS)) == 9
