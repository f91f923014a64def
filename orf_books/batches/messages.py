"""What people are told of a batch in a chat: counts and the run, never an item or a child.

Belongs here: the wording. Does not belong here: posting (`orf_books/resources/slack.py`).
"""

from orf_books.batches.batch import BatchOutcome


def finished_batch(kind: str, run_id: str, outcome: BatchOutcome) -> str:
    """The message about a batch that came to its end.

    Args:
        kind: what its items are, in the plural.
        run_id: the batch.
        outcome: what came of it.
    """
    items = outcome.succeeded + len(outcome.failures)
    counts = f"{outcome.succeeded} of {items} {kind} succeeded in {outcome.seconds:.0f} s"
    failed = ", ".join(f"{count} {why}" for why, count in outcome.failed_by_category.items())
    return f"Batch `{run_id}`: {counts}." + (f"\nFailed: {failed}." if failed else "")


def stopped_batch(kind: str, run_id: str) -> str:
    """The message about a batch that did not come to its end; arguments as for `finished_batch`."""
    return f"Batch `{run_id}` of {kind} stopped before its end; the log of the run says why."
