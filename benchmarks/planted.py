"""`python -m benchmarks.planted READINGS`: what is found of things that were planted in readings.

Measured, on labelled readings: of each kind of event how many are found, and how many of those
found are of that kind; of phrases that were spoilt how many count as not scored, and how many false
alarms there are in the others.

Baseline: reporting events by chance, so a precision that is the share of words with such an event;
and the phrases that were not spoilt.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from benchmarks.labelled_readings import LabelledReading, Listening, labelled_readings, listening
from benchmarks.measuring import end_cleanly_when_stopped, output, tell
from benchmarks.planted_readings import (
    Disturbance,
    PlantedReading,
    SourceReading,
    disturbed,
    with_events,
)
from orf_books.activities.fluency import EventKind
from orf_books.activities.rescored_activity import RescoredActivity

STRENGTHS = {
    Disturbance.SOFT: 50.0,
    Disturbance.CLIPPED: 40.0,
    Disturbance.OTHER_VOICE: 0.0,
    Disturbance.NOISE: 0.0,
    Disturbance.OTHER_TEXT: 0.0,
    Disturbance.CUT_SHORT: 0.4,
}
OTHER_READER = 3
"""Whose voice and text are used: so many readers further on."""
NEAR = 1
"""An event is found where it is reported so many words off: of two words said again the first is
named."""


@dataclass(slots=True)
class Found:
    """What was reported of planted events, over all readings."""

    words: int = 0
    planted: Counter[EventKind] = field(default_factory=Counter)
    reported: Counter[EventKind] = field(default_factory=Counter)
    together: Counter[tuple[EventKind, EventKind]] = field(default_factory=Counter)
    """By planted and reported kind."""

    def add(self, planted: PlantedReading, result: RescoredActivity) -> None:
        """Count one reading; miscues that were there before are left out."""
        misread = [flag for phrase in planted.misread for flag in phrase]
        self.words += len(misread)
        self.planted.update(planted.events.values())
        for event in result.events:
            near = [
                planted.events[place]
                for place in range(event.word - NEAR, event.word + NEAR + 1)
                if place in planted.events
            ]
            if misread[event.word] and event.word not in planted.events:
                continue
            self.reported[event.kind] += 1
            if near:
                kind = event.kind if event.kind in near else near[0]
                self.together[kind, event.kind] += 1


@dataclass(slots=True)
class Spoilt:
    """What became of phrases that were spoilt in one way, or not at all."""

    phrases: int = 0
    not_scored: int = 0
    read: int = 0
    """Words of the others that were read correctly."""
    false_alarms: int = 0


def main(
    readings: Annotated[Path, typer.Argument(help="Folder of uploads with truth.json.")],
    *,
    readers: Annotated[str, typer.Option(help="Only these, by comma.")] = "",
    answers: Annotated[
        Path, typer.Option(help="Folder for what recognisers answer: the next time takes seconds.")
    ] = Path("data/recogniser_answers"),
) -> None:
    """Plant, measure, and print the tables."""
    end_cleanly_when_stopped()
    asyncio.run(_main(readings, readers.split(",") if readers else [], answers))


async def _main(folder: Path, readers: Sequence[str], answers: Path) -> None:
    readings = [
        one for one in await labelled_readings(folder) if one.reader in readers or not readers
    ]
    async with listening(answers) as recognisers:
        sources = [await recognisers.placed(one) for one in readings]
        await _measure_events(sources, recognisers)
        await _measure_disturbances(sources, recognisers)


async def rescored(planted: PlantedReading, recognisers: Listening) -> RescoredActivity:
    """The verdicts on a reading in which something was planted."""
    activity_id = planted.activity.activity_id
    reading = LabelledReading(activity_id, planted.activity, planted.sound, planted.misread)
    return await recognisers.rescored(reading)


async def _measure_events(sources: Sequence[SourceReading], recognisers: Listening) -> None:
    found = Found()
    for seed, source in enumerate(sources):
        planted = with_events(source, np.random.default_rng(seed))
        found.add(planted, await rescored(planted, recognisers))
        tell(f"{source.activity.activity_id}: events.")
    table = Table("event", title=f"Events in {found.words} words", title_justify="left")
    for heading in ("planted", "reported", "precision", "by chance", "recall", "reported as"):
        table.add_column(heading, justify="right" if heading != "reported as" else "left")
    for kind, count in found.planted.items():
        right, reported = found.together[kind, kind], found.reported[kind]
        others = {
            other: times
            for (planted_kind, other), times in found.together.items()
            if planted_kind is kind and other is not kind
        }
        table.add_row(
            kind,
            f"{count}",
            f"{reported}",
            f"{right / reported:.2f}" if reported else "none",
            f"{count / found.words:.2f}",
            f"{right / count:.2f}",
            ", ".join(f"{other} {times}" for other, times in others.items()),
        )
    output.print(table)


async def _measure_disturbances(sources: Sequence[SourceReading], recognisers: Listening) -> None:
    spoilt: defaultdict[str, Spoilt] = defaultdict(Spoilt)
    for kind, strength in STRENGTHS.items():
        for place, source in enumerate(sources):
            other = sources[(place + OTHER_READER) % len(sources)]
            planted = disturbed(source, kind, strength, other)
            result = await rescored(planted, recognisers)
            tell(f"{source.activity.activity_id}: {kind}.")
            for number, phrase in enumerate(result.phrases):
                its = spoilt[planted.disturbed.get(number, "none of it")]
                its.phrases += 1
                if phrase.not_scored:
                    its.not_scored += 1
                    continue
                for word, is_misread in zip(phrase.words, planted.misread[number], strict=True):
                    its.read += not is_misread
                    its.false_alarms += bool(word.misread) and not is_misread
    table = Table("phrases", title="Phrases that were spoilt", title_justify="left")
    for heading in ("number", "not scored", "false alarms in the others"):
        table.add_column(heading, justify="right")
    for what, its in spoilt.items():
        alarms = its.false_alarms / its.read if its.read else 0
        table.add_row(what, f"{its.phrases}", f"{its.not_scored}", f"{alarms:.3f}")
    output.print(table)


if __name__ == "__main__":
    typer.run(main)
