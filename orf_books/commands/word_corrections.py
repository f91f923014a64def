"""Correcting words of a reading: what a person heard is stored, and figures and pages follow.

Belongs here: reading the marks that the page of an activity hands out, and what is made anew. Does
not belong here: what a correction means (`orf_books/activities/word_corrections.py`), educators'
corrections of findings (`corrections.py`), arguments and printing (`orf_books/cli.py`).
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import NonNegativeInt

from orf_books.activities.word_corrections import WordCorrection, applying, is_doubtful
from orf_books.batches.resource import BatchResource
from orf_books.commands.local_runs import run_job
from orf_books.failures import FixInput
from orf_books.partition_keys import activity_key
from orf_books.records.activities import ActivityRecords, RescoredActivityRow
from orf_books.records.readings import ReadingRecords
from orf_books.settings import Settings


class Heard(StrEnum):
    """What a person says of a word."""

    MISREAD = "misread"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class WordMark:
    """One verdict, as the page writes it down."""

    phrase: NonNegativeInt
    """Index in the story."""
    word: NonNegativeInt
    """Index in the phrase."""
    text: str
    """The word of the story."""
    verdict: Heard


@dataclass(frozen=True, slots=True)
class ReadingMarks:
    """What the page of an activity hands out."""

    activity_id: str
    corrected_by: str
    corrected_at: datetime
    corrections: tuple[WordMark, ...]


@dataclass(frozen=True, slots=True)
class WordCorrectionsRun:
    """What came of handing in corrections."""

    activity: str
    stored: int
    confirmed: int
    """Verdicts that the person agreed with."""
    changed: int
    """Verdicts that are another one now."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def correct_words(
    settings: Settings, marks: ReadingMarks, batch: BatchResource
) -> WordCorrectionsRun:
    """Store corrections; make the report, the student's page and the page over all anew.

    Raises:
        FixInput: there is no such activity or word. Nothing is stored then.
        RetryLater: the store does not answer.
    """
    by = marks.corrected_by.strip()
    if not by or not marks.corrections:
        raise FixInput("Corrections need the name of who makes them, and at least one mark.")
    records = ActivityRecords(settings.open_storage())
    key = activity_key(marks.activity_id)
    row = records.results([key]).get(key)
    if row is None:
        raise FixInput(f"Activity {marks.activity_id!r} has no result: look its id up in its page.")
    readings = ReadingRecords(records.storage)
    recording = readings.recording_version(row.activity_id)
    corrections = _corrections(row, replace(marks, corrected_by=by), recording)
    readings.add_corrections(corrections)
    config = {"ops": {"activity_reports": {"config": {"activities": [key]}}}}
    run_job(settings, "refresh_activity_reports", config, batch)
    confirmed = sum(one.is_misread is one.was_flagged for one in corrections)
    return WordCorrectionsRun(
        marks.activity_id, len(corrections), confirmed, len(corrections) - confirmed
    )


def _corrections(
    row: RescoredActivityRow, marks: ReadingMarks, recording: str
) -> list[WordCorrection]:
    """Each mark beside what the recognisers say of its word.

    Raises:
        FixInput: a mark points to no word of the story, or to another one.
    """
    rescored = row.rescored()
    words = {
        (p, w): word
        for p, phrase in enumerate(rescored.phrases)
        for w, word in enumerate(phrase.words)
    }
    corrections = [
        WordCorrection(
            activity_id=row.activity_id,
            phrase=mark.phrase,
            word=mark.word,
            text=mark.text,
            is_misread=mark.verdict is Heard.MISREAD,
            was_flagged=word.misread if word else None,
            was_doubtful=bool(word and is_doubtful(word)),
            code_version=row.code_version,
            recording=recording,
            corrected_by=marks.corrected_by,
            corrected_at=marks.corrected_at.astimezone(UTC),
        )
        for mark in marks.corrections
        for word in [words.get((mark.phrase, mark.word))]
    ]
    known = applying(rescored, corrections)
    if astray := [one for one in corrections if one.place not in known]:
        raise FixInput(
            f"The story of activity {row.activity_id!r} has another text at phrase "
            f"{astray[0].phrase + 1}, word {astray[0].word + 1}: download the marks anew from its "
            "page."
        )
    return corrections
