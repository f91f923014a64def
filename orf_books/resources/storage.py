"""Objects by key, in a folder or in an S3 bucket, through one interface.

Belongs here: reading, writing and listing objects, what a location means to the libraries that
read tables, and what a store's errors mean. Does not belong here: which keys exist and what they
hold (`orf_books/object_keys.py`).
"""

import errno
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import unquote, urlsplit

import stamina

from orf_books.failures import (
    FailureCategory,
    FixConfiguration,
    FixInput,
    OrfBooksError,
    RetryLater,
)
from orf_books.object_keys import is_private

if TYPE_CHECKING:
    import boto3
    from obstore.store import ObjectStore, S3Config

logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

RETRIES = 3
"""How often the libraries ask S3 again, over about a second; then the caller decides."""

_OTHER_REGION = "the bucket lies in another region. Set ORF_BOOKS_S3_REGION_NAME to that one"
_REMEDIES = {
    "NoSuchBucket": "there is no such bucket. Create it, or correct ORF_BOOKS_STORAGE",
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "incorrectly configured region": _OTHER_REGION,
    "RequestTimeTooSkewed": "the clock of this machine is wrong. Set it, by NTP if possible",
    "ExpiredToken": "the credentials have expired. Sign in again, or use a role",
    "501 Not Implemented": (
        "it lacks something that tables need. Use a store with conditional puts (If-None-Match)"
    ),
}
"""What to do, by a sign in what S3 answers."""
_CHECK_ACCESS = (
    "check ORF_BOOKS_STORAGE, the credentials and the bucket, or the folder and its permissions"
)
_REFUSALS = (
    *_REMEDIES,
    *("401 Unauthorized", "403 Forbidden"),
    *("Read-only file system", "Permission denied", "Operation not permitted"),
)
_FULL = ("No space left on device", "Disk quota exceeded", "507 Insufficient Storage")

_TOO_LONG = "File name too long"
_OF_DISKS_THAT_ARE_AWAY = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing shows it."""

    key: str
    version: str
    """Changes whenever the object is written anew."""
    size: int
    """Bytes."""
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class S3Options:
    """Endpoint and credentials, named as dagster-aws's `S3Resource` names them.

    What is left out is found where boto3 finds it: environment, profile, instance role.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    profile_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None

    def get_client(self) -> Any:  # noqa: ANN401
        """A client of boto3."""
        import boto3

        session = boto3.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            region_name=self.region_name,
            profile_name=self.profile_name,
        )
        return session.client("s3", endpoint_url=self.endpoint_url)


class S3Access(Protocol):
    """Whatever makes clients of S3: `S3Options`, or dagster-aws's `S3Resource`."""

    def get_client(self) -> Any:  # noqa: ANN401
        """A client of boto3, which knows the endpoint, the region and the credentials."""
        ...


@dataclass(frozen=True, slots=True)
class StoreRetryPolicy:
    """How long a write waits for a store that is away. All times in seconds.

    For results that cost requests or minutes. The caller bounds the memory that they wait in, by
    not producing more meanwhile.
    """

    patience: float = 300.0
    """From the first failure on."""
    first_wait: float = 0.5
    """Doubled with every attempt."""
    longest_wait: float = 15.0

    def persist(self, write: Callable[[], ResultT]) -> ResultT:
        """Write until the store takes it; blocks, so call it in a thread.

        A write is repeated when only its answer was lost, so repeating it must be harmless.

        Raises:
            RetryLater: the store did not take it in all that time.
            FixConfiguration: waiting does not help.
        """
        for attempt in stamina.retry_context(
            on=RetryLater,
            attempts=None,
            timeout=self.patience,
            wait_initial=self.first_wait,
            wait_max=self.longest_wait,
            wait_jitter=self.first_wait,
        ):
            with attempt:
                if attempt.num > 1:
                    logger.info("The object store did not take a write; attempt %s.", attempt.num)
                return write()
        raise AssertionError("the last attempt returns or raises")


class StoreIsFull(FixConfiguration):
    """Nothing more can be written until somebody makes room."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The object store is full: {what} could not be written. Free space on its disk, or "
            "move it to a larger one (ORF_BOOKS_STORAGE)."
        )


class ObjectNotFoundError(LookupError):
    """There is no object under this key."""


class ObjectStorage:
    """All objects under one root, `file:///folder` or `s3://bucket/prefix`."""

    def __init__(self, url: str, s3: S3Access | None = None) -> None:
        self.url = url.rstrip("/")
        self._s3: S3Access = s3 or S3Options()

    @property
    def folder(self) -> Path | None:
        """The root as a folder, or None on S3."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    def location(self, key: str) -> str:
        """Where a person finds the object: a path, or an S3 URL."""
        return str(self.folder / key) if self.folder else f"{self.url}/{key}"

    def get(self, key: str) -> bytes:
        """The object's content.

        Raises:
            ObjectNotFoundError: there is none.
            RetryLater: the store did not answer.
        """
        with _store_errors(key):
            return bytes(self._store.get(key).bytes())

    def start(self, key: str, length: int) -> tuple[bytes, dict[str, str]]:
        """The first bytes of an object, and what was stored with it, by lower-case names.

        Raises:
            ObjectNotFoundError: there is none.
        """
        with _store_errors(key):
            found = self._store.get(key, options={"range": (0, length)})
            stored = {str(name).lower(): str(value) for name, value in found.attributes.items()}
            return bytes(found.bytes()), stored

    def put(self, key: str, content: bytes) -> str:
        """Write the object, whole or not at all; returns its version.

        In a folder, what is about children is readable by its owner only.

        Raises:
            StoreIsFull: there is no room.
            FixConfiguration: it may not be written.
            RetryLater: the store did not answer.
        """
        with _store_errors(key):
            if self.folder and is_private(key):
                _write_privately(self.folder, key, content)
                return str(self._store.head(key)["e_tag"])
            return str(self._store.put(key, content)["e_tag"])

    def put_new(self, key: str, content: bytes) -> bool:
        """Write the object unless there is one already; whether it was written.

        Raises:
            As `put`.
        """
        from obstore.exceptions import AlreadyExistsError

        try:
            with _store_errors(key):
                self._store.put(key, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def delete(self, *keys: str) -> None:
        """Delete objects; those that are not there are no error."""
        for key in keys:
            with suppress(ObjectNotFoundError), _store_errors(key):
                self._store.delete(key)

    def copy(self, source: str, target: str) -> None:
        """Copy one object."""
        if self.folder and is_private(target):
            # A copy by the library is a link to the same file, with the same permissions.
            self.put(target, self.get(source))
            return
        with _store_errors(source):
            self._store.copy(source, target)

    def head(self, key: str) -> StoredObject:
        """What a listing would say of one object.

        Raises:
            ObjectNotFoundError: there is none.
        """
        with _store_errors(key):
            meta = self._store.head(key)
        return StoredObject(key, str(meta["e_tag"]), meta["size"], meta["last_modified"])

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key lies below the prefix, in no order."""
        with _store_errors(prefix):
            for page in self._store.list(prefix):
                for meta in page:
                    found = StoredObject(
                        meta["path"], str(meta["e_tag"]), meta["size"], meta["last_modified"]
                    )
                    # S3's page marks a folder by an empty object `folder/`; obstore lists it as
                    # `folder`. A folder has no such marks.
                    if found.size or self.folder or self.exists(found.key):
                        yield found

    def make_folder(self, key: str) -> None:
        """Make a folder, where the store is one, for a library that writes into it by itself."""
        if self.folder:
            with _system_errors(key):
                _make_folders(self.folder, key)

    def table_location(self, name: str) -> tuple[str, dict[str, str] | None]:
        """URI and storage options of a table, as deltalake and Polars take them."""
        key = f"tables/{name}"
        return self.location(key), self._table_options

    def exists(self, key: str) -> bool:
        """Whether there is an object under this key."""
        try:
            self.head(key)
        except ObjectNotFoundError:
            return False
        return True

    @cached_property
    def _store(self) -> "ObjectStore":
        # obstore and boto3 are imported late: loading the definitions needs neither.
        from obstore.store import LocalStore, S3Store

        if self.folder:
            return LocalStore(self.folder, mkdir=True)
        from obstore.auth.boto3 import Boto3CredentialProvider

        return S3Store.from_url(
            self.url,
            config=cast("S3Config", self._s3_endpoint),
            client_options={"allow_http": True},
            retry_config={"max_retries": RETRIES},
            credential_provider=Boto3CredentialProvider(
                cast("boto3.Session", _SignedIn(self._s3_credentials))
            ),
        )

    @property
    def _table_options(self) -> dict[str, str] | None:
        if self.folder:
            return None
        # Asked for anew each time, because credentials of a role expire.
        with self._signing_in():
            credentials = self._s3_credentials.get_frozen_credentials()
        found = {
            "aws_access_key_id": credentials.access_key,
            "aws_secret_access_key": credentials.secret_key,
            "aws_session_token": credentials.token,
        }
        return (
            self._s3_endpoint
            | {name: value for name, value in found.items() if value}
            | {"aws_allow_http": "true", "max_retries": str(RETRIES)}
        )

    @cached_property
    def _s3_client(self) -> Any:  # noqa: ANN401
        with self._signing_in():
            return self._s3.get_client()

    @contextmanager
    def _signing_in(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

        try:
            yield
        except ProfileNotFound as error:
            raise FixConfiguration(f"{self.url} needs another AWS profile: {error}.") from None
        except (BotoCoreError, ClientError) as error:
            # What it says may quote the address of a role's endpoint.
            raise FixConfiguration(
                f"boto3 finds no way to {self.url} ({type(error).__name__}): check the region, the "
                "endpoint, and the role or the file that credentials come from."
            ) from error

    @property
    def _s3_credentials(self) -> Any:  # noqa: ANN401
        # boto3 knows every way to sign in; a client does not publish what came of it.
        credentials = self._s3_client._request_signer._credentials  # noqa: SLF001
        if credentials is None:
            raise FixConfiguration(
                f"No AWS credentials for {self.url}: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, a profile, or a role."
            )
        return credentials

    @cached_property
    def _s3_endpoint(self) -> dict[str, str]:
        endpoint = str(self._s3_client.meta.endpoint_url)
        configuration = {"aws_region": str(self._s3_client.meta.region_name)}
        if not endpoint.endswith("amazonaws.com"):
            configuration["aws_endpoint"] = endpoint
        return configuration


@dataclass(frozen=True, slots=True)
class _SignedIn:
    """All that obstore asks of a session."""

    credentials: Any

    def get_credentials(self) -> Any:  # noqa: ANN401
        return self.credentials


def _write_privately(root: Path, key: str, content: bytes) -> None:
    segments = key.split("/")
    if not all(segments):
        raise _odd_segments(key)
    file = root / key
    # Named as the library names its half-written files, which listings leave out.
    half_written = file.with_name(f"{file.name}#{secrets.randbits(32)}")
    with _system_errors(key):
        _make_folders(root, "/".join(segments[:-1]))
        try:
            descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
            half_written.replace(file)
        except BaseException:
            half_written.unlink(missing_ok=True)
            raise


def _make_folders(root: Path, folder: str) -> None:
    """Make a folder and those around it; others may not enter private ones."""
    root.mkdir(parents=True, exist_ok=True)
    made = ""
    for segment in folder.split("/"):
        made += f"{segment}/"
        (root / made).mkdir(mode=0o700 if is_private(made) else 0o777, exist_ok=True)


@contextmanager
def _store_errors(key: str) -> Iterator[None]:
    """Name the object in what goes wrong, and say whether trying again can help."""
    from obstore import exceptions

    if {".", ".."} & set(key.split("/")):
        raise _odd_segments(key)
    try:
        yield
    except (FileNotFoundError, exceptions.NotFoundError) as error:
        if "NoSuchBucket" in str(error):
            raise _refused(repr(key), str(error)) from error
        raise ObjectNotFoundError(f"There is no object {key!r}.") from None
    except (exceptions.InvalidPathError, ValueError) as error:
        raise _odd_segments(key) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise _refused(repr(key), str(error)) from error
    except OSError as error:
        raise _failure_of_system(error, repr(key)) from error
    except exceptions.GenericError as error:
        raise failure_of(error, repr(key)) from error


@contextmanager
def _system_errors(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failure_of_system(error, repr(key)) from error


def _odd_segments(key: str) -> FixInput:
    return FixInput(
        f"{key!r} is or holds an object whose key has empty, '.' or '..' segments: rename or "
        "delete it."
    )


def _failure_of_system(error: OSError, what: str) -> OrfBooksError:
    """What an error of the operating system means; of most, somebody must change the folder."""
    if error.errno in _OF_DISKS_THAT_ARE_AWAY or _meaning_of(error, what):
        return failure_of(error, what)
    return _refused(what)


def failure_of(error: Exception, what: str) -> OrfBooksError:
    """Whether trying again can help, from an error in which a library says so by its text only."""
    return _meaning_of(error, what) or RetryLater(
        f"The object store did not answer for {what}.", FailureCategory.UNAVAILABLE
    )


def _meaning_of(error: Exception, what: str) -> OrfBooksError | None:
    text = str(error)
    if any(sign in text for sign in _FULL):
        return StoreIsFull(what)
    if _TOO_LONG in text:
        return FixInput(f"The name of {what} is too long for the disk: use a shorter one.")
    return _refused(what, text) if any(sign in text for sign in _REFUSALS) else None


def _refused(what: str, answer: str = "") -> FixConfiguration:
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in answer), _CHECK_ACCESS)
    return FixConfiguration(f"The object store refuses access to {what}: {remedy}.")
