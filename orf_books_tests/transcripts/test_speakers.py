import pytest

from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.speakers import Speaker, Speakers
from orf_books.transcripts.turns import Row, Turn
from orf_books.transcripts.utterance import SpeakerRole
from orf_books_tests.transcripts.sessions import EMMA, LIAM, OTHER_EMMA, ZORA, roster

UNLISTED = "90000000-0000-4000-8000-000000000000"


def speaker(label: str, student_id: str | None = None, declared_role: str | None = None) -> Speaker:
    return Speakers(roster()).speaker_of(
        Turn(1, label, student_id=student_id, declared_role=declared_role)
    )


def test_a_student_is_known_by_name_and_goes_by_id() -> None:
    assert speaker("emma johnson") == Speaker(EMMA, SpeakerRole.STUDENT, EMMA)


@pytest.mark.parametrize(
    "label",
    [
        *("Johnson, Emma", "Emma J.", "Emma J. (she/her)", "EMMA JOHNSON (Guest)", "Emma-Johnson"),
        *("Emma Johnson (she/her) (External)", "Emma Johnson External", "Johnson, Emma (Guest)"),
        *("**Emma Johnson**", "[Emma Johnson]", "Emma Johnson | External", "Emma Rose Johnson"),
        *("[External] Emma Johnson", "\u00c9mma Johnson", "EJ (Unverified)"),
    ],
)
def test_a_student_is_known_however_a_tool_writes_the_name(label: str) -> None:
    assert speaker(label).student_id == EMMA


@pytest.mark.parametrize(
    "label",
    ["Emma", "Emma K.", "Johnson", "Emma Johnson's iPad", "Emma Johnson (Mum)", "Emm", "E. J."],
)
def test_a_name_that_may_be_somebody_elses_is_nobodys(label: str) -> None:
    assert speaker(label).student_id is None


def test_a_short_form_of_several_names_is_nobodys_and_needs_the_consent_of_all() -> None:
    names = roster(
        {"student_id": EMMA, "names": ["Emma Johnson"], "consent": True},
        {"student_id": ZORA, "names": ["Emma Jones"]},
    )
    found = Speakers(names).speaker_of(Turn(1, "Emma J."))
    assert (found.student_id, found.is_without_consent) == (None, True)


@pytest.mark.parametrize(
    "label",
    [
        *("SS", "Ss", "SN", "All", "Class", "Whole class", "Students", "Multiple students"),
        *("Unknown", "Unidentified", "[inaudible]", "Group 2", "Unknown Speaker", "Girl"),
        *("Emma Johnson and Liam O'Brien", "EJ & Liam O'Brien", "Student A, Student B"),
    ],
)
def test_a_group_is_nobody_in_particular(label: str) -> None:
    assert speaker(label).warning is WarningCode.GROUP_LABEL
    assert speaker(label).student_id is None


@pytest.mark.parametrize(
    "label", ["T", "T1", "TA", "Teacher (she/her)", "Mr. X (Host)", "Sra. Paz"]
)
def test_staff_needs_no_roster(label: str) -> None:
    assert Speakers(roster()).speaker_of(Turn(1, label)).role is SpeakerRole.TEACHER


def test_an_alias_links_a_generic_label() -> None:
    assert speaker("Student A").student_id == LIAM


@pytest.mark.parametrize("label", ["Ms. Rivera", "ms rivera", "Teacher", "Teacher B", "teacher 2"])
def test_staff_and_generic_teachers_are_the_teacher(label: str) -> None:
    assert speaker(label) == Speaker("teacher", SpeakerRole.TEACHER)


@pytest.mark.parametrize(
    "label",
    ["Mia Profitt", "Student Teacher Kim", "Rivera", "Teachers", "Ms. Rivera, 9", "Missy Elm"],
)
def test_a_part_of_a_label_makes_nobody_a_teacher(label: str) -> None:
    unknown = speaker(label)
    assert unknown.role is SpeakerRole.UNKNOWN
    assert unknown.warning is WarningCode.LABEL_NOT_ON_ROSTER


@pytest.mark.parametrize(
    "label", ["Mr. Rivera", "MRS. O'Neil-Day", "Dr Guest", "Miss Ana Lopez", "Educator", "Coach K."]
)
def test_a_title_makes_staff_of_whoever_is_not_on_the_roster(label: str) -> None:
    assert speaker(label) == Speaker("teacher", SpeakerRole.TEACHER)
    assert Speakers(roster()).is_label(label)


def test_a_student_whose_name_begins_like_a_title_is_the_student() -> None:
    titled = roster({"student_id": EMMA, "names": ["Miss Johnson"], "consent": True})
    found = Speakers(titled).speaker_of(Turn(1, "Miss Johnson"))
    assert found.student_id == EMMA


def test_a_file_may_declare_who_is_a_teacher_but_not_who_is_a_student() -> None:
    assert speaker("Mr. Guest", declared_role="teacher").role is SpeakerRole.TEACHER
    assert speaker("Mia Profitt", declared_role="student").student_id is None
    assert speaker("Emma Johnson", declared_role="teacher").role is SpeakerRole.STUDENT


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Student B", SpeakerRole.STUDENT),
        ("Student 12", SpeakerRole.STUDENT),
        ("student_3", SpeakerRole.STUDENT),
        ("Student", SpeakerRole.STUDENT),
        ("Speaker 1", SpeakerRole.UNKNOWN),
    ],
)
def test_a_generic_label_without_an_alias_is_linked_to_nobody(
    label: str, role: SpeakerRole
) -> None:
    assert speaker(label) == Speaker("unknown:1", role, warning=WarningCode.UNLINKED_LABEL)


def test_a_shared_name_is_nobody_unless_an_id_decides() -> None:
    assert speaker("Emma").warning is WarningCode.AMBIGUOUS_LABEL
    assert speaker("Emma").student_id is None
    assert speaker("Emma", student_id=OTHER_EMMA).student_id == OTHER_EMMA


def test_an_id_on_the_roster_is_enough() -> None:
    assert speaker("Student Q", student_id=EMMA) == Speaker(EMMA, SpeakerRole.STUDENT, EMMA)
    assert speaker("The quiet one", student_id=EMMA).warning is None


def test_an_id_of_another_than_the_named_is_nobody() -> None:
    unknown = speaker("Liam O'Brien", student_id=EMMA)
    assert unknown == Speaker(
        "unknown:1", SpeakerRole.UNKNOWN, warning=WarningCode.CONTRADICTORY_SPEAKER
    )
    assert speaker("Ms. Rivera", student_id=EMMA).role is SpeakerRole.UNKNOWN


def test_an_id_that_is_not_on_the_roster_is_nobody_whatever_the_label() -> None:
    unknown = speaker("Liam O'Brien", student_id=UNLISTED)
    assert unknown.warning is WarningCode.UNKNOWN_STUDENT_ID
    assert unknown.student_id is None


@pytest.mark.parametrize(
    ("label", "student_id"),
    [
        ("Zora Quill", None),
        ("Zora Quill", ZORA),
        ("Anyone", ZORA),
        ("Zora Quill", UNLISTED),
        ("Zora Quill", EMMA),
        ("Emma Johnson", ZORA),
    ],
)
def test_whoever_may_be_a_student_without_consent_is_treated_as_one(
    label: str, student_id: str | None
) -> None:
    assert speaker(label, student_id=student_id).is_without_consent


def test_a_name_shared_with_a_student_without_consent_is_treated_as_theirs() -> None:
    shared = roster(
        {"student_id": EMMA, "names": ["Ann Lee"], "consent": True},
        {"student_id": ZORA, "names": ["Ann Lee"]},
    )
    assert Speakers(shared).speaker_of(Turn(1, "Ann Lee")).is_without_consent


def test_unknown_speakers_are_numbered_as_they_appear() -> None:
    speakers = Speakers(roster())
    labels = ["Student Q", "Some Guest", "student q", "Speaker 1"]
    found = [speakers.speaker_of(Turn(1, label)).speaker_id for label in labels]
    assert found == ["unknown:1", "unknown:2", "unknown:1", "unknown:3"]


def test_nobody_is_named_where_a_turn_is_printed() -> None:
    turn = Turn(1, "Emma Johnson", timestamp="Emma", student_id="Emma", declared_role="Emma")
    row = Row(1, "Emma said", "Emma", "Emma", "Emma", "Emma")
    assert "Emma" not in f"{turn} {row}"
