"""`python -m benchmarks.genres`: how many books get a genre by each kind of evidence, and how well.

First each kind alone: every book of `labelled_authors.csv` is judged as if no source named its
genres, from what its other books say. The authors are parted in halves: rules were chosen on one.
Then a library of 500 in which a third of the books have only `Fiction` or `Nonfiction`, headings
that are in no map, or none.

Belongs here: making that library, counting, printing. Does not belong here: the rules
(`orf_books/books/genre_evidence.py`).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import typer
from rich.table import Table

from benchmarks.measuring import output
from orf_books.books.genre_evidence import (
    FICTION,
    NONFICTION,
    Evidence,
    GenreEvidence,
    KnownBook,
)
from orf_books.books.genres import ancestors, is_of_fiction
from orf_books.books.similarity import main_title

LABELS = Path(__file__).parent.parent / "orf_books_tests" / "books"
ROWS = 500
SHARE_WITHOUT_GENRES = 1 / 3
SHARE_ON_GENRE_SHELVES = 0.25
SHARE_OF_OTHER_EDITIONS = 0.03
OTHER_SHELVES = ("owned", "2021", "favourites", "book-club", "to-buy", "history-class")
INFERRED = (Evidence.EDITIONS, Evidence.SHELVES, Evidence.SERIES, Evidence.AUTHOR)


@dataclass(frozen=True, slots=True)
class LabelledBook:
    """A book as a perfect source knows it, and what is right to say of it."""

    book: KnownBook
    right: frozenset[str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one kind of evidence came to."""

    books: int
    shown: int
    wrong: int

    @property
    def precision(self) -> float | None:
        """Share of the genres that are right; None where none is shown."""
        return 1 - self.wrong / self.shown if self.shown else None


def labelled_books(file: str = "labelled_authors.csv") -> list[LabelledBook]:
    """The labelled books of a file, with their labels as the genres that sources name."""
    with (LABELS / file).open(encoding="utf-8", newline="") as opened:
        return [
            _labelled(f"{file}:{number}", row["title"], row["author"], row["genres"].split(";"))
            for number, row in enumerate(csv.DictReader(opened))
        ]


def judge(books: Iterable[LabelledBook], answers: Iterable[Sequence[str]]) -> Judgement:
    """Compare what is said of each book with what is right."""
    pairs = [(book, names) for book, names in zip(books, answers, strict=True) if names]
    return Judgement(
        books=len(pairs),
        shown=sum(len(names) for _, names in pairs),
        wrong=sum(name not in book.right for book, names in pairs for name in names),
    )


def each_kind_alone(books: Sequence[LabelledBook], half: int) -> dict[Evidence, Judgement]:
    """What each kind says of the books of every other author, from all other books."""
    evidence = GenreEvidence(labelled.book for labelled in books)
    authors = sorted({labelled.book.author for labelled in books})[half::2]
    judged = [labelled for labelled in books if labelled.book.author in authors]
    return {
        kind: judge(judged, [evidence.inferred(labelled.book, kind) for labelled in judged])
        for kind in (Evidence.SERIES, Evidence.AUTHOR)
    }


def library_with_gaps(seed: int = 0) -> list[LabelledBook]:
    """500 books; of a third the sources say too little."""
    chance = Random(seed)
    labelled = labelled_books() + labelled_books("labelled_genres.csv")
    works = {(main_title(one.book.title).casefold(), one.book.author): one for one in labelled}
    books = list(works.values())
    books += [
        _other_edition(book, chance) for book in books if _happens(SHARE_OF_OTHER_EDITIONS, chance)
    ]
    books += _invented(ROWS - len(books), chance)
    return [_on_shelves(_with_gap(labelled, chance), chance) for labelled in books]


def main() -> None:
    """Print both tables."""
    books = labelled_books()
    alone = Table("half of the authors", "evidence", "books", "genres", "precision")
    for half, name in enumerate(("chosen on", "reported on")):
        for kind, judgement in each_kind_alone(books, half).items():
            alone.add_row(name, kind, *_figures(judgement))
    output.print(alone)
    output.print(_library_table(library_with_gaps()))


def _library_table(books: Sequence[LabelledBook]) -> Table:
    evidence = GenreEvidence(labelled.book for labelled in books)
    found = [(labelled, evidence.genres_of(labelled.book)) for labelled in books]
    table = Table("evidence", "books", "genres", "precision", "share with a genre so far")
    so_far = 0
    for kind in Evidence:
        of_kind = [(labelled, genres) for labelled, genres in found if genres.evidence is kind]
        judgement = judge([book for book, _ in of_kind], [genres.names for _, genres in of_kind])
        so_far += judgement.books
        table.add_row(kind, *_figures(judgement), f"{so_far / len(books):.3f}")
    return table


def _figures(judgement: Judgement) -> tuple[str, str, str]:
    precision = judgement.precision
    return (
        str(judgement.books),
        str(judgement.shown),
        "" if precision is None else f"{precision:.3f}",
    )


def _labelled(key: str, title: str, author: str, genres: Sequence[str]) -> LabelledBook:
    kinds = {kind for genre in genres if (kind := is_of_fiction(genre)) is not None}
    is_fiction = kinds.pop() if len(kinds) == 1 else None
    right = {name for genre in genres for name in (genre, *ancestors(genre))}
    if is_fiction is not None:
        right.add(FICTION if is_fiction else NONFICTION)
    return LabelledBook(
        KnownBook(key, title, author, (), tuple(genres), is_fiction, None), frozenset(right)
    )


def _invented(count: int, chance: Random) -> list[LabelledBook]:
    """Books of invented authors, who keep to one genre four times of five."""
    genres = ("Mystery", "Romance", "Fantasy", "History", "Science Fiction", "Literary Fiction")
    books = []
    for number in range(count):
        author = number // 2
        usual = genres[author % len(genres)]
        genre = usual if _happens(0.8, chance) else chance.choice(genres)
        books.append(
            _labelled(f"i{number}", f"Invented Tale {number}", f"Author {author}", [genre])
        )
    return books


def _other_edition(labelled: LabelledBook, chance: Random) -> LabelledBook:
    key = f"{labelled.book.key}-{chance.random()}"
    return replace(labelled, book=replace(labelled.book, key=key))


def _with_gap(labelled: LabelledBook, chance: Random) -> LabelledBook:
    """Perhaps without genres: a third knows the kind, a third has topics alone, a third nothing."""
    if not _happens(SHARE_WITHOUT_GENRES, chance):
        return labelled
    is_fiction = labelled.book.is_fiction if _happens(1 / 3, chance) else None
    return replace(labelled, book=replace(labelled.book, genres=(), is_fiction=is_fiction))


def _on_shelves(labelled: LabelledBook, chance: Random) -> LabelledBook:
    shelves = [chance.choice(OTHER_SHELVES)]
    if _happens(SHARE_ON_GENRE_SHELVES, chance):
        genre = min(labelled.right - {FICTION, NONFICTION})
        shelves.append(genre.casefold().replace(" & ", "-").replace(" ", "-").replace("'", ""))
    return replace(labelled, book=replace(labelled.book, shelves=tuple(shelves)))


def _happens(share: float, chance: Random) -> bool:
    return chance.random() < share


if __name__ == "__main__":
    typer.run(main)
