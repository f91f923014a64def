"""Who read, and when, from the record of an activity."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.reader import Reader, read_reader
from orf_books_tests.activities.counted_readings import ADA


def reader(**fields: object) -> Reader:
    return read_reader(json.dumps({"activityId": "a-1", **fields}).encode())


def test_a_record_names_its_student_by_a_uuid_and_the_moment() -> None:
    found = reader(studentId=ADA.upper(), recordedAt="2026-01-15T09:30:00+01:00")
    moment = datetime(2026, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert found == Reader(ADA, moment)


def test_a_moment_without_a_zone_is_utc() -> None:
    assert reader(recordedAt="2026-01-15T09:30:00").read_at == datetime(
        2026, 1, 15, 9, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("name", ["Anna Smith", "17", 17, None, [ADA], ADA[:-1], ""])
def test_what_might_be_a_name_is_nobody(name: object) -> None:
    assert reader(studentId=name) == Reader()


VALUES = st.none() | st.integers() | st.text(alphabet="0123456789-:TZ+. aé")


@given(st.fixed_dictionaries({"studentId": VALUES, "recordedAt": VALUES}))
def test_no_field_can_break_it(fields: dict[str, object]) -> None:
    found = reader(**fields)
    assert found.student_id is None
    assert found.read_at is None or found.read_at.tzinfo is not None
