from collections import Counter

import pytest

from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.exemplars import (
    KINDS,
    exemplars,
    kind_in_words,
    lesson_exemplars,
)
from orf_books.transcripts.labels import (
    Half,
    LessonPart,
    OthersPart,
    labelled_sentences,
    lesson_turns,
    turns_by_others,
)
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import as_spoken

ALMOST_THE_SAME = 0.85


@pytest.mark.slow
def test_no_exemplar_gives_away_a_labelled_sentence() -> None:
    encoder = universal_sentence_encoder()
    labelled = encoder.encode([one.text for half in Half for one in labelled_sentences(half)])
    closest = (encoder.encode([one.text for one in exemplars()]) @ labelled.T).max(axis=1)
    assert int((closest > ALMOST_THE_SAME).sum()) == 0


def test_no_sentence_stands_twice_under_a_skill_or_both_under_one_and_under_none() -> None:
    said = Counter((one.skill, one.before, one.text) for one in exemplars())
    assert max(said.values()) == 1
    of_none = {(one.before, one.text) for one in exemplars() if one.skill is None}
    assert of_none.isdisjoint((one.before, one.text) for one in exemplars() if one.skill)


def test_no_measured_turn_is_an_exemplar() -> None:
    known = {as_spoken(exemplar.text) for exemplar in exemplars()}
    turns = {as_spoken(turn.text) for part in LessonPart for turn in lesson_turns(part)}
    assert not known & turns


def test_no_turn_by_others_that_shows_a_skill_and_is_measured_was_learned() -> None:
    known = {as_spoken(exemplar.text) for exemplar in exemplars()}
    known |= {as_spoken(turn.text) for turn in turns_by_others(OthersPart.LEARNING)}
    measured = {as_spoken(turn.text) for turn in turns_by_others(OthersPart.TEST) if turn.skills}
    assert not known & measured


def test_every_exemplar_of_lesson_talk_that_shows_a_skill_says_what_it_does() -> None:
    shown = [exemplar for skill in Skill for exemplar in lesson_exemplars(skill)]
    assert {exemplar.kind for exemplar in shown} == set(KINDS)
    assert all(kind_in_words(one.exemplar_id) == KINDS[one.kind or ""] for one in shown)
    assert kind_in_words("empathy-1") is None


def test_lessons_talk_of_every_subject_mostly_without_a_skill() -> None:
    talk = [exemplar for exemplar in exemplars() if exemplar.exemplar_id.count("-") == 2]
    assert len(talk) > 4000
    assert sum(exemplar.skill is None for exemplar in talk) > len(talk) / 2


def test_an_exemplar_is_called_by_its_skill_and_number() -> None:
    by_id = {one.exemplar_id: one for one in exemplars()}
    assert len(by_id) == len(exemplars())
    assert by_id["empathy-1"].skill is Skill.EMPATHY
    assert by_id["none-1"].skill is None
