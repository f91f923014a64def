import asyncio

import pytest

from orf_books.books.enrichment import BookSource, EnrichedBook, enrich_book
from orf_books.books.metadata import BookQuery, BookRecord, Match, SourceAnswer
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater

DUNE = BookQuery("1", "1", "Dune", "Frank Herbert", None, "9780441013593")
OUTAGE = RetryLater("Open Library is unavailable.", FailureCategory.UNAVAILABLE)


class Source(BookSource):
    """Answers every question alike, and remembers whether it was asked."""

    def __init__(
        self,
        name: str,
        record: BookRecord | None = None,
        *,
        failure: OrfBooksError | None = None,
        note: str | None = None,
    ) -> None:
        self.name = name
        self.was_asked = False
        self._answer = SourceAnswer(name, ("isbn:9780441013593",), record, note)
        self._failure = failure

    async def find(self, book: BookQuery) -> SourceAnswer:
        self.was_asked = True
        if self._failure:
            raise self._failure
        return self._answer


def record(*subjects: str, cover: str | None = None, match: Match = Match.ISBN) -> BookRecord:
    return BookRecord("id", "Dune", subjects, cover, cover, None, match, 1.0)


def enriched(first: Source, for_gaps: Source) -> EnrichedBook:
    return asyncio.run(enrich_book(DUNE, first, for_gaps))


def test_the_second_source_is_not_asked_where_the_first_gives_genres() -> None:
    gaps = Source("google_books")
    book = enriched(Source("open_library", record("Science fiction", cover="a.jpg")), gaps)
    assert not gaps.was_asked
    assert book.found
    assert (book.genres, book.thumbnail_url) == (("Science Fiction",), "a.jpg")
    assert (book.matched_by, book.confidence) == ("isbn", 1.0)
    assert [answer.source for answer in book.answers] == ["open_library"]


@pytest.mark.parametrize("known", [None, record("Accessible book")])
def test_the_second_source_fills_in_what_the_first_leaves_open(known: BookRecord | None) -> None:
    gaps = Source("google_books", record("Fiction / Science Fiction / General", cover="b.jpg"))
    book = enriched(Source("open_library", known), gaps)
    assert book.genres == ("Science Fiction",)
    assert book.thumbnail_url == "b.jpg"
    assert [answer.source for answer in book.answers] == ["open_library", "google_books"]


def test_raw_headings_of_all_sources_are_kept_once() -> None:
    gaps = Source("google_books", record("Fiction", "Fiction / Fantasy"))
    book = enriched(Source("open_library", record("Accessible book", "Fiction")), gaps)
    assert book.subjects == ("Accessible book", "Fiction", "Fiction / Fantasy")


def test_the_cover_comes_from_the_first_source_that_has_one() -> None:
    gaps = Source("google_books", record("Fantasy", cover="b.jpg"))
    assert enriched(Source("open_library", record(cover="a.jpg")), gaps).thumbnail_url == "a.jpg"


def test_a_book_that_no_source_knows_is_not_found() -> None:
    book = enriched(Source("open_library"), Source("google_books"))
    assert not book.found
    assert (book.genres, book.matched_by, book.confidence) == ((), None, None)


def test_a_source_that_is_off_leaves_its_note() -> None:
    book = enriched(Source("open_library", record()), Source("google_books", note="no key"))
    assert book.found
    assert book.answers[1].note == "no key"


@pytest.mark.parametrize("failure", [OUTAGE, FixConfiguration("Set a contact.")])
def test_genres_from_the_second_source_are_enough_in_an_outage_of_the_first(
    failure: OrfBooksError,
) -> None:
    gaps = Source("google_books", record("Fantasy"))
    book = enriched(Source("open_library", failure=failure), gaps)
    assert book.genres == ("Fantasy",)
    assert book.answers[0].note == "no answer: unavailable"


@pytest.mark.parametrize("known", [None, record("Fiction")])
def test_an_outage_of_the_first_source_is_never_a_book_not_found(known: BookRecord | None) -> None:
    with pytest.raises(RetryLater) as caught:
        enriched(Source("open_library", failure=OUTAGE), Source("google_books", known))
    assert caught.value is OUTAGE


def test_when_both_sources_fail_the_first_failure_counts() -> None:
    quota = RetryLater("The quota is used up.", FailureCategory.QUOTA_EXHAUSTED)
    with pytest.raises(RetryLater) as caught:
        enriched(Source("open_library", failure=OUTAGE), Source("google_books", failure=quota))
    assert caught.value is OUTAGE


@pytest.mark.parametrize("known", [None, record("Fiction")])
def test_a_failure_of_the_second_source_counts_where_it_was_needed(
    known: BookRecord | None,
) -> None:
    quota = RetryLater("The quota is used up.", FailureCategory.QUOTA_EXHAUSTED)
    with pytest.raises(RetryLater) as caught:
        enriched(Source("open_library", known), Source("google_books", failure=quota))
    assert caught.value is quota
