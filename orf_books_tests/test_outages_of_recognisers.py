"""The bundled readings, heard by the services of the sandbox while one of them is out of order."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pocketsphinx import get_model_path

from orf_books.activities.activity import Flags
from orf_books.activities.audio import BYTES_PER_MS, Recording
from orf_books.activities.phonemes import Lexicon, LexiconGap, vendor_phonemes
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.activities.story import words_of
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import Behaviour, Fault, Service, Troubles
from orf_books.sandbox.readings.recorded_reading import (
    RecordedReading,
    recorded_readings,
    write_folders,
)
from orf_books.sandbox.server import Sandbox
from orf_books_tests.assets.activities.recorded_readings import settings_of_services
from orf_books_tests.assets.activities.test_assets import Platform

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("retries_at_once"),
]

READINGS = list(recorded_readings("held-out"))[:3]
SPEECH = (Service.DEEPGRAM, Service.KALDI, Service.WAV2VEC)
TROUBLES = {
    "down": Troubles(down=True),
    "slow": Troubles(fault_rate=1.0, faults=(Fault.SLOW,), slow_seconds=0.2),
    "rubbish": Troubles(fault_rate=1.0, faults=(Fault.GARBAGE,)),
    "wavering": Troubles(fault_rate=0.6),
}


class Ears:
    """What the services hear in one reading: A all that was said rightly, K and W what the
    embedded roles heard."""

    def __init__(self, reading: RecordedReading) -> None:
        self._reading = reading
        self._sound = reading.recording().pcm
        self._words = [words_of(text) for text in reading.story.phrases]
        self._lexicon = Lexicon(Path(get_model_path("en-us/cmudict-en-us.dict")))

    def put_on(self, sandbox: Sandbox) -> None:
        sandbox.hearing.transcript = self.transcript
        sandbox.hearing.words = self.words
        sandbox.hearing.phonemes = self.phonemes

    def transcript(self, _: Recording) -> Transcript:
        heard = []
        for words, misread, (start, end) in zip(
            self._words, self._reading.misread, self._reading.phrases, strict=True
        ):
            length = (end - start) / len(words)
            heard += [
                HeardWord(word, start + place * length, start + (place + 1) * length)
                for place, (word, wrong) in enumerate(zip(words, misread, strict=True))
                if not wrong
            ]
        return Transcript(tuple(heard))

    def words(self, _: Recording, model: str) -> str:
        phrase = int(model.rpartition("_")[2]) - 1
        return " ".join(self._kept(phrase, self._reading.heard_freely[phrase]))

    def phonemes(self, part: Recording) -> str:
        middle = (self._sound.find(part.pcm) + len(part.pcm) / 2) / BYTES_PER_MS / 1000
        phrase = min(
            range(len(self._words)),
            key=lambda number: abs(sum(self._reading.phrases[number]) / 2 - middle),
        )
        flags = self._reading.flagged[phrase]
        return " ".join(map(self._sounds, self._kept(phrase, [not flag for flag in flags])))

    def _kept(self, phrase: int, heard: "Flags | list[bool]") -> list[str]:
        return [word for word, match in zip(self._words[phrase], heard, strict=True) if match]

    def _sounds(self, word: str) -> str:
        try:
            return vendor_phonemes(self._lexicon.pronunciations(word)[0])
        except LexiconGap:
            return ""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readings")
    write_folders(folder, "held-out")
    return folder


def verdicts(platform: Platform, uploads: Path, reading: RecordedReading) -> list[Flags] | None:
    """The flags after a run; None where the activity failed."""
    run = platform.ingest(uploads / reading.reading_id)
    if platform.report(run).failed:
        return None
    rows = platform.records.results([reading.reading_id])
    return [phrase.flags for phrase in rows[reading.reading_id].rescored().phrases]


@pytest.mark.parametrize("reading", READINGS, ids=[one.reading_id for one in READINGS])
def test_an_outage_leaves_a_verdict_as_it_is_without_it_or_as_the_first_pass_has_it(
    sandbox: Sandbox,
    uploads: Path,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    reading: RecordedReading,
) -> None:
    Ears(reading).put_on(sandbox)

    def fresh(name: str) -> Platform:
        store = ObjectStorage((tmp_path / name).as_uri())
        return Platform(settings_of_services(sandbox, store.url), instance)

    sandbox.behaviour.change(Behaviour().as_json())
    calm = verdicts(fresh("calm"), uploads, reading)
    assert calm is not None
    assert calm != list(reading.flagged)
    for service in SPEECH:
        for name, troubles in TROUBLES.items():
            sandbox.behaviour.services = {service: troubles}
            found = verdicts(fresh(f"{service}-{name}"), uploads, reading)
            sandbox.behaviour.services = {}
            for phrase, flags in enumerate(found or reading.flagged):
                for word, flag in enumerate(flags):
                    assert flag in (calm[phrase][word], reading.flagged[phrase][word])
            if name == "slow":
                assert found == calm
