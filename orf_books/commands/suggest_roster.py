"""A roster to fill in, from the labels that transcripts of this machine have.

Belongs here: reading the files. Does not belong here: which labels need an entry
(`orf_books/transcripts/roster_suggestion.py`), arguments and printing (`orf_books/cli.py`).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orf_books.commands.local_uploads import transcripts_in
from orf_books.failures import FixInput
from orf_books.transcripts.layout import read_raw_file
from orf_books.transcripts.roster import Roster, read_roster
from orf_books.transcripts.roster_suggestion import suggest_entries
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Row


def suggest_roster(paths: Iterable[Path], roster: Path | None = None) -> dict[str, Any]:
    """What to add to a roster for some transcripts, as `roster.json` has it.

    It holds names: it is for whoever keeps the roster, and is neither logged nor stored.

    Args:
        paths: transcripts, or folders of them.
        roster: what there is already of the class.

    Raises:
        FixInput: there is no transcript, or one of them or the roster cannot be read.
    """
    files = [file for path in paths for file in transcripts_in(path)]
    if not files:
        raise FixInput("There is no transcript among these files.")
    known = read_roster(roster.read_bytes()) if roster else Roster(())
    return {
        "student_roster": [
            {
                "student_id": entry.student_id,
                "names": list(entry.names),
                "aliases": list(entry.aliases),
                "role": entry.role.value,
                "consent": entry.consent,
            }
            for entry in suggest_entries(map(_rows, files), known)
        ]
    }


def _rows(file: Path) -> list[Row]:
    named_as = TranscriptFormat(file.suffix.removeprefix(".").lower())
    rows = read_raw_file(file.read_bytes(), named_as).rows()
    return [row for row in rows if isinstance(row, Row)]
