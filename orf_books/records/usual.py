"""What is usual in this store, as it lies there: `usual/rates.json`, from `usual/classes/…`.

Belongs here: keeping each class's tally, and learning from all of them when that is due. Does not
belong here: how rates are learned (`orf_books/transcripts/usual.py`).

Rates are learned anew only when twice as much was heard as before: all scores are measured against
them, and should not move with every session.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from orf_books.object_keys import USUAL_RATES, class_tallies_folder, class_tally_key
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.transcripts.scored_session import StoredScores, tally_of
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import Tally
from orf_books.transcripts.usual import SHIPPED, ClassTally, Usual, class_tally, learn_usual

DUE_AGAIN = 2
"""Times as much as was heard when the rates were learned."""
_TALLY, _USUAL = TypeAdapter(ClassTally), TypeAdapter(Usual)


def usual_in(storage: ObjectStorage) -> Usual:
    """What is usual: as learned in this store, or as shipped."""
    with suppress(ObjectNotFoundError, ValidationError):
        return _USUAL.validate_json(storage.get(USUAL_RATES))
    return SHIPPED


def note_class(storage: ObjectStorage, class_id: str, scores: Sequence[StoredScores]) -> None:
    """Store what a class adds to what is usual; only the detector that scored it last counts."""
    if not scores:
        return
    version = max(scores, key=lambda scored: scored.scored_at).session.model_version
    of_version = [scored for scored in scores if scored.session.model_version == version]
    tally = class_tally(version, _students(of_version))
    storage.put(class_tally_key(class_id), _TALLY.dump_json(tally) + b"\n")


def learn_when_due(storage: ObjectStorage, classes: Collection[str]) -> bool:
    """Learn what is usual from the tallies of these classes; whether it has changed.

    Tallies of other classes are deleted: nothing of these is left.
    """
    kept = {class_tally_key(class_id) for class_id in classes}
    stored = {found.key for found in storage.list(class_tallies_folder())}
    storage.delete(*(stored - kept))
    tallies = []
    for key in sorted(stored & kept):
        with suppress(ValidationError):
            tallies.append(_TALLY.validate_json(storage.get(key)))
    known, found = usual_in(storage), learn_usual(tallies)
    if found is None or (
        found.utterances < DUE_AGAIN * known.utterances
        and found.model_version == known.model_version
    ):
        return False
    storage.put(USUAL_RATES, json.dumps(asdict(found), indent=1).encode() + b"\n")
    return True


def _students(
    scores: Iterable[StoredScores],
) -> list[tuple[int, dict[Skill, tuple[int, float]]]]:
    tallies: dict[str, dict[Skill, Tally]] = {}
    for scored in scores:
        for student_id, student in scored.session.students.items():
            of_student = tallies.setdefault(student_id, dict.fromkeys(Skill, Tally()))
            for skill, found in student.skills.items():
                of_student[skill] += tally_of(found.evidence, found.utterances)
    return [
        (
            max(tally.utterances for tally in of_student.values()),
            {skill: (tally.found, tally.weight) for skill, tally in of_student.items()},
        )
        for of_student in tallies.values()
    ]
