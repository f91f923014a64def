from dataclasses import replace

import pytest

from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.transcripts.parsing import ReadSession, read_session
from orf_books.transcripts.resolution import Resolution, resolve
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.scored_session import Evidence, ScoredSession
from orf_books.transcripts.scoring import score_session
from orf_books.transcripts.submission import metadata_of_key
from orf_books_tests.transcripts.scores import evidence, stored_scores, student
from orf_books_tests.transcripts.sessions import DAY, EMMA, FORMATS, key, read, write

SAID = [("Emma Johnson", "Well. How are you feeling?"), ("Liam O'Brien", "How are you feeling?")]


def scored(*found: Evidence) -> ScoredSession:
    skills = {found[0].skill: found}
    return stored_scores({EMMA: student(5.0, 0.5, skills)}, day=DAY).session


def at_line(session: ReadSession, line: int, start: int) -> Evidence:
    said = next(one for one in session.session.utterances if one.line_number == line)
    words = "How are you feeling"
    return replace(evidence(line, start, words), utterance_id=said.utterance_id)


def test_words_are_looked_up_where_they_are_said_to_stand() -> None:
    content = write(SAID, "txt")
    session = read(content)
    right = [at_line(session, 1, 6), at_line(session, 2, 0)]
    assert resolve(content, session.session, scored(*right)) == Resolution(2, 2)
    assert resolve(content, session.session, scored(*right)).is_complete


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_words_that_stand_elsewhere_do_not_resolve(transcript_format: str) -> None:
    content = write(SAID, transcript_format)
    session = read(content, transcript_format)
    first = session.session.utterances[0].line_number
    shifted, elsewhere = at_line(session, first, 5), at_line(session, first, 0)
    unknown = replace(at_line(session, first, 6), utterance_id="somebody else's")
    found = resolve(content, session.session, scored(shifted, elsewhere, unknown))
    assert found == Resolution(3, 0)
    assert not found.is_complete


def test_words_do_not_resolve_in_another_file() -> None:
    session = read(write(SAID, "txt"))
    other = write([("Emma Johnson", "Well. Who are you feeling?"), SAID[1]], "txt")
    found = scored(at_line(session, 1, 6), at_line(session, 2, 0))
    assert resolve(other, session.session, found) == Resolution(2, 1)


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_all_that_is_found_in_a_class_day_resolves(transcript_format: str) -> None:
    of_class, place = invented_class("5B", students=12), key(transcript_format)
    content = invented_session(of_class, DAY, 200).write(transcript_format)
    metadata = metadata_of_key(place, "invented")
    session = read_session(content, place, metadata, read_roster(of_class.roster())).session
    found = resolve(content, session, score_session(session))
    assert found.evidence > 20
    assert found.is_complete
