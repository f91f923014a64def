"""The stories that the bundled readings read, and how a child may misread their words.

Belongs here: texts made up for this project. Does not belong here: who reads them (`readers.json`).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Story:
    """A story in pages of phrases."""

    story_id: str
    title: str
    tags: tuple[str, ...]
    pages: tuple[tuple[str, ...], ...]
    misread_as: dict[str, tuple[str, ...]]
    """Real words that look or sound like a word of the story. They were written down by hand,
    before any recogniser's own list of sound-alikes was looked at."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases of all pages."""
        return tuple(phrase for page in self.pages for phrase in page)


@cache
def stories() -> tuple[Story, ...]:
    """All stories."""
    path = Path(__file__).with_name("stories.json")
    return TypeAdapter(tuple[Story, ...]).validate_json(path.read_bytes())
