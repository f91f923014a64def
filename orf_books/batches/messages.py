"""What people are told of a batch in a chat: counts, the run, what to do; never an item or a child.

Belongs here: the wording, and what a chat has to offer. Does not belong here: posting
(`orf_books/resources/slack.py`).
"""

from typing import Protocol

from orf_books.batches.batch import BatchOutcome


class Channel(Protocol):
    """Where people are told of batches."""

    def tell(self, text: str) -> None:
        """Post a message.

        Raises:
            OrfBooksError: it was not accepted.
        """

    def name_of_run(self, run_id: str) -> str:
        """A run in a message: a link, if it is known where the page is."""


def finished_batch(kind: str, run: str, outcome: BatchOutcome) -> str:
    """The message about a batch that came to its end.

    Args:
        kind: what its items are, in the plural.
        run: the batch, as `Channel.name_of_run` names it.
        outcome: what came of it.
    """
    items = outcome.succeeded + len(outcome.failures)
    text = (
        f"Batch {run}: {outcome.succeeded} of {items} {kind} succeeded in {outcome.seconds:.0f} s."
    )
    if not outcome.failures:
        return text
    failed = ", ".join(f"{count} {why}" for why, count in outcome.failed_by_category.items())
    return (
        f"{text}\nFailed: {failed}.\n"
        f"To do: the run names the failed {kind}, and docs/runbook.md says what each reason means. "
        "Fix the cause, then `orf-books retry`."
    )


def stopped_batch(kind: str, run: str) -> str:
    """The message about a batch that did not come to its end; arguments as for `finished_batch`."""
    return (
        f"Batch {run} of {kind} stopped before its end.\n"
        "To do: the log of the run says why. Fix that, then `orf-books retry`."
    )
