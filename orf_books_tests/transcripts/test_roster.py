import json

import pytest

from orf_books.transcripts.erasure import erase_from_roster
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.redaction import Redactor
from orf_books.transcripts.roster import comparable_name, read_roster
from orf_books.transcripts.utterance import SpeakerRole
from orf_books_tests.transcripts.sessions import EMMA, ENTRIES, LIAM, OTHER_EMMA, ZORA, roster


def ids(label: str) -> list[str | None]:
    return [entry.student_id for entry in roster().named(label)]


@pytest.mark.parametrize(
    "label",
    [
        "Emma Johnson",
        " emma  JOHNSON ",
        "Emma\u00a0Johnson",
        "Emma-Johnson",
        "emma_johnson",
        "E.J.",
    ],
)
def test_case_spaces_and_punctuation_make_no_other_name(label: str) -> None:
    assert ids(label) == [EMMA]


@pytest.mark.parametrize("label", ["Liam OBrien", "Liam O\u2019Brien", "LIAM O'BRIEN", "student a"])
def test_apostrophes_and_aliases_lead_to_the_same_student(label: str) -> None:
    assert ids(label) == [LIAM]


@pytest.mark.parametrize("label", ["Emma J", "Johnson", "Emma Johnsen", "Johnson Emma", "", "!"])
def test_what_is_not_exactly_a_name_names_nobody(label: str) -> None:
    assert ids(label) == []


def test_a_name_is_found_however_its_accents_are_composed() -> None:
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    assert comparable_name(composed) == comparable_name(decomposed) != comparable_name("Zoe")


def test_a_shared_name_names_everyone_who_has_it() -> None:
    assert ids("Emma") == [EMMA, OTHER_EMMA]


def test_nobody_consents_unless_the_roster_says_so() -> None:
    without = [entry.student_id for entry in roster().entries if entry.is_without_consent]
    assert without == [ZORA]


def test_staff_need_no_id_and_no_consent() -> None:
    (teacher,) = roster().named("ms rivera")
    assert teacher.role is SpeakerRole.TEACHER
    assert not teacher.is_without_consent


def test_an_id_is_found_in_any_case() -> None:
    upper = ENTRIES[0] | {"student_id": "ABCDEF00-0000-4000-8000-000000000000"}
    found = roster(upper).student(" abcdef00-0000-4000-8000-000000000000")
    assert found == roster(upper).entries[0]


def test_the_list_may_stand_in_an_object_behind_a_byte_order_mark() -> None:
    content = b"\xef\xbb\xbf" + json.dumps({"student_roster": ENTRIES}).encode()
    assert read_roster(content).entries == roster().entries


def test_nobody_is_named_where_a_roster_is_printed() -> None:
    assert "Emma" not in f"{roster()!r} {roster().entries!r}"


@pytest.mark.parametrize(
    "document",
    [
        {"students": [{"id": EMMA, "display_name": "Emma Johnson", "consent": True}]},
        {"roster": [{"student_id": EMMA, "display_names": ["Emma Johnson"], "consent": True}]},
        [{"student_id": EMMA, "name": "Emma Johnson", "role": "Student", "consent": True}],
        [{"student_id": EMMA, "aliases": "Emma Johnson", "consent": True, "grade": 4}],
    ],
)
def test_what_other_programs_call_the_same_is_understood(document: object) -> None:
    found = read_roster(json.dumps(document).encode())
    (entry,) = found.named("emma johnson")
    assert (entry.student_id, entry.role, entry.consent) == (EMMA, SpeakerRole.STUDENT, True)
    assert Redactor(found).redact("Ask Emma.") == "Ask [peer]."
    assert b"mma" not in erase_from_roster(json.dumps(document).encode(), EMMA)


@pytest.mark.parametrize("role", ["teacher", "Educator", "staff"])
def test_staff_of_any_name_is_a_teacher(role: str) -> None:
    (entry,) = roster({"names": ["Kim Roe"], "role": role}).entries
    assert entry.role is SpeakerRole.TEACHER


GOOD = ENTRIES[0]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "Invalid JSON"),
        (b"\xff[]", "JSON"),
        ([], "should not be empty"),
        ({}, "valid array"),
        (["Emma Johnson"], r"`\[0\]`"),
        ([GOOD, {"names": ["Secret Name"]}], r"`\[1\].student_id`: A student needs one"),
        ([GOOD | {"student_id": "Secret Name"}], r"`\[0\].student_id`: Input should be a UUID"),
        ([GOOD, GOOD], r"`\[0\].student_id`: Another entry has the same"),
        (
            [{"student_id": EMMA, "names": [], "consent": True}],
            r"`\[0\].names`: Everybody needs a name or an alias",
        ),
        ([GOOD | {"names": ["Secret Name", "?!"]}], r"`\[0\].names\[1\]`: .* letters or digits"),
        ([GOOD | {"names": {"Secret": "Name"}}], r"`\[0\].names`"),
        ([GOOD | {"aliases": [7]}], r"`\[0\].aliases\[0\]`"),
        ([GOOD | {"role": "Secret Name"}], r"`\[0\].role`: Input should be 'student' or 'teacher'"),
        ([GOOD | {"consent": "yes"}], r"`\[0\].consent`"),
    ],
)
def test_a_bad_roster_is_refused_by_field_and_never_by_name(content: object, place: str) -> None:
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    with pytest.raises(UnusableTranscript, match=place) as refused:
        read_roster(content)
    assert refused.value.code is ErrorCode.INVALID_ROSTER
    assert "Fix it" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("Secret", "Emma", "Johnson"))
