"""The same session in every form is the same session, and protects the same children."""

from functools import cache
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.transcripts.erasure import erase_from_session, mentions_student
from orf_books.transcripts.normalised import write_normalised
from orf_books.transcripts.parsing import ReadSession
from orf_books.transcripts.resolution import resolve
from orf_books.transcripts.score_document import write_scores
from orf_books.transcripts.scored_session import ScoredSession
from orf_books.transcripts.scoring import score_session
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.spoken import REMOVED
from orf_books.transcripts.submission import TranscriptFormat
from orf_books_tests.transcripts.forms import FORMS, Line, write_form
from orf_books_tests.transcripts.scores import stored_scores
from orf_books_tests.transcripts.sessions import EMMA, LIAM, ZORA, read, roster, warned

SESSION: list[Line] = [
    ("Ms. Rivera", "Let\u2019s look at the bridge project."),
    ("Emma Johnson", "Liam, do you want to take the towers while I do the deck?"),
    ("Liam O'Brien", "Sure, and I think we should use triangles because they don\u2019t bend."),
    ("Ms. Rivera", "Can you explain what you mean by bend?"),
    ("Liam O'Brien", "I mean a square can lean over, but a triangle keeps its shape."),
    ("Emma Johnson", "Oh, then I was wrong, let\u2019s change my plan & start again."),
    ("Liam O'Brien", "Don\u2019t worry about it, I know you worked hard on it."),
    ("Emma Johnson", "Thanks. I\u2019ll take a deep breath and start over."),
    ("Liam O'Brien", "We can split the sticks between the three of us."),
    ("Emma Johnson", "I could help you glue the deck together."),
]
SECRETS = ("quokka", "wombat", "numbat", "bandicoot")
WITH_OTHERS: list[Line] = [
    *SESSION[:3],
    ("Zora Quill", "I was so sad about the quokka at home."),
    *SESSION[3:5],
    ("Noah R.", "My dad yelled at me because of the wombat."),
    *SESSION[5:7],
    ("Student 3", "We did it together because we shared the numbat."),
    ("All", "Good morning, dear bandicoot!"),
    *SESSION[7:],
]
FORM = pytest.mark.parametrize("name", FORMS)


@cache
def session(name: str) -> ReadSession:
    return read(write_form(name, SESSION), name.rpartition(".")[2])


@cache
def with_others(name: str) -> ReadSession:
    return read(write_form(name, WITH_OTHERS), name.rpartition(".")[2])


def said(of: ReadSession) -> list[tuple[str, str | None, str]]:
    return [
        (one.speaker_id, one.student_id, " ".join(one.text.split()))
        for one in of.session.utterances
        if one.text
    ]


def scores(of: ReadSession) -> dict[str, object]:
    return {
        student: (
            one.words_spoken,
            one.utterance_count,
            [(score.score, score.confidence, len(score.evidence)) for score in one.skills.values()],
        )
        for student, one in scored(of).students.items()
    }


def scored(of: ReadSession) -> ScoredSession:
    return score_session(of.session)


@FORM
def test_the_same_session_is_the_same_in_every_form(name: str) -> None:
    assert [text for *_, text in said(session(name))] == [text for _, text in SESSION]
    assert said(session(name)) == said(session("plain.txt"))
    assert session(name).student_ids == (EMMA, LIAM)
    assert not {code for _, code in warned(session(name))} - {"missing_speaker", "missing_text"}


@FORM
def test_it_has_the_same_scores_with_evidence_that_is_found_again(name: str) -> None:
    assert scores(session(name)) == scores(session("plain.txt"))
    content = write_form(name, SESSION)
    found = resolve(content, session(name).session, scored(session(name)))
    assert found.evidence > 0
    assert found.is_complete
    source = SourceText(content, session(name).session.format)
    for one in session(name).session.utterances:
        assert source.span(one, 0, len(one.text)) == one.text


@FORM
def test_times_are_read_wherever_a_form_has_them(name: str) -> None:
    times = [one.timestamp for one in session(name).session.utterances]
    if any(times) and name not in ("meet.txt", "cut.vtt"):
        assert times == [f"00:00:{5 + number * 6:02}" for number in range(9)] + ["00:00:59"]


@FORM
def test_no_word_of_a_child_without_consent_or_off_the_roster_is_kept(name: str) -> None:
    heard = with_others(name)
    assert said(heard) == said(session("plain.txt"))
    assert (heard.without_consent, heard.unattributed) == (1, 3)
    assert {code for _, code in warned(heard)} >= {
        "label_not_on_roster",
        "unlinked_label",
        "group_label",
    }
    scored_session = scored(heard)
    kept = write_normalised(heard) + write_scores(
        stored_scores(dict(scored_session.students), day=heard.session.day)
    )
    assert not [secret for secret in (*SECRETS, "Noah", "Zora") if secret in kept.decode()]


@FORM
@pytest.mark.parametrize("student", [EMMA, ZORA])
def test_a_deleted_student_is_in_no_form_any_more(name: str, student: str) -> None:
    extension = TranscriptFormat(name.rpartition(".")[2])
    lines = [*WITH_OTHERS, ("Liam O'Brien", "Emma Johnson and Zora Quill are late.")]
    content = write_form(name, lines)

    after = erase_from_session(content, extension, roster(), student)

    assert not mentions_student(after, roster(), student)
    assert erase_from_session(after, extension, roster(), student) == after
    first, last = {EMMA: ("Emma", "Johnson"), ZORA: ("Zora", "Quill")}[student]
    before = words_by_speaker(read(content, extension))
    before.pop(student, None)
    left = {
        speaker: text.replace(f"{first} {last}", REMOVED).replace(first, REMOVED)
        for speaker, text in before.items()
    }
    assert words_by_speaker(read(after, extension)) == left


def words_by_speaker(of: ReadSession) -> dict[str, str]:
    words: dict[str, str] = {}
    for speaker, _, text in said(of):
        words[speaker] = f"{words.get(speaker, '')} {text}"
    return words


@FORM
def test_whose_words_are_whose_does_not_depend_on_the_names_of_files(name: str) -> None:
    content = write_form(name, SESSION)
    for extension in ("txt", "vtt", "docx"):
        assert said(read(content, extension)) == said(session(name))


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(("plain.txt", "table.csv", "zoom.vtt", "lines.jsonl", "table.xlsx")),
    most_words=st.lists(st.integers(1, 12), min_size=1, max_size=8),
)
def test_splitting_a_turn_elsewhere_changes_nothing_that_is_scored(
    name: str, most_words: list[int]
) -> None:
    pieces: list[Line] = []
    sizes = cycle(most_words)
    for label, text in SESSION:
        words = text.split()
        while words:
            size = next(sizes)
            pieces.append((label, " ".join(words[:size])))
            words = words[size:]

    cut = read(write_form(name, pieces), name.rpartition(".")[2])

    assert judged(cut) == judged(session("plain.txt"))


def judged(of: ReadSession) -> list[tuple[object, ...]]:
    """All of its utterances that detection and scores depend on."""
    return [
        (one.speaker_id, one.speaker_role, one.student_id, one.text, one.lang, one.warnings)
        for one in of.session.utterances
    ]


def test_speech_recognisers_speakers_are_linked_by_aliases() -> None:
    numbered = {
        "Ms. Rivera": "SPEAKER_00",
        "Emma Johnson": "SPEAKER_01",
        "Liam O'Brien": "SPEAKER_02",
    }
    lines = [(numbered[label], text) for label, text in SESSION]
    people = roster(
        {"student_id": EMMA, "names": ["Emma Johnson"], "aliases": ["SPEAKER_01"], "consent": True},
        {"student_id": LIAM, "names": ["Liam O'Brien"], "aliases": ["SPEAKER_02"], "consent": True},
        {"names": ["Ms. Rivera"], "aliases": ["SPEAKER_00"], "role": "teacher"},
    )
    for name in FORMS:
        heard = read(write_form(name, lines), name.rpartition(".")[2], people)
        assert said(heard) == said(session("plain.txt"))


def test_a_time_that_cannot_be_read_costs_the_time() -> None:
    content = write_form("zoom.vtt", SESSION).replace(b"00:00:11.790 -->", b"00:xx:11 -->")
    heard = read(content, "vtt")
    assert said(heard) == said(session("plain.txt"))
    assert {code for _, code in warned(heard)} == {"bad_timestamp"}
