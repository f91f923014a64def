"""The work on one phrase: which of its words were misread, by all the evidence there is.

Belongs here: asking K and W, putting the answers together, what is concluded where one is missing.
Does not belong here: the rules (`flagging.py`, `voting.py`, `calibration.py`), what could not be
scored (`not_scored.py`), and what the phrases of a reading come to (`rescoring.py`).

A recogniser that fails is unknown, not wrong: no word becomes misread because of an outage.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orf_books.activities.alignment import match_vector
from orf_books.activities.audio import Recording
from orf_books.activities.calibration import Calibration, Evidence, Weights
from orf_books.activities.evidence import PagedRecording, PhraseEvidence
from orf_books.activities.flagging import FlaggingDecision, Strategy, decide, settled_flags
from orf_books.activities.phonemes import Lexicon, phonetic_match_vector
from orf_books.activities.recognition import (
    Alphabet,
    HeardPhrase,
    HearsPhrases,
    Recognisers,
    Role,
    StoryContext,
    Transcript,
    WordEvidence,
)
from orf_books.activities.rescored_activity import PhraseAnswer, RescoredPhrase, RescoredWord
from orf_books.activities.story import words_of
from orf_books.activities.voting import VoteRule, Votes, is_misread
from orf_books.failures import OrfBooksError

_Heard = HeardPhrase | OrfBooksError


@dataclass(frozen=True, slots=True)
class PhraseRescoring:
    """Rescores the phrases of one reading."""

    sound: PagedRecording
    context: StoryContext
    recognisers: Recognisers
    transcript: Transcript
    lexicon: Lexicon
    rule: VoteRule
    calibration: Calibration

    async def rescored(self, phrase: PhraseEvidence) -> RescoredPhrase:
        """A phrase with verdicts on its words, or as it was where evidence is missing."""
        decided = await self._decided(phrase)
        if (timing := phrase.timing) is None:
            return decided
        return replace(decided, span=phrase.span, a=PhraseAnswer(timing.parsed))

    async def _decided(self, phrase: PhraseEvidence) -> RescoredPhrase:
        if phrase.obstacle:
            unknown = [None] * len(phrase.words)
            words = _words(phrase, unknown, [Evidence()] * len(phrase.words))
            return RescoredPhrase(words, phrase.errors, None, phrase.obstacle, is_rescored=False)
        placed = _placed_words(phrase)
        decision = decide(phrase.heard_by_a, phrase.stored_w, phrase.errors)
        probabilities = None
        if weights := self._weights(placed, k=None):
            probabilities = self._probabilities(placed, weights)
        if probabilities is not None:
            decision = self._doubt(phrase, probabilities)
        flags = settled_flags(decision.strategy, phrase.errors)
        if flags is None:
            return await self._voted(phrase, decision)
        words = _words(phrase, flags, placed, probabilities)
        return RescoredPhrase(words, flags, decision.strategy, decision.reason, is_rescored=True)

    def _doubt(self, phrase: PhraseEvidence, probabilities: Sequence[float]) -> FlaggingDecision:
        """Whether a phrase has to be checked, by where its words were placed and by role A."""
        doubtful = sum(one >= self.calibration.clear_below for one in probabilities)
        if doubtful:
            reason = f"Words that may be misread: {doubtful}"
        elif any(phrase.errors):
            reason = "The first pass flags words that fit what was heard"
        else:
            kept = "Every word fits what was heard, and the first pass flags none"
            return FlaggingDecision(Strategy.KEEP_ORIGINAL, kept)
        return FlaggingDecision(Strategy.RESCORE_PHRASE, reason)

    async def _voted(self, phrase: PhraseEvidence, decision: FlaggingDecision) -> RescoredPhrase:
        k, w = await self._answers(phrase)
        by_word = zip(
            phrase.heard_by_a,
            self._match_vector(phrase, k),
            self._match_vector(phrase, w),
            _fits(phrase, k),
            _fits(phrase, w),
            strict=True,
        )
        evidence = [
            Evidence(Votes(heard_by_a, heard_by_k, heard_by_w), k_fits, w_fits, phrase.usual_fit)
            for heard_by_a, heard_by_k, heard_by_w, k_fits, w_fits in by_word
        ]
        weights = self._weights(evidence, k)
        probabilities = self._probabilities(evidence, weights)
        if weights is None or probabilities is None:
            misread = [is_misread(one.votes, self.rule) for one in evidence]
        else:
            misread = [one >= weights.misread_from for one in probabilities]
        words = _words(phrase, misread, evidence, probabilities)
        return RescoredPhrase(
            words=words,
            flags=tuple(bool(word.misread) for word in words),
            strategy=decision.strategy,
            reason=decision.reason,
            is_rescored=not (isinstance(k, OrfBooksError) and isinstance(w, OrfBooksError)),
            k=_answer(k),
            w=_answer(w),
        )

    def _weights(self, evidence: Sequence[Evidence], k: _Heard | None) -> Weights | None:
        """The weights for those who answered; None where votes are counted, or none were fitted."""
        if self.rule is not VoteRule.CALIBRATED:
            return None
        engines = {Role.A: self.recognisers.transcriber.engine}
        if isinstance(k, HeardPhrase):
            engines[Role.K] = self.recognisers.listener.engine
        if any(one.votes.w is not None for one in evidence):
            is_placed = any(one.w for one in evidence)
            checker = (is_placed and self.recognisers.placer) or self.recognisers.checker
            engines[Role.W] = checker.engine
        return self.calibration.weights_for(engines)

    def _probabilities(
        self, evidence: Sequence[Evidence], weights: Weights | None
    ) -> Sequence[float] | None:
        """That each word was misread; None where the evidence does not tell."""
        found = [weights.probability(one) if weights else None for one in evidence]
        known = [one for one in found if one is not None]
        return known if len(known) == len(found) else None

    async def _answers(self, phrase: PhraseEvidence) -> tuple[_Heard, _Heard]:
        """What K and W hear; nobody is asked about a phrase without any sound."""
        recording = phrase.cut_from(self.sound.recording)
        if not recording.pcm:
            return HeardPhrase(""), HeardPhrase("")
        k = _ask(self.recognisers.listener, recording, self.context, phrase.phrase)
        if phrase.word_evidence:
            return await k, _as_heard(phrase)
        return await asyncio.gather(
            k, _ask(self.recognisers.checker, recording, self.context, phrase.phrase)
        )

    def _match_vector(self, phrase: PhraseEvidence, heard: _Heard) -> Sequence[bool | None]:
        if isinstance(heard, OrfBooksError):
            return [None] * len(phrase.words)
        if len(heard.words) == len(phrase.words):
            return [word.is_heard for word in heard.words]
        if heard.alphabet is Alphabet.PHONEMES:
            return phonetic_match_vector(phrase.words, heard.text, self.lexicon)
        return match_vector(phrase.words, words_of(heard.text))


def _placed_words(phrase: PhraseEvidence) -> Sequence[Evidence]:
    """What is known of each word before K is asked."""
    if not phrase.word_evidence:
        return [Evidence(Votes(a=heard)) for heard in phrase.heard_by_a]
    return [
        Evidence(Votes(a=heard, w=word.is_heard), w=word, usual_fit=phrase.usual_fit)
        for heard, word in zip(phrase.heard_by_a, phrase.word_evidence, strict=True)
    ]


def _as_heard(phrase: PhraseEvidence) -> HeardPhrase:
    """What the placer says of a phrase, as an answer of role W."""
    by_word = zip(phrase.words, phrase.word_evidence, strict=True)
    heard = " ".join(word for word, evidence in by_word if evidence.is_heard)
    return HeardPhrase(heard, words=phrase.word_evidence)


def _fits(phrase: PhraseEvidence, heard: _Heard) -> Sequence[WordEvidence | None]:
    if isinstance(heard, HeardPhrase) and len(heard.words) == len(phrase.words):
        return heard.words
    return [None] * len(phrase.words)


async def _ask(
    recogniser: HearsPhrases, recording: Recording, story: StoryContext, phrase: int
) -> _Heard:
    try:
        return await recogniser.hear(recording, story, phrase)
    except OrfBooksError as failure:
        return failure


def _answer(heard: _Heard) -> PhraseAnswer:
    if isinstance(heard, OrfBooksError):
        return PhraseAnswer("", heard.category)
    return PhraseAnswer(heard.text, alphabet=heard.alphabet)


def _words(
    phrase: PhraseEvidence,
    decided: Sequence[bool | None],
    evidence: Sequence[Evidence],
    probabilities: Sequence[float] | None = None,
) -> tuple[RescoredWord, ...]:
    """The words of a phrase; what is not decided stays as it was."""
    by_word = zip(
        phrase.words,
        decided,
        phrase.by_word(probabilities or ()),
        phrase.by_word(phrase.errors),
        phrase.by_word(phrase.predicted),
        evidence,
        phrase.by_word(phrase.stored_k),
        phrase.by_word(phrase.stored_w),
        phrase.spans,
        strict=True,
    )
    return tuple(
        RescoredWord(
            text=text,
            misread=before if misread is None else misread,
            is_rescored=misread is not None,
            previously_misread=before,
            predicted_misread=predicted,
            votes=one.votes,
            stored_k=stored_k,
            stored_w=stored_w,
            span=span,
            probability=None if probability is None else round(probability, 3),
            k_evidence=one.k,
            w_evidence=one.w,
        )
        for (
            text,
            misread,
            probability,
            before,
            predicted,
            one,
            stored_k,
            stored_w,
            span,
        ) in by_word
    )
