"""Every setting of the platform: read once from the environment, checked, explained.

Belongs here: names, defaults and limits of the `ORF_BOOKS_…` variables. Does not belong here:
what a setting does; nothing else in the project reads the environment.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orf_books.activities.voting import VoteRule
from orf_books.failures import FixConfiguration
from orf_books.resources.ledger import ledger_of_this_machine

if TYPE_CHECKING:
    from orf_books.resources.storage import ObjectStorage

PREFIX = "ORF_BOOKS_"
HTTP_SCHEMES = ("http", "https")
LEDGERS = ("sqlite:///", "postgresql://", "postgresql+psycopg://")


class Settings(BaseSettings):
    """The platform's settings; each field is the variable `ORF_BOOKS_<FIELD>` in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    storage: str = Field(
        default="data",
        description="Where everything is kept: a folder, file:///folder or s3://bucket/prefix.",
    )
    s3_endpoint_url: str | None = Field(
        default=None, description="S3 endpoint; else as AWS's own tools find it."
    )
    s3_region_name: str | None = Field(default=None, description="S3 region.")
    s3_profile_name: str | None = Field(default=None, description="Profile of AWS's config file.")
    s3_aws_access_key_id: str | None = Field(default=None, description="S3 key id.")
    s3_aws_secret_access_key: SecretStr | None = Field(default=None, description="S3 secret.")
    s3_aws_session_token: SecretStr | None = Field(default=None, description="S3 session token.")
    upload_queue_url: str | None = Field(
        default=None,
        description="The SQS queue that reports new objects in the bucket; else it is listed.",
    )

    contact: str | None = Field(
        default=None,
        description="An e-mail address or URL for the User-Agent; Open Library asks for it.",
    )
    open_library_url: str = Field(
        default="https://openlibrary.org", description="Base of Open Library."
    )
    open_library_rate: float | None = Field(
        default=None,
        gt=0,
        description="Requests a second to Open Library; default 3 with a contact, 1 without.",
    )
    google_books_url: str = Field(
        default="https://www.googleapis.com/books/v1", description="Base of Google Books."
    )
    google_books_key: SecretStr | None = Field(
        default=None, description="Google Books is asked only with a key."
    )
    google_books_window_requests: int = Field(
        default=100, ge=1, description="Requests to Google Books in one window, over all runs."
    )
    google_books_window_seconds: float = Field(
        default=100, gt=0, description="How long such a window is."
    )
    google_books_daily_quota: int = Field(
        default=1000, ge=0, description="Requests a day to Google Books, over all runs."
    )
    speech: Literal["embedded", "services"] = Field(
        default="embedded",
        description="Who listens to recordings: `embedded`, here and offline, or the `services`.",
    )
    vote_rule: VoteRule = Field(
        default_factory=lambda settings: (
            VoteRule.REFERENCE if settings.get("speech") == "services" else VoteRule.CALIBRATED
        ),
        description=(
            "What the votes of the recognisers come to: `calibrated`, `reference` or `majority`; "
            "default: `calibrated`, with services `reference`."
        ),
    )
    cluster: str | None = Field(
        default=None,
        description="A Dask scheduler for embedded recognisers, such as tls://host:8786.",
    )
    cluster_ca: Path | None = Field(
        default=None, description="The certificate of the cluster's authority, PEM."
    )
    cluster_certificate: Path | None = Field(
        default=None, description="Our certificate in the cluster, PEM."
    )
    cluster_key: Path | None = Field(default=None, description="Its key, PEM.")
    deepgram_url: str = Field(default="https://api.deepgram.com", description="Base of Deepgram.")
    deepgram_key: SecretStr | None = Field(default=None, description="Deepgram's key.")
    kaldi_general_url: str | None = Field(
        default=None, description="The Kaldi service for most stories."
    )
    kaldi_partner_url: str | None = Field(
        default=None, description="The Kaldi service for a partner's stories."
    )
    wav2vec_url: str | None = Field(default=None, description="The wav2vec service.")
    activity_api_url: str | None = Field(
        default=None,
        description="Where records of activities come from and go back to; else activity.json.",
    )
    activity_api_key: SecretStr | None = Field(default=None, description="The activity API's key.")
    slack_webhook: SecretStr | None = Field(
        default=None, description="Told of every batch that finished or stopped: counts only."
    )
    page_url: str | None = Field(
        default=None, description="Where people find Dagster's page, for links in messages."
    )
    serve_url: str | None = Field(
        default=None,
        description="Where people reach `orf-books serve`, for links in Dagster's page.",
    )
    ledger: str = Field(
        default_factory=ledger_of_this_machine,
        description="Where runs agree on whose turn it is at a service; Postgres for machines.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description=(
            "Where scores are published: postgresql://user:password@host/database, or "
            "sqlite:///file; default: a file beside the data."
        ),
    )
    transcript_warned_share: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description=(
            "A transcript is refused if more than this share of its lines cannot be attributed to "
            "anybody of the class."
        ),
    )
    serve_origins: str = Field(
        default="http://localhost:8000,http://127.0.0.1:8000",
        description="Where pages come from that may use `orf-books serve`, divided by commas.",
    )
    serve_uploads_per_minute: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=60, description="Uploads that `orf-books serve` takes a minute from one address."
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How runs log: `json` is one object a line, with the trace that it is part of.",
    )
    keep_runs_days: Annotated[int, Field(ge=1)] = Field(
        default=30,
        description=(
            "Days for which Dagster keeps the logs of runs that ended; what partitions are green "
            "or red by stays."
        ),
    )
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="Items of a batch worked on at once."
    )

    @field_validator("storage")
    @classmethod
    def _storage_is_a_url(cls, value: str) -> str:
        """A bare path is a folder; relative ones start at the working directory."""
        if value.startswith("s3://"):
            if not value.removeprefix("s3://").split("/", 1)[0]:
                raise ValueError("s3:// needs a bucket: s3://bucket/prefix")
            return value.rstrip("/")
        if "://" in value and not value.startswith("file://"):
            raise ValueError("use a folder, file:///folder or s3://bucket/prefix")
        path = unquote(value.removeprefix("file://")) if value.startswith("file://") else value
        return Path(path).expanduser().absolute().as_uri()

    @field_validator(
        "open_library_url",
        "google_books_url",
        "deepgram_url",
        "kaldi_general_url",
        "kaldi_partner_url",
        "wav2vec_url",
        "activity_api_url",
        "s3_endpoint_url",
        "upload_queue_url",
        "page_url",
        "serve_url",
    )
    @classmethod
    def _url_without_trailing_slash(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("ledger")
    @classmethod
    def _ledger_is_a_database(cls, value: str) -> str:
        if not value.startswith(LEDGERS):
            raise ValueError(f"must begin with {' or '.join(LEDGERS)}")
        return value

    @field_validator("serve_origins")
    @classmethod
    def _origins_are_origins(cls, value: str) -> str:
        origins = [origin.strip() for origin in value.split(",")]
        for origin in origins:
            parts = urlsplit(origin)
            if origin != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in HTTP_SCHEMES:
                raise ValueError("an origin is http://host:port or https://host, without a path")
        return ",".join(origins)

    def open_storage(self) -> "ObjectStorage":
        """The storage that the settings name."""
        from orf_books.resources.storage import ObjectStorage, S3Options

        return ObjectStorage(self.storage, S3Options(**self.s3_options))

    @property
    def s3_options(self) -> dict[str, str | None]:
        """Endpoint and credentials, by the names that `S3Resource` gives them."""
        secret, token = self.s3_aws_secret_access_key, self.s3_aws_session_token
        return {
            "endpoint_url": self.s3_endpoint_url,
            "region_name": self.s3_region_name,
            "profile_name": self.s3_profile_name,
            "aws_access_key_id": self.s3_aws_access_key_id,
            "aws_secret_access_key": secret.get_secret_value() if secret else None,
            "aws_session_token": token.get_secret_value() if token else None,
        }

    @property
    def published_database(self) -> SecretStr:
        """The database that scores are published to."""
        folder = unquote(self.storage.removeprefix("file://"))
        beside = Path(folder if self.storage.startswith("file://") else "data").absolute()
        return self.database_url or SecretStr(f"sqlite:///{beside / 'published.sqlite'}")

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its files: `DAGSTER_HOME`, or `dagster` in the data folder."""
        if chosen := os.environ.get("DAGSTER_HOME"):
            return Path(chosen).absolute()
        return (self.open_storage().folder or Path("data").absolute()) / "dagster"

    @property
    def open_library_requests_per_second(self) -> float:
        """The rate that Open Library's published policy grants us, unless set."""
        return self.open_library_rate or (3.0 if self.contact else 1.0)


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        FixConfiguration: a variable has a value that cannot be used; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise FixConfiguration(f"Settings that cannot be used: {problems}") from None
