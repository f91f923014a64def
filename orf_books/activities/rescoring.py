"""The work on one activity: which words were misread, and what that says of the reading.

Belongs here: asking role A and the placer, and what the verdicts on all phrases come to. Does not
belong here: one phrase (`phrase_rescoring.py`), what is known beforehand (`evidence.py`), any
recogniser, and reading or writing records.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from orf_books.activities.activity import Activity
from orf_books.activities.audio import Recording
from orf_books.activities.calibration import (
    Calibration,
    Interval,
    bundled_calibration,
    correct_words,
)
from orf_books.activities.evidence import (
    PagedRecording,
    PhraseEvidence,
    RecordedStory,
    phrase_evidence,
    said_words,
    story_context,
)
from orf_books.activities.fluency import (
    ADDITIONS,
    ReadingEvent,
    SaidWord,
    fluency_of,
    longest_pause,
    reading_events,
)
from orf_books.activities.not_scored import (
    reading_obstacle,
    unscored,
    without_unscored_phrases,
)
from orf_books.activities.phonemes import Lexicon
from orf_books.activities.phrase_rescoring import PhraseRescoring
from orf_books.activities.placed_events import PlacedWord, placed_events
from orf_books.activities.recognition import (
    Placement,
    PlacesPhrases,
    Recognisers,
    StoryContext,
    Transcript,
)
from orf_books.activities.rescored_activity import (
    RescoredActivity,
    RescoredPhrase,
    RescoredWord,
)
from orf_books.activities.sound_quality import NotScored, sounding_ms, speech_decibels
from orf_books.activities.trimming import Trimmed, trimmed_flags
from orf_books.activities.voting import VoteRule
from orf_books.failures import OrfBooksError

CODE_VERSION = "5"
"""Changes with whatever gives the same answers another result."""


async def rescore_activity(  # noqa: PLR0913, PLR0917 - the last two have defaults
    activity: Activity,
    sound: PagedRecording,
    recognisers: Recognisers,
    lexicon: Lexicon,
    rule: VoteRule = VoteRule.REFERENCE,
    calibration: Calibration | None = None,
) -> RescoredActivity:
    """Decide which words were misread.

    Without role A nobody knows what was said, so its failure is the activity's. A failure of K or W
    is unknown for the phrase; a phrase that both fail stays as it was. Where placing fails, role A
    tells when each phrase was read.

    Args:
        activity: with features.
        sound: of the same activity.
        recognisers: A and the placer are asked once, K and W about each phrase that has to be
            rescored.
        lexicon: how the words of the story sound, for recognisers that answer in phonemes.
        rule: what the answers come to.
        calibration: for the calibrated rule; by default the bundled one.

    Raises:
        FixInput: the activity has no usable features, or no page has any of its phrases.
        RetryLater, FixConfiguration, FixInput: as role A raises them.
    """
    story = RecordedStory.of(activity.phrases, sound)
    context = story_context(activity, story)
    transcript, placement = await asyncio.gather(
        recognisers.transcriber.transcribe(sound.recording, context),
        _place(recognisers.placer, sound.recording, context),
    )
    placed = placement if isinstance(placement, Placement) else None
    evidence = phrase_evidence(activity, story, transcript, placed)
    rescoring = PhraseRescoring(
        sound, context, recognisers, transcript, lexicon, rule, calibration or bundled_calibration()
    )
    phrases = tuple(await asyncio.gather(*map(rescoring.rescored, evidence)))
    obstacle = None
    if rule is VoteRule.CALIBRATED:
        phrases = without_unscored_phrases(phrases, sound.recording)
        obstacle = _reading_obstacle(phrases, sound.recording, transcript)
    if obstacle:
        phrases = tuple(unscored(phrase, obstacle) for phrase in phrases)
    failure = placement if isinstance(placement, OrfBooksError) else None
    return _summary(activity, rescoring, evidence, phrases, obstacle, failure)


def _summary(  # noqa: PLR0913, PLR0917 - all that is known of a reading
    activity: Activity,
    rescoring: PhraseRescoring,
    evidence: Sequence[PhraseEvidence],
    phrases: tuple[RescoredPhrase, ...],
    obstacle: NotScored | None,
    placing_failure: OrfBooksError | None,
) -> RescoredActivity:
    """What the verdicts on all words come to."""
    flags = [_flags(phrase) for phrase in phrases]
    spans = [[word.span for word in phrase.words] for phrase in phrases]
    trimmed = trimmed_flags(flags)
    said = tuple(said_words(rescoring.transcript, evidence))
    words = [word for phrase in phrases for word in phrase.words]
    is_placed = any(phrase.alignment for phrase in evidence)
    # Transcribers stretch words over pauses; alignment does not.
    timed = tuple(_timed(words)) if is_placed else said
    attempted = _words_until(trimmed.last_attempted, [phrase.words for phrase in phrases])
    fluency = fluency_of(flags, spans)
    correct = _correct_words(words[:attempted], rescoring.calibration.spread)
    return RescoredActivity(
        activity_id=activity.activity_id,
        story_id=activity.story_id,
        phrases=phrases,
        trimmed=trimmed,
        fluency=fluency,
        longest_pause=longest_pause(timed, attempted),
        events=_events(words, said, attempted, rescoring, is_placed=is_placed),
        rule=rescoring.rule,
        is_draft=rescoring.recognisers.are_drafts,
        warnings=tuple(_warnings(rescoring, phrases, trimmed, placing_failure)),
        not_scored=obstacle,
        accuracy_interval=correct and _scaled(correct, 1, fluency.attempted_words),
        wcpm_interval=correct and _scaled(correct, 60, fluency.seconds),
    )


def _timed(words: Sequence[RescoredWord]) -> Iterator[SaidWord]:
    for place, word in enumerate(words):
        if word.span:
            start, end = word.span
            yield SaidWord(word.text, start / 1000, end / 1000, place, is_match=True)


def _events(
    words: Sequence[RescoredWord],
    said: Sequence[SaidWord],
    attempted: int,
    rescoring: PhraseRescoring,
    *,
    is_placed: bool,
) -> tuple[ReadingEvent, ...]:
    """What happened while the attempted words were read, as far as it is known."""
    rule, recording = rescoring.rule, rescoring.sound.recording
    if rule is not VoteRule.CALIBRATED or not is_placed:
        events = reading_events(
            [word.text for word in words], [word.misread for word in words], said, attempted
        )
        unknown = ADDITIONS if rule is VoteRule.CALIBRATED else frozenset()
        return tuple(event for event in events if event.kind not in unknown)
    heard = {one.word: one.text for one in said if not one.is_match and one.is_certain}
    speech = speech_decibels(recording) or 0.0
    return placed_events(
        [
            PlacedWord(
                text=word.text,
                is_misread=bool(word.misread),
                span=word.span,
                is_repeated=bool(word.w_evidence and word.w_evidence.is_repeated),
                before=word.w_evidence.before if word.w_evidence else None,
                heard=heard.get(place, ""),
            )
            for place, word in enumerate(words[:attempted])
        ],
        lambda span: sounding_ms(recording.between(*span), speech),
    )


def _flags(phrase: RescoredPhrase) -> Sequence[bool | None]:
    """The flags of a phrase, None for a word that could not be scored."""
    if len(phrase.words) != len(phrase.flags):
        return phrase.flags
    by_word = zip(phrase.words, phrase.flags, strict=True)
    return [None if word.not_scored else flag for word, flag in by_word]


def _correct_words(attempted: Sequence[RescoredWord], spread: float) -> Interval | None:
    """How many of the attempted words were read correctly; None where no probability is known."""
    scored = [word for word in attempted if not word.not_scored]
    if all(word.probability is None for word in scored):
        return None
    probabilities = [
        float(bool(word.misread)) if word.probability is None else word.probability
        for word in scored
    ]
    return correct_words(probabilities, spread)


def _scaled(interval: Interval, factor: float, by: float | None) -> Interval | None:
    if not by:
        return None
    return Interval(factor * interval.low / by, factor * interval.high / by)


async def _place(
    placer: PlacesPhrases | None, recording: Recording, story: StoryContext
) -> Placement | OrfBooksError | None:
    if placer is None:
        return None
    try:
        return await placer.place(recording, story)
    except OrfBooksError as failure:
        return failure


def _reading_obstacle(
    phrases: Sequence[RescoredPhrase], recording: Recording, transcript: Transcript
) -> NotScored | None:
    if not transcript.words and recording.is_silent:
        return NotScored.TOO_SOFT
    last = trimmed_flags([_flags(phrase) for phrase in phrases]).last_attempted
    words = [word for phrase in phrases for word in phrase.words]
    attempted = words[: _words_until(last, [phrase.words for phrase in phrases])]
    return reading_obstacle(attempted or words, recording)


def _words_until(place: tuple[int, int] | None, story: Sequence[Sequence[object]]) -> int:
    """How many words of the story there are up to one, given by phrase and word."""
    if place is None:
        return 0
    phrase, word = place
    return sum(map(len, story[:phrase])) + word + 1


def _warnings(
    rescoring: PhraseRescoring,
    phrases: Sequence[RescoredPhrase],
    trimmed: Trimmed,
    placing_failure: OrfBooksError | None,
) -> Iterator[str]:
    sound, recognisers = rescoring.sound, rescoring.recognisers
    if placing_failure and recognisers.placer:
        yield f"{recognisers.placer.engine} did not place the phrases: {placing_failure.category}."
    if surplus := sound.fitted.surplus:
        than = "longer" if surplus > 0 else "shorter"
        yield (
            f"The pages' segments are {abs(surplus) / 1000:.1f} s {than} than the recording; their "
            "times were fitted to it."
        )
    if not rescoring.transcript.words:
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
