"""Whether evidence stands where it is said to stand, from what is stored.

Belongs here: looking evidence of scored sessions up in utterances and raw files. Does not belong
here: finding evidence (`orf_books/transcripts/scoring.py`), what follows when it is not there
(`orf_books/checks.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orf_books.assets.session_inputs import naming_session
from orf_books.assets.session_records import SessionRow
from orf_books.resources.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class EvidenceCount:
    """How much evidence there is, and how much of it stands where it should."""

    all: int
    resolved: int


def count_evidence(storage: ObjectStorage, rows: Iterable[SessionRow]) -> EvidenceCount:
    """Look all evidence of sessions up in their raw files, from their stored scores.

    Raises:
        UnusableTranscript: a raw file is gone.
        RetryLater: the store does not answer.
    """
    found = [is_there for row in rows for is_there in _lookups(storage, row)]
    return EvidenceCount(len(found), sum(found))


def _lookups(storage: ObjectStorage, row: SessionRow) -> Iterator[bool]:
    from orf_books.transcripts.normalised import read_normalised
    from orf_books.transcripts.score_document import read_scores
    from orf_books.transcripts.source_text import SourceText

    scores = read_scores(storage.get(row.scores_key)).session
    utterances = {
        one.utterance_id: one
        for one in read_normalised(storage.get(row.normalized_key)).session.utterances
    }
    with naming_session(row.key):
        content = storage.get(scores.source_key)
    raw = SourceText(content, row.format)
    for student in scores.students.values():
        for score in student.skills.values():
            for one in score.evidence:
                said = utterances.get(one.utterance_id)
                yield said is not None and (
                    said.text[one.start : one.end]
                    == raw.span(said, one.start, one.end)
                    == one.span_text
                )
