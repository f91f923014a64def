"""Formulas in what people hand in, as a spreadsheet would run them from an exported CSV.

The platform exports no CSV: what it makes are JSON and pages, which no spreadsheet opens as a
table of cells. Each try hands in a library full of formulas and looks at every object that came of
it: none but the upload itself may be a CSV, and no page may offer one to download.
"""

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from orf_books.object_keys import EXPORTS
from orf_books_tests.conftest import Platform, export_of, plain_books

FORMULAS = (
    '=HYPERLINK("http://127.0.0.1:9/","look")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\n=1+1",
    '=IMPORTXML(CONCAT("http://127.0.0.1:9/",A1),"//a")',
    "%0A=1+1",
)
OFFERS = (b"text/csv", b'.csv"', b"data:application/vnd.ms-excel")
"""What stands in a page that lets people download a table."""


def formulas(ground: Ground, tally: Tally, tries: int) -> None:
    """Hand in one formula after the other."""
    with ground.platform("formulas") as platform:
        for number in ground.tries(tally, tries):
            _hand_in(tally, platform, f"library-{number}", FORMULAS[number % len(FORMULAS)])


def _hand_in(tally: Tally, platform: Platform, library: str, formula: str) -> None:
    cells = dict.fromkeys(("Title", "Author", "Publisher", "Bookshelves", "My_Review"), formula)
    platform.ingest(library, export_of(plain_books()[:2], **cells))
    if library not in platform.records.libraries():
        tally.lost.append(f"{formula!r}: the export was not read")
    for stored in platform.storage.list(""):
        is_table = stored.key.endswith((".csv", ".tsv")) and not stored.key.startswith(EXPORTS)
        tally.check(holds=not is_table, wrong=f"{stored.key} is a table of cells")
        if stored.key.endswith(".html"):
            page = platform.storage.get(stored.key)
            offers = [offer for offer in OFFERS if offer in page]
            tally.check(holds=not offers, wrong=f"{stored.key} offers {offers}")


ATTACKS = (
    Attack(
        "formulas, where a CSV would run them",
        formulas,
        tries=len(FORMULAS),
        short_tries=2,
        share=0.3,
    ),
)
