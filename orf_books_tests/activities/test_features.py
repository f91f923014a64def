import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.activity import FeatureRecord
from orf_books.activities.features import Feature, believed_features
from orf_books.failures import FixInput

SURE = (0.9,)


def record(
    model: str | None, phrase: int, confidences: tuple[float, ...] | None = SURE
) -> FeatureRecord:
    return FeatureRecord(phrase, model, confidences=confidences)


def believed(*records: FeatureRecord) -> list[tuple[int, str]]:
    return [(phrase, feature.model) for phrase, feature in believed_features(records).items()]


def test_a_second_pass_over_all_phrases_is_believed() -> None:
    first = [record("edm-1", phrase) for phrase in range(2)]
    second = [record("edm-1-SecondPass", phrase) for phrase in (1, 0)]
    assert believed(*first, *second) == [(0, "edm-1-SecondPass"), (1, "edm-1-SecondPass")]


def test_a_second_pass_with_a_gap_is_not_believed_though_its_number_is_right() -> None:
    first = [record("edm", phrase) for phrase in range(3)]
    second = [record("second", phrase) for phrase in (0, 2)]
    assert believed(*first, *second) == [(0, "edm"), (1, "edm"), (2, "edm")]


def test_an_incomplete_second_pass_is_better_than_nothing() -> None:
    assert believed(record("second", 1)) == [(1, "second")]


def test_features_go_by_the_index_of_their_phrase_not_by_their_place() -> None:
    features = believed_features([record("edm", 5, (0.1,)), record("edm", 2, (0.2,))])
    assert {phrase: one.confidences for phrase, one in features.items()} == {2: (0.2,), 5: (0.1,)}
    assert list(features) == [2, 5]


def test_models_for_show_are_left_out() -> None:
    records = [record("FauxSecond", 0), record("faux-edm", 1), record("edm", 0)]
    assert believed(*records) == [(0, "edm")]


def test_of_several_first_passes_the_one_with_most_phrases_is_believed_then_the_first_name() -> (
    None
):
    longer = [record("b", 0), record("b", 1)]
    assert believed(record("a", 0), *longer) == [(0, "b"), (1, "b")]
    assert believed(record("b", 0), record("a", 0)) == [(0, "a")]
    assert believed(record(None, 0), record("b", 0)) == [(0, "b")]


@given(st.randoms(use_true_random=False))
def test_the_order_of_records_decides_nothing(dice: random.Random) -> None:
    records = [record(model, phrase) for model in ("a", "b", "second") for phrase in (0, 1)]
    records.append(record("a", 2))
    expected = believed(*records)
    dice.shuffle(records)
    assert believed(*records) == expected


def test_the_first_record_with_confidences_counts() -> None:
    features = believed_features(
        [record("edm", 0, None), record("edm", 0, (0.3,)), record("edm", 0)]
    )
    assert features[0].confidences == (0.3,)


def test_a_record_without_a_model_is_used_where_there_is_no_other() -> None:
    assert believed(record(None, 0)) == [(0, "")]


@pytest.mark.parametrize("records", [[], [record("edm", 0, None)], [record("faux", 0)]])
def test_without_usable_features_there_is_a_clear_error(records: list[FeatureRecord]) -> None:
    with pytest.raises(FixInput, match="no usable features"):
        believed_features(records)


def test_distances_stand_in_for_matches_that_were_not_stored() -> None:
    def stored_w(record: FeatureRecord) -> tuple[bool, ...]:
        return believed_features([record])[0].stored_w

    distances = (0.0, 2.0, None)
    without = FeatureRecord(0, "edm", phoneme_distances=distances, confidences=SURE)
    with_both = FeatureRecord(0, "edm", None, (False,), distances, SURE)
    assert stored_w(without) == (True, False, False)
    assert stored_w(with_both) == (False,)
    assert stored_w(record("edm", 0)) == ()


def test_a_word_is_predicted_to_be_misread_below_the_threshold_not_at_it() -> None:
    feature = Feature("edm", (0.54, 0.55, 0.56), (), ())
    assert feature.predicted_misread(0.55) == (True, False, False)
