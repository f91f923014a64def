"""Everything outside the process, as resources that Dagster hands to assets.

Belongs here: what the store and each service need from the settings. Does not belong here: how they
are used (`storage.py`, `open_library.py`, `google_books.py`), which know nothing of Dagster.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import dagster as dg
from pydantic import Field

from orf_books import __version__
from orf_books.failures import FixConfiguration
from orf_books.object_keys import ACTIVITIES, EXPORTS, RAW
from orf_books.resources.ledger import Ledger
from orf_books.resources.process_resource import ProcessResource
from orf_books.resources.rate_limit import Allowance, DailyQuota, SharedRateLimit, SharedWindow
from orf_books.resources.storage import ObjectStorage, S3Access, S3Options
from orf_books.resources.upload_inbox import UploadInbox
from orf_books.resources.upload_queue import UploadQueue

if TYPE_CHECKING:
    from orf_books.activities.recognition import Recognisers
    from orf_books.resources.activity_api import ActivityApi
    from orf_books.resources.cluster import ClusterWorkers
    from orf_books.resources.database import Database
    from orf_books.resources.google_books import GoogleBooks
    from orf_books.resources.open_library import OpenLibrary
    from orf_books.resources.raw_answers import RawAnswer

_SECRET: str | None = Field(default=None, repr=False)


LATER_ARRIVAL = 1.02
"""Windows are so much longer than the service's: it counts requests when they arrive, and those of
one window may take longer to arrive than those of the next."""
REQUESTS_FOR_A_GAP = 2
"""To Google Books about one book, as a rule at most: by number it is asked about many at once."""
CALL_SECONDS = 600.0
"""The longest that one call of a model may take on a cluster."""


def user_agent(contact: str | None) -> str:
    """Who we are, as Open Library's policy wants it: name, version, and whom to write to."""
    return f"orf_books/{__version__}" + (f" ({contact})" if contact else "")


class StorageResource(ProcessResource):
    """The object storage of the platform."""

    url: str
    s3: dg.ConfigurableResource | None = None  # type: ignore[type-arg]
    """An `S3Resource` of dagster-aws, where the url is `s3://…`: endpoint, region, profile and
    credentials are its own. Typed by its base, because importing dagster-aws takes a second."""
    serve_url: str | None = None
    """Where `orf-books serve` is reached; None where it is not, or nobody knows."""

    def open(self) -> ObjectStorage:
        """The storage, ready to use."""
        return ObjectStorage(self.url, cast("S3Access | None", self.s3))

    @property
    def s3_options(self) -> S3Options:
        """Endpoint and credentials, for another service of AWS."""
        names = S3Options.__dataclass_fields__
        return S3Options(**{name: getattr(self.s3, name) for name in names if self.s3})


class UploadQueueResource(ProcessResource):
    """The queue that reports new objects in the bucket; off without an address."""

    url: str | None = None
    storage: StorageResource

    def inbox(self) -> UploadInbox | None:
        """The messages of the queue, shared by all sensors of the process; None where it is off.

        Raises:
            FixConfiguration: the store is no bucket.
        """
        if self.url is None:
            return None
        return _inbox(self.url, self.storage.url, self.storage.s3_options)


@cache
def _inbox(url: str, store_url: str, options: S3Options) -> UploadInbox:
    return UploadInbox(UploadQueue(url, store_url, options, (EXPORTS, ACTIVITIES, RAW)))


class UpkeepResource(ProcessResource):
    """How long what runs leave behind is kept."""

    keep_runs_days: int

    @property
    def runs_are_kept(self) -> timedelta:
        """Logs of runs, after they ended."""
        return timedelta(days=self.keep_runs_days)


class OpenLibraryResource(ProcessResource):
    """Open Library; asked first."""

    url: str
    contact: str | None = None
    requests_per_second: float
    ledger: str

    def open(self, keep: Callable[["RawAnswer"], None] = lambda _: None) -> "OpenLibrary":
        """A client, for use as `async with` in one step; `keep` is given every answer."""
        from orf_books.resources.open_library import OpenLibrary

        return OpenLibrary(
            self.url,
            user_agent=user_agent(self.contact),
            rate_limit=SharedRateLimit(Ledger(self.ledger), self.url, self.requests_per_second),
            keep=keep,
        )


class GoogleBooksResource(ProcessResource):
    """Google Books; asked for what Open Library does not answer, and only with a key."""

    url: str
    contact: str | None = None
    key: str | None = _SECRET
    window_requests: int
    window_seconds: float
    requests_per_day: int
    ledger: str

    def open(
        self,
        longest_wait: float | None = None,
        keep: Callable[["RawAnswer"], None] = lambda _: None,
    ) -> "GoogleBooks":
        """A client, for use as `async with` in one step.

        Args:
            longest_wait: seconds; what cannot be asked by then is left to a later run.
            keep: given every answer as it came.
        """
        from orf_books.resources.google_books import GoogleBooks

        return GoogleBooks(
            self.url,
            key=self.key,
            user_agent=user_agent(self.contact),
            rate_limit=self._window(longest_wait),
            quota=self._quota(),
            keep=keep,
        )

    def seconds_until_free(self) -> float | None:
        """How long until something may be asked; None: not before the quota of the day is new."""

        async def wait() -> float | None:
            return (
                await self._window(None).seconds_until_free()
                if await self._quota().left()
                else None
            )

        return asyncio.run(wait())

    def requests_left(self) -> int:
        """What is left of the day's quota."""
        return asyncio.run(self._quota().left())

    def quota_used_percent(self) -> float:
        """How much of the day's quota is used."""
        return round(100 * (1 - self.requests_left() / self.requests_per_day), 1)

    def asked_by(self, books: int, now: datetime) -> datetime | None:
        """When all of so many books will have been asked about, as far as can be told now."""

        async def asked_by() -> datetime | None:
            free_in = await self._window(None).seconds_until_free()
            left_today = await self._quota().left()
            return Allowance(
                self.window_requests, self.window_seconds, self.requests_per_day
            ).time_of_last(REQUESTS_FOR_A_GAP * books, now, free_in=free_in, left_today=left_today)

        return asyncio.run(asked_by())

    def _window(self, longest_wait: float | None) -> SharedWindow:
        window = self.window_requests, LATER_ARRIVAL * self.window_seconds
        return SharedWindow(Ledger(self.ledger), self.url, *window, longest_wait)

    def _quota(self) -> DailyQuota:
        return DailyQuota(Ledger(self.ledger), self.url, self.requests_per_day)

    @property
    def is_on(self) -> bool:
        """Whether there is a key."""
        return bool(self.key)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about this source for the readers of a report."""
        off = "Google Books was not asked: set ORF_BOOKS_GOOGLE_BOOKS_KEY to fill gaps from there."
        return () if self.is_on else (off,)


class SpeechResource(ProcessResource):
    """What recognises speech: this machine, or the three services."""

    mode: str
    """`embedded` or `services`."""
    vote_rule: str = "reference"
    """How the recognisers' votes are combined, see `VoteRule`."""
    contact: str | None = None
    deepgram_url: str
    deepgram_key: str | None = _SECRET
    kaldi_general_url: str | None = None
    kaldi_partner_url: str | None = None
    wav2vec_url: str | None = None
    cluster: str | None = None
    """A Dask scheduler, for the embedded recognisers; None is this machine."""
    cluster_ca: str | None = None
    cluster_certificate: str | None = None
    cluster_key: str | None = None
    """Files, for `tls://`."""

    @property
    def is_embedded(self) -> bool:
        """Whether recordings stay on this machine."""
        return self.mode == "embedded"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a report should know about who listened."""
        from orf_books.resources.embedded_speech import missing_models

        if not self.is_embedded:
            return ()
        draft = "Verdicts are drafts: recognisers of this machine listened, and a person reviews."
        return (draft, *missing_models())

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Recognisers"]:
        """The recognisers of the three roles, for one step.

        Raises:
            FixConfiguration: the address or key of a service is not set.
        """
        async with self._embedded() if self.is_embedded else self._services() as recognisers:
            yield recognisers

    @asynccontextmanager
    async def _embedded(self) -> AsyncIterator["Recognisers"]:
        from orf_books.activities.recognition import Recognisers
        from orf_books.resources.embedded_speech import EmbeddedSpeech

        async with EmbeddedSpeech(self._cluster_workers()) as speech:
            yield Recognisers(speech.transcriber, speech.listener, speech.checker, speech.placer)

    def cluster_size(self) -> int | None:
        """How many calls the cluster can carry out at once; None where calls stay on this machine.

        Raises:
            FixConfiguration: it does not accept us, or runs another version.
            RetryLater: it does not answer.
        """
        workers = self._cluster_workers()

        async def size(cluster: "ClusterWorkers") -> int:
            async with cluster:
                return cluster.threads

        return None if workers is None else asyncio.run(size(workers))

    def _cluster_workers(self) -> "ClusterWorkers | None":
        if self.cluster is None:
            return None
        from orf_books.resources.cluster import ClusterTls, ClusterWorkers

        files = (self.cluster_ca, self.cluster_certificate, self.cluster_key)
        tls = ClusterTls(*(Path(file) for file in files if file)) if all(files) else None
        return ClusterWorkers(self.cluster, tls, call_seconds=CALL_SECONDS)

    @asynccontextmanager
    async def _services(self) -> AsyncIterator["Recognisers"]:
        from orf_books.activities.recognition import Recognisers
        from orf_books.resources.deepgram import Deepgram
        from orf_books.resources.kaldi import Kaldi
        from orf_books.resources.wav2vec import Wav2vec

        if not (self.deepgram_key and self.wav2vec_url):
            raise FixConfiguration(
                "ORF_BOOKS_SPEECH=services needs ORF_BOOKS_DEEPGRAM_KEY and ORF_BOOKS_WAV2VEC_URL."
            )
        agent = user_agent(self.contact)
        async with (
            Deepgram(self.deepgram_url, key=self.deepgram_key, user_agent=agent) as deepgram,
            Kaldi(self.kaldi_general_url, self.kaldi_partner_url, user_agent=agent) as kaldi,
            Wav2vec(self.wav2vec_url, user_agent=agent) as wav2vec,
        ):
            yield Recognisers(deepgram, kaldi, wav2vec)


class ActivityApiResource(ProcessResource):
    """The activity API; off without an address."""

    url: str | None = None
    key: str | None = _SECRET
    contact: str | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ActivityApi | None"]:
        """A client for one step; None where it is off.

        Raises:
            FixConfiguration: there is an address and no key.
        """
        from orf_books.resources.activity_api import ActivityApi

        if self.url is None:
            yield None
            return
        if self.key is None:
            raise FixConfiguration("ORF_BOOKS_ACTIVITY_API_URL needs ORF_BOOKS_ACTIVITY_API_KEY.")
        async with ActivityApi(self.url, key=self.key, user_agent=user_agent(self.contact)) as api:
            yield api


class SlackResource(ProcessResource):
    """One channel of Slack; off without a webhook."""

    webhook: str | None = _SECRET
    contact: str | None = None
    page_url: str | None = None
    """Where people find Dagster's page."""

    def name_of_run(self, run_id: str) -> str:
        """A run in a message: a link, if it is known where the page is."""
        return f"<{self.page_url}/runs/{run_id}|{run_id}>" if self.page_url else f"`{run_id}`"

    def tell(self, text: str) -> None:
        """Post a message.

        Raises:
            OrfBooksError: Slack did not take it.
        """
        if self.webhook is None:
            return
        asyncio.run(self._post(self.webhook, text))

    async def _post(self, webhook: str, text: str) -> None:
        from orf_books.resources.slack import Slack

        async with Slack(webhook, user_agent=user_agent(self.contact)) as slack:
            await slack.post(text)


class DatabaseResource(ProcessResource):
    """The database that scores are published to."""

    url: str = Field(repr=False)

    def open(self) -> "Database":
        """The database; nothing is connected before it is used."""
        from orf_books.resources.database import Database

        return Database(self.url)


class TranscriptRulesResource(ProcessResource):
    """When a transcript is refused."""

    largest_warned_share: float
    """Of its lines, from 0 to 1."""
