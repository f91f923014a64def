"""Deleting a student: what is gone, what stays, and what comes of a deletion that breaks off."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any, Self

import dagster as dg
import polars as pl
import pytest
from pydantic import PrivateAttr

from orf_books.batches.resource import BatchResource
from orf_books.commands.published_records import student_document
from orf_books.commands.student_deletion import StudentDeletion, delete_student
from orf_books.failures import FailureCategory, FixInput, OrfBooksError, RetryLater
from orf_books.instance import open_instance, process_tag
from orf_books.jobs import ingest_transcripts
from orf_books.object_keys import class_page_key, is_roster, roster_key, session_metadata_key
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.sessions import WITHDRAWN
from orf_books.resources.database import Database
from orf_books.resources.published_tables import (
    ACCESS_LOG,
    CLASS_AGGREGATES,
    DELETION_LOG,
    STUDENTS,
)
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.class_sessions import (
    InventedClass,
    InventedSession,
    SpokenTurn,
    invented_class,
    invented_session,
)
from orf_books.sensors import watch_transcripts
from orf_books.settings import Settings
from orf_books.transcripts.score_document import read_scores
from orf_books.transcripts.scored_session import StoredScores
from orf_books.upload_watch import Timing
from orf_books_tests.assets.transcripts.class_platform import ClassPlatform

MONDAY = date(2026, 1, 5)
UTTERANCES = 60
_INVENTED = invented_class("5B", students=7)
STUDENT = replace(_INVENTED.students[0], first_name="Tavindra", last_name="Quollsby")
CLASS = replace(_INVENTED, students=(STUDENT, *_INVENTED.students[1:]))
WITHOUT = replace(CLASS, students=CLASS.students[1:])
OTHER = invented_class("6C", students=6, seed=1)
ID = STUDENT.student_id
SECRET = "blorvexity"
TRACES = ("tavindra", "quollsby", SECRET, ID, ID.replace("-", ""))
"""Of a student: what they are called, what they alone said, their id."""
WORDS = f"Do you want to do the {SECRET} with me?"


FORMATS = {0: "txt", 1: "csv", 2: "jsonl"}


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def turns(number: int) -> list[SpokenTurn]:
    """What is said on a day, and more by the student, where possible by the id alone."""
    more = [SpokenTurn(STUDENT.name, "15:00:00", WORDS, ID, None)]
    if FORMATS.get(number, "txt") != "txt":
        more.append(SpokenTurn("Student", "15:00:01", WORDS, ID.upper(), None))
    return [*invented_session(CLASS, day(number), UTTERANCES).turns, *more]


def turns_without(number: int) -> list[SpokenTurn]:
    """The same, had the student never been there."""
    return [
        replace(turn, text=turn.text.replace(STUDENT.first_name, "[removed]"))
        for turn in turns(number)
        if (turn.student_id or "").lower() != ID
    ]


def written(number: int, said: list[SpokenTurn], transcript_format: str) -> bytes:
    return InventedSession("5B", day(number), tuple(said)).write(transcript_format)


SOLO, REFUSED, UNREADABLE, NAMED = 3, 4, 5, 7
"""Days on which nobody else speaks; of which nothing can be read, the other one not even as text;
and whose file is named after the student."""


def put_class(platform: ClassPlatform, formats: Mapping[int, str]) -> dict[int, str]:
    """Put all sessions of the class, the whole ones in these formats by day; partitions by day."""
    platform.put_roster(CLASS)
    keys = {
        number: platform.put(
            day(number), f"a.{written_as}", written(number, turns(number), written_as)
        )
        for number, written_as in formats.items()
    }
    solo = f"{STUDENT.name}: {WORDS}\nTavindra Q.: {WORDS} And you?\n"
    keys[SOLO] = platform.put(day(SOLO), "a.txt", solo.encode())
    stray = "".join(f"{STUDENT.first_name} {n}: {SECRET}\n" for n in range(19))
    keys[REFUSED] = platform.put(
        day(REFUSED), "a.txt", f"{STUDENT.name}: {WORDS}\n{stray}".encode()
    )
    keys[UNREADABLE] = platform.put(day(UNREADABLE), "a.txt", f"PK\x03\x04{solo}".encode())
    platform.storage.put(f"raw/5B/yesterday/{STUDENT.first_name}.txt", solo.encode())
    keys[NAMED] = platform.put(
        day(NAMED), "Tavindra_Quollsby.txt", written(NAMED, turns(NAMED), "txt")
    )
    put_metadata(platform, 0, "a.txt", f"tablet of {STUDENT.first_name}")
    put_metadata(platform, SOLO, "a.txt", "Zoom")
    put_metadata(platform, NAMED, "Tavindra_Quollsby.txt", "Zoom")
    return keys


def put_metadata(platform: ClassPlatform, number: int, name: str, source: str) -> None:
    declared = {"class_id": "5B", "date": str(day(number)), "format": "txt", "source": source}
    key = session_metadata_key(f"raw/5B/{day(number)}/{name}")
    platform.storage.put(key, json.dumps(declared).encode())


def put_others(platform: ClassPlatform) -> str:
    platform.put_roster(OTHER)
    return platform.put(MONDAY, "a.txt", of=OTHER)


def delete(settings: Settings, student: str = ID) -> StudentDeletion:
    batch = BatchResource(concurrency=10, ledger=settings.ledger)
    return delete_student(settings, student, "ada", batch)


# Looking for traces


def texts(settings: Settings) -> dict[str, str]:
    """By key, every object of the store with its key; rows of tables as rows."""
    storage = settings.open_storage()
    root = Path(storage.location(""))
    found = {}
    for path in filter(Path.is_file, root.rglob("*")):
        name = str(path.relative_to(root))
        rows = str(pl.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else ""
        found[name] = f"{name} {path.read_bytes().decode(errors='replace')} {rows}".lower()
    return found


def traces(told: dict[str, str], secrets: tuple[str, ...] = TRACES) -> set[tuple[str, str]]:
    return {(where, secret) for where, text in told.items() for secret in secrets if secret in text}


def rows_of_database(settings: Settings) -> dict[str, list[str]]:
    """By table, its rows as they are written."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(database_file(settings))) as database:
        for row in database.iterdump():
            if row.startswith("INSERT INTO "):
                found.setdefault(row.split('"')[1], []).append(row.lower())
    return found


def database_file(settings: Settings) -> Path:
    return Path(settings.open_storage().location("published.sqlite"))


def figures(platform: ClassPlatform, class_id: str = "5B") -> list[dict[str, Any]]:
    """The published figures of a class."""
    rows = [row for row in platform.published(CLASS_AGGREGATES) if row["class_id"] == class_id]
    for row in rows:
        del row["created_at"]
    return sorted(rows, key=str)


def scores(platform: ClassPlatform, key: str) -> dict[str, Any]:
    """The scores of a session, by student."""
    document = platform.document(platform.row(key).scores_key)
    return {student: one["scores"] for student, one in document["students"].items()}


@contextmanager
def opened(settings: Settings) -> Iterator[ClassPlatform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(Path(settings.open_storage().location("dagster"))))
        with open_instance(settings) as instance:
            yield ClassPlatform(settings, instance)


# A student who was everywhere


@dataclass(frozen=True)
class Seen:
    """What there is to be seen of the classes."""

    texts: dict[str, str]
    accesses: list[dict[str, Any]]
    scores: dict[int, dict[str, Any]]
    """By day."""
    of_others: tuple[dict[str, str], list[dict[str, Any]]]
    """Objects and figures of the other class."""

    @classmethod
    def of(cls, platform: ClassPlatform, keys: dict[int, str]) -> Self:
        others = platform.versions("raw/6C/", "scores/6C/", "normalized/6C/", "data/classes/6C/")
        return cls(
            texts(platform.settings),
            platform.published(ACCESS_LOG),
            {number: scores(platform, keys[number]) for number in FORMATS},
            (others, figures(platform, "6C")),
        )


@dataclass(frozen=True)
class Story:
    """A deletion: before and after."""

    platform: ClassPlatform
    keys: dict[int, str]
    """By day."""
    before: Seen
    late: list[StoredScores]
    """Scores from before."""
    deletion: StudentDeletion
    after: Seen


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    settings = settings_in(tmp_path_factory.mktemp("story"))
    with opened(settings) as platform:
        keys = put_class(platform, FORMATS)
        put_others(platform)
        platform.ingest()
        student_document(settings, ID, "a question of the parents")
        before = Seen.of(platform, keys)
        late = [
            read_scores(platform.storage.get(row.scores_key))
            for row in platform.records.latest().values()
        ]
        deletion = delete(settings)
        yield Story(platform, keys, before, late, deletion, Seen.of(platform, keys))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassPlatform]:
    """A store of the same class in which the student never was."""
    with opened(settings_in(tmp_path_factory.mktemp("untouched"))) as platform:
        platform.put_roster(WITHOUT)
        for number, written_as in {**FORMATS, NAMED: "txt"}.items():
            content = written(number, turns_without(number), written_as)
            platform.put(day(number), f"a.{written_as}", content)
        assert platform.ingest().success
        yield platform


def settings_in(folder: Path) -> Settings:
    return Settings(storage=str(folder / "store"), ledger=f"sqlite:///{folder / 'ledger.sqlite'}")


def test_the_student_was_everywhere(story: Story) -> None:
    found = traces(story.before.texts)
    folders = {where.split("/")[0] for where, _ in found}
    assert {"raw", "normalized", "scores", "aggregates", "data", "published.sqlite"} <= folders
    assert {secret for _, secret in found} == set(TRACES)


def test_nothing_is_left_in_any_object_or_file(story: Story) -> None:
    left = story.after.texts
    in_log = {("published.sqlite", TRACES[-1])}
    assert traces(left) - in_log == set()


def test_nothing_is_left_in_the_database_but_the_id_in_the_log_of_deletions(story: Story) -> None:
    rows = rows_of_database(story.platform.settings)
    (entry,) = rows.pop("deletion_log")
    assert traces({"deletion_log": entry}) == {("deletion_log", TRACES[-1])}
    assert {"access_log", "assessments", "class_aggregates", "evidence", "students"} <= rows.keys()
    assert traces({table: "\n".join(of_table) for table, of_table in rows.items()}) == set()


def test_what_was_deleted_is_overwritten_in_the_file(story: Story) -> None:
    content = database_file(story.platform.settings).read_bytes().lower()
    assert SECRET.encode() not in content


def test_the_deletion_is_on_record_without_a_name(story: Story) -> None:
    (row,) = story.platform.published(DELETION_LOG)
    assert (row["student_id"], row["actor"]) == (ID, "ada")
    assert row["deletion_id"] == story.deletion.deletion_id
    assert row["assessment_count"] == story.deletion.assessments_deleted == len(FORMATS) + 2
    assert row["evidence_count"] == story.deletion.evidence_deleted > 0


def test_who_looked_at_what_stays_on_record_without_the_student(story: Story) -> None:
    after = {row["access_id"]: row for row in story.after.accesses}
    mark = f"deletion {story.deletion.deletion_id}"
    assert any(ID in row["record_ids"] for row in story.before.accesses)
    for row in story.before.accesses:
        records = [mark if one == ID else one for one in row["record_ids"]]
        assert after[row["access_id"]] == row | {"record_ids": records}


def test_the_figures_of_the_class_are_as_if_the_student_had_never_been_there(
    story: Story, untouched: ClassPlatform
) -> None:
    assert figures(story.platform)
    assert figures(story.platform) == figures(untouched)


def test_scores_of_others_are_as_if_the_student_had_never_been_there(
    story: Story, untouched: ClassPlatform
) -> None:
    rows = story.platform.records.classes()["5B"].rows
    here = sorted((scores(story.platform, row.key) for row in rows), key=str)
    assert here == sorted((scores(untouched, key) for key in untouched.job_ids()), key=str)


def test_scores_of_others_stay_where_nobody_spoke_of_the_student(story: Story) -> None:
    compared = 0
    for number in FORMATS:
        after = story.after.scores[number]
        others = {turn.student_id for turn in turns(number) if STUDENT.first_name in turn.text}
        others |= joined(turns(number))
        for student, before in story.before.scores[number].items():
            if student != ID and student not in others:
                assert after[student] == before
                compared += 1
    assert compared


def joined(said: list[SpokenTurn]) -> set[str | None]:
    """Who speaks before and after the student: what they say becomes one utterance."""
    speakers = [(turn.student_id or "").lower() for turn in said]
    left = [(number, one) for number, one in enumerate(speakers) if one != ID]
    return {
        one
        for (before, one), (after, other) in pairwise(left)
        if one == other and after > before + 1
    }


def test_another_class_is_not_touched(story: Story) -> None:
    objects, of_class = story.before.of_others
    assert objects
    assert of_class
    assert story.after.of_others == story.before.of_others


def test_sessions_of_which_nothing_is_left_are_withdrawn(story: Story) -> None:
    raw = {one.key for one in sessions_in(story.platform.storage, "raw/5B/")}
    withdrawn = {one.key for one in story.platform.records.uploads() if one.status == WITHDRAWN}
    partitions = {key for key in story.platform.statuses() if key.startswith("5B/")}
    assert partitions == raw
    of_sessions = {key for key in withdrawn if not key.startswith("unusable/")}
    assert of_sessions == {story.keys[one] for one in (SOLO, REFUSED, UNREADABLE, NAMED)}
    assert story.deletion.raw_files_deleted == len(withdrawn - {story.keys[NAMED]}) == 4
    days = {"yesterday", *(str(day(number)) for number in (SOLO, REFUSED, UNREADABLE))}
    names = [one.key for one in story.platform.storage.list("raw/5B/")]
    assert not [name for name in names if name.split("/")[2] in days]


def test_a_file_named_after_the_student_gets_another_name_and_keeps_its_metadata(
    story: Story,
) -> None:
    storage = story.platform.storage
    raw, metadata = sorted(one.key for one in storage.list(f"raw/5B/{day(NAMED)}/"))
    assert metadata == session_metadata_key(raw)
    assert json.loads(storage.get(metadata))["source"] == "Zoom"


def test_no_sensor_finds_anything_to_do_afterwards(
    story: Story, instance: dg.DagsterInstance
) -> None:
    records = story.platform.records
    assert records.without_receipt(sessions_in(records.storage)) == []
    context = dg.build_sensor_context(instance=instance)
    at_once = Timing(folder_pause=0.0, tick=0.01)
    result = watch_transcripts(records.storage).tick(context, at_once)
    assert not result.run_requests


def test_scores_from_before_bring_back_neither_the_student_nor_a_withdrawn_session(
    story: Story, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)
    database_file(settings).parent.mkdir(parents=True)
    shutil.copy(database_file(story.platform.settings), database_file(settings))
    before = rows_of_database(settings)

    published = Database(settings.published_database.get_secret_value()).publish(story.late)

    assert published.superseded_count
    after = rows_of_database(settings)
    assert after["assessments"] == before["assessments"]
    assert after["evidence"] == before["evidence"]
    after.pop("deletion_log")
    assert traces({table: "\n".join(of_table) for table, of_table in after.items()}) == set()


def test_a_repetition_says_that_nobody_knows_the_student_and_logs_no_id(story: Story) -> None:
    settings = story.platform.settings
    with pytest.raises(FixInput, match="knows"):
        delete(settings)
    assert ID not in "".join(rows_of_database(settings)["access_log"])


@pytest.mark.parametrize("student", ["", "Tavindra", "../5B", f"{ID}0"])
def test_what_is_no_id_is_refused_and_not_repeated(tmp_path: Path, student: str) -> None:
    with pytest.raises(FixInput, match="UUID") as refused:
        delete(settings_in(tmp_path), student)
    assert not student or student not in str(refused.value)


# Runs at work meanwhile


class IngestingStorage(ObjectStorage):
    """A store in which a run stores what it had read, once a raw file is deleted."""

    ingest: Callable[[str], None] | None = None

    def delete(self, *keys: str) -> None:
        super().delete(*keys)
        raw_key = next((key for key in keys if key.endswith(f"{day(SOLO)}/a.txt")), None)
        if self.ingest and raw_key:
            meanwhile, self.ingest = self.ingest, None
            meanwhile(raw_key)


class IngestingSettings(Settings):
    """Settings of such a store."""

    def open_storage(self) -> ObjectStorage:
        storage = IngestingStorage(self.storage)
        plain = Settings(**self.model_dump())

        def ingest(raw_key: str) -> None:
            raw = plain.open_storage()
            raw.put(raw_key, f"{STUDENT.name}: {WORDS}\n{SECRET.title()} 1: And you?\n".encode())
            with opened(plain) as platform:
                platform.ingest()
            raw.delete(raw_key)

        storage.ingest = ingest
        return storage


@pytest.mark.slow
def test_what_a_run_stores_that_began_meanwhile_is_deleted_too(copied: Settings) -> None:
    with opened(copied) as platform:
        delete(IngestingSettings(**copied.model_dump()))
        see_that_all_is_well(platform)


@pytest.mark.slow
def test_it_waits_for_runs_that_would_store_the_student_again(copied: Settings) -> None:
    with opened(copied) as platform:
        platform.instance.create_run_for_job(
            dg.JobDefinition(name=ingest_transcripts.name, graph_def=dg.GraphDefinition("empty")),
            status=dg.DagsterRunStatus.STARTED,
            tags=process_tag(),
        )
        before = platform.versions("raw/5B/")
        batch = BatchResource(concurrency=10, ledger=copied.ledger)
        with pytest.raises(RetryLater, match="repeat the deletion"):
            delete_student(copied, ID, "ada", batch, wait_seconds=0)
        assert platform.versions("raw/5B/") == before


# Deletions that break off


Takes = Callable[[str], bool]
"""Whether a store takes a write to this key."""


def so_many(writes: int) -> Takes:
    left = iter(range(writes))
    return lambda _: next(left, None) is not None


def all_but_rosters(key: str) -> bool:
    return not is_roster(key)


class BrittleStorage(ObjectStorage):
    """A store that does not take every write."""

    takes: Takes

    def put(self, key: str, content: bytes) -> str:
        self._write(key)
        return super().put(key, content)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self._write(key)
        super().delete(*keys)

    def _write(self, key: str) -> None:
        if not self.takes(key):
            raise RetryLater("The store is gone.", FailureCategory.UNAVAILABLE)


class BrittleSettings(Settings):
    """Settings of such a store; runs have a whole one."""

    _storage: BrittleStorage = PrivateAttr()

    def open_storage(self) -> ObjectStorage:
        return self._storage

    @classmethod
    def of(cls, settings: Settings, takes: Takes) -> Self:
        made = cls(**settings.model_dump())
        made._storage = BrittleStorage(settings.storage)
        made._storage.takes = takes
        return made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which the class has been scored."""
    return prepare(tmp_path_factory.mktemp("prepared"), FORMATS)


def prepare(folder: Path, formats: Mapping[int, str]) -> Path:
    with opened(settings_in(folder)) as platform:
        put_class(platform, formats)
        platform.ingest()
        assert platform.published(STUDENTS)
    return folder


@pytest.fixture
def copied(prepared: Path, tmp_path: Path) -> Settings:
    """A store of one's own."""
    return copy_of(prepared, tmp_path / "copied")


def copy_of(prepared: Path, folder: Path) -> Settings:
    shutil.copytree(prepared, folder)
    return settings_in(folder)


def see_that_all_is_well(platform: ClassPlatform) -> None:
    """The student is gone, and whatever is left of the class is scored, published and shown."""
    left = texts(platform.settings)
    assert traces(left) - {("published.sqlite", TRACES[-1])} == set()
    records = platform.records
    present = sessions_in(records.storage)
    assert records.without_receipt(present) == []
    assert platform.statuses().keys() == {one.key for one in present}
    assert platform.run("refresh_classes").success
    of_class = records.classes()["5B"]
    assert not of_class.unpublished
    assert {row.key for row in of_class.rows} | of_class.failures.keys() == {
        one.key for one in present
    }
    assert platform.page(class_page_key("5B"))


@pytest.mark.parametrize("takes", [so_many(12), all_but_rosters])
@pytest.mark.slow
def test_a_deletion_that_broke_off_is_repeated_to_its_end(copied: Settings, takes: Takes) -> None:
    assert breaks_off(copied, takes)
    with opened(copied) as platform:
        delete(copied)
        see_that_all_is_well(platform)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_deletion_that_broke_off_anywhere_is_repeated_to_its_end(tmp_path: Path) -> None:
    # Sessions of other formats break off at the same places.
    prepared = prepare(tmp_path / "prepared", {0: "txt"})
    ended_well: list[Erased] = []
    for writes in count():
        settings = copy_of(prepared, tmp_path / str(writes))
        if not breaks_off(settings, so_many(writes)):
            break
        # Rosters are the last to go; how it goes on from there depends on what is left only.
        assert breaks_off(settings, all_but_rosters)
        with opened(settings) as platform:
            erased = Erased.of(platform)
            if erased not in ended_well:
                delete(settings)
                see_that_all_is_well(platform)
                ended_well.append(erased)
    assert writes > 12
    assert len(ended_well) < writes


@dataclass(frozen=True)
class Erased:
    """What a deletion has left when only the rosters are to go."""

    objects: dict[str, bytes]
    uploads: set[tuple[str, str]]
    """Keys and statuses."""
    partitions: set[str]
    published: dict[str, list[str]]

    @classmethod
    def of(cls, platform: ClassPlatform) -> Self:
        storage = platform.storage
        folders = ("raw/", "normalized/", "scores/", "aggregates/", "data/", "rejected/")
        return cls(
            {one.key: storage.get(one.key) for each in folders for one in storage.list(each)},
            {(one.key, one.status) for one in platform.records.uploads()},
            set(platform.statuses()),
            {
                name: rows
                for name, rows in rows_of_database(platform.settings).items()
                if name in {"students", "assessments", "evidence", "corrections"}
            },
        )


def breaks_off(settings: Settings, takes: Takes) -> bool:
    """Delete the student; whether the store ended that."""
    with opened(settings):
        try:
            delete(BrittleSettings.of(settings, takes))
        except RetryLater:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("table", ["students", "deletion_log"])
def test_a_database_that_breaks_off_leaves_the_deletion_to_be_repeated(
    copied: Settings, table: str
) -> None:
    event = "DELETE" if table == "students" else "INSERT"
    with opened(copied) as platform:
        with closing(sqlite3.connect(database_file(copied))) as database:
            database.execute(
                f"CREATE TRIGGER breaking BEFORE {event} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        with pytest.raises(OrfBooksError):
            delete(copied)
        assert platform.published(DELETION_LOG) == []
        with closing(sqlite3.connect(database_file(copied))) as database:
            database.execute("DROP TRIGGER breaking")
        delete(copied)
        see_that_all_is_well(platform)


@pytest.mark.slow
def test_the_last_student_of_a_class_can_be_deleted_and_others_after_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    lonely = InventedClass("1A", (STUDENT,), 0)
    with opened(settings) as platform:
        key = f"raw/1A/{MONDAY}/a.txt"
        platform.storage.put(
            roster_key("1A"),
            json.dumps(
                [{"student_id": ID, "names": [lonely.students[0].name], "consent": True}]
            ).encode(),
        )
        platform.storage.put(key, f"{STUDENT.name}: {WORDS}\nTeacher: Well done.\n".encode())
        put_others(platform)
        assert platform.ingest().success
        delete(settings)
        assert traces(texts(settings)) - {("published.sqlite", TRACES[-1])} == set()
        delete(settings, OTHER.students[0].student_id)
