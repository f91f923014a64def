"""Lessons as they come: odd labels among the usual ones, and damaged files of every form."""

import re
from datetime import date, timedelta
from itertools import cycle, product
from random import Random

import pytest

from orf_books.sandbox.class_sessions import InventedClass, invented_class, invented_session
from orf_books.transcripts.normalised import read_normalised, write_normalised
from orf_books.transcripts.parsing import read_session
from orf_books.transcripts.problems import UnusableTranscript, causes_of
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.submission import metadata_of_key
from orf_books_tests.transcripts.forms import FORMS, Line, write_form
from orf_books_tests.transcripts.sessions import key
from orf_books_tests.transcripts.test_broken_files import CLASS, DAMAGES, class_roster, names

LESSONS, TURNS = 20, 400
MONDAY = date(2026, 3, 2)
ODD = {
    "S": "unlinked_label",
    "SS": "group_label",
    "Student 3": "unlinked_label",
    "SPEAKER_02": "unlinked_label",
    "Guest 2": "unlinked_label",
    "All": "group_label",
    "Class": "group_label",
    "Multiple students": "group_label",
    "Unknown": "group_label",
    "Noah R.": "label_not_on_roster",
    "Xu, Noah (he/him)": "label_not_on_roster",
    "NOAH": "label_not_on_roster",
    "iPad (Guest)": "label_not_on_roster",
}
SECRET = "My dad yelled about the quokka"
FILES_OF_EACH = 2


def spoken(of: InventedClass, number: int) -> list[Line]:
    """A lesson in which each tenth turn has an odd label."""
    turns = invented_session(of, MONDAY + timedelta(days=number), TURNS).turns
    odd = cycle(Random(number).sample(list(ODD), len(ODD)))
    return [
        (next(odd), f"{SECRET} {at} times today.") if at % 10 == 9 else (turn.label, turn.text)
        for at, turn in enumerate(turns)
    ]


@pytest.mark.parametrize("number", range(LESSONS))
def test_a_lesson_with_odd_labels_is_read_and_every_cause_named(number: int) -> None:
    of = invented_class(f"{number}B")
    lines, name = spoken(of, number), sorted(FORMS)[number * 2]
    place = f"raw/{of.class_id}/{MONDAY}/{name}"
    content = write_form(name, lines)

    session = read_session(
        content, place, metadata_of_key(place, "invented"), read_roster(of.roster())
    )

    codes = [warning.code.value for warning in session.warnings]
    for code in set(ODD.values()):
        expected = sum(ODD.get(label) == code for label, _ in lines)
        # Some of the invented labels are of nobody, too.
        assert expected <= codes.count(code) <= expected + TURNS // 20
        assert re.search(
            rf"{codes.count(code)} with [^;]+ \(lines? \d+", causes_of(session.warnings)
        )
    assert session.unattributed >= TURNS // 10
    assert b"quokka" not in write_normalised(session)


@pytest.mark.parametrize("name", FORMS)
def test_a_damaged_file_of_any_form_is_read_in_part_or_refused_with_a_reason(name: str) -> None:
    turns = invented_session(CLASS, MONDAY, 30).turns
    whole = write_form(name, [(turn.label, turn.text) for turn in turns])
    place, chance = key(name.rpartition(".")[2]), Random(f"damaged {name}")
    refused_students = {student.student_id for student in CLASS.students if not student.consent}
    for damage, _ in product(DAMAGES, range(FILES_OF_EACH)):
        content = damage(whole, chance)
        try:
            session = read_session(
                content, place, metadata_of_key(place, "invented"), class_roster()
            )
        except UnusableTranscript as refused:
            said = f"{refused} {refused.warnings}"
            assert re.search(r"\. .+\.$", str(refused)), "what is wrong, and a remedy"  # noqa: PT017
            assert not [one for one in names() if one in said]
            continue
        source = SourceText(content, session.session.format)
        for one in session.session.utterances:
            assert source.span(one, 0, len(one.text)) == one.text
        assert not refused_students & set(session.student_ids)
        assert read_normalised(write_normalised(session)) == session


def test_there_are_more_than_a_thousand_damaged_files() -> None:
    assert len(FORMS) * len(DAMAGES) * FILES_OF_EACH > 1000
