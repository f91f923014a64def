"""Whether scores rank students by skill and not by how much they talk, on simulated classes.

Simulated: classes of 25 whose students differ in skill and, independently of it, in how much they
say. A skill is shown at a low rate, found with some certainty, and scored. Compared: the score as
it is, the score as it was (with other rates for usual, and also where nothing is found), and the
plain rate.

Measured, over students who have a score:

- rank correlation with utterances, within a class: 0 is the aim;
- rank correlation with the true rate: the order that is kept;
- how often the true rate lies within `low` and `high`, of 90 %.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from orf_books.transcripts.student_scores import Tally, score
from orf_books.transcripts.usual import UsualRate

RATES = (0.003, 0.01, 0.05, 0.15)
TRUE_SPREADS = (1.0, 2.0, 4.0)
MEDIANS = (30, 120, 400, 1200)
"""Utterances of a student: of a quiet session, a lively one, four weeks and twelve."""
TALK_SIGMA = 0.8
"""Of the logarithm of utterances: the most talkative tenth say eight times as much as the least."""
STUDENTS = 25
LEAST_SCORED = 6
"""Of fewer students no rank correlation is worked out."""
CERTAINTIES: Mapping[str, Sequence[float]] = {
    "alike": (0.7,),
    "differing": (0.45, 0.6, 0.8, 0.95),
    "unsure": (0.1, 0.2, 0.4, 0.7),
}
"""Of findings: all the same, as the detector has them of a frequent skill, and of a rare one."""
RARE = 0.01
"""Up to this rate findings are perhaps unsure."""
ASSUMED_SPREAD = 2.0
USUAL_BEFORE = {0.003: 0.05, 0.01: 0.44, 0.05: 0.10, 0.15: 0.18}
"""What earlier versions took for usual of a skill that is really this rare."""
UTTERANCES_BEFORE = 4
"""Of the usual sort, which they put beside those that were heard."""

_Scorer = Callable[[Tally], float | None]


@dataclass(frozen=True, slots=True)
class Student:
    """One simulated student."""

    rate: float
    tally: Tally


def main(
    classes: Annotated[int, typer.Option(help="Simulated for each setting.")] = 40,
    seed: Annotated[int, typer.Option(help="Of chance.")] = 14,
) -> None:
    """Simulate, and print the tables."""
    chance = np.random.default_rng(seed)
    with_talk: dict[tuple[str, str, float, int], list[float]] = defaultdict(list)
    with_truth: dict[tuple[str, str, float, int], list[float]] = defaultdict(list)
    covered: dict[tuple[float, float], list[bool]] = defaultdict(list)
    for kind, certainties in CERTAINTIES.items():
        for rate in RATES:
            if kind == "unsure" and rate > RARE:
                continue
            for spread in TRUE_SPREADS:
                for median in MEDIANS:
                    certainty = fmean(certainties)
                    usual = UsualRate(_settled(rate, certainty), ASSUMED_SPREAD, certainty)
                    for _ in range(classes):
                        students = _students(chance, rate, spread, median, certainties)
                        for name, scorer in _scorers(rate, usual).items():
                            setting = (name, kind, rate, median)
                            _correlate(students, scorer, with_talk[setting], with_truth[setting])
                        covered[rate, spread] += _covered(students, usual)
    _print(with_talk, "Rank correlation with utterances")
    _print(with_truth, "Rank correlation with the true rate")
    _print_coverage(covered)


def _students(
    chance: np.random.Generator,
    mean_rate: float,
    spread: float,
    median: int,
    certainties: Sequence[float],
) -> list[Student]:
    certainty = fmean(certainties)
    students = []
    for _ in range(STUDENTS):
        utterances = max(3, round(median * math.exp(TALK_SIGMA * chance.standard_normal())))
        rate = min(mean_rate * chance.gamma(spread, 1 / spread), 0.65)
        found = int(chance.binomial(utterances, rate / certainty))
        weight = float(chance.choice(certainties, size=found).sum()) if found else 0.0
        students.append(
            Student(_settled(rate, certainty), Tally(utterances, found, round(weight, 3)))
        )
    return students


def _settled(rate: float, certainty: float) -> float:
    """A share of all utterances as a share of those that are settled."""
    return rate / (1 - rate / certainty + rate)


def _scorers(rate: float, usual: UsualRate) -> dict[str, _Scorer]:
    return {
        "score": lambda tally: found.value if (found := score(tally, usual)) else None,
        "score before": lambda tally: _score_before(tally, USUAL_BEFORE[rate]),
        "plain rate": lambda tally: tally.weight / tally.utterances if tally.found else None,
    }


def _score_before(tally: Tally, usual: float) -> float:
    """The score of earlier versions, also where nothing was found."""
    rate = (tally.weight + UTTERANCES_BEFORE * usual) / (tally.utterances + UTTERANCES_BEFORE)
    return 10 * rate / (rate + usual)


def _correlate(
    students: Sequence[Student], scorer: _Scorer, with_talk: list[float], with_truth: list[float]
) -> None:
    scored = [
        (value, student) for student in students if (value := scorer(student.tally)) is not None
    ]
    if len(scored) < LEAST_SCORED:
        return
    values = [value for value, _ in scored]
    with_talk.append(rank_correlation(values, [student.tally.utterances for _, student in scored]))
    with_truth.append(rank_correlation(values, [student.rate for _, student in scored]))


def _covered(students: Sequence[Student], usual: UsualRate) -> list[bool]:
    return [
        found.low <= 10 * student.rate / (student.rate + usual.rate) <= found.high
        for student in students
        if (found := score(student.tally, usual))
    ]


def rank_correlation(values: Sequence[float], others: Sequence[float]) -> float:
    """Spearman's; 0 where all values are equal."""
    first, second = _ranks(values), _ranks(others)
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[places]


def _print(found: Mapping[tuple[str, str, float, int], Sequence[float]], title: str) -> None:
    table = Table(title=title)
    for name in ("", "findings", "rate", *(f"{median} utterances" for median in MEDIANS)):
        table.add_column(name, justify="right")
    for name in dict.fromkeys(setting[0] for setting in found):
        for kind in CERTAINTIES:
            for rate in RATES:
                cells = [found.get((name, kind, rate, median), ()) for median in MEDIANS]
                if not any(cells):
                    continue
                table.add_row(
                    name,
                    kind,
                    f"{rate}",
                    *(f"{fmean(cell):+.2f}" if cell else "" for cell in cells),
                )
    Console(width=110).print(table)


def _print_coverage(covered: Mapping[tuple[float, float], Sequence[bool]]) -> None:
    table = Table(
        title=f"Rates within their 90 % intervals; a spread of {ASSUMED_SPREAD} is assumed"
    )
    for name in ("rate", *(f"true spread {spread}" for spread in TRUE_SPREADS)):
        table.add_column(name, justify="right")
    for rate in RATES:
        table.add_row(
            f"{rate}", *(f"{fmean(covered[rate, spread]):.2f}" for spread in TRUE_SPREADS)
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    typer.run(main)
