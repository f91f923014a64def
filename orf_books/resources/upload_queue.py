"""Uploads by events: an SQS queue of what happened to the objects of a bucket.

Belongs here: receiving, reading and deleting messages; the dead-letter queue. Does not belong here:
which sensor a message waits for (`upload_inbox.py`), what is done about a key
(`orf_books/queue_watch.py`).

S3 reports each new object at least once, in no order, perhaps late. So a message is a hint to look
at a key: what counts is the object that is there. A message that is not deleted comes back after
its visibility timeout, and after some deliveries SQS moves it to the dead-letter queue.

Format: Amazon S3 User Guide, "Event message structure", any version 2; as S3 sends it, or in the
envelope of SNS or of EventBridge.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from orf_books.failures import FailureCategory, FixConfiguration, FixInput, RetryLater
from orf_books.resources.storage import S3Options

MOST_AT_ONCE = 10
"""SQS gives and takes no more messages in one request."""
LONGEST_WAIT_SECONDS = 20
MOST_ENVELOPES = 4
MOST_TRIES = 20
"""Deliveries after which an unreadable message is deleted, unless a dead-letter queue took it."""
_CREATED = (
    "ObjectCreated",
    "ObjectRestore:Completed",
    "Object Created",
    "Object Restore Completed",
)
"""How events begin after which there is something under a key to look at."""
_CONFIGURATION_ERRORS = {
    "AccessDenied",
    "AccessDeniedException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "CredentialRetrievalError",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAddress",
    "InvalidClientTokenId",
    "InvalidRegionError",
    "InvalidSignatureException",
    "NoCredentialsError",
    "NoRegionError",
    "ProfileNotFound",
    "QueueDoesNotExist",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


class UnreadableMessage(FixInput):
    """A message that neither S3 nor SNS nor EventBridge sends."""


@dataclass(frozen=True, slots=True)
class ObjectHint:
    """There may be something new under a key of a bucket."""

    bucket: str
    key: str


def hints_in(body: str) -> list[ObjectHint]:
    """The objects that a message names; none for a test event or a deletion.

    Raises:
        UnreadableMessage: it is not a message of S3.
    """
    try:
        return list(_hints(json.loads(body), MOST_ENVELOPES))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UnreadableMessage(
            "A message in the upload queue is not an S3 event. Look at the dead-letter queue, and "
            "let nothing but the bucket send to the upload queue."
        ) from None


def _hints(message: Mapping[str, Any], envelopes: int) -> Iterator[ObjectHint]:
    if envelopes == 0:
        raise ValueError("envelopes within envelopes")
    if "Records" in message:
        for record in message["Records"]:
            if record["eventName"].startswith(_CREATED):
                where = record["s3"]
                # Encoded as in a form, exactly once.
                key = unquote_plus(_text(where["object"]["key"]), errors="strict")
                yield ObjectHint(_text(where["bucket"]["name"]), key)
    elif message.get("Type") == "Notification":
        yield from _hints(json.loads(message["Message"]), envelopes - 1)
    elif message.get("source") == "aws.s3":
        if message["detail-type"].startswith(_CREATED):
            where = message["detail"]
            # EventBridge gives keys as they are.
            yield ObjectHint(_text(where["bucket"]["name"]), _text(where["object"]["key"]))
    elif message.get("Event") != "s3:TestEvent":
        raise ValueError("no event")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("no text")
    return value


@dataclass(frozen=True, slots=True)
class QueuedUpload:
    """A message about keys that are watched."""

    message_id: str
    """The same at every delivery."""
    receipt_handle: str
    """What SQS deletes the message by; the one of the latest delivery counts."""
    keys: frozenset[str]
    """Below the prefix of the store."""


@dataclass(frozen=True, slots=True)
class Received:
    """The messages that one request brought."""

    uploads: Sequence[QueuedUpload]
    irrelevant: int = 0
    """Messages about other keys, deletions and tests; they are deleted already."""
    unreadable: int = 0
    """Messages that are left for the dead-letter queue."""


class UploadQueue:
    """An SQS queue that reports new objects in a bucket.

    Args:
        url: of the queue.
        store_url: `s3://bucket/prefix`; events about other objects are ignored.
        options: credentials and region, as for the bucket. The endpoint is that of the queue's URL.
        watched: beginnings of keys below the prefix; other keys are ignored.

    Every method raises:
        RetryLater: SQS did not answer.
        FixConfiguration: there is no such queue, or access to it is denied.
    """

    def __init__(
        self,
        url: str,
        store_url: str,
        options: S3Options | None = None,
        watched: tuple[str, ...] = ("",),
    ) -> None:
        self._url = url
        store = urlsplit(store_url)
        self._bucket = store.netloc
        self._prefix = store.path.lstrip("/").rstrip("/") + "/" if store.path.strip("/") else ""
        self._options = options or S3Options()
        self._watched = watched
        if store.scheme != "s3":
            raise FixConfiguration(
                "ORF_BOOKS_UPLOAD_QUEUE_URL needs ORF_BOOKS_STORAGE to be s3://bucket/prefix: "
                "only a bucket sends events."
            )

    def receive(self, wait_seconds: float, most: int = 1000) -> Received:
        """Wait for messages, and take those that are there.

        Args:
            wait_seconds: how long to wait for the first one; SQS counts whole seconds, at most 20.
            most: messages to take, about.
        """
        uploads: list[QueuedUpload] = []
        done_with: list[str] = []
        unreadable = taken = 0
        while taken < most and (messages := self._messages(0 if taken else wait_seconds)):
            taken += len(messages)
            for message in messages:
                handle = message["ReceiptHandle"]
                try:
                    keys = self._keys_in(message["Body"])
                except UnreadableMessage:
                    unreadable += 1
                    if int(message["Attributes"]["ApproximateReceiveCount"]) >= MOST_TRIES:
                        done_with.append(handle)
                    continue
                if keys:
                    uploads.append(QueuedUpload(message["MessageId"], handle, keys))
                else:
                    done_with.append(handle)
        self._delete(done_with)
        return Received(uploads, taken - len(uploads) - unreadable, unreadable)

    def delete(self, uploads: Iterable[QueuedUpload]) -> None:
        """Delete messages; one that SQS does not delete comes back."""
        self._delete(upload.receipt_handle for upload in uploads)

    def dead_letters(self) -> int | None:
        """Messages in the dead-letter queue; None where the queue has none."""
        policy = self._attributes(self._url, "RedrivePolicy").get("RedrivePolicy")
        if policy is None:
            return None
        name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        url = self._ask("get_queue_url", QueueName=name)["QueueUrl"]
        (count,) = self._attributes(url, "ApproximateNumberOfMessages").values()
        return int(count)

    def waiting(self) -> int:
        """Messages that nobody has received, about."""
        return int(
            self._attributes(self._url, "ApproximateNumberOfMessages")[
                "ApproximateNumberOfMessages"
            ]
        )

    def _attributes(self, url: str, name: str) -> Mapping[str, str]:
        answer = self._ask("get_queue_attributes", QueueUrl=url, AttributeNames=[name])
        attributes: Mapping[str, str] = answer.get("Attributes", {})
        return attributes

    def _keys_in(self, body: str) -> frozenset[str]:
        keys = (
            hint.key.removeprefix(self._prefix)
            for hint in hints_in(body)
            if hint.bucket == self._bucket and hint.key.startswith(self._prefix)
        )
        return frozenset(key for key in keys if key.startswith(self._watched))

    def _messages(self, wait_seconds: float) -> Sequence[Mapping[str, Any]]:
        answer = self._ask(
            "receive_message",
            QueueUrl=self._url,
            MaxNumberOfMessages=MOST_AT_ONCE,
            WaitTimeSeconds=min(int(wait_seconds), LONGEST_WAIT_SECONDS),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        messages: Sequence[Mapping[str, Any]] = answer.get("Messages", [])
        return messages

    def _delete(self, handles: Iterable[str]) -> None:
        waiting = iter(handles)
        while part := list(islice(waiting, MOST_AT_ONCE)):
            self._ask(
                "delete_message_batch",
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle}
                    for number, handle in enumerate(part)
                ],
            )

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(**parameters)
        except ClientError as error:
            raise self._failure(error.response.get("Error", {}).get("Code", "")) from None
        except BotoCoreError as error:
            raise self._failure(type(error).__name__) from None
        return answer

    def _failure(self, why: str) -> FixConfiguration | RetryLater:
        if why in _CONFIGURATION_ERRORS:
            return FixConfiguration(
                f"The upload queue {self._url} cannot be used ({why}): check "
                "ORF_BOOKS_UPLOAD_QUEUE_URL, the credentials, what the role may do, and the clock."
            )
        return RetryLater(
            f"The upload queue {self._url} did not answer ({why}). Uploads are noticed later.",
            FailureCategory.UNAVAILABLE,
        )

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401
        queue = urlsplit(self._url)
        region = _region_in(queue.hostname or "") or self._options.region_name
        options = replace(self._options, region_name=region)
        return _client_of(options, f"{queue.scheme}://{queue.netloc}")


@cache
def _client_of(options: S3Options, endpoint_url: str) -> Any:  # noqa: ANN401
    """A client costs a tenth of a second of CPU, and threads may share it."""
    # Imported late: loading the definitions does not need it.
    import boto3

    session = boto3.Session(
        aws_access_key_id=options.aws_access_key_id,
        aws_secret_access_key=options.aws_secret_access_key,
        aws_session_token=options.aws_session_token,
        region_name=options.region_name,
        profile_name=options.profile_name,
    )
    return session.client("sqs", endpoint_url=endpoint_url)


def _region_in(host: str) -> str | None:
    """The region in the name of a queue's host, `sqs.eu-west-1.amazonaws.com`."""
    service, _, rest = host.partition(".")
    return rest.partition(".")[0] if service == "sqs" and ".amazonaws.com" in rest else None
