from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from orf_books.activities.rescored_activity import RescoredActivity, Verdict
from orf_books.activities.sound_quality import NotScored
from orf_books.failures import FailureCategory, RetryLater
from orf_books_tests.activities.readings import activity, rescored

OUTAGE = RetryLater("It is out of order.", FailureCategory.TIMEOUT)


@pytest.fixture
def result() -> RescoredActivity:
    return rescored(
        activity("x.....", "x..."), "the cat um sat on the hat a dog ran home", OUTAGE, "cat a dog"
    )


def test_a_verdict_is_read_misread_or_none(result: RescoredActivity) -> None:
    assert {word.verdict for word in result.words} == set(Verdict) - {Verdict.NOT_SCORED}
    assert [word.verdict is Verdict.NOT_RESCORED for word in result.words] == [
        not word.is_rescored for word in result.words
    ]


def test_a_word_that_could_not_be_scored_has_no_other_verdict(result: RescoredActivity) -> None:
    word = replace(result.words[0], misread=None, not_scored=NotScored.CLIPPED)
    assert word.verdict is Verdict.NOT_SCORED


def test_words_are_those_of_all_phrases_in_order(result: RescoredActivity) -> None:
    assert [word.text for word in result.words] == [
        "the",
        "cat",
        "sat",
        "on",
        "the",
        "mat",
        "a",
        "dog",
        "ran",
        "home",
    ]


def test_failures_are_counted_by_their_category(result: RescoredActivity) -> None:
    assert result.failures == {FailureCategory.TIMEOUT: 2}


def test_a_result_can_be_kept_as_json(result: RescoredActivity) -> None:
    adapter = TypeAdapter(RescoredActivity)
    assert adapter.validate_json(adapter.dump_json(result)) == result
