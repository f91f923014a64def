"""What the books of a library add up to: every figure and every chart of its page.

Belongs here: counting, adding up, choosing the longest, the best and the first. Does not belong
here: which groups a book belongs to (`facets.py`), the words and drawings of the page
(`orf_books/pages`), the figures that `data/<library>.json` has always had (`library.py`).

A book is referred to by its place in the list of books. A *reading* is one time that a book was
finished: a book read in two years is one book and two readings.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Self

from orf_books.books.exports.cells import CURRENTLY_READING, READ, TO_READ
from orf_books.books.facets import (
    Difference,
    Facet,
    Groups,
    Mark,
    difference_in_stars,
    groups_of,
    readings_of,
    times_read,
)
from orf_books.books.library import DashboardBook, PageCategory
from orf_books.books.series import SeriesVolume, series_volume

_RATINGS = ("5", "4", "3", "2", "1")
_FIXED_GROUPS: Mapping[Facet, tuple[str, ...]] = {
    Facet.LENGTH: tuple(PageCategory),
    Facet.DIFFERENCE: tuple(Difference),
}
"""Groups that are listed in this order, also where no book belongs to them."""
_LONGEST_TIMELINE = 30
_MONTHS = 12
_YEAR, _DAY = len("2024"), len("2024-03-07")
_GENRES_OVER_TIME = 8
_NAMED_IN_REVIEW = 5
_EXTREMES = 5
_FEWEST_COMPARED = 3
"""Averages of fewer books say nothing about a genre."""


@dataclass(frozen=True, slots=True)
class GroupCount:
    """How many books belong to a group."""

    name: str
    books: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole library in figures."""

    books: int
    read: int
    readings: int
    undated: int
    """Read books without the date of any reading."""
    pages: int
    """Of the read books, each once."""
    hours: float
    """Of the read audiobooks, each once."""
    authors: int
    my_average: float | None


@dataclass(frozen=True, slots=True)
class YearFigures:
    """The readings of one year; pages and hours count again when a book is read again."""

    year: int
    readings: int
    pages: int
    hours: float
    months: tuple[int, ...]
    """Readings from January to December; those without a month are in none."""


@dataclass(frozen=True, slots=True)
class GenreOverTime:
    """The readings of a genre in each year of the timeline."""

    genre: str
    readings: tuple[int, ...]
    shares: tuple[float, ...]
    """Of the readings of the year whose genres are known, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The reader's ratings against everybody's, for books that have both."""

    name: str
    books: int
    mine: float
    everybodys: float


@dataclass(frozen=True, slots=True)
class YearInReview:
    """One year of reading. Books are places in the list of books."""

    year: int
    readings: int
    books: int
    pages: int
    hours: float
    mean_pages: float | None
    """Of the readings whose pages are known."""
    mean_rating: float | None
    months: tuple[int, ...]
    more_than_year_before: int | None
    """Readings more, or fewer, than in the year before; None in the first year."""
    read_again: int
    first: int | None
    last: int | None
    longest: int | None
    shortest: int | None
    best: tuple[int, ...]
    """Those that the reader rated highest, of many only the first by everybody's rating."""
    everybodys_best: int | None
    new_authors: tuple[str, ...]
    """Authors not read before. One with an undated reading may have been, and is left out."""
    genres: tuple[GroupCount, ...]
    formats: tuple[GroupCount, ...]


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """A book that was read more than once."""

    book: int
    times: int
    years: tuple[int, ...]
    """Of the readings that have a date, the earliest first."""


@dataclass(frozen=True, slots=True)
class Pile:
    """What waits to be read."""

    books: int
    pages: int
    without_pages: int
    read_in_last_year: int
    """Readings in the 365 days up to the latest one."""
    years_to_go: float | None
    """At the pace of that year."""
    longest_waiting: int | None


@dataclass(frozen=True, slots=True)
class SeriesProgress:
    """A series of which the library has at least two books."""

    name: str
    books: tuple[int, ...]
    """In the order of their volumes."""
    read: int
    missing: tuple[int, ...]
    """Volumes before the last one that the library does not have."""


@dataclass(frozen=True, slots=True)
class LibraryFigures:
    """Everything that the page of a library counts."""

    totals: Totals
    years: tuple[YearFigures, ...]
    """Every year from the first to the last reading."""
    groups_of_books: tuple[Groups, ...]
    """The groups that each book belongs to."""
    groups: Mapping[Facet, tuple[GroupCount, ...]]
    """All groups of each facet, the largest first, or in their own order where they have one."""
    taste: tuple[GenreOverTime, ...]
    comparison: Comparison | None
    comparison_by_genre: tuple[Comparison, ...]
    liked_more: tuple[int, ...]
    """The books that the reader rated furthest above everybody."""
    liked_less: tuple[int, ...]
    reviews: tuple[YearInReview, ...]
    """The latest year first; years without a reading are left out."""
    read_again: tuple[ReadAgain, ...]
    reading_now: tuple[int, ...]
    unfinished: tuple[int, ...]
    pile: Pile
    series: tuple[SeriesProgress, ...]
    """The largest first."""

    @classmethod
    def of(cls, books: Sequence[DashboardBook]) -> Self:
        """Work out the figures of these books; equal books give equal figures."""
        groups = tuple(map(groups_of, books))
        readings = _readings(books)
        years = _years(books, readings)
        return cls(
            totals=_totals(books),
            years=years,
            groups_of_books=groups,
            groups={facet: _counted(facet, groups) for facet in Facet},
            taste=_taste(groups, readings, [figures.year for figures in years]),
            comparison=_comparison("All books", _compared(books)),
            comparison_by_genre=_comparison_by_genre(books, groups),
            liked_more=_extremes(books, more=True),
            liked_less=_extremes(books, more=False),
            reviews=_reviews(books, groups, readings, years),
            read_again=_read_again(books, readings),
            reading_now=_by_title(books, lambda place: _is_on(books[place], CURRENTLY_READING)),
            unfinished=_by_title(books, lambda place: Mark.UNFINISHED in groups[place][Facet.MARK]),
            pile=_pile(books, readings),
            series=_series(books),
        )

    def books_in(self, facet: Facet, group: str) -> int:
        """How many books belong to a group; 0 also where there is no such group."""
        return next((known.books for known in self.groups[facet] if known.name == group), 0)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One time that a book was finished, where something is known of when."""

    book: int
    when: str
    """An ISO day, month or year."""
    is_again: bool

    @property
    def year(self) -> int:
        return int(self.when[:4])

    @property
    def month(self) -> int | None:
        return int(self.when[5:7]) if len(self.when) > _YEAR else None


def _readings(books: Sequence[DashboardBook]) -> list[_Reading]:
    """The earliest first."""
    readings = []
    for place, book in enumerate(books):
        dated = readings_of(book)
        # Before the first reading with a date there may have been some without.
        undated = times_read(book) - len(dated)
        readings += [
            _Reading(place, when, is_again=undated + earlier > 0)
            for earlier, when in enumerate(reversed(dated))
        ]
    return sorted(readings, key=lambda reading: reading.when)


def _by_year(readings: Iterable[_Reading]) -> dict[int, list[_Reading]]:
    per_year = defaultdict[int, list[_Reading]](list)
    for reading in readings:
        per_year[reading.year].append(reading)
    return per_year


def _is_on(book: DashboardBook, shelf: str) -> bool:
    return book.reading_status == shelf


def _by_title(books: Sequence[DashboardBook], fits: Callable[[int], bool]) -> tuple[int, ...]:
    places = filter(fits, range(len(books)))
    return tuple(sorted(places, key=lambda place: books[place].title.casefold()))


def _totals(books: Sequence[DashboardBook]) -> Totals:
    read = [book for book in books if _is_on(book, READ)]
    return Totals(
        books=len(books),
        read=len(read),
        readings=sum(map(times_read, read)),
        undated=sum(not readings_of(book) for book in read),
        pages=sum(book.num_pages or 0 for book in read),
        hours=round(sum(book.audio_hours or 0 for book in read), 1),
        authors=len({book.author for book in books}),
        my_average=_mean(book.my_rating for book in books),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    """Of the values that are known, with two decimals."""
    known = [value for value in values if value is not None]
    return round(fmean(known), 2) if known else None


def _counted(facet: Facet, groups: Sequence[Groups]) -> tuple[GroupCount, ...]:
    return _in_order(facet, _largest_first(name for book in groups for name in book[facet]))


def _largest_first(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda counted: (-counted[1], counted[0])))


def _in_order(facet: Facet, counts: Mapping[str, int]) -> tuple[GroupCount, ...]:
    if not counts:
        return ()
    if facet is Facet.RATING:
        order: Iterable[str] = sorted({*_RATINGS, *counts}, key=float, reverse=True)
    elif facet is Facet.DECADE:
        order = sorted(counts, key=_decade_order)
    else:
        order = _FIXED_GROUPS.get(facet, tuple(counts))
    return tuple(GroupCount(name, counts.get(name, 0)) for name in order)


def _decade_order(name: str) -> tuple[bool, bool, str]:
    """`Before 1800`, `19th century`, then decades."""
    return name[0].isdigit(), name.endswith("s"), name


def _years(books: Sequence[DashboardBook], readings: Sequence[_Reading]) -> tuple[YearFigures, ...]:
    """Every year from the first to the last, so that a year without books shows as a gap.

    One mistyped year must not stretch the chart over centuries: then only the years that have
    books are listed.
    """
    per_year = _by_year(readings)
    if not per_year:
        return ()
    years: Sequence[int] = range(min(per_year), max(per_year) + 1)
    if len(years) > _LONGEST_TIMELINE:
        years = sorted(per_year)
    return tuple(_year(year, per_year.get(year, ()), books) for year in years)


def _year(year: int, readings: Sequence[_Reading], books: Sequence[DashboardBook]) -> YearFigures:
    months = Counter(reading.month for reading in readings)
    return YearFigures(
        year=year,
        readings=len(readings),
        pages=sum(books[reading.book].num_pages or 0 for reading in readings),
        hours=round(sum(books[reading.book].audio_hours or 0 for reading in readings), 1),
        months=tuple(months[month] for month in range(1, _MONTHS + 1)),
    )


def _taste(
    groups: Sequence[Groups], readings: Sequence[_Reading], years: Sequence[int]
) -> tuple[GenreOverTime, ...]:
    """The genres that were read most, over the years."""
    known = [reading for reading in readings if groups[reading.book][Facet.GENRE]]
    per_year = Counter(reading.year for reading in known)
    counts = Counter(
        (genre, reading.year) for reading in known for genre in groups[reading.book][Facet.GENRE]
    )
    most = _largest_first(genre for reading in known for genre in groups[reading.book][Facet.GENRE])
    return tuple(
        GenreOverTime(
            genre,
            tuple(counts[genre, year] for year in years),
            tuple(counts[genre, year] / (per_year[year] or 1) for year in years),
        )
        for genre in list(most)[:_GENRES_OVER_TIME]
    )


def _compared(books: Iterable[DashboardBook]) -> list[tuple[float, float]]:
    """The reader's and everybody's rating of the books that have both."""
    return [
        (book.my_rating, book.average_rating)
        for book in books
        if book.my_rating is not None and book.average_rating
    ]


def _comparison(name: str, ratings: Sequence[tuple[float, float]]) -> Comparison | None:
    if not ratings:
        return None
    mine, everybodys = (round(fmean(of_one), 2) for of_one in zip(*ratings, strict=True))
    return Comparison(name, len(ratings), mine, everybodys)


def _comparison_by_genre(
    books: Sequence[DashboardBook], groups: Sequence[Groups]
) -> tuple[Comparison, ...]:
    """From the genre whose books the reader likes most, compared with everybody, to the least."""
    of_genre = defaultdict[str, list[DashboardBook]](list)
    for book, names in zip(books, groups, strict=True):
        for genre in names[Facet.GENRE]:
            of_genre[genre].append(book)
    compared = (_comparison(genre, _compared(some)) for genre, some in of_genre.items())
    enough = (genre for genre in compared if genre and genre.books >= _FEWEST_COMPARED)
    return tuple(sorted(enough, key=lambda genre: (genre.everybodys - genre.mine, genre.name)))


def _extremes(books: Sequence[DashboardBook], *, more: bool) -> tuple[int, ...]:
    """The books rated furthest above, or below, everybody's average."""
    sign = 1 if more else -1
    rated = [
        (-sign * difference, book.title.casefold(), place)
        for place, book in enumerate(books)
        if (difference := difference_in_stars(book)) is not None and sign * difference > 0
    ]
    return tuple(place for _, _, place in sorted(rated)[:_EXTREMES])


def _reviews(
    books: Sequence[DashboardBook],
    groups: Sequence[Groups],
    readings: Sequence[_Reading],
    years: Sequence[YearFigures],
) -> tuple[YearInReview, ...]:
    per_year = _by_year(readings)
    new_authors = _new_authors(books, readings)
    return tuple(
        _review(
            figures,
            per_year[figures.year],
            books,
            groups,
            len(per_year.get(figures.year - 1, ())) if figures is not years[0] else None,
            tuple(new_authors[figures.year]),
        )
        for figures in reversed(years)
        if figures.readings
    )


def _review(  # noqa: PLR0913, PLR0917 - what is known of a year
    figures: YearFigures,
    readings: Sequence[_Reading],
    books: Sequence[DashboardBook],
    groups: Sequence[Groups],
    year_before: int | None,
    new_authors: tuple[str, ...],
) -> YearInReview:
    places = list(dict.fromkeys(reading.book for reading in readings))
    dated = [reading.book for reading in readings if reading.month is not None]
    with_pages = [place for place in places if books[place].num_pages is not None]
    known = [place for place in places if books[place].average_rating]
    return YearInReview(
        year=figures.year,
        readings=figures.readings,
        books=len(places),
        pages=figures.pages,
        hours=figures.hours,
        mean_pages=_mean(books[reading.book].num_pages for reading in readings),
        mean_rating=_mean(books[reading.book].my_rating for reading in readings),
        months=figures.months,
        more_than_year_before=None if year_before is None else figures.readings - year_before,
        read_again=sum(reading.is_again for reading in readings),
        first=dated[0] if dated else None,
        last=dated[-1] if dated else None,
        longest=max(with_pages, key=lambda place: books[place].num_pages or 0, default=None),
        shortest=min(with_pages, key=lambda place: books[place].num_pages or 0, default=None),
        best=_rated_highest(books, places),
        everybodys_best=max(
            known, key=lambda place: books[place].average_rating or 0, default=None
        ),
        new_authors=new_authors,
        genres=_largest_groups(groups, readings, Facet.GENRE),
        formats=_largest_groups(groups, readings, Facet.FORMAT),
    )


def _rated_highest(books: Sequence[DashboardBook], places: Sequence[int]) -> tuple[int, ...]:
    """The books with the reader's highest rating, by everybody's rating."""
    highest = max((books[place].my_rating or 0 for place in places), default=0)
    best = [place for place in places if highest and books[place].my_rating == highest]
    best.sort(key=lambda place: -(books[place].average_rating or 0))
    return tuple(best[:_NAMED_IN_REVIEW])


def _largest_groups(
    groups: Sequence[Groups], readings: Sequence[_Reading], facet: Facet
) -> tuple[GroupCount, ...]:
    counts = _largest_first(name for reading in readings for name in groups[reading.book][facet])
    return tuple(GroupCount(*counted) for counted in list(counts.items())[:_NAMED_IN_REVIEW])


def _new_authors(
    books: Sequence[DashboardBook], readings: Sequence[_Reading]
) -> dict[int, list[str]]:
    """The authors of whom the first book was read in each year, in the order of reading."""
    known = {book.author for book in books if times_read(book) > len(readings_of(book))}
    new = defaultdict[int, list[str]](list)
    for reading in readings:
        author = books[reading.book].author
        if author not in known:
            known.add(author)
            new[reading.year].append(author)
    return new


def _read_again(
    books: Sequence[DashboardBook], readings: Sequence[_Reading]
) -> tuple[ReadAgain, ...]:
    years = defaultdict[int, list[int]](list)
    for reading in readings:
        years[reading.book].append(reading.year)
    again = [
        ReadAgain(place, times, tuple(years[place]))
        for place, book in enumerate(books)
        if (times := times_read(book)) > 1
    ]
    return tuple(sorted(again, key=lambda read: (-read.times, books[read.book].title.casefold())))


def _pile(books: Sequence[DashboardBook], readings: Sequence[_Reading]) -> Pile:
    waiting = [place for place, book in enumerate(books) if _is_on(book, TO_READ)]
    pages = [books[place].num_pages for place in waiting]
    dated = {place: day for place in waiting if (day := books[place].date_added)}
    days = [date.fromisoformat(one.when) for one in readings if len(one.when) == _DAY]
    pace = sum(day > days[-1] - timedelta(days=365) for day in days)
    return Pile(
        books=len(waiting),
        pages=sum(number or 0 for number in pages),
        without_pages=pages.count(None),
        read_in_last_year=pace,
        years_to_go=round(len(waiting) / pace, 1) if pace else None,
        longest_waiting=min(dated, key=dated.__getitem__, default=None),
    )


def _series(books: Sequence[DashboardBook]) -> tuple[SeriesProgress, ...]:
    members = defaultdict[str, list[tuple[SeriesVolume, int]]](list)
    for place, book in enumerate(books):
        if volume := series_volume(book.title):
            members[volume.series].append((volume, place))
    progress = [
        _progress(name, volumes, books) for name, volumes in members.items() if len(volumes) > 1
    ]
    return tuple(sorted(progress, key=lambda series: (-len(series.books), series.name)))


def _progress(
    name: str, volumes: Sequence[tuple[SeriesVolume, int]], books: Sequence[DashboardBook]
) -> SeriesProgress:
    numbers = {number for volume, _ in volumes for number in volume.whole_numbers}
    in_order = sorted(
        volumes, key=lambda held: (held[0].first is None, held[0].first or 0, held[1])
    )
    return SeriesProgress(
        name=name,
        books=tuple(place for _, place in in_order),
        read=sum(books[place].reading_status == READ for _, place in volumes),
        missing=tuple(
            number for number in range(1, max(numbers, default=0)) if number not in numbers
        ),
    )
