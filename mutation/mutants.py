"""One-token changes to the source of a module.

Belongs here: which tokens are changed, into what, and which are left alone. Does not belong here:
running tests (`trial.py`), which modules are looked at (`__main__.py`).
"""

import ast
import io
import keyword
import token
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_OPERATORS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "//": "*",
    "%": "*",
    "|": "&",
    "&": "|",
    "+=": "-=",
    "-=": "+=",
    "|=": "&=",
    "&=": "|=",
}
_WORDS = {
    "and": "or",
    "or": "and",
    "is": "is not",
    "in": "not in",
    "not": "",
    "if": "if not",
    "elif": "elif not",
    "True": "False",
    "False": "True",
    "break": "continue",
    "continue": "break",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
}
_ENDS_AN_OPERAND = frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one token changed."""

    line: int
    code: str
    """The line before the change, without indentation."""
    before: str
    after: str
    source: str

    @property
    def change(self) -> str:
        """The change, for people."""
        return f"{self.before} → {self.after or 'nothing'}"


def mutants_of(source: str) -> list[Mutant]:
    """Every one-token change, in the order of the source.

    Left alone are annotations, decorators, imports, docstrings and messages: text with a space in
    it, which is for people and is to be reworded freely.
    """
    lines = source.splitlines(keepends=True)
    found = []
    for change, after in _changes(source):
        row, start = change.start
        line = lines[row - 1]
        changed = f"{line[:start]}{after}{line[change.end[1] :]}"
        mutated = "".join([*lines[: row - 1], changed, *lines[row:]])
        # `if not found := …` is none.
        if _is_python(mutated):
            found.append(Mutant(row, line.strip(), change.string, after, mutated))
    return found


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _changes(source: str) -> Iterator[tuple[tokenize.TokenInfo, str]]:
    ignored = list(_ignored(ast.parse(source)))
    meaningful = [
        each
        for each in tokenize.generate_tokens(io.StringIO(source).readline)
        if each.type in {token.OP, token.NAME, token.NUMBER, token.STRING}
    ]
    loops = 0
    for (before, current), after in zip(pairwise(meaningful), [*meaningful[2:], None], strict=True):
        loops += current.string == "for"
        if current.string == "in" and loops:
            loops -= 1
        elif (
            not any(start <= current.start < end for start, end in ignored)
            and (replaced := _replaced(before, current, after)) is not None
        ):
            yield current, replaced


def _replaced(
    before: tokenize.TokenInfo, current: tokenize.TokenInfo, after: tokenize.TokenInfo | None
) -> str | None:
    text, following = current.string, after.string if after else ""
    match current.type:
        case token.OP:
            return _OPERATORS.get(text) if _ends_an_operand(before) else None
        case token.NUMBER:
            number = ast.literal_eval(text)
            return str(number + 1 if isinstance(number, int) else number * 1.25 or 1.0)
        case token.STRING:
            # Patterns and templates have a grammar of their own.
            is_plain = text[0] in "'\"" and current.start[0] == current.end[0]
            return f"{text[:-1]}?{text[-1]}" if is_plain and " " not in text else None
    # `is not`, `not in` and `if not` lose their `not`.
    is_negated = following == "not" or (text == "in" and before.string == "not")
    is_attribute = before.string == "." or following == "="
    return None if is_negated or is_attribute else _WORDS.get(text)


def _ends_an_operand(before: tokenize.TokenInfo) -> bool:
    if before.type == token.NAME:
        return not keyword.iskeyword(before.string)
    return before.type in {token.NUMBER, token.STRING} or before.string in _ENDS_AN_OPERAND


_Place = tuple[int, int]


def _ignored(tree: ast.AST) -> Iterator[tuple[_Place, _Place]]:
    """From where to where nothing is changed."""
    for node in ast.walk(tree):
        parts = [
            *getattr(node, "decorator_list", ()),
            getattr(node, "returns", None),
            getattr(node, "annotation", None),
        ]
        for ignored in [node] if _is_ignored(node) else filter(None, parts):
            yield _start(ignored), _end(ignored)


def _is_ignored(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Call(func=ast.Name(id="TypeVar")):
            return True
        case ast.keyword(arg="strict"):
            # It changes nothing as long as the code is right.
            return True
    return False


def _start(node: Any) -> _Place:  # noqa: ANN401 - ast.AST does not declare its place
    return node.lineno, node.col_offset


def _end(node: Any) -> _Place:  # noqa: ANN401
    return node.end_lineno, node.end_col_offset
