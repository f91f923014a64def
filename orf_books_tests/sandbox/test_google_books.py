from typing import Any

import httpx
import pytest

from orf_books.sandbox.catalogue import sample_catalogue
from orf_books.sandbox.server import Sandbox

DARKNESS = "9780441478125"
HIDDEN = "9781400079278"
ANSWERED_WITH_ANOTHER_BOOK = "9780199291151"
UNKNOWN = "9781590171332"


def search(client: httpx.Client, query: str, **more: str | int) -> dict[str, Any]:
    answer = client.get("/volumes", params={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def titles(answer: dict[str, Any]) -> list[str]:
    return [item["volumeInfo"]["title"] for item in answer.get("items", [])]


def error(answer: httpx.Response) -> dict[str, Any]:
    return dict(answer.json()["error"])


@pytest.mark.parametrize(
    "query",
    [
        f"isbn:{DARKNESS}",
        "isbn:0441478123",
        DARKNESS,
        'intitle:"The Left Hand of Darkness" inauthor:"Le Guin"',
        "intitle:darkness inauthor:guin",
        "left hand of darkness",
    ],
)
def test_a_book_is_found_by_number_title_author_and_words(
    google_books: httpx.Client, query: str
) -> None:
    assert "The Left Hand of Darkness" in titles(search(google_books, query))


def test_hyphens_break_an_isbn(google_books: httpx.Client) -> None:
    assert search(google_books, "isbn:0-441-47812-3")["totalItems"] == 0


def test_items_are_left_out_when_nothing_matches(google_books: httpx.Client) -> None:
    assert search(google_books, f"isbn:{UNKNOWN}") == {"kind": "books#volumes", "totalItems": 0}


def test_some_books_are_found_by_bare_digits_only(google_books: httpx.Client) -> None:
    assert titles(search(google_books, f"isbn:{HIDDEN}")) == []
    assert titles(search(google_books, HIDDEN)) == ["Kafka on the Shore"]


def test_an_isbn_may_find_another_book_which_its_identifiers_show(
    google_books: httpx.Client,
) -> None:
    (item,) = search(google_books, f"isbn:{ANSWERED_WITH_ANOTHER_BOOK}")["items"]
    identifiers = {i["identifier"] for i in item["volumeInfo"]["industryIdentifiers"]}
    assert item["volumeInfo"]["title"] == "Cosmos"
    assert ANSWERED_WITH_ANOTHER_BOOK not in identifiers


def test_a_search_gives_less_than_the_volume_itself(google_books: httpx.Client) -> None:
    (item,) = search(google_books, f"isbn:{DARKNESS}")["items"]
    volume = google_books.get(f"/volumes/{item['id']}").json()
    assert item["volumeInfo"]["categories"] == ["Fiction"]
    assert "Fiction / Science Fiction / General" in volume["volumeInfo"]["categories"]
    assert volume["volumeInfo"]["description"].startswith("<p>")
    assert not item["volumeInfo"]["description"].startswith("<")


def test_pictures_have_plain_http_addresses_with_a_curled_edge(google_books: httpx.Client) -> None:
    (item,) = search(google_books, f"isbn:{DARKNESS}")["items"]
    thumbnail = item["volumeInfo"]["imageLinks"]["thumbnail"]
    assert thumbnail.startswith("http://books.google.com/")
    assert "edge=curl" in thumbnail


def test_results_come_in_pages(google_books: httpx.Client) -> None:
    everything = titles(search(google_books, "the", maxResults=40))
    assert titles(search(google_books, "the")) == everything[:10]
    assert titles(search(google_books, "the", maxResults=3, startIndex=2)) == everything[2:5]


def test_only_the_fields_asked_for_are_returned(google_books: httpx.Client) -> None:
    fields = "totalItems,items(id,volumeInfo(title,imageLinks/thumbnail))"
    answer = search(google_books, f"isbn:{DARKNESS}", fields=fields)
    (item,) = answer["items"]
    assert set(answer) == {"totalItems", "items"}
    assert set(item) == {"id", "volumeInfo"}
    assert set(item["volumeInfo"]) == {"title", "imageLinks"}
    assert set(item["volumeInfo"]["imageLinks"]) == {"thumbnail"}
    everything = search(google_books, f"isbn:{DARKNESS}", fields="items/volumeInfo/*")
    assert "authors" in everything["items"][0]["volumeInfo"]


@pytest.mark.parametrize("fields", ["items(", "items)", "items,,id", "items/(id)", "a b&c"])
def test_fields_that_cannot_be_read_are_a_bad_request(
    google_books: httpx.Client, fields: str
) -> None:
    answer = google_books.get("/volumes", params={"q": "dune", "fields": fields})
    assert answer.status_code == 400


def test_a_search_without_query_or_with_too_many_results_is_a_bad_request(
    google_books: httpx.Client,
) -> None:
    missing = google_books.get("/volumes")
    assert missing.status_code == 400
    assert error(missing)["errors"][0]["reason"] == "queryRequired"
    assert google_books.get("/volumes", params={"q": "x", "maxResults": 41}).status_code == 400


def test_an_invalid_volume_id_looks_like_an_outage(google_books: httpx.Client) -> None:
    answer = google_books.get("/volumes/no-such-volume")
    assert answer.status_code == 503
    assert error(answer)["errors"][0]["reason"] == "backendFailed"


def test_without_a_key_the_quota_is_nothing(sandbox: Sandbox) -> None:
    answer = httpx.get(f"{sandbox.google_books_url}/volumes", params={"q": "dune"})
    assert answer.status_code == 429
    assert error(answer)["status"] == "RESOURCE_EXHAUSTED"
    metadata = error(answer)["details"][0]["metadata"]
    assert metadata["quota_limit_value"] == "0"
    assert metadata["quota_limit"] == "defaultPerDayPerProject"
    assert "Retry-After" not in answer.headers


def test_a_wrong_key_is_named_as_such(google_books: httpx.Client) -> None:
    answer = google_books.get("/volumes", params={"q": "dune", "key": "wrong"})
    assert answer.status_code == 400
    assert error(answer)["details"][0]["reason"] == "API_KEY_INVALID"


def test_the_quota_of_a_day_ends(sandbox: Sandbox, google_books: httpx.Client) -> None:
    sandbox.behaviour.google_queries_per_day = 2
    answers = [google_books.get("/volumes", params={"q": "dune"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Queries per day" in error(answers[-1])["message"]
    sandbox.counts.clear()
    assert google_books.get("/volumes", params={"q": "dune"}).status_code == 200


def test_the_quota_of_a_minute_is_told_apart_by_its_details() -> None:
    with Sandbox() as sandbox:
        sandbox.behaviour.google_queries_per_minute = 1
        asked = {"q": "dune", "key": sandbox.behaviour.google_key}
        answers = [httpx.get(f"{sandbox.google_books_url}/volumes", params=asked) for _ in "12"]
    assert [answer.status_code for answer in answers] == [200, 429]
    metadata = error(answers[-1])["details"][0]["metadata"]
    assert metadata["quota_limit"] == "defaultPerMinutePerUser"


def test_a_country_helps_where_the_location_is_unknown(
    sandbox: Sandbox, google_books: httpx.Client
) -> None:
    sandbox.behaviour.google_unknown_location = True
    refused = google_books.get("/volumes", params={"q": "dune"})
    assert refused.status_code == 403
    assert error(refused)["errors"][0]["reason"] == "unknownLocation"
    assert google_books.get("/volumes", params={"q": "dune", "country": "US"}).status_code == 200


def test_the_backend_fails_at_the_given_rate(sandbox: Sandbox, google_books: httpx.Client) -> None:
    sandbox.behaviour.google_backend_failed_rate = 0.5
    statuses = [google_books.get("/volumes", params={"q": "dune"}).status_code for _ in range(60)]
    assert set(statuses) == {200, 503}
    assert 15 <= statuses.count(503) <= 45


def test_books_without_isbn_in_the_export_are_found_by_title(google_books: httpx.Client) -> None:
    book = sample_catalogue().with_goodreads_id("58737264")
    assert book is not None
    assert book.open_library is None
    assert book.title in titles(search(google_books, 'intitle:"Legends & Lattes"'))
