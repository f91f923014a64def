"""Secrets that resources need and that no page, log or configuration may show.

Belongs here: a name that stands for a secret in a resource's fields, which Dagster's page shows.
Does not belong here: where secrets come from (`orf_books/settings.py`).
"""

import hashlib

from pydantic import SecretStr

_secrets: dict[str, str] = {}


def hide(secret: SecretStr | None) -> str | None:
    """A name for the secret that tells nothing of it; None for none."""
    if secret is None:
        return None
    value = secret.get_secret_value()
    name = f"hidden-{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    _secrets[name] = value
    return name


def reveal(name: str) -> str:
    """The secret that this process has hidden under the name; any other text is itself."""
    return _secrets.get(name, name)
