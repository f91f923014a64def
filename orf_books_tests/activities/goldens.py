"""Agreed cases of scoring oral reading, read from a file so that other cases can be put in place.

`ORF_BOOKS_GOLDENS` names another file of the same form.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

MARK = "golden:"
"""How the ids of such cases begin; the group follows."""
BUNDLED = Path(__file__).parent.parent / "data" / "orf_goldens.json"


@cache
def group(name: str) -> dict[str, Any]:
    """Everything that the file says of one subject."""
    file = Path(os.environ.get("ORF_BOOKS_GOLDENS", BUNDLED))
    return dict(json.loads(file.read_text(encoding="utf-8"))[name])


def cases(name: str, section: str = "cases") -> list[Any]:
    """The cases of a group, each a dict, for `pytest.mark.parametrize`."""
    return [
        pytest.param(case, id=f"{MARK}{name}:{case.get('id', f'{section}-{number}')}")
        for number, case in enumerate(group(name).get(section, []))
    ]
