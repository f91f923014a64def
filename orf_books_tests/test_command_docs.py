import pytest

from orf_books_tests.command_docs import DOCUMENT, HELP, OUTPUT, help_texts, outputs

REMEDY = "run `python -m orf_books_tests.command_docs`, and look at the difference"


def part(heading: str) -> str:
    """A part of the document, up to the next one."""
    _, _, rest = DOCUMENT.read_text("utf-8").partition(f"{heading}\n")
    return heading + "\n" + rest.partition("\n## ")[0].rstrip("\n")


def test_the_document_has_the_help_of_every_command() -> None:
    assert part(HELP) == help_texts().rstrip("\n"), REMEDY


@pytest.mark.slow
def test_the_document_has_what_commands_print() -> None:
    assert part(OUTPUT) == outputs().rstrip("\n"), REMEDY


def test_nothing_is_wider_than_a_terminal() -> None:
    tables = (line for line in DOCUMENT.read_text("utf-8").splitlines() if line[:1] in "│╭╰┌└├")
    assert max(map(len, tables)) <= 80
