"""What the work on one recorded reading costs.

Measured, over bundled readings: CPU time of an activity with every answer given, so without
recognition (budget 5 ms); then the embedded recognisers: CPU seconds a recorded second, recorded
seconds a second with a process for each core, and the largest resident size of a process. CPU is
comparable on a busy machine; how long it takes is not.

Baseline: the same recognisers with one process.
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
from orf_books.activities.rescored_activity import RescoredActivity
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
    cpu: float | None
    """Seconds of it, this process included; known for one process."""
    recorded: float
    """Seconds of recording."""
    asked: float
    """Share of the phrases that were sent on to K."""
    remembering: Sequence[Recognisers]


def main(
    uploads: Annotated[
        Path | None, typer.Option(help="Folder of uploads to listen to in place of bundled ones.")
    ] = None,
    readings: Annotated[int, typer.Option(help="How many of them.")] = 4,
    processes: Annotated[int, typer.Option(help="As many as there are cores.")] = 2,
) -> None:
    """Measure, and print the tables."""
    end_cleanly_when_stopped()
    lexicon = bundled_lexicon()
    loaded = _loaded(uploads, readings)
    alone = asyncio.run(_listen(loaded, lexicon, processes=1))
    tell(f"One process: {alone.seconds:.0f} s.")
    together = asyncio.run(_listen(loaded, lexicon, processes=processes))
    print_measurements(
        f"Recorded readings, {alone.recorded:.0f} s of them",
        [*_listening(alone, together), _cpu(loaded, together.remembering, lexicon)],
        ["Baseline: the same with one process."],
    )


def _loaded(uploads: Path | None, count: int) -> list[Reading]:
    with temporary_folder() as folder:
        storage = ObjectStorage((folder / "store").as_uri())
        folders = (
            sorted(record.parent for record in uploads.glob("*/activity.json"))
            if uploads
            else write_folders(folder / "readings", "held-out")
        )
        return [_load(storage, upload) for upload in folders[:count]]


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
        cpu, started = await _cpu_seconds(speech), time.perf_counter()
        rescored = await asyncio.gather(
            *(_rescore(one, its, lexicon) for one, its in zip(readings, remembering, strict=True))
        )
        seconds = time.perf_counter() - started
        cpu = await _cpu_seconds(speech) - cpu
    phrases = [phrase for one in rescored for phrase in one.phrases]
    return Listening(
        processes,
        seconds,
        cpu if processes == 1 else None,
        sum(one.sound.recording.seconds for one in readings),
        sum(phrase.k is not None for phrase in phrases) / len(phrases),
        remembering,
    )


async def _cpu_seconds(speech: EmbeddedSpeech) -> float:
    """Of this process and one that listens."""
    return time.process_time() + await speech.run(time.process_time)


async def _rescore(
    reading: Reading, recognisers: Recognisers, lexicon: Lexicon
) -> RescoredActivity:
    return await rescore_activity(
        reading.activity, reading.sound, recognisers, lexicon, VoteRule.CALIBRATED
    )


def _listening(alone: Listening, together: Listening) -> Iterator[Measurement]:
    """What it costs, and how long it takes."""
    if alone.cpu is not None:
        work = alone.cpu / alone.recorded
        yield Measurement("CPU seconds a recorded second", [work], "s", BUDGET_WORK)
    for one in (alone, together):
        yield Measurement(
            f"recorded seconds a second, {one.processes} processes",
            [one.recorded / one.seconds],
            "",
            baseline=alone.recorded / alone.seconds,
        )
    yield Measurement("phrases sent on to K", [100 * alone.asked], "%")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    yield Measurement("largest process", [largest], "MB", BUDGET_MEGABYTES)


def _cpu(
    readings: Sequence[Reading], remembering: Sequence[Recognisers], lexicon: Lexicon
) -> Measurement:
    """Of activities without recognition, each the median of some repetitions."""
    milliseconds = [
        asyncio.run(_cpu_ms(one, its, lexicon))
        for one, its in zip(readings, remembering, strict=True)
    ]
    return Measurement("CPU of an activity without recognition", milliseconds, "ms", BUDGET_MS)


async def _cpu_ms(reading: Reading, recognisers: Recognisers, lexicon: Lexicon) -> float:
    # In one loop: starting another for each activity costs as much as a quarter of it.
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        await _rescore(reading, recognisers, lexicon)
        times.append(1000 * (time.process_time() - started))
    return median(times)


if __name__ == "__main__":
    typer.run(main)
