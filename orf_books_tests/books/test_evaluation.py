import pytest

from orf_books.books.evaluation import COLUMNS, Evaluation, evaluate_genres, read_labels
from orf_books.failures import FixInput

HEADER = ",".join(COLUMNS)
DUNE = "44767458,Dune,Frank Herbert,9780593099322,Science Fiction;Classics"


def labels(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def evaluation(labelled: str, *shown: str) -> Evaluation:
    return evaluate_genres(read_labels(labels(f"1,A Book,An Author,,{labelled}")), {"1": shown})


def test_a_row_of_labels_is_read() -> None:
    (book,) = read_labels(labels(DUNE))
    assert (book.row_number, book.goodreads_id, book.title) == (2, "44767458", "Dune")
    assert (book.author, book.isbn13) == ("Frank Herbert", "9780593099322")
    assert book.genres == ("Science Fiction", "Classics")


def test_spaces_case_and_repetition_of_genres_do_not_matter() -> None:
    (book,) = read_labels(b"\xef\xbb\xbf" + labels("1,Dune,,, science fiction ;Classics;CLASSICS"))
    assert book.genres == ("Science Fiction", "Classics")
    assert book.isbn13 is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (",Dune,Frank Herbert,,Poetry", "Row 3 of the labels has no goodreads_id"),
        ("1,,Frank Herbert,,Poetry", "Row 3 of the labels has no title"),
        ("1,Dune,Frank Herbert,,", "Row 3 of the labels has no genres"),
        ("1,Dune,Frank Herbert,9780593099323,Poetry", "an isbn13 that is not valid"),
        ("1,Dune,Frank Herbert,,Poetry;Fantsy", r"unknown genre as number 2 \(perhaps Fantasy\)"),
        ("1,Dune,Frank Herbert,,Qqqqqq", "docs/genres.md lists them"),
        ("1,Dune,Frank Herbert", "does not have as many cells as the header"),
        ("1,Dune,Frank Herbert,,Poetry,more", "does not have as many cells as the header"),
        (DUNE, "labels the book of row 2 again"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(row: str, complaint: str) -> None:
    with pytest.raises(FixInput, match=complaint):
        read_labels(labels(DUNE, row))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "lacks goodreads_id"),
        (b"title,genres\nDune,Poetry", "lacks goodreads_id, author, isbn13"),
        (labels(), "no rows"),
        (labels('1,"Dune,Frank Herbert,,Poetry'), "not valid CSV"),
        ("título".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_holds_no_labels_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(FixInput, match=complaint):
        read_labels(content)


def test_what_is_shown_and_labelled_is_right() -> None:
    found = evaluation("Science Fiction;Classics", "Science Fiction", "Classics")
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert found.differences == ()


def test_precision_counts_what_is_shown_and_recall_what_is_labelled() -> None:
    found = evaluation("Science Fiction;Classics;War", "Science Fiction", "Romance")
    assert (found.precision, found.recall) == (1 / 2, 1 / 3)
    assert found.f1 == pytest.approx(0.4)
    (difference,) = found.differences
    assert (difference.wrong, difference.missed) == (("Romance",), ("Classics", "War"))


def test_only_the_first_three_are_judged() -> None:
    found = evaluation("Fantasy", "Fantasy", "Romance", "War", "Poetry")
    assert found.precision == pytest.approx(1 / 3)


def test_the_broader_of_a_label_is_right_but_does_not_find_it() -> None:
    found = evaluation("Dystopia", "Science Fiction")
    assert (found.precision, found.recall) == (1.0, 0.0)


def test_the_narrower_of_a_label_says_too_much() -> None:
    assert evaluation("Science Fiction", "Dystopia").precision == 0.0


def test_a_book_without_genres_costs_recall_only() -> None:
    found = evaluation("Fantasy")
    assert (found.precision, found.recall, found.f1) == (None, 0.0, None)
    assert [book.title for book in found.without_result] == ["A Book"]


def test_nothing_right_is_zero() -> None:
    assert evaluation("Fantasy", "Romance").f1 == 0.0


def test_a_book_that_nobody_asked_about_is_not_judged() -> None:
    found = evaluate_genres(read_labels(labels(DUNE)), {})
    assert [book.title for book in found.not_enriched] == ["Dune"]
    assert (found.judged, found.precision, found.recall) == ((), None, None)
