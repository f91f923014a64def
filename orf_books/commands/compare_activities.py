"""Two results over the same activities: by two rules, or by two versions of the code.

Belongs here: the question that `orf-books compare activities` answers, from the store. Does not
belong here: what differs (`activities/comparison.py`), printing.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from orf_books.activities.comparison import Comparison, compare
from orf_books.activities.kept_answers import AnswersAbout
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.voting import VoteRule
from orf_books.assets.activities.step import bundled_lexicon
from orf_books.failures import FixInput
from orf_books.precision_recall import rounded
from orf_books.records.activities import ActivityRecords, RescoredActivityRow
from orf_books.records.recordings import load_sound, truth_of
from orf_books.resources.storage import ObjectStorage

_VERSION = "version:"


def compare_results(storage: ObjectStorage, before: str, after: str) -> dict[str, Any]:
    """Compare two results.

    Args:
        storage: where results and kept answers are.
        before: the name of a rule, by which the kept answers are judged anew, without any request;
            or `version:<code version>`, whose results are stored.
        after: likewise.

    Raises:
        FixInput: a name means nothing, or there is no such result.
    """
    records = ActivityRecords(storage)
    old, new = _results(records, before), _results(records, after)
    ids = {one.activity_id for one in (*old, *new)}
    labels = {one: truth for one in ids if (truth := truth_of(storage, one))}
    return _document(compare(old, new, labels))


def _results(records: ActivityRecords, name: str) -> list[RescoredActivity]:
    if name.startswith(_VERSION):
        rows = records.results_of_version(name.removeprefix(_VERSION))
        found = [row.rescored() for row in rows.values()]
    else:
        try:
            rule = VoteRule(name)
        except ValueError:
            rules = ", ".join(rule.value for rule in VoteRule)
            raise FixInput(
                f"{name!r} is neither a rule ({rules}) nor {_VERSION}<number>."
            ) from None
        found = asyncio.run(_judged_anew(records, rule))
    if not found:
        raise FixInput(f"There is no result by {name!r}; run `orf-books run activities` first.")
    return found


async def _judged_anew(records: ActivityRecords, rule: VoteRule) -> list[RescoredActivity]:
    rows: Iterable[RescoredActivityRow] = records.results(records.latest()).values()
    lexicon = bundled_lexicon()
    results = []
    for row in rows:
        activity = row.activity()
        sound = load_sound(records.storage, activity)
        recording = sound.recording.fingerprint
        kept = AnswersAbout(recording, records.answers_about(recording)).alone()
        results.append(await rescore_activity(activity, sound, kept, lexicon, rule))
    return results


def _document(comparison: Comparison) -> dict[str, Any]:
    return {
        "activities": comparison.activities,
        "words": comparison.words,
        "measures": [
            {
                "measure": name,
                "before": rounded(one.before),
                "after": rounded(one.after),
                "moved": rounded(
                    None if one.before is None or one.after is None else one.after - one.before
                ),
                "activities": one.activities,
            }
            for name, one in comparison.measures.items()
        ],
        "changed": [
            {
                "activity": one.activity_id,
                "phrase": one.phrase + 1,
                "word": one.word + 1,
                "text": one.before.text,
                "before": one.before.verdict.value,
                "after": one.after.verdict.value,
            }
            for one in comparison.changed
        ],
        "not_compared": list(comparison.not_compared),
    }
