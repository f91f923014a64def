"""A batch as the page and the log show it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from orf_books.batches.batch import ItemFailure
from orf_books.batches.report import COMPLETE_WITH_FAILURES, BatchReport
from orf_books.batches.report_metadata import lines_of_failures, metadata_of_report
from orf_books.failures import FailureCategory

REPORT = BatchReport(
    run_id="3f6c",
    status=COMPLETE_WITH_FAILURES,
    uploads=("uploads/ana/raw.csv",),
    items=60,
    succeeded=57,
    failed=3,
    reused=0,
    failed_by_category={"unavailable": 3},
    success_rate=95.0,
    started_at=datetime(2026, 11, 16, 8, 15, tzinfo=UTC),
    seconds=4.2,
    notes=("Google Books was not asked.",),
)


def failure(number: int, message: str = "Open Library is down.") -> ItemFailure:
    return ItemFailure(f"b{number}", FailureCategory.UNAVAILABLE, message)


def test_each_figure_and_each_category_is_a_number_that_the_page_can_plot() -> None:
    shown = metadata_of_report(REPORT, {})
    numbers = (dg.IntMetadataValue, dg.FloatMetadataValue)
    for name in ("items", "succeeded", "failed", "seconds", "success_rate"):
        assert isinstance(shown[name], numbers)
    by_category = {name: one.value for name, one in shown.items() if name.startswith("failed: ")}
    assert by_category == {
        f"failed: {category}": 3 if category == "unavailable" else 0 for category in FailureCategory
    }


def test_a_table_has_the_last_ten_batches_the_latest_first() -> None:
    later = REPORT.started_at + timedelta(hours=1)
    well = replace(REPORT, started_at=later, succeeded=60, failed=0, failed_by_category={})
    shown = metadata_of_report(REPORT, {})
    for _ in range(12):
        shown = metadata_of_report(well, shown)
    before_last = metadata_of_report(REPORT, shown)
    _, _, first, second, *rest = str(before_last["last_batches"].value).splitlines()
    assert first == "| 16 Nov 08:15 | 60 | 3 | 4.2 | unavailable 3 |"
    assert second == "| 16 Nov 09:15 | 60 | 0 | 4.2 |  |"
    assert rest == [second] * 8


def test_equal_failures_are_one_line() -> None:
    lines = lines_of_failures([failure(0, "No such book."), *map(failure, range(1, 501))])
    assert lines == [
        "b1, b2, b3, b4, b5 and 495 more (unavailable): Open Library is down.",
        "b0 (unavailable): No such book.",
    ]
