"""The page of one reader's library.

Belongs here: what the page says, in which order and in which words. Does not belong here: the
figures themselves (`books/figures.py`, `books/library.py`), the data that the script reads
(`library_data.py`), storage.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from orf_books.books.facets import Facet, Mark, readings_of
from orf_books.books.figures import (
    Comparison,
    GroupCount,
    LibraryFigures,
    SeriesProgress,
    YearFigures,
    YearInReview,
)
from orf_books.books.genre_evidence import Evidence
from orf_books.books.library import (
    CellNote,
    DashboardBook,
    EnrichmentStatus,
    LibraryDashboard,
)
from orf_books.pages.library_data import Words, book_addresses, library_data
from orf_books.pages.parts import bar_length
from orf_books.pages.templating import MONTHS, counted, library_in_words, page_template

_SHELF_NAMES = {"read": "Read", "to-read": "To read", "currently-reading": "Reading"}
_STATUS_NAMES: Mapping[str, str] = {
    EnrichmentStatus.ENRICHED: "Found",
    EnrichmentStatus.FAILED: "Enrichment failed",
    EnrichmentStatus.NOT_FOUND: "Not found",
    EnrichmentStatus.PENDING: "Not enriched yet",
}
_MARK_NAMES: Mapping[str, str] = {
    Mark.READ_AGAIN: "Read again",
    Mark.UNFINISHED: "Not finished",
    Mark.REVIEW: "With a review",
    Mark.NOTE: "With a private note",
}
_EVIDENCE_NAMES: Mapping[Evidence, str] = {
    Evidence.SOURCE: "Open Library or Google Books",
    Evidence.EDITIONS: "another edition",
    Evidence.SHELVES: "my shelves",
    Evidence.SERIES: "the series",
    Evidence.AUTHOR: "other books of the author",
    Evidence.LAST_RESORT: "last resort",
}
_FRACTIONS = {0.25: "¼", 0.5: "½", 0.75: "¾"}
_SHADES = 5
_LARGEST = 10
"""Groups that a chart shows of a facet with very many."""
_ROWS_NAMED = 20
_SERIES_NAMED = 200


@dataclass(frozen=True, slots=True)
class GroupBar:
    """One bar of a chart: a group of books, and the filter that it stands for."""

    group: str
    label: str
    value: float
    length: float
    """As a percentage of the longest bar of its chart."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of bars."""

    name: str
    """What the script counts for it: a facet, or a measure of the years."""
    title: str
    bars: Sequence[GroupBar]
    unit: str
    hint: str = ""
    shows_largest: bool = False
    """Whether other groups take the place of these when books are filtered."""


@dataclass(frozen=True, slots=True)
class ShadedCell:
    """One cell of a chart with two dimensions; the shade goes from 0 to 5."""

    group: str
    label: str
    value: int
    shade: int


@dataclass(frozen=True, slots=True)
class ShadedRow:
    """One row of such a chart."""

    label: str
    cells: Sequence[ShadedCell]


@dataclass(frozen=True, slots=True)
class NamedBook:
    """A book where the page names one among others."""

    address: str
    title: str
    author: str


@dataclass(frozen=True, slots=True)
class PlainBook:
    """One line of the list for browsers without a script."""

    name: NamedBook
    shelf: str
    rating: float | None
    date_read: str
    details: str


@dataclass(frozen=True, slots=True)
class UnreadCells:
    """Cells of one column that were not understood for the same reason."""

    column: str
    reason: str
    count: int
    rows: str
    """Their row numbers; of many only the first."""


def render_library_page(dashboard: LibraryDashboard) -> str:
    """Make the page of a library: one HTML file that loads nothing but covers, where wanted."""
    books = dashboard.books
    figures = LibraryFigures.of(books)
    addresses = book_addresses(books)
    latest_first = _latest_first(books)
    names = [
        NamedBook(address, book.title, book.author)
        for address, book in zip(addresses, books, strict=True)
    ]
    data = library_data(
        books,
        addresses,
        figures.groups_of_books,
        latest_first,
        Words(_labels(figures), _EVIDENCE_NAMES),
    )
    return page_template("library.html.jinja").render(
        library_id=dashboard.metadata.validation.library_id,
        library_name=library_in_words(dashboard.metadata.validation.library_id),
        metadata=dashboard.metadata,
        validation=dashboard.metadata.validation,
        summary=dashboard.summary,
        figures=figures,
        reviews=figures.books_in(Facet.MARK, Mark.REVIEW),
        private_notes=figures.books_in(Facet.MARK, Mark.NOTE),
        time_charts=_time_charts(figures),
        months=_months(figures),
        month_names=MONTHS,
        ratings=_chart(figures, Facet.RATING, "My ratings", label=stars),
        differences=_chart(
            figures, Facet.DIFFERENCE, "Mine against everybody\N{RIGHT SINGLE QUOTATION MARK}s"
        ),
        genres=_largest(figures, Facet.GENRE, "Top genres"),
        taste=_taste(figures),
        charts=[chart for chart in _other_charts(figures) if chart.bars],
        filters=_filters(figures),
        names=names,
        failed=[
            (name, book)
            for name, book in zip(names, books, strict=True)
            if book.enrichment_status is EnrichmentStatus.FAILED
        ],
        series=figures.series[:_SERIES_NAMED],
        volumes=_volumes,
        rows=[_plain_book(books[place], names[place]) for place in latest_first],
        data=data,
        unread=_unread_cells(dashboard.metadata.validation.unread_cells),
        stars=stars,
        star_words=star_words,
        review_line=_review_line,
        comparison_words=comparison_words,
        genre_sources=[
            (_EVIDENCE_NAMES[counted.evidence], counted.count)
            for counted in dashboard.summary.genres_by_evidence
        ],
    )


def stars(rating: str | float) -> str:
    """A rating as stars, such as `★★★★½`; a fraction that has no sign is left out."""
    number = float(rating)
    return "★" * int(number) + _FRACTIONS.get(number % 1, "")


def star_words(rating: str | float) -> str:
    """A rating as a screen reader says it."""
    return f"{float(rating):g} of 5 stars"


def shelf_name(shelf: str) -> str:
    """An exclusive shelf as people say it; a reader's own shelf keeps its words."""
    return _SHELF_NAMES.get(shelf) or shelf.replace("-", " ").capitalize()


def comparison_words(comparison: Comparison) -> str:
    """How the reader rates, in a few words."""
    difference = round(comparison.mine - comparison.everybodys, 1)
    if not difference:
        return "as everybody"
    return f"{abs(difference):.1f} {'above' if difference > 0 else 'below'} everybody"


def pick(facet: Facet | str, group: str) -> str:
    """What the address of the page ends in when only this group is shown."""
    return f"{facet}/{quote(group, safe='')}"


def _time_charts(figures: LibraryFigures) -> Sequence[Chart]:
    years = figures.years
    charts = [
        Chart("years", "Books per year", _bars(years, lambda year: year.readings), "book"),
        Chart("pages", "Pages per year", _bars(years, lambda year: year.pages), "page"),
    ]
    if any(year.hours for year in years):
        charts.append(
            Chart("hours", "Hours listened", _bars(years, lambda year: year.hours), "hour")
        )
    return charts


def _bars(
    years: Sequence[YearFigures], value: Callable[[YearFigures], float]
) -> Sequence[GroupBar]:
    values = [value(year) for year in years]
    longest = max(values, default=0)
    return [
        GroupBar(f"{year.year:04d}", str(year.year), number, bar_length(number, longest))
        for year, number in zip(years, values, strict=True)
    ]


def _months(figures: LibraryFigures) -> Sequence[ShadedRow]:
    """The latest year first."""
    most = max((max(year.months) for year in figures.years), default=0)
    return [
        ShadedRow(
            str(year.year),
            [
                ShadedCell(
                    f"{year.year:04d}-{month + 1:02d}",
                    f"{MONTHS[month]} {year.year}",
                    number,
                    _shade(number, most),
                )
                for month, number in enumerate(year.months)
            ],
        )
        for year in reversed(figures.years)
    ]


def _taste(figures: LibraryFigures) -> Sequence[ShadedRow]:
    """Shaded by the share of the year, so that a year of many books does not outshine others."""
    most = max((max(genre.shares) for genre in figures.taste), default=0)
    return [
        ShadedRow(
            genre.genre,
            [
                ShadedCell(
                    f"{year.year:04d}",
                    f"{genre.genre} in {year.year}",
                    readings,
                    _shade(share, most),
                )
                for year, readings, share in zip(
                    figures.years, genre.readings, genre.shares, strict=True
                )
            ],
        )
        for genre in figures.taste
    ]


def _shade(value: float, most: float) -> int:
    """From 0 for nothing to 5 for the most; a little is never nothing."""
    return -int(-_SHADES * value // most) if most else 0


def _chart(
    figures: LibraryFigures,
    facet: Facet,
    title: str,
    *,
    label: Callable[[str], str] = str,
    hint: str = "",
) -> Chart:
    return Chart(facet, title, _group_bars(figures.groups[facet], label), "book", hint)


def _largest(
    figures: LibraryFigures, facet: Facet, title: str, *, label: Callable[[str], str] = str
) -> Chart:
    groups = figures.groups[facet]
    hint = f"The {_LARGEST} largest of {len(groups):,}." if len(groups) > _LARGEST else ""
    return Chart(
        facet, title, _group_bars(groups[:_LARGEST], label), "book", hint, shows_largest=True
    )


def _group_bars(groups: Sequence[GroupCount], label: Callable[[str], str]) -> Sequence[GroupBar]:
    longest = max((group.books for group in groups), default=0)
    return [
        GroupBar(group.name, label(group.name), group.books, bar_length(group.books, longest))
        for group in groups
    ]


def _other_charts(figures: LibraryFigures) -> Iterable[Chart]:
    yield _largest(figures, Facet.AUTHOR, "Authors")
    yield _largest(figures, Facet.SERIES, "Series")
    yield _largest(figures, Facet.SHELF, "Shelves", label=shelf_name)
    yield _largest(figures, Facet.OWN_SHELF, "My own shelves")
    yield _chart(figures, Facet.DECADE, "First published")
    yield _chart(figures, Facet.FORMAT, "Formats")
    yield _chart(figures, Facet.LENGTH, "Length in pages")
    yield _chart(figures, Facet.MARK, "Marked", label=_MARK_NAMES.__getitem__)


def _labels(figures: LibraryFigures) -> Mapping[Facet, Mapping[str, str]]:
    """What the script calls groups whose name is not what people say."""
    words: Mapping[Facet, Callable[[str], str]] = {
        Facet.SHELF: shelf_name,
        Facet.RATING: star_words,
        Facet.MARK: _MARK_NAMES.__getitem__,
        Facet.STATUS: _STATUS_NAMES.__getitem__,
    }
    return {
        facet: {group.name: label(group.name) for group in figures.groups[facet]}
        for facet, label in words.items()
    }


def _filters(figures: LibraryFigures) -> Sequence[tuple[str, Sequence[tuple[str, str, int]]]]:
    """The choices of the form: heading, and for each group the filter, its label and its books."""
    labels = _labels(figures)
    offered = {
        "Shelf": Facet.SHELF,
        "Genre": Facet.GENRE,
        "Marked": Facet.MARK,
        "Enrichment": Facet.STATUS,
    }
    return [
        (
            heading,
            [
                (
                    pick(facet, group.name),
                    labels.get(facet, {}).get(group.name, group.name),
                    group.books,
                )
                for group in figures.groups[facet]
            ],
        )
        for heading, facet in offered.items()
        if figures.groups[facet]
    ]


def _review_line(review: YearInReview) -> str:
    """The year in one line."""
    parts = [counted(review.readings, "book")]
    if review.pages:
        parts.append(counted(review.pages, "page"))
    if review.hours:
        parts.append(f"{review.hours:,.0f} hours")
    return ", ".join(parts)


def _volumes(series: SeriesProgress) -> str:
    """How far the reader is in a series, in a few words."""
    words = f"{series.read:,} of {counted(len(series.books), 'book')} read"
    if not series.missing:
        return words
    named = ", ".join(map(str, series.missing[:_ROWS_NAMED]))
    more = " and more" if len(series.missing) > _ROWS_NAMED else ""
    return f"{words}; not in this library: {named}{more}"


def _unread_cells(cells: Iterable[CellNote]) -> Sequence[UnreadCells]:
    """By column and reason, the most frequent first."""
    rows = defaultdict[tuple[str, str], list[int]](list)
    for cell in cells:
        rows[cell.column, cell.reason].append(cell.row_number)
    groups = [
        UnreadCells(column, reason, len(numbers), _row_numbers(numbers))
        for (column, reason), numbers in rows.items()
    ]
    return sorted(groups, key=lambda group: -group.count)


def _row_numbers(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:_ROWS_NAMED]))
    more = len(numbers) - _ROWS_NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _latest_first(books: Sequence[DashboardBook]) -> list[int]:
    """By date read, the latest first and the undated last; by title within a day."""
    by_title = sorted(range(len(books)), key=lambda place: books[place].title.casefold())
    return sorted(by_title, key=lambda place: _latest(books[place]), reverse=True)


def _plain_book(book: DashboardBook, name: NamedBook) -> PlainBook:
    return PlainBook(
        name,
        shelf_name(book.reading_status),
        book.my_rating,
        ", ".join(map(moment_in_words, readings_of(book))),
        _details(book),
    )


def _latest(book: DashboardBook) -> str:
    return next(iter(readings_of(book)), "")


def moment_in_words(when: str) -> str:
    """An ISO day, month or year as exactly as it is known, such as `7 Mar 2024` or `Mar 2024`."""
    year, month, day = (*when.split("-"), "", "")[:3]
    named = [str(int(day))] if day else []
    return " ".join([*named, *([MONTHS[int(month) - 1]] if month else []), str(int(year))])


def _details(book: DashboardBook) -> str:
    """Length, genres and why some of this is not known, for the list without a script."""
    parts = []
    if book.num_pages:
        parts.append(counted(book.num_pages, "page"))
    elif book.audio_hours:
        parts.append(f"{book.audio_hours:.1f} h")
    if book.genres:
        evidence = book.genre_evidence
        inferred = "" if evidence in {None, Evidence.SOURCE} else f" ({_EVIDENCE_NAMES[evidence]})"
        parts.append(", ".join(book.genres) + inferred)
    if book.enrichment_status is not EnrichmentStatus.ENRICHED:
        parts.append(_STATUS_NAMES[book.enrichment_status])
    return " · ".join(parts)
