"""What is known of each phrase before a recogniser is asked about it alone.

Belongs here: bringing together the first pass, the times and the transcript of role A. Does not
belong here: deciding anything by it (`flagging.py`, `rescoring.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from orf_books.activities.activity import Activity, Flags
from orf_books.activities.alignment import aligned_words
from orf_books.activities.audio import Recording
from orf_books.activities.features import Feature, believed_features
from orf_books.activities.flagging import padded_flags
from orf_books.activities.fluency import SaidWord, Span
from orf_books.activities.manifest import FittedWindows, PageWindow, fit_to_recording
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.activities.story import StoryPage, phrases_by_page, words_of
from orf_books.activities.timing import PageTiming, PhraseTiming, align_pages, as_one_page

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

    @property
    def heard_by_a(self) -> tuple[bool, ...]:
        """Whether role A heard each word."""
        matches = {placed.word for placed in self.placed if placed.is_match}
        return tuple(word in matches for word in range(len(self.words)))

    @property
    def spans(self) -> tuple[Span | None, ...]:
        """When each word was said."""
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
        """The part in which it was read; empty where there is none."""
        return self.timing.cut_from(recording) if self.timing else Recording(b"")


def phrase_evidence(
    activity: Activity,
    story: Sequence[tuple[str, ...]],
    sound: PagedRecording,
    transcript: Transcript,
) -> tuple[PhraseEvidence, ...]:
    """What is known of every phrase of a story.

    Raises:
        FixInput: the activity has no usable features, or no page has any of its phrases.
    """
    features = believed_features(activity.features)
    timings = _timings(story, sound, transcript)
    return tuple(
        _evidence(activity, phrase, words, features.get(phrase), timings.get(phrase))
        for phrase, words in enumerate(story)
    )


def said_words(transcript: Transcript, evidence: Sequence[PhraseEvidence]) -> Iterator[SaidWord]:
    """All words of a transcript, each with the word of the story that it was said for."""
    places: dict[HeardWord, tuple[int, bool]] = {}
    words_before = 0
    for phrase in evidence:
        for placed in phrase.placed:
            places.setdefault(placed.heard, (words_before + placed.word, placed.is_match))
        words_before += len(phrase.words)
    for heard in transcript.words:
        if words := words_of(heard.text):
            word, is_match = places.get(heard, (None, False))
            yield SaidWord(" ".join(words), heard.start, heard.end, word, is_match)


def _timings(
    story: Sequence[tuple[str, ...]], sound: PagedRecording, transcript: Transcript
) -> Mapping[int, PhraseTiming]:
    if sound.pages and sound.windows:
        pages = phrases_by_page(story, sound.pages).pages
        windows = sound.fitted.windows
    else:
        page, window = as_one_page(len(story), sound.milliseconds)
        pages, windows = (page,), (window,)
    return {
        phrase.phrase: phrase
        for timing in align_pages(pages, story, windows, transcript)
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
