"""Which skills a text shows, and what in it shows them.

Belongs here: bringing together cues, vectors and thresholds, for texts by whomever. Does not belong
here: who said a text, and what that comes to for a student (`scoring.py`).

A text is looked at as a whole and sentence by sentence; what its likeliest part says counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from orf_books.failures import FixConfiguration
from orf_books.transcripts.cues import Cue, SentenceCues, VetoReason, read_cues
from orf_books.transcripts.encoder import SentenceEncoder, Vectors
from orf_books.transcripts.firing import LEAST_WORDS, fires
from orf_books.transcripts.head import Head, read_head
from orf_books.transcripts.likeness import EncodedExemplars
from orf_books.transcripts.model_version import model_version
from orf_books.transcripts.sentences import Span, sentence_spans, word_spans
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books.transcripts.skills import Skill


@dataclass(frozen=True, slots=True)
class Finding:
    """What shows a skill in a text."""

    span: Span
    """The cue, or the likeliest sentence."""
    cue: str | None
    """The pattern that it matches; None where no cue was found."""
    exemplar_id: str
    """The sentence among those that show the skill to which the likeliest one is closest."""
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
    """How many of the labelled sentences that looked like this show the skill, from 0 to 1."""
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
        self._exemplars = EncodedExemplars(encoder)

    def judge(self, texts: Sequence[str]) -> list[Judgements]:
        """For each text what is said of each skill; the same text gets the same."""
        divided = {text: _divided(text) for text in texts}
        parts = list(dict.fromkeys(part.text for one in divided.values() for part in one.parts))
        vectors = self._encoder.encode(parts)
        likeness = self._exemplars.likeness(vectors, self._head.sharpness)
        known = {
            part: _Encoded(vector, dict(zip(Skill, probabilities, strict=True)))
            for part, vector, probabilities in zip(
                parts, vectors, self._head.probabilities(vectors, likeness), strict=True
            )
        }
        judged = {
            text: {skill: self._judgement(skill, one, known) for skill in Skill}
            for text, one in divided.items()
        }
        return [judged[text] for text in texts]

    def _judgement(
        self, skill: Skill, divided: "_Divided", known: Mapping[str, "_Encoded"]
    ) -> Judgement:
        valid = [part for part in divided.parts if not part.is_void(skill)]
        probability = _highest(skill, valid, known)
        cue = next((one.cues[skill] for one in divided.sentences if skill in one.cues), None)
        has_cue = cue is not None
        finding = voided = None
        if fires(probability, has_cue=has_cue):
            finding = self._finding(skill, cue, valid, known)
        elif len(valid) < len(divided.parts):
            voided = _voided(skill, divided, known)
        chance = self._head.calibration.share_right(probability, has_cue=has_cue)
        return Judgement(probability, has_cue, chance, finding, voided)

    def _finding(
        self,
        skill: Skill,
        cue: Cue | None,
        valid: Sequence["_Part"],
        known: Mapping[str, "_Encoded"],
    ) -> Finding:
        # The smallest parts say best where it is shown; the whole text is the first of several.
        smallest = [part for part in valid if len(part.sentences) == 1] or valid
        shown = max(smallest, key=lambda part: known[part.text].probabilities[skill])
        vector, probabilities = known[shown.text].vector, known[shown.text].probabilities
        closest, similarity = self._exemplars.closest(skill, vector)
        others = max(probabilities[other] for other in Skill if other is not skill)
        return Finding(
            span=cue.span if cue else shown.span,
            cue=cue.pattern if cue else None,
            exemplar_id=closest.exemplar_id,
            similarity=round(similarity, 3),
            margin=round(probabilities[skill] - others, 4),
        )


def shipped_detector(encoder: SkillEncoder = SkillEncoder.USE) -> SkillDetector:
    """The detector that is shipped with an encoder, loaded once a process.

    Raises:
        FixConfiguration: the packages that the encoder needs are not installed.
    """
    return _loaded(encoder)


@cache
def _loaded(encoder: SkillEncoder) -> SkillDetector:
    return SkillDetector(encoder.load(), read_head(encoder))


@dataclass(frozen=True, slots=True)
class _Part:
    """A whole text, or one sentence of several."""

    text: str
    span: Span
    sentences: tuple[SentenceCues, ...]

    def is_void(self, skill: Skill) -> bool:
        """Whether any of its words make it say nothing of a skill."""
        return any(skill in sentence.vetoes for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class _Divided:
    """A text and the parts that are compared."""

    sentences: tuple[SentenceCues, ...]
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What the encoder and the head say of a part."""

    vector: Vectors
    probabilities: Mapping[Skill, float]


def _divided(text: str) -> _Divided:
    spans = sentence_spans(text)
    if not spans:
        return _Divided((), ())
    sentences = tuple(read_cues(text, span) for span in spans)
    whole = Span(spans[0].start, spans[-1].end)
    parts = [_Part(whole.of(text), whole, sentences)]
    if len(spans) > 1:
        parts += [
            _Part(span.of(text), span, (sentence,))
            for span, sentence in zip(spans, sentences, strict=True)
            if len(word_spans(text, span)) >= LEAST_WORDS
        ]
    return _Divided(sentences, tuple(parts))


def _highest(skill: Skill, parts: Sequence[_Part], known: Mapping[str, _Encoded]) -> float:
    return max((known[part.text].probabilities[skill] for part in parts), default=0.0)


def _voided(skill: Skill, divided: _Divided, known: Mapping[str, _Encoded]) -> Voided | None:
    """What would have been found."""
    vetoes = [one.vetoes[skill] for one in divided.sentences if skill in one.vetoes]
    cue = next((veto.cue for veto in vetoes if veto.cue), None)
    probability = _highest(skill, divided.parts, known)
    if not fires(probability, has_cue=cue is not None):
        return None
    return Voided(vetoes[0].reason, probability, cue.pattern if cue else None)
