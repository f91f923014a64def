from orf_books.transcripts.layout import read_raw_file
from orf_books.transcripts.roster import Roster, RosterEntry
from orf_books.transcripts.roster_suggestion import suggest_entries
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Row
from orf_books_tests.transcripts.forms import FORMS, write_form
from orf_books_tests.transcripts.sessions import roster
from orf_books_tests.transcripts.test_forms import SESSION


def suggested(content: bytes, of: Roster | None = None, name: str = "a.txt") -> list[RosterEntry]:
    rows = read_raw_file(content, TranscriptFormat(name.rpartition(".")[2])).rows()
    return suggest_entries([[row for row in rows if isinstance(row, Row)]], of or Roster(()))


def test_every_form_gives_an_entry_for_each_label_without_consent() -> None:
    for name in FORMS:
        entries = suggested(write_form(name, SESSION), name=name)
        assert {entry.names for entry in entries} >= {("Emma Johnson",), ("Liam O'Brien",)}
        assert not any(entry.consent for entry in entries)
        assert len({entry.student_id for entry in entries}) == len(entries)


def test_staff_and_groups_need_no_entry_and_numbered_speakers_an_alias() -> None:
    entries = suggested(b"T: So.\nAll: Hi.\nSS: Yes.\nSPEAKER_01: No.\nO'Neil, Ann (Guest): Me.\n")
    assert [(entry.names, entry.aliases) for entry in entries] == [
        ((), ("SPEAKER_01",)),
        (("Ann O'Neil",), ()),
    ]


def test_labels_of_the_roster_are_left_out_and_a_first_name_becomes_an_alias() -> None:
    (liam,) = suggested(b"Emma Johnson: Hi.\nLiam: No.\nLiam: Yes.\nEmma: So.\n", roster())
    assert (liam.names, liam.aliases) == (("Liam O'Brien",), ("Student A", "Liam"))


def test_no_suggestion_is_printed() -> None:
    assert "Ann" not in repr(suggested(b"Ann O'Neil: Hi.\n"))
