import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.storage import S3Options
from orf_books.resources.upload_queue import (
    ObjectHint,
    UnreadableMessage,
    UploadQueue,
    hints_in,
)
from orf_books_tests.conftest import BUCKET
from orf_books_tests.resources.upload_queue import (
    POISON,
    STORE,
    TEST_EVENT,
    Queue,
    event,
    from_event_bridge,
    in_sns,
    message,
)

# What messages say


@pytest.mark.parametrize("key", ["a.csv", "my books+1.csv", "Bücher/50%25.csv", "a%2Fb", "…/ü ß"])
@pytest.mark.parametrize("envelope", [lambda body: body, in_sns])
def test_keys_are_decoded_exactly_once(key: str, envelope: Callable[[str], str]) -> None:
    assert hints_in(envelope(message(event(key)))) == [ObjectHint(BUCKET, key)]


@pytest.mark.parametrize("key", ["a.csv", "my books+1.csv", "50%25.csv"])
def test_event_bridge_gives_keys_as_they_are(key: str) -> None:
    assert hints_in(from_event_bridge(key)) == [ObjectHint(BUCKET, key)]
    assert hints_in(in_sns(from_event_bridge(key))) == [ObjectHint(BUCKET, key)]


def test_a_message_may_tell_of_several_objects() -> None:
    events = [event("a"), event("b", "ObjectCreated:CompleteMultipartUpload"), event("a")]
    assert [hint.key for hint in hints_in(message(*events))] == ["a", "b", "a"]


@pytest.mark.parametrize(
    "body",
    [
        TEST_EVENT,
        in_sns(TEST_EVENT),
        message(),
        message(event("a", "ObjectRemoved:Delete"), event("b", "LifecycleExpiration:Delete")),
        from_event_bridge("a", "Object Deleted"),
    ],
)
def test_tests_and_deletions_leave_nothing_to_look_at(body: str) -> None:
    assert hints_in(body) == []


@pytest.mark.parametrize(
    "body",
    [
        *POISON,
        in_sns("no JSON"),
        in_sns(in_sns(in_sns(in_sns(message(event("a")))))),
        message(event("a") | {"eventName": 7}),
        message(event("a") | {"s3": {"bucket": {"name": BUCKET}, "object": {"key": ""}}}),
        message(event("a") | {"s3": {"bucket": {"name": BUCKET}, "object": {"key": "%FF"}}}),
    ],
)
def test_what_is_no_event_of_s3_is_told_apart(body: str) -> None:
    with pytest.raises(UnreadableMessage, match="dead-letter queue"):
        hints_in(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Records",
                    "eventName",
                    "s3",
                    "bucket",
                    "object",
                    "key",
                    "name",
                    "Type",
                    "Message",
                    "source",
                    "detail",
                    "Event",
                ]
            ),
            inner | st.sampled_from(["Notification", "aws.s3", "Object Created", "ObjectCreated:"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values.map(json.dumps) | st.text(max_size=30))
def test_whatever_a_message_holds_it_is_read_or_refused(body: str) -> None:
    try:
        hints = hints_in(body)
    except UnreadableMessage:
        return
    assert all(hint.bucket and hint.key for hint in hints)


@given(st.text(min_size=1, max_size=40).filter(lambda key: key.isprintable()))
def test_every_key_comes_back_as_it_was(key: str) -> None:
    assert hints_in(message(event(key))) == [ObjectHint(BUCKET, key)]


# A queue


@pytest.fixture
def queue(s3_server: S3Options, tmp_path: Path) -> Queue:
    return Queue(s3_server, tmp_path.name.replace("_", "-"))


def test_keys_below_the_prefix_of_the_store_are_given_without_it(queue: Queue) -> None:
    queue.send([message(event("platform/uploads/ana/my books.csv"))])
    (upload,) = queue.reader().receive(0).uploads
    assert upload.keys == {"uploads/ana/my books.csv"}


def test_a_message_stays_until_it_is_deleted(queue: Queue) -> None:
    queue.send([message(event("platform/uploads/a.csv"))])
    reader = queue.reader()
    first = reader.receive(0)
    assert reader.receive(0).uploads == [], "it is hidden for a while"
    time.sleep(1.1)
    again = reader.receive(1)
    assert again.uploads[0].keys == first.uploads[0].keys

    reader.delete(again.uploads)
    assert queue.length() == 0


def test_what_is_not_ours_is_deleted_at_once(queue: Queue) -> None:
    queue.send(
        [
            TEST_EVENT,
            message(event("platform/uploads/a.csv", "ObjectRemoved:Delete")),
            message(event("platform/uploads/a.csv", bucket="another-bucket")),
            message(event("another-platform/uploads/a.csv")),
        ]
    )
    received = queue.reader().receive(0)
    assert (received.uploads, received.irrelevant, received.unreadable) == ([], 4, 0)
    assert queue.length() == 0


@pytest.mark.slow
def test_unreadable_messages_end_among_the_dead_letters_and_delay_nothing(queue: Queue) -> None:
    queue.send(["no JSON", message(event("platform/uploads/a.csv"))])
    reader = queue.reader()
    received = reader.receive(0)
    assert received.unreadable == 1
    reader.delete(received.uploads)
    for _ in range(4):
        time.sleep(1.1)
        reader.receive(0)
    assert queue.length() == 0
    assert queue.length(queue.dead_letters) == 1


def test_a_store_in_a_folder_has_no_queue(queue: Queue) -> None:
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_STORAGE to be s3"):
        queue.reader(store="file:///data")


def test_a_queue_that_is_not_there_is_a_wrong_setting(queue: Queue) -> None:
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_UPLOAD_QUEUE_URL"):
        UploadQueue(f"{queue.url}-other", STORE, queue.options).receive(0)


def test_no_answer_is_an_outage(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = UploadQueue("http://127.0.0.1:9/1/uploads", STORE, queue.options)
    with pytest.raises(RetryLater, match="did not answer") as outage:
        nobody.receive(0)
    assert outage.value.category is FailureCategory.UNAVAILABLE


def test_the_region_is_that_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/uploads"
    options = S3Options(aws_access_key_id="a", aws_secret_access_key="b")
    client = UploadQueue(url, STORE, options)._client
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_the_dead_letters_are_counted(queue: Queue) -> None:
    assert queue.reader().dead_letters() == 0
    queue.client.send_message(QueueUrl=queue.dead_letters, MessageBody="poison")
    assert queue.reader().dead_letters() == 1


def test_a_queue_may_have_no_dead_letter_queue(queue: Queue) -> None:
    assert UploadQueue(queue.dead_letters, STORE, queue.options).dead_letters() is None


def test_messages_about_keys_that_nobody_watches_are_deleted_at_once(queue: Queue) -> None:
    keys = ["platform/uploads/a.csv", "platform/tables/uploads/part-1.parquet"]
    queue.send([message(event(key)) for key in keys])
    (upload,) = queue.reader(("uploads/", "raw/")).receive(0).uploads
    assert upload.keys == {"uploads/a.csv"}
    assert queue.length() == 1
