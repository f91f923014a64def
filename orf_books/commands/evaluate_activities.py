"""How well stored verdicts agree with labels that someone brings, and with the first pass.

Belongs here: the question that `orf-books evaluate activities` answers, from the store and folders.
Does not belong here: measures (`activities/agreement.py`), printing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orf_books.activities.activity import read_truth
from orf_books.activities.agreement import (
    Confusion,
    Evaluation,
    JudgedReading,
    judge,
    judge_first_pass,
)
from orf_books.commands.local_uploads import activity_in
from orf_books.failures import FixInput
from orf_books.partition_keys import activity_key
from orf_books.precision_recall import rounded
from orf_books.records.activities import ActivityRecords
from orf_books.records.recordings import TRUTH
from orf_books.resources.storage import ObjectStorage

_MEASURES: dict[str, Callable[[Confusion], float | None]] = {
    "precision": lambda words: words.precision,
    "recall": lambda words: words.recall,
    "f1": lambda words: words.f1,
    "false_alarms": lambda words: words.false_alarms,
    "mcc": lambda words: words.mcc,
    "kappa": lambda words: words.kappa,
    "accuracy": lambda words: words.accuracy,
}


@dataclass(frozen=True, slots=True)
class ActivitiesEvaluation:
    """Labelled readings, as rescored and as the first pass had them."""

    rescored: Evaluation
    first_pass: Evaluation
    not_rescored: tuple[str, ...]
    """Labelled activities without a result."""

    @property
    def is_complete(self) -> bool:
        """Whether every labelled activity was rescored."""
        return not self.not_rescored

    def as_document(self) -> dict[str, Any]:
        """For machines; shares are from 0 to 1, and null where nothing could be counted."""
        return {
            "activities": len(self.rescored.readings),
            "words": self.rescored.confusion.words,
            "words_not_scored": sum(one.words_not_scored for one in self.rescored.readings),
            "readings_in_their_interval": self._covered(),
            "measures": [
                *(self._row(name, measure) for name, measure in _MEASURES.items()),
                *self._deviations(),
            ],
            "readings": [
                {
                    "activity": one.activity_id,
                    **{name: rounded(_MEASURES[name](one.confusion)) for name in ("f1", "mcc")},
                    "first_pass_f1": rounded(before.confusion.f1),
                    "misread": one.confusion.true_positives + one.confusion.false_negatives,
                    "found": one.confusion.true_positives,
                    "false_alarms": one.confusion.false_positives,
                }
                for one, before in zip(
                    self.rescored.readings, self.first_pass.readings, strict=True
                )
            ],
            "not_rescored": list(self.not_rescored),
        }

    def _row(self, name: str, measure: Callable[[Confusion], float | None]) -> dict[str, Any]:
        interval = self.rescored.interval(measure)
        return {
            "measure": name,
            "rescored": rounded(measure(self.rescored.confusion)),
            "from": rounded(interval.low if interval else None),
            "to": rounded(interval.high if interval else None),
            "first_pass": rounded(measure(self.first_pass.confusion)),
        }

    def _covered(self) -> float | None:
        """Share of the readings whose labelled accuracy lies in the interval given for it."""
        known = [one.is_covered for one in self.rescored.readings if one.is_covered is not None]
        return rounded(sum(known) / len(known)) if known else None

    def _deviations(self) -> list[dict[str, Any]]:
        pairs = {
            "accuracy": (self.rescored.accuracy_deviation, self.first_pass.accuracy_deviation),
            "words correct per minute": (
                self.rescored.wcpm_deviation,
                self.first_pass.wcpm_deviation,
            ),
        }
        return [
            {
                "measure": f"{what} of {figure}",
                "rescored": rounded(getattr(now, name) if now else None),
                "from": None,
                "to": None,
                "first_pass": rounded(getattr(before, name) if before else None),
            }
            for figure, (now, before) in pairs.items()
            for what, name in (("bias", "bias"), ("mean error", "mean_absolute_error"))
        ]


def evaluate_activities(storage: ObjectStorage, path: Path) -> ActivitiesEvaluation:
    """Compare the stored verdicts of the labelled activities with their labels.

    Args:
        storage: where results are.
        path: an upload folder with `truth.json`, or a folder of such.

    Raises:
        FixInput: labels cannot be read or do not fit, or none of the activities has a result.
    """
    folders = [path] if (path / TRUTH).exists() else sorted(path.glob(f"*/{TRUTH}"))
    labels = {}
    for folder in (one if one.is_dir() else one.parent for one in folders):
        labels[activity_key(activity_in(folder))] = read_truth((folder / TRUTH).read_bytes())
    if not labels:
        raise FixInput(f"{path} holds no {TRUTH}: give upload folders with labels.")
    rows = ActivityRecords(storage).results(labels)
    if not rows:
        raise FixInput("None of these activities has a result; run `orf-books run activities`.")
    judged, before = list[JudgedReading](), list[JudgedReading]()
    for key in sorted(rows):
        rescored = rows[key].rescored()
        judged.append(judge(rescored, labels[key]))
        before.append(judge_first_pass(rescored, labels[key]))
    return ActivitiesEvaluation(
        Evaluation(tuple(judged)), Evaluation(tuple(before)), _missing(labels, rows)
    )


def _missing(labels: dict[str, Any], rows: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(labels.keys() - rows.keys()))
