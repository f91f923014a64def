import json
from typing import Any

import httpx
import pytest

from orf_books.sandbox.catalogue import CatalogueBook, sample_catalogue
from orf_books.sandbox.server import Sandbox

DARKNESS = "9780441478125"
DARKNESS_ISBN10 = "0441478123"
AZKABAN_ISBN10 = "043965548X"
POISONED = "9780312330873"
ORPHANED = "9780307265432"
UNKNOWN = "9781590171332"


def search(client: httpx.Client, **parameters: str | int) -> dict[str, Any]:
    answer = client.get("/search.json", params=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def titles(answer: dict[str, Any]) -> set[str]:
    return {doc["title"] for doc in answer["docs"]}


def book_with(isbn: str) -> CatalogueBook:
    book = sample_catalogue().with_isbn(isbn)
    assert book is not None
    return book


def test_a_group_of_isbns_in_either_form_finds_each_work(open_library: httpx.Client) -> None:
    answer = search(open_library, q=f"isbn:({DARKNESS} OR {AZKABAN_ISBN10} OR {UNKNOWN})")
    assert titles(answer) == {
        "The Left Hand of Darkness",
        "Harry Potter and the Prisoner of Azkaban",
    }
    assert answer["numFound"] == answer["num_found"] == 2


def test_two_isbns_of_one_work_give_one_result(open_library: httpx.Client) -> None:
    answer = search(open_library, q=f"isbn:({DARKNESS} OR {DARKNESS_ISBN10})")
    assert answer["numFound"] == 1


def test_hyphens_are_understood_in_a_single_isbn_but_not_in_a_group(
    open_library: httpx.Client,
) -> None:
    assert search(open_library, q="isbn:0-441-47812-3")["numFound"] == 1
    assert search(open_library, q="isbn:(0-441-47812-3 OR 0-441-47812-3)")["numFound"] == 0


def test_goodreads_ids_find_the_works_that_have_them_on_record(open_library: httpx.Client) -> None:
    answer = search(
        open_library, q="id_goodreads:(32758901 OR 42036538)", fields="title,id_goodreads"
    )
    assert answer["docs"] == [{"title": "All Systems Red", "id_goodreads": ["32758901"]}]


def test_pairs_of_title_and_author_can_be_joined_with_or(open_library: httpx.Client) -> None:
    pairs = [("Dune", "Frank Herbert"), ("Circe", "Madeline Miller"), ("Dune", "Jane Austen")]
    query = " OR ".join(f'(title:"{title}" AND author:"{author}")' for title, author in pairs)
    assert titles(search(open_library, q=query)) == {"Dune", "Circe"}


def test_accents_case_and_punctuation_do_not_matter(open_library: httpx.Client) -> None:
    answer = search(open_library, q='title:"JANE EYRE" AND author:"charlotte bronte"')
    assert titles(answer) == {"Jane Eyre"}


def test_free_words_and_field_parameters_find_books(open_library: httpx.Client) -> None:
    assert titles(search(open_library, q="norwegian murakami")) == {"Norwegian Wood"}
    assert titles(search(open_library, title="emma", author="austen")) == set()
    assert titles(search(open_library, title="pride and prejudice", author="austen")) == {
        "Pride and Prejudice"
    }
    assert titles(search(open_library, isbn=DARKNESS)) == {"The Left Hand of Darkness"}


def test_a_broken_query_is_taken_for_words(open_library: httpx.Client) -> None:
    assert search(open_library, q='title:"Dune AND (((')["docs"] is not None


def test_unasked_a_search_returns_neither_isbns_nor_subjects(open_library: httpx.Client) -> None:
    (doc,) = search(open_library, q=f"isbn:{DARKNESS}")["docs"]
    assert {"key", "title", "author_name", "cover_i"} <= set(doc)
    assert not {"isbn", "subject", "id_goodreads"} & set(doc)


def test_a_search_returns_the_fields_asked_for_and_all_for_a_star(
    open_library: httpx.Client,
) -> None:
    (doc,) = search(open_library, q=f"isbn:{DARKNESS}", fields="key,isbn,subject")["docs"]
    assert set(doc) == {"key", "isbn", "subject"}
    assert {DARKNESS, DARKNESS_ISBN10} <= set(doc["isbn"])
    (everything,) = search(open_library, q=f"isbn:{DARKNESS}", fields="*")["docs"]
    assert {"isbn", "subject", "id_goodreads", "title"} <= set(everything)


def test_the_best_edition_comes_within_its_work(open_library: httpx.Client) -> None:
    (doc,) = search(open_library, q=f"isbn:{DARKNESS}", fields="key,editions,editions.key")["docs"]
    record = book_with(DARKNESS).open_library
    assert record is not None
    assert doc["editions"]["docs"] == [{"key": f"/books/{record.edition}"}]


def test_results_come_in_pages_and_not_in_the_order_of_the_question(
    open_library: httpx.Client,
) -> None:
    isbns = [book.isbns[0] for book in sample_catalogue().books[:20]]
    query = f"isbn:({' OR '.join(isbns)})"
    everything = search(open_library, q=query, fields="isbn")["docs"]
    second = search(open_library, q=query, fields="isbn", limit=5, page=2)["docs"]
    order = [doc["isbn"][0] for doc in everything]
    assert set(order) == set(isbns)
    assert order != isbns
    assert second == everything[5:10]


@pytest.mark.parametrize("query", ["ab", "the"])
def test_queries_that_mean_nothing_are_refused(open_library: httpx.Client, query: str) -> None:
    assert open_library.get("/search.json", params={"q": query}).status_code == 422


def test_addresses_longer_than_the_proxy_reads_are_refused(open_library: httpx.Client) -> None:
    query = f"isbn:({' OR '.join([DARKNESS] * 600)})"
    assert open_library.get("/search.json", params={"q": query}).status_code == 414


def bibkeys(client: httpx.Client, keys: str, **more: str) -> dict[str, Any]:
    parameters = {"bibkeys": keys, "jscmd": "data", "format": "json"} | more
    answer = client.get("/api/books", params=parameters)
    assert answer.status_code == 200
    return dict(answer.json())


def test_the_books_api_answers_under_the_keys_as_they_were_sent(
    open_library: httpx.Client,
) -> None:
    record = book_with(DARKNESS).open_library
    assert record is not None
    keys = [f"isbn:{DARKNESS}", "ISBN:0-441-47812-3", DARKNESS_ISBN10, f"OLID:{record.edition}"]
    answer = bibkeys(open_library, ", ".join([*keys, f"ISBN:{UNKNOWN}"]))
    assert set(answer) == set(keys)
    assert {entry["title"] for entry in answer.values()} == {"The Left Hand of Darkness"}


def test_the_books_api_splits_at_commas_only(open_library: httpx.Client) -> None:
    assert bibkeys(open_library, f"ISBN:{DARKNESS}|ISBN:{AZKABAN_ISBN10}") == {}


def test_data_has_subjects_of_the_work_but_neither_work_nor_description(
    open_library: httpx.Client,
) -> None:
    (entry,) = bibkeys(open_library, f"ISBN:{DARKNESS}").values()
    assert {"name", "url"} == set(entry["subjects"][0])
    assert not {"works", "description"} & set(entry)
    assert entry["cover"]["small"].endswith("-S.jpg")


def test_details_hold_the_raw_edition_with_its_work(open_library: httpx.Client) -> None:
    (entry,) = bibkeys(open_library, f"ISBN:{DARKNESS}", jscmd="details").values()
    assert entry["bib_key"] == f"ISBN:{DARKNESS}"
    assert entry["details"]["works"][0]["key"].startswith("/works/OL")
    (view,) = bibkeys(open_library, f"ISBN:{DARKNESS}", jscmd="viewapi").values()
    assert "details" not in view


def test_an_orphaned_edition_has_neither_authors_nor_subjects_and_no_search_finds_it(
    open_library: httpx.Client,
) -> None:
    (entry,) = bibkeys(open_library, f"ISBN:{ORPHANED}").values()
    assert not {"authors", "subjects"} & set(entry)
    assert search(open_library, q=f"isbn:{ORPHANED}")["numFound"] == 0


def test_a_poisoned_record_blanks_the_whole_batch(open_library: httpx.Client) -> None:
    assert bibkeys(open_library, f"ISBN:{DARKNESS},ISBN:{POISONED}") == {}
    assert search(open_library, q=f"isbn:{POISONED}")["numFound"] == 1


def test_without_a_format_the_books_api_answers_javascript(open_library: httpx.Client) -> None:
    parameters = {"bibkeys": f"ISBN:{DARKNESS}"}
    answer = open_library.get("/api/books", params=parameters)
    assert answer.text.startswith("var _OLBookInfo = {")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(open_library.get("/api/books.json", params=parameters).text)
    called = open_library.get("/api/books", params=parameters | {"callback": "show"})
    assert called.text.startswith("show({")


@pytest.mark.parametrize("parameters", [{}, {"bibkeys": "ISBN:1", "jscmd": "everything"}])
def test_the_books_api_refuses_what_it_cannot_read(
    open_library: httpx.Client, parameters: dict[str, str]
) -> None:
    answer = open_library.get("/api/books", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_an_isbn_leads_to_its_edition(open_library: httpx.Client) -> None:
    answer = open_library.get("/isbn/0-441-47812-3.json")
    assert answer.status_code == 302
    edition = open_library.get(f"/isbn/{DARKNESS_ISBN10}.json", follow_redirects=True)
    assert edition.json()["isbn_13"] == [DARKNESS]


def test_an_unknown_isbn_is_a_page_that_says_not_found(open_library: httpx.Client) -> None:
    answer = open_library.get(f"/isbn/{UNKNOWN}.json")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_descriptions_come_in_both_shapes(open_library: httpx.Client) -> None:
    shapes = set()
    for book in sample_catalogue().books[:20]:
        if book.open_library and book.open_library.description:
            work = open_library.get(f"/works/{book.open_library.work}.json").json()
            shapes.add(type(work["description"]))
    assert shapes == {str, dict}


def test_a_merged_work_names_the_one_it_was_merged_into(open_library: httpx.Client) -> None:
    merged = open_library.get("/works/OL91000001W.json").json()
    assert merged["type"] == {"key": "/type/redirect"}
    work = open_library.get(f"{merged['location']}.json").json()
    assert work["title"] == "Nineteen Eighty-Four"


@pytest.mark.parametrize("key", ["/works/OL1W", "/books/OL1M", "/authors/OL1A"])
def test_an_unknown_record_is_json_that_says_not_found(
    open_library: httpx.Client, key: str
) -> None:
    answer = open_library.get(f"{key}.json")
    assert answer.status_code == 404
    assert answer.json() == {"error": "notfound", "key": key}


def test_a_work_lists_its_editions_and_its_author_has_a_name(open_library: httpx.Client) -> None:
    record = book_with(DARKNESS).open_library
    assert record is not None
    editions = open_library.get(f"/works/{record.work}/editions.json").json()
    assert editions["entries"][0]["key"] == f"/books/{record.edition}"
    author = open_library.get(f"/authors/{record.authors[0]}.json").json()
    assert author["name"] == "Ursula K. Le Guin"


@pytest.mark.parametrize("agent", ["python-httpx/0.28", "MyLibrary/1.0", "python-x/1 (me@x.org)"])
def test_callers_without_a_contact_are_forbidden_when_one_is_required(
    sandbox: Sandbox, open_library: httpx.Client, agent: str
) -> None:
    sandbox.behaviour.require_contact = True
    answer = open_library.get("/works/OL1W.json", headers={"User-Agent": agent})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")


def test_callers_with_a_contact_are_served(sandbox: Sandbox, open_library: httpx.Client) -> None:
    sandbox.behaviour.require_contact = True
    headers = {"User-Agent": "MyLibrary/1.0 (me@example.org)"}
    answer = open_library.get("/search.json", params={"q": "dune"}, headers=headers)
    assert answer.status_code == 200
