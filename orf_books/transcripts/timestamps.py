"""When something is said: times as meeting tools, captions and spreadsheets write them.

Belongs here: reading one time. Does not belong here: where times stand in a file
(`openings.py`, `cue_format.py`, `columns.py`).
"""

import re

TIME = (
    r"(?:\d{1,3}:\d{2}(?::\d{2})?|\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d{1,6}|:\d{2,3})?"
    r"(?:\s?[aApP]\.?[mM]\b\.?)?"
)
"""A time with colons, as a regular expression without groups."""

_CLOCK = re.compile(
    r"(?:(?P<hours>\d{1,3}):)?(?P<minutes>\d{1,3}):(?P<seconds>\d{1,2})(?:[.,]\d{1,9}|:\d{2,3})?"
    r"(?:\s?(?P<half>[ap])\.?m\.?)?",
    re.ASCII | re.IGNORECASE,
)
_SHORT_CLOCK = re.compile(
    r"(?P<hours>\d{1,2})(?::(?P<minutes>\d{2}))?\s?(?P<half>[ap])\.?m\.?", re.ASCII | re.IGNORECASE
)
_UNITS = re.compile(
    r"(?:(?P<hours>\d{1,2})\s?h(?:ours?|rs?)?)?\s?(?:(?P<minutes>\d{1,3})\s?m(?:in(?:ute)?s?)?)?\s?"
    r"(?:(?P<seconds>\d{1,6}(?:\.\d{1,9})?)\s?s(?:ec(?:ond)?s?)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = re.compile(r"\d{1,6}(?:[.,]\d{1,17})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]+|\d{1,2}/\d{1,2}/\d{2,4},?\s+", re.ASCII)
_ISO_DURATION = re.compile(r"PT(?=[\d.]+[HMS])", re.ASCII)
_ZONE = re.compile(r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$", re.ASCII)
_RANGE = re.compile(r"\s*(?:-->|\u2013|\u2014|\s-\s|(?<=\d)-(?=\d)|,(?=\d+:))")
_AROUND = " \t[](){}<>*_"
_DAY = 24 * 3600


def read_timestamp(written: str) -> str | None:
    """A time as HH:MM:SS, fractions cut off; None where it is none.

    `0:05` is five seconds, `0:05 PM` an hour of the day, a bare number seconds. Of a range, its
    start counts.
    """
    text = _DATE.sub("", written.strip(_AROUND), count=1)
    text = _ZONE.sub("", _RANGE.split(text, maxsplit=1)[0]).strip(_AROUND)
    text = _ISO_DURATION.sub("", text, count=1)
    seconds = _seconds_of(text)
    if seconds is None or not 0 <= seconds < _DAY:
        return None
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _seconds_of(text: str) -> int | None:
    if found := _SHORT_CLOCK.fullmatch(text):
        return _of_clock(found["hours"], found["minutes"], None, found["half"])
    if found := _CLOCK.fullmatch(text):
        return _of_clock(found["hours"], found["minutes"], found["seconds"], found["half"])
    if _SECONDS.fullmatch(text):
        return int(float(text.replace(",", ".")))
    if text and (found := _UNITS.fullmatch(text)):
        hours, minutes, seconds = (float(found[unit] or 0) for unit in found.re.groupindex)
        return int(hours * 3600 + minutes * 60 + seconds)
    return None


def _of_clock(
    hours: str | None, minutes: str | None, seconds: str | None, half: str | None
) -> int | None:
    of_day, past, rest = int(hours or 0), int(minutes or 0), int(seconds or 0)
    most_minutes = 59 if hours is not None else 999
    if past > most_minutes or rest > 59:  # noqa: PLR2004 - minutes and seconds
        return None
    if half:
        if not 1 <= of_day <= 12:  # noqa: PLR2004 - hours of half a day
            return None
        of_day = of_day % 12 + (12 if half.lower() == "p" else 0)
    return of_day * 3600 + past * 60 + rest
