"""From subject headings to genres that people recognise.

Belongs here: cleaning headings and mapping them, by rules and data. Does not belong here: where
the headings came from.
"""

from collections.abc import Iterable, Sequence


def genres_from_headings(headings: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Genres of a book, most certain first, from the headings of each source in priority order."""
    raise NotImplementedError
