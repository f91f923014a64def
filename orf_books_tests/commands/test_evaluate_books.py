"""`orf-books evaluate books`, over the labelled books as the sandbox knows them."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.books.evaluation import LabelledBook, read_labels
from orf_books.books.exports.goodreads import COLUMNS_B
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.catalogue import SAMPLE_EXPORT, CatalogueBook, sample_catalogue
from orf_books.sandbox.isbn import as_isbn10
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import Call, Platform, settings_for

LABELS = Path(__file__).parent.parent / "books" / "labelled_genres.csv"
HIDDEN_FROM_EVERY_SERVICE = {"The Peregrine", "The Worst Journey in the World"}
WANTED_PRECISION = 0.95


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform after a run over an export of all labelled books."""
    store = ObjectStorage((tmp_path_factory.mktemp("evaluated") / "store").as_uri())
    with Sandbox() as sandbox, dg.DagsterInstance.ephemeral() as instance:
        key = SecretStr(sandbox.behaviour.google_key)
        platform = Platform(settings_for(sandbox, store.url, google_books_key=key), instance)
        platform.ingest("labelled", export_of_labelled())
        yield platform


def labelled() -> tuple[LabelledBook, ...]:
    return read_labels(LABELS.read_bytes())


def export_of_labelled() -> bytes:
    """The rows of the sample export, and plain rows for books that it lacks."""
    sample = csv.DictReader(io.StringIO(SAMPLE_EXPORT.read_text(encoding="utf-8")))
    rows = {row["Book Id"]: row for row in sample}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS_B, restval="", lineterminator="\n")
    writer.writeheader()
    for label in labelled():
        book = sample_catalogue().with_goodreads_id(label.goodreads_id)
        assert book is not None
        writer.writerow(rows.get(label.goodreads_id) or plain_row(book))
    return text.getvalue().encode()


def plain_row(book: CatalogueBook) -> dict[str, str]:
    isbn13 = book.isbns[0] if book.isbns else ""
    return {
        "Book Id": book.goodreads_id,
        "Title": book.full_title,
        "Author": book.authors[0],
        "ISBN": f'="{as_isbn10(isbn13) or ""}"',
        "ISBN13": f'="{isbn13}"',
        "Exclusive Shelf": "read",
        "Read Count": "1",
    }


@pytest.fixture
def evaluate(evaluated: Platform, call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`orf-books evaluate books` over that store."""
    monkeypatch.setenv("ORF_BOOKS_STORAGE", evaluated.settings.storage)

    def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
        return call("evaluate", "books", *arguments)

    return evaluate


def test_the_labels_cover_enough_books_all_of_them_in_the_sandbox() -> None:
    books = labelled()
    assert len(books) >= 125
    for label in books:
        known = sample_catalogue().with_goodreads_id(label.goodreads_id)
        assert known is not None
        assert (label.title, label.author) == (known.title, known.authors[0])
        assert label.isbn13 == (known.isbns[0] if known.isbns else None)


def test_of_the_first_three_genres_nearly_all_are_right(evaluate: Call) -> None:
    done = evaluate(str(LABELS), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["books"] == len(labelled())
    assert document["precision"] >= WANTED_PRECISION
    assert document["recall"] >= 0.7
    assert document["precision"] > document["f1"] > document["recall"]
    without = {book["title"] for book in document["without_result"]}
    assert without >= HIDDEN_FROM_EVERY_SERVICE
    assert document["not_enriched"] == []


def test_it_is_told_what_was_dropped_and_why(evaluate: Call) -> None:
    dropped = json.loads(evaluate(str(LABELS), "--json").stdout)["dropped_headings"]
    counts = {row["reason"]: row["headings"] for row in dropped}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert {"machine tag", "library note", "says too little", "not in the map"} <= counts.keys()
    assert all(0 < len(row["examples"]) <= 3 for row in dropped)


def test_people_get_tables(evaluate: Call) -> None:
    printed = evaluate(str(LABELS)).stdout
    for text in ("precision", "Differences", "Dropped headings", "Without result"):
        assert text in printed


def test_a_labelled_book_that_was_never_run_is_listed(evaluate: Call, tmp_path: Path) -> None:
    header, first, *_ = LABELS.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "labels.csv"
    file.write_text(f"{header}\n{first}\n999999999,Unheard of,Nobody,,Poetry\n", encoding="utf-8")
    done = evaluate(str(file), "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["books"] == 1
    assert [book["title"] for book in document["not_enriched"]] == ["Unheard of"]
    assert "Unheard of" in evaluate(str(file)).stdout


def test_an_empty_store_is_told_what_to_run(call: Call) -> None:
    done = call("evaluate", "books", str(LABELS))
    assert done.returncode == 2
    assert "orf-books run books" in done.stderr


def test_labels_that_cannot_be_read_are_a_wrong_call(evaluate: Call, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("title,genres\nDune,Science Fiction\n", encoding="utf-8")
    done = evaluate(str(file))
    assert done.returncode == 2
    assert "goodreads_id" in done.stderr
