"""Sentences that show a skill, and sentences that show none: what the detector learns from.

Belongs here: the sentences of `exemplars.json` and `lesson_talk.json`, and what they are called.
Does not belong here: what is learned from them (`fit.py`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from orf_books.transcripts.skills import Skill

NO_SKILL = "none"
KINDS: Mapping[str, str] = {
    "gives_a_reason": "gives a reason",
    "explains_steps": "explains how an answer was found",
    "explains_idea": "explains an idea or a word",
    "asks_for_reason": "asks for a reason",
    "asks_what_is_meant": "asks what is meant",
    "checks_understanding": "checks what was understood",
    "shares_out_work": "shares out work",
    "offers_help": "offers help",
    "asks_for_help": "asks a classmate for help",
    "draws_in": "draws others in",
    "builds_on": "builds on what a classmate said, or gives credit for it",
    "works_together": "proposes to work together",
    "changes_mind": "gives up a view for a better one",
    "tries_another_way": "tries another way",
    "takes_change_well": "takes a change well",
    "steers_attention": "steers attention",
    "checks_own_work": "checks own work",
    "steers_feelings": "steers own feelings",
    "keeps_going": "plans effort, or keeps going",
    "owns_up": "owns up to a fault",
    "sees_feelings": "sees what someone feels",
    "comforts": "comforts or encourages someone",
    "shares_feelings": "shares what someone feels",
    "stands_up": "stands up for someone",
}
"""The kinds of sentences of `lesson_talk.json` that show a skill, in words for people."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A sentence that shows a skill, or one that only sounds like it."""

    exemplar_id: str
    """Its skill, or `none`, its kind where it has one, and a number: `empathy-comforts-3`."""
    skill: Skill | None
    text: str
    before: str = ""
    """What somebody else said just before, where that matters."""
    kind: str | None = None
    """Of sentences that show a skill in a lesson, a key of `KINDS`."""


@cache
def exemplars() -> tuple[Exemplar, ...]:
    """All of them; a sentence that shows two skills is there once for each."""
    return (*_single_sentences(), *_lesson_talk())


@cache
def lesson_exemplars(skill: Skill) -> tuple[Exemplar, ...]:
    """Those of a skill that have a kind."""
    return tuple(exemplar for exemplar in exemplars() if exemplar.kind and exemplar.skill is skill)


def kind_in_words(exemplar_id: str) -> str | None:
    """What an exemplar does, for people: `gives a reason`; None of those without a kind."""
    return KINDS.get(exemplar_id.partition("-")[2].rpartition("-")[0])


def exemplar_files() -> tuple[bytes, ...]:
    """The sentences, as they are kept."""
    folder = files("orf_books.transcripts")
    return tuple(
        folder.joinpath(name).read_bytes() for name in ("exemplars.json", "lesson_talk.json")
    )


def _single_sentences() -> Iterator[Exemplar]:
    document = json.loads(exemplar_files()[0])
    for name, texts in (*document["positive"].items(), (NO_SKILL, document["negative"])):
        for number, text in enumerate(texts, start=1):
            yield Exemplar(f"{name}-{number}", _skill(name), text)


def _lesson_talk() -> Iterator[Exemplar]:
    numbers: dict[tuple[str, str], int] = {}
    subjects = json.loads(exemplar_files()[1])["subjects"]
    for name, kind, sentence in (
        (name, kind, sentence)
        for by_skill in subjects.values()
        for name, by_kind in by_skill.items()
        for kind, sentences in by_kind.items()
        for sentence in sentences
    ):
        number = numbers[name, kind] = numbers.get((name, kind), 0) + 1
        before, text = sentence if isinstance(sentence, list) else ("", sentence)
        skill = _skill(name)
        yield Exemplar(f"{name}-{kind}-{number}", skill, text, before, kind if skill else None)


def _skill(name: str) -> Skill | None:
    return None if name == NO_SKILL else Skill(name)
