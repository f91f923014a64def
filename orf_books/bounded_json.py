"""Reading JSON that somebody else wrote: nesting is bounded, whatever the parser bears.

Belongs here: the limit on depth. Does not belong here: limits on size, which whoever fetches the
text must hold, and the shape of any document.
"""

import json
import re
from itertools import accumulate
from typing import Any

DEEPEST = 100
"""Levels of arrays and objects. Code that walks through a document may be recursive."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def read_json(content: bytes, deepest: int = DEEPEST) -> Any:  # noqa: ANN401 - any document
    """The document, which must be in UTF-8, as the standard wants it.

    Raises:
        ValueError: it is no JSON, or nested more deeply than allowed.
    """
    text = content.decode("utf-8-sig")
    brackets = _STRING.sub(b"", content).translate(None, _NO_BRACKETS)
    if max(accumulate(_STEPS[bracket] for bracket in brackets), default=0) > deepest:
        raise ValueError(f"nested more than {deepest} levels deep")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
