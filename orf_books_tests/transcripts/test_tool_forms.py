"""What further tools write is the same session, and protects the same children."""

import pytest

from orf_books.transcripts.erasure import erase_from_session, mentions_student
from orf_books.transcripts.normalised import write_normalised
from orf_books.transcripts.parsing import ReadSession
from orf_books.transcripts.roster import Roster
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.submission import TranscriptFormat
from orf_books_tests.transcripts.forms import Line
from orf_books_tests.transcripts.sessions import EMMA, ENTRIES, LIAM, ZORA, read, roster
from orf_books_tests.transcripts.test_forms import SECRETS, SESSION, WITH_OTHERS, said
from orf_books_tests.transcripts.tool_forms import NUMBERED, TOOL_FORMS

FORM = pytest.mark.parametrize("name", [*TOOL_FORMS, *NUMBERED])
PEOPLE = ("Ms. Rivera", "Emma Johnson", "Liam O'Brien", "Zora Quill", "Noah R.")


def label_in(name: str, label: str) -> str:
    """What somebody is called in a form."""
    if name not in NUMBERED or label not in PEOPLE:
        return label
    number = PEOPLE.index(label)
    return NUMBERED[name][0].format(number, letter="ABCDE"[number])


def write(name: str, lines: list[Line]) -> bytes:
    form = NUMBERED[name][1] if name in NUMBERED else TOOL_FORMS[name]
    written = form([(label_in(name, label), text) for label, text in lines])
    return written if isinstance(written, bytes) else written.encode()


def people(name: str) -> Roster:
    """The small class, with aliases where speakers are numbered."""
    return roster(
        *(
            entry | {"aliases": [*entry.get("aliases", ()), label_in(name, entry["names"][0])]}
            for entry in ENTRIES
        )
    )


def heard(name: str, content: bytes) -> ReadSession:
    return read(content, name.rpartition(".")[2], people(name))


def plain(lines: list[Line]) -> list[tuple[str, str | None, str]]:
    return said(read("".join(f"{label}: {text}\n" for label, text in lines)))


@FORM
def test_the_same_session_is_the_same_from_every_tool(name: str) -> None:
    content = write(name, SESSION)
    session = heard(name, content)

    assert said(session) == plain(SESSION)
    assert session.student_ids == (EMMA, LIAM)
    times = [one.timestamp for one in session.session.utterances if one.text]
    assert all(times) or not any(times)
    source = SourceText(content, session.session.format)
    assert all(source.span(one, 0, len(one.text)) == one.text for one in session.session.utterances)


@FORM
def test_no_tool_writes_words_of_a_child_without_consent_into_the_store(name: str) -> None:
    session = heard(name, write(name, WITH_OTHERS))

    assert said(session) == plain(SESSION)
    kept = write_normalised(session).decode()
    assert not [secret for secret in (*SECRETS, "Noah", "Zora") if secret in kept]


@FORM
@pytest.mark.parametrize("student", [EMMA, ZORA])
def test_a_deleted_student_is_in_no_tools_file_any_more(name: str, student: str) -> None:
    extension = TranscriptFormat(name.rpartition(".")[2])
    content, words = write(name, WITH_OTHERS), {EMMA: "deep breath", ZORA: "quokka"}[student]

    after = erase_from_session(content, extension, people(name), student)

    assert words not in after.decode()
    assert not mentions_student(after, people(name), student)
    left = [one for one in said(heard(name, content)) if one[1] != student]
    assert [one[2] for one in said(heard(name, after)) if one[1] == LIAM] == [
        text for _, who, text in left if who == LIAM
    ]
