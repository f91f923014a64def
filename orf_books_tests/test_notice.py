"""What the package says of its licence and of the data that ships in it."""

from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "orf_books"
NOT_DATA = {".py", ".pyc", ".jinja", ".yaml", ".typed"}


def data_files() -> set[Path]:
    files = {path for path in PACKAGE.rglob("*") if path.is_file()}
    return {path for path in files if path.suffix not in NOT_DATA}


def patterns() -> Iterator[str]:
    lines = (PROJECT / "NOTICE").read_text(encoding="utf-8").splitlines()
    return (line for line in lines if line.startswith("orf_books/"))


def test_the_notice_names_the_source_of_every_data_file_and_of_no_other() -> None:
    named = {pattern: set(PROJECT.glob(pattern)) for pattern in patterns()}
    assert {path for paths in named.values() for path in paths} == data_files()
    assert all(named.values()), named
