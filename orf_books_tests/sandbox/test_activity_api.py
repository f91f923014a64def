from typing import Any

import httpx

from orf_books.sandbox.behaviour import ACTIVITY_API_KEY
from orf_books.sandbox.server import Sandbox

QUERY = "query Q($activityId: ID!) { activity(activityId: $activityId) { status version } }"
CHANGE = "mutation M($activityId: ID!) { updateActivity(activityId: $activityId) { activityId } }"


def ask(sandbox: Sandbox, query: str, key: str = ACTIVITY_API_KEY, **variables: object) -> Any:  # noqa: ANN401
    answer = httpx.post(
        f"{sandbox.activity_api_url}/graphql",
        json={"query": query, "variables": {"activityId": "a", **variables}},
        headers={"x-api-key": key},
    )
    return answer.json()


def test_an_answer_holds_what_the_query_names(sandbox: Sandbox) -> None:
    sandbox.activities.put({"activityId": "a", "status": "new", "errors": [[True]]})
    answer = ask(sandbox, QUERY)["data"]["activity"]
    assert answer == {"activityId": "a", "status": "new", "version": 1}


def test_what_is_not_there_is_null(sandbox: Sandbox) -> None:
    assert ask(sandbox, QUERY, activityId="b") == {"data": {"activity": None}}


def test_a_change_of_another_version_is_refused(sandbox: Sandbox) -> None:
    sandbox.activities.put({"activityId": "a", "status": "new", "version": 7})
    refused = ask(sandbox, CHANGE, expectedVersion=6, status="old")
    assert refused["errors"][0]["errorType"] == "ConditionalCheckFailedException"
    taken = ask(sandbox, CHANGE, expectedVersion=7, status="old")
    assert taken == {"data": {"updateActivity": {"activityId": "a"}}}
    assert sandbox.activities.get("a") == {"activityId": "a", "status": "old", "version": 8}


def test_what_is_not_there_cannot_be_changed(sandbox: Sandbox) -> None:
    refused = ask(sandbox, CHANGE, activityId="b", expectedVersion=None)
    assert refused["errors"][0]["errorType"] == "NotFoundException"


def test_a_wrong_key_is_refused(sandbox: Sandbox) -> None:
    assert "errors" in ask(sandbox, QUERY, key="wrong")


def test_records_are_kept_as_they_were_put(sandbox: Sandbox) -> None:
    record: dict[str, Any] = {"activityId": "a", "errors": [[True]]}
    sandbox.activities.put(record)
    record["errors"].append([False])
    kept = sandbox.activities.get("a")
    assert kept is not None
    assert kept["errors"] == [[True]]
