"""Names that cannot be resolved, and TLS that cannot be trusted.

Each try asks a source whose address is broken in one way. Every book must fail with what is wrong
with the connection, and none may be "not found"; with the right address a retry makes all whole.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from orf_books_tests.conftest import Platform

NOWHERE = "https://books.invalid"
CATEGORIES = {"network", "timeout", "unavailable"}
YEAR = timedelta(days=365)


def broken_connections(ground: Ground, tally: Tally, tries: int) -> None:
    """Break the address of Open Library in every way in turn."""
    ways = list(WAYS.items())
    for number in ground.tries(tally, tries):
        name, way = ways[number % len(ways)]
        with tally.about(name), ground.platform(str(number)) as platform:
            libraries = ground.libraries()
            library, export = libraries.draw()
            with way(ground) as url:
                broken = platform.settings.model_copy(update={"open_library_url": url})
                before = Platform(broken, platform.instance)
                report = before.report(before.ingest(library, export))
            failed = report.failed_by_category
            tally.check(
                holds=sum(failed.values()) == libraries.books and failed.keys() <= CATEGORIES,
                wrong=f"{dict(failed)} of {libraries.books}, {report.not_found} not found",
            )
            tally.check(holds=platform.run("retry_failed_books").success, wrong="the retry failed")
            libraries.judge(tally, platform.storage)


def _resolver(number: int) -> Callable[[Ground], Iterator[str]]:
    def no_name(_ground: Ground) -> Iterator[str]:
        def fail(*_: object, **__: object) -> NoReturn:
            raise socket.gaierror(number, "no such name")

        real, socket.getaddrinfo = socket.getaddrinfo, fail
        try:
            yield NOWHERE
        finally:
            socket.getaddrinfo = real

    return no_name


def _without_tls(ground: Ground) -> Iterator[str]:
    yield ground.sandbox.open_library_url.replace("http://", "https://")


def _hangs_up(_ground: Ground) -> Iterator[str]:
    with _server(lambda connection: connection.close()) as url:
        yield url


def _certificate(host: str, valid_until: timedelta) -> Callable[[Ground], Iterator[str]]:
    """A server whose certificate is for a host, signed by itself."""

    def untrusted(ground: Ground) -> Iterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_written_certificate(ground, host, valid_until))

        def answer(connection: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

        with _server(answer) as url:
            yield url

    return untrusted


def _written_certificate(ground: Ground, host: str, valid_until: timedelta) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * YEAR)
        .not_valid_after(now + valid_until)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = ground.folder / f"{host}-{valid_until.days}.pem"
    encoding = serialization.Encoding.PEM
    file.write_bytes(
        certificate.public_bytes(encoding)
        + key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


@contextmanager
def _server(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does with each connection what it is told; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        answer(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


WAYS = {
    name: contextmanager(way)
    for name, way in {
        "the name does not exist": _resolver(socket.EAI_NONAME),
        "no name server answers": _resolver(socket.EAI_AGAIN),
        "no TLS behind https": _without_tls,
        "the server hangs up": _hangs_up,
        "the certificate is signed by nobody we trust": _certificate("127.0.0.1", YEAR),
        "the certificate has expired": _certificate("127.0.0.1", -YEAR),
        "the certificate is of another host": _certificate("127.0.0.2", YEAR),
    }.items()
}

ATTACKS = (
    Attack(
        "DNS and TLS failures",
        broken_connections,
        tries=14,
        short_tries=7,
        share=0.5,
        person="mend the address or the network; `orf-books retry books`",
    ),
)
