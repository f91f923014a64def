from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from orf_books.activities.audio import NoAudio, Recording, UnreadableAudio, read_recording
from orf_books.activities.manifest import PageWindow
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.activities.story import PagePhrases, words_of
from orf_books.activities.timing import (
    PADDING_MS,
    NothingToAlign,
    PageTiming,
    PhraseTiming,
    align_pages,
    as_one_page,
    timing_document,
    timings_by_phrase,
)
from orf_books.failures import FixInput
from orf_books_tests.activities.goldens import cases

RECORDING = Recording(bytes(range(256)) * 1250)
"""Ten seconds."""


def words(*spoken: tuple[str, float, float]) -> list[HeardWord]:
    return [HeardWord(*word) for word in spoken]


def story(*phrases: str) -> list[tuple[str, ...]]:
    return [words_of(phrase) for phrase in phrases]


def page(number: int, *phrases: int) -> PagePhrases:
    return PagePhrases(number, phrases)


def window(number: int, start: int, end: int) -> PageWindow:
    return PageWindow(number, start, end, ())


def one_page(
    phrases: Sequence[str],
    heard: Sequence[HeardWord],
    times: tuple[int, int] | None = (0, 10_000),
) -> tuple[PhraseTiming, ...]:
    windows = [window(0, *times)] if times else []
    pages = [page(0, *range(len(phrases)))]
    (found,) = align_pages(pages, story(*phrases), windows, Transcript(tuple(heard)))
    return found.phrases


def shown(timings: tuple[PhraseTiming, ...]) -> list[dict[str, Any]]:
    return [
        {
            "phrase_idx": timing.phrase,
            "start": timing.start,
            "end": timing.end,
            "parsed": timing.parsed,
        }
        for timing in timings
    ]


def timing(phrase: int, start: int, end: int, parsed: str = "") -> PhraseTiming:
    heard = tuple(HeardWord(word, start / 1000, end / 1000) for word in parsed.split())
    return PhraseTiming(phrase, start, end, heard)


@pytest.mark.parametrize("case", cases("phrase_alignment"))
def test_phrases_are_found_as_agreed(case: dict[str, Any]) -> None:
    tokens = case["tokens"] or []
    heard = [HeardWord(token["word"], token["start"], token["end"]) for token in tokens]
    found = one_page(case["phrases"] or [], heard, case["page"])
    agreed = case.get("expect", case.get("derived_expect"))
    if agreed is not None:
        assert shown(found) == agreed
    assert len(found) == case.get("expect_len", len(found))
    assert [timing.parsed for timing in found] == case.get(
        "expect_parsed", [timing.parsed for timing in found]
    )
    assert all(timing.parsed for timing in found) or not case.get("all_parsed_nonempty")
    times = [time for timing in found for time in (timing.start, timing.end)]
    assert times == sorted(times)


def test_a_phrase_reaches_from_its_first_word_to_its_last() -> None:
    heard = words(("well", 0.5, 0.8), ("hello", 1.0, 1.3), ("there", 1.3, 1.6), ("world", 1.6, 2.0))
    (found,) = one_page(["hello world"], heard)
    assert (found.start, found.end, found.parsed) == (1000, 2000, "hello there world")


def test_what_was_misread_between_known_words_is_part_of_the_phrase() -> None:
    heard = words(("the", 1.0, 1.2), ("kite", 1.2, 1.6), ("sat", 1.6, 2.0))
    assert [found.parsed for found in one_page(["the cat", "sat"], heard)] == ["the kite", "sat"]


def test_times_are_rounded() -> None:
    (found,) = one_page(["hello"], words(("hello", 2.01, 2.3)))
    assert (found.start, found.end) == (2010, 2300)


def test_a_phrase_that_was_not_read_has_no_evidence_and_no_length() -> None:
    heard = words(("hello", 1.0, 1.5), ("bye", 3.0, 3.5))
    hello, missing, bye = one_page(["hello", "once upon a time", "bye"], heard)
    assert not missing.has_evidence
    assert (missing.start, missing.end) == (hello.end, hello.end)
    assert hello.has_evidence
    assert bye.has_evidence


def test_a_word_without_length_is_evidence_all_the_same() -> None:
    (found,) = one_page(["hello"], words(("hello", 1.0, 1.0)))
    assert found.start == found.end
    assert found.has_evidence


def test_punctuation_and_hyphens_of_a_transcript_do_not_matter() -> None:
    heard = words(("A", 1.0, 1.1), ("kind", 1.2, 1.4), ("hearted,", 1.4, 2.0), ("\u2014", 2.0, 2.0))
    (found,) = one_page(["a kind-hearted"], heard)
    assert (found.start, found.end, found.parsed) == (1000, 2000, "A kind hearted,")


@pytest.mark.parametrize(
    ("start", "is_on_page"), [(0.999, False), (1.0, True), (3.0, True), (4.0, True), (4.001, False)]
)
def test_a_word_may_begin_a_second_after_its_page_and_not_before(
    start: float, is_on_page: bool
) -> None:
    found = one_page(["hello"], words(("hello", start, start + 0.2)), (1000, 3000))
    assert bool(found) is is_on_page


def test_the_next_pages_first_word_is_not_taken_for_a_last_one_left_out() -> None:
    heard = words(("a", 0.5, 0.7), ("big", 0.7, 1.0), ("once", 2.1, 2.5), ("upon", 2.5, 2.8))
    first, second = align_pages(
        [page(0, 0), page(1, 1)],
        story("a big dog", "once upon"),
        [window(0, 0, 2000), window(1, 2000, 4000)],
        Transcript(tuple(heard)),
    )
    assert [found.parsed for found in first.phrases] == ["a big"]
    assert [found.parsed for found in second.phrases] == ["once upon"]


def test_a_word_serves_one_page_only() -> None:
    heard = words(("the", 1.0, 1.2), ("end", 2.1, 2.4), ("end", 3.0, 3.3))
    first, second = align_pages(
        [page(0, 0), page(1, 1)],
        story("the end", "end"),
        [window(0, 0, 2000), window(1, 2000, 4000)],
        Transcript(tuple(heard)),
    )
    assert first.phrases[0].end == 2400
    assert second.phrases[0].start == 3000


def test_pages_and_windows_belong_together_by_number() -> None:
    heard = words(("cat", 0.5, 0.9), ("dog", 1.5, 1.9))
    timings = align_pages(
        [page(0, 0), page(1, 1), page(2, 2)],
        story("cat", "mouse", "dog"),
        [window(2, 1000, 2000), window(0, 0, 1000)],
        Transcript(tuple(heard)),
    )
    assert [found.window.page if found.window else None for found in timings] == [0, None, 2]
    assert {phrase: found.start for phrase, found in timings_by_phrase(timings).items()} == {
        0: 500,
        2: 1500,
    }


def spoken_evenly(text: str) -> list[HeardWord]:
    return [HeardWord(word, at / 100, at / 100 + 0.01) for at, word in enumerate(text.split())]


def test_words_that_recur_on_a_long_page_still_count() -> None:
    phrases = [f"the word{number} and the" for number in range(100)]
    found = one_page(phrases, spoken_evenly(" ".join(phrases)))
    assert [timing.parsed for timing in found] == phrases


def test_a_refrain_is_where_it_was_read_however_badly() -> None:
    said = ["i went to go hum", "she cry", "i want to go home"]
    phrases = ["I want to go home,", "she cried.", "I want to go home!"]
    found = one_page(phrases, spoken_evenly(" ".join(said)))
    assert [timing.parsed for timing in found] == said


def test_a_recording_without_pages_is_one_page() -> None:
    phrases = story("the cat sat", "on the mat")
    whole, times = as_one_page(len(phrases), 10_000)
    heard = words(("the", 1, 1.2), ("cat", 1.2, 1.5), ("on", 2, 2.2), ("the", 2.2, 2.4))
    (found,) = align_pages([whole], phrases, [times], Transcript(tuple(heard)))
    assert [phrase.parsed for phrase in found.phrases] == ["the cat", "on the"]


class BreaksOff(tuple[HeardWord, ...]):
    """Words that cannot be read."""

    __slots__ = ()

    def __iter__(self) -> Iterator[HeardWord]:
        raise RuntimeError("Alignment failed")


@pytest.mark.parametrize("case", cases("activity_timing"))
def test_pages_are_aligned_as_agreed(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    heard = tuple(words(("hello", 1.0, 1.5), ("world", 1.5, 2.0)))
    says = case.get("message_contains", "")
    transcript = (
        None
        if "transcript" in says
        else Transcript(BreaksOff() if "inner_error" in case else heard)
    )
    pages = [] if "page data" in says else [page(at, at) for at in range(case.get("pages", 1))]
    windows = [window(at, *times) for at, times in enumerate(case.get("manifest", [[1000, 5000]]))]
    phrases = story("hello world", "good morning")
    if "expect_error" in case:
        errors = {"ValueError": ValueError, "RuntimeError": RuntimeError}
        with pytest.raises(errors[case["expect_error"]], match=says):
            align_pages(pages, phrases, windows, transcript)
        return
    timings = align_pages(pages, phrases, windows, transcript)
    first = timings[0].window
    assert first
    assert [first.start, first.end] == case.get("expect_page0", [1000, 5000])
    assert shown(timings[-1].phrases) == case.get(
        "expect_page1_aligned", shown(timings[-1].phrases)
    )
    assert not list(tmp_path.iterdir()), "keeping a document is up to the caller"


def test_an_activity_without_transcript_or_pages_is_mended_by_people() -> None:
    assert issubclass(NothingToAlign, FixInput)
    with pytest.raises(NothingToAlign, match="No transcript available"):
        align_pages([page(0, 0)], story("hello"), [window(0, 0, 1)], None)
    with pytest.raises(NothingToAlign, match="No page data available"):
        align_pages([], story("hello"), [], Transcript(()))


def test_silence_is_no_error_and_no_evidence() -> None:
    (found,) = align_pages([page(0, 0)], story("hello"), [window(0, 0, 1000)], Transcript(()))
    assert found.phrases == ()


@pytest.mark.parametrize(
    "case", [case for case in cases("timing_file") if "page" in case.values[0]]
)
def test_the_document_is_as_agreed(case: dict[str, Any]) -> None:
    listed = case["page"]
    indices, texts = listed["phrase_indices"], listed["phrases"]
    aligned = tuple(
        timing(indices[found["phrase_idx"]], found["start"], found["end"], found["parsed"])
        for found in case["aligned"] or []
    )
    number = listed["page_index"]
    times = window(number, listed["start_time"], listed["end_time"])
    document = timing_document(
        Transcript(tuple(words(("hello", 1, 2), ("world", 2, 3)))),
        [PageTiming(page(number, *indices), times, aligned)],
        texts,
    )
    assert document["full_transcript"] == "hello world"
    (shown_page,) = document["pages"]
    assert case.get("expect_page", {}).items() <= shown_page.items()
    phrases = shown_page["phrases"]
    assert len(phrases) == case["expect_phrase_count"]
    assert phrases[0]["phrase_idx"] == case.get("first_phrase_idx", indices[0])
    assert all(case.get("every", {}).items() <= phrase.items() for phrase in phrases)
    assert [phrase["phrase_text"] for phrase in phrases] == texts[: len(phrases)]


def test_a_page_that_was_not_recorded_is_in_the_document_at_zero() -> None:
    document = timing_document(Transcript(()), [PageTiming(page(4, 7), None, ())], ["x"] * 8)
    (shown_page,) = document["pages"]
    assert (shown_page["page_index"], shown_page["page_start"], shown_page["page_end"]) == (4, 0, 0)
    (phrase,) = shown_page["phrases"]
    assert (phrase["phrase_idx"], phrase["start"], phrase["end"]) == (7, 0, 0)


@pytest.mark.parametrize("case", cases("audio_slicing"))
def test_the_part_of_a_phrase_is_as_agreed(case: dict[str, Any]) -> None:
    if case.get("audio", "") is None:
        with pytest.raises(NoAudio):
            read_recording(b"")
        return
    if "phrase" not in case:
        with pytest.raises(UnreadableAudio):
            read_recording(b"no sound" * 100)
        return
    pages = [
        PageTiming(
            page(number, *listed["phrase_indices"]),
            window(number, 0, 10_000),
            tuple(
                timing(phrase, found["start"], found["end"])
                for phrase, found in zip(
                    listed["phrase_indices"], listed.get("aligned", []), strict=False
                )
            ),
        )
        for number, listed in enumerate(
            case.get("pages", [{"phrase_indices": [0, 1, 2], "aligned": case.get("aligned", [])}])
        )
    ]
    found = timings_by_phrase(pages).get(case["phrase"])
    if "slice" not in case:
        assert found is None
        return
    assert found
    assert [found.start, found.end] == case["slice"]
    assert RECORDING.between(found.start, found.end).seconds * 1000 == found.end - max(
        0, found.start
    )


def test_recognisers_get_a_phrase_with_a_margin_and_its_times_stay() -> None:
    phrase = timing(0, 2000, 3000)
    assert phrase.cut_from(RECORDING) == RECORDING.between(2000 - PADDING_MS, 3000 + PADDING_MS)
    assert (phrase.start, phrase.end) == (2000, 3000)


def test_a_margin_ends_with_the_recording() -> None:
    assert timing(0, 100, 9900).cut_from(RECORDING) == RECORDING


def test_a_phrase_without_length_has_no_sound_for_all_its_margin() -> None:
    assert timing(0, 2000, 2000).cut_from(RECORDING) == Recording(b"")
