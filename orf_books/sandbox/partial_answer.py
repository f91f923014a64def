"""Partial answers of Google APIs: the `fields` parameter.

Belongs here: the grammar of selectors, such as `totalItems,items(id,volumeInfo/title)`, and
applying them. Does not belong here: anything about books.
"""

import re
from collections.abc import Iterator
from typing import Any

Selection = dict[str, "Selection"]
"""Members to keep; an empty selection keeps everything below."""

_PIECE = re.compile(r"[A-Za-z_]\w*|[*(),/]")


class BadSelectorError(ValueError):
    """The selector cannot be read."""


def selected(answer: dict[str, Any], fields: str) -> dict[str, Any]:
    """The answer with only what the selector names.

    Raises:
        BadSelectorError: the selector cannot be read.
    """
    pieces = _PIECE.findall(fields)
    if "".join(pieces) != re.sub(r"\s", "", fields):
        raise BadSelectorError(fields)
    reader = _Reader(iter(pieces))
    selection = reader.list()
    if reader.piece is not None:
        raise BadSelectorError(fields)
    return _members(selection, answer)


class _Reader:
    """Reads a selector piece by piece."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self.piece = next(pieces, None)

    def list(self) -> Selection:
        """One or more paths with commas between."""
        selection = self._path()
        while self.piece == ",":
            self._advance()
            _merge(selection, self._path())
        return selection

    def _path(self) -> Selection:
        name = self.piece
        if name is None or name in "(),/":
            raise BadSelectorError(name)
        self._advance()
        if self.piece == "/":
            self._advance()
            return {name: self._path()}
        if self.piece == "(":
            self._advance()
            below = self.list()
            if self.piece != ")":
                raise BadSelectorError(name)
            self._advance()
            return {name: below}
        return {name: {}}

    def _advance(self) -> None:
        self.piece = next(self._pieces, None)


def _merge(selection: Selection, more: Selection) -> None:
    for name, below in more.items():
        _merge(selection.setdefault(name, {}), below)


def _apply(selection: Selection, value: object) -> object:
    if not selection:
        return value
    if isinstance(value, list):
        return [_apply(selection, item) for item in value]
    return _members(selection, value) if isinstance(value, dict) else value


def _members(selection: Selection, members: dict[str, Any]) -> dict[str, Any]:
    everything = selection.get("*")
    return {
        name: _apply(selection.get(name, everything or {}), member)
        for name, member in members.items()
        if name in selection or everything is not None
    }
