import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.bounded_json import DEEPEST, read_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_documents_are_read_as_the_standard_library_reads_them(document: object) -> None:
    for is_ascii in (True, False):
        content = json.dumps(document, ensure_ascii=is_ascii).encode()
        assert read_json(content) == json.loads(content)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_bounded(opening: bytes, closing: bytes) -> None:
    assert read_json(opening * DEEPEST + b"1" + closing * DEEPEST)
    for levels in (DEEPEST + 1, 100_000):
        with pytest.raises(ValueError, match="nested"):
            read_json(opening * levels + b"1" + closing * levels)
        with pytest.raises(ValueError, match="nested"):
            read_json(opening * levels)


def test_brackets_in_texts_are_no_nesting() -> None:
    texts = ["[" * 1000, '\\"' + "{" * 1000]
    assert read_json(json.dumps(texts).encode()) == texts


@pytest.mark.parametrize(
    "content", [b"", b"{", b"]" * 1000, b'"', b"\xff", b'{"a": "\xff"}', "{}".encode("utf-16")]
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(content)
