import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from orf_books.activities.activity import read_activity
from orf_books.failures import FixConfiguration, FixInput
from orf_books.resources.activity_api import RESCORED, ActivityApi, RecordChanged
from orf_books.sandbox.activity_api import ActivityRecords
from orf_books.sandbox.behaviour import ACTIVITY_API_KEY, Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books_tests.resources.conftest import (
    AGENT,
    AT_ONCE,
    ATTEMPTS,
    failure_of,
    kind_of,
    trouble,
)

ID = "activity-1"
RECORD: dict[str, Any] = {
    "activityId": ID,
    "storyId": "5b0c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01",
    "story": {"chapters": [{"phrases": ["The cat"]}], "tags": ["KALDI_SHARD_PARTNER_1"]},
    "errors": [[True, False]],
    "status": "scored",
    "displayStatus": "scored",
    "version": 4,
    "studentName": "nobody's business",
    "features": [
        {
            "model": "first",
            "phraseIndex": "0",
            "Kaldi_match": [1, 0],
            "W2V_match": None,
            "we_dist": [0, 2],
            "correct_confidences": [0.9, 0.2],
        }
    ],
}
NEW_FLAGS = ((False, True),)

Answer = TypeVar("Answer")


@pytest.fixture
def records(calm: Sandbox) -> ActivityRecords:
    calm.activities.put(RECORD)
    return calm.activities


def api(sandbox: Sandbox, **others: Any) -> ActivityApi:  # noqa: ANN401
    settings: dict[str, Any] = {
        "key": ACTIVITY_API_KEY,
        "user_agent": AGENT,
        "retry_policy": AT_ONCE,
    }
    return ActivityApi(sandbox.activity_api_url, **settings | others)


async def asked(client: ActivityApi, ask: Callable[[ActivityApi], Awaitable[Answer]]) -> Answer:
    async with client:
        return await ask(client)


def document(sandbox: Sandbox, activity_id: str = ID) -> bytes:
    return asyncio.run(asked(api(sandbox), lambda client: client.document(activity_id)))


def write_back(sandbox: Sandbox, version: int | None = 4) -> bool:
    return asyncio.run(
        asked(api(sandbox), lambda client: client.write_back(ID, NEW_FLAGS, version))
    )


def failed_write(sandbox: Sandbox, version: int | None = 4) -> object:
    asking = asked(api(sandbox), lambda client: client.write_back(ID, NEW_FLAGS, version))
    return failure_of(asking)


def requests(sandbox: Sandbox) -> int:
    return sandbox.counts.requests(Service.ACTIVITY_API)


def test_a_record_comes_with_its_features_as_an_upload_would_hold_it(
    calm: Sandbox, records: ActivityRecords
) -> None:
    content = document(calm)
    activity = read_activity(content)
    assert activity == read_activity(json.dumps(RECORD).encode())
    assert activity.features[0].confidences == (0.9, 0.2)
    assert activity.version == 4
    assert requests(calm) == 1


def test_nothing_is_asked_for_that_is_not_needed(calm: Sandbox, records: ActivityRecords) -> None:
    assert b"studentName" not in document(calm)


def test_a_record_without_features_is_a_record(calm: Sandbox, records: ActivityRecords) -> None:
    records.put({name: value for name, value in RECORD.items() if name != "features"})
    assert read_activity(document(calm)).features == ()


def test_what_was_rescored_is_written_back(calm: Sandbox, records: ActivityRecords) -> None:
    assert write_back(calm)
    record = records.get(ID)
    assert record == RECORD | {
        "errors": [[False, True]],
        "status": RESCORED,
        "displayStatus": RESCORED,
        "version": 5,
    }


def test_writing_back_twice_changes_a_record_once(calm: Sandbox, records: ActivityRecords) -> None:
    assert write_back(calm)
    assert not write_back(calm)
    record = records.get(ID)
    assert record is not None
    assert record["version"] == 5


def test_a_record_that_changed_meanwhile_is_left_alone(
    calm: Sandbox, records: ActivityRecords
) -> None:
    records.change(ID, {"errors": [[True, True]]}, expected_version=4)
    before = records.get(ID)
    failure = failed_write(calm)
    assert isinstance(failure, RecordChanged)
    assert ID in str(failure)
    assert records.get(ID) == before


def test_a_change_between_looking_and_writing_is_noticed(
    calm: Sandbox, records: ActivityRecords
) -> None:
    trouble(calm, Service.ACTIVITY_API, Troubles(error="conflict"))
    assert isinstance(failed_write(calm), RecordChanged)
    assert records.get(ID) == RECORD


def test_a_record_of_no_version_is_written_as_it_is_found(
    calm: Sandbox, records: ActivityRecords
) -> None:
    assert write_back(calm, version=None)


class RecordsThatBreakOnChange(ActivityRecords):
    """Changes a record, and then cannot say so."""

    def change(self, activity_id: str, changes: dict[str, Any], expected_version: object) -> bool:
        if super().change(activity_id, changes, expected_version):
            raise OSError("the answer is lost")
        return False


def test_a_change_whose_answer_was_lost_is_no_conflict() -> None:
    sandbox = Sandbox()
    sandbox.activities = RecordsThatBreakOnChange()
    sandbox.activities.put(RECORD)
    with sandbox:
        assert write_back(sandbox)
    record = sandbox.activities.get(ID)
    assert record is not None
    assert (record["version"], record["errors"]) == (5, [[False, True]])


def test_an_activity_that_is_not_there_is_for_its_owner(calm: Sandbox) -> None:
    failure = failure_of(asked(api(calm), lambda client: client.document("nowhere")))
    assert isinstance(failure, FixInput)
    assert "nowhere" in str(failure)
    assert requests(calm) == 1


@pytest.mark.parametrize(
    ("troubles", "kind", "category", "attempts"),
    [
        (Troubles(error="not_found"), "FixInput", "bad_data", 1),
        (Troubles(error="unauthorised"), "FixConfiguration", "unavailable", 1),
        (Troubles(error="forbidden"), "FixConfiguration", "unavailable", 1),
        (Troubles(error="internal"), "RetryLater", "unavailable", 1),
        (Troubles(error="bare"), "RetryLater", "unavailable", 1),
        (Troubles(error="no_data"), "RetryLater", "bad_response", 1),
        (Troubles(error="no_record"), "RetryLater", "bad_response", 1),
        (Troubles(down=True), "RetryLater", "unavailable", ATTEMPTS),
        (Troubles(fault_rate=1, faults=(Fault.SERVER_ERROR,)), "RetryLater", "unavailable", 4),
        (Troubles(fault_rate=1, faults=(Fault.GATEWAY_TIMEOUT,)), "RetryLater", "unavailable", 4),
        (Troubles(fault_rate=1, faults=(Fault.GARBAGE,)), "RetryLater", "bad_response", 2),
        (Troubles(fault_rate=1, faults=(Fault.CUT,)), "RetryLater", "network", ATTEMPTS),
    ],
)
def test_an_error_is_an_error_whatever_the_status(  # noqa: PLR0917
    calm: Sandbox,
    records: ActivityRecords,
    troubles: Troubles,
    kind: str,
    category: str,
    attempts: int,
) -> None:
    trouble(calm, Service.ACTIVITY_API, troubles)
    failure = failure_of(asked(api(calm), lambda client: client.document(ID)))
    assert (*kind_of(failure), requests(calm)) == (kind, category, attempts)
    assert "nobody" not in str(failure)


def test_a_wrong_key_is_for_someone_to_fix_and_is_not_shown(calm: Sandbox) -> None:
    client = api(calm, key="wrong-secret")
    failure = failure_of(asked(client, lambda client: client.document(ID)))
    assert isinstance(failure, FixConfiguration)
    assert "ORF_BOOKS_ACTIVITY_API_KEY" in str(failure)
    assert "wrong-secret" not in str(failure)
