import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.storage import S3Options
from orf_books.resources.upload_queue import (
    ObjectHint,
    OpenUploads,
    QueuedUpload,
    UnreadableMessage,
    UploadQueue,
    hints_in,
)

BUCKET = "uploads-of-tests"
STORE = f"s3://{BUCKET}/platform"
WAVE = 300


def event(key: str, name: str = "ObjectCreated:Put", bucket: str = BUCKET) -> dict[str, Any]:
    """What S3 says of one object."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": quote_plus(key, safe="/"), "size": 1, "sequencer": "0055AED6DCD9"},
        },
    }


def message(*events: dict[str, Any]) -> str:
    return json.dumps({"Records": events})


def in_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "1", "Message": body})


def from_event_bridge(key: str, kind: str = "Object Created") -> str:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key, "etag": "1"}}
    return json.dumps({"source": "aws.s3", "detail-type": kind, "detail": detail})


TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET})
POISON = ["", "no JSON", "{}", "[]", "7", "null", '{"Records": [{"s3": {}}]}', "[" * 10_000]


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
    with pytest.raises(UnreadableMessage, match="queue of dead letters"):
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


def test_a_message_is_settled_with_the_last_of_its_keys() -> None:
    both, one = QueuedUpload("1", frozenset("ab")), QueuedUpload("2", frozenset("a"))
    uploads = OpenUploads()
    uploads.add([both, one])
    assert uploads.keys == {"a", "b"}
    assert uploads.take_settled(["a", "c"]) == [one]
    assert uploads.keys == {"a", "b"}
    assert uploads.take_settled(["a", "b"]) == [both]
    assert uploads.keys == frozenset()


# A queue


class Queue:
    """A queue of a server that speaks SQS, and its queue of dead letters."""

    def __init__(self, options: S3Options, name: str) -> None:
        self.options = options
        self.client = boto3.client(
            "sqs",
            endpoint_url=options.endpoint_url,
            region_name=options.region_name,
            aws_access_key_id=options.aws_access_key_id,
            aws_secret_access_key=options.aws_secret_access_key,
        )
        self.dead_letters = self._new(f"{name}-dead", {})
        dead = self._attribute(self.dead_letters, "QueueArn")
        redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": 3}
        self.url = self._new(name, {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)})

    def _new(self, name: str, attributes: dict[str, str]) -> str:
        url: str = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def _attribute(self, url: str, name: str) -> str:
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        value: str = answer["Attributes"][name]
        return value

    def send(self, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), 10):
            self.client.send_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "MessageBody": body}
                    for number, body in enumerate(bodies[start : start + 10])
                ],
            )

    def length(self, url: str | None = None) -> int:
        """Messages that are waiting or hidden."""
        return sum(
            int(self._attribute(url or self.url, name))
            for name in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        )

    def reader(self, store: str = STORE) -> UploadQueue:
        return UploadQueue(self.url, store, self.options)


@pytest.fixture
def queue(s3_server: S3Options, tmp_path: Path) -> Queue:
    return Queue(s3_server, tmp_path.name.replace("_", "-"))


def test_keys_below_the_prefix_of_the_store_are_given_without_it(queue: Queue) -> None:
    queue.send([message(event("platform/uploads/ana/my books.csv"))])
    (upload,) = queue.reader().receive(0).uploads
    assert upload.keys == {"uploads/ana/my books.csv"}


def test_a_message_stays_until_it_is_forgotten(queue: Queue) -> None:
    queue.send([message(event("platform/uploads/a.csv"))])
    reader = queue.reader()
    first = reader.receive(0)
    assert reader.receive(0).uploads == [], "it is hidden for a while"
    time.sleep(1.1)
    again = reader.receive(1)
    assert again.uploads[0].keys == first.uploads[0].keys

    reader.forget(again.uploads)
    assert queue.length() == 0


def test_what_is_not_ours_is_forgotten_at_once(queue: Queue) -> None:
    queue.send(
        [
            TEST_EVENT,
            message(event("platform/uploads/a.csv", "ObjectRemoved:Delete")),
            message(event("platform/uploads/a.csv", bucket="another-bucket")),
            message(event("another-platform/uploads/a.csv")),
        ]
    )
    received = queue.reader().receive(0)
    assert (received.uploads, received.of_nobody, received.unreadable) == ([], 4, 0)
    assert queue.length() == 0


@pytest.mark.slow
def test_unreadable_messages_end_among_the_dead_letters_and_delay_nothing(queue: Queue) -> None:
    queue.send(["no JSON", message(event("platform/uploads/a.csv"))])
    reader = queue.reader()
    received = reader.receive(0)
    assert received.unreadable == 1
    reader.forget(received.uploads)
    for _ in range(4):
        time.sleep(1.1)
        reader.receive(0)
    assert queue.length() == 0
    assert queue.length(queue.dead_letters) == 1


def test_a_store_in_a_folder_has_no_queue(queue: Queue) -> None:
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_STORAGE to be s3"):
        queue.reader("file:///data")


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


@pytest.mark.parametrize("uploads", [100, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_of_many_shuffled_messages_with_duplicates_and_poison_no_upload_is_lost_or_done_twice(
    queue: Queue, uploads: int
) -> None:
    keys = [f"uploads/library {number}/raw.csv" for number in range(uploads)]
    bodies = [message(event(f"platform/{key}")) for key in keys]
    bodies += random.Random(1).sample(bodies, uploads // 10)
    bodies += ["poison"] * (uploads // 100)
    random.Random(2).shuffle(bodies)
    queue.client.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "600"})

    reader, open_uploads = queue.reader(), OpenUploads()
    times_done: Counter[str] = Counter()
    unreadable = 0
    # In waves, because this server looks through its whole queue for each message.
    for start in range(0, len(bodies), WAVE):
        queue.send(bodies[start : start + WAVE])
        received = reader.receive(0, most=WAVE)
        unreadable += received.unreadable
        open_uploads.add(received.uploads)
        # What has a receipt is not done again.
        times_done.update(open_uploads.keys - times_done.keys())
        reader.forget(open_uploads.take_settled(times_done))

    assert times_done == dict.fromkeys(keys, 1)
    assert unreadable == uploads // 100
    assert queue.length() == uploads // 100
