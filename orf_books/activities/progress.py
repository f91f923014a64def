"""What a student's readings come to: figures over time, the goal, the risk, words to practise.

Belongs here: every number in the page of a student's readings, and the rules behind it. Does not
belong here: figures of one reading (`fluency.py`), the norms (`norms.py`), the page itself
(`orf_books/pages/progress_page.py`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import fmean

from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import Fluency, fluency_of
from orf_books.activities.norms import Norm, Season, find_norm
from orf_books.activities.rescored_activity import RescoredActivity

READINGS_FOR_RISK = 2
"""By the rule of `Norm.needs_fluency_support`, the mean of two readings counts."""
READINGS_TO_PRACTISE = 5
"""Words are collected from so many of the latest readings."""
MOST_WORDS_TO_PRACTISE = 15
AT_RISK_BELOW = 25
"""Percentile; the lowest quarter of a grade."""


class Risk(StrEnum):
    """How a student stands to the norm of the grade, by words correct per minute."""

    HIGH = "high"
    """Below the 25th percentile."""
    SOME = "some"
    """Not so low, but 10 or more words below the 50th percentile."""
    LOW = "low"
    """Less than 10 words below the 50th percentile, or above it."""
    UNKNOWN = "unknown"
    """No rate is known, or no norm fits."""


@dataclass(frozen=True, slots=True)
class WordCount:
    """How often a word was attempted and scored in a reading, and how often it was misread."""

    text: str
    attempted: int
    misread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading, as the page of a student shows it."""

    activity_id: str
    story_id: str
    story: str
    """How it begins."""
    read_at: datetime
    is_draft: bool
    grade: int | None
    season: Season | None
    first_pass: Fluency
    """By the flags of the first model, before anything was rescored."""
    fluency: Fluency
    """By the verdicts that hold now, people's corrections among them."""
    accuracy_interval: Interval | None
    wcpm_interval: Interval | None
    checked_words: int
    """Words that a person listened to."""
    words: tuple[WordCount, ...] = ()
    """Of the attempted part."""

    @property
    def norm(self) -> Norm | None:
        """Of the grade in the season; None where none is published, or either is unknown."""
        if self.grade is None or self.season is None:
            return None
        return find_norm(self.grade, self.season)

    @property
    def goal(self) -> int | None:
        """Words correct per minute at the 50th percentile of the grade in the season."""
        return self.norm.percentiles[50] if self.norm else None


@dataclass(frozen=True, slots=True)
class PractisedWord:
    """A word to practise."""

    text: str
    misread: int
    """How often, over the latest readings."""
    attempted: int
    readings: int
    """In how many of them it was misread."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The readings of one student."""

    student_id: str
    readings: tuple[Reading, ...]
    """The oldest first; at least one."""

    @classmethod
    def of(cls, student_id: str, readings: Iterable[Reading]) -> "Progress":
        """Bring readings into their order."""
        by_time = sorted(readings, key=lambda reading: (reading.read_at, reading.activity_id))
        return cls(student_id, tuple(by_time))

    @property
    def latest(self) -> Reading:
        """The last one."""
        return self.readings[-1]

    @property
    def rated(self) -> Sequence[Reading]:
        """The latest two readings of the present grade whose rate is known, by which risk goes."""
        of_grade = [
            reading
            for reading in self.readings
            if reading.fluency.wcpm is not None and reading.grade == self.latest.grade
        ]
        return of_grade[-READINGS_FOR_RISK:]

    @property
    def recent_wcpm(self) -> float | None:
        """Mean of their words correct per minute; None where there are none."""
        rates = [reading.fluency.wcpm for reading in self.rated if reading.fluency.wcpm is not None]
        return fmean(rates) if rates else None

    @property
    def risk(self) -> Risk:
        """How the student stands to the norm of the latest reading."""
        return risk_of(self.recent_wcpm, self.latest.norm)

    @property
    def words_to_practise(self) -> list[PractisedWord]:
        """Words most often misread over the latest readings, the most frequent first."""
        latest = self.readings[-READINGS_TO_PRACTISE:]
        attempted, misread, readings = Counter[str](), Counter[str](), Counter[str]()
        for word in (word for reading in latest for word in reading.words):
            attempted[word.text] += word.attempted
            misread[word.text] += word.misread
            readings[word.text] += bool(word.misread)
        words = [
            PractisedWord(text, times, attempted[text], readings[text])
            for text, times in misread.items()
            if times
        ]
        words.sort(key=lambda word: (-word.misread, -word.misread / word.attempted, word.text))
        return words[:MOST_WORDS_TO_PRACTISE]


def risk_of(wcpm: float | None, norm: Norm | None) -> Risk:
    """How a rate of words correct per minute stands to a norm."""
    if wcpm is None or norm is None:
        return Risk.UNKNOWN
    if wcpm < norm.percentiles[AT_RISK_BELOW]:
        return Risk.HIGH
    return Risk.SOME if norm.needs_fluency_support(wcpm) else Risk.LOW


def first_pass_fluency(rescored: RescoredActivity) -> Fluency:
    """How fluently a story was read by the flags that the first model had given."""
    return fluency_of(
        [[word.previously_misread for word in phrase.words] for phrase in rescored.phrases],
        [[word.span for word in phrase.words] for phrase in rescored.phrases],
    )


def word_counts(rescored: RescoredActivity) -> tuple[WordCount, ...]:
    """How often each word of the attempted part was read and misread, in the order of the story."""
    last = rescored.trimmed.last_attempted
    if last is None:
        return ()
    attempted, misread = Counter[str](), Counter[str]()
    for p, phrase in enumerate(rescored.phrases):
        for w, word in enumerate(phrase.words):
            if (p, w) <= last and word.misread is not None:
                attempted[word.text] += 1
                misread[word.text] += word.misread
    return tuple(WordCount(text, times, misread[text]) for text, times in attempted.items())
