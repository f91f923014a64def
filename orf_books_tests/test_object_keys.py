from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orf_books import object_keys
from orf_books.failures import FixInput
from orf_books.object_keys import (
    AGGREGATES,
    NORMALIZED,
    SCORES,
    class_folder,
    class_page_key,
    export_key,
    export_refusal_key,
    is_export,
    is_roster,
    is_session,
    library_name,
    library_of_export,
    rejected_export_key,
    roster_key,
    session_metadata_key,
    session_output_key,
    session_refusal_key,
    student_page_key,
    student_pages_folder,
)
from orf_books.partition_keys import session_key

DAY = date(2026, 1, 5)
STUDENT = "0b1f7c52-6d0e-4c38-9a61-5a4fbe1f0c01"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ann", "ann"),
        ("  ann  ", "ann"),
        ("Ann's books", "Ann%27s%20books"),
        ("shelf/2026", "shelf%2F2026"),
        ("büchér", "b%C3%BCch%C3%A9r"),
        ("50%", "50%25"),
        ("ann@example.org", "ann@example.org"),
    ],
)
def test_a_library_has_a_name_of_one_plain_segment(text: str, name: str) -> None:
    assert library_name(text) == name


@pytest.mark.parametrize("text", ["", "   ", ".", "..", "a//b", "/", "a/../b", "x" * 201])
def test_what_cannot_name_a_library_is_refused(text: str) -> None:
    with pytest.raises(FixInput):
        library_name(text)


@pytest.mark.parametrize(
    ("key", "library"),
    [
        ("uploads/ann/raw.csv", "ann"),
        ("uploads/ann/2026/may.csv", "ann"),
        ("uploads/ann.csv", "ann"),
        ("uploads/ann.smith.csv", "ann.smith"),
        ("uploads/Ann's books/raw.csv", "Ann%27s%20books"),
        ("uploads/Ann's books.csv", "Ann%27s%20books"),
    ],
)
def test_an_upload_belongs_to_its_folder_or_else_to_its_name(key: str, library: str) -> None:
    assert library_of_export(key) == library


@pytest.mark.parametrize("key", ["uploads/../raw.csv", "uploads/%2E%2E/raw.csv"])
def test_an_upload_of_no_library_is_refused(key: str) -> None:
    with pytest.raises(FixInput):
        library_of_export(key)


@given(st.text(max_size=30))
def test_an_upload_of_the_command_line_belongs_to_the_library_that_was_named(text: str) -> None:
    try:
        library = library_name(text)
    except FixInput:
        assume(False)
    assert library_of_export(export_key(library)) == library
    assert is_export(export_key(library)) is not library.startswith(".")


@pytest.mark.parametrize(
    "key", ["uploads/ann/raw.csv", "uploads/ann.csv", "uploads/a.b/c.d.csv", "uploads/a~b.csv"]
)
def test_what_lies_below_uploads_is_an_upload(key: str) -> None:
    assert is_export(key)


@pytest.mark.parametrize(
    "key",
    [
        "data/ann.json",
        "uploads2/ann.csv",
        "rejected/uploads/ann.csv",
        "uploads/.DS_Store",
        "uploads/.hidden/raw.csv",
        "uploads/ann/.raw.csv.swp",
        "uploads/ann/~$raw.csv",
        "uploads/ann/raw.csv~",
        "uploads/ann/raw.csv.tmp",
        "uploads/ann/raw.csv.PART",
        "uploads/ann/raw.csv.partial",
        "uploads/ann/raw.csv.crdownload",
    ],
)
def test_hidden_and_half_written_files_and_others_are_no_uploads(key: str) -> None:
    assert not is_export(key)


def test_a_refused_upload_is_kept_beside_the_reason() -> None:
    assert rejected_export_key("uploads/ann/raw.csv") == "rejected/ann/raw.csv"
    assert export_refusal_key("uploads/ann/raw.csv") == "rejected/ann/raw.csv.error.json"


@pytest.mark.parametrize(
    "key",
    [
        "raw/5B/2026-01-05/morning.txt",
        "raw/5B/2026-01-05/roster.json",
        "raw/5B/2026-01-05/a.metadata.json.txt",
        "raw/5B/yesterday/morning.txt",
        "raw/morning.docx",
    ],
)
def test_what_lies_below_raw_is_meant_as_a_session_be_it_right_or_wrong(key: str) -> None:
    assert is_session(key)
    assert not is_roster(key)


@pytest.mark.parametrize(
    "key",
    [
        "raw/5B/roster.json",
        "raw/5B/2026-01-05/morning.txt.metadata.json",
        "raw/5B/2026-01-05/.morning.txt",
        "raw/5B/2026-01-05/morning.txt.part",
        "raw/5B/.cache/morning.txt",
        "raws/5B/2026-01-05/morning.txt",
        "scores/5B/2026-01-05/run.json",
    ],
)
def test_rosters_metadata_and_half_written_files_are_no_sessions(key: str) -> None:
    assert not is_session(key)


@pytest.mark.parametrize(
    ("class_id", "segment"),
    [("5B", "5B"), ("Year 5", "Year%205"), ("5/B", "5%2FB"), ("Año", "A%C3%B1o"), ("50%", "50%25")],
)
def test_a_class_is_one_segment_of_every_key(class_id: str, segment: str) -> None:
    assert class_folder(class_id) == f"raw/{segment}/"
    assert roster_key(class_id) == f"raw/{segment}/roster.json"
    assert is_roster(roster_key(class_id))
    assert class_page_key(class_id) == f"data/classes/{segment}.html"
    assert student_page_key(class_id, STUDENT) == f"data/classes/{segment}/{STUDENT}.html"
    assert student_page_key(class_id, STUDENT).startswith(student_pages_folder(class_id))
    assert session_output_key(NORMALIZED, class_id, DAY, "run") == (
        f"normalized/{segment}/2026-01-05/run.jsonl"
    )
    for stage in (SCORES, AGGREGATES):
        assert session_output_key(stage, class_id, DAY, "run") == (
            f"{stage}/{segment}/2026-01-05/run.json"
        )


@pytest.mark.parametrize("class_id", ["", ".", "..", "a/../b", "x" * 201])
def test_what_cannot_name_a_class_is_refused(class_id: str) -> None:
    with pytest.raises(FixInput):
        class_folder(class_id)


def test_a_refused_session_is_known_by_its_partition_and_not_by_its_file() -> None:
    session = session_key("5B", DAY, "raw/5B/2026-01-05/emma_cried.txt")
    key = session_refusal_key(session)
    assert key == f"rejected/{session}.error.json"
    assert "emma" not in key


def test_metadata_lies_beside_its_file() -> None:
    assert session_metadata_key("raw/5B/2026-01-05/a.txt") == (
        "raw/5B/2026-01-05/a.txt.metadata.json"
    )


def test_keys_that_people_know_stay_as_they_are() -> None:
    assert object_keys.EXPORTS == "uploads/"
    assert object_keys.LIBRARIES_PAGE == "dashboard.html"
    assert export_key("ann") == "uploads/ann/raw.csv"
    assert object_keys.library_data_key("ann") == "data/ann.json"
    assert object_keys.library_page_key("ann") == "data/ann.html"
    assert object_keys.RAW == "raw/"
    assert object_keys.CLASSES_PAGE == "classes.html"
