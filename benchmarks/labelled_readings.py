"""Readings that a person labelled, and recognisers that are asked about each only once.

Belongs here: loading upload folders with `truth.json`, and answers that are kept in a folder from
one measurement to the next. Does not belong here: what is measured or fitted.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import temporary_folder
from benchmarks.planted_readings import SourceReading, source_reading
from orf_books.activities.activity import Activity, Flags, read_truth
from orf_books.activities.audio import Recording
from orf_books.activities.calibration import Calibration
from orf_books.activities.evidence import PagedRecording, RecordedStory, story_context
from orf_books.activities.kept_answers import AnswersAbout, KeptAnswer
from orf_books.activities.recognition import Recognisers
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.commands.local_uploads import put_activities
from orf_books.failures import FixConfiguration
from orf_books.records.recordings import TRUTH, ActivityInputs, load_activity
from orf_books.resources.embedded_speech import EmbeddedSpeech
from orf_books.resources.pocketsphinx_model import bundled_lexicon
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.workers import ProcessWorkers

NOISE_DECIBELS = 10.0
"""By which the speech is louder than white noise that is mixed in."""
_SEED = 762
_FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class LabelledReading:
    """An activity as the platform loads it, and what a person says of its words."""

    reader: str
    activity: Activity
    sound: PagedRecording
    misread: tuple[Flags, ...]
    """By phrase and word."""

    def in_noise(self) -> "LabelledReading":
        """The same in white noise."""
        sound = np.frombuffer(self.sound.recording.pcm, "<i2").astype(np.float64)
        loudness = np.sqrt(np.mean(sound**2)) / 10 ** (NOISE_DECIBELS / 20)
        noisy = sound + np.random.default_rng(_SEED).normal(0, loudness, len(sound))
        pcm = np.clip(np.rint(noisy), -_FULL_SCALE, _FULL_SCALE).astype("<i2").tobytes()
        sounds = PagedRecording(Recording(pcm), self.sound.windows, self.sound.pages)
        return LabelledReading(self.reader, self.activity, sounds, self.misread)


async def labelled_readings(folder: Path) -> list[LabelledReading]:
    """The readings in upload folders with labels, by name."""
    with temporary_folder() as scratch:
        storage = ObjectStorage((scratch / "store").as_uri())
        names = sorted(key.strip("/").rpartition("/")[2] for key in put_activities(storage, folder))
        return [
            LabelledReading(
                name,
                *_inputs(await load_activity(storage, name, None)),
                read_truth((folder / name / TRUTH).read_bytes()),
            )
            for name in names
        ]


def _inputs(inputs: ActivityInputs) -> tuple[Activity, PagedRecording]:
    return inputs.activity, inputs.sound


@dataclass(frozen=True, slots=True)
class Listening:
    """Recognisers, and where their answers are kept."""

    recognisers: Recognisers
    answers: Path
    """A folder with a file for each recording."""

    async def rescored(
        self,
        reading: LabelledReading,
        rule: VoteRule = VoteRule.CALIBRATED,
        calibration: Calibration | None = None,
    ) -> RescoredActivity:
        """The verdicts on a reading; recognisers are asked only for what was not kept."""
        async with self._asking(reading) as recognisers:
            return await rescore_activity(
                reading.activity, reading.sound, recognisers, bundled_lexicon(), rule, calibration
            )

    async def placed(self, reading: LabelledReading) -> SourceReading:
        """A reading, and where its words are.

        Raises:
            FixConfiguration: no recogniser that places words is installed.
        """
        async with self._asking(reading) as recognisers:
            if recognisers.placer is None:
                raise FixConfiguration("hama is not installed, so nobody knows where words are.")
            placement = await recognisers.placer.place(
                reading.sound.recording,
                story_context(
                    reading.activity, RecordedStory.of(reading.activity.phrases, reading.sound)
                ),
            )
        return source_reading(reading.activity, reading.sound, reading.misread, placement)

    @asynccontextmanager
    async def _asking(self, reading: LabelledReading) -> AsyncIterator[Recognisers]:
        recording = reading.sound.recording.fingerprint
        file = self.answers / f"{recording}.jsonl"
        kept = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        answers = AnswersAbout(recording, (KeptAnswer(**json.loads(line)) for line in kept))
        yield answers.first(self.recognisers)
        if answers.new:
            lines = [*kept, *(json.dumps(asdict(answer)) for answer in answers.new)]
            self.answers.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@asynccontextmanager
async def listening(answers: Path, without: Sequence[str] = ()) -> AsyncIterator[Listening]:
    """The embedded recognisers, in one process.

    Args:
        answers: a folder to keep answers in.
        without: packages that are not used.
    """
    async with EmbeddedSpeech(ProcessWorkers(1), without) as speech:
        yield Listening(
            Recognisers(speech.transcriber, speech.listener, speech.checker, speech.placer), answers
        )
