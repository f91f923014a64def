"""`python -m orf_books.transcripts.fit`: fit the head anew, and say how well it does.

Writes the head, what its tiers are worth, and a report. Needs scikit-learn, which nothing that
scores does. The same exemplars, labels and encoder give the same files on the same processor.

Belongs here: fitting, and the report. Does not belong here: applying what is learned (`head.py`).
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.linear_model import LogisticRegression

from orf_books.transcripts.calibration import RATES_IN_LESSONS, Calibration, log_odds
from orf_books.transcripts.cues import read_cues
from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.encoder import SentenceEncoder, universal_sentence_encoder
from orf_books.transcripts.evaluation import Evaluation, evaluate_skills
from orf_books.transcripts.exemplars import Exemplar, exemplars
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.head import FILE, Head, write_head
from orf_books.transcripts.labels import (
    Half,
    LabelledText,
    LessonPart,
    labelled_sentences,
    lesson_turns,
)
from orf_books.transcripts.measured_tiers import FILE as TIERS_FILE
from orf_books.transcripts.measured_tiers import TierWorth, is_worth_showing
from orf_books.transcripts.sentence_features import HeardSentence, features_of, hear
from orf_books.transcripts.sentences import Span
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import asks_to_explain
from orf_books.transcripts.tier_measurement import measure_tiers, write_measured_tiers

INVERSE_REGULARISATION = 3.0
INVERSE_REGULARISATION_OF_VECTORS = 5.0
PHRASE_SCALE = 2.0
CUE_SCALE = 0.5
"""The higher, the less the weights of phrases and of cues are penalised. All four were chosen on
the tuning half and on the development turns."""
MIXED = (Skill.COMMUNICATION,)
"""Skills whose weights are the mean of two fits, the second on vectors alone: phrases are learned
too literally where a skill is shown in very many ways. Also chosen on these."""
LEAST_EXEMPLARS_OF_PHRASE = 3
"""Phrases in fewer exemplars are left out."""

_CLASSES = (*Skill, None)
_MOST_STEPS = 2000
_TOLERANCE = 1e-5
_DECIMALS = 4
"""Of weights: so that the last bits of a processor do not show."""


def fit_head(encoder: SentenceEncoder) -> Head:
    """Fitted on the exemplars, calibrated on the development turns."""
    shown = exemplars()
    features = features_of([_heard(exemplar) for exemplar in shown], encoder)
    counts = Counter(phrase for phrases in features.phrases for phrase in phrases)
    vocabulary = sorted(
        phrase for phrase, count in counts.items() if count >= LEAST_EXEMPLARS_OF_PHRASE
    )
    columns = [
        features.vectors,
        PHRASE_SCALE * _phrase_columns(features.phrases, vocabulary),
        CUE_SCALE * features.cues,
        features.is_asked_for,
    ]
    classes = [_CLASSES.index(exemplar.skill) for exemplar in shown]
    weights, intercepts = _fit(columns, classes, INVERSE_REGULARISATION)
    by_vectors, intercepts_by_vectors = _fit(
        columns[:1], classes, INVERSE_REGULARISATION_OF_VECTORS
    )
    mixed = [list(Skill).index(skill) for skill in MIXED]
    weights[mixed] /= 2
    weights[mixed, : by_vectors.shape[1]] += by_vectors[mixed] / 2
    intercepts[mixed] = (intercepts[mixed] + intercepts_by_vectors[mixed]) / 2
    ends = np.cumsum([of_kind.shape[1] for of_kind in columns])[:-1]
    of_vectors, of_phrases, of_cues, of_asked = np.hsplit(weights, ends)
    head = Head(
        encoder_version=encoder.version,
        weights=tuple(map(_rounded, of_vectors)),
        phrase_weights=dict(
            zip(vocabulary, map(_rounded, PHRASE_SCALE * of_phrases.T), strict=True)
        ),
        cue_weights=tuple(map(_rounded, CUE_SCALE * of_cues)),
        asked_weights=_rounded(of_asked[:, 0]),
        intercepts=_rounded(intercepts),
        calibrations=(Calibration(slope=1.0, intercept=0.0),) * len(Skill),
    )
    turns = lesson_turns(LessonPart.DEVELOPMENT)
    return replace(head, calibrations=_fit_calibrations(SkillDetector(encoder, head), turns))


def _fit(
    columns: Sequence[NDArray[np.float64] | csr_array],
    classes: Sequence[int],
    inverse_regularisation: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and intercepts of each skill against no skill."""
    model = LogisticRegression(C=inverse_regularisation, max_iter=_MOST_STEPS, tol=_TOLERANCE).fit(
        hstack([csr_array(of_kind) for of_kind in columns], format="csr"), classes
    )
    weights, intercepts = (fitted[:-1] - fitted[-1] for fitted in (model.coef_, model.intercept_))
    return weights, intercepts


def _heard(exemplar: Exemplar) -> HeardSentence:
    """An exemplar is one sentence, whatever its punctuation."""
    cues = read_cues(exemplar.text, Span(0, len(exemplar.text))).cues
    return hear(exemplar.text, cues, is_asked_for=asks_to_explain(exemplar.before))


def _phrase_columns(phrases: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> csr_array:
    """A column for each phrase of the vocabulary, as `Head` weighs them."""
    columns = {phrase: column for column, phrase in enumerate(vocabulary)}
    known = [[columns[phrase] for phrase in of if phrase in columns] for of in phrases]
    values = [1 / len(of) ** 0.5 for of in known for _ in of]
    ends = np.cumsum([0, *map(len, known)])
    return csr_array(
        (values, [column for of in known for column in of], ends),
        shape=(len(phrases), len(vocabulary)),
    )


def _fit_calibrations(
    detector: SkillDetector, turns: Sequence[LabelledText]
) -> tuple[Calibration, ...]:
    """Platt's scaling for each skill, turns weighted to the rates of lessons."""
    judged = detector.judge([turn.text for turn in turns], [turn.before for turn in turns])
    calibrations = []
    for skill in Skill:
        is_shown = np.array([skill in turn.skills for turn in turns])
        rate = RATES_IN_LESSONS[skill]
        weights = np.where(is_shown, rate / is_shown.mean(), (1 - rate) / (1 - is_shown.mean()))
        model = LogisticRegression(max_iter=_MOST_STEPS).fit(
            [[log_odds(of_turn[skill].probability)] for of_turn in judged], is_shown, weights
        )
        calibrations.append(Calibration(*_rounded(model.coef_[0]), *_rounded(model.intercept_)))
    return tuple(calibrations)


def _rounded(fitted: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(weight), _DECIMALS) for weight in fitted)


def fit_report(detector: SkillDetector, tiers: Mapping[Skill, Mapping[Tier, TierWorth]]) -> str:
    """How well a detector does on our own sentences, and what its tiers are worth."""
    lines = [
        "# How well skills are detected",
        "",
        f"Detector {detector.version}, fitted by `python -m orf_books.transcripts.fit`.",
        "`labelled_sentences.json` and `lesson_turns.json` say what the texts are and what each",
        "part is for; only the held-out half and the test turns say how well others are judged.",
    ]
    labelled = {f"{half} sentences": labelled_sentences(half) for half in Half} | {
        f"{part} turns": lesson_turns(part) for part in LessonPart
    }
    for name, texts in labelled.items():
        evaluation = evaluate_skills(texts, detector)
        lines += ["", f"## {name.capitalize()}: {len(texts)}", "", *_table(evaluation)]
    return "\n".join([*lines, "", "## What tiers are worth", "", *_tier_table(tiers)]) + "\n"


def _table(evaluation: Evaluation) -> list[str]:
    detected = evaluation.as_document()["detected"]
    keywords = evaluation.by_keywords
    rows = {"all skills": (detected["micro"], keywords.micro.f1)} | {
        skill: (detected["by_skill"][skill], keywords.by_skill[skill].f1) for skill in Skill
    }
    return [
        "| | labels | found | precision | recall | F1 | F1 of keywords |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {row['labels']} | {row['found']} "
            f"| {_with_interval(row['precision'], row['precision_interval'])} "
            f"| {_with_interval(row['recall'], row['recall_interval'])} "
            f"| {_shown(row['f1'])} | {_shown(f1_of_keywords)} |"
            for name, (row, f1_of_keywords) in rows.items()
        ),
        "",
        "| | detector | keywords |",
        "|---|---|---|",
        *(
            f"| {name} | {_shown(getattr(evaluation.detected, measure))} "
            f"| {_shown(getattr(keywords, measure))} |"
            for name, measure in (
                ("texts without a label in which a skill was found", "unlabelled_fired"),
                ("recall where no cue says so", "paraphrase_recall"),
            )
        ),
    ]


def _tier_table(tiers: Mapping[Skill, Mapping[Tier, TierWorth]]) -> list[str]:
    return [
        "Precision to be expected at the rates of lessons, from the test turns; each tier with",
        "those above it.",
        "",
        "| | tier | right | found | precision | measured |",
        "|---|---|---|---|---|---|",
        *(
            f"| {skill} | {tier} | {worth.right} | {worth.found} "
            f"| {_with_interval(worth.precision, (worth.low, worth.high))} "
            f"| {'yes' if is_worth_showing(by_tier) else 'no'} |"
            for skill, by_tier in tiers.items()
            for tier, worth in by_tier.items()
        ),
    ]


def _with_interval(share: float | None, interval: Sequence[float | None] | None) -> str:
    if share is None or interval is None:
        return "-"
    return f"{_shown(share)} ({' to '.join(map(_shown, interval))})"


def _shown(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"


def main() -> None:
    """Fit, and write the head, what its tiers are worth, and the report."""
    folder = Path(__file__).parent
    encoder = universal_sentence_encoder()
    head = fit_head(encoder)
    detector = SkillDetector(encoder, head)
    tiers = measure_tiers(detector, lesson_turns(LessonPart.TEST))
    report = fit_report(detector, tiers)
    (folder / FILE).write_bytes(write_head(head))
    (folder / TIERS_FILE).write_bytes(write_measured_tiers(tiers))
    (folder / "head_report.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)


if __name__ == "__main__":
    main()
