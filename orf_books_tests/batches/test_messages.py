from orf_books.batches.batch import BatchOutcome, ItemFailure
from orf_books.batches.messages import finished_batch, stopped_batch
from orf_books.failures import FailureCategory


def test_a_batch_with_failures_is_told_in_numbers_and_says_what_to_do() -> None:
    failures = (
        ItemFailure("child-7", FailureCategory.TIMEOUT, "Deepgram took long."),
        ItemFailure("child-8", FailureCategory.TIMEOUT, "Deepgram took long."),
        ItemFailure("child-9", FailureCategory.BAD_DATA, "No words."),
    )
    text = finished_batch("activities", "`run-1`", BatchOutcome(117, failures, 41.6))
    assert text.startswith(
        "Batch `run-1`: 117 of 120 activities succeeded in 42 s.\nFailed: 2 timeout, 1 bad_data.\n"
    )
    assert "orf-books retry" in text
    assert "child" not in text


def test_a_batch_without_failures_is_told_in_a_line() -> None:
    text = finished_batch("activities", "`run-1`", BatchOutcome(3, (), 0.2))
    assert text == "Batch `run-1`: 3 of 3 activities succeeded in 0 s."


def test_a_batch_that_stopped_is_told_too() -> None:
    text = stopped_batch("activities", "`run-1`")
    assert "run-1" in text
    assert "orf-books retry" in text
