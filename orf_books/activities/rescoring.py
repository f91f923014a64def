"""The work on one activity: which words were misread, by all the evidence there is.

Belongs here: asking recognisers, putting their answers together, and what is concluded where one is
missing. Does not belong here: the rules (`flagging.py`, `voting.py`, `trimming.py`, `fluency.py`),
what is known beforehand (`evidence.py`), any recogniser, and reading or writing records.

A recogniser that fails is unknown, not wrong: no word becomes misread because of an outage.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orf_books.activities.activity import Activity
from orf_books.activities.alignment import match_vector
from orf_books.activities.audio import Recording
from orf_books.activities.evidence import (
    PagedRecording,
    PhraseEvidence,
    phrase_evidence,
    said_words,
)
from orf_books.activities.flagging import FlaggingDecision, decide, settled_flags
from orf_books.activities.fluency import fluency_of, longest_pause, reading_events
from orf_books.activities.phonemes import Lexicon, phonetic_match_vector
from orf_books.activities.recognition import (
    Alphabet,
    HeardPhrase,
    HearsPhrases,
    StoryContext,
    TranscribesRecordings,
    Transcript,
)
from orf_books.activities.rescored_activity import (
    PhraseAnswer,
    RescoredActivity,
    RescoredPhrase,
    RescoredWord,
)
from orf_books.activities.story import words_of
from orf_books.activities.trimming import Trimmed, trimmed_flags
from orf_books.activities.voting import VoteRule, Votes, is_misread
from orf_books.failures import OrfBooksError

CODE_VERSION = "1"
"""Changes with whatever gives the same answers another result."""

_Heard = HeardPhrase | OrfBooksError


@dataclass(frozen=True, slots=True)
class Recognisers:
    """Whom to ask, by role; answers that were kept are asked for in the same way."""

    transcriber: TranscribesRecordings
    listener: HearsPhrases
    checker: HearsPhrases

    @property
    def are_drafts(self) -> bool:
        """Whether what one of them hears needs a person's review."""
        return self.transcriber.is_draft or self.listener.is_draft or self.checker.is_draft


async def rescore_activity(
    activity: Activity,
    sound: PagedRecording,
    recognisers: Recognisers,
    lexicon: Lexicon,
    rule: VoteRule = VoteRule.REFERENCE,
) -> RescoredActivity:
    """Decide which words were misread.

    Without role A nobody knows when anything was read, so its failure is the activity's. A failure
    of K or W is unknown for the phrase; a phrase that both fail stays as it was.

    Args:
        activity: with features.
        sound: of the same activity.
        recognisers: role A is asked once, K and W about each phrase that has to be rescored.
        lexicon: how the words of the story sound, for recognisers that answer in phonemes.
        rule: what the three answers come to.

    Raises:
        FixInput: the activity has no usable features, or no page has any of its phrases.
        RetryLater, FixConfiguration, FixInput: as role A raises them.
    """
    story = tuple(map(words_of, activity.phrases))
    context = StoryContext(activity.story_id, activity.tags, story)
    transcript = await recognisers.transcriber.transcribe(sound.recording, context)
    evidence = phrase_evidence(activity, story, sound, transcript)
    rescoring = _Rescoring(sound, context, recognisers, lexicon, rule)
    phrases = tuple(await asyncio.gather(*map(rescoring.rescored, evidence)))

    flags = [phrase.flags for phrase in phrases]
    trimmed = trimmed_flags(flags)
    said = tuple(said_words(transcript, evidence))
    words = [word for phrase in phrases for word in phrase.words]
    attempted = _words_until(trimmed.last_attempted, story)
    return RescoredActivity(
        activity_id=activity.activity_id,
        story_id=activity.story_id,
        phrases=phrases,
        trimmed=trimmed,
        fluency=fluency_of(flags, [[word.span for word in phrase.words] for phrase in phrases]),
        longest_pause=longest_pause(said, attempted),
        events=reading_events(
            [word.text for word in words], [word.misread for word in words], said, attempted
        ),
        rule=rule,
        is_draft=recognisers.are_drafts,
        warnings=tuple(_warnings(sound, recognisers, transcript, phrases, trimmed)),
    )


@dataclass(frozen=True, slots=True)
class _Rescoring:
    """What all phrases of an activity are rescored with."""

    sound: PagedRecording
    context: StoryContext
    recognisers: Recognisers
    lexicon: Lexicon
    rule: VoteRule

    async def rescored(self, phrase: PhraseEvidence) -> RescoredPhrase:
        decided = await self._decided(phrase)
        if (timing := phrase.timing) is None:
            return decided
        span = (timing.start, timing.end) if timing.has_evidence else None
        return replace(decided, span=span, a=PhraseAnswer(timing.parsed))

    async def _decided(self, phrase: PhraseEvidence) -> RescoredPhrase:
        if phrase.obstacle:
            unknown = [None] * len(phrase.words)
            words = _words(phrase, unknown, [Votes()] * len(phrase.words))
            return RescoredPhrase(words, phrase.errors, None, phrase.obstacle, is_rescored=False)
        decision = decide(phrase.heard_by_a, phrase.stored_w, phrase.errors)
        flags = settled_flags(decision.strategy, phrase.errors)
        if flags is None:
            return await self._voted(phrase, decision)
        words = _words(phrase, flags, [Votes(a=heard) for heard in phrase.heard_by_a])
        return RescoredPhrase(words, flags, decision.strategy, decision.reason, is_rescored=True)

    async def _voted(self, phrase: PhraseEvidence, decision: FlaggingDecision) -> RescoredPhrase:
        k, w = await self._answers(phrase)
        heard_by_k, heard_by_w = self._match_vector(phrase, k), self._match_vector(phrase, w)
        votes = list(map(Votes, phrase.heard_by_a, heard_by_k, heard_by_w))
        words = _words(phrase, [is_misread(one, self.rule) for one in votes], votes)
        return RescoredPhrase(
            words=words,
            flags=tuple(bool(word.misread) for word in words),
            strategy=decision.strategy,
            reason=decision.reason,
            is_rescored=not (isinstance(k, OrfBooksError) and isinstance(w, OrfBooksError)),
            k=_answer(k),
            w=_answer(w),
        )

    async def _answers(self, phrase: PhraseEvidence) -> tuple[_Heard, _Heard]:
        """What both roles hear; nobody is asked about a phrase without any sound."""
        recording = phrase.cut_from(self.sound.recording)
        if not recording.pcm:
            return HeardPhrase(""), HeardPhrase("")
        return await asyncio.gather(
            _ask(self.recognisers.listener, recording, self.context, phrase.phrase),
            _ask(self.recognisers.checker, recording, self.context, phrase.phrase),
        )

    def _match_vector(self, phrase: PhraseEvidence, heard: _Heard) -> Sequence[bool | None]:
        if isinstance(heard, OrfBooksError):
            return [None] * len(phrase.words)
        if heard.alphabet is Alphabet.PHONEMES:
            return phonetic_match_vector(phrase.words, heard.text, self.lexicon)
        return match_vector(phrase.words, words_of(heard.text))


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
    phrase: PhraseEvidence, decided: Sequence[bool | None], votes: Sequence[Votes]
) -> tuple[RescoredWord, ...]:
    """The words of a phrase; what is not decided stays as it was."""
    by_word = zip(
        phrase.words,
        decided,
        phrase.by_word(phrase.errors),
        phrase.by_word(phrase.predicted),
        votes,
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
            votes=vote,
            stored_k=stored_k,
            stored_w=stored_w,
            span=span,
        )
        for text, misread, before, predicted, vote, stored_k, stored_w, span in by_word
    )


def _words_until(place: tuple[int, int] | None, story: Sequence[Sequence[str]]) -> int:
    """How many words of the story there are up to one, given by phrase and word."""
    if place is None:
        return 0
    phrase, word = place
    return sum(map(len, story[:phrase])) + word + 1


def _warnings(
    sound: PagedRecording,
    recognisers: Recognisers,
    transcript: Transcript,
    phrases: Sequence[RescoredPhrase],
    trimmed: Trimmed,
) -> Iterator[str]:
    if surplus := sound.fitted.surplus:
        than = "longer" if surplus > 0 else "shorter"
        yield (
            f"The pages' segments are {abs(surplus) / 1000:.1f} s {than} than the recording; their "
            "times were fitted to it."
        )
    if not transcript.words:
        yield "Nothing was heard in the recording."
    if trimmed.last_attempted is None:
        yield "No word was read correctly, so nobody can tell how far the child read."
    left: defaultdict[str, list[str]] = defaultdict(list)
    for number, phrase in enumerate(phrases, start=1):
        if phrase.strategy is None and phrase.words:
            left[phrase.reason].append(str(number))
    for reason, numbers in left.items():
        yield f"Not rescored, because {reason}: phrase {', '.join(numbers)}."
    asked = [(phrase.k, phrase.w) for phrase in phrases if phrase.k and phrase.w]
    failures = Counter(
        (recogniser.engine, answer.failure)
        for answers in asked
        for recogniser, answer in zip(
            (recognisers.listener, recognisers.checker), answers, strict=True
        )
        if answer.failure
    )
    for (engine, failure), times in failures.items():
        yield f"{engine} gave no answer to {times} of {len(asked)} phrases: {failure}."
