"""Readings whose figures were counted by hand, for the numbers of progress, risk and practice.

The story has ten words, one a second, each 0.6 s long: read to its end it takes 9.6 s, so that each
word that was read correctly is worth 6.25 words a minute. `HASTY` reads a word every 0.4 s, 0.24 s
long: 3.84 s, and 15.625 words a minute for each.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from orf_books.activities.activity import Flags
from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import EventKind, ReadingEvent, fluency_of
from orf_books.activities.norms import Season
from orf_books.activities.progress import Progress, Reading, first_pass_fluency, word_counts
from orf_books.activities.rescored_activity import (
    PhraseAnswer,
    RescoredActivity,
    RescoredPhrase,
    RescoredWord,
)
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.trimming import trimmed_flags
from orf_books.activities.voting import VoteRule, Votes
from orf_books.activities.word_corrections import WordCorrection

STORY = ("The cat sat down", "on the red mat", "and slept.")
WORDS = (("the", "cat", "sat", "down"), ("on", "the", "red", "mat"), ("and", "slept"))
STEADY, HASTY = 1000, 400
"""Milliseconds from word to word."""
ADA = "3f6c0a1e-0000-4000-8000-00000000000a"
BEN = "3f6c0a1e-0000-4000-8000-00000000000b"
CY = "3f6c0a1e-0000-4000-8000-00000000000c"


def rescored(
    now: str, before: str = "", pace: int = STEADY, doubtful: Sequence[tuple[int, int]] = ()
) -> RescoredActivity:
    """A reading by its marks, `....|...x|..`; `?` could not be scored.

    Args:
        now: the verdicts, by phrase.
        before: the flags of the first model; those of `now` where it is empty.
        pace: milliseconds from word to word.
        doubtful: places of words whose verdict is in doubt.
    """
    first = (before or now).split("|")
    phrases, at = [], 0
    for p, marks in enumerate(now.split("|")):
        words = []
        for w, mark in enumerate(marks):
            misread = None if mark == "?" else mark == "x"
            words.append(
                RescoredWord(
                    text=WORDS[p][w],
                    misread=misread,
                    is_rescored=True,
                    previously_misread=first[p][w] == "x",
                    predicted_misread=None,
                    votes=Votes(),
                    stored_k=None,
                    stored_w=None,
                    span=(at, at + pace * 6 // 10),
                    probability=0.5 if (p, w) in doubtful else 0.99 if misread else 0.01,
                    not_scored=NotScored.NOISY if misread is None else None,
                )
            )
            at += pace
        flags: Flags = tuple(bool(word.misread) for word in words)
        phrases.append(
            RescoredPhrase(
                tuple(words),
                flags,
                None,
                "counted",
                is_rescored=True,
                span=(at - pace * len(words), at),
                a=PhraseAnswer("something"),
            )
        )
    verdicts = [[word.misread for word in phrase.words] for phrase in phrases]
    events = [
        ReadingEvent(EventKind.SUBSTITUTION, place, "something")
        for place, misread in enumerate(flag for row in verdicts for flag in row)
        if misread
    ]
    return RescoredActivity(
        activity_id="a-1",
        story_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        phrases=tuple(phrases),
        trimmed=trimmed_flags(verdicts),
        fluency=fluency_of(verdicts, [[word.span for word in one.words] for one in phrases]),
        longest_pause=None,
        events=tuple(events),
        rule=VoteRule.CALIBRATED,
        is_draft=True,
        warnings=(),
        accuracy_interval=Interval(0.7, 0.9),
        wcpm_interval=Interval(45.0, 55.0),
    )


def reading(
    activity_id: str, day: str, season: Season, result: RescoredActivity, grade: int | None = 2
) -> Reading:
    """A reading of a day such as `2025-10-01`."""
    return Reading(
        activity_id=activity_id,
        story_id=result.story_id,
        story=STORY[0],
        read_at=datetime.fromisoformat(day).replace(tzinfo=UTC),
        is_draft=result.is_draft,
        grade=grade,
        season=season,
        first_pass=first_pass_fluency(result),
        fluency=result.fluency,
        accuracy_interval=result.accuracy_interval,
        wcpm_interval=result.wcpm_interval,
        checked_words=0,
        words=word_counts(result),
    )


FALL_READING = reading("ada-1", "2025-10-01", Season.FALL, rescored("....|.x.x|..", "x...|.x.x|.x"))
"""Now 8 of 10 words in 9.6 s: 50 a minute. Before, 6 of the 9 up to `and`, in 8.6 s: 41.86."""
WINTER_READING = reading("ada-2", "2026-01-15", Season.WINTER, rescored("..x.|.x..|.."))
"""8 of 10 words in 9.6 s: 50 a minute, where the 25th percentile is 59 and the 50th 84."""
PROGRESS = Progress.of(ADA, [WINTER_READING, FALL_READING])
STUDENTS = (
    PROGRESS,
    # 62.5 a minute: not below 59, and more than ten below 84.
    Progress.of(BEN, [reading("ben-1", "2026-01-16", Season.WINTER, rescored("....|....|.."))]),
    # 156.25 a minute.
    Progress.of(
        CY,
        [reading("cy-1", "2026-01-16", Season.WINTER, rescored("....|....|..", pace=HASTY))],
    ),
)


def correction(place: tuple[int, int], *, is_misread: bool, **changes: object) -> WordCorrection:
    """What a person says of a word of the fall reading."""
    phrase, word = place
    whole = WordCorrection(
        activity_id="a-1",
        phrase=phrase,
        word=word,
        text=WORDS[phrase][word],
        is_misread=is_misread,
        was_flagged=True,
        was_doubtful=False,
        code_version="1",
        recording="version",
        corrected_by="Ms. Rivera",
        corrected_at=datetime(2026, 1, 20, 12, tzinfo=UTC),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]
