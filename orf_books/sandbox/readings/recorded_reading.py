"""The bundled readings: synthetic speech with planted departures from two stories, and its truth.

Belongs here: reading what is bundled, and laying it out as uploads. Does not belong here: making
it (`make.py`). No child is heard in it, and no figure from it says anything about children.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from orf_books.activities.audio import Recording, read_recording
from orf_books.activities.story import words_of
from orf_books.sandbox.readings.plan import Planted
from orf_books.sandbox.readings.stories import Story, stories
from orf_books.sandbox.readings.voices import Voice

RECORDED = Path(__file__).with_name("recorded")
Half = Literal["tuning", "held-out"]
Times = tuple[tuple[float, float], ...]
LISTENER = "constrained_check"
THRESHOLD = 0.55
_SURE, _UNSURE = 0.9, 0.1
STUDENT = "3f6c0a1e-52d7-4c0b-9f4e-8a61d0c7b215"
"""Stands for whoever reads all of them, so that a student's page has something to show."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads what, and how badly."""

    reading_id: str
    story: int
    """Which of the stories."""
    half: Half
    seed: int
    errors: float
    """How often the reader departs from the text, 1 being average."""
    noise: float | None
    """Decibels by which a room's noise lies below the speech."""
    voice: Voice


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """One reading. No parameter was chosen by readings of the half that is held out."""

    reading_id: str
    story_id: str
    half: Half
    pages: Times
    """When each page was read, in seconds."""
    phrases: Times
    misread: tuple[tuple[bool, ...], ...]
    """The truth: omissions and substitutions, by phrase and word."""
    planted: tuple[tuple[Planted, ...], ...]
    flagged: tuple[tuple[bool, ...], ...]
    """What the first pass has flagged: words that the constrained check (role W) did not hear when
    it was given each phrase as it lies in the recording."""
    heard_freely: tuple[tuple[bool, ...], ...]
    """What role K heard then."""

    @property
    def story(self) -> Story:
        """What is read."""
        return next(story for story in stories() if story.story_id == self.story_id)

    def recording(self) -> Recording:
        """Its sound."""
        return read_recording((RECORDED / f"{self.reading_id}.ogg").read_bytes())


def recorded_readings(half: Half | None = None) -> Iterator[RecordedReading]:
    """All readings, or those of one half."""
    adapter = TypeAdapter(RecordedReading)
    for path in sorted(RECORDED.glob("*.json")):
        reading = adapter.validate_json(path.read_bytes())
        if half in (None, reading.half):
            yield reading


def write_folders(folder: Path, half: Half | None = None) -> list[Path]:
    """Lay readings out as uploads, `<folder>/<reading>/`, with `<folder>/stories/` beside them."""
    (folder / "stories").mkdir(parents=True, exist_ok=True)
    for story in stories():
        for number, page in enumerate(story.pages, start=1):
            words = [word for phrase in page for word in words_of(phrase)]
            path = folder / "stories" / f"{story.story_id}_{number}_page.txt"
            path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return [_write_folder(folder / one.reading_id, one) for one in recorded_readings(half)]


def _write_folder(folder: Path, reading: RecordedReading) -> Path:
    folder.mkdir(exist_ok=True)
    recording = reading.recording()
    (folder / "complete.wav").write_bytes(recording.wav())
    for page, (start, end) in enumerate(reading.pages):
        segment = recording.between(round(1000 * start), round(1000 * end))
        (folder / f"{page}-0-v2.wav").write_bytes(segment.wav())
    truth = {"words": reading.misread}
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "activity.json").write_text(json.dumps(_record(reading)), encoding="utf-8")
    return folder


def _record(reading: RecordedReading) -> dict[str, Any]:
    story = reading.story
    return {
        "activityId": reading.reading_id,
        "storyId": story.story_id,
        "story": {"chapters": [{"phrases": story.phrases}], "tags": story.tags},
        "errors": reading.flagged,
        "features": [
            {
                "model": LISTENER,
                "phraseIndex": phrase,
                "Kaldi_match": list(map(int, heard)),
                "W2V_match": [int(not flag) for flag in flags],
                "correct_confidences": [_UNSURE if flag else _SURE for flag in flags],
            }
            for phrase, (flags, heard) in enumerate(
                zip(reading.flagged, reading.heard_freely, strict=True)
            )
        ],
        "models": {LISTENER: {"properties": {"threshold": THRESHOLD}}},
        "grade": 2,
        "season": "winter",
        "studentId": STUDENT,
        "recordedAt": f"2026-01-{reading.reading_id[-2:]}T09:30:00Z",
    }
