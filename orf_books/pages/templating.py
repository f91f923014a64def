"""How any page is made from its template.

Belongs here: the settings under which templates are filled, how they say numbers and times, and
which addresses they may load. Does not belong here: what a page says.
"""

import base64
import hashlib
import re
from datetime import date, datetime
from functools import cache
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from orf_books.keys import text_of_key
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.skills import Skill

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THOUSAND = 1_000
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def page_template(name: str) -> Template:
    """A template in which everything is escaped and a missing value is an error."""
    return _environment().get_template(name)


def counted(number: int, unit: str) -> str:
    """A number of things, such as `1 book` or `1,200 books`."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def day_in_words(day: date) -> str:
    """A day such as `7 Mar 2024`, whatever the language of the machine."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def minute_in_words(moment: datetime) -> str:
    """A minute such as `7 Mar 2024, 18:05 UTC`."""
    return f"{day_in_words(moment)}, {moment:%H:%M %Z}".rstrip()


def year_in_words(year: int) -> str:
    """A year such as `1871` or `700 BC`; exports write years before our era as negative."""
    return str(year) if year >= 0 else f"{-year} BC"


def library_in_words(library: str) -> str:
    """The name of a library as its reader gave it; an upload in a browser gives none."""
    name = text_of_key(library)
    return "Unnamed library" if _UUID.fullmatch(name) else name


def measure_in_words(value: float | None, unit: str = "") -> str:
    """A measure with one decimal and its unit, or `unknown`."""
    return "unknown" if value is None else f"{value:.1f}{unit}"


def exact_measure(value: float | None) -> str:
    """A measure for programs, to four decimals; empty where it is unknown."""
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def change_in_words(change: float) -> str:
    """A change with one decimal and its sign, such as `+0.3`."""
    rounded = round(change, 1)
    return f"{rounded:+.1f}".replace("-", "\N{MINUS SIGN}") if rounded else "±0.0"


def share_in_words(share: float | None) -> str:
    """A share such as `91.2%`, or `unknown`."""
    return measure_in_words(None if share is None else 100 * share, "%")


def place_in_recording(milliseconds: int) -> str:
    """A time from the start of a recording, such as `1:02.4`."""
    minutes, tenths = divmod(round(milliseconds / 100), 600)
    return f"{minutes}:{tenths / 10:04.1f}"


def secure_address(url: str | None) -> str | None:
    """The URL if a page may load it: https, and nothing that browsers read differently."""
    return url if _scheme_and_host(url) == ("https", True) else None


def secure_or_relative_address(url: str | None) -> str | None:
    """The same, or a path that is relative to the page."""
    return url if _scheme_and_host(url) in {("https", True), ("", False)} else None


def _scheme_and_host(url: str | None) -> tuple[str, bool] | None:
    """The scheme, and whether a host follows; None for what browsers may read differently."""
    if not url or not url.isprintable() or any(mark in url for mark in ' "<>\\'):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme, bool(parts.hostname)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("orf_books.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["measured"] = lambda skill: is_measured(Skill(skill))
    environment.filters |= {
        "change": change_in_words,
        "content_hash": _content_hash,
        "counted": counted,
        "day": day_in_words,
        "exact": exact_measure,
        "library_name": library_in_words,
        "measure": measure_in_words,
        "minute": minute_in_words,
        "number": "{:,}".format,
        "path_segment": _path_segment,
        "place": place_in_recording,
        "share": share_in_words,
        "thousands": _thousands,
        "year": year_in_words,
    }
    return environment


def _content_hash(text: str) -> str:
    """Source expression by which a content security policy allows exactly this inline text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _path_segment(name: str) -> str:
    return quote(name, safe="")


def _thousands(value: int) -> str:
    """A number short enough to stand above a narrow column."""
    return str(value) if value < _THOUSAND else f"{value / _THOUSAND:,.0f}k"
