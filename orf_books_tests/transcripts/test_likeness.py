from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.exemplars import lesson_exemplars
from orf_books.transcripts.likeness import EncodedExemplars
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import as_spoken


def test_an_exemplar_is_its_own_closest_one() -> None:
    known = lesson_exemplars(Skill.ADAPTABILITY)[3]
    encoder = universal_sentence_encoder()
    vector = encoder.encode([as_spoken(known.text)])[0]
    closest, similarity = EncodedExemplars(encoder).closest(Skill.ADAPTABILITY, vector)
    assert closest == known
    assert round(similarity, 4) == 1.0
