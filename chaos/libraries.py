"""Libraries that an attack uploads, and what must have become of them in the end.

Belongs here: drawing them, remembering them, judging all of them. Does not belong here: what is
right (`judging.py`), how they are uploaded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from chaos.counting import Tally
from chaos.judging import CalmDay, judge_history, judge_library
from orf_books.object_keys import export_key
from orf_books.resources.storage import ObjectStorage
from orf_books_tests.conftest import CommandLine, export_of, plain_books

BOOKS = 8
SHOWN_MESSAGE = 300


@dataclass
class Libraries:
    """Libraries of drawn books.

    Args:
        random: draws the books.
        calm_day: what is right to show of them.
        numbering: makes names that no other library of the attack has.
        books: how many a library holds.
        numbers: by library, its invented books.
    """

    random: Random
    calm_day: CalmDay
    numbering: Iterator[int]
    books: int = BOOKS
    numbers: dict[str, Sequence[int]] = field(default_factory=dict)

    def draw(self) -> tuple[str, bytes]:
        """Another library: its name and its export."""
        library = f"library-{next(self.numbering)}"
        self.numbers[library] = self.random.sample(plain_books(), self.books)
        return library, export_of(self.numbers[library])

    def judge(self, tally: Tally, storage: ObjectStorage) -> None:
        """Count what is lost or wrong in any of them."""
        for library, numbers in self.numbers.items():
            judge_library(tally, self.calm_day, storage, library, numbers)

    def judge_after_retry(self, tally: Tally, orf_books: CommandLine) -> None:
        """The same after a retry; a command that was killed before it put its file gave nothing."""
        done = orf_books("retry", "books", "--json")
        said = done.stderr.strip()[-SHOWN_MESSAGE:]
        tally.check(holds=done.returncode == 0, wrong=f"the retry ended so: {said}")
        for library in list(self.numbers):
            if not orf_books.storage.exists(export_key(library)):
                del self.numbers[library]
        self.judge(tally, orf_books.storage)
        with orf_books.instance() as instance:
            judge_history(
                tally, instance, {one for drawn in self.numbers.values() for one in drawn}
            )
