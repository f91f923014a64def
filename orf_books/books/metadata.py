"""What is asked about a book and what a source answers.

Belongs here: the question, the answer, and the rules that decide whether an answer is about the
book that was asked for. Does not belong here: how a service is asked, what genres are made of.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from orf_books.books.isbn import read_isbn10, read_isbn13, to_isbn10, to_isbn13


@dataclass(frozen=True, slots=True)
class BookQuery:
    """All that is known of a book before any source is asked; equal queries get equal answers."""

    key: str
    """The partition key."""
    goodreads_id: str | None
    title: str
    author: str
    isbn: str | None
    isbn13: str | None


class Match(StrEnum):
    """How an answer was tied to the question."""

    ISBN = "isbn"
    GOODREADS_ID = "goodreads_id"
    TITLE_AUTHOR = "title_author"


@dataclass(frozen=True, slots=True)
class BookRecord:
    """What one source says of one book."""

    source_id: str
    """The source's own identifier, such as `/works/OL45804W` or a Google volume id."""
    title: str
    subjects: tuple[str, ...]
    """Headings as the source gives them, untouched."""
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    match: Match
    confidence: float
    """1.0 for identifiers; for titles and authors, the similarity from 0 to 1."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """One source's answer about one book: a record, or the fact that it knows none.

    A source that could not answer raises instead: an outage is not an answer.
    """

    source: str
    asked: tuple[str, ...]
    """The questions put to the source, in order, such as `isbn:9780441013593`."""
    record: BookRecord | None
    note: str | None = None
    """Why a source was not asked, such as `no key`."""


ACCEPTED_SIMILARITY = 0.85
"""From here on a record found by title and author is taken for the book: high, because no genres
are better than those of another book."""


def isbn_forms(book: BookQuery) -> tuple[str, ...]:
    """Every ISBN of the book in both forms, ISBN-13s first; empty where it has no valid one."""
    longer = {form: None for form in (read_isbn13(book.isbn13 or ""),) if form}
    if shorter := read_isbn10(book.isbn or ""):
        longer[to_isbn13(shorter)] = None
    return (*longer, *filter(None, map(to_isbn10, longer)))


def has_isbn_of(book: BookQuery, isbns: Iterable[str]) -> bool:
    """Whether one of a record's ISBNs, in either form, is one of the book's."""
    wanted = set(isbn_forms(book))
    return any(isbn.replace("-", "").strip().upper() in wanted for isbn in isbns)


def title_author_similarity(
    book: BookQuery, title: str, authors: Sequence[str], subtitle: str = ""
) -> float:
    """How surely a record with this title and these authors is the book, from 0 to 1.

    Spelling, accents, articles, initials and a missing subtitle cost little. Another volume of
    the series, a set of books or a book about the book is 0, and so is another author.

    Args:
        book: the book that is asked for.
        title: the record's title, perhaps with a subtitle after a colon.
        authors: the record's authors; one of them must be the book's.
        subtitle: the record's subtitle, where it is kept apart from the title.
    """
    asked, other = _read_title(book.title), _read_title(title, subtitle)
    if asked.kinds != other.kinds or not _volumes_agree(asked, other):
        return 0.0
    by = max((_author_similarity(book.author, author) for author in authors), default=0.0)
    return round(by * _title_similarity(asked, other), 3) if by else 0.0


def main_title(title: str) -> str:
    """The title without series and subtitle, as services list it."""
    bare = _PARENTHESES.sub(" ", title)
    return " ".join((bare.partition(":")[0].strip() or bare).split())


def last_name(author: str) -> str:
    """What an author is listed under: services divide initials in too many ways to search them."""
    words = [word for word in author.split() if _folded(word).strip(".,") not in _NAME_SUFFIXES]
    return words[-1].strip(",") if words else ""


@dataclass(frozen=True, slots=True)
class _Title:
    main: tuple[str, ...]
    subtitle: tuple[str, ...]
    subtitle_is_apart: bool
    """Whether the subtitle was given as such, not as what follows a colon."""
    series: frozenset[str]
    volumes: frozenset[str]
    """Volumes that the title itself names: `Saga, Volume 2`."""
    series_volumes: frozenset[str]
    """Volumes in the parentheses after it: `(Mistborn, #1)`."""
    kinds: frozenset[str]
    """What makes it another kind of book: a set, a study guide."""


_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_SERIES_VOLUME = re.compile(r"#\s*(\d+(?:\.\d+)?)")
_BOX_SET = re.compile(r"#\s*1\s*[-\u2013]\s*\d\b")
_VOLUME = re.compile(
    r"[,:]?\s*\b(?:vol|volume|book|part|tome|band|bd)\b\.?\s*"
    r"(\d+(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|i{1,3}|iv|v|vi{1,3}|ix|x)\b"
    r"|#\s*(\d+(?:\.\d+)?)"
)
_WORDS_FOR_NUMBERS = (
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"),
)
_NUMBERS = {
    word: str(number) for words in _WORDS_FOR_NUMBERS for number, word in enumerate(words, start=1)
}
_KINDS = re.compile(
    r"\b(?:(?P<set>box(?:ed)? ?sets?|omnibus|collections?|trilogy|complete (?:series|works))"
    r"|(?P<about>summary|analysis|(?:study|reading|teacher'?s?|readers?|reader's|unofficial) guide"
    r"|guide to|sparknotes|cliff'?s ?notes|notes on|companion|workbook|trivia|conversation starters"
    r"|critical essays)"
    r"|(?P<adapted>graphic novel|manga|(?:colou?ring|activity) book|screenplay|abridged|adaptation)"
    r"|(?P<sample>sampler|preview|excerpts?))\b"
)
_SAYS_NOTHING = re.compile(
    r"(?:an? )?(?:novel(?:la)?|memoir|thriller|biography|romance|mystery|short stories|stories)"
    r"|.*\bedition"
)
_SMALL_WORDS = frozenset({"a", "an", "the", "and", "of"})
_NAME_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d"})

_SUBTITLE_MISSING = 0.92
_SURPLUS_AFTER_COLON = 0.8
"""Too little: `The Lord of the Rings` is not `The Lord of the Rings: The Two Towers`."""
_SERIES_IN_TITLE = 0.95
_INITIAL_ONLY = 0.97
_LAST_NAME_ONLY = 0.9
_SAME_WORD = 0.8
"""Similarity of letters from which two words are spellings of one."""


@lru_cache(maxsize=4096)
def _read_title(title: str, subtitle_apart: str = "") -> _Title:
    folded = _folded(f"{title}: {subtitle_apart}" if subtitle_apart else title)
    in_parentheses = " ".join(_PARENTHESES.findall(folded))
    bare = _PARENTHESES.sub(" ", folded)
    volumes = frozenset(map(_volume, _VOLUME.finditer(bare)))
    main, _, subtitle = _VOLUME.sub(" ", bare).partition(":")
    kinds = {match.lastgroup for match in _KINDS.finditer(folded)}
    if _BOX_SET.search(in_parentheses) and not volumes:
        kinds.add("set")
    return _Title(
        main=_words(main),
        subtitle=() if _SAYS_NOTHING.fullmatch(subtitle.strip()) else _words(subtitle),
        subtitle_is_apart=bool(subtitle_apart) and ":" not in title,
        series=frozenset(_words(_SERIES_VOLUME.sub(" ", in_parentheses))),
        volumes=volumes,
        series_volumes=frozenset(_SERIES_VOLUME.findall(in_parentheses)),
        kinds=frozenset(kind for kind in kinds if kind),
    )


def _volume(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    return _NUMBERS.get(number, number)


def _volumes_agree(asked: _Title, other: _Title) -> bool:
    if asked.volumes or other.volumes:
        return bool(
            (asked.volumes or asked.series_volumes) & (other.volumes or other.series_volumes)
        )
    if asked.series_volumes and other.series_volumes:
        return bool(asked.series_volumes & other.series_volumes)
    return True


def _title_similarity(asked: _Title, other: _Title) -> float:
    whole = _shared_words(asked.main + asked.subtitle, other.main + other.subtitle)
    without_series = _SERIES_IN_TITLE * _shared_words(
        _without(asked.series, asked), _without(asked.series, other)
    )
    return max(whole, without_series, _similarity_of_main_titles(asked, other))


def _similarity_of_main_titles(asked: _Title, other: _Title) -> float:
    main = _shared_words(asked.main, other.main)
    if asked.subtitle and other.subtitle:
        return main * (0.6 + 0.4 * _shared_words(asked.subtitle, other.subtitle))
    if not asked.subtitle and not other.subtitle:
        return main
    # `Star Wars: Thrawn`: what stands before the colon is the series, the rest is the title.
    if asked.subtitle and set(asked.main) <= asked.series:
        return 0.0
    is_surplus = bool(other.subtitle) and not other.subtitle_is_apart
    return main * (_SURPLUS_AFTER_COLON if is_surplus else _SUBTITLE_MISSING)


def _without(series: frozenset[str], title: _Title) -> tuple[str, ...]:
    return tuple(word for word in title.main + title.subtitle if word not in series)


def _shared_words(some: tuple[str, ...], others: tuple[str, ...]) -> float:
    """Words in common as a share of all words, two spellings of a word counting in part."""
    if not some or not others:
        return 0.0
    if some == others:
        return 1.0
    left = list(others)
    shared, matched = 0.0, 0
    for word in some:
        closest = max(left, key=lambda candidate: _same_word(word, candidate), default=None)
        if closest is not None and (likeness := _same_word(word, closest)) >= _SAME_WORD:
            left.remove(closest)
            shared += likeness
            matched += 1
    return shared / (len(some) + len(others) - matched)


def _same_word(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if any(letter.isdigit() for letter in one + other):
        return 0.0
    letters = SequenceMatcher(None, one, other, autojunk=False)
    return letters.ratio() if letters.real_quick_ratio() >= _SAME_WORD else 0.0


def _author_similarity(asked: str, other: str) -> float:
    some, others = _name(asked), _name(other)
    if not some or not others:
        return 0.0
    if sorted(some) == sorted(others):
        return 1.0
    if _same_word(some[-1], others[-1]) < _SAME_WORD:
        return 0.0
    if len(some) == 1 or len(others) == 1:
        return _LAST_NAME_ONLY
    return _first_name_similarity(some[0], others[0])


def _first_name_similarity(one: str, other: str) -> float:
    if len(one) == 1 or len(other) == 1:
        return _INITIAL_ONLY if one[0] == other[0] else 0.0
    return 1.0 if _same_word(one, other) >= _SAME_WORD else 0.0


@lru_cache(maxsize=4096)
def _name(author: str) -> tuple[str, ...]:
    """The words of a name in the order it is spoken, initials apart: `j r r tolkien`."""
    last, comma, first = _folded(author).partition(",")
    spoken = f"{first} {last}" if comma and first.strip(" .") not in _NAME_SUFFIXES else last
    words = re.findall(r"\w+", spoken.replace("'", ""))
    return tuple(word for word in words if word not in _NAME_SUFFIXES)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(re.findall(r"\w+", text.replace("'", "")))
    return tuple(word for word in words if word not in _SMALL_WORDS) or words


def _folded(text: str) -> str:
    """Lower case, without accents, with plain apostrophes."""
    apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
