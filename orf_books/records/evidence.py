"""Whether evidence stands where it is said to stand, from what is stored.

Belongs here: loading what evidence is looked up in. Does not belong here: looking it up
(`orf_books/transcripts/resolution.py`), what follows when it is not there (`orf_books/checks.py`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orf_books.failures import FixInput
from orf_books.records.raw_sessions import naming_session
from orf_books.records.sessions import SessionRow
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage

if TYPE_CHECKING:
    from orf_books.transcripts.resolution import Resolution
    from orf_books.transcripts.utterance import Utterance


def resolve_stored(storage: ObjectStorage, rows: Iterable[SessionRow]) -> "Resolution":
    """Look all evidence of sessions up in their raw files, from their stored scores.

    Raises:
        UnusableTranscript: a raw file is gone.
        RetryLater: the store does not answer.
    """
    from orf_books.transcripts.normalised import read_normalised
    from orf_books.transcripts.resolution import Resolution, resolve
    from orf_books.transcripts.score_document import read_scores

    total = Resolution(0, 0)
    for row in rows:
        scored = read_scores(storage.get(row.scores_key)).session
        session = read_normalised(storage.get(row.normalized_key)).session
        with naming_session(row.key):
            content = storage.get(scored.source_key)
        total += resolve(content, session, scored)
    return total


def utterances_of(storage: ObjectStorage, row: SessionRow) -> "tuple[Utterance, ...]":
    """What was said in a session; nothing where that is gone or damaged."""
    from orf_books.transcripts.normalised import read_normalised

    try:
        return read_normalised(storage.get(row.normalized_key)).session.utterances
    except (ObjectNotFoundError, FixInput):
        return ()
