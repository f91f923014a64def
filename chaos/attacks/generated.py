"""Thousands of generated files: exports, records of activities with their sound, transcripts.

Half of them are right and odd, the others are damaged. Lost is a row, a book or a turn of a right
file that is neither read nor accounted for; wrong is any other error than a refusal with a reason,
and anything that a damaged file brings in which it does not hold.
"""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from functools import partial
from random import Random
from typing import Any

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from orf_books.activities.activity import read_activity
from orf_books.activities.audio import read_recording
from orf_books.books.exports.entries import Export, UnreadableExport
from orf_books.books.exports.reading import parse_export
from orf_books.failures import OrfBooksError
from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.transcripts.normalised import read_normalised, write_normalised
from orf_books.transcripts.parsing import read_session
from orf_books.transcripts.problems import UnusableTranscript
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.submission import metadata_of_key
from orf_books_tests.assets.activities.recorded_readings import record, wav
from orf_books_tests.conftest import export_of
from orf_books_tests.transcripts.forms import FORMS, write_form
from orf_books_tests.transcripts.sessions import key
from orf_books_tests.transcripts.test_broken_files import DAMAGES

MONDAY = date(2026, 3, 2)
MOST_ROWS = 12
MOST_LETTERS = 60
LETTERS = (
    *"abcdefghij KLMNOP 0123456789",
    *"\"',;:=+-@|<>&/\\%#{}[]()*?!~`^$_.",
    *"\n\t\r\v\f\x1b\x7f\x85\u2028\ufeff\u200b\u202e",
    *"äßçéñøłжшקעبपคあ漢字한🙂",
    *("é", "ﬁ", "İ", "👩‍👩‍👧", "<script>", "{{7*7}}", "\r\n", '"",""'),
)
_ANY_JSON: tuple[Any, ...] = (None, True, -1, 1e308, "", "x" * 10_000, [], {}, [[[]]], {"a": None})

Check = Callable[[Tally, Random, int], None]


def generated_files(check: Check, ground: Ground, tally: Tally, tries: int) -> None:
    """So many files, each judged by `check`; an error of any kind is wrong."""
    for number in ground.tries(tally, tries):
        try:
            check(tally, ground.random, number)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not a refusal
            tally.wrong.append(f"file {number}: {type(error).__name__}: {str(error)[:200]}")


def check_export(
    tally: Tally, random: Random, number: int, read: Callable[[bytes], Export] = parse_export
) -> None:
    """An export with odd titles, right or damaged."""
    header, *rows = csv.reader(io.StringIO(export_of(range(random.randint(1, MOST_ROWS))).decode()))
    for row in rows:
        row[header.index("Title")] = f"T{_odd_text(random)}"
        row[header.index("My Review")] = _odd_text(random)
    text = io.StringIO()
    end = random.choice(["\n", "\r\n"])
    # Python before 3.13 leaves a carriage return in a cell unquoted, unless the lines end with one.
    if end == "\n":
        writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(text)
    writer.writerows([header, *rows])
    encoding = random.choice(["utf-8", "utf-8-sig"])
    content = text.getvalue().encode(encoding)
    if is_damaged := number % 2 == 1:
        content = random.choice(DAMAGES)(content, random)
    try:
        export = read(content)
    except UnreadableExport as refusal:
        if not is_damaged:
            tally.lost.append(f"file {number} ({encoding}, {end!r}): {refusal}")
        return
    noted = len(export.entries) + len(export.refused) + len(export.duplicates)
    tally.check(holds=noted == export.rows, wrong=f"file {number}: {export.rows} rows, {noted}")
    if not is_damaged and export.rows != len(rows):
        tally.lost.append(f"file {number}: {len(rows)} rows, {export.rows} seen")
    if not is_damaged and export.refused:
        tally.lost.append(f"file {number}: {export.refused[0].reason}")


def check_activity(tally: Tally, random: Random, number: int) -> None:
    """A record of an activity and its sound, right or damaged."""
    known = record(f"id{_odd_text(random)}")
    sound = wav(number, seconds=0.2, rate=random.choice([8_000, 16_000, 44_100]))
    content = json.dumps(known, ensure_ascii=random.random() < 0.5).encode()
    if number % 2 == 0:
        activity = read_activity(content)
        if activity.activity_id != known["activityId"]:
            tally.lost.append(f"file {number}: another id")
        if not len(read_recording(sound).pcm):
            tally.lost.append(f"file {number}: no sound")
        return
    change_somewhere(known, random)
    damage: Callable[[bytes, Random], bytes] = random.choice([_unchanged, *DAMAGES[:-2]])
    for read, whole in (
        (read_activity, json.dumps(known).encode()),
        (read_recording, sound),
    ):
        try:
            read(damage(whole, random))
        except OrfBooksError as refusal:
            tally.check(holds=len(str(refusal)) < 2000, wrong=f"file {number}: a long message")


def check_transcript(tally: Tally, random: Random, number: int) -> None:
    """A class session in any form, right or damaged."""
    of = invented_class(f"{number}B", students=6, seed=number)
    name = sorted(FORMS)[number // 2 % len(FORMS)]
    turns = invented_session(of, MONDAY, 30).turns
    content = write_form(name, [(turn.label, turn.text) for turn in turns])
    if is_damaged := number % 2 == 1:
        content = random.choice(DAMAGES)(content, random)
    place = key(name.rpartition(".")[2])
    try:
        roster = read_roster(of.roster())
        session = read_session(content, place, metadata_of_key(place, "invented"), roster)
    except UnusableTranscript as refusal:
        if not is_damaged:
            tally.lost.append(f"file {number} ({name}): {refusal}")
        return
    unconsenting = {student.student_id for student in of.students if not student.consent}
    named = unconsenting & set(session.student_ids)
    tally.check(holds=not named, wrong=f"file {number} ({name}): someone who has not consented")
    same = read_normalised(write_normalised(session)) == session
    tally.check(holds=same, wrong=f"file {number} ({name}): reads otherwise once it is written")
    if not is_damaged and not session.session.utterances:
        tally.lost.append(f"file {number} ({name}): no utterance")


def _odd_text(random: Random) -> str:
    return "".join(random.choices(LETTERS, k=random.randint(1, MOST_LETTERS)))


def _unchanged(content: bytes, _random: Random) -> bytes:
    return content


def change_somewhere(document: dict[str, Any], random: Random) -> None:
    """Replace a value of a JSON document, at any depth, by one of another kind; or drop it."""
    place: dict[Any, Any] | list[Any] = document
    while True:
        name = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
        inner = place[name]
        if not (isinstance(inner, dict | list) and inner) or random.random() < 0.3:
            break
        place = inner
    if random.random() < 0.3:
        del place[name]
    else:
        place[name] = random.choice(_ANY_JSON)


ATTACKS = tuple(
    Attack(
        f"generated {what}", partial(generated_files, check), tries=1000, short_tries=100, share=0.5
    )
    for what, check in (
        ("exports", check_export),
        ("activities", check_activity),
        ("transcripts", check_transcript),
    )
)
