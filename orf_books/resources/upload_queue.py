"""Uploads by events: an SQS queue of what happened to the objects of a bucket.

Belongs here: receiving messages, what they say, forgetting them. Does not belong here: which keys
are uploads and what is done with them (`orf_books/sensors.py`).

S3 tells of each new object at least once, in no order, perhaps late. So a message is a hint to look
at a key: what counts is what lies there. It stays in the queue until it is forgotten here; else it
comes again, and after some tries the queue moves it to its queue of dead letters.

Format: Amazon S3 User Guide, "Event message structure", any version 2; as S3 sends it, or in the
envelope of SNS or of EventBridge.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
"""A message that cannot be read is deleted after so many tries, if no queue of dead letters takes
it before."""
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
    "InvalidAddress",
    "InvalidClientTokenId",
    "QueueDoesNotExist",
    "SignatureDoesNotMatch",
}


class UnreadableMessage(FixInput):
    """A message of the queue is nothing that S3, SNS or EventBridge send."""


@dataclass(frozen=True, slots=True)
class ObjectHint:
    """There may be something new under a key of a bucket."""

    bucket: str
    key: str


def hints_in(body: str) -> list[ObjectHint]:
    """What a message of the queue hints at; nothing if it is a test or tells of deletions.

    Raises:
        UnreadableMessage: it is none of S3's messages.
    """
    try:
        return list(_hints(json.loads(body), MOST_ENVELOPES))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UnreadableMessage(
            "A message of the upload queue is no event of S3. Look at the queue of dead letters, "
            "and let nothing but the bucket send to the queue."
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
    """A message that names keys of ours."""

    receipt_handle: str
    """What SQS forgets it by; the latest counts."""
    keys: frozenset[str]
    """To look at, below the prefix of the store."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one look at the queue brought."""

    uploads: Sequence[QueuedUpload]
    of_nobody: int = 0
    """Messages about other keys, deletions and tests; they are forgotten already."""
    unreadable: int = 0
    """Messages that are left for the queue of dead letters."""


class UploadQueue:
    """An SQS queue that tells of new objects in a bucket.

    Args:
        url: of the queue.
        store_url: what the events are about, `s3://bucket/prefix`; others are ignored.
        options: credentials and region, as for the bucket. The endpoint is that of the queue's URL.
    """

    def __init__(self, url: str, store_url: str, options: S3Options | None = None) -> None:
        self._url = url
        store = urlsplit(store_url)
        self._bucket = store.netloc
        self._prefix = store.path.lstrip("/").rstrip("/") + "/" if store.path.strip("/") else ""
        self._options = options or S3Options()
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

        Raises:
            RetryLater: SQS did not answer.
            FixConfiguration: there is no such queue, or we may not read it.
        """
        uploads: list[QueuedUpload] = []
        done_with: list[str] = []
        unreadable = taken = 0
        while taken < most:
            messages = self._messages(0 if taken else wait_seconds)
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
                    uploads.append(QueuedUpload(handle, keys))
                else:
                    done_with.append(handle)
            taken += len(messages)
            if len(messages) < MOST_AT_ONCE:
                break
        self._delete(done_with)
        return Received(uploads, taken - len(uploads) - unreadable, unreadable)

    def forget(self, uploads: Iterable[QueuedUpload]) -> None:
        """Delete messages whose keys have all been dealt with.

        One that SQS does not delete comes again, and is forgotten then.

        Raises:
            As `receive`.
        """
        self._delete(upload.receipt_handle for upload in uploads)

    def _keys_in(self, body: str) -> frozenset[str]:
        return frozenset(
            hint.key.removeprefix(self._prefix)
            for hint in hints_in(body)
            if hint.bucket == self._bucket and hint.key.startswith(self._prefix)
        )

    def _messages(self, wait_seconds: float) -> Sequence[Mapping[str, Any]]:
        answer = self._ask(
            "receive_message",
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
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle}
                    for number, handle in enumerate(part)
                ],
            )

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(
                QueueUrl=self._url, **parameters
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _CONFIGURATION_ERRORS:
                raise FixConfiguration(
                    f"The upload queue {self._url} refuses us ({code}): check "
                    "ORF_BOOKS_UPLOAD_QUEUE_URL, and what the role may do."
                ) from None
            raise self._no_answer(code) from None
        except BotoCoreError as error:
            raise self._no_answer(type(error).__name__) from None
        return answer

    def _no_answer(self, why: str) -> RetryLater:
        return RetryLater(
            f"The upload queue {self._url} did not answer ({why}). Uploads are noticed later.",
            FailureCategory.UNAVAILABLE,
        )

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401
        # Imported late: loading the definitions does not need it.
        import boto3

        options, queue = self._options, urlsplit(self._url)
        session = boto3.Session(
            aws_access_key_id=options.aws_access_key_id,
            aws_secret_access_key=options.aws_secret_access_key,
            aws_session_token=options.aws_session_token,
            region_name=_region_in(queue.hostname or "") or options.region_name,
            profile_name=options.profile_name,
        )
        return session.client("sqs", endpoint_url=f"{queue.scheme}://{queue.netloc}")


def _region_in(host: str) -> str | None:
    """The region in the name of a queue's host, `sqs.eu-west-1.amazonaws.com`."""
    service, _, rest = host.partition(".")
    return rest.partition(".")[0] if service == "sqs" and ".amazonaws.com" in rest else None


@dataclass(slots=True)
class OpenUploads:
    """Messages whose keys still have to be dealt with, for as long as a process lives.

    Another process gets them again from the queue, after its visibility timeout.
    """

    _open: dict[str, QueuedUpload] = field(default_factory=dict)

    def add(self, uploads: Iterable[QueuedUpload]) -> None:
        """Note what was received."""
        self._open.update((upload.receipt_handle, upload) for upload in uploads)

    @property
    def keys(self) -> frozenset[str]:
        """To look at."""
        return frozenset().union(*(upload.keys for upload in self._open.values()))

    def take_settled(self, settled: Iterable[str]) -> list[QueuedUpload]:
        """Messages all of whose keys are settled, to be forgotten.

        A key is settled when its upload has a receipt or a run, or when nothing lies there.
        """
        settled = frozenset(settled)
        done = [upload for upload in self._open.values() if upload.keys <= settled]
        for upload in done:
            del self._open[upload.receipt_handle]
        return done
