"""The activity API as a local server: GraphQL over the records that it is given.

Belongs here: the records, the operations that `orf_books/resources/activity_api.py` asks for, and
GraphQL's errors. Does not belong here: the rest of GraphQL; an answer holds those members of a
record that the query names anywhere.
"""

import copy
import re
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orf_books.sandbox.behaviour import ACTIVITY_API_KEY, Behaviour, Counts, Service
from orf_books.sandbox.front_door import FrontDoor

Json = dict[str, Any]


def _failed(**error: object) -> Json:
    return {"data": None, "errors": [error]}


ERRORS: dict[str, Json] = {
    "not_found": _failed(errorType="NotFoundException", message="No such activity."),
    "unauthorised": _failed(errorType="Unauthorized", message="Not Authorized to access activity."),
    "forbidden": _failed(message="Access denied.", extensions={"code": "FORBIDDEN"}),
    "conflict": _failed(
        errorType="ConditionalCheckFailedException", message="The conditional request failed."
    ),
    "internal": _failed(message="Internal server error", extensions={"code": "INTERNAL"}),
    "bare": _failed(message="Something went wrong."),
    "no_data": {"data": None},
    "no_record": {"data": {"activity": []}},
}
"""What `Troubles.error` may be: a whole answer, always with HTTP 200. Only changes can meet a
`conflict`."""


class ActivityRecords:
    """The records of the API, as `activity.json` writes them; each change makes a new version."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: dict[str, Json] = {}

    def put(self, record: Json) -> None:
        """Store or replace a record; it may hold `features` and a `version`."""
        with self._lock:
            self._records[record["activityId"]] = {"version": 1, **copy.deepcopy(record)}

    def get(self, activity_id: str) -> Json | None:
        """A record; None where there is none."""
        with self._lock:
            return copy.deepcopy(self._records.get(activity_id))

    def change(self, activity_id: str, changes: Json, expected_version: object) -> bool:
        """Change a record, if it is there and of this version; None is any version."""
        with self._lock:
            record = self._records.get(activity_id)
            if record is None or expected_version not in (None, record["version"]):
                return False
            record.update(changes, version=record["version"] + 1)
            return True


def activity_api_app(records: ActivityRecords, behaviour: Behaviour, counts: Counts) -> Starlette:
    """The activity API over its records."""
    api = ActivityApi(records, behaviour)
    front_door = Middleware(FrontDoor, rules=ActivityApiRules(), behaviour=behaviour, counts=counts)
    return Starlette(
        routes=[Route("/graphql", api.answer, methods=["POST"])], middleware=[front_door]
    )


class ActivityApiRules:
    """Whom the API refuses."""

    service = Service.ACTIVITY_API

    def endpoint(self, path: str) -> str:
        """`graphql`."""
        return path.strip("/")

    async def refusal(self, _path: str, request: Request) -> Response | None:
        """401 for a wrong key, else None."""
        if request.headers.get("x-api-key") == ACTIVITY_API_KEY:
            return None
        error = {"errorType": "UnauthorizedException", "message": "You are not authorized."}
        return JSONResponse({"errors": [error]}, status_code=401)


class ActivityApi:
    """The endpoint, as a method that takes a request."""

    def __init__(self, records: ActivityRecords, behaviour: Behaviour) -> None:
        self._records = records
        self._behaviour = behaviour

    async def answer(self, request: Request) -> Response:
        """POST /graphql."""
        asked = await request.json()
        query, variables = asked["query"], asked["variables"]
        changes_something = query.lstrip().startswith("mutation")
        error = self._behaviour.of(Service.ACTIVITY_API).error
        if error and (changes_something or error != "conflict"):
            return _error(error)
        if changes_something:
            return self._change(variables)
        return self._read(query, variables["activityId"])

    def _read(self, query: str, activity_id: str) -> Response:
        record = self._records.get(activity_id)
        features = (record or {}).pop("features", None)
        data = {"activity": record, "modelFeatures": features}
        return JSONResponse({"data": _members_named(set(re.findall(r"\w+", query)), data)})

    def _change(self, variables: Json) -> Response:
        activity_id, expected = variables.pop("activityId"), variables.pop("expectedVersion")
        if not self._records.change(activity_id, variables, expected):
            return _error("conflict" if self._records.get(activity_id) else "not_found")
        return JSONResponse({"data": {"updateActivity": {"activityId": activity_id}}})


def _members_named(names: set[str], value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_members_named(names, item) for item in value]
    if isinstance(value, dict):
        return {name: _members_named(names, value[name]) for name in value if name in names}
    return value


def _error(name: str) -> Response:
    return JSONResponse(ERRORS[name])
