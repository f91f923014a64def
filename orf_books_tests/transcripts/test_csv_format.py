import pytest

from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books_tests.transcripts.sessions import EMMA, LIAM, read, texts, warned

HEADER = "speaker,text,timestamp,student_id\n"


def test_columns_may_be_in_any_case_and_order_behind_a_byte_order_mark() -> None:
    session = read("\ufeff Text ,STUDENT_ID,extra, Speaker\nHi.,,1,emma johnson\n", "csv")
    assert [(one.text, one.speaker_id) for one in session.session.utterances] == [("Hi.", EMMA)]


def test_only_speaker_and_text_are_required() -> None:
    (one,) = read("speaker,text\nEmma Johnson,Hi.\n", "csv").session.utterances
    assert (one.timestamp, one.student_id, one.raw_offset) == (None, EMMA, None)


def test_an_id_links_a_row() -> None:
    (one,) = read(f"{HEADER}Student Q,Hi.,09:00:01,{LIAM}\n", "csv").session.utterances
    assert (one.speaker_id, one.timestamp) == (LIAM, "09:00:01")


def test_rows_are_numbered_by_their_first_physical_line() -> None:
    session = read(
        'speaker,text\n\nEmma Johnson,"One\n""two"",\n\nthree"\n,\nLiam O\'Brien,Four\n', "csv"
    )
    assert [(one.line_number, one.text) for one in session.session.utterances] == [
        (3, 'One "two", three'),
        (8, "Four"),
    ]
    assert session.total_lines == 2


def test_texts_are_kept_without_surplus_spaces_and_line_ends() -> None:
    session = read('speaker,text\r\nEmma Johnson," One\r\n  two "\r\n', "csv")
    assert texts(session) == ["One two"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("Emma Johnson,Hi.", "short_row"),
        ("Emma Johnson", "short_row"),
        ("Emma Johnson,Well, I think so,,", "long_row"),
        (",Hi.,,", "missing_speaker"),
        ("Emma Johnson, ,,", "missing_text"),
        ('Emma Johnson,"Hi" she said,,', "malformed_row"),
    ],
)
def test_a_bad_row_is_dropped_with_a_warning(row: str, code: str) -> None:
    session = read(f"{HEADER}{row}\nLiam O'Brien,Fine.,,\n", "csv")
    assert texts(session) == ["Fine."]
    assert warned(session) == [(2, code)]


def test_a_quotation_mark_that_is_never_closed_costs_only_its_own_row() -> None:
    rest = "Liam O'Brien,Fine.,,\nMs. Rivera,So.,,\n" * 250
    session = read(f'{HEADER}Emma Johnson,"Hi.,,\n{rest}', "csv")
    assert warned(session)[0] == (2, "malformed_row")
    assert len(texts(session)) == 500


@pytest.mark.parametrize(
    "content",
    ["text\nHi.\n", "Emma Johnson,Hi.\n", '"speaker,text\n', "\n \nx", "speaker\nEmma\n"],
)
def test_a_table_without_the_columns_is_refused(content: str) -> None:
    with pytest.raises(UnusableTranscript, match="No row names a column") as refused:
        read(content, "csv")
    assert refused.value.code is ErrorCode.MISSING_COLUMNS
    assert str(refused.value).endswith("Name them `speaker` and `text` in the first row.")
    assert "Emma" not in str(refused.value)
