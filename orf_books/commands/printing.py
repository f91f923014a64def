"""What commands print for people, and documents for machines.

Belongs here: tables and lines about what came of a command. Does not belong here: arguments and
exit statuses (`orf_books/cli.py`), progress (`orf_books/commands/terminal.py`).
"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orf_books.commands.batch_view import Batch
from orf_books.keys import text_of_key

SHOWN_FAILURES = 20
SHORT_ID = 8
"""Characters of a run's id that Dagster's page shows, too."""

output = Console()

_NAMES = {
    "job_id": "run",
    "processing_time_seconds": "seconds",
    "success_rate": "success rate, %",
}
"""What people call what machines have under another name."""
_FAILED_BY = ("failed_by_category", "failed_by_code")
_WAYS_TO_DETECT = {"detector": "detected", "keywords": "by_keywords"}


def show_books(document: dict[str, Any]) -> None:
    """What came of a batch of books."""
    shown = (
        "job_id",
        "status",
        "books_processed",
        "successful_enrichments",
        "failed_enrichments",
        "not_found",
        "gaps",
        "reused",
        "success_rate",
        "processing_time_seconds",
        "requests",
    )
    output.print(table_of_values("Report", {name: document[name] for name in shown}))
    for row in document["refused_rows"]:
        output.print(f"Row {row['row_number']} was refused: {row['reason']}", markup=False)
    for note in document["file_notes"]:
        output.print(note, markup=False, soft_wrap=True)
    if unread := len(document["unread_cells"]):
        output.print(f"{unread} cells could not be read; the dashboard lists them.", markup=False)
    for failure in document["failures"][:SHOWN_FAILURES]:
        text = f"Book {failure['book']} failed ({failure['category']}): {failure['message']}"
        output.print(text, markup=False, soft_wrap=True)
    if document["failed_enrichments"]:
        output.print("`orf-books retry books` runs what failed once more.", markup=False)
    elif document["gaps"]:
        text = (
            f"Books that a source is still to be asked about: {document['gaps']}. The daemon does"
        )
        output.print(f"{text} so, or `orf-books run books --wait`.", markup=False, soft_wrap=True)
    for note in document["notes"]:
        output.print(note, markup=False, soft_wrap=True)
    for library, files in document["dashboards"].items():
        output.print(f"\nDashboard of {text_of_key(library)}", style="bold", markup=False)
        output.print(f"  {files['page']}\n  {files['data']}", markup=False, soft_wrap=True)


def show_activities(document: dict[str, Any]) -> None:
    """What came of a batch of activities."""
    hidden = ("failures", "uploads", "notes", "page", "failed_by_category", "started_at")
    shown = {name: value for name, value in document.items() if name not in hidden}
    output.print(table_of_values("Report", shown))
    for failure in document["failures"][:SHOWN_FAILURES]:
        text = f"Activity {failure['activity']} failed ({failure['category']})"
        output.print(f"{text}: {failure['message']}", markup=False, soft_wrap=True)
    if document["failed_rescorings"]:
        output.print("`orf-books retry activities` runs what failed once more.", markup=False)
    for note in document["notes"]:
        output.print(note, markup=False, soft_wrap=True)
    output.print("\nReports", style="bold")
    output.print(f"  {document['page']}", markup=False, soft_wrap=True)


def show_sessions(document: dict[str, Any]) -> None:
    """What came of a batch of class sessions."""
    hidden = ("failures", "uploads", "sessions", "page", "started_at", *_FAILED_BY)
    shown = {name: value for name, value in document.items() if name not in hidden}
    output.print(table_of_values("Report", shown))
    for failure in document["failures"][:SHOWN_FAILURES]:
        why = failure["code"] or failure["category"]
        text = f"Session {failure['session']} failed ({why}): {failure['message']}"
        output.print(text, markup=False, soft_wrap=True)
    if document["failed_scorings"] or document["published"] == "no":
        text = "`orf-books retry transcripts` runs what failed and publishes what is not yet."
        output.print(text, markup=False)
    output.print("\nClasses", style="bold")
    output.print(f"  {document['page']}", markup=False, soft_wrap=True)


def show_genres(document: dict[str, Any]) -> None:
    """How well genres were found."""
    figures = {name: _figure(document[name]) for name in ("precision", "recall", "f1", "books")}
    figures["without result"] = str(len(document["without_result"]))
    figures["not enriched"] = str(len(document["not_enriched"]))
    output.print(table_of_values("Genres", figures))
    for heading, name in (
        ("Differences", "differences"),
        ("Dropped headings", "dropped_headings"),
        ("Without result", "without_result"),
        ("Not enriched: `orf-books run books` has not seen them", "not_enriched"),
    ):
        if document[name]:
            output.print(table_of_rows(heading, document[name]))


def show_readings(document: dict[str, Any]) -> None:
    """How well readings were rescored."""
    output.print(table_of_rows("Words misread", document["measures"]))
    output.print(table_of_rows("Per reading", document["readings"]))
    if document["not_rescored"]:
        output.print(table_of_values("Not rescored", {"activities": document["not_rescored"]}))


def show_skills(document: dict[str, Any]) -> None:
    """How well skills were detected."""
    detector, keywords = (
        {"all skills": document[way]["micro"]} | document[way]["by_skill"]
        for way in ("detected", "by_keywords")
    )
    skills = [
        {"skill": skill, "labels": found["labels"]}
        | {name: _figure(found[name]) for name in ("precision", "recall", "f1")}
        | {"f1 of keywords": _figure(keywords[skill]["f1"])}
        for skill, found in detector.items()
    ]
    output.print(table_of_rows("Skills", skills))
    texts = [
        {"share": shown}
        | {way: _figure(document[name][measure]) for way, name in _WAYS_TO_DETECT.items()}
        for measure, shown in (
            ("unlabelled_fired", "of texts without a label in which a skill was found"),
            ("paraphrase_recall", "of labels found where no cue says so"),
        )
    ]
    output.print(table_of_rows(f"{document['texts']} texts", texts))
    if document["differences"]:
        output.print(table_of_rows("Differences", document["differences"]))


def print_json(document: dict[str, Any]) -> None:
    """One document, for machines."""
    sys.stdout.write(json.dumps(document, indent=1, default=str) + "\n")


def table_of_batches(found: Sequence[Batch]) -> Table:
    """Batches, a line each; what came of them may take more."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("kind", "run", "started"):
        table.add_column(name, no_wrap=True)
    for name in ("items", "seconds"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("what came of it")
    for batch in found:
        table.add_row(
            batch.kind,
            batch.job_id[:SHORT_ID],
            f"{batch.started_at.astimezone():%Y-%m-%d %H:%M}",
            f"{batch.items - batch.failed}/{batch.items}" if batch.items else "",
            f"{batch.seconds:.1f}",
            escape("; ".join(_outcome(batch))),
        )
    return table


def _outcome(batch: Batch) -> Iterator[str]:
    yield batch.status
    if batch.errors:
        yield _shown(dict(batch.errors))
    if batch.is_published is False:
        yield "not published"
    if batch.classes:
        yield f"class {_shown(batch.classes)}"


def table_of_rows(title: str, rows: list[dict[str, Any]]) -> Table:
    """A table of alike documents, their names above it."""
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(cell)) for cell in row.values()))
    return table


def table_of_values(title: str, values: dict[str, Any]) -> Table:
    """A table of names and values, without those that have none."""
    table = Table("", "", title=title, title_justify="left", show_header=False)
    for name, value in values.items():
        if shown := _shown(value):
            table.add_row(_NAMES.get(name, name.replace("_", " ")), escape(shown))
    return table


def _shown(value: object) -> str:
    """A value of a document, for people."""
    match value:
        case None:
            return ""
        case float():
            return f"{value:.3g}" if value < 1 else f"{value:.2f}".rstrip("0").rstrip(".")
        case dict():
            return ", ".join(f"{name} {one}" for name, one in value.items())
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _figure(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
