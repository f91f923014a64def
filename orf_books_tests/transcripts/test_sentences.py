from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.sentences import Span, sentence_spans, word_spans


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi there. How are you?", ["Hi there.", "How are you?"]),
        ("It is... well, blue. Really!", ["It is... well, blue.", "Really!"]),
        ("Ask Mr. Bell, e.g. today. Okay?", ["Ask Mr. Bell, e.g. today.", "Okay?"]),
        ("It is 3.5 metres", ["It is 3.5 metres"]),
        ('She said "no!" Then she left.', ['She said "no!"', "Then she left."]),
        ("one line\nand another", ["one line", "and another"]),
        ("what?! no way", ["what?!", "no way"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from("aB .!?\u2026\n\r\"')3,\u2019e\U0001f600")))
def test_all_but_white_space_is_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())
    assert all(span.of(text) == span.of(text).strip() != "" for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@given(st.text())
def test_words_stand_where_they_are_said_to(text: str) -> None:
    whole = Span(0, len(text))
    assert all(
        text[span.start : span.end] == span.of(text) != "" for span in word_spans(text, whole)
    )


def test_a_contraction_is_one_word() -> None:
    text = "Don't stop, it\u2019s o'clock"
    spans = word_spans(text, Span(0, len(text)))
    assert [span.of(text) for span in spans] == ["Don't", "stop", "it\u2019s", "o'clock"]
