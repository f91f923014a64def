import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.agreement import (
    AgreementWithPreviousFlags,
    Confusion,
    Evaluation,
    JudgedReading,
    LabelsDoNotFit,
    agreement_with_previous_flags,
    judge,
)
from orf_books.activities.fluency import Fluency
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books_tests.activities.readings import activity, flags, rescored

COUNTS = st.integers(min_value=0, max_value=50)
NOBODY = Fluency(0, 0, None)


def reading(
    confusion: Confusion, said: Fluency = NOBODY, labelled: Fluency = NOBODY
) -> JudgedReading:
    return JudgedReading("a-1", confusion, 0, said, labelled)


@pytest.fixture(scope="module")
def result() -> RescoredActivity:
    """`.....x` and `....`, where the first pass said `x.....` and `....`."""
    heard = "the cat sat on the hat a dog ran home"
    return rescored(activity("x.....", "...."), heard, "the cat sat on the", "")


def test_agreement_is_with_the_flags_before(result: RescoredActivity) -> None:
    assert agreement_with_previous_flags(result.words) == AgreementWithPreviousFlags(
        verdicts=0.8, predictions=0.9, words=10, words_without_flag=0
    )


def test_words_that_cannot_be_compared_are_counted(result: RescoredActivity) -> None:
    unknown = replace(result.words[0], previously_misread=None)
    agreement = agreement_with_previous_flags((unknown, *result.words[1:]))
    assert (agreement.words, agreement.words_without_flag) == (9, 1)
    nothing = agreement_with_previous_flags([unknown])
    assert (nothing.verdicts, nothing.predictions) == (None, None)


def test_predictions_that_are_not_known_agree_with_nothing(result: RescoredActivity) -> None:
    words = [replace(word, predicted_misread=None) for word in result.words]
    agreement = agreement_with_previous_flags(words)
    assert (agreement.verdicts, agreement.predictions) == (0.8, None)


def test_measures_of_the_miscue_class() -> None:
    words = Confusion(true_positives=6, false_positives=2, false_negatives=4, true_negatives=88)
    assert words.words == 100
    assert words.accuracy == pytest.approx(0.94)
    assert words.precision == pytest.approx(0.75)
    assert words.recall == pytest.approx(0.6)
    assert words.f1 == pytest.approx(2 / 3)
    assert words.kappa == pytest.approx((0.94 - 0.836) / (1 - 0.836))
    assert words.mcc == pytest.approx((6 * 88 - 2 * 4) / math.sqrt(8 * 10 * 92 * 90))


def test_calling_every_word_correct_is_accurate_and_worthless() -> None:
    words = Confusion(false_negatives=10, true_negatives=90)
    assert (words.accuracy, words.recall, words.f1, words.kappa) == (0.9, 0.0, 0.0, 0.0)
    assert (words.precision, words.mcc) == (None, None)


def test_without_words_there_are_no_measures() -> None:
    nothing = Confusion()
    measures = (nothing.accuracy, nothing.precision, nothing.recall, nothing.f1, nothing.kappa)
    assert {*measures, nothing.mcc} == {None}


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_measures_stay_within_their_bounds(tp: int, fp: int, fn: int, tn: int) -> None:
    words = Confusion(tp, fp, fn, tn)
    shares = (words.accuracy, words.precision, words.recall, words.f1)
    assert all(share is None or 0 <= share <= 1 for share in shares)
    signed = (words.kappa, words.mcc)
    assert all(measure is None or -1 - 1e-9 <= measure <= 1 + 1e-9 for measure in signed)


def test_verdicts_are_judged_by_what_a_person_labelled(result: RescoredActivity) -> None:
    judged = judge(result, [flags("x....x"), flags("....")])
    assert judged.confusion == Confusion(
        true_positives=1, false_positives=0, false_negatives=1, true_negatives=8
    )
    assert judged.words_without_verdict == 0
    assert (judged.fluency.correct_words, judged.labelled_fluency.correct_words) == (9, 8)
    assert judged.fluency.seconds == judged.labelled_fluency.seconds


def test_words_without_a_verdict_are_in_no_measure() -> None:
    made = activity("......", "....")
    without = replace(made, features=made.features[:1], errors=made.errors[:1])
    unknown = rescored(without, "the cat sat on the mat")
    judged = judge(unknown, [flags("......"), flags("x...")])
    assert (judged.confusion.words, judged.words_without_verdict) == (6, 4)


@pytest.mark.parametrize(
    ("labels", "told"),
    [(["......"], "2 phrases, and 1"), (["......", "..."], "4 words in phrase 2, and 3")],
)
def test_labels_of_other_words_are_refused(
    result: RescoredActivity, labels: list[str], told: str
) -> None:
    with pytest.raises(LabelsDoNotFit, match=told):
        judge(result, list(map(flags, labels)))


def test_bias_has_a_sign_and_the_mean_absolute_error_has_none() -> None:
    label = Fluency(10, 5, 60.0)
    evaluation = Evaluation(
        (
            reading(Confusion(), Fluency(10, 9, 60.0), label),
            reading(Confusion(), Fluency(10, 3, 60.0), label),
            reading(Confusion(), NOBODY, label),
        )
    )
    accuracy, wcpm = evaluation.accuracy_deviation, evaluation.wcpm_deviation
    assert accuracy
    assert astuple(accuracy) == pytest.approx((0.1, 0.3, 2))
    assert wcpm
    assert astuple(wcpm) == pytest.approx((1, 3, 2))
    assert Evaluation(()).wcpm_deviation is None


def test_words_of_all_readings_count_alike() -> None:
    evaluation = Evaluation((reading(Confusion(1, 0, 0, 9)), reading(Confusion(0, 1, 2, 27))))
    assert evaluation.confusion == Confusion(1, 1, 2, 36)


def test_an_interval_holds_the_measure_and_is_the_same_each_time() -> None:
    readings = tuple(reading(Confusion(hit, 1, 5 - hit, 50)) for hit in (0, 1, 2, 3, 4, 5))
    evaluation = Evaluation(readings)
    interval = evaluation.interval(lambda words: words.recall)
    assert interval
    assert 0 < interval.low < 0.5 < interval.high < 1
    assert interval == Evaluation(readings).interval(lambda words: words.recall)


def test_readings_that_are_alike_leave_no_doubt() -> None:
    evaluation = Evaluation((reading(Confusion(1, 1, 1, 1)),) * 5)
    interval = evaluation.interval(lambda words: words.f1)
    assert interval
    assert (interval.low, interval.high) == (0.5, 0.5)


def test_one_reading_or_no_miscue_gives_no_interval() -> None:
    one = reading(Confusion(1, 0, 0, 1))
    assert Evaluation((one,)).interval(lambda words: words.recall) is None
    none_misread = Evaluation((reading(Confusion(true_negatives=5)),) * 2)
    assert none_misread.interval(lambda words: words.recall) is None
