import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.activity import Activity, FeatureRecord, read_activity, read_truth
from orf_books.activities.norms import Season
from orf_books.failures import FixInput
from orf_books_tests.activities.readings import STORY_ID

RECORD: dict[str, Any] = {
    "activityId": "a-1",
    "storyId": STORY_ID,
    "story": {"chapters": [{"phrases": ["The cat.", "A dog."]}, {"phrases": ["Later."]}]},
    "errors": [[False, True]],
}
FEATURE: dict[str, Any] = {"phraseIndex": 0, "correct_confidences": [0.5, 1]}


def read(**changes: object) -> Activity:
    return read_activity(json.dumps(RECORD | changes).encode())


def complaint(content: bytes) -> str:
    with pytest.raises(FixInput) as refused:
        read_activity(content)
    return str(refused.value)


def complaint_about(**changes: object) -> str:
    return complaint(json.dumps(RECORD | changes).encode())


def test_only_the_first_chapter_is_read() -> None:
    activity = read()
    assert activity.phrases == ("The cat.", "A dog.")
    assert (activity.activity_id, activity.story_id) == ("a-1", STORY_ID)
    assert activity.errors == ((False, True),)
    assert (activity.tags, activity.features, activity.models) == ((), (), {})


def test_all_that_may_be_there_is_read() -> None:
    activity = read(
        story=RECORD["story"] | {"tags": ["READING"]},
        features=[{**FEATURE, "model": "edm", "Kaldi_match": [1, 0], "W2V_match": [0, 1]}],
        models={"edm": {"properties": {"threshold": 0.55, "other": 1}}},
        grade=2,
        season="fall",
        status="done",
        displayStatus="Done",
        version=7,
        somethingNew={},
    )
    assert activity.tags == ("READING",)
    assert activity.features == (
        FeatureRecord(0, "edm", (True, False), (False, True), None, (0.5, 1.0)),
    )
    assert activity.models["edm"].threshold == 0.55
    assert (activity.grade, activity.season) == (2, Season.FALL)
    assert (activity.status, activity.display_status) == ("done", "Done")
    assert activity.version == 7


def test_an_index_may_be_written_as_text_and_lists_may_be_null() -> None:
    nothing = {"Kaldi_match": None, "W2V_match": None, "correct_confidences": None, "model": None}
    activity = read(
        features=[nothing | {"phraseIndex": "3", "we_dist": [0, None, 1.5]}],
        models=None,
        story=RECORD["story"] | {"tags": None},
    )
    assert activity.features == (FeatureRecord(3, phoneme_distances=(0.0, None, 1.5)),)
    assert read(features=None).features == ()


def test_a_byte_order_mark_does_not_matter() -> None:
    assert read_activity(b"\xef\xbb\xbf" + json.dumps(RECORD).encode()) == read()


@pytest.mark.parametrize("field", ["activityId", "storyId", "errors"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    record = {name: value for name, value in RECORD.items() if name != field}
    assert f"`{field}`: Field required" in complaint(json.dumps(record).encode())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"activityId": ""}, "activityId"),
        ({"storyId": "the-cat"}, "storyId"),
        ({"story": {"chapters": []}}, "story.chapters[0].phrases"),
        ({"story": {"chapters": [{"phrases": []}]}}, "story.chapters[0].phrases"),
        ({"story": {"chapters": [{"phrases": ["a", None]}]}}, "story.chapters[0].phrases[1]"),
        ({"errors": [[True], [False, "perhaps"]]}, "errors[1][1]"),
        ({"features": [FEATURE, {}]}, "features[1].phraseIndex"),
        ({"features": [FEATURE | {"phraseIndex": -1}]}, "features[0].phraseIndex"),
        ({"features": [FEATURE | {"Kaldi_match": [2]}]}, "features[0].Kaldi_match[0]"),
        ({"models": {"edm": {"properties": {}}}}, "models.edm.properties.threshold"),
        ({"season": "summer"}, "season"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(changes: dict[str, Any], field: str) -> None:
    assert f"`{field}`: " in complaint_about(**changes)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{", b"[]", b"null"])
def test_what_is_no_record_is_refused(content: bytes) -> None:
    assert complaint(content).startswith("The record of the activity cannot be used: ")


def test_complaints_are_few_and_never_quote_what_is_there() -> None:
    told = complaint_about(
        storyId="Ada", story={"chapters": [{"phrases": [["Ada"]]}]}, errors=["Ada"] * 9
    )
    assert "Ada" not in told
    assert told.count("`") == 6
    assert "and 9 more" in told


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RECORD, "features", "models", "season", "grade"]), _JSON))
def test_any_other_record_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        activity = read(**changes)
    except FixInput:
        return
    assert activity.phrases


def test_labels_are_one_list_a_phrase() -> None:
    assert read_truth(b'{"words": [[true, false], []]}') == ((True, False), ())


@pytest.mark.parametrize("content", [b"{}", b'{"words": [true]}', b'{"words": null}', b"words"])
def test_what_holds_no_labels_is_refused(content: bytes) -> None:
    with pytest.raises(FixInput, match=r"^truth.json cannot be used: "):
        read_truth(content)
