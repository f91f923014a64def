import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from orf_books.books.isbn import to_isbn10
from orf_books.books.metadata import BookQuery, BookRecord, Match, SourceAnswer
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.http import JsonObject, RetryPolicy, ServiceClient
from orf_books.resources.open_library import OpenLibrary
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, OpenLibraryRecord
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.synthetic_library import synthetic_library

AGENT = "orf_books/0 (someone@example.org)"
AT_ONCE = RetryPolicy(first_wait=0.0, jitter=0.0, rate_limited_wait=0.0)

DUNE = CatalogueBook(
    "44767458",
    "Dune",
    ("Frank Herbert",),
    isbns=("9780441013593", "9780593099322"),
    open_library=OpenLibraryRecord(
        work="OL893415W",
        edition="OL1532643M",
        authors=("OL79034A",),
        subjects=("Science fiction", "In library"),
        cover_id=11481354,
    ),
)
EDITION_ONLY = CatalogueBook(
    "1001",
    "The Peregrine",
    ("J. A. Baker",),
    isbns=("9781590171332",),
    open_library=OpenLibraryRecord("OL2W", "OL2M", ("OL2A",), orphaned=True, cover_id=22),
)
BY_ID = CatalogueBook(
    "1002",
    "Becoming",
    ("Michelle Obama",),
    open_library=OpenLibraryRecord("OL3W", "OL3M", ("OL3A",), subjects=("Autobiographies",)),
)
BY_TITLE = CatalogueBook(
    "1003",
    "Gideon the Ninth",
    ("Tamsyn Muir",),
    open_library=OpenLibraryRecord(
        "OL4W", "OL4M", ("OL4A",), subjects=("Fantasy",), knows_goodreads_id=False
    ),
)
POISONED = CatalogueBook(
    "1004",
    "A Damaged Record",
    ("No One",),
    isbns=("9780000000002",),
    open_library=OpenLibraryRecord("OL5W", "OL5M", ("OL5A",), orphaned=True, poisoned=True),
)
UNKNOWN = CatalogueBook("1005", "Nobody Knows It", ("Some One",), isbns=("9780000000019",))
MERGED = CatalogueBook(
    "1006",
    "Piranesi",
    ("Susanna Clarke",),
    isbns=("9781635575637",),
    open_library=OpenLibraryRecord(
        "OL6W",
        "OL6M",
        ("OL6A",),
        subjects=("Fantasy",),
        description="A house.",
        typed_description=True,
        former_work="OL7W",
    ),
)
WITHOUT_SUBJECTS = CatalogueBook(
    "1007",
    "The Mezzanine",
    ("Nicholson Baker",),
    isbns=("9780802144904",),
    open_library=OpenLibraryRecord("OL8W", "OL8M", ("OL8A",)),
)
TRANSLATED = CatalogueBook(
    "1008",
    "\u307f\u305a\u3046\u307f",
    ("\u5409\u672c\u3070\u306a\u306a",),
    open_library=OpenLibraryRecord(
        "OL9W",
        "OL9M",
        ("OL9A",),
        subjects=("Japanese fiction",),
        knows_goodreads_id=False,
        edition_titles=("Le lac", "The Lake"),
        other_author_names=("Banana Yoshimoto",),
    ),
)
VOLUMES = tuple(
    CatalogueBook(
        str(1010 + number),
        f"Monster, Volume {number}",
        ("Naoki Urasawa",),
        open_library=OpenLibraryRecord(
            f"OL{20 + number}W",
            f"OL{20 + number}M",
            ("OL20A",),
            subjects=("Comic books",),
            knows_goodreads_id=False,
        ),
    )
    for number in (1, 2, 3)
)
CATALOGUE = Catalogue(
    [
        DUNE,
        EDITION_ONLY,
        BY_ID,
        BY_TITLE,
        POISONED,
        UNKNOWN,
        MERGED,
        WITHOUT_SUBJECTS,
        TRANSLATED,
        *VOLUMES,
    ]
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE) as running:
        yield running


def question(book: CatalogueBook, *, with_isbn: bool = True) -> BookQuery:
    isbn13 = book.isbns[-1] if book.isbns and with_isbn else None
    return BookQuery(
        key=book.goodreads_id,
        goodreads_id=book.goodreads_id,
        title=f"{book.title} (A Series, #1)",
        author=book.authors[0],
        isbn=to_isbn10(isbn13) if isbn13 else None,
        isbn13=isbn13,
    )


def outcomes(
    sandbox: Sandbox, books: Sequence[BookQuery], agent: str = AGENT
) -> list[SourceAnswer | BaseException]:
    async def find() -> list[SourceAnswer | BaseException]:
        async with OpenLibrary(
            sandbox.open_library_url, user_agent=agent, retry_policy=AT_ONCE
        ) as library:
            found = await asyncio.gather(*map(library.find, books), return_exceptions=True)
            assert library.requests == sandbox.counts.requests(Service.OPEN_LIBRARY)
            return found

    return asyncio.run(find())


def answer(sandbox: Sandbox, book: BookQuery) -> SourceAnswer:
    (found,) = outcomes(sandbox, [book])
    assert isinstance(found, SourceAnswer)
    return found


def requests(sandbox: Sandbox, endpoint: str | None = None) -> int:
    return sandbox.counts.requests(Service.OPEN_LIBRARY, endpoint)


def test_a_book_is_found_by_isbn_in_one_request(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(DUNE))
    assert found == SourceAnswer(
        source="open_library",
        asked=("isbn:9780593099322",),
        record=BookRecord(
            source_id="/works/OL893415W",
            title="Dune",
            subjects=("Science fiction", "In library"),
            thumbnail_url="https://covers.openlibrary.org/b/id/11481354-M.jpg",
            small_thumbnail_url="https://covers.openlibrary.org/b/id/11481354-S.jpg",
            description=None,
            match=Match.ISBN,
            confidence=1.0,
        ),
    )
    assert requests(sandbox) == 1


def test_a_book_is_found_by_a_ten_digit_isbn_alone(sandbox: Sandbox) -> None:
    record = answer(sandbox, replace(question(DUNE), isbn13=None)).record
    assert record is not None
    assert record.source_id == "/works/OL893415W"


def test_an_edition_without_a_work_is_found_by_the_books_api(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(EDITION_ONLY))
    numbers = ("isbn:9781590171332", "bibkey:9781590171332", "goodreads_id:1001")
    assert found.asked == (*numbers, "title_author")
    assert found.record is not None
    assert (found.record.source_id, found.record.match) == ("/books/OL2M", Match.ISBN)
    assert found.record.thumbnail_url == "https://covers.openlibrary.org/b/id/22-M.jpg"


def test_a_book_without_isbn_is_found_by_its_goodreads_id(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(BY_ID))
    assert found.asked == ("goodreads_id:1002",)
    assert found.record is not None
    assert (found.record.match, found.record.subjects) == (Match.GOODREADS_ID, ("Autobiographies",))
    assert requests(sandbox) == 1


def test_a_book_is_found_by_title_and_author_at_last(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(BY_TITLE))
    assert found.asked == ("goodreads_id:1003", "title_author")
    assert found.record is not None
    assert (found.record.match, found.record.confidence) == (Match.TITLE_AUTHOR, 1.0)


def test_another_authors_book_of_the_same_title_is_not_taken(sandbox: Sandbox) -> None:
    asked = replace(question(BY_TITLE, with_isbn=False), author="Someone Muir")
    assert answer(sandbox, asked).record is None


@pytest.mark.parametrize("title", ['"Gideon" the Ninth', "Gideon the Ninth: A \\ Novel", ":"])
def test_a_title_may_hold_what_means_something_in_a_query(sandbox: Sandbox, title: str) -> None:
    assert isinstance(answer(sandbox, replace(question(BY_TITLE), title=title)), SourceAnswer)


@pytest.mark.parametrize("letter", ["a", "ж", "字", "\N{GRINNING FACE}"])
def test_very_long_titles_and_authors_are_asked_for_by_their_start(
    sandbox: Sandbox, letter: str
) -> None:
    asked = question(BY_TITLE, with_isbn=False)
    books = [
        replace(asked, title=f"{number} {letter * 10_000}", author=f"{letter * 5000}{number}")
        for number in range(20)
    ]
    assert all(isinstance(outcome, SourceAnswer) for outcome in outcomes(sandbox, books))


def test_a_book_is_found_by_the_start_of_its_title() -> None:
    title = " ".join(f"word{number}" for number in range(2000))
    book = replace(BY_TITLE, title=title)
    with Sandbox(Catalogue((book,))) as sandbox:
        found = answer(sandbox, question(book))
    assert found.record is not None
    assert found.record.match is Match.TITLE_AUTHOR


def test_an_unknown_book_is_an_answer_after_four_requests(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(UNKNOWN))
    assert found.record is None
    assert len(found.asked) == 4
    assert requests(sandbox) == 4


def test_a_question_without_anything_to_ask_is_answered_without_asking(sandbox: Sandbox) -> None:
    assert answer(sandbox, BookQuery("1", None, "", "", None, None)).asked == ()
    assert requests(sandbox) == 0


def test_a_poisoned_record_does_not_hide_the_others_of_its_batch(sandbox: Sandbox) -> None:
    books = [question(book) for book in (EDITION_ONLY, POISONED, UNKNOWN)]
    found = outcomes(sandbox, books)
    records = [each.record for each in found if isinstance(each, SourceAnswer)]
    assert [record and record.source_id for record in records] == ["/books/OL2M", None, None]


def test_a_poisoned_record_is_found_by_itself(sandbox: Sandbox) -> None:
    found = outcomes(sandbox, [question(book) for book in (DUNE, POISONED, UNKNOWN)])
    records = [each.record for each in found if isinstance(each, SourceAnswer)]
    assert [record and record.source_id for record in records] == [
        "/works/OL893415W",
        "/books/OL5M",
        None,
    ]


def test_an_edition_known_to_be_there_saves_asking_for_unknown_ones_singly() -> None:
    unknown = [
        CatalogueBook(str(n), f"Unknown {n}", ("No One",), isbns=(f"97800000000{n}",))
        for n in ("02", "19", "26", "33", "40")
    ]
    with Sandbox(Catalogue([DUNE, *unknown])) as sandbox:
        outcomes(sandbox, [question(book) for book in (DUNE, *unknown)])
        assert requests(sandbox, "api/books") == 1


def test_many_books_take_few_requests() -> None:
    books, catalogue = invented(300)
    with Sandbox(catalogue) as sandbox:
        found = outcomes(sandbox, books)
        assert all(isinstance(each, SourceAnswer) for each in found)
        known = sum(book.open_library is not None for book in catalogue.books)
        records = [each.record for each in found if isinstance(each, SourceAnswer)]
        assert sum(record is not None for record in records) == known
        assert requests(sandbox) <= 30


def test_broken_books_fail_alone_and_cost_few_requests() -> None:
    books, catalogue = invented(300)
    broken = {books[number].key for number in (7, 120, 121)}
    with Sandbox(catalogue) as sandbox:
        outcomes(sandbox, books)
        unbroken_requests = requests(sandbox)
        sandbox.counts.clear()
        sandbox.behaviour.broken_books = broken
        found = outcomes(sandbox, books)
        failed = {
            book.key: each
            for book, each in zip(books, found, strict=True)
            if isinstance(each, BaseException)
        }
        assert failed.keys() == broken
        assert {categories(each) for each in failed.values()} == {FailureCategory.UNAVAILABLE}
        assert requests(sandbox) - unbroken_requests < 60


def test_an_outage_is_no_book_not_found_and_costs_few_requests() -> None:
    books, catalogue = invented(300)
    with Sandbox(catalogue) as sandbox:
        sandbox.behaviour.down = True
        found = outcomes(sandbox, books)
        assert {categories(each) for each in found} == {FailureCategory.UNAVAILABLE}
        assert requests(sandbox) < len(books)


def test_without_a_contact_the_remedy_is_named_and_nothing_is_repeated(sandbox: Sandbox) -> None:
    sandbox.behaviour.require_contact = True
    (refusal,) = outcomes(sandbox, [question(DUNE)], agent="orf_books/0")
    assert isinstance(refusal, FixConfiguration)
    assert "ORF_BOOKS_CONTACT" in str(refusal)
    assert requests(sandbox) == 1
    (found,) = outcomes_again(sandbox, [question(DUNE)])
    assert isinstance(found, SourceAnswer)


def test_passing_faults_cost_no_book(sandbox: Sandbox) -> None:
    sandbox.behaviour.fault_rate = 0.2
    sandbox.behaviour.slow_seconds = 0.0
    found = outcomes(sandbox, [question(book) for book in CATALOGUE.books])
    assert [each for each in found if isinstance(each, RetryLater)] == []


def test_beyond_the_limit_books_fail_for_now_and_none_is_not_found(sandbox: Sandbox) -> None:
    sandbox.behaviour.enforce_limits = True
    crowd = 60

    async def find_alone() -> SourceAnswer:
        async with OpenLibrary(
            sandbox.open_library_url, user_agent=AGENT, retry_policy=RetryPolicy(attempts=1)
        ) as library:
            return await asyncio.wait_for(library.find(question(DUNE)), timeout=1)

    async def find_at_once() -> list[SourceAnswer | BaseException]:
        alone = [find_alone() for _ in range(crowd)]
        return await asyncio.gather(*alone, return_exceptions=True)

    found = asyncio.run(find_at_once())
    refused = [each for each in found if categories(each) is FailureCategory.RATE_LIMITED]
    assert len(refused) == sandbox.counts.answers(Service.OPEN_LIBRARY, 429)
    assert len(refused) > crowd / 3
    assert all(each.record for each in found if isinstance(each, SourceAnswer))


def test_a_merged_work_has_its_new_key_and_no_record_is_asked_for_singly(sandbox: Sandbox) -> None:
    record = answer(sandbox, question(MERGED)).record
    assert record is not None
    assert (record.source_id, record.description) == ("/works/OL6W", None)
    assert requests(sandbox) == requests(sandbox, "search") == 1


def test_a_work_without_subjects_is_found_all_the_same(sandbox: Sandbox) -> None:
    record = answer(sandbox, question(WITHOUT_SUBJECTS)).record
    assert record is not None
    assert (record.source_id, record.subjects) == ("/works/OL8W", ())


def test_an_isbn_leads_to_its_edition_and_an_unknown_one_to_nothing(sandbox: Sandbox) -> None:
    edition = plain_answer(sandbox, "/isbn/9780441013593.json", {})
    assert edition is not None
    assert edition["key"] == "/books/OL1532643M"
    assert plain_answer(sandbox, "/isbn/9780000000019.json", {}) is None


def test_javascript_in_place_of_json_is_no_answer(sandbox: Sandbox) -> None:
    with pytest.raises(RetryLater, match="other than JSON") as failure:
        plain_answer(sandbox, "/api/books", {"bibkeys": "ISBN:9780441013593"})
    assert failure.value.category is FailureCategory.BAD_RESPONSE


def plain_answer(sandbox: Sandbox, path: str, parameters: dict[str, str]) -> JsonObject | None:
    async def ask() -> JsonObject | None:
        async with ServiceClient(
            "Open Library", sandbox.open_library_url, user_agent=AGENT, retry_policy=AT_ONCE
        ) as client:
            return await client.find_json(path, parameters)

    return asyncio.run(ask())


def outcomes_again(
    sandbox: Sandbox, books: Sequence[BookQuery]
) -> list[SourceAnswer | BaseException]:
    sandbox.counts.clear()
    return outcomes(sandbox, books)


def categories(outcome: object) -> FailureCategory | None:
    return outcome.category if isinstance(outcome, OrfBooksError) else None


def invented(rows: int) -> tuple[list[BookQuery], Catalogue]:
    _, catalogue = synthetic_library(rows)
    books = [
        question(book, with_isbn=number % 4 != 0) for number, book in enumerate(catalogue.books)
    ]
    return books, catalogue


def test_a_translation_is_found_by_its_edition_and_another_name_of_its_author(
    sandbox: Sandbox,
) -> None:
    asked = BookQuery("1008", "1008", "The Lake", "Banana Yoshimoto", None, None)
    (answer,) = outcomes(sandbox, [asked])
    assert isinstance(answer, SourceAnswer)
    assert answer.record is not None
    assert answer.record.source_id == "/works/OL9W"
    assert answer.record.match is Match.TITLE_AUTHOR


def test_a_volume_is_found_though_its_subtitle_is_missing(sandbox: Sandbox) -> None:
    title = "Monster, Vol. 2: Surprise Party (Monster, #2)"
    asked = BookQuery("1", "1", title, "Naoki Urasawa", None, None)
    (answer,) = outcomes(sandbox, [asked])
    assert isinstance(answer, SourceAnswer)
    assert answer.record is not None
    assert answer.record.source_id == "/works/OL22W"
