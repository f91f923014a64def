"""What is usual in a store: when it is learned, and when it stays."""

from pathlib import Path

import pytest

from orf_books.object_keys import class_tally_key
from orf_books.records.usual import learn_when_due, note_class, usual_in
from orf_books.resources.storage import ObjectStorage
from orf_books.settings import Settings
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, UsualSource
from orf_books_tests.transcripts.scores import evidence, stored_scores, student

CLASSES = ("5A", "5B", "5C")


@pytest.fixture
def storage(tmp_path: Path) -> ObjectStorage:
    """An empty store."""
    return Settings(storage=(tmp_path / "store").as_uri()).open_storage()


def hear(storage: ObjectStorage, class_id: str, sessions: int, version: str = "1.0.0") -> None:
    """Note a class of 20 students who say 100 utterances in each session."""
    of_student = student(5.0, 0.5, {Skill.EMPATHY: [evidence(1), evidence(2)]}, utterances=100)
    note_class(
        storage,
        class_id,
        [
            stored_scores(
                {f"{class_id}-{number}": of_student for number in range(20)},
                class_id=class_id,
                file=f"{session}.txt",
                model_version=version,
            )
            for session in range(sessions)
        ],
    )


def test_an_empty_store_has_what_is_shipped(storage: ObjectStorage) -> None:
    assert not learn_when_due(storage, CLASSES)
    assert usual_in(storage) == SHIPPED


def test_enough_classes_are_learned_from_once(storage: ObjectStorage) -> None:
    for class_id in CLASSES:
        hear(storage, class_id, 2)
    assert learn_when_due(storage, CLASSES)
    usual = usual_in(storage)
    assert (usual.source, usual.utterances, usual.students) == (UsualSource.LEARNED, 12_000, 60)
    assert usual.rates[Skill.EMPATHY].rate > SHIPPED.rates[Skill.EMPATHY].rate
    assert not learn_when_due(storage, CLASSES)


def test_it_is_learned_anew_only_when_twice_as_much_was_heard(storage: ObjectStorage) -> None:
    for class_id in CLASSES:
        hear(storage, class_id, 2)
    learn_when_due(storage, CLASSES)
    hear(storage, "5A", 6)
    assert not learn_when_due(storage, CLASSES)
    for class_id in CLASSES:
        hear(storage, class_id, 4)
    assert learn_when_due(storage, CLASSES)
    assert usual_in(storage).utterances == 24_000


def test_another_detector_makes_it_learn_anew(storage: ObjectStorage) -> None:
    for version in ("1.0.0", "2.0.0"):
        for class_id in CLASSES:
            hear(storage, class_id, 2, version)
        assert learn_when_due(storage, CLASSES)
    assert usual_in(storage).model_version == "2.0.0"


def test_a_class_that_is_gone_no_longer_counts(storage: ObjectStorage) -> None:
    for class_id in CLASSES:
        hear(storage, class_id, 2)
    assert learn_when_due(storage, CLASSES[:2])
    assert usual_in(storage).classes == 2
    kept = {stored.key for stored in storage.list("usual/classes/")}
    assert kept == {class_tally_key(class_id) for class_id in CLASSES[:2]}


def test_a_tally_names_no_student(storage: ObjectStorage) -> None:
    hear(storage, "5A", 2)
    assert b"5A-" not in storage.get(class_tally_key("5A"))


def test_damaged_rates_are_as_good_as_none(storage: ObjectStorage) -> None:
    storage.put("usual/rates.json", b"{")
    assert usual_in(storage) == SHIPPED
