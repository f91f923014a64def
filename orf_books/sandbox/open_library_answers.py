"""The shapes in which Open Library answers about one book.

Belongs here: search results, entries of the books API, work and edition records. Does not belong
here: which book is meant, endpoints, errors.
"""

from collections.abc import Sequence
from typing import Any

from orf_books.sandbox.catalogue import CatalogueBook, OpenLibraryRecord, normalised
from orf_books.sandbox.isbn import as_isbn10

Json = dict[str, Any]

_TYPED_DATE = {"type": "/type/datetime", "value": "2025-02-11T09:30:00.000000"}


def search_doc(book: CatalogueBook, fields: str, query: str = "") -> Json:
    """One work among the results of a search, with the fields asked for.

    Of its editions it names the one that fits the query best.
    """
    record = book.open_library
    if record is None:
        return {}
    known = _present(_all_search_fields(book, record))
    wanted = {field.strip() for field in fields.split(",")}
    doc = {name: value for name, value in known.items() if name in wanted or "*" in wanted}
    if any(field.split(".")[0] == "editions" for field in wanted):
        doc["editions"] = _editions(book, record, wanted, query)
    return doc


def _all_search_fields(book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    return {
        "author_alternative_name": list(record.other_author_names),
        "author_key": list(record.authors),
        "author_name": list(book.authors),
        "cover_edition_key": record.edition if record.cover_id else None,
        "cover_i": record.cover_id,
        "description": record.description,
        "edition_count": 1 + len(book.title),
        "edition_key": [record.edition],
        "first_publish_year": book.first_publish_year,
        "has_fulltext": False,
        "id_goodreads": [book.goodreads_id] if record.knows_goodreads_id else None,
        "isbn": list(book.isbns_in_both_forms),
        "key": f"/works/{record.work}",
        "language": ["eng"],
        "number_of_pages_median": book.pages,
        "publisher": [book.publisher] if book.publisher else None,
        "subject": list(record.subjects),
        "subtitle": book.subtitle,
        "title": book.title,
    }


def _editions(book: CatalogueBook, record: OpenLibraryRecord, wanted: set[str], query: str) -> Json:
    asked = f" {normalised(query)} "
    titles = (title for title in record.edition_titles if f" {normalised(title)} " in asked)
    title = next(titles, None)
    edition = _present(
        {
            "key": f"/books/{record.edition}",
            "title": title or book.title,
            "subtitle": None if title else book.subtitle,
            "isbn": list(book.isbns_in_both_forms[:2]),
            "cover_i": record.cover_id,
            "language": ["eng"],
        }
    )
    named = {field.partition(".")[2] for field in wanted if field.startswith("editions.")}
    if named:
        edition = {name: value for name, value in edition.items() if name in named}
    return {"numFound": 1, "start": 0, "numFoundExact": True, "docs": [edition]}


def data_entry(_bibkey: str, book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    """One entry of `/api/books?jscmd=data`: work and edition mixed, no description."""
    subjects = [] if record.orphaned else [_subject_link(name) for name in record.subjects]
    authors = zip(record.authors, book.authors, strict=False)
    return _present(
        {
            "url": _page_url(book, record),
            "key": f"/books/{record.edition}",
            "title": book.title,
            "subtitle": book.subtitle,
            "authors": []
            if record.orphaned
            else [_author_link(key, name) for key, name in authors],
            "number_of_pages": book.pages,
            "identifiers": _identifiers(book, record),
            "publishers": [{"name": book.publisher}] if book.publisher else [],
            "publish_date": book.publish_date,
            "subjects": subjects,
            "cover": _cover_links(record.cover_id),
        }
    )


def _identifiers(book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    return _present(
        {
            "isbn_10": _isbn10s(book.isbns[:1]),
            "isbn_13": list(book.isbns[:1]),
            "goodreads": [book.goodreads_id] if record.knows_goodreads_id else [],
            "openlibrary": [record.edition],
        }
    )


def view_entry(bibkey: str, book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    """One entry of `/api/books?jscmd=viewapi`."""
    cover = _cover_links(record.cover_id)
    return _present(
        {
            "bib_key": bibkey,
            "info_url": _page_url(book, record),
            "preview": "noview",
            "preview_url": _page_url(book, record),
            "thumbnail_url": cover.get("small"),
        }
    )


def details_entry(bibkey: str, book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    """One entry of `/api/books?jscmd=details`: with the raw edition."""
    return view_entry(bibkey, book, record) | {"details": edition_record(book, record)}


def work_record(book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    """What `/works/OL..W.json` answers."""
    description: str | Json | None = record.description
    if record.description and record.typed_description:
        description = {"type": "/type/text", "value": record.description}
    authors = [
        {"type": {"key": "/type/author_role"}, "author": {"key": f"/authors/{key}"}}
        for key in record.authors
    ]
    return _present(
        {
            "key": f"/works/{record.work}",
            "title": book.title,
            "subtitle": book.subtitle,
            "description": description,
            "subjects": list(record.subjects),
            "covers": [record.cover_id] if record.cover_id else [],
            "authors": authors,
            "latest_revision": 7,
            "revision": 7,
            **kind("work"),
        }
    )


def edition_record(book: CatalogueBook, record: OpenLibraryRecord) -> Json:
    """What `/books/OL..M.json` answers."""
    authors = zip(record.authors, book.authors, strict=False)
    return _present(
        {
            "key": f"/books/{record.edition}",
            "title": book.title,
            "subtitle": book.subtitle,
            "works": [] if record.orphaned else [{"key": f"/works/{record.work}"}],
            "authors": [{"key": f"/authors/{key}", "name": name} for key, name in authors],
            "covers": [record.cover_id] if record.cover_id else [],
            "isbn_10": _isbn10s(book.isbns[:1]),
            "isbn_13": list(book.isbns[:1]),
            "publishers": [book.publisher] if book.publisher else [],
            "publish_date": book.publish_date,
            "number_of_pages": book.pages,
            "languages": [{"key": "/languages/eng"}],
            "identifiers": {"goodreads": [book.goodreads_id]} if record.knows_goodreads_id else {},
            "latest_revision": 4,
            "revision": 4,
            **kind("edition"),
        }
    )


def redirect_record(key: str, location: str) -> Json:
    """What a work answers that was merged into another."""
    return {"key": f"/works/{key}", "location": f"/works/{location}", **kind("redirect")}


def kind(name: str) -> Json:
    """Type and dates of a record."""
    return {"type": {"key": f"/type/{name}"}, "created": _TYPED_DATE, "last_modified": _TYPED_DATE}


def _subject_link(name: str) -> Json:
    place = name.lower().replace(" ", "_")
    return {"name": name, "url": f"https://openlibrary.org/subjects/{place}"}


def _author_link(key: str, name: str) -> Json:
    place = name.replace(" ", "_")
    return {"url": f"https://openlibrary.org/authors/{key}/{place}", "name": name}


def _cover_links(cover_id: int | None) -> Json:
    if cover_id is None:
        return {}
    sizes = {"small": "S", "medium": "M", "large": "L"}
    start = f"https://covers.openlibrary.org/b/id/{cover_id}"
    return {name: f"{start}-{letter}.jpg" for name, letter in sizes.items()}


def _page_url(book: CatalogueBook, record: OpenLibraryRecord) -> str:
    title = book.title.replace(" ", "_")
    return f"https://openlibrary.org/books/{record.edition}/{title}"


def _isbn10s(isbns: Sequence[str]) -> list[str]:
    return [isbn10 for isbn in isbns if (isbn10 := as_isbn10(isbn))]


def _present(members: Json) -> Json:
    """Without the members that hold nothing: the service leaves those out."""
    empty: tuple[object, ...] = (None, "", [], {})
    return {name: value for name, value in members.items() if value not in empty}
