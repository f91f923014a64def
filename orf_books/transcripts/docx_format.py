"""Transcripts as documents of Word, as Teams writes them.

Belongs here: the lines of a document. Does not belong here: what they say (`layout.py`): they are
read like those of a text file.
"""

from collections.abc import Iterator, Mapping

from orf_books.transcripts.office_package import refused, repacked

DOCUMENT = "word/document.xml"


def text_of_docx(files: Mapping[str, bytes]) -> str:
    """The lines of an unpacked document; the cells of a table stand on a line, a tab apart.

    Raises:
        UnusableTranscript: it is damaged.
    """
    # Importing it takes long.
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import LxmlError

    package = repacked(dict(files))
    try:
        document = docx.Document(package)
        return "".join(
            f"{line}\n" for block in document.iter_inner_content() for line in _lines(block)
        )
    except (PackageNotFoundError, LxmlError, KeyError, ValueError, AttributeError, TypeError):
        # The library raises whatever it comes upon in a damaged part.
        raise refused("is damaged") from None


def _lines(block: object) -> Iterator[str]:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    match block:
        case Paragraph():
            yield from block.text.split("\n")
        case Table():
            for row in block.rows:
                yield "\t".join(" ".join(cell.text.split()) for cell in row.cells)
