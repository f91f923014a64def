"""The activity API: reading records of activities and writing back rescored ones, over GraphQL.

    POST <base>/graphql, header `x-api-key`

Belongs here: the operations, and what GraphQL's errors mean. Does not belong here: the model of a
record (`orf_books/activities/activity.py`), retries of requests (`http.py`).
"""

import json
import re
from collections.abc import Sequence

from orf_books.failures import (
    FailureCategory,
    FixConfiguration,
    FixInput,
    OrfBooksError,
    RetryLater,
)
from orf_books.resources.http import (
    AsksService,
    Body,
    JsonObject,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
)

RESCORED = "rescored"

_REMEDY = "Check ORF_BOOKS_ACTIVITY_API_KEY: it must be allowed to read and update activities."
_RECORD = """query ActivityRecord($activityId: ID!) {
  activity(activityId: $activityId) {
    activityId storyId story { chapters { phrases } tags } errors status displayStatus version
  }
  modelFeatures(activityId: $activityId) {
    model phraseIndex Kaldi_match W2V_match we_dist correct_confidences
  }
}"""
_STATE = """query ActivityState($activityId: ID!) {
  activity(activityId: $activityId) { errors status displayStatus version }
}"""
_RESCORE = """mutation RescoreActivity(
  $activityId: ID!, $expectedVersion: ID,
  $errors: [[Boolean!]!]!, $status: String!, $displayStatus: String!
) {
  updateActivity(
    activityId: $activityId, expectedVersion: $expectedVersion,
    errors: $errors, status: $status, displayStatus: $displayStatus
  ) { activityId }
}"""


class RecordChanged(RetryLater):
    """A record was changed by somebody else after it was read."""

    def __init__(self, activity_id: str) -> None:
        super().__init__(
            f"Activity {activity_id} was changed after it was read; nothing was written.",
            FailureCategory.UNAVAILABLE,
        )


class ActivityApi(AsksService):
    """Reads and updates activities. Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/graphql`.
        key: the API key.
        user_agent: who we are.
        retry_policy: how failing requests are tried again.
        deadline_seconds: how long one attempt may take.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        user_agent: str,
        retry_policy: RetryPolicy | None = None,
        deadline_seconds: float = 20.0,
    ) -> None:
        super().__init__(
            ServiceClient(
                "The activity API",
                base_url,
                user_agent=user_agent,
                remedy=_REMEDY,
                headers={"x-api-key": key},
                is_ours=True,
                retry_policy=retry_policy,
                deadline_seconds=deadline_seconds,
            )
        )

    async def document(self, activity_id: str) -> bytes:
        """The record of an activity with its features, as `read_activity` takes it.

        Raises:
            FixInput: there is no such activity.
            FixConfiguration: the API refuses us.
            RetryLater: it cannot answer now.
        """
        data = await self._ask(_RECORD, activity_id)
        record = _activity_in(data, activity_id)
        return json.dumps({**record, "features": data.get("modelFeatures")}).encode()

    async def write_back(
        self, activity_id: str, errors: Sequence[Sequence[bool]], version: int | str | None
    ) -> bool:
        """Write what was rescored, unless the record holds it already.

        Args:
            activity_id: which activity.
            errors: one flag a word of each phrase, true where the word was misread.
            version: of the record that was rescored; None where it had none.

        Returns:
            Whether the record had to be changed.

        Raises:
            RecordChanged: someone else has changed the record meanwhile.
            FixInput: there is no such activity any more.
            FixConfiguration: the API refuses us.
            RetryLater: it cannot answer now.
        """
        wanted = {
            "errors": [list(flags) for flags in errors],
            "status": RESCORED,
            "displayStatus": RESCORED,
        }
        current = await self._state(activity_id)
        if _holds(current, wanted):
            return False
        if version is not None and current.get("version") != version:
            raise RecordChanged(activity_id)
        try:
            await self._ask(_RESCORE, activity_id, expectedVersion=current.get("version"), **wanted)
        except RecordChanged:
            # The first attempt may have changed it, and only its answer was lost.
            if not _holds(await self._state(activity_id), wanted):
                raise
        return True

    async def _state(self, activity_id: str) -> JsonObject:
        return _activity_in(await self._ask(_STATE, activity_id), activity_id)

    async def _ask(self, query: str, activity_id: str, **variables: object) -> JsonObject:
        question = {"query": query, "variables": {"activityId": activity_id, **variables}}
        answer = await self._client.post_json("/graphql", Body.of_json(question))
        if errors := answer.get("errors"):
            raise _failure(errors, activity_id)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise _unreadable()
        return data


def _activity_in(data: JsonObject, activity_id: str) -> JsonObject:
    activity = data.get("activity")
    if activity is None:
        raise _no_activity(activity_id)
    if not isinstance(activity, dict):
        raise _unreadable()
    return activity


def _holds(record: JsonObject, wanted: JsonObject) -> bool:
    return all(record.get(name) == value for name, value in wanted.items())


def _failure(errors: object, activity_id: str) -> OrfBooksError:
    """What the errors of an answer mean; servers name them in different fields and spellings."""
    words = re.sub(r"[\W_]", "", json.dumps(errors)).casefold()
    if re.search("notauthori|unauthori|unauthenticated|forbidden|accessdenied", words):
        return FixConfiguration(f"The activity API refuses us (activity {activity_id}). {_REMEDY}")
    if re.search("conflict|conditionalcheckfailed", words):
        return RecordChanged(activity_id)
    if re.search("notfound|nosuchactivity", words):
        return _no_activity(activity_id)
    return ServiceFailure(
        f"The activity API failed to answer for activity {activity_id}.",
        FailureCategory.UNAVAILABLE,
    )


def _no_activity(activity_id: str) -> FixInput:
    return FixInput(f"The activity API has no activity {activity_id}: check the id.")


def _unreadable() -> ServiceFailure:
    return ServiceFailure("The activity API answered without data.", FailureCategory.BAD_RESPONSE)
