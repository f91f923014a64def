from typing import Any

import pytest

from orf_books.activities import manifest
from orf_books.activities.manifest import (
    InvalidV2Segment,
    PageWindow,
    Segment,
    fit_to_recording,
    page_windows,
)
from orf_books_tests.activities.goldens import cases

SECOND = 32_000
HEADER = 44


def segment(name: str, seconds: float = 1, **metadata: str) -> Segment:
    return Segment(f"activities/A/{name}", HEADER + round(seconds * SECOND), metadata)


def window(page: int, start: int, end: int) -> PageWindow:
    return PageWindow(page, start, end, ())


@pytest.mark.parametrize("case", cases("manifest"))
def test_windows_are_as_agreed(case: dict[str, Any]) -> None:
    segments = [Segment(**listed) for listed in case["objects"]]
    allowed = next((case[name] for name in case if "allowed" in name), 0)
    if "expect_error" in case:
        with pytest.raises(getattr(manifest, case["expect_error"])):
            page_windows(segments, allowed)
        return
    assert [
        {
            "phrase": found.page,
            "duration": found.duration,
            "start": found.start,
            "end": found.end,
            "segments": list(found.segments),
        }
        for found in page_windows(segments, allowed)
    ] == case["expect"]


def test_pages_and_their_segments_are_in_the_order_of_their_numbers() -> None:
    names = ["10-0-v2.wav", "2-10-v2.wav", "2-9-v2.wav"]
    windows = page_windows([segment(name) for name in names])
    assert [found.page for found in windows] == [2, 10]
    assert windows[0].segments == ("activities/A/2-9-v2.wav", "activities/A/2-10-v2.wav")


def test_numbers_in_the_folder_are_no_page() -> None:
    assert page_windows([Segment("activities/2024-01/7-0-v2.wav", HEADER)])[0].page == 7


def test_older_segments_are_in_the_order_that_was_stored_with_them() -> None:
    late = segment("a.wav", phraseindex="0", sequencenumber="11")
    early = segment("b.wav", phraseindex="0", sequencenumber="2")
    assert page_windows([late, early])[0].segments == (early.key, late.key)


@pytest.mark.parametrize(
    "beside",
    [
        segment("complete.wav", 60),
        segment("activity.json"),
        segment("note.wav", sequencenumber="1"),
        segment("note.wav", phraseindex="first"),
    ],
    ids=["the full recording", "no sound", "no page", "no number"],
)
def test_what_is_of_no_page_is_left_out(beside: Segment) -> None:
    assert page_windows([beside]) == ()


def test_so_many_invalid_names_are_left_out_as_are_allowed() -> None:
    segments = [segment("x-v2.wav"), segment("0-0-v2.wav"), segment("y-v2.wav")]
    assert [found.page for found in page_windows(segments, allowed_invalid=2)] == [0]
    with pytest.raises(InvalidV2Segment, match=r"y-v2\.wav: rename it"):
        page_windows(segments, allowed_invalid=1)


def test_a_segment_smaller_than_a_header_is_empty() -> None:
    assert page_windows([Segment("A/0-0-v2.wav", 10), segment("0-1-v2.wav")])[0].duration == 1000


def test_what_the_header_says_goes_before_the_size() -> None:
    as_float = Segment("A/0-0-v2.wav", 2 * SECOND, seconds=0.5)
    assert page_windows([as_float])[0].duration == 500


def test_windows_that_end_with_the_recording_stay_as_they_are() -> None:
    windows = [window(0, 0, 30_000), window(1, 30_000, 60_200)]
    fitted = fit_to_recording(windows, 60_000)
    assert fitted.windows == tuple(windows)
    assert fitted.surplus == 0


@pytest.mark.parametrize(
    ("end", "milliseconds"), [(60_251, 60_000), (59_749, 60_000), (10_101, 10_000)]
)
def test_windows_that_end_elsewhere_are_stretched_and_it_is_told(
    end: int, milliseconds: int
) -> None:
    fitted = fit_to_recording([window(0, 0, 5_000), window(1, 5_000, end)], milliseconds)
    assert fitted.surplus == end - milliseconds
    assert fitted.windows[0].end == fitted.windows[1].start == round(5_000 * milliseconds / end)
    assert fitted.windows[1].end == milliseconds


def test_windows_without_sound_cannot_be_stretched() -> None:
    assert fit_to_recording([], 60_000).windows == ()
    assert fit_to_recording([window(0, 0, 0)], 60_000).windows == (window(0, 0, 0),)
