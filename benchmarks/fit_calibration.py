"""`python -m benchmarks.fit_calibration READINGS`: fits the weights of the calibrated vote.

Belongs here: what is fitted to labelled readings, and the report of how well it does on readers it
was not fitted on. Does not belong here: the model itself (`activities/calibration.py`).

The readings are upload folders with `truth.json`. Weights are fitted on the readers that
`calibration.json` names, or on those given by `--choose`: once as recorded and once in noise. What
is said of a reader comes from weights that were fitted on the others.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.labelled_readings import LabelledReading, labelled_readings, listening
from benchmarks.measuring import end_cleanly_when_stopped, output, tell
from orf_books.activities.agreement import Confusion, Evaluation, judge
from orf_books.activities.calibration import (
    BUNDLED,
    INTERVAL_SIGMAS,
    Calibration,
    Evidence,
    Weights,
    bundled_calibration,
    features,
    model_name,
    usual_fit,
)
from orf_books.activities.recognition import Recognisers, Role
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.voting import VoteRule, Votes, is_misread
from orf_books.resources import phoneme_model

DOUBTFUL = (0.2, 0.8)
CLEAR_BELOW = 0.15
"""Up to here no misread word of the readers to fit on was missed for it."""
SHRINKAGE = 1.0
"""Of logistic regression; the smaller, the more weights are kept near 0."""
MOST_FALSE_ALARMS = 0.03
"""On readers who were left out."""
MOST_LOST_F1 = 0.05
WITHOUT = ((), (phoneme_model.PACKAGE,))
"""Packages that an installation may lack. Without Whisper counting votes does better."""

SUBSETS = (tuple(Role), (Role.A, Role.W), (Role.A, Role.K))
"""Roles that may answer about a word."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledWord:
    """What is known of a word, and what a person says of it."""

    reader: str
    evidence: Evidence
    is_misread: bool


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one installation says of all labelled words."""

    engines: Mapping[Role, str]
    words: Sequence[LabelledWord]

    def by(self, roles: Sequence[Role]) -> "Gathered":
        """The same, had only some roles answered."""
        return Gathered(
            {role: engine for role, engine in self.engines.items() if role in roles},
            [
                LabelledWord(word.reader, _masked(word.evidence, roles), word.is_misread)
                for word in self.words
            ],
        )


def _masked(evidence: Evidence, roles: Sequence[Role]) -> Evidence:
    votes = evidence.votes
    return Evidence(
        Votes(
            votes.a if Role.A in roles else None,
            votes.k if Role.K in roles else None,
            votes.w if Role.W in roles else None,
        ),
        evidence.k if Role.K in roles else None,
        evidence.w if Role.W in roles else None,
        evidence.usual_fit if Role.W in roles else None,
    )


async def gather(
    readings: Sequence[LabelledReading], answers: Path, without: Sequence[str]
) -> Gathered:
    """Let all recognisers hear all words, but for those whose packages are left out."""
    words: list[LabelledWord] = []
    async with listening(answers, without) as recognisers:
        everyone = recognisers.recognisers
        for reading in readings:
            rescored = await recognisers.rescored(reading, calibration=_all_in_doubt(everyone))
            words += _labelled(reading, rescored)
            tell(f"{reading.reader}: {len(words)} words.")
    return Gathered(_engines(everyone), words)


def _engines(recognisers: Recognisers) -> dict[Role, str]:
    return {
        Role.A: recognisers.transcriber.engine,
        Role.K: recognisers.listener.engine,
        Role.W: (recognisers.placer or recognisers.checker).engine,
    }


def _all_in_doubt(recognisers: Recognisers) -> Calibration:
    """All words are as likely misread as not, so all roles are asked about them."""
    engines = _engines(recognisers)
    answering = [{role: engines[role] for role in roles} for roles in (*SUBSETS, (Role.A,))]
    even = Weights({}, 0.0, 0.5)
    return Calibration(DOUBTFUL, CLEAR_BELOW, 1.0, {model_name(one): even for one in answering})


def _labelled(reading: LabelledReading, rescored: RescoredActivity) -> Iterator[LabelledWord]:
    usual = usual_fit(
        word.w_evidence for word in rescored.words if word.w_evidence and word.w_evidence.span
    )
    labels = [label for phrase in reading.misread for label in phrase]
    for word, label in zip(rescored.words, labels, strict=True):
        evidence = Evidence(word.votes, word.k_evidence, word.w_evidence, usual)
        yield LabelledWord(reading.reader, evidence, label)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights, and what they say of readers who were left out."""

    name: str
    weights: Weights
    predicted: Values
    """Probability of each word, by weights fitted to the other readers."""
    words: Sequence[LabelledWord]

    def confusion(self) -> Confusion:
        """Of the verdicts on readers who were left out."""
        return _confusion(self.predicted >= self.weights.misread_from, self.labels)

    @property
    def is_useful(self) -> bool:
        """Whether its fewer false alarms do not cost too much against counting votes."""
        f1 = self.confusion().f1 or 0
        return f1 > max(0, (self.counted().f1 or 0) - MOST_LOST_F1)

    def counted(self) -> Confusion:
        """The same, had votes been counted by `reference`; undecided words count as read."""
        counted = [is_misread(word.evidence.votes, VoteRule.REFERENCE) for word in self.words]
        return _confusion(np.array([bool(one) for one in counted]), self.labels)

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Whether each word was misread."""
        return np.array([word.is_misread for word in self.words])

    def spread(self, share: float) -> float:
        """How much wider intervals must be than if words were independent to hold so many."""
        readers = np.array([word.reader for word in self.words])
        off = []
        for reader in sorted(set(readers)):
            chances, misread = self.predicted[readers == reader], self.labels[readers == reader]
            deviation = np.sqrt(np.sum(chances * (1 - chances)))
            off.append(abs(chances.sum() - misread.sum()) / deviation / INTERVAL_SIGMAS)
        return float(np.quantile(off, share))


def fit(gathered: Gathered) -> Fitted:
    """Fit weights, and find the probability from which a word counts as misread."""
    # A word of which not everybody had a chance to hear anything says nothing about the others.
    names = sorted({name for word in gathered.words for name in features(word.evidence)})
    words = [word for word in gathered.words if features(word.evidence).keys() >= set(names)]
    table = np.array([[features(word.evidence)[name] for name in names] for word in words])
    labels = np.array([word.is_misread for word in words])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=SHRINKAGE))
    predicted = cross_val_predict(
        model,
        table,
        labels,
        groups=[word.reader for word in words],
        cv=LeaveOneGroupOut(),
        method="predict_proba",
    )[:, 1]
    scaler, regression = model.fit(table, labels).steps[0][1], model.steps[1][1]
    weights = regression.coef_[0] / scaler.scale_
    constant = float(regression.intercept_[0] - weights @ scaler.mean_)
    return Fitted(
        model_name(gathered.engines),
        Weights(
            {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)},
            round(constant, 4),
            _threshold(predicted, labels),
        ),
        predicted,
        words,
    )


def _threshold(predicted: Values, labels: NDArray[np.bool_]) -> float:
    """Where as many words are called misread as are, or further up if too many are so wrongly.

    Then accuracies are too high as often as too low. F1 is about the best there as well.
    """

    def value(threshold: float) -> tuple[bool, int]:
        found = _confusion(predicted >= threshold, labels)
        is_careful = (found.false_alarms or 0) <= MOST_FALSE_ALARMS
        return is_careful, -abs(found.false_positives - found.false_negatives)

    return round(float(max(np.arange(0.2, 0.8, 0.01), key=value)), 2)


def _confusion(called: NDArray[np.bool_], labels: NDArray[np.bool_]) -> Confusion:
    return Confusion(
        int(np.sum(called & labels)),
        int(np.sum(called & ~labels)),
        int(np.sum(~called & labels)),
        int(np.sum(~called & ~labels)),
    )


def main(
    readings: Annotated[Path, typer.Argument(help="Folder of uploads with truth.json.")],
    *,
    choose: Annotated[
        str, typer.Option(help="Readers to fit on, by comma; as a rule those of the bundled file.")
    ] = "",
    answers: Annotated[
        Path, typer.Option(help="Folder for what recognisers answer: the next time takes seconds.")
    ] = Path("data/recogniser_answers"),
    write: Annotated[bool, typer.Option(help="Replace the bundled weights.")] = False,
    held_out: Annotated[
        bool, typer.Option(help="Also report on the other readers. Look seldom, and count it.")
    ] = False,
) -> None:
    """Fit, print the report, and say whether the bundled weights are the same."""
    end_cleanly_when_stopped()
    asyncio.run(_main(readings, choose, answers, write=write, held_out=held_out))


async def _main(folder: Path, choose: str, answers: Path, *, write: bool, held_out: bool) -> None:
    readings = await labelled_readings(folder)
    names = choose.split(",") if choose else bundled_calibration().fitted_on
    chosen = [reading for reading in readings if reading.reader in names]
    rest = [reading for reading in readings if reading.reader not in names]
    if len(chosen) < 2:
        raise typer.BadParameter(f"{folder} has fewer than two of the readers to fit on.")
    output.print(
        f"Fitted on {len(chosen)} readers: {', '.join(one.reader for one in chosen)}. "
        f"Held out: {', '.join(one.reader for one in rest) or 'none'}."
    )
    models: dict[str, Fitted] = {}
    for without in WITHOUT:
        gathered = await gather(
            [*chosen, *(reading.in_noise() for reading in chosen)], answers, without
        )
        for roles in SUBSETS:
            one = fit(gathered.by(roles))
            models.setdefault(one.name, one)
    for one in models.values():
        _print(one)
    everything = next(iter(models.values()))
    calibration = Calibration(
        DOUBTFUL,
        CLEAR_BELOW,
        round(max(1.0, everything.spread(0.9)), 2),
        {name: one.weights for name, one in sorted(models.items()) if one.is_useful},
        tuple(sorted(one.reader for one in chosen)),
    )
    output.print(f"Spread of a reading: {calibration.spread}")
    bundled = bundled_calibration().models
    others = [
        name
        for name in sorted({*calibration.models, *bundled})
        if calibration.models.get(name) != bundled.get(name)
    ]
    output.print(f"Bundled weights that are not these: {', '.join(others) or 'none'}.")
    if write:
        document = json.dumps(asdict(calibration), indent=1)
        BUNDLED.write_text(f"{document}\n", encoding="utf-8")
    if held_out:
        await _report(rest, answers, calibration)


async def _report(
    readings: Sequence[LabelledReading], answers: Path, calibration: Calibration
) -> None:
    """How well the platform does with these weights, as `orf-books evaluate activities`."""
    async with listening(answers) as recognisers:
        judged = [
            judge(
                await recognisers.rescored(reading, calibration=calibration),
                reading.misread,
            )
            for reading in readings
        ]
    evaluation = Evaluation(tuple(judged))
    _print_confusion(f"held out, {evaluation.confusion.words} words", evaluation.confusion)
    for figure, off in (
        ("accuracy", evaluation.accuracy_deviation),
        ("words correct per minute", evaluation.wcpm_deviation),
    ):
        if off:
            output.print(f"  bias of {figure}: {off.bias:+.3f}")


def _print(one: Fitted) -> None:
    output.print(f"{one.name}, {len(one.words)} words, misread from {one.weights.misread_from}:")
    _print_confusion("weighed", one.confusion())
    _print_confusion("counted by reference", one.counted())


def _print_confusion(what: str, found: Confusion) -> None:
    output.print(
        f"  {what}: precision {found.precision or 0:.2f}, recall {found.recall or 0:.2f}, "
        f"F1 {found.f1 or 0:.2f}, false alarms {found.false_alarms or 0:.3f}"
    )


if __name__ == "__main__":
    typer.run(main)
