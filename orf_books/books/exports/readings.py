"""When a book was read, each time.

Belongs here: the dates of several readings of one book, from one row or from many. Does not belong
here: how a date is written (`dates.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from orf_books.books.exports.dates import PartialDate
from orf_books.books.exports.entries import LibraryEntry


def earlier_readings(ends: Iterable[PartialDate], last: PartialDate | None) -> tuple[str, ...]:
    """All readings but the last one, as ISO texts, the earliest first."""
    return _without_last(map(str, ends), str(last) if last else None)


def merge_readings(stays: LibraryEntry, copies: Sequence[LibraryEntry]) -> LibraryEntry:
    """The entry with the readings of all rows of its book."""
    known = {reading for copy in copies for reading in (*copy.earlier_readings, _last(copy))}
    earlier = _without_last(known - {None}, _last(stays))
    times = max(len(earlier) + 1 if earlier else 0, *(copy.read_count for copy in copies))
    if (earlier, times) == (stays.earlier_readings, stays.read_count):
        return stays
    return replace(stays, earlier_readings=earlier, read_count=times)


def _last(entry: LibraryEntry) -> str | None:
    if entry.reading_year is None:
        return None
    day = entry.date_read.day if entry.date_read else None
    return str(PartialDate(entry.reading_year, entry.reading_month, day))


def _without_last(readings: Iterable[str | None], last: str | None) -> tuple[str, ...]:
    """Each reading once: `2019` is the same as `2019-02-01` where both are given."""
    texts = sorted({reading for reading in readings if reading})
    whole = [a for a in texts if not any(b != a and b.startswith(a) for b in (*texts, last or ""))]
    if last is None:
        return tuple(whole)
    return tuple(reading for reading in whole if not last.startswith(reading))
