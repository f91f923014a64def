from dataclasses import fields
from pathlib import Path

import pytest

from orf_books.failures import FixConfiguration
from orf_books.resources.storage import S3Options
from orf_books.settings import PREFIX, Settings, load_settings


def test_without_variables_there_are_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()

    assert settings.storage == (tmp_path / "data").as_uri()
    assert settings.open_library_url == "https://openlibrary.org"
    assert settings.google_books_key is None


@pytest.mark.parametrize(
    ("value", "storage"),
    [
        ("/srv/books", "file:///srv/books"),
        ("/srv/my books", "file:///srv/my%20books"),
        ("/srv/50%20", "file:///srv/50%2520"),
        ("file:///srv/books", "file:///srv/books"),
        ("file:///srv/my%20books", "file:///srv/my%20books"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/prefix/", "s3://bucket/a/prefix"),
    ],
)
def test_the_storage_is_a_url(value: str, storage: str) -> None:
    assert Settings(storage=value).storage == storage
    assert Settings(storage=storage).storage == storage


def test_a_relative_folder_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")

    assert Settings(storage="my/books").storage == (tmp_path / "my" / "books").as_uri()
    assert Settings(storage="~/books").storage == "file:///home/ann/books"


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("ORF_BOOKS_STORAGE", "s3:///prefix", "bucket"),
        ("ORF_BOOKS_STORAGE", "gs://bucket", "s3://bucket/prefix"),
        ("ORF_BOOKS_OPEN_LIBRARY_URL", "openlibrary.org", "http://"),
        ("ORF_BOOKS_S3_ENDPOINT_URL", "localhost:9000", "http://"),
        ("ORF_BOOKS_OPEN_LIBRARY_RATE", "0", "greater than 0"),
        ("ORF_BOOKS_GOOGLE_BOOKS_WINDOW_SECONDS", "long", "number"),
        ("ORF_BOOKS_CONCURRENCY", "0", "greater than or equal to 1"),
        ("ORF_BOOKS_CONCURRENCY", "10001", "less than or equal to 10000"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, hint: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(FixConfiguration) as raised:
        load_settings()
    assert variable in str(raised.value)
    assert hint in str(raised.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORF_BOOKS_CONCURRENCY", "many")
    monkeypatch.setenv("ORF_BOOKS_STORAGE", "gs://bucket")
    with pytest.raises(FixConfiguration, match=r"(?s)ORF_BOOKS_STORAGE.*ORF_BOOKS_CONCURRENCY"):
        load_settings()


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORF_BOOKS_CONCURRENCY", "")
    monkeypatch.setenv("ORF_BOOKS_GOOGLE_BOOKS_KEY", "")

    assert load_settings() == Settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["GOOGLE_BOOKS_KEY", "S3_AWS_SECRET_ACCESS_KEY", "S3_AWS_SESSION_TOKEN"]
    for name in secrets:
        monkeypatch.setenv(f"{PREFIX}{name}", "hush")
    settings = load_settings()

    assert "hush" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.s3_options["aws_secret_access_key"] == "hush"
    assert settings.s3_options["aws_session_token"] == "hush"


def test_a_wrong_value_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORF_BOOKS_S3_ENDPOINT_URL", "user:hush@host")
    with pytest.raises(FixConfiguration) as raised:
        load_settings()
    assert "hush" not in str(raised.value)


def test_urls_end_without_a_slash() -> None:
    settings = Settings(
        open_library_url="http://localhost:80/", google_books_url="https://host/v1/"
    )
    assert settings.open_library_url == "http://localhost:80"
    assert settings.google_books_url == "https://host/v1"


def test_open_library_grants_more_to_who_leaves_a_contact() -> None:
    assert Settings().open_library_requests_per_second == 1
    assert Settings(contact="ann@example.org").open_library_requests_per_second == 3
    assert Settings(open_library_rate=0.5).open_library_requests_per_second == 0.5


def test_the_options_of_s3_are_those_of_the_storage() -> None:
    assert list(Settings().s3_options) == [field.name for field in fields(S3Options)]


def test_the_storage_that_the_settings_name_is_opened(tmp_path: Path) -> None:
    storage = Settings(storage=str(tmp_path / "my books")).open_storage()
    storage.put("key", b"content")
    assert (tmp_path / "my books" / "key").read_bytes() == b"content"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(
    ("speech", "rule"), [("embedded", "calibrated"), ("services", "reference")]
)
def test_the_vote_follows_who_listens_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch, speech: str, rule: str
) -> None:
    monkeypatch.setenv("ORF_BOOKS_SPEECH", speech)
    assert load_settings().vote_rule == rule
    monkeypatch.setenv("ORF_BOOKS_VOTE_RULE", "majority")
    assert load_settings().vote_rule == "majority"
