"""What the books of a library add up to: every figure and every chart of its page.

Belongs here: counting, adding up, choosing the longest, the best and the first. Does not belong
here: which groups a book belongs to (`facets.py`), the words and drawings of the page
(`orf_books/pages`), the figures that `data/<library>.json` has always had (`library.py`).

A book is referred to by its place in the list of books. A *reading* is one time that a book was
finished: a book read in two years is one book and two readings.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import polars as pl

from orf_books.books.exports.cells import CURRENTLY_READING, READ, TO_READ
from orf_books.books.facets import (
    Difference,
    Facet,
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
_WITH_MONTH = len("2024-03")
_WITH_DAY = len("2024-03-07")
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
        frames = _Frames.of(books)
        years = _years(frames)
        return cls(
            totals=_totals(frames.books),
            years=years,
            groups=_groups(frames.groups),
            taste=_taste(frames, [figures.year for figures in years]),
            comparison=_comparison(frames.books),
            comparison_by_genre=_comparison_by_genre(frames),
            liked_more=_extremes(frames.books, more=True),
            liked_less=_extremes(frames.books, more=False),
            reviews=_reviews(frames),
            read_again=_read_again(frames),
            reading_now=tuple(
                frames.books.filter(pl.col("shelf") == CURRENTLY_READING).sort("title")["book"]
            ),
            unfinished=tuple(
                frames.books.join(
                    frames.groups.filter(
                        (pl.col("facet") == Facet.MARK) & (pl.col("name") == Mark.UNFINISHED)
                    ),
                    on="book",
                    how="semi",
                ).sort("title")["book"]
            ),
            pile=_pile(frames),
            series=_series(books),
        )

    def books_in(self, facet: Facet, group: str) -> int:
        """How many books belong to a group; 0 also where there is no such group."""
        return next((known.books for known in self.groups[facet] if known.name == group), 0)


@dataclass(frozen=True, slots=True)
class _Frames:
    """The books as tables. All of them refer to a book by its place in the list."""

    books: pl.DataFrame
    """One row for each book."""
    groups: pl.DataFrame
    """One row for each group that a book belongs to."""
    readings: pl.DataFrame
    """One row for each reading that has a date, the earliest first, with what `books` says."""

    @classmethod
    def of(cls, books: Sequence[DashboardBook]) -> Self:
        places = range(len(books))
        readings = [readings_of(book) for book in books]
        groups = [
            (place, facet, name)
            for place in places
            for facet, names in groups_of(books[place]).items()
            for name in names
        ]
        table = pl.DataFrame(
            {
                "book": places,
                "shelf": [book.reading_status for book in books],
                "title": [book.title.casefold() for book in books],
                "author": [book.author for book in books],
                "mine": [book.my_rating for book in books],
                "everybodys": [book.average_rating or None for book in books],
                "difference": [difference_in_stars(book) for book in books],
                "pages": [book.num_pages for book in books],
                "hours": [book.audio_hours for book in books],
                "added": [book.date_added for book in books],
                "times": [times_read(book) for book in books],
                "dated": [len(of_book) for of_book in readings],
            },
            schema={
                "book": pl.Int64,
                "shelf": pl.String,
                "title": pl.String,
                "author": pl.String,
                "mine": pl.Float64,
                "everybodys": pl.Float64,
                "difference": pl.Float64,
                "pages": pl.Int64,
                "hours": pl.Float64,
                "added": pl.Date,
                "times": pl.Int64,
                "dated": pl.Int64,
            },
            strict=False,
        )
        dated = pl.DataFrame(
            [(place, when) for place in places for when in readings[place]],
            schema={"book": pl.Int64, "when": pl.String},
            orient="row",
        )
        return cls(
            books=table,
            groups=pl.DataFrame(
                groups,
                schema={"book": pl.Int64, "facet": pl.String, "name": pl.String},
                orient="row",
            ),
            readings=dated.join(table, on="book", how="left", maintain_order="left")
            .sort("when", maintain_order=True)
            .with_columns(
                year=pl.col("when").str.slice(0, 4).cast(pl.Int64),
                month=pl.when(_has_month()).then(pl.col("when").str.slice(5, 2).cast(pl.Int64)),
                # Before the first reading with a date there may have been some without.
                again=pl.col("book").cum_count().over("book") + pl.col("times") - pl.col("dated")
                > 1,
            ),
        )

    def readings_by(self, facet: Facet) -> pl.DataFrame:
        """One row for each reading and each group of its book."""
        of_facet = self.groups.filter(pl.col("facet") == facet).select("book", "name")
        return self.readings.join(of_facet, on="book", maintain_order="left")


def _has_month() -> pl.Expr:
    return pl.col("when").str.len_chars() >= _WITH_MONTH


def _totals(books: pl.DataFrame) -> Totals:
    read = books.filter(pl.col("shelf") == READ)
    return Totals(
        books=books.height,
        read=read.height,
        readings=int(read["times"].sum()),
        undated=int((read["dated"] == 0).sum()),
        pages=int(read["pages"].sum()),
        hours=round(float(read["hours"].sum()), 1),
        authors=books["author"].n_unique(),
        my_average=_rounded(books.select(pl.mean("mine")).item()),
    )


def _groups(groups: pl.DataFrame) -> Mapping[Facet, tuple[GroupCount, ...]]:
    counts: dict[Facet, dict[str, int]] = {facet: {} for facet in Facet}
    counted = groups.group_by("facet", "name").len()
    for facet, name, number in counted.sort(["len", "name"], descending=[True, False]).iter_rows():
        counts[Facet(facet)][name] = number
    return {facet: _in_order(facet, of_facet) for facet, of_facet in counts.items()}


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


def _years(frames: _Frames) -> tuple[YearFigures, ...]:
    """Every year from the first to the last, so that a year without books shows as a gap.

    One mistyped year must not stretch the chart over centuries: then only the years that have
    books are listed.
    """
    per_year = {
        year: YearFigures(year, number, pages, round(hours, 1), tuple(months))
        for year, number, pages, hours, *months in frames.readings.group_by("year")
        .agg(
            pl.len(),
            pl.col("pages").sum(),
            pl.col("hours").sum(),
            *(
                (pl.col("month") == month).sum().alias(f"month {month}")
                for month in range(1, _MONTHS + 1)
            ),
        )
        .iter_rows()
    }
    if not per_year:
        return ()
    years = range(min(per_year), max(per_year) + 1)
    if len(years) > _LONGEST_TIMELINE:
        return tuple(per_year[year] for year in sorted(per_year))
    nothing = (0,) * _MONTHS
    return tuple(per_year.get(year, YearFigures(year, 0, 0, 0.0, nothing)) for year in years)


def _taste(frames: _Frames, years: Sequence[int]) -> tuple[GenreOverTime, ...]:
    """The genres that were read most, over the years."""
    by_genre = frames.readings_by(Facet.GENRE)
    known = dict(by_genre.unique(["book", "when"]).group_by("year").len().iter_rows())
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for genre, year, number in by_genre.group_by("name", "year").len().iter_rows():
        counts[genre][year] = number
    most = sorted(counts, key=lambda genre: (-sum(counts[genre].values()), genre))
    return tuple(
        GenreOverTime(
            genre,
            tuple(counts[genre].get(year, 0) for year in years),
            tuple(counts[genre].get(year, 0) / known.get(year, 1) for year in years),
        )
        for genre in most[:_GENRES_OVER_TIME]
    )


def _compared(books: pl.DataFrame) -> pl.DataFrame:
    return books.drop_nulls("difference")


def _comparison(books: pl.DataFrame) -> Comparison | None:
    compared = _compared(books)
    if compared.is_empty():
        return None
    mine, everybodys = compared.select(pl.mean("mine"), pl.mean("everybodys")).row(0)
    return Comparison("All books", compared.height, round(mine, 2), round(everybodys, 2))


def _comparison_by_genre(frames: _Frames) -> tuple[Comparison, ...]:
    """From the genre whose books the reader likes most, compared with everybody, to the least."""
    genres = (
        _compared(frames.books)
        .join(frames.groups.filter(pl.col("facet") == Facet.GENRE), on="book")
        .group_by("name")
        .agg(pl.len(), pl.mean("mine"), pl.mean("everybodys"))
        .filter(pl.col("len") >= _FEWEST_COMPARED)
        .sort([pl.col("everybodys") - pl.col("mine"), pl.col("name")])
    )
    return tuple(
        Comparison(genre, number, round(mine, 2), round(everybodys, 2))
        for genre, number, mine, everybodys in genres.iter_rows()
    )


def _extremes(books: pl.DataFrame, *, more: bool) -> tuple[int, ...]:
    """The books rated furthest above, or below, everybody's average."""
    difference = pl.col("difference")
    rated = books.filter(difference > 0 if more else difference < 0)
    ranked = rated.sort(["difference", "title"], descending=[more, False])
    return tuple(ranked["book"].head(_EXTREMES))


def _reviews(frames: _Frames) -> tuple[YearInReview, ...]:
    readings = frames.readings
    genres = _largest_groups(frames, Facet.GENRE)
    formats = _largest_groups(frames, Facet.FORMAT)
    new_authors = _new_authors(frames)
    months = {figures.year: figures.months for figures in _years(frames)}
    number_of = dict(readings.group_by("year").len().iter_rows())
    first_year = min(number_of, default=0)
    per_year = readings.group_by("year").agg(
        books=pl.col("book").n_unique(),
        pages=pl.col("pages").sum(),
        hours=pl.col("hours").sum(),
        mean_pages=pl.col("pages").mean(),
        mean_rating=pl.col("mine").mean(),
        read_again=pl.col("again").sum(),
        first=pl.col("book").filter(_has_month()).first(),
        last=pl.col("book").filter(_has_month()).last(),
        longest=_book_with_most("pages"),
        shortest=_book_with_most("pages", least=True),
        best=_rated_highest(),
        everybodys_best=_book_with_most("everybodys"),
    )
    return tuple(
        YearInReview(
            year=row["year"],
            readings=number_of[row["year"]],
            books=row["books"],
            pages=row["pages"],
            hours=round(row["hours"], 1),
            mean_pages=_rounded(row["mean_pages"]),
            mean_rating=_rounded(row["mean_rating"]),
            months=months[row["year"]],
            more_than_year_before=None
            if row["year"] == first_year
            else number_of[row["year"]] - number_of.get(row["year"] - 1, 0),
            read_again=row["read_again"],
            first=row["first"],
            last=row["last"],
            longest=row["longest"],
            shortest=row["shortest"],
            best=tuple(row["best"]),
            everybodys_best=row["everybodys_best"],
            new_authors=new_authors.get(row["year"], ()),
            genres=genres.get(row["year"], ()),
            formats=formats.get(row["year"], ()),
        )
        for row in per_year.sort("year", descending=True).iter_rows(named=True)
    )


def _rated_highest() -> pl.Expr:
    """The books of the group with the reader's highest rating, by everybody's rating."""
    is_best = pl.col("mine") == pl.col("mine").max()
    return (
        pl.col("book")
        .filter(is_best)
        .sort_by(
            pl.col("everybodys").filter(is_best),
            descending=True,
            nulls_last=True,
            maintain_order=True,
        )
        .unique(maintain_order=True)
        .head(_NAMED_IN_REVIEW)
    )


def _book_with_most(column: str, *, least: bool = False) -> pl.Expr:
    """The first of the group with the highest, or lowest, value that is known."""
    known = pl.col(column).is_not_null()
    by = pl.col(column).filter(known)
    return (
        pl.col("book").filter(known).sort_by(by, descending=not least, maintain_order=True).first()
    )


def _largest_groups(frames: _Frames, facet: Facet) -> dict[int, tuple[GroupCount, ...]]:
    """The groups with most readings of each year."""
    counts = (
        frames.readings_by(facet)
        .group_by("year", "name")
        .len()
        .sort(["len", "name"], descending=[True, False])
        .group_by("year", maintain_order=True)
        .head(_NAMED_IN_REVIEW)
    )
    largest: dict[int, tuple[GroupCount, ...]] = {}
    for year, name, number in counts.iter_rows():
        largest[year] = (*largest.get(year, ()), GroupCount(name, number))
    return largest


def _new_authors(frames: _Frames) -> dict[int, tuple[str, ...]]:
    """The authors of whom the first book was read in each year, in the order of reading."""
    unsure = frames.books.filter(pl.col("times") > pl.col("dated"))
    first = (
        frames.readings.join(unsure, on="author", how="anti", maintain_order="left")
        .unique("author", keep="first", maintain_order=True)
        .group_by("year")
        .agg("author")
    )
    return {year: tuple(authors) for year, authors in first.iter_rows()}


def _read_again(frames: _Frames) -> tuple[ReadAgain, ...]:
    years = dict(frames.readings.group_by("book").agg("year").iter_rows())
    again = frames.books.filter(pl.col("times") > 1)
    return tuple(
        ReadAgain(book, times, tuple(years.get(book, ())))
        for book, times in again.sort(["times", "title"], descending=[True, False])
        .select("book", "times")
        .iter_rows()
    )


def _pile(frames: _Frames) -> Pile:
    waiting = frames.books.filter(pl.col("shelf") == TO_READ)
    longest = waiting.drop_nulls("added").sort("added", maintain_order=True)["book"]
    has_day = pl.col("when").str.len_chars() == _WITH_DAY
    days = frames.readings.filter(has_day).select(pl.col("when").str.to_date())
    year_before = pl.col("when").max() - pl.duration(days=365)
    pace = days.filter(pl.col("when") > year_before).height
    return Pile(
        books=waiting.height,
        pages=int(waiting["pages"].sum()),
        without_pages=waiting["pages"].null_count(),
        read_in_last_year=pace,
        years_to_go=round(waiting.height / pace, 1) if pace else None,
        longest_waiting=next(iter(longest), None),
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


def _rounded(mean: float | None) -> float | None:
    return None if mean is None else round(mean, 2)
