"""`python -m orf_books.transcripts.fit`: learn each head anew, and say how well it does.

Writes the head for each encoder and, beside it, a report. Needs the extra `minilm`, and
scikit-learn, which nothing that scores does. The same exemplars, labelled sentences and encoder
give the same files.

Belongs here: fitting, and the report. Does not belong here: applying what is learned (`head.py`).
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from orf_books.precision_recall import Agreement
from orf_books.transcripts.calibration import Calibration, log_odds
from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.encoder import SentenceEncoder
from orf_books.transcripts.evaluation import Evaluation, evaluate_skills
from orf_books.transcripts.exemplars import Exemplar, exemplars
from orf_books.transcripts.head import HEADS, Head, write_head
from orf_books.transcripts.labels import Half, LabelledText, labelled_sentences
from orf_books.transcripts.likeness import EncodedExemplars
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books.transcripts.skills import Skill

INVERSE_REGULARISATION = 3.0
SHARPNESS_OF_LIKENESS = 8.0
SPREAD_OF_LIKENESS = 0.5
"""Standard deviation to which likeness is brought; the higher, the less its weights are penalised.
All three were chosen by cross-validation on exemplars and on the tuning half, and so were the
thresholds of `firing.py`."""

_CLASSES = (*Skill, None)
_UNPENALISED = 1e6
_MOST_STEPS = 2000
_DECIMALS = 6


def fit_head(encoder: SentenceEncoder) -> Head:
    """Fitted on the exemplars, calibrated on the tuning half."""
    shown = exemplars()
    vectors = encoder.encode([one.text for one in shown])
    likeness = EncodedExemplars(encoder).likeness(vectors, SHARPNESS_OF_LIKENESS, _are_own(shown))
    middle, unit = likeness.mean(axis=0), likeness.std(axis=0) / SPREAD_OF_LIKENESS
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=_MOST_STEPS).fit(
        np.hstack([vectors, (likeness - middle) / unit]),
        [_CLASSES.index(one.skill) for one in shown],
    )
    weights, intercepts = (fitted[:-1] - fitted[-1] for fitted in (model.coef_, model.intercept_))
    weights, likeness_weights = np.hsplit(weights, [vectors.shape[1]])
    likeness_weights /= unit
    head = Head(
        encoder_version=encoder.version,
        weights=tuple(map(_rounded, weights)),
        likeness_weights=tuple(map(_rounded, likeness_weights)),
        sharpness=SHARPNESS_OF_LIKENESS,
        intercepts=_rounded(intercepts - likeness_weights @ middle),
        calibration=Calibration(slope=1.0, of_cue=0.0, intercept=0.0),
    )
    tuning = labelled_sentences(Half.TUNING)
    return replace(head, calibration=_fit_calibration(SkillDetector(encoder, head), tuning))


def _are_own(shown: Sequence[Exemplar]) -> NDArray[np.bool_]:
    """Of which skills each is an exemplar: a sentence that shows two stands under both."""
    texts = {skill: {one.text for one in shown if one.skill is skill} for skill in Skill}
    return np.array([[one.text in texts[skill] for skill in Skill] for one in shown])


def _fit_calibration(detector: SkillDetector, labelled: Sequence[LabelledText]) -> Calibration:
    judged = [
        (judgement, skill in one.skills)
        for one, judgements in zip(
            labelled, detector.judge([one.text for one in labelled]), strict=True
        )
        for skill, judgement in judgements.items()
    ]
    model = LogisticRegression(C=_UNPENALISED, max_iter=_MOST_STEPS).fit(
        [[log_odds(judgement.probability), judgement.has_cue] for judgement, _ in judged],
        [is_shown for _, is_shown in judged],
    )
    return Calibration(*_rounded(model.coef_[0]), *_rounded(model.intercept_))


def _rounded(fitted: NDArray[np.float64]) -> tuple[float, ...]:
    """So that the last bits of a machine do not show."""
    return tuple(round(float(one), _DECIMALS) for one in fitted)


def fit_report(detector: SkillDetector) -> str:
    """How well a detector does on our own sentences, beside the plain list of keywords."""
    lines = [
        "# How well skills are detected",
        "",
        f"Detector {detector.version}, fitted by `python -m orf_books.transcripts.fit`.",
        "`labelled_sentences.json` says what the sentences are and what each half is for;",
        "only the held-out half says how well other sentences are judged.",
    ]
    for half in Half:
        evaluation = evaluate_skills(labelled_sentences(half), detector)
        lines += ["", f"## {half.capitalize()}: {len(evaluation.judged)} sentences", ""]
        lines += _table(evaluation)
    return "\n".join(lines) + "\n"


def _table(evaluation: Evaluation) -> list[str]:
    detected, by_keywords = evaluation.detected, evaluation.by_keywords
    return [
        "| | labels | precision | recall | F1 | F1 of keywords |",
        "|---|---|---|---|---|---|",
        _row("all skills", detected.micro, by_keywords.micro),
        *(_row(skill, detected.by_skill[skill], by_keywords.by_skill[skill]) for skill in Skill),
        "",
        "| | detector | keywords |",
        "|---|---|---|",
        _pair("hard negatives fired", detected.unlabelled_fired, by_keywords.unlabelled_fired),
        _pair("paraphrase recall", detected.paraphrase_recall, by_keywords.paraphrase_recall),
    ]


def _row(name: str, detected: Agreement, by_keywords: Agreement) -> str:
    shares = (detected.precision, detected.recall, detected.f1, by_keywords.f1)
    return f"| {name} | {detected.labels} | {' | '.join(map(_shown, shares))} |"


def _pair(name: str, detected: float | None, by_keywords: float | None) -> str:
    return f"| {name} | {_shown(detected)} | {_shown(by_keywords)} |"


def _shown(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def main() -> None:
    """Fit, and write the heads and the reports."""
    folder = Path(__file__).parent
    for name, encoder in [(HEADS[one], one.load()) for one in SkillEncoder]:
        head = fit_head(encoder)
        report = fit_report(SkillDetector(encoder, head))
        (folder / f"{name}.json").write_bytes(write_head(head))
        (folder / f"{name}_report.md").write_text(report, encoding="utf-8")
        sys.stdout.write(report)


if __name__ == "__main__":
    main()
