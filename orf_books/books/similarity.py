"""How alike two books are by title and author.

Belongs here: what titles are made of, and how surely two of them mean one book. Does not belong
here: names of authors (`author_names.py`), identifiers, questions and answers (`metadata.py`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from orf_books.books.author_names import author_similarity
from orf_books.books.metadata import BookQuery
from orf_books.books.words import SAME_WORD, folded, same_word

ACCEPTED_SIMILARITY = 0.85
"""From this similarity on, a record found by title and author is accepted as the book. It is high
because no genres are better than those of another book: in steps of 0.05 it is the lowest at which
at most three of a hundred are another book. `python -m benchmarks.matching` measures others."""


def title_author_similarity(
    book: BookQuery,
    title: str,
    authors: Sequence[str],
    subtitle: str = "",
    editions: Iterable[str] = (),
) -> float:
    """How surely a record with this title and these authors is the book, from 0 to 1.

    Differences in spelling, accents, articles, initials, and a missing subtitle lower it little.
    Another volume of the series, a set of books, a book about the book, or another author is 0. A
    book under another title, such as a translation, is recognised by the title of an edition.

    Args:
        book: the book that is asked for.
        title: the record's title, perhaps with a subtitle after a colon.
        authors: the record's authors, under all their names; one of them must be the book's.
        subtitle: the record's subtitle, where it is kept apart from the title.
        editions: titles of the record's editions.
    """
    by = max((author_similarity(book.author, author) for author in authors), default=0.0)
    if not by:
        return 0.0
    likeness = _likeness(book.title, title, subtitle)
    if likeness < ACCEPTED_SIMILARITY and _may_be_one_book(book.title, title, subtitle):
        of_editions = max((_likeness(book.title, edition) for edition in editions), default=0.0)
        if of_editions >= _SUBTITLE_MISSING:
            likeness = max(likeness, _OF_AN_EDITION * of_editions)
    return round(by * likeness, 3)


def main_title(title: str) -> str:
    """The title without series, volume and subtitle, as services list it."""
    plain = _divided(_in_one_script(title))[-1]
    bare = _VOLUME.sub(" ", _PARENTHESES.sub(" ", plain))
    main = _SUBTITLE.split(bare, maxsplit=1)[0].strip(" ,.-\u2013\u2014")
    return " ".join((main or bare).split())


def volume_words(title: str) -> tuple[str, ...]:
    """The volume that a title names, in the ways in which records write it: `1`, `one`."""
    numbers = [_volume(match) for match in _VOLUME.finditer(_PARENTHESES.sub(" ", folded(title)))]
    if not numbers:
        return ()
    words = [word for words in _WORDS_FOR_NUMBERS for word in words if _NUMBERS[word] == numbers[0]]
    return (numbers[0], *words)


@dataclass(frozen=True, slots=True)
class _Title:
    main: tuple[str, ...]
    subtitle: tuple[str, ...]
    subtitle_is_apart: bool
    """Whether the subtitle is surely one; what follows a colon may be the title of a volume."""
    is_described: bool
    """Whether the subtitle says what kind of book it is."""
    series: frozenset[str]
    volumes: frozenset[str]
    """Volumes that the title itself names: `Saga, Volume 2`."""
    series_volumes: frozenset[str]
    """Volumes in the parentheses after it: `(Mistborn, #1)`."""
    kinds: frozenset[str]
    """What makes it another kind of book: a set, a study guide."""
    is_set_by_number: bool
    """Whether it is only called a set because of `#1-3` behind it."""
    span: frozenset[str]
    """First and last volume of a set: `Books 1-7`."""
    hint_in_main: bool
    """Whether the title has words of books about books, as `Understanding Genetics` has too."""
    hint_in_subtitle: bool


_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_OTHER_TITLE = re.compile(r"\s*[,;]\s+or,?(?=\s)", re.IGNORECASE)
"""What a second title follows: `Walden; or, Life in the Woods`."""
_SUBTITLE = re.compile(rf"\s*:|{_OTHER_TITLE.pattern}", re.IGNORECASE)
_SERIES_VOLUME = re.compile(r"#\s*(\d+(?:\.\d+)?)")
_ONE_OF_SERIES = re.compile(r"\([^()]*#\s*[\d.]++(?!\s*[-\u2013])[^()]*\)")
"""`(The Night Trilogy, #1)` makes a book no trilogy."""
_BOX_SET = re.compile(r"#\s*1\s*[-\u2013]\s*\d\b")
_VOLUME_OF_ANOTHER_SERIES = re.compile(r";[^;()]*#\s*\d+\s*[;)]")
"""`(Shift, #1-3; Silo, #2)` is one volume, which appeared in parts."""
_SPAN = re.compile(r"(?:#|\b(?:books?|vols?\.?|volumes?))\s*(\d+)\s*[-\u2013]\s*(\d+)")
_LOOSE_SUBTITLE = re.compile(r"(?<=\w{4})\.\s+(?=\w)")
_DASH_BEFORE_SUBTITLE = re.compile(r"\s+[-\u2013\u2014]\s+")
_OTHER_SCRIPTS = re.compile(r"[^\W\d_A-Za-z\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff]+")
_LATIN_WORD = re.compile(r"[A-Za-z]{3}")
_VOLUME = re.compile(
    r"[,:]?\s*\b(?:vol|volume|book|part|tome|band|bd)\b\.?\s*"
    r"(\d+(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|i{1,3}|iv|v|vi{1,3}|ix|x)\b"
    r"|#\s*(\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_WORDS_FOR_NUMBERS = (
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"),
)
_NUMBERS = {
    word: str(number) for words in _WORDS_FOR_NUMBERS for number, word in enumerate(words, start=1)
}
_KINDS = re.compile(
    r"\b(?:(?P<set>box(?:ed)? ?sets?|omnibus|bundle|collections?(?! of\b)|trilogy"
    r"|complete (?:series|works)|\d+[- ]books?"
    r"|and other (?:stories|tales|writings|essays|poems|plays))"
    r"|(?P<about>summary|analysis|(?:study|reading|teacher'?s?|readers?|reader's|unofficial) guide"
    r"|sparknotes|cliff'?s ?notes|workbook|trivia|conversation starters"
    r"|critical essays|key takeaways|guided journal)"
    r"|(?P<adapted>graphic (?:novel|history|biography|memoir)|manga|(?:colou?ring|activity) book"
    r"|screenplay|abridged|adaptation|young readers'?)"
    r"|(?P<sample>sampler|preview|excerpts?))\b"
)
_HINTS_AT_ABOUT = re.compile(r"\b(?:guide to|notes on|companion|understanding)\b")
"""Words of books about books that other books have too."""
_SET_ONLY = re.compile(rf"\bseries\b|{_SPAN.pattern}")
"""What titles of sets have beside the name of the series."""
_PRINTING = re.compile(r"\b(?:illustrated|unabridged)\b")
_SAYS_NOTHING = re.compile(
    r"(?:an? )?(?:novel(?:la)?|memoir|thriller|biography|romance|mystery|short stories|stories)"
    r"|.*\bedition|the \d{4} text"
)
_DESCRIBES = re.compile(
    r"(?:an?|the) (?:\w+ )?(?:novel|memoir|story|tale|study|history|biography|account|romance)\b"
)
"""How subtitles begin that say what the book is; others may be the title, behind a series."""
_EDITION = re.compile(r"\bedition\s*$")
_SMALL_WORDS = frozenset({"a", "an", "the", "and", "of"})
_SUBTITLE_MISSING = 0.92
_OF_AN_EDITION = 0.95
_NAME_OF_A_SERIES = 2
"""Words from which a set may be called what its series is called."""
_SHORT_SUBTITLE = 2
"""So few words behind a volume of a series may be what tells it from the others."""
_SERIES_BEFORE_COLON = 0.9
_SURPLUS_AFTER_COLON = 0.8
"""Too little: `The Lord of the Rings` is not `The Lord of the Rings: The Two Towers`."""
_SERIES_IN_TITLE = 0.95
_OTHER_SUBTITLE = 0.6
_OTHER_LONG_SUBTITLE = 0.86
_LONG_SUBTITLE = 3
"""Publishers reword a subtitle of so many words; a shorter one may be what tells volumes apart."""
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


def _likeness(asked: str, title: str, subtitle: str = "") -> float:
    """How alike two titles are, wherever their subtitles begin."""
    return max(
        _title_similarity(*_numbered_alike(_read_title(one), _read_title(other, subtitle)))
        for one in _divided(asked)
        for other in _divided(title)
    )


def _may_be_one_book(asked: str, title: str, subtitle: str) -> bool:
    """Whether nothing in the titles says that they are different books of one author."""
    one, other = _numbered_alike(_read_title(asked), _read_title(title, subtitle))
    return _kinds_agree(one, other) and _volumes_agree(one, other)


def _divided(title: str) -> tuple[str, ...]:
    """The title, and with colons where a full stop or a dash may stand before the subtitle."""
    by_stop = _LOOSE_SUBTITLE.sub(": ", title)
    return tuple(dict.fromkeys((title, by_stop, _DASH_BEFORE_SUBTITLE.sub(": ", by_stop))))


def _in_one_script(title: str) -> str:
    """Without the words in another script beside those in Latin letters."""
    return _OTHER_SCRIPTS.sub(" ", title) if _LATIN_WORD.search(title) else title


@lru_cache(maxsize=16384)
def _read_title(title: str, subtitle_apart: str = "") -> _Title:
    whole = f"{title}: {subtitle_apart}" if subtitle_apart else title
    plain = _in_one_script(folded(whole))
    in_parentheses = " ".join(_PARENTHESES.findall(plain))
    bare = _PARENTHESES.sub(" ", plain)
    volumes = frozenset(map(_volume, _VOLUME.finditer(bare)))
    kinds = {match.lastgroup for match in _KINDS.finditer(_ONE_OF_SERIES.sub(" ", plain))}
    has_span = bool(_BOX_SET.search(in_parentheses)) and not volumes
    is_set_by_number = (
        has_span and "set" not in kinds and not _VOLUME_OF_ANOTHER_SERIES.search(in_parentheses)
    )
    if is_set_by_number:
        kinds.add("set")
    span = _SPAN.search(plain) if "set" in kinds else None
    main, subtitle = _main_and_subtitle(bare, is_set="set" in kinds)
    is_described = bool(_DESCRIBES.match(subtitle) or _OTHER_TITLE.search(bare))
    return _Title(
        main=_words(main),
        subtitle=() if _SAYS_NOTHING.fullmatch(subtitle.strip()) else _words(subtitle),
        subtitle_is_apart=bool(subtitle_apart and not _SUBTITLE.search(title)) or is_described,
        is_described=is_described,
        series=frozenset(_words(_SERIES_VOLUME.sub(" ", in_parentheses))),
        volumes=volumes,
        series_volumes=frozenset(map(_volume, _VOLUME.finditer(in_parentheses))),
        kinds=frozenset(kind for kind in kinds if kind),
        is_set_by_number=is_set_by_number,
        span=frozenset(span.groups()) if span else frozenset(),
        hint_in_main=bool(_HINTS_AT_ABOUT.search(main)),
        hint_in_subtitle=bool(_HINTS_AT_ABOUT.search(subtitle)),
    )


def _main_and_subtitle(bare: str, *, is_set: bool) -> tuple[str, str]:
    """Without volumes, and without the words that make it a set: both are compared apart."""
    without_span = _SET_ONLY.sub(" ", bare) if is_set else bare
    without_volumes = _PRINTING.sub(" ", _VOLUME.sub(" ", without_span))
    without_kind = _KINDS.sub(_blank_for_set, without_volumes).strip(" :")
    main, *subtitles = _SUBTITLE.split(without_kind or without_volumes, maxsplit=1)
    return _EDITION.sub("", main), subtitles[0].strip() if subtitles else ""


def _blank_for_set(match: re.Match[str]) -> str:
    return " " if match.lastgroup == "set" else match[0]


def _numbered_alike(asked: _Title, other: _Title) -> tuple[_Title, _Title]:
    """Both titles, with a number at the end as the volume where the other names its volume."""
    return (
        _with_final_number(asked) if other.volumes and not asked.volumes else asked,
        _with_final_number(other) if asked.volumes and not other.volumes else other,
    )


def _with_final_number(title: _Title) -> _Title:
    """`Death Note 1` as `Death Note, Vol. 1`."""
    *rest, last = title.main or ("",)
    if not rest or not last.isdecimal():
        return title
    return replace(title, main=tuple(rest), volumes=frozenset({last}))


def _kinds_agree(asked: _Title, other: _Title) -> bool:
    if asked.kinds != other.kinds and not _is_set_named_as_series(asked, other):
        return False
    if asked.span and other.span and asked.span != other.span:
        return False
    if asked.hint_in_main != other.hint_in_main:
        return False
    return (
        not other.hint_in_subtitle
        or asked.hint_in_subtitle
        or set(other.subtitle).isdisjoint(asked.main)
    )


def _is_set_named_as_series(asked: _Title, other: _Title) -> bool:
    """`His Dark Materials (His Dark Materials, #1-3)` and `His Dark Materials`.

    Not `Dune (Dune, #1-6)` and `Dune`: the first volume is called so too.
    """
    is_own_name = len(asked.main) >= _NAME_OF_A_SERIES or not set(asked.main) <= asked.series
    return (
        asked.is_set_by_number
        and asked.kinds - other.kinds == {"set"}
        and is_own_name
        and not other.subtitle
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
    if not _kinds_agree(asked, other) or not _volumes_agree(asked, other):
        return 0.0
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
    if asked.volumes & other.volumes:
        return main * _SUBTITLE_MISSING
    # `Star Wars: Thrawn`: what stands before the colon is the series, the rest is the title.
    if asked.subtitle and set(asked.main) <= asked.series:
        return 0.0
    if _is_behind_series(asked, other) or _is_behind_series(other, asked):
        return _SERIES_BEFORE_COLON
    may_be_volume = bool(asked.series) and len(other.subtitle) <= _SHORT_SUBTITLE
    is_subtitle = other.is_described or (other.subtitle_is_apart and not may_be_volume)
    is_surplus = bool(other.subtitle) and not is_subtitle
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
        closest = max(left, key=lambda candidate: same_word(word, candidate), default=None)
        if closest is not None and (likeness := same_word(word, closest)) >= SAME_WORD:
            left.remove(closest)
            shared += likeness
            matched += 1
    return shared / (len(some) + len(others) - matched)


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
