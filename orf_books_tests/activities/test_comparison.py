from dataclasses import replace

import pytest

from orf_books.activities.agreement import LabelsDoNotFit
from orf_books.activities.comparison import Movement, compare
from orf_books.activities.rescored_activity import RescoredActivity, Verdict
from orf_books.activities.voting import VoteRule
from orf_books.failures import FailureCategory, RetryLater
from orf_books_tests.activities.readings import activity, flags, rescored

HEARD = "the cat sat on the hat a dog ran home"
OUTAGE = RetryLater("It is out of order.", FailureCategory.TIMEOUT)
LABELS = {"a-1": [flags(".....x"), flags("....")]}


@pytest.fixture(scope="module")
def by_reference() -> RescoredActivity:
    """W hears the last word of the first phrase, and nobody else does."""
    return rescored(activity("......", "...."), HEARD, "", "the cat sat on the mat")


@pytest.fixture(scope="module")
def by_majority() -> RescoredActivity:
    made = activity("......", "....")
    return rescored(made, HEARD, "", "the cat sat on the mat", rule=VoteRule.MAJORITY)


def test_two_rules_differ_in_the_words_on_which_they_decide_differently(
    by_reference: RescoredActivity, by_majority: RescoredActivity
) -> None:
    comparison = compare([by_reference], [by_majority], {})
    (changed,) = comparison.changed
    assert (changed.activity_id, changed.phrase, changed.word) == ("a-1", 0, 5)
    assert (changed.before.verdict, changed.after.verdict) == (Verdict.CORRECT, Verdict.MISREAD)
    assert (comparison.activities, comparison.words) == (1, 10)
    assert comparison.measures["accuracy"] == Movement(1.0, 0.9, 1)
    assert comparison.measures["misread_words"] == Movement(0, 1, 1)
    assert "f1" not in comparison.measures


def test_labels_tell_which_result_is_better(
    by_reference: RescoredActivity, by_majority: RescoredActivity
) -> None:
    measures = compare([by_reference], [by_majority], LABELS).measures
    assert measures["recall"] == Movement(0.0, 1.0, 1)
    assert measures["precision"] == Movement(None, 1.0, 1)


def test_equal_results_differ_in_nothing(by_reference: RescoredActivity) -> None:
    comparison = compare([by_reference], [by_reference], LABELS)
    assert comparison.changed == ()
    assert all(moved.before == moved.after for moved in comparison.measures.values())


def test_a_word_that_is_no_longer_rescored_has_changed(by_reference: RescoredActivity) -> None:
    in_an_outage = rescored(activity("......", "...."), HEARD, OUTAGE, OUTAGE)
    comparison = compare([by_reference], [in_an_outage], {})
    assert len(comparison.changed) == 6
    assert {one.after.verdict for one in comparison.changed} == {Verdict.NOT_RESCORED}
    assert comparison.measures["words_not_rescored"] == Movement(0, 6, 1)


def test_what_cannot_be_compared_is_named(by_reference: RescoredActivity) -> None:
    other_words = rescored(activity("...", phrases=("The cat sat.",)), "the cat sat")
    gone, new, reworded = (replace(by_reference, activity_id=name) for name in ("b", "c", "d"))
    comparison = compare(
        [by_reference, gone, reworded],
        [replace(other_words, activity_id="d"), new, by_reference],
        {},
    )
    assert comparison.activities == 1
    assert comparison.not_compared == ("b", "c", "d")


def test_means_are_of_activities_that_have_both_values(by_reference: RescoredActivity) -> None:
    silent = replace(rescored(activity("......", "xxxx"), ""), activity_id="b")
    read = replace(by_reference, activity_id="b")
    comparison = compare([by_reference, silent], [by_reference, read], {})
    assert comparison.measures["accuracy"] == Movement(1.0, 1.0, 1)
    assert comparison.measures["attempted_words"] == Movement(5, 10, 2)


def test_nothing_compared_has_no_measures(by_reference: RescoredActivity) -> None:
    assert compare([by_reference], [], {}).measures["wcpm"] == Movement(None, None, 0)


def test_labels_that_do_not_fit_are_refused(by_reference: RescoredActivity) -> None:
    with pytest.raises(LabelsDoNotFit):
        compare([by_reference], [by_reference], {"a-1": [flags(".")]})
