"""No name and no word of a child gets anywhere it does not belong, whatever goes wrong.

A class whose names and words occur nowhere else is read, refused, scored, published and shown, with
every fault that we could think of. Then all that was left and told is searched for them.
"""

import json
import logging
import os
import sqlite3
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import stamina

from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS
from orf_books.cli import main
from orf_books.failures import FailureCategory, RetryLater
from orf_books.instance import open_instance
from orf_books.object_keys import roster_key, session_metadata_key
from orf_books.partition_keys import session_key
from orf_books.records.sessions import SessionRecords
from orf_books.resources.dagster_resources import (
    DatabaseResource,
    StorageResource,
    UploadQueueResource,
)
from orf_books.resources.database import Database, Published
from orf_books.resources.process_resource import ProcessResource
from orf_books.resources.storage import ObjectStorage
from orf_books.sensors import new_class_transcripts, unpublished_scores
from orf_books.settings import Settings
from orf_books.transcripts.problems import ErrorCode, WarningCode
from orf_books.transcripts.scored_session import StoredScores
from orf_books.transcripts.submission import MAX_BYTES
from orf_books_tests.assets.transcripts.class_platform import NOBODY_THERE, ClassPlatform
from orf_books_tests.conftest import variables_of

pytestmark = pytest.mark.slow

MONDAY = date(2026, 1, 5)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 3))
ZYQORA, QWILBERT, JEXABEL, BORVANIA, YVRODANE = (
    f"{digit}aaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" for digit in "12345"
)
STUDENTS: dict[str, dict[str, Any]] = {
    ZYQORA: {"names": ["Zyqora Vimpletop"], "aliases": ["Zyqqie"], "consent": True},
    QWILBERT: {"names": ["Qwilbert Frosnax"], "consent": True},
    JEXABEL: {"names": ["Jexabel Thrundelow"], "aliases": ["Mabbelix"], "consent": True},
    BORVANIA: {"names": ["Borvania Skelquist"], "aliases": ["Mabbelix"], "consent": True},
    YVRODANE: {"names": ["Yvrodane Plemmix"]},
}
TEACHER = "Mx. Ozwirth Krindlebop"
STRANGER = "Grizzeldune Nopworthy"
NAMES = (
    *("zyqora", "vimpletop", "zyqqie", "qwilbert", "frosnax", "jexabel", "thrundelow"),
    *("mabbelix", "borvania", "skelquist", "yvrodane", "plemmix", "ozwirth", "krindlebop"),
    *("grizzeldune", "nopworthy"),
)
FILE = "Zyqora_Vimpletop"
"""What people name a file."""

WORDS = tuple(f"{start}{end}" for start in ("brumvl", "quaddl", "snorvf") for end in "abcdefghijkl")
"""One for each thing that is said; none is a word of anybody else."""


def said(number: int) -> str:
    """Something that shows two skills, one that pages quote and one whose finding is a sentence."""
    word = WORDS[number]
    return f"Do you want to do the {word} with me? What do you mean by the {word} of Zyqora?"


def turn(label: str, number: int, **others: object) -> str:
    return json.dumps({"speaker": label, "text": said(number), **others})


TXT = f"""{WORDS[0]} is what nobody said
[09:00:00] Zyqora Vimpletop: {said(1)}
[09:00:05] Qwilbert Frosnax: {said(2)}
[08:00:00] Jexabel Thrundelow: {said(3)}
[08:00:00] Jexabel Thrundelow: {said(3)}
[99:00:00] Borvania Skelquist: {said(4)}
[09:00:10] Mabbelix: {said(5)}
[09:00:11] Student Q: {said(6)}
[09:00:12] {STRANGER}: {said(7)}
[09:00:12] Qwilbert Frosnax and Jexabel Thrundelow: {said(7)}
[09:00:13] Yvrodane Plemmix: {said(8)}
[09:00:14] {TEACHER}: {said(9)}
[09:00:15] Zyqqie: Creo que el {WORDS[10]} es muy importante para nosotros y para los demás.
"""
CSV = f"""Speaker,Text,Student_ID
Zyqora Vimpletop,{said(11)},{ZYQORA}
Zyqora Vimpletop,{said(12)},{QWILBERT}
Qwilbert Frosnax,{said(13)},9aaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee
Qwilbert Frosnax,{said(14)},{QWILBERT},Vimpletop
Qwilbert Frosnax {WORDS[15]}
Qwilbert "Frosnax" "{WORDS[16]}"x,"a"b,
"""
VTT = f"""WEBVTT - {FILE}

1
00:00:05.000 --> 00:00:09.000
<v Zyqora Vimpletop>{said(1)}</v>

2
00:00:09.000 --> 00:00:xx
<v {STRANGER}>{said(7)}</v> <v Yvrodane Plemmix>{said(8)}</v>
"""
JSONL = "\n".join(
    [
        turn("Zyqora Vimpletop", 17),
        turn("Jexabel Thrundelow", 18, student_id=JEXABEL),
        f'{{"speaker": "Zyqora {WORDS[19]}',
        json.dumps(["Zyqora", WORDS[20]]),
        json.dumps({"speaker": "Qwilbert Frosnax", "note": WORDS[21]}),
        json.dumps({"speaker": "Qwilbert Frosnax", "text": f"{WORDS[22]}\0"}),
        turn("", 23),
    ]
)
STRANGERS = "".join(f'"{STRANGER} {word}","{word}"\n' for word in WORDS[24:28])


# Searching


def traces(told: Mapping[str, str], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """In which place stands which secret, in upper or lower case."""
    lowered = {place: text.lower() for place, text in told.items()}
    return [
        (place, secret) for secret in secrets for place, text in lowered.items() if secret in text
    ]


def files_below(folder: Path, *but: str) -> dict[str, str]:
    """By path, its own text and that of the file; files of rows are unpacked, too."""
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: f"{name}\n{path.read_bytes().decode(errors='replace')}\n{_rows(path)}"
        for name, path in paths.items()
        if not name.startswith(but)
    }


def _rows(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PAR1"):
        return str(pl.read_parquet(path).to_dicts())
    if start.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database:
            return "\n".join(database.iterdump())
    return ""


class Listener(logging.Handler):
    """Keeps all that is logged, with the text of exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += [self.format(record), repr(record.args)]


# Faults


class BrokenStorage(ObjectStorage):
    """A store that breaks on what it is given, and says what that was."""

    fault: str

    def get(self, key: str) -> bytes:
        if self.fault == "raw files" and FILE in key:
            raise RetryLater(
                f"The object store did not answer for {key!r}.", FailureCategory.UNAVAILABLE
            ) from OSError(key)
        return super().get(key)

    def put(self, key: str, content: bytes) -> str:
        if key.startswith(self.fault):
            raise ValueError(content.decode())
        return super().put(key, content)


class BrokenStorageResource(StorageResource):
    """Access to such a store."""

    fault: str
    """`raw files`, or the prefix of keys that cannot be written."""

    def open(self) -> ObjectStorage:
        storage = BrokenStorage(self.url)
        storage.fault = self.fault
        return storage


class BrokenDatabase(Database):
    """A database that breaks on what it is given, and says what that was."""

    def publish(self, sessions: Collection[StoredScores], *_: object) -> Published:
        raise ValueError(str([one.session.students for one in sessions]), WORDS)


class BrokenDatabaseResource(DatabaseResource):
    """Access to such a database."""

    def open(self) -> Database:
        return BrokenDatabase("sqlite:///nowhere/file")


QUOTING = """
CREATE TRIGGER quoting BEFORE INSERT ON evidence BEGIN
  SELECT RAISE(ABORT, 'refused: Zyqora said brumvlb');
END
"""
"""Makes a database quote what it refuses."""


@dataclass
class Story:
    """A store, a Dagster home, and all that was told on the way."""

    folder: Path
    settings: Settings
    listener: Listener = field(default_factory=Listener)
    noted: list[str] = field(default_factory=list)
    """Of runs and ticks."""
    statuses: list[int] = field(default_factory=list)
    """Exit statuses of commands."""
    codes: set[str] = field(default_factory=set)
    """Why files were refused."""
    warnings: set[str] = field(default_factory=set)

    @property
    def storage(self) -> ObjectStorage:
        return self.settings.open_storage()

    @property
    def records(self) -> SessionRecords:
        return SessionRecords(self.storage)

    def put(self, content: str | bytes, day: date, name: str, class_id: str = "5B") -> str:
        """Put a raw file; its partition."""
        key = f"raw/{class_id}/{day}/{name}"
        self.storage.put(key, content.encode() if isinstance(content, str) else content)
        return session_key(class_id, day, key)

    def put_roster(self, class_id: str = "5B") -> None:
        people = [{"student_id": one, **entry} for one, entry in STUDENTS.items()]
        staff = {"names": [TEACHER], "role": "teacher"}
        self.storage.put(roster_key(class_id), json.dumps([*people, staff]).encode())

    def command(self, *arguments: str) -> int:
        """Call the command line; its exit status."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["orf-books", *arguments])
            with pytest.raises(SystemExit) as end:
                main()
        self.noted += [str(end.value), repr(end.value.__context__)]
        self.statuses.append(int(end.value.code or 0))
        return self.statuses[-1]

    @contextmanager
    def platform(
        self, settings: Settings | None = None, **overrides: ProcessResource
    ) -> Iterator[ClassPlatform]:
        """The platform over the store; all that its runs tell is noted."""
        with open_instance(self.settings) as instance:
            yield ClassPlatform(settings or self.settings, instance, overrides)

    def note_runs(self) -> None:
        """Note all that Dagster shows of runs."""
        with open_instance(self.settings) as instance:
            self.noted += map(str, instance.get_dynamic_partitions("sessions"))
            for run in instance.get_runs():
                self.noted += [str(run), str(run.tags), str(run.run_config)]
                self.noted += [str(record) for record in instance.all_logs(run.run_id)]

    def told(self) -> dict[str, str]:
        """All in which there must be nothing, by where it is."""
        but = ("raw/", "normalized/", "scores/", "data/classes/", "published.sqlite")
        return {
            **files_below(self.folder / "store", *but),
            **files_below(self.folder / "beside"),
            "names of objects": "\n".join(
                one.key for one in self.storage.list("") if not one.key.startswith("raw/")
            ),
            "logged": "\n".join(self.listener.heard),
            "noted": "\n".join(self.noted),
        }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    settings = Settings(
        storage=str(folder / "store"),
        transcript_warned_share=0.99,
        ledger=f"sqlite:///{folder / 'beside' / 'ledger.sqlite'}",
    )
    (folder / "beside").mkdir()
    told = Story(folder, settings)
    logger = logging.getLogger()
    level = logger.level
    with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=2):
        patch.chdir(folder)
        for name in os.environ:
            if name.startswith(("ORF_BOOKS_", "DAGSTER_HOME")):
                patch.delenv(name)
        patch.setenv("DAGSTER_HOME", str(folder / "store" / "dagster"))
        for name, value in variables_of(settings).items():
            patch.setenv(name, value)
        logger.addHandler(told.listener)
        logger.setLevel(logging.DEBUG)
        try:
            with printing_to(folder / "beside" / "printed"):
                _tell(told)
        finally:
            logger.removeHandler(told.listener)
            logger.setLevel(level)
        yield told


@contextmanager
def printing_to(file: Path) -> Iterator[None]:
    """Keep all that is printed, also by what is no Python."""
    with file.open("w") as printed, redirect_stdout(printed), redirect_stderr(printed):
        before = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        for descriptor in before:
            os.dup2(printed.fileno(), descriptor)
        try:
            yield
        finally:
            for descriptor, own in before.items():
                os.dup2(own, descriptor)
                os.close(own)


def _tell(story: Story) -> None:
    _warnings_of_every_kind(story)
    _files_refused_with_every_code(story)
    _faults(story)
    _ticks(story)
    _commands(story)
    story.note_runs()


def _warnings_of_every_kind(story: Story) -> None:
    story.put_roster()
    keys = [
        story.put(TXT, MONDAY, f"{FILE}.txt"),
        story.put(CSV, TUESDAY, f"{FILE}.csv"),
        story.put(JSONL, WEDNESDAY, f"{FILE}.jsonl"),
        story.put(VTT, THURSDAY, f"{FILE}.vtt"),
    ]
    with story.platform() as platform:
        assert platform.ingest().success
        platform.backfill(keys[0])
    for row in story.records.latest(keys).values():
        story.warnings |= json.loads(row.warnings_by_code).keys()


def _files_refused_with_every_code(story: Story) -> None:
    for class_id in ("6A", "6B", "6C", "6D"):
        story.put_roster(class_id)
    story.storage.put(f"raw/6A/Vimpletop/{FILE}.txt", TXT.encode())
    story.storage.put(f"raw/6A/{MONDAY}/{FILE}.pdf", TXT.encode())
    gone = story.put(TXT, MONDAY, f"{FILE}.txt", "6A")
    story.put(b"", TUESDAY, f"{FILE}.txt", "6A")
    story.put(b"PK\x03\x04" + TXT.encode(), WEDNESDAY, f"{FILE}.txt", "6A")
    story.put(f"Zyqora;{WORDS[28]}\n", THURSDAY, f"{FILE}.csv", "6A")
    story.put(f"Once Zyqora met a {WORDS[29]}.\n", MONDAY, f"{FILE}.txt", "6B")
    story.put(f"speaker,text\n{STRANGERS}", TUESDAY, f"{FILE}.csv", "6B")
    for day, declared in (
        (MONDAY, {"class_id": "Zyqora", "source": WORDS[30]}),
        (TUESDAY, {"date": "Vimpletop", "source": "Zyqora" * 20, "format": WORDS[31]}),
    ):
        story.put(TXT, day, f"{FILE}.txt", "6C")
        document = {"class_id": "6C", "date": str(day), "format": "txt", "source": "Zoom"}
        story.storage.put(
            session_metadata_key(f"raw/6C/{day}/{FILE}.txt"),
            json.dumps(document | declared).encode(),
        )
    story.put(TXT, MONDAY, f"{FILE}.txt", "6D")
    with Path(story.storage.location(f"raw/6D/{MONDAY}/{FILE}.txt")).open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    for class_id, roster in (
        ("7A", f'[{{"names": ["Zyqora", {WORDS[32]}'),
        ("7B", '[{"names": ["Zyqora"], "student_id": "Vimpletop", "role": "Frosnax"}]'),
        ("7C", f'{{"Zyqora": "{WORDS[32]}"}}'),
    ):
        story.put(TXT, MONDAY, f"{FILE}.txt", class_id)
        story.storage.put(roster_key(class_id), roster.encode())
    with story.platform() as platform:
        assert not platform.ingest().success
        story.storage.delete(f"raw/6A/{MONDAY}/{FILE}.txt")
        assert not platform.backfill(gone).success
    story.codes |= {str(one.code) for one in story.records.standing_failures().values()}
    for stored in story.storage.list("rejected/"):
        story.codes.add(json.loads(story.storage.get(stored.key))["code"])


def _faults(story: Story) -> None:
    """Break whatever is given names and words, each time after something new was said."""
    for number, fault in enumerate(("raw files", "normalized/", "aggregates/", "data/classes/")):
        story.put(TXT + f"Zyqora: {said(33)}\n" * number, MONDAY, f"{FILE}.txt")
        storage = BrokenStorageResource(url=story.settings.storage, fault=fault)
        with story.platform(storage=storage) as platform:
            assert not platform.ingest().success
    story.put(TXT + f"Zyqora: {said(34)}\n", MONDAY, f"{FILE}.txt")
    unreachable = story.settings.model_copy(update={"database_url": NOBODY_THERE})
    with story.platform(unreachable) as platform:
        platform.ingest()
    assert {one.category for one in story.records.publications()} >= {"unavailable"}
    with story.platform(database=BrokenDatabaseResource(url="sqlite:///nowhere/file")) as platform:
        assert not platform.run("refresh_classes").success
    with closing(sqlite3.connect(story.storage.location("published.sqlite"))) as database:
        database.execute(QUOTING)
        with story.platform() as platform:
            assert platform.run("refresh_classes").success
        assert {one.category for one in story.records.publications()} >= {"bad_data"}
        database.execute("DROP TRIGGER quoting")


def _ticks(story: Story) -> None:
    story.put(TXT + f"Zyqora: {said(35)}", MONDAY, f"{FILE}.txt")
    storage = StorageResource(url=story.settings.storage)
    resources = {"storage": storage, "upload_queue": UploadQueueResource(storage=storage)}
    with open_instance(story.settings) as instance:
        context = dg.build_sensor_context(instance=instance, resources=resources)
        result = new_class_transcripts(context)
        assert isinstance(result, dg.SensorResult)
        (request,) = result.run_requests or []
        story.noted += [str(result), str(request), str(result.cursor), str(context.cursor)]
        story.noted.append(str(unpublished_scores(context)))
        with story.platform() as platform:
            platform.run("ingest_transcripts", request.run_config)


def _commands(story: Story) -> None:
    own = story.folder / "Vimpletop"
    own.mkdir()
    (own / "roster.json").write_bytes(story.storage.get(roster_key("5B")))
    (own / f"{FILE}.txt").write_text(TXT)
    (own / f"{FILE}.csv").write_text(f"Zyqora;{WORDS[0]}\n")
    (own / "Frosnax.pdf").write_text(TXT)
    raw, place = f"raw/5B/{MONDAY}/{FILE}.txt", ("--class", "5B", "--date", str(THURSDAY))
    finding = ("--student", JEXABEL, "--line", "999", "--skill", "empathy")
    run, retry = ("run", "transcripts", "Vimpletop", *place), ("retry", "transcripts")
    calls = (
        ("upload", "transcripts", f"Vimpletop/{FILE}.txt", *place),
        ("status",),
        ("status", raw),
        ("status", session_key("5B", MONDAY, raw)),
        ("status", f"raw/6A/{WEDNESDAY}/{FILE}.txt"),
        ("status", f"raw/6A/Vimpletop/{FILE}.txt"),
        ("status", f"raw/5B/{THURSDAY}/{FILE}.txt"),
        ("run", "transcripts", "Vimpletop", "--class", "../x", "--date", "yesterday"),
        ("run", "transcripts", "Vimpletop/Frosnax.pdf", *place),
        ("run", "transcripts", "Vimpletop", "--roster", f"Vimpletop/{FILE}.csv", *place),
        ("evaluate", "transcripts", f"Vimpletop/{FILE}.txt"),
        ("show", "class", "5B", "--purpose", "a test"),
        ("correct", f"Vimpletop/{FILE}.csv"),
        ("correct", *place[:2], "--session", str(MONDAY), *finding, "--by", "a test"),
    )
    for arguments in (run, retry, *calls):
        story.command(*arguments)
    for arguments in calls:
        story.command(*arguments, "--json")


# Nothing is found


def test_whatever_can_be_wrong_with_a_file_was_wrong(story: Story) -> None:
    assert story.warnings == set(WarningCode)
    assert story.codes >= set(ErrorCode)
    assert set(story.statuses) == {0, 1, 2}


def test_words_and_names_are_where_they_belong(story: Story) -> None:
    stored = files_below(story.folder / "store" / "scores")
    assert traces(stored, WORDS)
    pages = files_below(story.folder / "store" / "data" / "classes")
    assert traces(pages, WORDS)


def test_neither_names_nor_words_are_told_or_left_anywhere_else(story: Story) -> None:
    told = story.told()
    assert len(told) > 50
    assert "sessions processed" in told["printed"]
    assert "met a defect, ValueError" in told["logged"]
    assert "ingest_transcripts" in told["noted"]
    assert traces(told, (*NAMES, *WORDS)) == []


def test_pages_hold_no_name_and_those_of_classes_no_word(story: Story) -> None:
    pages = files_below(story.folder / "store" / "data" / "classes")
    assert traces(pages, NAMES) == []
    of_classes = {name: text for name, text in pages.items() if "/" not in name}
    assert "5B.html" in of_classes
    assert traces(of_classes, WORDS) == []


def test_published_tables_hold_words_as_evidence_and_nowhere_else(story: Story) -> None:
    with closing(sqlite3.connect(story.folder / "store" / "published.sqlite")) as database:
        rows = {"evidence": "", "other tables": ""}
        for row in database.iterdump():
            is_evidence = row.startswith('INSERT INTO "evidence"')
            rows["evidence" if is_evidence else "other tables"] += row.lower()
    assert traces({"other tables": rows["other tables"]}, (*NAMES, *WORDS)) == []
    assert traces({"evidence": rows["evidence"]}, WORDS)


def test_tables_of_the_store_hold_no_student(story: Story) -> None:
    tables = files_below(story.folder / "store" / "tables")
    assert traces(tables, [SCORED_TRANSCRIPTS.to_user_string(), "5b/2026-01-05"])
    assert traces(tables, STUDENTS) == []


@pytest.mark.parametrize("place", ["parquet", "sqlite", "json", "log", "key"])
def test_the_search_finds_what_is_planted(tmp_path: Path, place: str) -> None:
    secret, listener = NAMES[0], Listener()
    match place:
        case "parquet":
            pl.DataFrame({"message": ["Zyqora " * 50]}).write_parquet(
                tmp_path / "part.parquet", compression="zstd"
            )
        case "sqlite":
            with closing(sqlite3.connect(tmp_path / "history.db")) as database:
                database.execute("CREATE TABLE events (event TEXT)")
                database.execute("INSERT INTO events VALUES (?)", ["Zyqora"])
                database.commit()
        case "json":
            (tmp_path / "reason.json").write_text('{"problem": "Zyqora"}')
        case "log":
            record = logging.makeLogRecord({"msg": "Failed", "exc_info": _raised("Zyqora")})
            listener.handle(record)
        case "key":
            (tmp_path / "Zyqora.json").touch()
    told = {**files_below(tmp_path), "logged": "\n".join(listener.heard)}
    assert [found for _, found in traces(told, NAMES)] == [secret]


def _raised(text: str) -> Any:  # noqa: ANN401 - as logging takes it
    try:
        int(text)
    except ValueError:
        return sys.exc_info()
