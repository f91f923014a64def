"""`python -m orf_books.sandbox.readings.make`: speak the bundled readings anew, and flag them.

Belongs here: recording what is planned, and what a first pass hears in it. Not needed to use the
readings; needs the Debian packages `espeak-ng` and `flite`. The plans are the same each time, the
sound as far as the synthesisers are.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import soundfile
from pydantic import TypeAdapter

from orf_books.activities.alignment import match_vector
from orf_books.activities.audio import SAMPLES_PER_SECOND
from orf_books.activities.recognition import StoryContext
from orf_books.activities.story import words_of
from orf_books.resources.embedded_speech import EmbeddedSpeech
from orf_books.sandbox.readings.plan import PlannedPhrase, plan_reading
from orf_books.sandbox.readings.recorded_reading import RECORDED, Reader, RecordedReading
from orf_books.sandbox.readings.stories import Story, stories
from orf_books.sandbox.readings.synthesis import Samples, speak, with_noise

_BEFORE_A_PAGE, _AFTER_A_PHRASE = (0.3, 0.8), (0.15, 0.6)
"""Seconds of silence, at least and at most."""
_QUALITY = 0.93
"""Of the Opus encoder, where 0 is best; speech needs little."""
_PADDING_MS = 150


def main() -> None:
    """Make all readings."""
    readers = Path(__file__).with_name("readers.json").read_bytes()
    made = [_record(reader) for reader in TypeAdapter(list[Reader]).validate_json(readers)]
    asyncio.run(_flag(made))


def _record(reader: Reader) -> RecordedReading:
    story = stories()[reader.story]
    plan = plan_reading(story, reader.seed, reader.errors)
    samples, times, pages = _spoken(story, plan, reader)
    content = BytesIO()
    soundfile.write(
        content,
        np.clip(samples, -1, 1),
        SAMPLES_PER_SECOND,
        format="OGG",
        subtype="OPUS",
        compression_level=_QUALITY,
    )
    (RECORDED / f"{reader.reading_id}.ogg").write_bytes(content.getvalue())
    return RecordedReading(
        reading_id=reader.reading_id,
        story_id=story.story_id,
        half=reader.half,
        pages=tuple(pages),
        phrases=tuple(times),
        misread=tuple(phrase.misread for phrase in plan),
        planted=tuple(phrase.planted for phrase in plan),
        flagged=(),
        heard_freely=(),
    )


def _spoken(
    story: Story, plan: tuple[PlannedPhrase, ...], reader: Reader
) -> tuple[Samples, list[tuple[float, float]], list[tuple[float, float]]]:
    """The recording, and when each phrase and each page was read, in seconds."""
    chance = Random(reader.seed)  # noqa: S311 - repeatable on purpose
    parts: list[Samples] = []
    times, pages = list[tuple[float, float]](), list[tuple[float, float]]()

    def seconds() -> float:
        return sum(map(len, parts)) / SAMPLES_PER_SECOND

    def pause(between: tuple[float, float]) -> None:
        parts.append(np.zeros(int(SAMPLES_PER_SECOND * chance.uniform(*between))))

    planned = iter(plan)
    for page in story.pages:
        page_start = seconds()
        pause(_BEFORE_A_PAGE)
        for _ in page:
            start = seconds()
            parts.append(speak(next(planned).said, reader.voice))
            times.append((round(start, 4), round(seconds(), 4)))
            pause(_AFTER_A_PHRASE)
        pages.append((round(page_start, 4), round(seconds(), 4)))
    samples = np.concatenate(parts)
    if reader.noise is not None:
        samples = with_noise(samples, reader.noise, reader.seed)
    return samples, times, pages


async def _flag(readings: Iterable[RecordedReading]) -> None:
    """Let the recogniser hear every phrase: what role W misses is the first pass's flag."""
    async with EmbeddedSpeech() as speech:
        for reading in readings:
            phrases = list(_phrases(reading))
            by_w, by_k = [
                [
                    match_vector(story.phrases[number], words_of(heard.text))
                    for number, recording, story in phrases
                    for heard in [await role.hear(recording, story, number)]
                ]
                for role in (speech.checker, speech.listener)
            ]
            document: dict[str, Any] = asdict(reading) | {
                "flagged": [[not match for match in matches] for matches in by_w],
                "heard_freely": by_k,
            }
            path = RECORDED / f"{reading.reading_id}.json"
            path.write_text(json.dumps(document) + "\n", encoding="utf-8")


def _phrases(reading: RecordedReading) -> Iterator[tuple[int, Any, StoryContext]]:
    words = tuple(words_of(text) for text in reading.story.phrases)
    story = StoryContext(reading.story_id, reading.story.tags, words)
    recording = reading.recording()
    for number, (start, end) in enumerate(reading.phrases):
        window = int(1000 * start) - _PADDING_MS, int(1000 * end) + _PADDING_MS
        yield number, recording.between(*window), story


if __name__ == "__main__":
    main()
