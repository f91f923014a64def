import pytest

from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.submission import (
    MAX_BYTES,
    SessionMetadata,
    TranscriptFormat,
    check_key,
    metadata_of_key,
    read_metadata,
    refuse_by_size,
)
from orf_books_tests.transcripts.sessions import DAY, FORMATS, key, metadata

DECLARED = {"class_id": "5B", "date": "2026-03-02", "format": "txt", "source": "manual"}


def code_of(refused: pytest.ExceptionInfo[UnusableTranscript]) -> ErrorCode:
    return refused.value.code


def test_metadata_are_read() -> None:
    assert read_metadata(DECLARED) == SessionMetadata("5B", DAY, TranscriptFormat.TXT, "manual")


@pytest.mark.parametrize("missing", DECLARED)
def test_every_field_is_required(missing: str) -> None:
    declared = {name: value for name, value in DECLARED.items() if name != missing}
    with pytest.raises(UnusableTranscript, match=f"`{missing}`: Field required") as refused:
        read_metadata(declared)
    assert code_of(refused) is ErrorCode.INVALID_METADATA


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("class_id", ""),
        ("class_id", "  "),
        ("class_id", "a/b"),
        ("class_id", ".."),
        ("class_id", "a..b"),
        ("class_id", "a\nb"),
        ("class_id", "a\x7f"),
        ("class_id", "x" * 101),
        ("class_id", 5),
        ("date", "2026-02-30"),
        ("date", "02/03/2026"),
        ("date", "20260302"),
        ("date", "2026-03-02T00:00:00"),
        ("date", 1_770_000_000),
        ("date", None),
        ("format", "pdf"),
        ("format", "TXT"),
        ("source", ""),
        ("source", "x" * 101),
    ],
)
def test_an_invalid_field_is_named(field: str, value: object) -> None:
    with pytest.raises(UnusableTranscript, match=f"`{field}`: ") as refused:
        read_metadata(DECLARED | {field: value})
    assert code_of(refused) is ErrorCode.INVALID_METADATA


def test_limits_themselves_are_allowed() -> None:
    read = read_metadata(DECLARED | {"class_id": "x" * 100, "source": "y" * 100})
    assert len(read.class_id) == len(read.source) == 100
    refuse_by_size(1)
    refuse_by_size(MAX_BYTES)
    check_key(f"raw/5B/2026-03-02/{'n' * 251}.txt", metadata("txt"))


@pytest.mark.parametrize(("size", "code"), [(0, "empty_file"), (MAX_BYTES + 1, "too_large")])
def test_a_file_of_no_possible_size_is_refused_unread(size: int, code: str) -> None:
    with pytest.raises(UnusableTranscript, match=r"[Uu]pload") as refused:
        refuse_by_size(size)
    assert code_of(refused) == code


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_key_alone_declares_its_session(transcript_format: str) -> None:
    assert metadata_of_key(key(transcript_format), "manual") == metadata(transcript_format)


def test_a_class_may_be_percent_encoded_in_a_key() -> None:
    assert metadata_of_key("raw/Room%205/2026-03-02/a.TXT", "Zoom").class_id == "Room 5"


@pytest.mark.parametrize(
    "bad",
    [
        "raw/5B/2026-03-02",
        "raw/5B/2026-03-02/",
        "raw/5B/2026-03-02/more/a.txt",
        "raw/prod/5B/2026-03-02/a.txt",
        "other/5B/2026-03-02/a.txt",
        "raw/5B/2026-13-02/a.txt",
        "raw/../2026-03-02/a.txt",
        "raw/a%2Fb/2026-03-02/a.txt",
        "raw/5B/2026-03-02/a.pdf",
        "raw/5B/2026-03-02/txt",
        f"raw/5B/2026-03-02/{'n' * 252}.txt",
    ],
)
def test_other_keys_are_refused_with_the_form_they_should_have(bad: str) -> None:
    with pytest.raises(UnusableTranscript, match="Name it raw/<class>/<YYYY-MM-DD>/") as refused:
        metadata_of_key(bad, "manual")
    assert code_of(refused) is ErrorCode.INVALID_KEY


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ("raw/6A/2026-03-02/a.txt", "class_id"),
        ("raw/5B/2026-03-03/a.txt", "date"),
        ("raw/5B/2026-03-02/a.csv", "format"),
    ],
)
def test_a_key_that_contradicts_the_metadata_is_refused(other: str, field: str) -> None:
    with pytest.raises(UnusableTranscript, match=f"another {field} than its metadata") as refused:
        check_key(other, metadata("txt"))
    assert code_of(refused) is ErrorCode.KEY_MISMATCH
