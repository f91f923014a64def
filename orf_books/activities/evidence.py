"""What is known of each phrase before a recogniser is asked about it alone.

Belongs here: bringing together the first pass, the transcript of role A, and where the phrases were
placed. Does not belong here: deciding anything by it (`flagging.py`, `rescoring.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from orf_books.activities.activity import Activity, Flags
from orf_books.activities.alignment import aligned_words
from orf_books.activities.audio import Recording
from orf_books.activities.calibration import usual_fit
from orf_books.activities.features import Feature, believed_features
from orf_books.activities.flagging import padded_flags
from orf_books.activities.fluency import SaidWord
from orf_books.activities.manifest import FittedWindows, PageWindow, fit_to_recording
from orf_books.activities.recognition import (
    HeardWord,
    PageToHear,
    PlacedPhrase,
    Placement,
    Span,
    StoryContext,
    Transcript,
    WordEvidence,
)
from orf_books.activities.story import PagePhrases, StoryPage, phrases_by_page, words_of
from orf_books.activities.timing import PageTiming, PhraseTiming, align_pages, as_one_page

BEFORE_PLACED_MS, AFTER_PLACED_MS = 400, 300
"""Sound around a placed phrase that recognisers get: alignment puts the first sound late, and the
last one early."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PagedRecording:
    """A full recording, and what tells its pages apart; without either it is one page."""

    recording: Recording
    windows: tuple[PageWindow, ...] = ()
    """When each page was read, as `manifest.page_windows` gives it."""
    pages: tuple[StoryPage, ...] = ()

    @property
    def milliseconds(self) -> int:
        """How long it is."""
        return round(1000 * self.recording.seconds)

    @property
    def fitted(self) -> FittedWindows:
        """The windows, stretched where they do not end with the recording."""
        return fit_to_recording(self.windows, self.milliseconds)


@dataclass(frozen=True, slots=True)
class RecordedStory:
    """The words of a story, and when each of its pages was read."""

    phrases: tuple[tuple[str, ...], ...]
    """The words of each, as `words_of` gives them."""
    pages: Sequence[PagePhrases]
    windows: Sequence[PageWindow]

    @classmethod
    def of(cls, texts: Sequence[str], sound: PagedRecording) -> Self:
        """The story with these phrases."""
        phrases = tuple(map(words_of, texts))
        if sound.pages and sound.windows:
            pages = phrases_by_page(phrases, sound.pages).pages
            return cls(phrases, pages, sound.fitted.windows)
        page, window = as_one_page(len(phrases), sound.milliseconds)
        return cls(phrases, (page,), (window,))


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word that role A heard, and the word of the phrase that it stands for."""

    word: int
    """Index in the phrase."""
    heard: HeardWord
    is_match: bool


@dataclass(frozen=True, slots=True)
class PhraseEvidence:
    """What is known of a phrase. What the first pass says of its words may be of other words."""

    phrase: int
    """Index in the story."""
    words: tuple[str, ...]
    errors: Flags
    """Of the first pass, padded; as they are stored where something is in the way."""
    predicted: Flags
    """What the model of the first pass predicts; empty where its threshold is not known."""
    stored_k: tuple[bool, ...]
    """What Kaldi heard in the first pass; empty where that was not stored."""
    stored_w: tuple[bool, ...]
    """The same of wav2vec."""
    timing: PhraseTiming | None
    """None where the phrase is on no page, or nothing was recorded of its page."""
    placed: tuple[PlacedWord, ...]
    obstacle: str | None
    """What is in the way of deciding anything; None where nothing is."""
    alignment: PlacedPhrase | None = None
    """Where the phrase was placed, and how its words fit there; None where no recogniser places
    phrases: then the words that role A heard tell when it was read."""
    usual_fit: float | None = None
    """Of the reader's words where they were placed."""

    @property
    def heard_by_a(self) -> tuple[bool, ...]:
        """Whether role A heard each word."""
        matches = {placed.word for placed in self.placed if placed.is_match}
        return tuple(word in matches for word in range(len(self.words)))

    @property
    def word_evidence(self) -> tuple[WordEvidence, ...]:
        """How well each word fits where it was placed; empty where the phrase was not placed."""
        return self.alignment.words if self.alignment else ()

    @property
    def span(self) -> Span | None:
        """When it was read; None where nothing was heard of it."""
        if self.alignment:
            return self.alignment.span
        if self.timing is None or not self.timing.has_evidence:
            return None
        return self.timing.start, self.timing.end

    @property
    def spans(self) -> tuple[Span | None, ...]:
        """When each word was said."""
        if self.alignment:
            return tuple(word.span for word in self.alignment.words)
        spans: list[Span | None] = [None] * len(self.words)
        for placed in self.placed:
            start, end = (round(1000 * time) for time in (placed.heard.start, placed.heard.end))
            before = spans[placed.word]
            spans[placed.word] = (before[0] if before else start, end)
        return tuple(spans)

    def by_word(self, values: Sequence[_T]) -> Sequence[_T | None]:
        """One value for each word, None where they are not as many."""
        return values if len(values) == len(self.words) else [None] * len(self.words)

    def cut_from(self, recording: Recording) -> Recording:
        """The part in which it was read, with a margin; empty where there is none."""
        if self.alignment and (span := self.alignment.span):
            return recording.between(span[0] - BEFORE_PLACED_MS, span[1] + AFTER_PLACED_MS)
        return self.timing.cut_from(recording) if self.timing else Recording(b"")


def story_context(activity: Activity, story: RecordedStory) -> StoryContext:
    """What recognisers are told about an activity."""
    spans = {window.page: (window.start, window.end) for window in story.windows}
    recorded = [(spans[page.page], page.phrases) for page in story.pages if page.page in spans]
    return StoryContext(
        activity.story_id,
        activity.tags,
        story.phrases,
        activity.phrases,
        tuple(
            PageToHear(span, phrases)
            for span, phrases in sorted(recorded)
            if phrases and span[0] < span[1]
        ),
    )


def phrase_evidence(
    activity: Activity,
    story: RecordedStory,
    transcript: Transcript,
    placement: Placement | None = None,
) -> tuple[PhraseEvidence, ...]:
    """What is known of every phrase of a story.

    Raises:
        FixInput: the activity has no usable features, or no page has any of its phrases.
    """
    features = believed_features(activity.features)
    timings = _timings(story, transcript)
    placed = {
        one.phrase: one
        for one in (placement.phrases if placement else ())
        if len(one.words) == len(story.phrases[one.phrase])
    }
    usual = usual_fit(word for one in placed.values() for word in one.words)
    return tuple(
        replace(
            _evidence(activity, phrase, words, features.get(phrase), timings.get(phrase)),
            alignment=placed.get(phrase),
            usual_fit=usual,
        )
        for phrase, words in enumerate(story.phrases)
    )


def said_words(transcript: Transcript, evidence: Sequence[PhraseEvidence]) -> Iterator[SaidWord]:
    """All words of a transcript, each with the word of the story that it was said for."""
    # By identity: hashing all fields of each word takes longer than the rest.
    places: dict[int, tuple[int, bool]] = {}
    words_before = 0
    for phrase in evidence:
        for placed in phrase.placed:
            places.setdefault(id(placed.heard), (words_before + placed.word, placed.is_match))
        words_before += len(phrase.words)
    for heard in transcript.words:
        if words := words_of(heard.text):
            word, is_match = places.get(id(heard), (None, False))
            text = " ".join(words)
            yield SaidWord(text, heard.start, heard.end, word, is_match, heard.confidence)


def _timings(story: RecordedStory, transcript: Transcript) -> Mapping[int, PhraseTiming]:
    return {
        phrase.phrase: phrase
        for timing in align_pages(story.pages, story.phrases, story.windows, transcript)
        for phrase in timing.phrases or _silent_phrases(timing)
    }


def _silent_phrases(page: PageTiming) -> Iterator[PhraseTiming]:
    """A page that was recorded, and on which nothing was heard."""
    if page.window:
        for phrase in page.page.phrases:
            yield PhraseTiming(phrase, page.window.start, page.window.start, ())


def _evidence(
    activity: Activity,
    phrase: int,
    words: tuple[str, ...],
    feature: Feature | None,
    timing: PhraseTiming | None,
) -> PhraseEvidence:
    errors = activity.errors[phrase] if phrase < len(activity.errors) else ()
    obstacle = _obstacle(words, errors, feature)
    metadata = activity.models.get(feature.model) if feature else None
    return PhraseEvidence(
        phrase=phrase,
        words=words,
        errors=errors if obstacle else padded_flags(errors, len(words)),
        predicted=feature.predicted_misread(metadata.threshold) if feature and metadata else (),
        stored_k=feature.stored_k if feature else (),
        stored_w=feature.stored_w if feature else (),
        timing=timing,
        placed=tuple(_placed_words(words, timing.heard)) if timing else (),
        obstacle=obstacle or (None if timing else "no page with it was recorded"),
    )


def _obstacle(words: tuple[str, ...], errors: Flags, feature: Feature | None) -> str | None:
    if feature is None:
        return "the first pass has no features of it"
    if len(feature.confidences) != len(words):
        return "the first pass counted other words than it has"
    if len(errors) > len(words):
        return "it has more flags than words"
    return None


def _placed_words(words: tuple[str, ...], heard: Sequence[HeardWord]) -> Iterator[PlacedWord]:
    said = [(word, one) for one in heard for word in words_of(one.text)]
    for pair in aligned_words(words, [word for word, _ in said]):
        if pair.expected is not None and pair.heard is not None:
            yield PlacedWord(pair.expected, said[pair.heard][1], pair.is_match)
