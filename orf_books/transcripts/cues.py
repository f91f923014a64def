"""Phrases that hint at a skill, and what makes a hint void.

Belongs here: finding the phrases of `cue_patterns.json` in a sentence, negation, and the frames and
mockery with which nothing shows a skill of the speaker. Does not belong here: deciding that a skill
is shown (`detection.py`).

Phrases are compared by lemmas, so `we split the work` and `splitting work` hold the same one.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from orf_books.transcripts.sentences import Span, word_spans
from orf_books.transcripts.skills import Skill

WIDEST_GAP = 5
"""Words that `*` stands for at most."""
REACH_OF_NEGATION = 3
"""Words before a cue, in the same clause, among which a negator makes it void."""


class VetoReason(StrEnum):
    """Why what looks like a skill is none."""

    NEGATED = "negated"
    FRAME = "frame"
    """It tells of a story, a text or what others said. It does not void communication: who cites a
    text gives grounds."""
    DISMISSIVE = "dismissive"
    """It mocks or turns someone away."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase that hints at a skill."""

    pattern: str
    """As `cue_patterns.json` has it."""
    span: Span


@dataclass(frozen=True, slots=True)
class Veto:
    """Why a sentence does not show a skill, whatever it sounds like."""

    reason: VetoReason
    cue: Cue | None = None
    """The cue that is void; None where there is none and the whole sentence is."""


@dataclass(frozen=True, slots=True)
class SentenceCues:
    """What the words of a sentence hint at."""

    cues: Mapping[Skill, Cue]
    """The first of each skill, and of those the longest."""
    vetoes: Mapping[Skill, Veto]
    """None of a skill that is in `cues`."""


def read_cues(text: str, sentence: Span) -> SentenceCues:
    """What the words of a sentence hint at.

    A negator shortly before a cue or in a gap of it makes it void. Mockery makes the whole sentence
    void; a frame does so but for cues before it: `I disagree because the text says otherwise`.
    """
    lemmas = [lemma for span in word_spans(text, sentence) for lemma in _lemmas(span.of(text))]
    patterns = list(_patterns_within(lemmas))
    if not patterns:
        return SentenceCues({}, {})
    words = _words(text, sentence)
    matches = sorted(_matches(words, patterns), key=lambda match: (match.first, -match.last))
    cues: dict[Skill, Cue] = {}
    vetoes: dict[Skill, Veto] = {}
    for match in matches:
        skill = match.hints_at
        if not isinstance(skill, Skill):
            continue
        cue = Cue(match.pattern, Span(words[match.first].span.start, words[match.last].span.end))
        if reason := _reason_against(match, skill, matches):
            vetoes.setdefault(skill, Veto(reason, cue))
        else:
            cues.setdefault(skill, cue)
    for reason in (VetoReason.DISMISSIVE, VetoReason.FRAME):
        if any(match.hints_at is reason for match in matches):
            vetoes = dict.fromkeys(_VOIDED_BY[reason], Veto(reason)) | vetoes
    return SentenceCues(cues, {skill: veto for skill, veto in vetoes.items() if skill not in cues})


@dataclass(frozen=True, slots=True)
class _Word:
    lemma: str
    span: Span
    clause: int
    """Of the sentence's clauses, from 0."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    hints_at: Skill | VetoReason
    text: str
    words: tuple[frozenset[str] | None, ...]
    """The lemmas that may stand in each place; None for a gap."""
    further: tuple[frozenset[str], ...]
    """The same of all places but the first, without gaps."""


@dataclass(frozen=True, slots=True)
class _Match:
    hints_at: Skill | VetoReason
    pattern: str
    first: int
    """Index of a word."""
    last: int
    is_negated: bool


_VOIDED_BY: Mapping[VetoReason, frozenset[Skill]] = {
    VetoReason.DISMISSIVE: frozenset(Skill),
    VetoReason.FRAME: frozenset(Skill) - {Skill.COMMUNICATION},
}
"""What words anywhere in a sentence make void."""
_NEGATORS = frozenset(
    {"not", "no", "never", "nobody", "none", "nothing", "neither", "nor", "without", "refuse"}
)
_SUBJECTS_OF_QUESTIONS = frozenset({"we", "you"})
"""`Why don't we` and `can't you` propose."""
_CLAUSE_END = frozenset(",.;:!?()\u2026\u2013\u2014")
_CONTRACTIONS = {"'ll": "will", "'m": "be", "'re": "be", "'ve": "have", "'d": "would"}
_SHORTENED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "be"}
"""What is left of a verb before `n't`."""
_BE_AFTER = frozenset(
    {"he", "she", "it", "that", "this", "there", "here", "what", "how", "who", "where", "when"}
)
"""After these `'s` is a verb, after other words a genitive."""
_IRREGULAR = {
    "felt": "feel",
    "thought": "think",
    "building": "build",
    "splitting": "split",
    "yours": "your",
}
"""What the dictionary takes for other words."""


def _reason_against(cue: _Match, skill: Skill, matches: Sequence[_Match]) -> VetoReason | None:
    if any(match.hints_at is VetoReason.DISMISSIVE for match in matches):
        return VetoReason.DISMISSIVE
    if any(
        match.is_negated and match.first <= cue.first and cue.last <= match.last
        for match in matches
    ):
        return VetoReason.NEGATED
    if skill in _VOIDED_BY[VetoReason.FRAME] and any(
        match.hints_at is VetoReason.FRAME and match.first <= cue.last for match in matches
    ):
        return VetoReason.FRAME
    return None


def _words(text: str, sentence: Span) -> list[_Word]:
    words: list[_Word] = []
    clause, behind = 0, sentence.start
    for span in word_spans(text, sentence):
        clause += not _CLAUSE_END.isdisjoint(text[behind : span.start])
        words += [_Word(lemma, span, clause) for lemma in _lemmas(span.of(text))]
        behind = span.end
    return words


@lru_cache(maxsize=65536)
def _lemmas(word: str) -> tuple[str, ...]:
    """Of one word, or of the two that a contraction stands for."""
    word = word.casefold().replace("\u2019", "'")
    if word == "cannot":
        return ("can", "not")
    if word.endswith("n't"):
        verb = word.removesuffix("n't")
        return (_lemma(_SHORTENED.get(verb, verb)), "not")
    stem, apostrophe, ending = word.partition("'")
    if ending == "s":
        return (
            (stem, "we")
            if stem == "let"
            else (stem, "be")
            if stem in _BE_AFTER
            else (_lemma(stem),)
        )
    if contracted := _CONTRACTIONS.get(apostrophe + ending):
        return (_lemma(stem), contracted)
    return (_lemma(word),)


def _lemma(word: str) -> str:
    import simplemma

    return _IRREGULAR.get(word) or simplemma.lemmatize(word, lang="en").casefold()


def _patterns_within(lemmas: Sequence[str]) -> Iterator[tuple[int, _Pattern]]:
    """Patterns all of whose words occur, and the place where each may begin."""
    patterns, occurring = _patterns(), set(lemmas)
    for first, lemma in enumerate(lemmas):
        for pattern in patterns.get(lemma, ()):
            if not any(map(occurring.isdisjoint, pattern.further)):
                yield first, pattern


def _matches(words: Sequence[_Word], within: Iterable[tuple[int, _Pattern]]) -> Iterator[_Match]:
    lemmas = [word.lemma for word in words]
    for first, pattern in within:
        if places := _places(pattern.words, lemmas, first):
            yield _Match(
                pattern.hints_at, pattern.text, first, places[-1], _is_negated(words, places)
            )


def _places(
    pattern: Sequence[frozenset[str] | None], lemmas: Sequence[str], at: int
) -> tuple[int, ...] | None:
    """Where each word of the pattern stands, its gaps as short as can be; None if it does not."""
    if not pattern:
        return ()
    wanted, rest = pattern[0], pattern[1:]
    if wanted is None:
        after_gaps = (_places(rest, lemmas, at + gap) for gap in range(WIDEST_GAP + 1))
        return next((places for places in after_gaps if places is not None), None)
    if at >= len(lemmas) or lemmas[at] not in wanted:
        return None
    behind = _places(rest, lemmas, at + 1)
    return None if behind is None else (at, *behind)


def _is_negated(words: Sequence[_Word], places: Sequence[int]) -> bool:
    first, last = places[0], places[-1]
    before = range(max(0, first - REACH_OF_NEGATION), first)
    return any(
        _is_negator(words, at)
        for at in (
            *(at for at in before if words[at].clause == words[first].clause),
            *(at for at in range(first, last) if at not in places),
        )
    )


def _is_negator(words: Sequence[_Word], at: int) -> bool:
    if words[at].lemma not in _NEGATORS:
        return False
    following = words[at + 1].lemma  # A cue, or the end of one, stands behind every negator.
    return words[at].lemma != "not" or following not in _SUBJECTS_OF_QUESTIONS


@cache
def _patterns() -> Mapping[str, Sequence[_Pattern]]:
    """By the lemmas that they begin with."""
    document = json.loads(pattern_file())
    by_first: defaultdict[str, list[_Pattern]] = defaultdict(list)
    kinds: list[tuple[Skill | VetoReason, list[str]]] = [
        *((Skill(name), texts) for name, texts in document["cues"].items()),
        *((VetoReason(name), texts) for name, texts in document["vetoes"].items()),
    ]
    for hints_at, texts in kinds:
        for text in texts:
            words = tuple(map(_alternatives, text.split()))
            further = tuple(one for one in words[1:] if one)
            pattern = _Pattern(hints_at, text, words, further)
            for lemma in words[0] or ():
                by_first[lemma].append(pattern)
    return by_first


def pattern_file() -> bytes:
    """The patterns, as they are kept."""
    return files("orf_books.transcripts").joinpath("cue_patterns.json").read_bytes()


def _alternatives(place: str) -> frozenset[str] | None:
    if place == "*":
        return None
    return frozenset(_lemma(word) for word in place.split("|"))
