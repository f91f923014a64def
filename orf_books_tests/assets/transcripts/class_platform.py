"""The platform over class sessions, for tests of its runs.

Belongs here: a small invented class, putting its sessions, running jobs in this process, and what
is found afterwards. Does not belong here: what must be found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import SecretStr

from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS, SESSIONS
from orf_books.assets.uploads import UploadsConfig
from orf_books.dagster_internals import PartitionStatus, partition_statuses
from orf_books.definitions import build_defs
from orf_books.object_keys import roster_key, session_refusal_key
from orf_books.partition_keys import session_key
from orf_books.records.raw_sessions import SessionFound, sessions_in
from orf_books.records.sessions import ScoringReport, SessionRecords, SessionRow
from orf_books.resources.process_resource import ProcessResource
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.class_sessions import InventedClass, invented_class, invented_session
from orf_books.settings import Settings

CLASS = invented_class("5B", students=6)
"""All have consented, and all say enough for a score."""
MONDAY = date(2026, 1, 5)
UTTERANCES = 60
NOTHING_SAID = b"Once upon a time, and nobody spoke.\n"
"""A transcript without a single label."""
NOBODY_THERE = SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
"""A port at which no database listens."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class ClassPlatform:
    """The platform over one store and one Dagster instance, runs in this process."""

    settings: Settings
    instance: dg.DagsterInstance
    overrides: Mapping[str, ProcessResource] = field(default_factory=dict)
    """Resources that take the place of others."""

    @cached_property
    def definitions(self) -> dg.Definitions:
        """All of it."""
        return build_defs(self.settings, **self.overrides)

    @cached_property
    def storage(self) -> ObjectStorage:
        """Its store."""
        return self.settings.open_storage()

    @cached_property
    def records(self) -> SessionRecords:
        """Its tables."""
        return SessionRecords(self.storage)

    def without_database(self) -> "ClassPlatform":
        """The same platform while its database is out of reach."""
        settings = self.settings.model_copy(update={"database_url": NOBODY_THERE})
        return ClassPlatform(settings, self.instance)

    # Uploads

    def put_roster(
        self, of: InventedClass = CLASS, consent: Mapping[str, bool] | None = None
    ) -> None:
        """Put the roster of a class; `consent` changes that of some students, by their id."""
        document = json.loads(of.roster())
        for entry in document["student_roster"]:
            student = entry.get("student_id")
            if consent and student in consent:
                entry["consent"] = consent[student]
        self.storage.put(roster_key(of.class_id), json.dumps(document).encode())

    def put(
        self,
        day: date = MONDAY,
        name: str = "morning.txt",
        content: bytes | None = None,
        of: InventedClass = CLASS,
    ) -> str:
        """Put the raw file of a session, by default what was said that day; its partition key."""
        key = f"raw/{of.class_id}/{day}/{name}"
        transcript_format = name.rpartition(".")[2]
        self.storage.put(
            key, transcript(day, transcript_format, of) if content is None else content
        )
        return session_key(of.class_id, day, key)

    def found(self, *keys: str) -> list[SessionFound]:
        """Raw files as they lie in the store, by partition key."""
        return [one for one in sessions_in(self.storage) if one.key in keys]

    # Runs

    def ingest(self, *keys: str) -> dg.ExecuteInProcessResult:
        """Run what the sensor would start for these sessions; by default for all new ones."""
        config = UploadsConfig.noticed_now(self.found(*keys)).run_config("requested_sessions")
        return self.run("ingest_transcripts", config if keys else {})

    def run(self, job: str, config: Mapping[str, Any] | None = None) -> dg.ExecuteInProcessResult:
        """Run a job."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config={**(config or {}), **QUIET}, instance=self.instance, raise_on_error=False
        )

    def backfill(self, key: str) -> dg.ExecuteInProcessResult:
        """Score a chosen partition, as from the page."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[SCORED_TRANSCRIPTS],
            tags={
                "dagster/asset_partition_range_start": key,
                "dagster/asset_partition_range_end": key,
            },
            run_config=QUIET,
            instance=self.instance,
            raise_on_error=False,
        )

    def report(self, run: dg.ExecuteInProcessResult) -> ScoringReport:
        """What came of a run's batch."""
        report = self.records.report_of_run(run.run_id)
        assert report is not None
        return report

    # What is there afterwards

    def row(self, key: str) -> SessionRow:
        """The figures of a session."""
        return self.records.latest([key])[key]

    def job_ids(self) -> dict[str, str]:
        """What the objects of each session are named after."""
        return {key: row.job_id for key, row in self.records.latest().items()}

    def statuses(self) -> dict[str, PartitionStatus]:
        """Dagster's status of every session."""
        keys = self.instance.get_dynamic_partitions(str(SESSIONS.partitions.name))
        return partition_statuses(self.instance, SCORED_TRANSCRIPTS, SESSIONS.partitions, keys)

    def document(self, key: str) -> dict[str, Any]:
        """A JSON object of the store."""
        return dict(json.loads(self.storage.get(key)))

    def refusal(self, session: str) -> dict[str, Any]:
        """Why a session was refused."""
        return self.document(session_refusal_key(session))

    def page(self, key: str) -> str:
        """A page of the store."""
        return self.storage.get(key).decode()

    def versions(self, *below: str) -> dict[str, str]:
        """Every object below these prefixes, or whatever runs make, with its version."""
        prefixes = below or ("normalized/", "scores/", "aggregates/", "data/", "rejected/")
        return {one.key: one.version for each in prefixes for one in self.storage.list(each)}

    def published(self, table: sa.Table) -> list[dict[str, Any]]:
        """The rows of a published table."""
        engine = sa.create_engine(
            self.settings.published_database.get_secret_value(), poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def platform_in(folder: Path, instance: dg.DagsterInstance) -> ClassPlatform:
    """The platform over a fresh store, in which nothing but the roster of the class lies."""
    settings = Settings(
        storage=(folder / "store").as_uri(), ledger=f"sqlite:///{folder / 'ledger.sqlite'}"
    )
    platform = ClassPlatform(settings, instance)
    platform.put_roster()
    return platform


def transcript(
    day: date = MONDAY, transcript_format: str = "txt", of: InventedClass = CLASS
) -> bytes:
    """What was said in a class on a day."""
    return invented_session(of, day, UTTERANCES).write(transcript_format)


def metadata_of(run: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """What a run tells of an asset that it made."""
    (made,) = (
        event.materialization
        for event in run.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset) and event.partition is None
    )
    return {name: value.value for name, value in made.metadata.items()}


def check_of(run: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    """How a check of a run turned out."""
    (found,) = (one for one in run.get_asset_check_evaluations() if one.check_name == name)
    return found


def names_of(of: InventedClass) -> set[str]:
    """All words that name a student of a class."""
    return {name for student in of.students for name in (student.first_name, student.last_name)}
