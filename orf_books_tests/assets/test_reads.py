"""How often a run reads what is stored: each table a few times, each document once."""

import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from orf_books_tests.assets.transcripts.class_platform import MONDAY, platform_in
from orf_books_tests.conftest import Platform, export_of

TABLES = "orf_books.resources.tables"
DOCUMENTS = "orf_books.assets.transcripts"


def reads(caplog: pytest.LogCaptureFixture, logger: str) -> Counter[str]:
    """By table or document, how often it was read."""
    return Counter(
        record.getMessage().removeprefix("Reading ")
        for record in caplog.records
        if record.name.startswith(logger) and record.getMessage().startswith("Reading ")
    )


def test_a_second_library_reads_each_table_a_few_times(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    assert platform.ingest("ada", export_of(range(20))).success
    with caplog.at_level(logging.DEBUG, TABLES):
        assert platform.ingest("bob", export_of(range(20, 40))).success
    tables = reads(caplog, TABLES)
    assert tables.total() <= 18
    assert max(tables.values()) <= 4


@pytest.mark.slow
def test_a_new_day_of_a_class_reads_each_score_document_once(
    instance: dg.DagsterInstance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    platform = platform_in(tmp_path, instance)
    for day in range(4):
        platform.put(MONDAY + timedelta(days=day))
    assert platform.ingest().success
    key = platform.put(MONDAY + timedelta(days=4))
    with caplog.at_level(logging.DEBUG, "orf_books"):
        assert platform.ingest(key).success
    assert reads(caplog, TABLES).total() <= 24
    documents = reads(caplog, DOCUMENTS)
    assert len(documents) == 5
    assert set(documents.values()) == {1}
