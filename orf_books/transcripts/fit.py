"""`python -m orf_books.transcripts.fit`: learn the head anew, and say how well it does.

Writes `head.json` and, beside it, `head_report.md`. Needs scikit-learn, which nothing that scores
does. The same exemplars, labelled sentences and encoder give the same files.

Belongs here: fitting, and the report. Does not belong here: applying what is learned (`head.py`).
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sklearn.linear_model import LogisticRegression

from orf_books.transcripts.calibration import Calibration, log_odds
from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.encoder import SentenceEncoder, universal_sentence_encoder
from orf_books.transcripts.evaluation import Agreement, Evaluation, evaluate_skills
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.head import Head, write_head
from orf_books.transcripts.labels import Half, LabelledText, labelled_sentences
from orf_books.transcripts.skills import Skill

INVERSE_REGULARISATION = 3.0
WEIGHT_OF_SHOWN = 0.5
"""Of all exemplars of a skill, measured by all others. Both numbers were chosen on the tuning half
and by cross-validation on exemplars, for the highest F1 with which at most a quarter of the hard
negatives fires at the thresholds of `firing.py`."""

_UNPENALISED = 1e6
_MOST_STEPS = 2000
_DECIMALS = 6


def fit_head(encoder: SentenceEncoder) -> Head:
    """One logistic regression a skill, its exemplars against all others, calibrated."""
    vectors = encoder.encode([exemplar.text for exemplar in exemplars()]).astype(float)
    fitted = [_fit_skill(vectors, skill) for skill in Skill]
    head = Head(
        encoder_version=encoder.version,
        weights=tuple(weights for weights, _ in fitted),
        intercepts=tuple(intercept for _, intercept in fitted),
        calibration=Calibration(slope=1.0, of_cue=0.0, intercept=0.0),
    )
    tuning = labelled_sentences(Half.TUNING)
    return replace(head, calibration=_fit_calibration(SkillDetector(encoder, head), tuning))


def _fit_skill(vectors: object, skill: Skill) -> tuple[tuple[float, ...], float]:
    is_shown = [exemplar.skill is skill for exemplar in exemplars()]
    share = sum(is_shown) / len(is_shown)
    weights = {True: WEIGHT_OF_SHOWN / (2 * share), False: 1 / (2 * (1 - share))}
    return _regression(vectors, is_shown, C=INVERSE_REGULARISATION, class_weight=weights)


def _fit_calibration(detector: SkillDetector, labelled: Sequence[LabelledText]) -> Calibration:
    judged = [
        (judgement, skill in one.skills)
        for one, judgements in zip(
            labelled, detector.judge([one.text for one in labelled]), strict=True
        )
        for skill, judgement in judgements.items()
    ]
    (slope, of_cue), intercept = _regression(
        [[log_odds(judgement.probability), judgement.has_cue] for judgement, _ in judged],
        [is_shown for _, is_shown in judged],
        C=_UNPENALISED,
    )
    return Calibration(slope, of_cue, intercept)


def _regression(
    features: object, labels: Sequence[bool], **settings: object
) -> tuple[tuple[float, ...], float]:
    """Weights and intercept, rounded so that the last bits of a machine do not show."""
    model = LogisticRegression(max_iter=_MOST_STEPS, **settings).fit(features, labels)
    weights = tuple(round(float(weight), _DECIMALS) for weight in model.coef_[0])
    return weights, round(float(model.intercept_[0]), _DECIMALS)


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
    """Fit, and write the head and the report."""
    encoder = universal_sentence_encoder()
    head = fit_head(encoder)
    report = fit_report(SkillDetector(encoder, head))
    folder = Path(__file__).parent
    (folder / "head.json").write_bytes(write_head(head))
    (folder / "head_report.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)


if __name__ == "__main__":
    main()
