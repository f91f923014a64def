"""What pydantic refuses, in words that do not quote it.

Belongs here: turning a validation error into one sentence. Does not belong here: what is valid.
"""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SHOWN = 3


def validation_messages(refused: ValidationError) -> str:
    """The first fields that are wrong, by name and index, and what should be there."""
    errors = refused.errors(include_url=False, include_input=False, include_context=False)
    shown = "; ".join(map(_validation_message, errors[:_SHOWN]))
    return f"{shown}; and {rest} more" if (rest := len(errors) - _SHOWN) > 0 else shown


def _validation_message(error: ErrorDetails) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    return f"`{path.lstrip('.')}`: {error['msg']}" if path else error["msg"]
