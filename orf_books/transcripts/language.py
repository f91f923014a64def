"""In which language something is said.

Belongs here: telling languages apart, and what short utterances inherit. Does not belong here: what
is done about other languages (`parsing.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ENGLISH = "en"
LANGUAGES = (ENGLISH, "es", "fr", "pt", "zh", "ar", "vi")
"""Those most spoken in classrooms in the United States; the fewer, the surer is a short text."""

_FEWEST_WORDS = 5
"""Fewer whitespace tokens say nothing about the language."""
_SURE = 0.8
"""Less sure, an utterance is taken for the language that its speaker speaks otherwise."""
_LONGEST_SAMPLE = 20_000
"""Code points that tell the language of a speaker or a file."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language and how surely it is the one."""

    code: str
    """ISO 639-1."""
    confidence: float
    """0 to 1, to four decimals."""


def languages_of(spoken: Sequence[tuple[str, str]]) -> tuple[Language, ...]:
    """The language of each utterance of a session.

    An utterance that is too short or unsure inherits its speaker's language, a speaker who says too
    little inherits the session's, and that is English unless something else is sure.

    Args:
        spoken: speaker's id and text of all utterances in order.
    """
    by_speaker: defaultdict[str, list[str]] = defaultdict(list)
    for speaker, text in spoken:
        by_speaker[speaker].append(text)
    everything = _sample([text for _, text in spoken])
    of_session = _surely(everything) or _as_english(everything)
    of_speakers = {
        speaker: _surely(_sample(texts)) or of_session for speaker, texts in by_speaker.items()
    }
    return tuple(_surely(text) or of_speakers[speaker] for speaker, text in spoken)


def other_language(text: str) -> str | None:
    """The language of a text that is surely not English."""
    language = _surely(text)
    return language.code if language and language.code != ENGLISH else None


def _sample(texts: Sequence[str]) -> str:
    return " ".join(texts)[:_LONGEST_SAMPLE]


def _surely(text: str) -> Language | None:
    if len(text.split()) < _FEWEST_WORDS:
        return None
    code, confidence = _identifier().classify(text)
    return Language(code, round(confidence, 4)) if confidence >= _SURE else None


def _as_english(text: str) -> Language:
    return Language(ENGLISH, round(dict(_identifier().rank(text))[ENGLISH], 4))


@cache
def _identifier() -> "LanguageIdentifier":
    # Reading the model takes most of a second, and importing it loads NumPy.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
