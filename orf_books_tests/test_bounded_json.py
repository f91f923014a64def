import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.activity import read_activity, read_truth
from orf_books.bounded_json import DEEPEST, read_json
from orf_books.commands.corrections import read_marks
from orf_books.commands.local_uploads import activity_in
from orf_books.failures import FixInput
from orf_books.records.recordings import RECORD
from orf_books.resources.upload_queue import UnreadableMessage, hints_in
from orf_books.transcripts.erasure import erase_from_roster
from orf_books.transcripts.labels import read_labels
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.score_document import read_scores

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


@pytest.mark.parametrize(
    "read",
    [
        read_activity,
        read_truth,
        read_roster,
        read_labels,
        read_marks,
        read_scores,
        lambda content: erase_from_roster(content, "S1"),
        lambda content: hints_in(content.decode()),
    ],
)
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_in_any_file_is_a_mistake_in_the_file(
    read: Callable[[bytes], object], opening: bytes
) -> None:
    with pytest.raises((FixInput, UnreadableMessage)):
        read(opening * 100_000)


def test_an_upload_whose_record_is_nested_is_named_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_bytes(b"[" * 100_000)
    assert activity_in(tmp_path) == tmp_path.name


def test_brackets_in_texts_are_no_nesting() -> None:
    texts = ["[" * 1000, '\\"' + "{" * 1000]
    assert read_json(json.dumps(texts).encode()) == texts


@pytest.mark.parametrize(
    "content", [b"", b"{", b"]" * 1000, b'"', b"\xff", b'{"a": "\xff"}', "{}".encode("utf-16")]
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(content)
