import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from orf_books.failures import FixInput
from orf_books.transcripts.cues import read_cues
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.labels import Half, LabelledText, labelled_sentences, read_labels
from orf_books.transcripts.sentences import sentence_spans
from orf_books.transcripts.skills import Skill


def own_sentences() -> list[dict[str, Any]]:
    file = files("orf_books.transcripts").joinpath("labelled_sentences.json")
    return list(json.loads(file.read_bytes())["sentences"])


def test_there_are_enough_of_each_skill_and_of_each_kind() -> None:
    sentences = own_sentences()
    counts = Counter(skill for one in sentences for skill in one["skills"])
    assert len(sentences) >= 240
    assert all(counts[skill] >= 30 for skill in Skill)
    assert sum(one["kind"] == "paraphrase" for one in sentences) >= len(sentences) / 2
    assert sum(not one["skills"] for one in sentences) >= len(sentences) / 3
    assert len({one["text"] for one in sentences}) == len(sentences)


def test_paraphrases_hold_no_cue() -> None:
    with_cues = [
        one["text"]
        for one in own_sentences()
        if one["kind"] == "paraphrase"
        and any(
            read_cues(one["text"], span).cues or read_cues(one["text"], span).vetoes
            for span in sentence_spans(one["text"])
        )
    ]
    assert not with_cues


def test_no_sentence_is_an_exemplar() -> None:
    known = {exemplar.text.casefold() for exemplar in exemplars()}
    assert not known & {one["text"].casefold() for one in own_sentences()}


def test_the_halves_are_all_of_them() -> None:
    assert sum(len(labelled_sentences(half)) for half in Half) == len(own_sentences())


def test_labels_are_read_line_by_line() -> None:
    first = b'\xef\xbb\xbf{"text": "a", "skills": ["empathy"], "more": 1}\r\n'
    content = first + b'\n{"text": "b", "skills": []}'
    assert read_labels(content) == (
        LabelledText("a", frozenset({Skill.EMPATHY})),
        LabelledText("b", frozenset()),
    )


def test_labels_may_say_what_is_arguable_and_what_was_said_before() -> None:
    listed = b'{"text": "a", "skills": [], "arguable": ["empathy"], "before": "Why?"}'
    noted = b'{"text": "a", "skills": [], "note": "arguable: empathy"}'
    assert read_labels(listed + b"\n" + noted) == (
        LabelledText("a", frozenset(), frozenset({Skill.EMPATHY}), "Why?"),
        LabelledText("a", frozenset(), frozenset({Skill.EMPATHY})),
    )


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{"text": "a", "skills": []}\n{"text": "secret words"}', "Line 2"),
        (b'{"text": "secret words", "skills": ["magic"]}', "Line 1"),
        (b"secret words", "Line 1"),
        (b'"\xff"', "Line 1"),
        (b"\n \n", "empty"),
    ],
)
def test_bad_labels_are_refused_without_quoting_them(content: bytes, place: str) -> None:
    with pytest.raises(FixInput, match=place) as refused:
        read_labels(content)
    assert "secret" not in str(refused.value)


def test_a_text_does_not_show_when_printed() -> None:
    assert "secret" not in repr(read_labels(b'{"text": "secret", "skills": []}'))
