"""What lies in the store about class sessions, before anything is made of it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from orf_books.object_keys import session_metadata_key
from orf_books.partition_keys import session_key
from orf_books.records.raw_sessions import (
    SOURCE,
    SessionFound,
    classes_in,
    load_session,
    session_at,
    sessions_in,
)
from orf_books.resources.storage import ObjectStorage, StoredObject
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.submission import MAX_BYTES

DAY = date(2026, 1, 5)
RAW_KEY = f"raw/5B/{DAY}/morning.txt"
ROSTER_KEY = "raw/5B/roster.json"
ROSTER = json.dumps([{"names": ["Ms. Rivera"], "role": "teacher"}]).encode()
DECLARED = {"class_id": "5B", "date": str(DAY), "format": "txt", "source": "Zoom"}


@pytest.fixture
def store(folder: ObjectStorage) -> ObjectStorage:
    """A store with one session, and the roster of its class."""
    folder.put(RAW_KEY, b"Ms. Rivera: Good morning.\n")
    folder.put(ROSTER_KEY, ROSTER)
    return folder


def only(storage: ObjectStorage) -> SessionFound:
    (found,) = sessions_in(storage)
    return found


def declare(storage: ObjectStorage, declared: Mapping[str, object] = DECLARED) -> None:
    storage.put(session_metadata_key(RAW_KEY), json.dumps(declared).encode())


def refusal(storage: ObjectStorage, found: SessionFound | None = None) -> ErrorCode:
    with pytest.raises(UnusableTranscript) as refused:
        load_session(storage, found or only(storage))
    return refused.value.code


# Finding


def test_a_raw_file_is_a_session_of_its_class_and_day(store: ObjectStorage) -> None:
    found = only(store)
    assert found.key == session_key("5B", DAY, RAW_KEY)
    assert found.key.startswith(f"5B/{DAY}/")
    assert (found.raw_key, found.size) == (RAW_KEY, 26)
    assert found.problem is None


def test_rosters_metadata_and_half_written_files_are_no_sessions(store: ObjectStorage) -> None:
    declare(store)
    for name in (".morning.txt", "noon.txt.part", "noon.txt~"):
        store.put(f"raw/5B/{DAY}/{name}", b"...")
    assert only(store).raw_key == RAW_KEY


def test_files_are_told_apart_without_telling_their_names(store: ObjectStorage) -> None:
    store.put(f"raw/5B/{DAY}/emma_cried.txt", b"...")
    store.put("raw/5B/emma_cried.txt", b"...")
    found = sessions_in(store)
    assert len({one.key for one in found}) == 3
    assert "emma" not in repr(found)


def test_the_folder_of_a_class_has_its_sessions_and_no_other(store: ObjectStorage) -> None:
    store.put(f"raw/5/{DAY}/morning.txt", b"...")
    assert {one.raw_key for one in sessions_in(store, "raw/5B/")} == {RAW_KEY}


@pytest.mark.parametrize(
    "key",
    [
        "raw/morning.txt",
        "raw/5B/morning.txt",
        "raw/5B/yesterday/morning.txt",
        "raw/5B/2026-02-30/morning.txt",
        f"raw/5B/{DAY}/deeper/morning.txt",
        f"raw/5B/{DAY}/morning.pdf",
        f"raw/5B/{DAY}/morning",
        f"raw/{'5' * 101}/{DAY}/morning.txt",
        f"raw/{'é' * 40}/{DAY}/morning.txt",
        f"raw/%2E%2E/{DAY}/morning.txt",
        f"raw/a%2Fb/{DAY}/morning.txt",
        f"raw/a%0Ab/{DAY}/morning.txt",
    ],
)
def test_a_key_that_declares_no_session_is_found_with_what_is_wrong(
    folder: ObjectStorage, key: str
) -> None:
    folder.put(key, b"...")
    found = only(folder)
    assert found.key.startswith("unusable/")
    assert found.problem
    assert found.problem.code is ErrorCode.INVALID_KEY
    assert refusal(folder, found) is ErrorCode.INVALID_KEY


@pytest.mark.parametrize("changed", [RAW_KEY, ROSTER_KEY, session_metadata_key(RAW_KEY)])
def test_the_file_its_metadata_and_the_roster_make_the_version(
    store: ObjectStorage, changed: str
) -> None:
    before = only(store).version
    assert only(store).version == before
    store.put(changed, b"another")
    after = only(store).version
    assert after != before
    store.delete(changed)
    assert [one.version for one in sessions_in(store) if one.version in (before, after)] == (
        [before] if changed == session_metadata_key(RAW_KEY) else []
    )


class DigestingStorage(ObjectStorage):
    """A store whose versions are digests of contents, as those of S3 are."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects below a prefix."""
        for one in super().list(prefix):
            yield replace(one, version=hashlib.sha256(self.get(one.key)).hexdigest())


def test_a_roster_that_is_put_back_makes_another_version(store: ObjectStorage) -> None:
    digesting = DigestingStorage(store.url)
    before = only(digesting)
    for roster in (b"[]", ROSTER):
        store.put(ROSTER_KEY, roster)
    assert only(digesting).version != before.version


def test_another_class_or_session_does_not_change_the_version(store: ObjectStorage) -> None:
    before = only(store)
    store.put("raw/6C/roster.json", ROSTER)
    store.put(f"raw/5B/{DAY + timedelta(days=1)}/morning.txt", b"...")
    assert before in sessions_in(store)


def test_a_session_is_found_again_by_its_partition(store: ObjectStorage) -> None:
    assert session_at(store, only(store).key) == only(store)


def test_a_session_whose_raw_file_is_gone_is_refused(store: ObjectStorage) -> None:
    key = only(store).key
    store.delete(RAW_KEY)
    with pytest.raises(UnusableTranscript) as refused:
        session_at(store, key)
    assert refused.value.code is ErrorCode.MISSING_FILE


def test_keys_and_versions_stay_as_they_are_in_what_is_stored(folder: ObjectStorage) -> None:
    folder.put("raw/5B/yesterday/a.txt", b"")
    found = only(folder)
    assert found.key == "unusable/1674cb076861"
    assert len(found.version) == 16
    assert SOURCE == "upload"


def test_what_is_logged_of_a_session_has_nothing_of_its_roster(store: ObjectStorage) -> None:
    assert "roster" not in repr(load_session(store, only(store))).lower()


def test_classes_are_those_with_a_roster(store: ObjectStorage) -> None:
    store.put("raw/Year%205/roster.json", ROSTER)
    store.put(f"raw/6C/{DAY}/morning.txt", b"...")
    assert set(classes_in(store)) == {"5B", "Year 5"}


# Loading


def test_all_that_work_needs_is_loaded(store: ObjectStorage) -> None:
    inputs = load_session(store, only(store))
    assert inputs.content == b"Ms. Rivera: Good morning.\n"
    assert inputs.roster.named("ms rivera")
    assert (inputs.metadata.class_id, inputs.metadata.day) == ("5B", DAY)
    assert inputs.metadata.source == SOURCE
    assert "Rivera" not in repr(inputs)


def test_what_is_declared_beside_a_file_counts(store: ObjectStorage) -> None:
    declare(store)
    assert load_session(store, only(store)).metadata.source == "Zoom"


def test_a_class_without_a_roster_is_told_where_to_put_it(store: ObjectStorage) -> None:
    store.delete(ROSTER_KEY)
    with pytest.raises(UnusableTranscript, match=ROSTER_KEY) as refused:
        load_session(store, only(store))
    assert refused.value.code is ErrorCode.INVALID_ROSTER


@pytest.mark.parametrize("roster", [b"", b"{", b"[]", b"\xff", b'{"student_roster": []}'])
def test_a_roster_that_cannot_be_read_is_refused(store: ObjectStorage, roster: bytes) -> None:
    store.put(ROSTER_KEY, roster)
    assert refusal(store) is ErrorCode.INVALID_ROSTER


@pytest.mark.parametrize("declared", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_metadata_that_is_no_object_is_refused(store: ObjectStorage, declared: bytes) -> None:
    store.put(session_metadata_key(RAW_KEY), declared)
    assert refusal(store) is ErrorCode.INVALID_METADATA


@pytest.mark.parametrize("missing", DECLARED)
def test_metadata_with_a_gap_is_refused(store: ObjectStorage, missing: str) -> None:
    declare(store, {name: value for name, value in DECLARED.items() if name != missing})
    assert refusal(store) is ErrorCode.INVALID_METADATA


@pytest.mark.parametrize(
    ("field", "value"), [("class_id", "6C"), ("date", "2026-01-06"), ("format", "csv")]
)
def test_metadata_that_contradicts_the_key_is_refused_whatever_else_is_missing(
    store: ObjectStorage, field: str, value: str
) -> None:
    declare(store, DECLARED | {field: value})
    assert refusal(store) is ErrorCode.KEY_MISMATCH


@pytest.mark.parametrize(
    ("size", "code"), [(0, ErrorCode.EMPTY_FILE), (MAX_BYTES + 1, ErrorCode.TOO_LARGE)]
)
def test_a_file_of_impossible_size_is_refused_unread(
    store: ObjectStorage, size: int, code: ErrorCode
) -> None:
    found = replace(only(store), size=size)
    store.delete(RAW_KEY)
    assert refusal(store, found) is code
