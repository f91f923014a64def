"""When each phrase was read.

Belongs here: finding the phrases of each page among the words of a transcript. Does not belong
here: when each page was read (`manifest.py`), and what was read rightly (`alignment.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orf_books.activities.alignment import aligned_words
from orf_books.activities.audio import Recording
from orf_books.activities.manifest import PageWindow
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.activities.story import PagePhrases, words_of
from orf_books.failures import FixInput

LATE_MS = 1000
"""So much after a page its words may still begin: windows are not exact."""
PADDING_MS = 200
"""Recognisers cut the first and last sounds of what they get without a margin."""


class NothingToAlign(FixInput, ValueError):
    """There is no transcript, or no page."""


@dataclass(frozen=True, slots=True)
class PhraseTiming:
    """When a phrase was read, in milliseconds from the start of the recording."""

    phrase: int
    """Index in the story."""
    start: int
    end: int
    heard: tuple[HeardWord, ...]
    """All words heard from the first to the last one that was taken for one of the phrase."""

    @property
    def has_evidence(self) -> bool:
        """Whether any word was found; otherwise the times only say where it would have been."""
        return bool(self.heard)

    @property
    def parsed(self) -> str:
        """What was heard, as text."""
        return " ".join(word.text for word in self.heard)

    def cut_from(self, recording: Recording) -> Recording:
        """The part for recognisers, with a margin; empty where the phrase has no length."""
        if self.start >= self.end:
            return Recording(b"")
        return recording.between(self.start - PADDING_MS, self.end + PADDING_MS)


@dataclass(frozen=True, slots=True)
class PageTiming:
    """When the phrases of a page were read."""

    page: PagePhrases
    window: PageWindow | None
    """None where the recording has nothing of this page."""
    phrases: tuple[PhraseTiming, ...]
    """One for each phrase, in order; none where nothing was heard in the window."""


def align_pages(
    pages: Sequence[PagePhrases],
    story: Sequence[Sequence[str]],
    windows: Sequence[PageWindow],
    transcript: Transcript | None,
) -> tuple[PageTiming, ...]:
    """When the phrases of all pages were read; what was heard on one page is not on the next.

    Where a story has no page texts or a recording no segments, use `as_one_page`.

    Args:
        pages: in order.
        story: the words of each phrase.
        windows: of the recording's pages; they belong together by page number.
        transcript: of the full recording.

    Raises:
        NothingToAlign: no pages, or no transcript.
    """
    if transcript is None:
        raise NothingToAlign("No transcript available: transcribe the full recording first.")
    if not pages:
        raise NothingToAlign("No page data available: upload page texts that have the phrases.")
    windows_by_page = {window.page: window for window in windows}
    unused = list(transcript.words)
    timings = []
    for page in pages:
        window = windows_by_page.get(page.page)
        phrases = align_phrases(page, story, window, unused) if window else ()
        used = {id(word) for phrase in phrases for word in phrase.heard}
        unused = [word for word in unused if id(word) not in used]
        timings.append(PageTiming(page, window, phrases))
    return tuple(timings)


def align_phrases(
    page: PagePhrases,
    story: Sequence[Sequence[str]],
    window: PageWindow,
    heard: Sequence[HeardWord],
) -> tuple[PhraseTiming, ...]:
    """When each phrase of a page was read; nothing where nothing was heard in the window.

    Words that were misread count as well where they stand for words of the phrase. Phrases follow
    each other: one that was not found is where the one before it ends.
    """
    near = [word for word in heard if window.start <= _ms(word.start) <= window.end + LATE_MS]
    spoken = [(text, at) for at, word in enumerate(near) for text in words_of(word.text)]
    expected = [(text, phrase) for phrase in page.phrases for text in story[phrase]]
    if not spoken or not expected:
        return ()
    places: defaultdict[int, list[int]] = defaultdict(list)
    for pair in aligned_words([text for text, _ in expected], [text for text, _ in spoken]):
        if pair.expected is not None and pair.heard is not None:
            (_, phrase), (_, at) = expected[pair.expected], spoken[pair.heard]
            # Another word after the page's end is more likely the first of the next page.
            if pair.is_match or _ms(near[at].start) <= window.end:
                places[phrase].append(at)
    timings = []
    end = window.start
    for phrase in page.phrases:
        found = near[places[phrase][0] : places[phrase][-1] + 1] if places[phrase] else []
        start = max([end, *(_ms(word.start) for word in found[:1])])
        end = max([start, *(_ms(word.end) for word in found[-1:])])
        timings.append(PhraseTiming(phrase, start, end, tuple(found)))
    return tuple(timings)


def timings_by_phrase(pages: Iterable[PageTiming]) -> dict[int, PhraseTiming]:
    """The timings by index of the phrase; where there is none, nothing is known of it."""
    return {timing.phrase: timing for page in pages for timing in page.phrases}


def as_one_page(phrases: int, milliseconds: int) -> tuple[PagePhrases, PageWindow]:
    """A page with all phrases of a story, and the window of a whole recording."""
    return PagePhrases(0, tuple(range(phrases))), PageWindow(0, 0, milliseconds, ())


def timing_document(
    transcript: Transcript, pages: Sequence[PageTiming], phrase_texts: Sequence[str]
) -> dict[str, Any]:
    """The timings as a JSON document; phrases without timings are where their page begins."""
    return {
        "full_transcript": transcript.text,
        "pages": [_page_document(page, phrase_texts) for page in pages],
    }


def _page_document(timing: PageTiming, phrase_texts: Sequence[str]) -> dict[str, Any]:
    start, end = (timing.window.start, timing.window.end) if timing.window else (0, 0)
    phrases = timing.phrases or [
        PhraseTiming(phrase, start, start, ()) for phrase in timing.page.phrases
    ]
    return {
        "page_index": timing.page.page,
        "page_start": start,
        "page_end": end,
        "phrases": [
            {
                "phrase_idx": phrase.phrase,
                "start": phrase.start,
                "end": phrase.end,
                "parsed": phrase.parsed,
                "phrase_text": phrase_texts[phrase.phrase],
            }
            for phrase in phrases
        ],
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
