"""How alike two books are by title and author.

Belongs here: what titles and names are made of, and how surely two of them mean one book. Does not
belong here: identifiers, questions and answers (`metadata.py`).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from orf_books.books.metadata import BookQuery

ACCEPTED_SIMILARITY = 0.85
"""From here on a record found by title and author is taken for the book: high, because no genres
are better than those of another book. In steps of 0.05 it is the lowest with which at most three of
a hundred are another book; `python -m benchmarks.matching` shows what other values come to."""


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
    return " ".join((_SUBTITLE.split(bare, maxsplit=1)[0].strip() or bare).split())


def last_name(author: str) -> str:
    """What an author is listed under: services divide initials in too many ways to search them."""
    words = [word for word in author.split() if _folded(word).strip(".,") not in _NAME_SUFFIXES]
    return words[-1].strip(",") if words else ""


@dataclass(frozen=True, slots=True)
class _Title:
    main: tuple[str, ...]
    subtitle: tuple[str, ...]
    subtitle_is_apart: bool
    """Whether the subtitle is surely one; what follows a colon may be the title of a volume."""
    series: frozenset[str]
    volumes: frozenset[str]
    """Volumes that the title itself names: `Saga, Volume 2`."""
    series_volumes: frozenset[str]
    """Volumes in the parentheses after it: `(Mistborn, #1)`."""
    kinds: frozenset[str]
    """What makes it another kind of book: a set, a study guide."""


_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_OTHER_TITLE = re.compile(r"\s*[,;]\s+or,?(?=\s)", re.IGNORECASE)
"""What a second title follows: `Walden; or, Life in the Woods`."""
_SUBTITLE = re.compile(rf"\s*:|{_OTHER_TITLE.pattern}", re.IGNORECASE)
_SERIES_VOLUME = re.compile(r"#\s*(\d+(?:\.\d+)?)")
_ONE_OF_SERIES = re.compile(r"\([^()]*#\s*[\d.]++(?!\s*[-\u2013])[^()]*\)")
"""`(The Night Trilogy, #1)` makes a book no trilogy."""
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
    r"\b(?:(?P<set>box(?:ed)? ?sets?|omnibus|bundle|collections?|trilogy|complete (?:series|works)"
    r"|\d+[- ]books?|and other (?:stories|tales|writings|essays|poems|plays))"
    r"|(?P<about>summary|analysis|(?:study|reading|teacher'?s?|readers?|reader's|unofficial) guide"
    r"|guide to|sparknotes|cliff'?s ?notes|notes on|companion|workbook|trivia|conversation starters"
    r"|critical essays|key takeaways|understanding|guided journal)"
    r"|(?P<adapted>graphic (?:novel|history|biography|memoir)|manga|(?:colou?ring|activity) book"
    r"|screenplay|abridged|adaptation|young readers'?)"
    r"|(?P<sample>sampler|preview|excerpts?))\b"
)
_SAYS_NOTHING = re.compile(
    r"(?:an? )?(?:novel(?:la)?|memoir|thriller|biography|romance|mystery|short stories|stories)"
    r"|.*\bedition"
)
_DESCRIBES = re.compile(
    r"(?:an?|the) (?:\w+ )?(?:novel|memoir|story|tale|study|history|biography|account|romance)\b"
)
"""How subtitles begin that say what the book is; others may be the title, behind a series."""
_EDITION = re.compile(r"\bedition\s*$")
_SMALL_WORDS = frozenset({"a", "an", "the", "and", "of"})
_NAME_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d"})
_FORMS_OF_ADDRESS = frozenset({"sir", "dame", "dr", "prof", "professor", "mr", "mrs", "rev"})
_MASTER = re.compile(r"[ -](?:tzu|tze|tse)\b")
"""`Sun Tzu` and `Lao Tse` are Sunzi and Laozi today."""
_NOBODY = {("unknown",), ("anonymous",), ("various",)}
"""Whom Goodreads names where a book has no author."""
_LETTERS_WITHOUT_ACCENT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)
"""Letters that are not composed of a plain one and an accent."""

_SUBTITLE_MISSING = 0.92
_SERIES_BEFORE_COLON = 0.9
_SURPLUS_AFTER_COLON = 0.8
"""Too little: `The Lord of the Rings` is not `The Lord of the Rings: The Two Towers`."""
_SERIES_IN_TITLE = 0.95
_OTHER_SUBTITLE = 0.6
_OTHER_LONG_SUBTITLE = 0.86
_LONG_SUBTITLE = 3
"""Publishers reword a subtitle of so many words; a shorter one may be what tells volumes apart."""
_INITIAL_ONLY = 0.97
_SHORT_FORM = 0.95
_NAME_LEFT_OUT = 0.95
_LAST_NAME_ONLY = 0.9
_NO_AUTHOR = 0.9
_SAME_WORD = 0.85
"""Similarity of letters from which two words are spellings of one."""
_FORMS_OF_FIRST_NAMES = (
    {"leo", "lev", "lew", "leon"},
    {"andy", "andrew", "andrei", "andrey"},
    {"bill", "will", "william"},
    {"bob", "rob", "robert"},
    {"jim", "james"},
    {"tom", "thomas"},
    {"mike", "michael"},
    {"steve", "stephen", "steven"},
    {"dan", "daniel"},
    {"dave", "david"},
    {"chris", "christopher"},
    {"alex", "alexander", "alexandre"},
    {"nick", "nicholas"},
    {"joe", "joseph"},
    {"kate", "katherine", "catherine"},
    {"liz", "elizabeth"},
)

_UNITS, _TENS, _HALF_OF_YEAR = range(1, 10), range(20, 100, 10), range(11, 100)
_NUMBER_WORDS = {
    word: number
    for words, numbers in (
        ("one two three four five six seven eight nine", _UNITS),
        ("ten eleven twelve thirteen fourteen fifteen sixteen", range(10, 17)),
        ("seventeen eighteen nineteen", range(17, 20)),
        ("twenty thirty forty fifty sixty seventy eighty ninety", _TENS),
    )
    for word, number in zip(words.split(), numbers, strict=True)
}
_POWERS = {"hundred": 100, "thousand": 1000}


@lru_cache(maxsize=4096)
def _read_title(title: str, subtitle_apart: str = "") -> _Title:
    folded = _folded(f"{title}: {subtitle_apart}" if subtitle_apart else title)
    in_parentheses = " ".join(_PARENTHESES.findall(folded))
    bare = _PARENTHESES.sub(" ", folded)
    volumes = frozenset(map(_volume, _VOLUME.finditer(bare)))
    main, subtitle = _main_and_subtitle(bare)
    kinds = {match.lastgroup for match in _KINDS.finditer(_ONE_OF_SERIES.sub(" ", folded))}
    if _BOX_SET.search(in_parentheses) and not volumes:
        kinds.add("set")
    return _Title(
        main=_words(main),
        subtitle=() if _SAYS_NOTHING.fullmatch(subtitle.strip()) else _words(subtitle),
        subtitle_is_apart=bool(subtitle_apart and not _SUBTITLE.search(title))
        or bool(_DESCRIBES.match(subtitle) or _OTHER_TITLE.search(bare)),
        series=frozenset(_words(_SERIES_VOLUME.sub(" ", in_parentheses))),
        volumes=volumes,
        series_volumes=frozenset(map(_volume, _VOLUME.finditer(in_parentheses))),
        kinds=frozenset(kind for kind in kinds if kind),
    )


def _main_and_subtitle(bare: str) -> tuple[str, str]:
    """Without volumes, and without the words that make it a set: both are compared apart."""
    without_volumes = _VOLUME.sub(" ", bare)
    without_kind = _KINDS.sub(_blank_for_set, without_volumes).strip(" :")
    main, *subtitles = _SUBTITLE.split(without_kind or without_volumes, maxsplit=1)
    return _EDITION.sub("", main), subtitles[0].strip() if subtitles else ""


def _blank_for_set(match: re.Match[str]) -> str:
    return " " if match.lastgroup == "set" else match[0]


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
        return main * _similarity_of_subtitles(asked, other)
    if not asked.subtitle and not other.subtitle:
        return main
    # `Star Wars: Thrawn`: what stands before the colon is the series, the rest is the title.
    if asked.subtitle and set(asked.main) <= asked.series:
        return 0.0
    if _is_behind_series(asked, other) or _is_behind_series(other, asked):
        return _SERIES_BEFORE_COLON
    is_surplus = bool(other.subtitle) and not other.subtitle_is_apart
    return main * (_SURPLUS_AFTER_COLON if is_surplus else _SUBTITLE_MISSING)


def _similarity_of_subtitles(asked: _Title, other: _Title) -> float:
    shorter, longer = sorted((len(asked.subtitle), len(other.subtitle)))
    # Goodreads names the series of its volumes, so what names none has no other volumes.
    is_reworded = not asked.series and shorter >= _LONG_SUBTITLE and longer > _LONG_SUBTITLE
    least = _OTHER_LONG_SUBTITLE if is_reworded else _OTHER_SUBTITLE
    return least + (1 - least) * _shared_words(asked.subtitle, other.subtitle)


def _is_behind_series(longer: _Title, shorter: _Title) -> bool:
    """`In Search of Lost Time: Swann's Way` and `Swann's Way`."""
    return not longer.subtitle_is_apart and longer.subtitle == shorter.main


def _without(series: frozenset[str], title: _Title) -> tuple[str, ...]:
    return tuple(word for word in title.main + title.subtitle if word not in series)


def _shared_words(some: tuple[str, ...], others: tuple[str, ...]) -> float:
    """Words in common as a share of all words, two spellings of a word counting in part."""
    if not some or not others:
        return 0.0
    if "".join(some) == "".join(others):  # `mocking bird`, `mockingbird`
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
    if some in _NOBODY:
        return _NO_AUTHOR
    return _name_similarity(some, others)


def _name_similarity(some: tuple[str, ...], others: tuple[str, ...]) -> float:
    is_same_last_name = _same_word(some[-1], others[-1]) >= _SAME_WORD
    shorter, longer = sorted((some, others), key=len)
    if len(shorter) == 1:  # `Dante`, `Dante Alighieri`
        is_same = is_same_last_name or shorter[0] in longer
        return _LAST_NAME_ONLY if is_same else 0.0
    if is_same_last_name:
        return _first_name_similarity(some[0], others[0])
    # `Miguel de Cervantes`, `Miguel de Cervantes Saavedra`
    is_beginning = len(shorter[0]) > 1 and longer[: len(shorter)] == shorter
    return _NAME_LEFT_OUT if is_beginning else 0.0


def _first_name_similarity(one: str, other: str) -> float:
    if len(one) == 1 or len(other) == 1:
        return _INITIAL_ONLY if one[0] == other[0] else 0.0
    if any({one, other} <= forms for forms in _FORMS_OF_FIRST_NAMES):
        return _SHORT_FORM
    return 1.0 if _same_word(one, other) >= _SAME_WORD else 0.0


@lru_cache(maxsize=4096)
def _name(author: str) -> tuple[str, ...]:
    """The words of a name in the order it is spoken, initials apart: `j r r tolkien`."""
    last, comma, first = _folded(author).partition(",")
    spoken = f"{first} {last}" if comma and first.strip(" .") not in _NAME_SUFFIXES else last
    words = re.findall(r"\w+", _MASTER.sub("zi", spoken.replace("'", "")))
    return tuple(word for word in words if word not in _NAME_SUFFIXES | _FORMS_OF_ADDRESS)


def _words(text: str) -> tuple[str, ...]:
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.replace("'", ""))
    words = _numbers_in_digits(re.findall(r"\w+", plain))
    return tuple(word for word in words if word not in _SMALL_WORDS) or words


def _numbers_in_digits(words: Iterable[str]) -> tuple[str, ...]:
    """Number words as digits: `nineteen eighty four` is `1984`, `twenty thousand` is `20000`."""
    read: list[str] = []
    number: int | None = None
    for word in words:
        following = _number_with(number, word)
        if number is not None and following is None:
            read.append(str(number))
            following = _NUMBER_WORDS.get(word)
        if following is None:
            read.append(word)
        number = following
    return tuple(read if number is None else [*read, str(number)])


def _number_with(number: int | None, word: str) -> int | None:
    """The number so far with one word more; None where the word does not go on with it."""
    if number is None:
        return _NUMBER_WORDS.get(word)
    if power := _POWERS.get(word):
        return number * power
    following = _NUMBER_WORDS.get(word, 0)
    if number % 100 in _TENS and following in _UNITS:
        return number + following
    is_year = number in _HALF_OF_YEAR and following >= min(_HALF_OF_YEAR)
    return number * 100 + following if is_year else None


def _folded(text: str) -> str:
    """Lower case, without accents, with plain apostrophes."""
    apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return plain.translate(_LETTERS_WITHOUT_ACCENT)
