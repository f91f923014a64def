"""A Dask cluster for tests: a scheduler and workers as processes on loopback, with TLS.

Belongs here: certificates, starting and killing. Does not belong here: what runs on it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orf_books.resources.cluster import ClusterTls
from orf_books_tests.conftest import wait_for

PROJECT = Path(__file__).parent.parent.parent
DASK = Path(sys.executable).with_name("dask")


def new_certificates(folder: Path) -> ClusterTls:
    """A private authority, and a certificate that it signed."""
    folder.mkdir()
    files = ClusterTls(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    member = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "member")])
    now = datetime.now(UTC)
    usual = (
        x509.CertificateBuilder()
        .issuer_name(authority)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    signed = [
        usual.subject_name(authority)
        .public_key(authority_key.public_key())
        .serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256()),
        usual.subject_name(member)
        .public_key(key.public_key())
        .serial_number(2)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(authority_key, hashes.SHA256()),
    ]
    for file, certificate in zip((files.ca, files.certificate), signed, strict=True):
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


class Cluster:
    """A scheduler, and workers with one slot each."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.tls = new_certificates(folder / "certificates")
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        address = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--protocol", "tls", "--host", "tls://127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(address),
        )  # fmt: skip
        wait_for("address of the scheduler", lambda: address.exists() and address.stat().st_size)
        self.workers = [self.start_worker() for _ in range(workers)]

    @property
    def address(self) -> str:
        """Of the scheduler."""
        import json

        address: str = json.loads((self._folder / "scheduler.json").read_text())["address"]
        return address

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """Start one more."""
        return self._start(
            "worker", "--scheduler-file", str(self._folder / "scheduler.json"),
            "--no-nanny", "--nthreads", "1", "--no-dashboard", "--death-timeout", "20",
        )  # fmt: skip

    def _start(self, role: str, *arguments: str) -> "subprocess.Popen[bytes]":
        # Each role has its own names for the same certificate.
        of_tls = [
            "--tls-ca-file", str(self.tls.ca),
            "--tls-cert", str(self.tls.certificate),
            "--tls-key", str(self.tls.key),
        ]  # fmt: skip
        with (self._folder / "cluster.log").open("ab") as log:
            process = subprocess.Popen(
                [DASK, role, *arguments, *of_tls],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def log(self) -> str:
        """What scheduler and workers wrote."""
        return (self._folder / "cluster.log").read_text(errors="replace")

    def kill(self) -> None:
        """End everything."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def running_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    cluster = Cluster(folder, workers)
    try:
        yield cluster
    finally:
        cluster.kill()
