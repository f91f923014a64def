"""An SQS queue for tests, and messages as S3, SNS and EventBridge send them.

Belongs here: sending messages and counting them. Does not belong here: what is done about them.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import boto3

from orf_books.resources.storage import S3Options
from orf_books.resources.upload_queue import UploadQueue
from orf_books_tests.conftest import BUCKET

STORE = f"s3://{BUCKET}/platform"


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


@cache
def _client(service: str, options: S3Options) -> Any:  # noqa: ANN401
    return boto3.client(
        service,
        endpoint_url=options.endpoint_url,
        region_name=options.region_name,
        aws_access_key_id=options.aws_access_key_id,
        aws_secret_access_key=options.aws_secret_access_key,
    )


class Queue:
    """A queue of a server that speaks SQS, and its dead-letter queue."""

    def __init__(self, options: S3Options, name: str, hidden_seconds: int = 1) -> None:
        self.options, self.name = options, name
        self.client = self.client_of("sqs")
        self.dead_letters = self._new(f"{name}-dead", {})
        redrive = {
            "deadLetterTargetArn": self._attribute(self.dead_letters, "QueueArn"),
            "maxReceiveCount": 3,
        }
        self.url = self._new(
            name,
            {"VisibilityTimeout": str(hidden_seconds), "RedrivePolicy": json.dumps(redrive)},
        )

    @property
    def arn(self) -> str:
        return self._attribute(self.url, "QueueArn")

    def client_of(self, service: str) -> Any:  # noqa: ANN401
        """A client of another service of the same server."""
        return _client(service, self.options)

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

    def reader(self, watched: tuple[str, ...] = ("",), store: str = STORE) -> UploadQueue:
        return UploadQueue(self.url, store, self.options, watched)
