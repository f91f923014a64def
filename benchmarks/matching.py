"""`python -m benchmarks.matching`: how well titles and authors tell books apart.

Measures the similarity of titles and authors on the labelled pairs of the tests, at several
thresholds: precision, recall, F1, and the pairs on which it errs at the accepted one. The tuning
part is what the rules were made with; only the held-out part says how they do on other books.

With `--pairs FILE`, also on pairs of your own: a line each, `asked title|author|title|subtitle|
authors|T, F or X`, authors divided by `;`; X is the same work under another title. With `--before
COMMIT`, beside the rules of then.

Belongs here: reading the pairs, counting, printing. Does not belong here: the rules
(`orf_books/books/similarity.py`).
"""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from benchmarks.measuring import output
from orf_books.books.metadata import BookQuery
from orf_books.books.similarity import ACCEPTED_SIMILARITY, title_author_similarity

PAIRS = Path(__file__).parent.parent / "orf_books_tests" / "books" / "title_author_pairs.csv"
TUNING, HELD_OUT = "tuning", "held out"
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.825, ACCEPTED_SIMILARITY, 0.875, 0.9, 0.925, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a record that a search found, and whether a person says it is the book."""

    part: str
    asked_title: str
    asked_author: str
    found_title: str
    found_subtitle: str
    found_authors: tuple[str, ...]
    is_same: bool
    kind: str
    """What makes it hard."""

    @property
    def similarity(self) -> float:
        """What the rules say."""
        asked = BookQuery("1", None, self.asked_title, self.asked_author, None, None)
        return title_author_similarity(
            asked, self.found_title, self.found_authors, self.found_subtitle
        )

    def is_judged_wrong(self, threshold: float) -> bool:
        """Whether the rules and the person disagree."""
        return (self.similarity >= threshold) is not self.is_same


@dataclass(frozen=True, slots=True)
class Quality:
    """What accepting pairs from some similarity on comes to."""

    accepted: int
    right: int
    """Accepted, and the same book."""
    same: int

    @property
    def precision(self) -> float:
        """Share of the accepted pairs that are the same book."""
        return self.right / self.accepted if self.accepted else 1.0

    @property
    def recall(self) -> float:
        """Share of the pairs of the same book that are accepted."""
        return self.right / self.same if self.same else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def read_pairs() -> list[Pair]:
    """All labelled pairs."""
    with PAIRS.open(encoding="utf-8", newline="") as file:
        return [_pair(row) for row in csv.DictReader(file)]


def _pair(row: dict[str, str]) -> Pair:
    return Pair(
        part=row["part"],
        asked_title=row["asked_title"],
        asked_author=row["asked_author"],
        found_title=row["found_title"],
        found_subtitle=row["found_subtitle"],
        found_authors=tuple(row["found_authors"].split(";")),
        is_same=row["same"] == "true",
        kind=row["kind"],
    )


def quality(pairs: Iterable[Pair], threshold: float) -> Quality:
    """What accepting pairs from this similarity on comes to."""
    judged = [(pair.similarity >= threshold, pair.is_same) for pair in pairs]
    return Quality(
        accepted=sum(accepted for accepted, _ in judged),
        right=sum(accepted and same for accepted, same in judged),
        same=sum(same for _, same in judged),
    )


def main(
    *,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Also the errors on the held-out part.")
    ] = False,
    pairs_file: Annotated[Path | None, typer.Option("--pairs", help="Pairs of your own.")] = None,
    before: Annotated[str | None, typer.Option(help="A commit to compare with.")] = None,
) -> None:
    """Print quality by threshold for each part, and the pairs that are judged wrong."""
    if pairs_file is not None:
        output.print(_comparison_table(pairs_file, before))
        return
    pairs = read_pairs()
    for part in (TUNING, HELD_OUT):
        of_part = [pair for pair in pairs if pair.part == part]
        output.print(_quality_table(part, of_part))
        if part == TUNING or held_out:
            output.print(_errors_table(part, of_part))


Similarity = Callable[[BookQuery, str, Sequence[str], str], float]


def _comparison_table(pairs_file: Path, before: str | None) -> Table:
    """How many pairs of each kind are accepted, on the even and on the odd lines of a file."""
    lines = pairs_file.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("|") for line in lines if line.strip() and not line.startswith("#")]
    rules: dict[str, Similarity] = {"now": title_author_similarity}
    if before is not None:
        rules = {before: _rules_of(before).title_author_similarity} | rules
    table = Table("half", "kind", "pairs", *rules, title="accepted", title_justify="left")
    for half, name in enumerate(("even lines", "odd lines")):
        of_half = pairs[half::2]
        accepted = {name: _accepted(of_half, rule) for name, rule in rules.items()}
        for kind, count in sorted(Counter(pair[-1] for pair in of_half).items()):
            table.add_row(
                name, kind, str(count), *(str(found[kind]) for found in accepted.values())
            )
    return table


def _accepted(pairs: Iterable[Sequence[str]], similarity: Similarity) -> Counter[str]:
    return Counter(
        kind
        for asked, author, title, subtitle, authors, kind in pairs
        if similarity(
            BookQuery("1", None, asked, author, None, None),
            title,
            [name.strip() for name in authors.split(";")],
            subtitle,
        )
        >= ACCEPTED_SIMILARITY
    )


def _rules_of(commit: str) -> ModuleType:
    """The module of the rules as it was at a commit."""
    source = subprocess.run(
        ["git", "show", f"{commit}:orf_books/books/similarity.py"],
        cwd=Path(__file__).parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    module = ModuleType(f"similarity_{commit}")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(source, module.__dict__)
    return module


def _quality_table(part: str, pairs: Sequence[Pair]) -> Table:
    same = sum(pair.is_same for pair in pairs)
    title = f"{part}: {same} the same, {len(pairs) - same} another"
    table = Table("threshold", "precision", "recall", "F1", title=title, title_justify="left")
    for threshold in THRESHOLDS:
        found = quality(pairs, threshold)
        is_accepted = threshold == ACCEPTED_SIMILARITY
        table.add_row(
            f"{threshold:.3f}" + (" accepted" if is_accepted else ""),
            *(f"{share:.3f}" for share in (found.precision, found.recall, found.f1)),
            style="bold" if is_accepted else "",
        )
    return table


def _errors_table(part: str, pairs: Sequence[Pair]) -> Table:
    table = Table(
        *("is", "similarity", "asked", "found", "kind"),
        title=f"{part}: judged wrong at {ACCEPTED_SIMILARITY}",
        title_justify="left",
    )
    for pair in pairs:
        if pair.is_judged_wrong(ACCEPTED_SIMILARITY):
            found = ": ".join(filter(None, (pair.found_title, pair.found_subtitle)))
            table.add_row(
                "the same" if pair.is_same else "another",
                f"{pair.similarity:.3f}",
                escape(f"{pair.asked_title} / {pair.asked_author}"),
                escape(f"{found} / {', '.join(pair.found_authors)}"),
                pair.kind,
            )
    return table


if __name__ == "__main__":
    typer.run(main)
