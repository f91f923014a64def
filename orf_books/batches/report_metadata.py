"""A batch as Dagster's page and the log of its run show it.

Belongs here: figures that the page can plot, a table of the last batches, lines about failures.
Does not belong here: what a batch is (`report.py`), when this is shown (`driver.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import dagster as dg

from orf_books.batches.batch import ItemFailure
from orf_books.batches.items import Metadata
from orf_books.batches.report import BatchReport
from orf_books.failures import FailureCategory

SHOWN_BATCHES = 10
SHOWN_ITEMS = 5
LAST_BATCHES = "last_batches"
_HEADER = ("| started | items | failed | seconds | why |", "|---|--:|--:|--:|---|")
_NOT_SHOWN = frozenset({"run_id", "job_id", "uploads", "started_at", "failed_by_category"})
"""Dagster knows the run and its time anyway."""


def metadata_of_report(report: BatchReport, earlier: Mapping[str, object]) -> Metadata:
    """A report as metadata of its asset.

    Every figure is a number of its own that is always there, zero or not: so the page plots each
    over the last batches.

    Args:
        report: of this batch.
        earlier: the metadata of the batch before, whose table is continued.
    """
    shown: Metadata = {LAST_BATCHES: dg.MetadataValue.md(_table(report, earlier))}
    for name, value in report.document().items():
        if name not in _NOT_SHOWN:
            shown |= _of_value(name, value)
    for category in FailureCategory:
        count = report.failed_by_category.get(category, 0)
        shown[f"failed: {category}"] = dg.MetadataValue.int(count)
    return shown


def lines_of_failures(failures: Iterable[ItemFailure]) -> list[str]:
    """A line for each reason for which items failed, the most frequent first.

    Args:
        failures: any number.
    """
    keys = defaultdict[tuple[str, str], list[str]](list)
    for failure in failures:
        keys[failure.category, failure.message].append(failure.key)
    lines = []
    for (category, why), failed in sorted(keys.items(), key=lambda one: -len(one[1])):
        more = f" and {len(failed) - SHOWN_ITEMS} more" if len(failed) > SHOWN_ITEMS else ""
        lines.append(f"{', '.join(failed[:SHOWN_ITEMS])}{more} ({category}): {why}")
    return lines


def _of_value(name: str, value: object) -> Metadata:
    match value:
        case Mapping() if all(isinstance(count, int) for count in value.values()):
            return {f"{name}: {of}": dg.MetadataValue.int(count) for of, count in value.items()}
        case int():
            return {name: dg.MetadataValue.int(value)}
        case float():
            return {name: dg.MetadataValue.float(value)}
        case str():
            return {name: dg.MetadataValue.text(value)}
        case list() | tuple():
            return {name: dg.MetadataValue.text("; ".join(map(str, value)))} if value else {}
        case _:
            return {}


def _table(report: BatchReport, earlier: Mapping[str, object]) -> str:
    before = getattr(earlier.get(LAST_BATCHES), "value", None)
    rows = str(before or "").splitlines()[len(_HEADER) :]
    return "\n".join([*_HEADER, _row(report), *rows[: SHOWN_BATCHES - 1]])


def _row(report: BatchReport) -> str:
    why = ", ".join(f"{category} {count}" for category, count in report.failed_by_category.items())
    started = f"{report.started_at:%d %b %H:%M}"
    return f"| {started} | {report.items} | {report.failed} | {report.seconds:.1f} | {why} |"
