"""The only place where the platform is put together.

Belongs here: which assets, checks, jobs, sensors and resources there are. Does not belong here:
anything that asks the network or needs a secret. Importing this module does not read the
environment either; loading `defs` does, as Dagster's processes and tools do.
"""

import dagster as dg
from pydantic import SecretStr

from orf_books.assets.activities.assets import (
    activity_recordings,
    requested_activities,
    rescore_activities,
)
from orf_books.assets.activities.pages import activity_reports
from orf_books.assets.books.assets import enrich_books, goodreads_exports, library_entries
from orf_books.assets.books.pages import dashboard, library_dashboard
from orf_books.assets.overview import overview
from orf_books.assets.transcripts.assets import (
    class_transcripts,
    requested_sessions,
    score_transcripts,
)
from orf_books.assets.transcripts.classes import publish_classes
from orf_books.batches.resource import BatchResource
from orf_books.checks import checks
from orf_books.jobs import (
    fill_gaps,
    ingest_activities,
    ingest_books,
    ingest_transcripts,
    maintain_tables,
    nightly_filling,
    nightly_upkeep,
    refresh_activity_reports,
    refresh_classes,
    refresh_libraries,
    refresh_overview,
    regular_overview,
    retry_failed_activities,
    retry_failed_books,
    retry_failed_transcripts,
)
from orf_books.leases import leased_executor
from orf_books.log_lines import write_json_lines
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    DatabaseResource,
    GoogleBooksResource,
    OpenLibraryResource,
    SlackResource,
    SpeechResource,
    StorageResource,
    TranscriptRulesResource,
    UpkeepResource,
    UploadQueueResource,
)
from orf_books.resources.process_resource import ProcessResource
from orf_books.sensors import sensors
from orf_books.settings import Settings, load_settings


def build_defs(settings: Settings, **overrides: ProcessResource) -> dg.Definitions:
    """The definitions for these settings; an override replaces the resource of its name.

    Resources hold what the settings say and have no configuration, so a run cannot change it.
    """
    return dg.Definitions(
        assets=[
            goodreads_exports,
            library_entries,
            enrich_books,
            library_dashboard,
            dashboard,
            activity_recordings,
            requested_activities,
            rescore_activities,
            activity_reports,
            class_transcripts,
            requested_sessions,
            score_transcripts,
            publish_classes,
            overview,
        ],
        asset_checks=checks,
        jobs=[
            ingest_books,
            fill_gaps,
            retry_failed_books,
            refresh_libraries,
            ingest_activities,
            retry_failed_activities,
            refresh_activity_reports,
            ingest_transcripts,
            retry_failed_transcripts,
            refresh_classes,
            refresh_overview,
            maintain_tables,
        ],
        schedules=[nightly_filling, nightly_upkeep, regular_overview],
        sensors=sensors,
        resources=_resources(settings) | overrides,
        # One process per run: a process per step would start slower than most steps take.
        executor=leased_executor(settings.ledger),
    )


def google_books_of(settings: Settings) -> GoogleBooksResource:
    """Google Books as the settings have it."""
    return GoogleBooksResource(
        url=settings.google_books_url,
        contact=settings.contact,
        key=_revealed(settings.google_books_key),
        window_requests=settings.google_books_window_requests,
        window_seconds=settings.google_books_window_seconds,
        requests_per_day=settings.google_books_daily_quota,
        ledger=settings.ledger,
    )


def storage_of(settings: Settings) -> StorageResource:
    """The storage as the settings have it."""
    if not settings.storage.startswith("s3://"):
        return StorageResource(url=settings.storage, serve_url=settings.serve_url)
    from dagster_aws.s3 import S3Resource

    return StorageResource(
        url=settings.storage,
        s3=S3Resource.model_validate(settings.s3_options),
        serve_url=settings.serve_url,
    )


def upload_queue_of(settings: Settings) -> UploadQueueResource:
    """The queue of uploads as the settings have it."""
    return UploadQueueResource(url=settings.upload_queue_url, storage=storage_of(settings))


def speech_of(settings: Settings) -> SpeechResource:
    """What recognises speech, as the settings have it."""
    return SpeechResource(
        mode=settings.speech,
        vote_rule=settings.vote_rule,
        contact=settings.contact,
        deepgram_url=settings.deepgram_url,
        deepgram_key=_revealed(settings.deepgram_key),
        kaldi_general_url=settings.kaldi_general_url,
        kaldi_partner_url=settings.kaldi_partner_url,
        wav2vec_url=settings.wav2vec_url,
        cluster=settings.cluster,
        cluster_ca=str(settings.cluster_ca) if settings.cluster_ca else None,
        cluster_certificate=(
            str(settings.cluster_certificate) if settings.cluster_certificate else None
        ),
        cluster_key=str(settings.cluster_key) if settings.cluster_key else None,
    )


def _resources(settings: Settings) -> dict[str, ProcessResource]:
    return {
        "storage": storage_of(settings),
        "upload_queue": upload_queue_of(settings),
        "open_library": OpenLibraryResource(
            url=settings.open_library_url,
            contact=settings.contact,
            requests_per_second=settings.open_library_requests_per_second,
            ledger=settings.ledger,
        ),
        "google_books": google_books_of(settings),
        "speech": speech_of(settings),
        "activity_api": ActivityApiResource(
            url=settings.activity_api_url,
            key=_revealed(settings.activity_api_key),
            contact=settings.contact,
        ),
        "slack": SlackResource(
            webhook=_revealed(settings.slack_webhook),
            contact=settings.contact,
            page_url=settings.page_url,
        ),
        "database": DatabaseResource(url=settings.published_database.get_secret_value()),
        "transcript_rules": TranscriptRulesResource(
            largest_warned_share=settings.transcript_warned_share,
        ),
        "upkeep": UpkeepResource(keep_runs_days=settings.keep_runs_days),
        "batch": BatchResource(concurrency=settings.concurrency, ledger=settings.ledger),
    }


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings in the environment: Dagster's entry point."""
    settings = load_settings()
    if settings.log_format == "json":
        write_json_lines()
    return build_defs(settings)
