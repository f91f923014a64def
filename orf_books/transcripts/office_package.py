"""Documents of Word and Excel, made safe to read: packages of XML files.

Belongs here: how large a package may be when unpacked, and what must not be in it. Does not belong
here: what its files say (`docx_format.py`, `xlsx_format.py`).
"""

import io
import zlib
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from orf_books.transcripts.problems import ErrorCode, UnusableTranscript

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
_MOST_FILES = 2000
_DESCRIPTIONS = (".xml", ".rels", ".vml")
_DECLARATIONS = tuple(
    mark.encode(encoding)
    for mark in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("ascii", "utf-16-le", "utf-16-be")
)


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of a package by name.

    Raises:
        UnusableTranscript: it is damaged, unpacks to too much, or declares what no document of
            Word or Excel does.
    """
    files: dict[str, bytes] = {}
    left = MAX_UNPACKED_BYTES
    try:
        with ZipFile(io.BytesIO(content)) as package:
            if len(package.infolist()) > _MOST_FILES:
                raise refused("has too many parts")
            for info in package.infolist():
                # What a package says of its own sizes is not to be believed.
                with package.open(info) as packed:
                    files[info.filename] = packed.read(left + 1)
                left -= len(files[info.filename])
                if left < 0:
                    raise refused(f"unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MiB")
    except (
        BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):
        raise refused("is damaged or has a password") from None
    described = (one for name, one in files.items() if name.endswith(_DESCRIPTIONS))
    if any(mark in one for one in described for mark in _DECLARATIONS):
        raise refused("has declarations that no such document has")
    return files


def repacked(files: dict[str, bytes]) -> io.BytesIO:
    """A package of these files, whose sizes are as it says."""
    package = io.BytesIO()
    with ZipFile(package, "w", ZIP_STORED) as written:
        for name, content in files.items():
            written.writestr(name, content)
    package.seek(0)
    return package


def refused(why: str) -> UnusableTranscript:
    """Why a document cannot be read."""
    return UnusableTranscript(
        ErrorCode.NOT_TEXT,
        f"The document {why}. Save the transcript anew, or as text.",
    )
