"""What somebody who launches a run cannot change."""

from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.definitions import build_defs
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import Platform, export_of

KEY = "the-key-of-google"
PASSWORD = "the-password-of-the-database"


@pytest.fixture
def secretive(settings: Settings) -> Settings:
    """Settings in which every secret has a value."""
    secrets = {
        "google_books_key": KEY,
        "deepgram_key": "the-key-of-deepgram",
        "activity_api_key": "the-key-of-the-api",
        "slack_webhook": "https://hooks.test/the-webhook",
        "s3_aws_secret_access_key": "the-secret-of-s3",
        "s3_aws_session_token": "the-token-of-s3",
        "database_url": f"postgresql://ann:{PASSWORD}@nowhere.test/scores",
    }
    return Settings.model_validate(settings.model_dump() | secrets)


ELSEWHERE: dict[str, dict[str, Any]] = {
    "a key": {"google_books": {"url": "http://elsewhere.test"}},
    "a key's name": {"google_books": {"key": "hidden"}},
    "a recording": {"speech": {"deepgram_url": "http://elsewhere.test", "mode": "services"}},
    "a record": {"activity_api": {"url": "http://elsewhere.test"}},
    "a message": {"slack": {"webhook": "http://elsewhere.test"}},
    "a contact": {"open_library": {"url": "http://elsewhere.test"}},
    "the store": {"storage": {"url": "file:///elsewhere"}},
    "a file, through the ledger": {"batch": {"ledger": "sqlite:////elsewhere/ledger.sqlite"}},
    "scores": {"database": {"url": "sqlite:////elsewhere/scores.sqlite"}},
    "a rule": {"transcript_rules": {"largest_warned_share": 1.0}},
}


@pytest.mark.parametrize("what", ELSEWHERE)
@pytest.mark.parametrize("job", ["ingest_books", "ingest_activities", "ingest_transcripts"])
def test_a_launch_cannot_point_anything_elsewhere(
    secretive: Settings, instance: dg.DagsterInstance, job: str, what: str
) -> None:
    launched = build_defs(secretive).resolve_job_def(job)
    config = {"resources": {name: {"config": value} for name, value in ELSEWHERE[what].items()}}

    with pytest.raises(dg.DagsterInvalidConfigError):
        launched.execute_in_process(run_config=config, instance=instance)


def test_a_launch_that_tries_sends_nothing_to_the_address_it_names(
    settings: Settings, instance: dg.DagsterInstance, sandbox: Sandbox
) -> None:
    nobody = Settings.model_validate(
        settings.model_dump()
        | {"open_library_url": "http://127.0.0.1:9", "google_books_url": "http://127.0.0.1:9"}
        | {"google_books_key": KEY}
    )
    platform = Platform(nobody, instance)
    key = platform.put("ada", export_of(range(3)))
    elsewhere = {"google_books": {"config": {"url": sandbox.google_books_url}}}
    launched = platform.definitions.resolve_job_def("ingest_books")
    with pytest.raises(dg.DagsterInvalidConfigError):
        launched.execute_in_process(
            run_config={
                "resources": elsewhere,
                "ops": {"library_entries": {"config": {"uploads": [platform.upload_config(key)]}}},
            },
            instance=instance,
        )
    assert sandbox.counts.requests() == 0


def test_no_field_of_a_resource_can_be_set_by_a_run(secretive: Settings) -> None:
    for name, resource in (build_defs(secretive).resources or {}).items():

        @dg.op(required_resource_keys={name})
        def use() -> None: ...

        @dg.job(resource_defs={name: resource.get_resource_definition()})
        def using() -> None:
            use()

        for field in type(resource).model_fields:
            config = {"resources": {name: {"config": {field: getattr(resource, field)}}}}
            with pytest.raises(dg.DagsterInvalidConfigError):
                dg.validate_run_config(using, config)


def test_no_resource_shows_a_secret(secretive: Settings) -> None:
    shown = repr(build_defs(secretive).resources)
    secrets = [field.get_secret_value() for _, field in secretive if isinstance(field, SecretStr)]
    assert len(secrets) == 7
    assert not [secret for secret in secrets if secret in shown]
