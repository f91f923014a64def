"""A small library whose figures were counted by hand, and books to build others from."""

from datetime import UTC, date, datetime

from orf_books.books.library import (
    DashboardBook,
    DashboardStamp,
    EnrichmentResults,
    EnrichmentStatus,
    ExportReport,
    LibraryDashboard,
    build_library_dashboard,
    page_category,
)

STAMP = DashboardStamp("ada-reads", "an-export", datetime(2026, 11, 22, 14, 5, tzinfo=UTC))


def dashboard_book(title: str, author: str, **changes: object) -> DashboardBook:
    """A book about which nothing is known but what `changes` says; `read` is an ISO date."""
    read = str(changes.pop("read", ""))
    pages = changes.get("num_pages")
    rating = changes.get("my_rating")
    fields: dict[str, object] = {
        "goodreads_id": None,
        "isbn": None,
        "isbn13": None,
        "date_read": date.fromisoformat(read) if len(read) == 10 else None,
        "reading_year": int(read[:4]) if read else None,
        "reading_month_year": read[:7] if len(read) >= 7 else None,
        "my_rating": None,
        "average_rating": None,
        "is_rated": rating is not None,
        "num_pages": None,
        "publisher": None,
        "binding": None,
        "publication_year": None,
        "page_category": page_category(pages if isinstance(pages, int) else None),
        "reading_status": "read",
        "bookshelves": (),
        "genres": (),
        "thumbnail_url": None,
        "small_thumbnail_url": None,
        "my_review": None,
        "private_notes": None,
        "has_spoilers": False,
        "has_review": bool(changes.get("my_review")),
        "genre_enriched": bool(changes.get("genres")),
        "was_reread": False,
        "original_read_count": 1,
        "enrichment_status": EnrichmentStatus.ENRICHED,
        "enrichment_error": None,
    }
    return DashboardBook.model_validate({"title": title, "author": author} | fields | changes)


def dashboard_of(*books: DashboardBook, stamp: DashboardStamp = STAMP) -> LibraryDashboard:
    """The dashboard with these books; its summary is that of an empty one."""
    empty = build_library_dashboard([], EnrichmentResults({}, {}), ExportReport(0, (), ()), stamp)
    return empty.model_copy(update={"books": books})


FANTASY, SCIENCE, WAR = "Fantasy", "Science Fiction", "War"

COUNTED = (
    # 0: read in 2021 and again in 2023
    dashboard_book(
        "Dune (Dune, #1)",
        "Frank Herbert",
        read="2023-05-02",
        earlier_readings=("2021-01-10",),
        original_read_count=2,
        my_rating=5,
        average_rating=4.25,
        num_pages=600,
        publication_year=1965,
        binding="Paperback",
        genres=(SCIENCE,),
        bookshelves=("favourites",),
        my_review="Worth every page.",
        goodreads_id="44767458",
    ),
    # 1
    dashboard_book(
        "Children of Dune (Dune, #3)",
        "Frank Herbert",
        read="2023-05-30",
        my_rating=3,
        average_rating=3.95,
        num_pages=400,
        publication_year=1976,
        binding="Mass Market Paperback",
        genres=(SCIENCE,),
    ),
    # 2: the last of 2021, the shortest of that year
    dashboard_book(
        "Emma",
        "Jane Austen",
        read="2021-12-24",
        my_rating=4,
        average_rating=4.0,
        num_pages=300,
        publication_year=1815,
        binding="Hardcover",
    ),
    # 3: an audiobook without pages
    dashboard_book(
        "Small Gods (Discworld, #13)",
        "Terry Pratchett",
        read="2023-11",
        my_rating=4.5,
        average_rating=4.3,
        audio_hours=10.5,
        publication_year=1992,
        binding="Audible Audio",
        genres=(FANTASY,),
        private_notes="Lend it to Bo.",
    ),
    # 4: only the year is known
    dashboard_book(
        "The Iliad",
        "Homer",
        read="2021",
        my_rating=2,
        average_rating=3.9,
        num_pages=500,
        publication_year=-750,
        binding="Paperback",
        genres=(WAR,),
    ),
    # 5: read, but nobody knows when
    dashboard_book(
        "Mort (Discworld, #4)",
        "Terry Pratchett",
        my_rating=4,
        average_rating=4.2,
        num_pages=250,
        publication_year=1987,
        binding="Kindle Edition",
        genres=(FANTASY,),
    ),
    # 6: read three times; only the last time has a date
    dashboard_book(
        "The Hobbit",
        "J.R.R. Tolkien",
        read="2023-12-31",
        original_read_count=3,
        my_rating=5,
        average_rating=4.29,
        num_pages=310,
        publication_year=1937,
        binding="Hardcover",
        genres=(FANTASY, WAR),
        bookshelves=("favourites",),
    ),
    # 7, 8: waiting; one without pages
    dashboard_book(
        "Persuasion",
        "Jane Austen",
        reading_status="to-read",
        original_read_count=0,
        num_pages=250,
        publication_year=1817,
        average_rating=4.15,
        date_added=date(2022, 3, 1),
    ),
    dashboard_book(
        "Dune Messiah (Dune, #2)",
        "Frank Herbert",
        reading_status="to-read",
        original_read_count=0,
        publication_year=1969,
        date_added=date(2020, 7, 1),
    ),
    # 9: given up, by the reader's own shelf
    dashboard_book(
        "Ulysses",
        "James Joyce",
        reading_status="did-not-finish",
        original_read_count=0,
        num_pages=730,
        publication_year=1922,
        binding="Paperback",
        average_rating=3.75,
        genres=("Fiction",),
        genre_evidence="last resort",
        enrichment_status=EnrichmentStatus.FAILED,
        enrichment_error="timeout: no answer in 30 s",
    ),
    # 10: on the way
    dashboard_book(
        "War and Peace",
        "Leo Tolstoy",
        reading_status="currently-reading",
        original_read_count=0,
        num_pages=1200,
        publication_year=1869,
        genres=(WAR,),
        binding="Leather Bound",
    ),
)
