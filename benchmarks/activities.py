"""What the work on one recorded reading costs.

Measured, over bundled readings: CPU time of an activity with every answer given, so without
recognition (budget 5 ms); then the embedded recogniser with a process for each core: seconds of
work a second of recording, and the largest resident size of a process.

Baseline: the same recogniser with one process.
"""

import asyncio
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from benchmarks.measuring import (
    Measurement,
    end_cleanly_when_stopped,
    print_measurements,
    tell,
    temporary_folder,
)
from orf_books.activities.activity import Activity, read_activity
from orf_books.activities.audio import Recording
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.phonemes import Lexicon
from orf_books.activities.recognition import (
    HeardPhrase,
    Placement,
    Recognisers,
    StoryContext,
    Transcript,
)
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.commands.local_uploads import put_activities
from orf_books.records.recordings import load_sound
from orf_books.resources.embedded_speech import EmbeddedSpeech
from orf_books.resources.pocketsphinx_model import bundled_lexicon
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.workers import ProcessWorkers
from orf_books.sandbox.readings.recorded_reading import write_folders

BUDGET_MS = 5.0
REPEATS = 20
BUDGET_WORK, BUDGET_MEGABYTES = 0.12, 400.0
"""Seconds of a core a recorded second; of one process."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An activity as the platform loads it."""

    activity: Activity
    sound: PagedRecording


class Remembering:
    """A recogniser whose answers are remembered by phrase; given none, it has to know them."""

    is_draft = True

    def __init__(self, asked: Any) -> None:  # noqa: ANN401 - a recogniser of any role
        self._asked, self.engine = asked, asked.engine
        self._transcript: Transcript | None = None
        self._placement: Placement | None = None
        self._heard: dict[int, HeardPhrase] = {}

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        """As `TranscribesRecordings`."""
        if self._transcript is None:
            self._transcript = await self._asked.transcribe(recording, story)
        return self._transcript

    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        """As `PlacesPhrases`."""
        if self._placement is None:
            self._placement = await self._asked.place(recording, story)
        return self._placement

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """As `HearsPhrases`."""
        if phrase not in self._heard:
            self._heard[phrase] = await self._asked.hear(recording, story, phrase)
        return self._heard[phrase]


@dataclass(frozen=True, slots=True)
class Listening:
    """What recognition cost with so many processes."""

    processes: int
    seconds: float
    recorded: float
    """Seconds of recording."""
    remembering: Sequence[Recognisers]


def main(
    readings: Annotated[int, typer.Option(help="Bundled readings to listen to.")] = 4,
    processes: Annotated[int, typer.Option(help="As many as there are cores.")] = 2,
) -> None:
    """Measure, and print the tables."""
    end_cleanly_when_stopped()
    lexicon = bundled_lexicon()
    loaded = _loaded(readings)
    alone = asyncio.run(_listen(loaded, lexicon, processes=1))
    tell(f"One process: {alone.seconds:.0f} s.")
    together = asyncio.run(_listen(loaded, lexicon, processes=processes))
    print_measurements(
        f"Recorded readings, {alone.recorded:.0f} s of them",
        [*_listening(alone, together), _cpu(loaded, together.remembering, lexicon)],
        ["Baseline: the same recognisers with one process."],
    )


def _loaded(count: int) -> list[Reading]:
    with temporary_folder() as folder:
        storage = ObjectStorage((folder / "store").as_uri())
        uploads = write_folders(folder / "readings", "held-out")[:count]
        return [_load(storage, upload) for upload in uploads]


def _load(storage: ObjectStorage, upload: Path) -> Reading:
    put_activities(storage, upload)
    activity = read_activity((upload / "activity.json").read_bytes())
    return Reading(activity, load_sound(storage, activity))


async def _listen(readings: Sequence[Reading], lexicon: Lexicon, processes: int) -> Listening:
    async with EmbeddedSpeech(ProcessWorkers(processes)) as speech:
        roles = (speech.transcriber, speech.listener, speech.checker, speech.placer)
        # Processes start, and build their tables, on first use.
        await asyncio.gather(
            *(_rescore(readings[0], Recognisers(*roles), lexicon) for _ in range(processes))
        )
        remembering = [Recognisers(*map(Remembering, roles)) for _ in readings]
        started = time.perf_counter()
        await asyncio.gather(
            *(_rescore(one, its, lexicon) for one, its in zip(readings, remembering, strict=True))
        )
        seconds = time.perf_counter() - started
    recorded = sum(one.sound.recording.seconds for one in readings)
    return Listening(processes, seconds, recorded, remembering)


async def _rescore(reading: Reading, recognisers: Recognisers, lexicon: Lexicon) -> None:
    await rescore_activity(
        reading.activity, reading.sound, recognisers, lexicon, VoteRule.CALIBRATED
    )


def _listening(alone: Listening, together: Listening) -> Iterator[Measurement]:
    """Seconds of work a second of recording."""
    for one in (alone, together):
        work = one.seconds * one.processes / one.recorded
        yield Measurement(
            f"work a recorded second, {one.processes} processes",
            [work],
            "s",
            BUDGET_WORK,
            alone.seconds / one.recorded,
        )
        yield Measurement(
            f"recorded seconds a second, {one.processes} processes",
            [one.recorded / one.seconds],
            "",
        )
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    yield Measurement("largest process", [largest], "MB", BUDGET_MEGABYTES)


def _cpu(
    readings: Sequence[Reading], remembering: Sequence[Recognisers], lexicon: Lexicon
) -> Measurement:
    """Of activities without recognition, each the median of some repetitions."""
    milliseconds = [
        median(_cpu_ms(one, its, lexicon) for _ in range(REPEATS))
        for one, its in zip(readings, remembering, strict=True)
    ]
    return Measurement("CPU of an activity without recognition", milliseconds, "ms", BUDGET_MS)


def _cpu_ms(reading: Reading, recognisers: Recognisers, lexicon: Lexicon) -> float:
    started = time.process_time()
    asyncio.run(_rescore(reading, recognisers, lexicon))
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    typer.run(main)
