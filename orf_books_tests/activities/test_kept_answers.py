import asyncio

import pytest

from orf_books.activities.audio import Recording
from orf_books.activities.kept_answers import AnswersAbout, NothingKept
from orf_books.activities.recognition import (
    PageToHear,
    PlacedPhrase,
    Placement,
    Recognisers,
    StoryContext,
    WordEvidence,
)
from orf_books_tests.activities.readings import PhraseListener, Transcriber, spoken

SOUND = Recording(b"\1\0" * 16_000)
STORY = StoryContext("s", (), (("cat",),), ("Cat.",), (PageToHear((0, 1000), (0,)),))
PLACED = Placement((PlacedPhrase(0, (WordEvidence(True, -0.1, -0.2, span=(100, 400)),)),))


class Placer:
    engine, is_draft = "hama-1.7.0-a9fcfe73/placer/1", True

    def __init__(self) -> None:
        self.asked = 0

    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        self.asked += 1
        return PLACED


def recognisers(placer: Placer) -> Recognisers:
    return Recognisers(
        Transcriber(spoken("cat")), PhraseListener("k/1", "cat"), PhraseListener("w/1", ""), placer
    )


def test_a_placement_is_kept_and_not_asked_for_again() -> None:
    placer = Placer()
    about = AnswersAbout("fingerprint", ())
    for _ in range(2):
        first = about.first(recognisers(placer))
        assert first.placer is not None
        assert asyncio.run(first.placer.place(SOUND, STORY)) == PLACED
    assert placer.asked == 1
    assert [answer.engine for answer in about.new] == [placer.engine]


def test_kept_answers_alone_say_who_gave_them() -> None:
    about = AnswersAbout("fingerprint", ())
    asked = about.first(recognisers(Placer()))
    assert asked.placer is not None
    asyncio.run(asked.placer.place(SOUND, STORY))
    alone = AnswersAbout("fingerprint", about.new).alone()
    assert alone.placer is not None
    assert asyncio.run(alone.placer.place(SOUND, STORY)) == PLACED
    assert alone.placer.engine == Placer.engine


def test_what_was_never_asked_is_missing_but_not_all_recognisers_place_phrases() -> None:
    alone = AnswersAbout("fingerprint", ()).alone()
    assert alone.placer is not None
    assert asyncio.run(alone.placer.place(SOUND, STORY)) == Placement(())
    with pytest.raises(NothingKept):
        asyncio.run(alone.listener.hear(SOUND, STORY, 0))
