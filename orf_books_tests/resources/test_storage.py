import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import httpx
import pytest
from dagster_aws.s3 import S3Resource

from orf_books.definitions import storage_of
from orf_books.failures import FailureCategory, FixConfiguration, FixInput, RetryLater
from orf_books.object_keys import is_private
from orf_books.resources.storage import (
    ObjectNotFoundError,
    ObjectStorage,
    S3Options,
    StoreIsFull,
    StoreRetryPolicy,
    failure_of,
)
from orf_books.settings import Settings
from orf_books_tests.conftest import BUCKET
from orf_books_tests.small_disk import small_disk

ODD_KEYS = [
    "uploads/Ann's books.csv",
    "uploads/büchér/日本 📚.csv",
    "uploads/50%.csv",
    "uploads/a%2Fb/raw.csv",
    "uploads/#1?x=y&z.csv",
    "uploads/a+b*c.csv",
    "uploads/.hidden",
    "uploads/back\\slash.csv",
]

CALLS: dict[str, Callable[[ObjectStorage], object]] = {
    "get": lambda storage: storage.get("a/key"),
    "put": lambda storage: storage.put("a/key", b"content"),
    "head": lambda storage: storage.head("a/key"),
    "copy": lambda storage: storage.copy("a/key", "another"),
    "list": lambda storage: list(storage.list("a/")),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[ObjectStorage], object]:
    return CALLS[request.param]


@pytest.fixture(scope="module")
def silent_s3(s3_server: S3Options) -> ObjectStorage:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options = replace(s3_server, endpoint_url=f"http://127.0.0.1:{port}")
    return ObjectStorage(f"s3://{BUCKET}/silent", options)


@pytest.fixture
def strict_s3(s3_server: S3Options) -> Iterator[ObjectStorage]:
    """The server checks keys, and does not know ours."""

    def check_keys_after(requests: str) -> None:
        url = f"{s3_server.endpoint_url}/moto-api/reset-auth"
        httpx.post(url, content=requests).raise_for_status()

    check_keys_after("0")
    yield ObjectStorage(f"s3://{BUCKET}/strict", s3_server)
    check_keys_after("inf")


def test_what_was_put_is_got(storage: ObjectStorage) -> None:
    for content in [b"", b"text", bytes(range(256)) * 4096]:
        storage.put("uploads/ann/raw.csv", content)
        assert storage.get("uploads/ann/raw.csv") == content


def test_odd_names_are_kept_as_they_are(storage: ObjectStorage) -> None:
    versions = {key: storage.put(key, key.encode()) for key in ODD_KEYS}

    assert [storage.get(key).decode() for key in ODD_KEYS] == ODD_KEYS
    assert {found.key: found.version for found in storage.list("uploads/")} == versions


def test_objects_in_a_folder_are_files_of_these_names(tmp_path: Path) -> None:
    folder = tmp_path / "Ann's büchér #1 50%"
    storage = ObjectStorage(folder.as_uri())
    storage.put("uploads/my books.csv", b"content")

    assert (folder / "uploads" / "my books.csv").read_bytes() == b"content"
    assert storage.location("uploads/my books.csv") == str(folder / "uploads" / "my books.csv")


def test_the_location_on_s3_is_a_url(s3_server: S3Options) -> None:
    storage = ObjectStorage("s3://bucket/prefix/", s3_server)
    assert storage.location("data/ann.html") == "s3://bucket/prefix/data/ann.html"


def test_objects_on_s3_lie_below_the_prefix(s3_server: S3Options) -> None:
    ObjectStorage(f"s3://{BUCKET}/outer", s3_server).put("inner/key", b"content")

    assert ObjectStorage(f"s3://{BUCKET}/outer/inner", s3_server).get("key") == b"content"
    assert ObjectStorage(f"s3://{BUCKET}", s3_server).get("outer/inner/key") == b"content"


@pytest.mark.parametrize("name", ["get", "head", "copy"])
def test_a_missing_object_is_named(storage: ObjectStorage, name: str) -> None:
    storage.put("a/neighbour", b"")
    with pytest.raises(ObjectNotFoundError, match="'a/key'"):
        CALLS[name](storage)


def test_the_version_changes_with_each_new_content(storage: ObjectStorage) -> None:
    first = storage.put("key", b"one")
    second = storage.put("key", b"two")

    assert first != second
    assert storage.head("key").version == second


def test_head_and_listing_agree(storage: ObjectStorage) -> None:
    version = storage.put("uploads/key", b"content")
    head = storage.head("uploads/key")

    assert (head.version, head.size) == (version, 7)
    assert head.last_modified.tzinfo is not None
    assert list(storage.list("uploads/")) == [head]


def test_a_listing_shows_what_lies_below_the_prefix_only(storage: ObjectStorage) -> None:
    for key in ["uploads/a.csv", "uploads/deep/b.csv", "uploads2/c.csv", "data/d.json"]:
        storage.put(key, b"")

    assert {found.key for found in storage.list("uploads/")} == {
        "uploads/a.csv",
        "uploads/deep/b.csv",
    }
    assert list(storage.list("nothing/")) == []


def test_a_listing_is_complete_beyond_one_page_of_s3(
    s3_server: S3Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    storage = ObjectStorage(f"s3://{BUCKET}/many", s3_server)
    keys = {f"uploads/{number}" for number in range(8)}
    for key in keys:
        storage.put(key, b"x")

    assert {found.key for found in storage.list("uploads/")} == keys


def test_marks_of_empty_folders_on_s3_are_no_objects(s3_server: S3Options) -> None:
    storage = ObjectStorage(f"s3://{BUCKET}/marked", s3_server)
    _put_on_s3(s3_server, "marked/uploads/", "marked/uploads/ann/")
    storage.put("uploads/empty.csv", b"")

    assert [found.key for found in storage.list("uploads/")] == ["uploads/empty.csv"]


def test_a_key_on_s3_that_cannot_be_read_is_something_to_rename(s3_server: S3Options) -> None:
    storage = ObjectStorage(f"s3://{BUCKET}/doubled", s3_server)
    _put_on_s3(s3_server, "doubled/uploads//raw.csv")

    with pytest.raises(FixInput, match=r"'uploads/'.*rename"):
        list(storage.list("uploads/"))


def test_an_object_that_is_there_already_is_not_replaced_by_a_new_one(
    storage: ObjectStorage,
) -> None:
    assert storage.put_new("a/key", b"first")
    assert not storage.put_new("a/key", b"second")
    assert storage.get("a/key") == b"first"


def test_a_copy_has_the_content_and_leaves_the_source(storage: ObjectStorage) -> None:
    storage.put("uploads/a b.csv", b"content")
    storage.copy("uploads/a b.csv", "rejected/a b.csv")

    assert storage.get("rejected/a b.csv") == b"content"
    assert storage.get("uploads/a b.csv") == b"content"


def test_an_s3_that_does_not_answer_may_answer_later(
    silent_s3: ObjectStorage, call: Callable[[ObjectStorage], object]
) -> None:
    with pytest.raises(RetryLater, match="'a/") as raised:
        call(silent_s3)
    assert raised.value.category is FailureCategory.UNAVAILABLE


def test_refused_credentials_are_something_to_configure(
    strict_s3: ObjectStorage, call: Callable[[ObjectStorage], object]
) -> None:
    with pytest.raises(FixConfiguration, match="credentials"):
        call(strict_s3)


@pytest.mark.parametrize("name", ["get", "put", "copy", "list"])
def test_a_missing_bucket_is_something_to_configure(s3_server: S3Options, name: str) -> None:
    with pytest.raises(FixConfiguration, match="bucket"):
        CALLS[name](ObjectStorage("s3://no-such-bucket/prefix", s3_server))


def test_a_folder_that_cannot_be_is_something_to_configure(
    tmp_path: Path, call: Callable[[ObjectStorage], object]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FixConfiguration, match="folder"):
        call(ObjectStorage((tmp_path / "file" / "store").as_uri()))


@pytest.fixture
def _no_aws_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("_no_aws_configuration")
def test_without_credentials_the_message_says_where_they_go() -> None:
    with pytest.raises(FixConfiguration, match="AWS_ACCESS_KEY_ID"):
        ObjectStorage("s3://bucket").get("key")


@pytest.mark.usefixtures("_no_aws_configuration")
def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(FixConfiguration, match="no-such-profile"):
        ObjectStorage("s3://bucket", S3Options(profile_name="no-such-profile")).get("key")


@pytest.mark.usefixtures("_no_aws_configuration")
def test_a_role_that_nobody_tells_the_credentials_of_is_something_to_configure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/role")
    monkeypatch.setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")
    with pytest.raises(FixConfiguration, match=r"s3://bucket .*the role or the file"):
        ObjectStorage("s3://bucket").get("key")


def test_a_region_that_cannot_be_is_something_to_configure() -> None:
    options = S3Options(None, "no region!", None, "test", "test")
    with pytest.raises(FixConfiguration, match="check the region"):
        ObjectStorage("s3://bucket", options).get("key")


def test_credentials_are_found_in_the_environment_like_boto3_finds_them(
    s3_server: S3Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(s3_server.endpoint_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    storage = ObjectStorage(f"s3://{BUCKET}/environment")

    storage.put("key", b"content")
    assert storage.get("key") == b"content"


def test_on_s3_the_resource_holds_dagsters_own(s3_server: S3Options) -> None:
    options = {f"s3_{name}": value for name, value in asdict(s3_server).items()}
    resource = storage_of(Settings(storage=f"s3://{BUCKET}/resource", **options))

    assert isinstance(resource.s3, S3Resource)
    assert resource.s3_options == s3_server
    resource.open().put("key", b"content")
    assert ObjectStorage(f"s3://{BUCKET}/resource", s3_server).get("key") == b"content"


def test_a_folder_needs_nothing_of_dagsters_aws(tmp_path: Path) -> None:
    resource = storage_of(Settings(storage=str(tmp_path)))
    assert resource.s3 is None
    assert resource.open().folder == tmp_path


# Ways of signing in to AWS


Environment = dict[str, str]


def by_environment(_: Path, __: str) -> Environment:
    return {
        "AWS_ACCESS_KEY_ID": "of-the-environment",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }


def by_profile(folder: Path, _: str) -> Environment:
    (folder / "credentials").write_text(
        "[reader]\naws_access_key_id = of-the-profile\naws_secret_access_key = secret\n"
    )
    return {
        "AWS_PROFILE": "reader",
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }


def by_container_role(_: Path, container: str) -> Environment:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{container}/credentials"}


def by_web_identity(folder: Path, _: str) -> Environment:
    (folder / "token").write_text("a token of the cluster")
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
        "AWS_ROLE_SESSION_NAME": "reading",
    }


class RoleOfContainer(BaseHTTPRequestHandler):
    """Answers as the agent of ECS does."""

    def do_GET(self) -> None:
        content = json.dumps(
            {
                "AccessKeyId": "of-the-container",
                "SecretAccessKey": "secret",
                "Token": "token",
                "Expiration": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            }
        ).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def aws(
    s3_server: S3Options, _no_aws_configuration: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """S3 and STS, by the variables that AWS's own tools read; and where a container's role is."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(s3_server.endpoint_url))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with ThreadingHTTPServer(("127.0.0.1", 0), RoleOfContainer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("sign_in", "access_key"),
    [
        (by_environment, "of-the-environment"),
        (by_profile, "of-the-profile"),
        (by_container_role, "of-the-container"),
        (by_web_identity, "ASIA"),
    ],
)
def test_objects_and_tables_sign_in_as_boto3_does(
    sign_in: Callable[[Path, str], Environment],
    access_key: str,
    aws: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in sign_in(tmp_path, aws).items():
        monkeypatch.setenv(name, value)
    storage = storage_of(Settings(storage=f"s3://{BUCKET}/signed-in")).open()

    storage.put("key", b"content")
    assert storage.get("key") == b"content"
    _, options = storage.table_location("table")
    assert options is not None
    assert options["aws_access_key_id"].startswith(access_key)


def _put_on_s3(options: S3Options, *keys: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=options.endpoint_url,
        aws_access_key_id=options.aws_access_key_id,
        aws_secret_access_key=options.aws_secret_access_key,
    )
    for key in keys:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")


PRIVATE_KEYS = [
    "raw/5B/roster.json",
    "raw/5B/2026-11-16/monday.txt",
    "normalized/5B/2026-11-16/run.jsonl",
    "scores/5B/2026-11-16/run.json",
    "aggregates/5B/2026-11-16/run.json",
    "corrections/5B/2026-11-16/1.json",
    "data/classes/5B.html",
    "data/classes/5B/student.html",
    "activities/1/complete.wav",
    "data/activities/1.html",
    "activities.html",
    "classes.html",
    "rejected/5B/monday.txt",
]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def private(root: Path) -> ObjectStorage:
    return ObjectStorage(root.as_uri())


@pytest.mark.parametrize("key", PRIVATE_KEYS)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_about_children_is_for_its_owner_only(
    private: ObjectStorage, root: Path, key: str, mask: int
) -> None:
    before = os.umask(mask)
    try:
        version = private.put(key, b"content")
        private.put(key, b"other content")
    finally:
        os.umask(before)

    assert mode(root / key) == 0o600
    folders = [folder for folder in root.rglob("*") if folder.is_dir()]
    of_children = [one for one in folders if is_private(f"{one.relative_to(root)}/")]
    assert {mode(folder) for folder in of_children} <= {0o700}
    assert bool(of_children) is ("/" in key)
    assert private.get(key) == b"other content"
    assert private.head(key).version != version
    assert [found.key for found in private.list("")] == [key]


def test_pages_of_libraries_are_for_everybody_beside_them(
    private: ObjectStorage, root: Path
) -> None:
    before = os.umask(0o022)
    try:
        private.put("data/classes/5B.html", b"")
        private.put("data/ann.html", b"")
    finally:
        os.umask(before)
    assert (mode(root / "data"), mode(root / "data/ann.html")) == (0o755, 0o644)


def test_a_copy_of_what_is_about_children_is_for_its_owner_only(
    private: ObjectStorage, root: Path
) -> None:
    (root / "raw" / "5B").mkdir(parents=True)
    (root / "raw" / "5B" / "monday.txt").write_bytes(b"content")
    (root / "raw" / "5B" / "monday.txt").chmod(0o644)

    private.copy("raw/5B/monday.txt", "rejected/5B/monday.txt")

    assert mode(root / "rejected/5B/monday.txt") == 0o600
    assert private.get("rejected/5B/monday.txt") == b"content"


def test_what_is_half_written_is_for_its_owner_only(
    private: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    permissions: list[int] = []
    system_open = os.open

    def watched(path: Path, flags: int, mode: int) -> int:
        permissions.append(mode)
        return system_open(path, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    private.put("raw/a.txt", b"content")
    assert permissions == [0o600]


@pytest.mark.parametrize("key", ["raw/../escaped", "raw//double", "raw/./same", "raw/"])
def test_private_objects_stay_below_the_root(private: ObjectStorage, root: Path, key: str) -> None:
    with pytest.raises(FixInput):
        private.put(key, b"content")
    assert not (root / "escaped").exists()


@pytest.mark.parametrize("key", [key.replace("uploads", "raw") for key in ODD_KEYS])
def test_odd_names_of_private_objects_are_kept_as_they_are(
    private: ObjectStorage, key: str
) -> None:
    version = private.put(key, b"content")
    assert private.get(key) == b"content"
    assert [(found.key, found.version) for found in private.list("raw/")] == [(key, version)]


@pytest.mark.parametrize("key", ["raw/key", "uploads/key"])
@pytest.mark.parametrize("name", ["x" * 300])
def test_a_name_that_is_too_long_costs_that_object(
    private: ObjectStorage, key: str, name: str
) -> None:
    with pytest.raises(FixInput, match="too long"):
        private.put(f"{key}/{name}", b"content")


@pytest.mark.parametrize("key", ["raw/key", "uploads/key"])
def test_a_full_disk_is_named_and_leaves_the_object_as_it_was(tmp_path: Path, key: str) -> None:
    with small_disk(tmp_path / "disk", "100k") as disk:
        storage = ObjectStorage(disk.as_uri())
        storage.put(key, b"before")
        with pytest.raises(StoreIsFull, match=rf"full: '{key}'.*Free space"):
            storage.put(key, bytes(200_000))
        assert storage.get(key) == b"before"
        assert [found.key for found in storage.list("")] == [key]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Unable to copy data to file: No space left on device (os error 28)", StoreIsFull),
        ("Disk quota exceeded (os error 122)", StoreIsFull),
        ("response error 507 Insufficient Storage", StoreIsFull),
        ("Read-only file system (os error 30)", FixConfiguration),
        ("Permission denied (os error 13)", FixConfiguration),
        ("error sending request: connection refused", RetryLater),
        ("503 Slow Down", RetryLater),
    ],
)
def test_what_a_library_says_of_a_disk_is_understood(text: str, kind: type[Exception]) -> None:
    assert type(failure_of(OSError(text), "table 'things'")) is kind


class Refusal(BaseHTTPRequestHandler):
    """Answers as S3 does that wants none of it: `/<status>-<code>/<key>`."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, _, code = self.path.split("/")[1].partition("?")[0].partition("-")
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write(f"<Error><Code>{code}</Code></Error>".encode())

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def refusing_s3(s3_server: S3Options) -> Iterator[S3Options]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield replace(s3_server, endpoint_url=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["put", "list"])
@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        ("400-AuthorizationHeaderMalformed", "another region"),
        ("301-PermanentRedirect", "another region"),
        ("403-RequestTimeTooSkewed", "clock of this machine"),
        ("400-ExpiredToken", "have expired"),
        ("501-NotImplemented", "conditional puts"),
        ("404-NoSuchBucket", "no such bucket"),
        ("403-AccessDenied", "check ORF_BOOKS_STORAGE"),
    ],
)
def test_what_s3_says_no_by_is_told_with_what_to_do(
    refusing_s3: S3Options, answer: str, remedy: str, name: str
) -> None:
    with pytest.raises(FixConfiguration, match=remedy):
        CALLS[name](ObjectStorage(f"s3://{answer}", refusing_s3))


def away(times: int, attempts: list[int]) -> Callable[[], str]:
    def write() -> str:
        attempts.append(1)
        if len(attempts) <= times:
            raise RetryLater("The object store did not answer.", FailureCategory.UNAVAILABLE)
        return "version"

    return write


HASTY = StoreRetryPolicy(patience=0.3, first_wait=0.001, longest_wait=0.01)


def test_a_write_waits_for_a_store_that_is_away() -> None:
    attempts: list[int] = []
    assert HASTY.persist(away(5, attempts)) == "version"
    assert len(attempts) == 6


def test_a_write_does_not_wait_for_ever() -> None:
    attempts: list[int] = []
    with pytest.raises(RetryLater):
        HASTY.persist(away(1_000_000, attempts))
    assert len(attempts) > 5


def test_a_write_does_not_wait_for_what_somebody_must_do() -> None:
    attempts: list[int] = []

    def write() -> str:
        attempts.append(1)
        raise StoreIsFull("'key'")

    with pytest.raises(StoreIsFull):
        HASTY.persist(write)
    assert attempts == [1]


def test_patience_is_minutes_by_default() -> None:
    assert 60 <= StoreRetryPolicy().patience <= 600


ESCAPES = ["../secret", "uploads/../../secret", "..", "/../secret", "raw/../../secret"]


@pytest.mark.parametrize("key", ESCAPES)
@pytest.mark.parametrize("name", ["get", "put", "head", "start", "delete", "copy", "copy to"])
def test_no_key_leads_out_of_the_store(
    private: ObjectStorage, tmp_path: Path, key: str, name: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    private.put("mine", b"mine")
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: private.get(key),
        "put": lambda: private.put(key, b"other"),
        "head": lambda: private.head(key),
        "start": lambda: private.start(key, 10),
        "delete": lambda: private.delete(key),
        "copy": lambda: private.copy(key, "copied"),
        "copy to": lambda: private.copy("mine", key),
    }
    with suppress(FixInput, ObjectNotFoundError):
        assert calls[name]() is None
    assert secret.read_bytes() == b"secret"
    assert not private.exists("copied")
