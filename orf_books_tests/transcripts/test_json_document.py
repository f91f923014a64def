import json

from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.transcripts.json_document import lines_of_document
from orf_books_tests.transcripts.sessions import read, texts, warned

KEYS = st.sampled_from(
    [
        *("speaker", "speaker_label", "users", "first_name", "last_name", "type"),
        *("text", "word", "content", "start", "start_ms"),
        *("alternatives", "nBest", "words", "segments", "results"),
    ]
)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
DOCUMENTS = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=60)
@given(DOCUMENTS)
def test_any_document_becomes_objects_a_line_or_nothing(document: object) -> None:
    lines = lines_of_document(json.dumps(document))
    for line in (lines or "").splitlines():
        assert isinstance(json.loads(line)["text"], str)


def test_words_without_a_speaker_are_nobodys() -> None:
    words = [
        {"word": "Hi", "speaker": "Emma Johnson"},
        {"word": "there"},
        {"word": "all", "speaker": "Emma Johnson"},
    ]
    session = read(json.dumps({"words": words}), "json")
    assert texts(session) == ["Hi all"]
    assert warned(session) == [(2, "missing_speaker")]


def test_whole_numbers_that_would_be_too_slow_are_milliseconds() -> None:
    def times(step: int) -> list[str | None]:
        said = [
            {"speaker": "Emma Johnson", "text": "Hi there.", "start": step},
            {"speaker": "Liam O'Brien", "text": "Hi Emma.", "start": 2 * step},
        ]
        return [one.timestamp for one in read(json.dumps(said), "json").session.utterances]

    assert times(5) == ["00:00:05", "00:00:10"]
    assert times(5000) == ["00:00:05", "00:00:10"]
