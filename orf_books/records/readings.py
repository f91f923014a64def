"""The tables about students' readings: the figures of each, and what people say of its words.

Belongs here: their rows, and the questions that pages and commands ask of them. Does not belong
here: figures (`orf_books/activities/progress.py`), what corrections mean
(`orf_books/activities/word_corrections.py`), results with all their evidence (`activities.py`).

A row of figures is made with the report of an activity, so that a page over all of them need not
read the results again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import Fluency
from orf_books.activities.manifest import FULL_RECORDING
from orf_books.activities.norms import Season
from orf_books.activities.progress import Reading, WordCount
from orf_books.activities.word_corrections import WordCorrection
from orf_books.object_keys import activity_folder
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.resources.tables import Table, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFigures:
    """The figures of a reading: what `Reading` holds, but for its words."""

    activity_id: str
    student_id: str
    """Empty where the record of the activity names no student."""
    story_id: str
    story: str
    read_at: datetime
    is_draft: bool
    grade: int | None
    season: str | None
    attempted: int
    correct: int
    seconds: float | None
    first_attempted: int
    """By the first model, like the other two."""
    first_correct: int
    first_seconds: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    wcpm_low: float | None
    wcpm_high: float | None
    checked_words: int
    made_at: datetime

    def reading(self, words: Iterable[WordCount] = ()) -> Reading:
        """The reading again."""
        return Reading(
            activity_id=self.activity_id,
            story_id=self.story_id,
            story=self.story,
            read_at=self.read_at,
            is_draft=self.is_draft,
            grade=self.grade,
            season=Season(self.season) if self.season else None,
            first_pass=Fluency(self.first_attempted, self.first_correct, self.first_seconds),
            fluency=Fluency(self.attempted, self.correct, self.seconds),
            accuracy_interval=_interval(self.accuracy_low, self.accuracy_high),
            wcpm_interval=_interval(self.wcpm_low, self.wcpm_high),
            checked_words=self.checked_words,
            words=tuple(words),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow(ReadingFigures):
    """A reading with its words."""

    times_attempted: Mapping[str, int]
    """By word."""
    times_misread: Mapping[str, int]

    @classmethod
    def of(cls, reading: Reading, student_id: str | None, made_at: datetime) -> Self:
        """The row of a reading."""
        accuracy, wcpm = reading.accuracy_interval, reading.wcpm_interval
        return cls(
            activity_id=reading.activity_id,
            student_id=student_id or "",
            story_id=reading.story_id,
            story=reading.story,
            read_at=reading.read_at,
            is_draft=reading.is_draft,
            grade=reading.grade,
            season=reading.season,
            attempted=reading.fluency.attempted_words,
            correct=reading.fluency.correct_words,
            seconds=reading.fluency.seconds,
            first_attempted=reading.first_pass.attempted_words,
            first_correct=reading.first_pass.correct_words,
            first_seconds=reading.first_pass.seconds,
            accuracy_low=accuracy.low if accuracy else None,
            accuracy_high=accuracy.high if accuracy else None,
            wcpm_low=wcpm.low if wcpm else None,
            wcpm_high=wcpm.high if wcpm else None,
            checked_words=reading.checked_words,
            made_at=made_at,
            times_attempted={word.text: word.attempted for word in reading.words},
            times_misread={word.text: word.misread for word in reading.words if word.misread},
        )

    @property
    def whole_reading(self) -> Reading:
        """The reading again, with its words."""
        return self.reading(
            WordCount(text, times, self.times_misread.get(text, 0))
            for text, times in self.times_attempted.items()
        )

    @property
    def figures(self) -> ReadingFigures:
        """The figures alone."""
        names = [field.name for field in fields(ReadingFigures)]
        return ReadingFigures(**{name: getattr(self, name) for name in names})


readings = Table("readings", ReadingRow, ("activity_id",), "made_at")
reading_figures = Table("readings", ReadingFigures, ("activity_id",), "made_at")
word_corrections = Table(
    "word_corrections", WordCorrection, ("activity_id", "phrase", "word"), "corrected_at"
)
TABLES: tuple[Table[Any], ...] = (readings, word_corrections)


class ReadingRecords:
    """What the store holds about students' readings."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage, self._tables = storage, Tables(storage)

    def add_readings(self, rows: Sequence[ReadingRow]) -> None:
        """Store the figures of readings; later ones of an activity count instead of earlier."""
        self._tables.append(readings, rows)

    def figures(self) -> dict[str, ReadingFigures]:
        """The figures of all readings, by activity."""
        return {row.activity_id: row for row in self._tables.latest(reading_figures)}

    def readings_of(self, students: Collection[str]) -> dict[str, list[Reading]]:
        """The readings of students, in no order, with their words."""
        import polars as pl

        # The latest row of an activity tells whose it is, so none is left out before it is found.
        of_students = pl.col("student_id").is_in(list(students))
        activities = self._tables.all_frame(reading_figures, of_students)["activity_id"]
        rows = self._tables.latest(readings, pl.col("activity_id").is_in(activities.to_list()))
        by_student = defaultdict[str, list[Reading]](list)
        for row in rows:
            by_student[row.student_id].append(row.whole_reading)
        return {student: by_student[student] for student in students if student in by_student}

    def add_corrections(self, corrections: Sequence[WordCorrection]) -> None:
        """Store what a person says of words; the latest of a word counts."""
        self._tables.append(word_corrections, corrections)

    def corrections(self) -> list[WordCorrection]:
        """The latest correction of each word that has one, of all activities."""
        return self._tables.latest(word_corrections)

    def recording_version(self, activity_id: str) -> str:
        """Changes when the recording is replaced; empty where it is gone."""
        try:
            return self._storage.head(f"{activity_folder(activity_id)}{FULL_RECORDING}").version
        except ObjectNotFoundError:
            return ""


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)
