import asyncio
from dataclasses import replace

import pytest

from orf_books.books.enrichment import EnrichedBook, GapSource, enrich_book
from orf_books.books.metadata import NOT_YET, BookQuery, BookRecord, Match, SourceAnswer
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater

DUNE = BookQuery("1", "1", "Dune", "Frank Herbert", None, "9780441013593")
OUTAGE = RetryLater("Open Library is unavailable.", FailureCategory.UNAVAILABLE)
QUOTA = RetryLater("The quota is used up.", FailureCategory.QUOTA_EXHAUSTED)


class Source(GapSource):
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
        self.earlier: SourceAnswer | None = None
        self.was_told_of: BookQuery | None = None
        self._answer = SourceAnswer(name, ("isbn:9780441013593",), record, note)
        self._failure = failure

    async def find(self, book: BookQuery, earlier: SourceAnswer | None = None) -> SourceAnswer:
        self.was_asked = True
        self.earlier = earlier
        if self._failure:
            raise self._failure
        return self._answer

    def likely_knows(self, book: BookQuery) -> None:
        self.was_told_of = book


def record(*subjects: str, cover: str | None = None, match: Match = Match.ISBN) -> BookRecord:
    return BookRecord("id", "Dune", subjects, cover, cover, None, match, 1.0)


def enriched(first: Source, for_gaps: Source, *kept: SourceAnswer) -> EnrichedBook:
    return asyncio.run(enrich_book(DUNE, first, for_gaps, kept))


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


def test_a_record_with_only_a_small_thumbnail_gives_the_cover() -> None:
    small = replace(record("Fantasy"), small_thumbnail_url="small.jpg")
    gaps = Source("google_books", record(cover="b.jpg"))
    book = enriched(Source("open_library", small), gaps)
    assert (book.thumbnail_url, book.small_thumbnail_url) == (None, "small.jpg")


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
    with pytest.raises(RetryLater) as caught:
        enriched(Source("open_library", failure=OUTAGE), Source("google_books", failure=QUOTA))
    assert caught.value is OUTAGE


def test_a_failure_of_the_second_source_counts_where_the_first_does_not_know_the_book() -> None:
    with pytest.raises(RetryLater) as caught:
        enriched(Source("open_library"), Source("google_books", failure=OUTAGE))
    assert caught.value is OUTAGE


def test_a_quota_that_is_spent_is_a_gap_and_no_failure() -> None:
    book = enriched(Source("open_library"), Source("google_books", failure=QUOTA))
    assert (book.found, book.gap) == (False, "google_books: no answer: quota_exhausted")


def test_a_failure_of_the_second_source_leaves_a_gap_where_the_first_knows_the_book() -> None:
    known = Source("open_library", record("Fiction", cover="a.jpg"))
    book = enriched(known, Source("google_books", failure=QUOTA))
    assert (book.found, book.thumbnail_url) == (True, "a.jpg")
    assert book.gap == "google_books: no answer: quota_exhausted"


def test_a_book_of_which_all_needed_sources_answered_has_no_gap() -> None:
    assert enriched(Source("open_library", record("Fantasy")), Source("google_books")).gap is None
    assert enriched(Source("open_library"), Source("google_books")).gap is None


def test_a_gap_is_filled_without_asking_again_what_was_answered() -> None:
    first = Source("open_library", failure=OUTAGE)
    answered = SourceAnswer("open_library", ("isbn:9780441013593",), record(cover="a.jpg"))
    open_question = SourceAnswer("google_books", (), None, note="no key")

    book = enriched(first, Source("google_books", record("Fantasy")), answered, open_question)

    assert not first.was_asked
    assert (book.genres, book.thumbnail_url, book.gap) == (("Fantasy",), "a.jpg", None)


def test_the_second_source_goes_on_where_it_stopped() -> None:
    answered = SourceAnswer("open_library", ("isbn:9780441013593",), None)
    half_asked = SourceAnswer("google_books", ("isbn:9780441013593",), None, NOT_YET)
    gaps = Source("google_books")
    enriched(Source("open_library"), gaps, answered, half_asked)
    assert gaps.earlier is half_asked


def test_a_record_of_a_source_that_is_still_to_be_asked_counts_meanwhile() -> None:
    gaps = Source("google_books", record("Fiction", cover="b.jpg"), note=NOT_YET)
    book = enriched(Source("open_library"), gaps)
    assert (book.found, book.thumbnail_url) == (True, "b.jpg")
    assert book.gap == f"google_books: {NOT_YET}"


def test_a_source_that_gave_no_answer_then_is_asked_now() -> None:
    first = Source("open_library", record("Fantasy"))
    outage = SourceAnswer("open_library", (), None, note="no answer: unavailable")
    assert enriched(first, Source("google_books"), outage).genres == ("Fantasy",)
    assert first.was_asked


def test_the_second_source_hears_of_books_whose_isbn_the_first_one_knows() -> None:
    gaps = Source("google_books")
    enriched(Source("open_library", record("Fantasy", match=Match.TITLE_AUTHOR)), gaps)
    assert gaps.was_told_of is None
    enriched(Source("open_library", record("Fantasy")), gaps)
    assert gaps.was_told_of is DUNE
