"""What came of rescoring an activity, with the evidence for each word.

Belongs here: shapes. Does not belong here: how it comes about (`rescoring.py`), and how well it
agrees with anything (`agreement.py`, `comparison.py`).
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from orf_books.activities.activity import Flags
from orf_books.activities.calibration import Interval
from orf_books.activities.flagging import Strategy
from orf_books.activities.fluency import Fluency, ReadingEvent
from orf_books.activities.recognition import Alphabet, Span, WordEvidence
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.trimming import Trimmed
from orf_books.activities.voting import VoteRule, Votes
from orf_books.failures import FailureCategory


class Verdict(StrEnum):
    """What rescoring says of a word."""

    CORRECT = "correct"
    MISREAD = "misread"
    NOT_RESCORED = "not_rescored"
    """Evidence was missing, so what the first pass said stays."""
    NOT_SCORED = "could_not_be_scored"
    """It could not be heard well enough, so it counts neither as read nor as misread."""


@dataclass(frozen=True, slots=True)
class RescoredWord:
    """A word of the story, what is said of it, and why."""

    text: str
    misread: bool | None
    """The flag that holds from now on; None where neither pass said anything, and where it could
    not be scored."""
    is_rescored: bool
    """Whether the flag is rescoring's own; otherwise evidence was missing and it is the first
    pass's."""
    previously_misread: bool | None
    """The flag of the first pass."""
    predicted_misread: bool | None
    """What the model of the first pass predicts; None where its threshold is not known."""
    votes: Votes
    stored_k: bool | None
    """Whether Kaldi heard it in the first pass; None where that was not stored."""
    stored_w: bool | None
    """The same of wav2vec."""
    span: Span | None
    """When it was said; None where nothing was heard for it."""
    probability: float | None = None
    """That it was misread, by the calibrated rule; None where another rule decided."""
    k_evidence: WordEvidence | None = None
    """How well it fits, by role K; None where K does not judge words, or was not asked."""
    w_evidence: WordEvidence | None = None
    """The same by role W."""
    not_scored: NotScored | None = None
    """Why it could not be scored; None where it could."""

    @property
    def verdict(self) -> Verdict:
        """What rescoring says of it."""
        if self.not_scored:
            return Verdict.NOT_SCORED
        if not self.is_rescored:
            return Verdict.NOT_RESCORED
        return Verdict.MISREAD if self.misread else Verdict.CORRECT


@dataclass(frozen=True, slots=True)
class PhraseAnswer:
    """What a recogniser said to one phrase."""

    heard: str
    """Empty where nothing was heard, and where it failed."""
    failure: FailureCategory | None = None
    """Why there is no answer; None where there is one, be it silence."""
    alphabet: Alphabet = Alphabet.WORDS


@dataclass(frozen=True, slots=True)
class RescoredPhrase:
    """A phrase of the story, and what was done about it."""

    words: tuple[RescoredWord, ...]
    flags: Flags
    """To be written back; as many as words, unless the first pass counted others."""
    strategy: Strategy | None
    """None where evidence for a decision was missing."""
    reason: str
    is_rescored: bool
    """Whether the phrase was decided on; otherwise it stays as it was."""
    span: Span | None = None
    """When it was read; None where nothing was heard of it."""
    a: PhraseAnswer | None = None
    """What role A heard in its place; None where no page with it was recorded."""
    k: PhraseAnswer | None = None
    """What role K answered; None where it was not asked."""
    w: PhraseAnswer | None = None
    """The same of role W."""

    @property
    def not_scored(self) -> NotScored | None:
        """Why it could not be scored as a whole; None where some word could."""
        reasons = {word.not_scored for word in self.words}
        return reasons.pop() if len(reasons) == 1 else None


@dataclass(frozen=True, slots=True)
class RescoredActivity:
    """A whole reading."""

    activity_id: str
    story_id: str
    phrases: tuple[RescoredPhrase, ...]
    """All phrases of the story, also those that the child did not get to."""
    trimmed: Trimmed
    fluency: Fluency
    longest_pause: float | None
    """In seconds, between attempted words."""
    events: tuple[ReadingEvent, ...]
    rule: VoteRule
    is_draft: bool
    """Whether a person has to review it, because of the recognisers that were asked."""
    warnings: tuple[str, ...]
    not_scored: NotScored | None = None
    """Why nothing of the reading could be scored; None where some of it could."""
    accuracy_interval: Interval | None = None
    """Where the accuracy lies; None where no probabilities are known."""
    wcpm_interval: Interval | None = None
    """The same of words correct per minute."""

    @property
    def words(self) -> tuple[RescoredWord, ...]:
        """All words of the story."""
        return tuple(word for phrase in self.phrases for word in phrase.words)

    @property
    def is_rescored(self) -> bool:
        """Whether it may be called rescored and be written back.

        It may not where recognisers were missing for all phrases that had to be checked, or where
        nothing could be decided at all.
        """
        checked = [one for one in self.phrases if one.strategy is Strategy.RESCORE_PHRASE]
        return any(phrase.is_rescored for phrase in checked or self.phrases)

    @property
    def are_words_placed(self) -> bool:
        """Whether a recogniser told where each word is."""
        return any(word.w_evidence and word.w_evidence.span for word in self.words)

    @property
    def are_additions_known(self) -> bool:
        """Whether events hold what was said besides the text.

        Where words were not placed, the calibrated rule does not tell it: transcripts of embedded
        recognisers smooth over what was said twice, and invent more.
        """
        return self.are_words_placed or self.rule is not VoteRule.CALIBRATED

    @property
    def failures(self) -> Counter[FailureCategory]:
        """Why recognisers gave no answers to phrases, and how often."""
        answers = [answer for phrase in self.phrases for answer in (phrase.k, phrase.w)]
        return Counter(answer.failure for answer in answers if answer and answer.failure)
