"""What the similarity of titles and authors is worth, on pairs that a person judged."""

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.matching import HELD_OUT, THRESHOLDS, TUNING, Pair, quality, read_pairs
from orf_books.books.similarity import ACCEPTED_SIMILARITY

WANTED_PRECISION, WANTED_RECALL = 0.97, 0.85


def pairs_of(part: str) -> list[Pair]:
    return [pair for pair in read_pairs() if pair.part == part]


def test_there_are_enough_pairs_half_of_them_near_misses() -> None:
    pairs = read_pairs()
    same = sum(pair.is_same for pair in pairs)
    assert len(pairs) >= 180
    assert 0.45 <= same / len(pairs) <= 0.55
    assert len(pairs_of(TUNING)) == pytest.approx(2 * len(pairs_of(HELD_OUT)), abs=2)
    assert len(pairs_of(TUNING)) + len(pairs_of(HELD_OUT)) == len(pairs)


def test_no_pair_is_there_twice_so_none_of_the_held_out_was_tuned_on() -> None:
    judged = Counter(replace(pair, part="", kind="") for pair in read_pairs())
    assert max(judged.values()) == 1


def test_what_is_accepted_is_right_on_pairs_that_no_rule_was_made_with() -> None:
    found = quality(pairs_of(HELD_OUT), ACCEPTED_SIMILARITY)
    assert found.precision >= WANTED_PRECISION
    assert found.recall >= WANTED_RECALL


def test_the_accepted_similarity_is_the_lowest_that_is_precise_enough() -> None:
    precise = [
        threshold
        for threshold in (0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
        if quality(pairs_of(TUNING), threshold).precision >= WANTED_PRECISION
    ]
    assert min(precise) == ACCEPTED_SIMILARITY


def test_a_higher_threshold_never_finds_more() -> None:
    recalls = [quality(read_pairs(), threshold).recall for threshold in THRESHOLDS]
    assert recalls == sorted(recalls, reverse=True)
