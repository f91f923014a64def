from collections import Counter

from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.labels import Half, labelled_sentences
from orf_books.transcripts.skills import Skill

ALMOST_THE_SAME = 0.85


def test_no_exemplar_gives_away_a_labelled_sentence() -> None:
    encoder = universal_sentence_encoder()
    labelled = encoder.encode([one.text for half in Half for one in labelled_sentences(half)])
    closest = (encoder.encode([one.text for one in exemplars()]) @ labelled.T).max(axis=1)
    assert int((closest > ALMOST_THE_SAME).sum()) == 0


def test_no_sentence_stands_twice_under_a_skill_or_both_under_one_and_under_none() -> None:
    assert max(Counter((one.skill, one.text) for one in exemplars()).values()) == 1
    of_none = {one.text for one in exemplars() if one.skill is None}
    assert of_none.isdisjoint(one.text for one in exemplars() if one.skill)


def test_an_exemplar_is_called_by_its_skill_and_number() -> None:
    by_id = {one.exemplar_id: one for one in exemplars()}
    assert len(by_id) == len(exemplars())
    assert by_id["empathy-1"].skill is Skill.EMPATHY
    assert by_id["none-1"].skill is None
