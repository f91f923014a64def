"""The report of one activity: what was read, which words were misread, and why each verdict.

Belongs here: what the page says, in which order and in which words. Does not belong here: verdicts
and figures themselves (`orf_books/activities`), storage.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import quote

from orf_books.activities.activity import Activity
from orf_books.activities.agreement import JudgedReading, agreement_with_previous_flags
from orf_books.activities.flagging import Strategy
from orf_books.activities.fluency import EventKind, Fluency, ReadingEvent
from orf_books.activities.norms import Norm, find_norm
from orf_books.activities.rescored_activity import (
    RescoredActivity,
    RescoredPhrase,
    RescoredWord,
)
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.story import PagePhrases, words_of
from orf_books.activities.timing import PADDING_MS
from orf_books.activities.voting import VoteRule
from orf_books.activities.word_corrections import (
    Place,
    WordCorrection,
    applying,
    corrected,
    is_doubtful,
)
from orf_books.object_keys import activity_data_key, progress_page_key
from orf_books.pages.parts import Bar, bar_length, bars
from orf_books.pages.templating import page_template, secure_or_relative_address

_RULES: Mapping[VoteRule, str] = {
    VoteRule.REFERENCE: "W heard it, or both A and K did",
    VoteRule.MAJORITY: "two of the three heard it",
    VoteRule.CALIBRATED: "what all three heard makes that probable enough",
}
_NOT_SCORED: Mapping[NotScored, str] = {
    NotScored.TOO_SOFT: "too soft",
    NotScored.CLIPPED: "recorded too loud",
    NotScored.NOISY: "too much noise",
    NotScored.SEVERAL_SOUNDS: "another voice or a noise over it",
    NotScored.TOO_SHORT: "too short",
    NotScored.UNLIKE_THE_TEXT: "nothing like the text was heard",
}
_OTHER_EVENTS: Mapping[EventKind, tuple[str, str]] = {
    EventKind.REPETITION: ("R", "Repetition"),
    EventKind.SELF_CORRECTION: ("SC", "Self-correction"),
    EventKind.INSERTION: ("^", "Insertion"),
    EventKind.HESITATION: ("H", "Hesitation"),
}
"""What makes no word misread: its mark, as in running records, and its name."""


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """What a report is made of; where something is missing the page says so."""

    rescored: RescoredActivity
    activity: Activity
    """The same before it was rescored: text as printed, grade and season."""
    rescored_at: datetime
    pages: Sequence[PagePhrases] = ()
    """Which phrases are on which page; empty where that is not known."""
    judged: JudgedReading | None = None
    """Beside what a person labelled."""
    recording_address: str | None = None
    """Where the page gets the recording: https, or a path relative to the page."""
    corrections: Sequence[WordCorrection] = ()
    """What a person heard of words; of each the latest."""
    student_id: str | None = None
    """Pseudonymous; None where the record does not say who read."""


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """What happened before a word and is no error."""

    mark: str
    name: str
    heard: str


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word of the story in the words and marks of the page."""

    word: RescoredWord
    phrase: int
    """Number of its phrase."""
    place: Place
    text: str
    """As it is printed, with the marks around it."""
    miscue: ReadingEvent | None
    """In what way it was misread; None where that is not known, and where it was not."""
    other_events: Sequence[OtherEvent]
    is_undecided: bool
    """Whether it was not rescored, unlike its phrase."""
    is_doubtful: bool
    """Whether its verdict is hardly more probable than the other."""
    is_beyond: bool
    """Whether it is after the last word that was attempted."""
    is_last: bool
    checked: WordCorrection | None
    """What a person heard, which holds instead of the verdict; None where nobody listened."""

    @property
    def said(self) -> str:
        """The verdict of the recognisers that a person can check; empty where there is none."""
        flag = self.checked.was_flagged if self.checked else self.word.misread
        return "" if flag is None else "misread" if flag else "correct"

    @property
    def is_miscue(self) -> bool:
        """Whether it counts as misread."""
        return bool(self.word.misread) and not self.is_beyond

    @property
    def not_scored(self) -> str:
        """Why it could not be scored, in words; empty where it could."""
        return _NOT_SCORED[self.word.not_scored] if self.word.not_scored else ""

    @property
    def has_changed(self) -> bool:
        """Whether its verdict is another than that of the first pass."""
        is_settled = self.word.not_scored is None
        return (
            is_settled
            and not self.checked
            and self.word.misread is not self.word.previously_misread
        )

    @property
    def above(self) -> str:
        """Stands above it where it was misread: what was heard, or a sign."""
        if not self.is_miscue:
            return ""
        return (self.miscue.heard or "—") if self.miscue else "✗"

    @property
    def fault(self) -> str:
        """In what way it was misread, in words."""
        if self.miscue is None:
            return "misread"
        return f"misread as {self.miscue.heard}" if self.miscue.heard else "left out"

    @property
    def remark(self) -> str:
        """All that its marks say, for those who do not see them."""
        return "; ".join(self._remarks())

    def _remarks(self) -> Iterator[str]:
        if self.is_miscue:
            yield self.fault
        if self.checked:
            yield f"checked by a person: {'misread' if self.checked.is_misread else 'correct'}"
            return
        if self.not_scored:
            yield f"could not be scored: {self.not_scored}"
        elif self.word.misread is None:
            yield "no verdict"
        elif self.is_undecided:
            yield "not rescored"
        if self.is_doubtful:
            yield "doubtful"
        if self.has_changed:
            yield f"before: {'misread' if self.word.previously_misread else 'correct'}"


@dataclass(frozen=True, slots=True)
class ShownPhrase:
    """A phrase of the story in the words of the page."""

    number: int
    text: str
    phrase: RescoredPhrase
    words: Sequence[ShownWord]
    note: str
    """What makes it unlike the others; empty where nothing does."""
    decision: str
    audible: tuple[float, float] | None
    """What to play of it, in seconds, with the margin that recognisers get."""

    @property
    def changed_words(self) -> Sequence[ShownWord]:
        """Those whose verdict is another than that of the first pass."""
        return [word for word in self.words if word.has_changed]


@dataclass(frozen=True, slots=True)
class ShownPage:
    """Phrases that follow each other on a page."""

    heading: str | None
    """None where pages are not known."""
    phrases: Sequence[ShownPhrase]


def render_activity_page(report: ActivityReport) -> str:
    """Make the page: one HTML file that needs nothing else but the recording, where there is one.

    It lies where `activity_page_key` says, beside the data.

    Raises:
        ValueError: the activity before and after have other phrases.
    """
    by_recognisers, activity = report.rescored, report.activity
    corrections = applying(by_recognisers, report.corrections)
    rescored = corrected(by_recognisers, corrections)
    report = replace(report, rescored=rescored)
    phrases = list(_shown_phrases(report, corrections))
    words = [word for phrase in phrases for word in phrase.words]
    norm = _norm_for(activity)
    wcpm = rescored.fluency.wcpm
    return page_template("activity.html.jinja").render(
        rescored_at=report.rescored_at,
        story=activity.phrases[0].strip(),
        data_address=quote(PurePosixPath(activity_data_key(rescored.activity_id)).name),
        rescored=rescored,
        fluency=rescored.fluency,
        is_reach_known=rescored.trimmed.last_attempted is not None,
        miscues=_miscue_bars(rescored.fluency, words),
        other_events=_other_event_bars(words, rescored),
        are_additions_known=rescored.are_additions_known,
        are_words_placed=rescored.are_words_placed and rescored.rule is VoteRule.CALIBRATED,
        grade=activity.grade,
        season=activity.season,
        norm=norm,
        norm_bars=_norm_bars(norm, wcpm) if norm and wcpm is not None else (),
        agreement=agreement_with_previous_flags(by_recognisers.words),
        judged=report.judged,
        rule=_RULES[rescored.rule],
        words=words,
        pages=list(_shown_pages(report.pages, phrases)),
        changed=sum(word.has_changed for word in words),
        undecided=sum(not word.is_rescored and not word.not_scored for word in rescored.words),
        not_scored=sum(word.not_scored is not None for word in rescored.words),
        why_not_scored=_NOT_SCORED[rescored.not_scored] if rescored.not_scored else "",
        doubtful=sum(word.is_doubtful for word in words),
        recording=secure_or_relative_address(report.recording_address),
        checked=len(corrections),
        student_id=report.student_id,
        progress_address=_progress_address(report.student_id),
    )


def _progress_address(student_id: str | None) -> str | None:
    """Of the page of the student's readings."""
    if student_id is None:
        return None
    return f"students/{quote(PurePosixPath(progress_page_key(student_id)).name)}"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of the words of a reading besides their verdicts."""

    events: Mapping[Place, Sequence[ReadingEvent]]
    corrections: Mapping[Place, WordCorrection]
    last: Place | None
    """The last word that was attempted."""


def _shown_phrases(
    report: ActivityReport, corrections: Mapping[Place, WordCorrection]
) -> Iterator[ShownPhrase]:
    rescored = report.rescored
    reading = _Reading(_events_by_place(rescored), corrections, rescored.trimmed.last_attempted)
    texts = report.activity.phrases
    for index, (phrase, text) in enumerate(zip(rescored.phrases, texts, strict=True)):
        words = [
            _shown_word(phrase, (index, at), as_printed, reading)
            for at, as_printed in enumerate(_printed_words(text, phrase.words))
        ]
        yield ShownPhrase(
            number=index + 1,
            text=text,
            phrase=phrase,
            words=words,
            note=_note(phrase, words),
            decision=_decision(phrase),
            audible=_audible(phrase),
        )


def _events_by_place(rescored: RescoredActivity) -> Mapping[Place, Sequence[ReadingEvent]]:
    """What happened at each word; nothing where nothing can have been heard, so nobody knows."""
    places = [
        (index, at)
        for index, phrase in enumerate(rescored.phrases)
        for at in range(len(phrase.words))
    ]
    events: defaultdict[Place, list[ReadingEvent]] = defaultdict(list)
    for event in rescored.events:
        place = places[event.word]
        if rescored.phrases[place[0]].a:
            events[place].append(event)
    return events


def _printed_words(text: str, words: Sequence[RescoredWord]) -> Sequence[str]:
    """The words as printed; as they are compared where the text has others."""
    printed = [""]
    for token in text.split():
        if words_of(printed[-1]) and words_of(token):
            printed.append(token)
        else:
            printed[-1] = f"{printed[-1]} {token}".lstrip()
    return printed if len(printed) == len(words) else [word.text for word in words]


def _shown_word(
    phrase: RescoredPhrase, place: Place, as_printed: str, reading: _Reading
) -> ShownWord:
    word, last = phrase.words[place[1]], reading.last
    events, checked = reading.events[place], reading.corrections.get(place)
    return ShownWord(
        word=word,
        phrase=place[0] + 1,
        place=place,
        text=as_printed,
        miscue=next((event for event in events if event.kind not in _OTHER_EVENTS), None),
        other_events=[
            OtherEvent(*_OTHER_EVENTS[event.kind], event.heard)
            for event in events
            if event.kind in _OTHER_EVENTS
        ],
        is_undecided=phrase.is_rescored and not word.is_rescored and not word.not_scored,
        is_doubtful=not checked and is_doubtful(word) and (last is None or place <= last),
        is_beyond=last is not None and place > last,
        is_last=place == last,
        checked=checked,
    )


def _note(phrase: RescoredPhrase, words: Sequence[ShownWord]) -> str:
    if not words:
        return "No words"
    if all(word.is_beyond for word in words):
        return "Not attempted"
    if phrase.not_scored:
        return f"Could not be scored: {_NOT_SCORED[phrase.not_scored]}"
    if not phrase.is_rescored:
        return "Not rescored"
    return "" if all(word.is_rescored for word in phrase.words) else "Partly rescored"


def _decision(phrase: RescoredPhrase) -> str:
    match phrase.strategy:
        case Strategy.KEEP_ORIGINAL:
            return "First pass kept"
        case Strategy.MARK_ALL_ERRORS:
            return "All words marked as misread"
        case Strategy.RESCORE_PHRASE if phrase.is_rescored:
            return "Voted on"
        case Strategy.RESCORE_PHRASE:
            return "Not rescored, since neither K nor W answered"
        case None:
            return "Not rescored"


def _audible(phrase: RescoredPhrase) -> tuple[float, float] | None:
    if phrase.span is None:
        return None
    start, end = phrase.span
    return max(0, start - PADDING_MS) / 1000, (end + PADDING_MS) / 1000


def _shown_pages(
    pages: Sequence[PagePhrases], phrases: Sequence[ShownPhrase]
) -> Iterator[ShownPage]:
    headings = {index: f"Page {page.page + 1}" for page in pages for index in page.phrases}
    elsewhere = "On no page" if pages else None
    for heading, together in groupby(
        phrases, key=lambda phrase: headings.get(phrase.number - 1, elsewhere)
    ):
        yield ShownPage(heading, list(together))


def _miscue_bars(fluency: Fluency, words: Sequence[ShownWord]) -> Sequence[Bar]:
    kinds = Counter(word.miscue.kind for word in words if word.is_miscue and word.miscue)
    misread = fluency.attempted_words - fluency.correct_words
    return bars(
        {
            "Substitutions": kinds[EventKind.SUBSTITUTION],
            "Omissions": kinds[EventKind.OMISSION],
            "Of unknown kind": misread - kinds.total(),
        }
    )


def _other_event_bars(words: Sequence[ShownWord], rescored: RescoredActivity) -> Sequence[Bar]:
    """How often each kind happened; kinds that are not known are left out."""
    names = Counter(event.name for word in words for event in word.other_events)
    told = [
        name
        for kind, (_, name) in _OTHER_EVENTS.items()
        if rescored.are_additions_known or kind is EventKind.HESITATION
    ]
    return bars({f"{name}s": names[name] for name in told})


def _norm_for(activity: Activity) -> Norm | None:
    if activity.grade is None or activity.season is None:
        return None
    return find_norm(activity.grade, activity.season)


def _norm_bars(norm: Norm, wcpm: float) -> Sequence[Bar]:
    """The percentiles and the reading among them, the fastest first."""
    words = {f"{rank}th percentile": of for rank, of in norm.percentiles.items()}
    ranked = sorted({"This reading": round(wcpm, 1), **words}.items(), key=lambda one: -one[1])
    return [Bar(label, of, bar_length(of, ranked[0][1])) for label, of in ranked]
