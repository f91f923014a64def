"""Which skills a text shows, and what in it shows them.

Belongs here: bringing together cues, features and thresholds, for texts by whomever. Does not
belong here: who said a text, and what that comes to for a student (`scoring.py`).

A text is judged sentence by sentence and as a whole, and its likeliest part counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import TypeAlias

from orf_books.failures import FixConfiguration
from orf_books.transcripts.cues import Cue, SentenceCues, Veto, VetoReason, read_cues
from orf_books.transcripts.encoder import SentenceEncoder, universal_sentence_encoder
from orf_books.transcripts.encoder_network import Vectors
from orf_books.transcripts.firing import LEAST_WORDS, Tier, fires, tier
from orf_books.transcripts.head import Head, read_head
from orf_books.transcripts.likeness import EncodedExemplars
from orf_books.transcripts.model_version import model_version
from orf_books.transcripts.sentence_features import HeardSentence, features_of, hear
from orf_books.transcripts.sentences import Span, sentence_spans, word_count
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import asks_to_explain


@dataclass(frozen=True, slots=True)
class Finding:
    """What shows a skill in a text."""

    span: Span
    """The likeliest sentence, or the cue in it."""
    tier: Tier
    cue: str | None
    """The pattern that it matches; None where no cue was found."""
    exemplar_id: str
    """The exemplar of the skill that is most like the sentence; `kind_in_words` describes it."""
    similarity: float
    """Of the two: 1 is the same, 0 is unrelated."""
    margin: float
    """By how much the skill is likelier there than any other."""


@dataclass(frozen=True, slots=True)
class Voided:
    """What would have shown a skill, but for words that make it void."""

    reason: VetoReason
    probability: float
    cue: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one skill in one text."""

    probability: float
    """Of the likeliest part that is not void, from 0 to 1; 0 where all of it is."""
    has_cue: bool
    chance: float
    """How often, in a lesson, a text that looks like this shows the skill, from 0 to 1."""
    finding: Finding | None = None
    voided: Voided | None = None


Judgements: TypeAlias = Mapping[Skill, Judgement]


class SkillDetector:
    """Finds skills in texts."""

    def __init__(self, encoder: SentenceEncoder, head: Head) -> None:
        """Take an encoder, and a head that was fitted on its vectors.

        Raises:
            FixConfiguration: it was fitted on those of another one.
        """
        if head.encoder_version != encoder.version:
            raise FixConfiguration(
                f"The weights were fitted on vectors of {head.encoder_version}, not of "
                f"{encoder.version}; run `python -m orf_books.transcripts.fit`."
            )
        self.version = model_version(head)
        self._encoder, self._head = encoder, head
        self._calibrations = dict(zip(Skill, head.calibrations, strict=True))
        self._exemplars = EncodedExemplars(encoder)

    def judge(self, texts: Sequence[str], before: Sequence[str] | None = None) -> list[Judgements]:
        """For each text what is said of each skill; the same text gets the same.

        Args:
            texts: what was said, one turn each.
            before: for each text the turn before it, said by somebody else; empty where there is
                none. What answers `How did you get that?` is likelier an explanation.
        """
        turns = list(zip(texts, repeat("", len(texts)) if before is None else before, strict=True))
        divided = {turn: _parts(*turn) for turn in dict.fromkeys(turns)}
        heard = list(dict.fromkeys(part.heard for parts in divided.values() for part in parts))
        features = features_of(heard, self._encoder)
        known = {
            sentence: _Known(vector, dict(zip(Skill, probabilities, strict=True)))
            for sentence, vector, probabilities in zip(
                heard, features.vectors, self._head.probabilities(features), strict=True
            )
        }
        judged = {
            turn: self._judgements([(part, known[part.heard]) for part in parts])
            for turn, parts in divided.items()
        }
        return [judged[turn] for turn in turns]

    def _judgements(self, parts: Sequence["_KnownPart"]) -> Judgements:
        return {skill: self._judgement(skill, parts) for skill in Skill}

    def _judgement(self, skill: Skill, parts: Sequence["_KnownPart"]) -> Judgement:
        def probability(part: _KnownPart) -> float:
            return part[1].probabilities[skill]

        valid = [part for part in parts if skill not in part[0].vetoes]
        void = [part for part in parts if skill in part[0].vetoes]
        highest, highest_void = (max(map(probability, of), default=0.0) for of in (valid, void))
        finding = voided = None
        if fires(skill, highest):
            # A sentence says best where it is shown.
            shown = max([part for part in valid if part[0].is_sentence] or valid, key=probability)
            finding = self._finding(skill, tier(skill, highest), *shown)
        elif fires(skill, highest_void):
            veto = void[0][0].vetoes[skill]
            cue = veto.cue.pattern if veto.cue else None
            voided = Voided(veto.reason, highest_void, cue)
        return Judgement(
            probability=highest,
            has_cue=any(skill in part.cues for part, _ in parts),
            chance=self._calibrations[skill].share_right(highest),
            finding=finding,
            voided=voided,
        )

    def _finding(self, skill: Skill, of_tier: Tier, part: "_Part", known: "_Known") -> Finding:
        cue = part.cues.get(skill)
        closest, similarity = self._exemplars.closest(skill, known.vector)
        others = max(known.probabilities[other] for other in Skill if other is not skill)
        return Finding(
            span=cue.span if cue else part.span,
            tier=of_tier,
            cue=cue.pattern if cue else None,
            exemplar_id=closest.exemplar_id,
            similarity=round(similarity, 3),
            margin=round(known.probabilities[skill] - others, 4),
        )


@cache
def shipped_detector() -> SkillDetector:
    """The detector that is shipped, loaded once a process."""
    return SkillDetector(universal_sentence_encoder(), read_head())


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence, or a whole text of several."""

    span: Span
    cues: Mapping[Skill, Cue]
    vetoes: Mapping[Skill, Veto]
    """Of each skill of which its words make it say nothing, why."""
    heard: HeardSentence
    is_sentence: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What the encoder and the head say of a part."""

    vector: Vectors
    probabilities: Mapping[Skill, float]


_KnownPart: TypeAlias = tuple[_Part, _Known]


def _parts(text: str, before: str) -> tuple[_Part, ...]:
    """The sentences of a text that are long enough, and before them the whole of several."""
    is_asked_for = asks_to_explain(before)
    sentences = [(span, read_cues(text, span)) for span in sentence_spans(text)]

    def part(span: Span, within: Sequence[SentenceCues]) -> _Part:
        # The first sentence that has a cue or a veto of a skill counts.
        cues = {skill: cue for of in reversed(within) for skill, cue in of.cues.items()}
        vetoes = {skill: veto for of in reversed(within) for skill, veto in of.vetoes.items()}
        heard = hear(span.of(text), cues, is_asked_for=is_asked_for)
        return _Part(span, cues, vetoes, heard, is_sentence=len(within) == 1)

    parts = [
        part(span, [cues]) for span, cues in sentences if word_count(text, span) >= LEAST_WORDS
    ]
    if len(sentences) > 1:
        whole = Span(sentences[0][0].start, sentences[-1][0].end)
        parts.insert(0, part(whole, [cues for _, cues in sentences]))
    return tuple(parts)
