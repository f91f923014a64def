"""Files broken in every way we could think of, the same each time."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.sandbox.class_sessions import InventedClass, invented_class, invented_session
from orf_books.transcripts.normalised import read_normalised, write_normalised
from orf_books.transcripts.parsing import LARGEST_UNATTRIBUTED_SHARE, ReadSession, read_session
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.roster import Roster, read_roster
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.submission import metadata_of_key
from orf_books_tests.transcripts.sessions import FORMATS, key, read

pytestmark = pytest.mark.slow

FILES = 900
CLASS: InventedClass = invented_class("5B", students=6)

Damage = Callable[[bytes, Random], bytes]


def _cut(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _head_cut(content: bytes, chance: Random) -> bytes:
    return content[chance.randrange(len(content)) :]


def _bytes_inserted(content: bytes, chance: Random) -> bytes:
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(content))
        content = content[:at] + chance.randbytes(chance.randint(1, 8)) + content[at:]
    return content


def _marks_inserted(content: bytes, chance: Random) -> bytes:
    marks = [b'"', b",", b"\n", b"\r", b":", b"[", b"{", b"}", b"\\", b"\0", b'"\n"', b"\\ud800"]
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(content))
        content = content[:at] + chance.choice(marks) + content[at:]
    return content


def _bytes_flipped(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(128)
    return bytes(changed)


def _mark_removed(content: bytes, chance: Random) -> bytes:
    return content.replace(chance.choice([b'"', b":", b",", b"\n", b"{", b"]", b"speaker"]), b"")


def _lines_shuffled(content: bytes, chance: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _lines_doubled(content: bytes, chance: Random) -> bytes:
    return b"".join(
        line * chance.choice([1, 1, 2, 3]) for line in content.splitlines(keepends=True)
    )


def _lines_replaced(content: bytes, chance: Random) -> bytes:
    junk = [b"[1]\n", b"null\n", b"\n", b"x\n", b"a: b\n", b",,,\n", b'"\n', b"[00:00] : \n"]
    return b"".join(
        chance.choice(junk) if chance.random() < 0.15 else line
        for line in content.splitlines(keepends=True)
    )


def _recoded(content: bytes, chance: Random) -> bytes:
    encoding = chance.choice(["utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8-sig"])
    return content.decode(errors="replace").encode(encoding, errors="replace")


def _of_another_format(content: bytes, chance: Random) -> bytes:
    return invented_session(CLASS, date(2026, 3, 2), 30).write(chance.choice(FORMATS))


def _twice_broken(content: bytes, chance: Random) -> bytes:
    for damage in chance.sample(DAMAGES[:-1], 2):
        content = damage(content, chance) or b"\n"
    return content


DAMAGES: tuple[Damage, ...] = (
    _cut,
    _head_cut,
    _bytes_inserted,
    _marks_inserted,
    _bytes_flipped,
    _mark_removed,
    _lines_shuffled,
    _lines_doubled,
    _lines_replaced,
    _recoded,
    _of_another_format,
    _twice_broken,
)


@cache
def class_roster() -> Roster:
    return read_roster(CLASS.roster())


def broken_files(transcript_format: str) -> Iterator[bytes]:
    chance = Random(f"broken {transcript_format}")
    whole = invented_session(CLASS, date(2026, 3, 2), 30).write(transcript_format)
    for number in range(FILES // len(FORMATS)):
        yield DAMAGES[number % len(DAMAGES)](whole, chance)


def outcome(content: bytes, transcript_format: str) -> ReadSession | UnusableTranscript:
    place = key(transcript_format)
    try:
        return read_session(content, place, metadata_of_key(place, "invented"), class_roster())
    except UnusableTranscript as refused:
        return refused


def names() -> set[str]:
    return {name for student in CLASS.students for name in (student.first_name, student.last_name)}


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_broken_file_is_read_in_part_or_refused_with_a_reason(transcript_format: str) -> None:
    codes = set()
    sessions = 0
    for content in broken_files(transcript_format):
        result = outcome(content, transcript_format)
        if isinstance(result, UnusableTranscript):
            codes.add(result.code)
            assert re.fullmatch(r"[A-Z0-9].+\. .+\.", str(result)), "what is wrong, and a remedy"
            assert not any(name in f"{result} {result.warnings}" for name in names())
        else:
            sessions += 1
            _assert_sound(result, content)
    assert sessions > 50
    assert codes >= {ErrorCode.NOT_TEXT, ErrorCode.NO_UTTERANCES}


def _assert_sound(session: ReadSession, content: bytes) -> None:
    source = SourceText(content, session.session.format)
    for one in session.session.utterances:
        assert source.span(one, 0, len(one.text)) == one.text
    refused = {student.student_id for student in CLASS.students if not student.consent}
    assert not refused & set(session.student_ids)
    assert read_normalised(write_normalised(session)) == session


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode), st.sampled_from(FORMATS))
@settings(deadline=None, max_examples=300)
def test_arbitrary_bytes_are_refused(content: bytes, transcript_format: str) -> None:
    with pytest.raises(UnusableTranscript):
        read(content, transcript_format, None, LARGEST_UNATTRIBUTED_SHARE)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
records = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(["speaker", "text", "timestamp", "student_id"], json_values),
)


@given(st.lists(records | json_values, max_size=5))
@settings(deadline=None)
def test_any_json_becomes_utterances_or_warnings(lines: list[object]) -> None:
    good = {"speaker": "Emma Johnson", "text": "Hi."}
    session = read("\n".join(json.dumps(line) for line in [*lines, good]), "jsonl")
    unread = {warning.line for warning in session.warnings}
    heard = {one.line_number for one in session.session.utterances}
    assert heard | unread == set(range(1, len(lines) + 2))
