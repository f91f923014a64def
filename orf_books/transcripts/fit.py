"""`python -m orf_books.transcripts.fit`: fit the head anew, and say how well it does.

Writes the head, what its tiers are worth, and a report. Needs scikit-learn, which nothing that
scores does. The same exemplars, labels and encoder give the same files on the same processor.

Belongs here: fitting, and the report. Does not belong here: applying what is learned (`head.py`).
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.head import FILE, Head, write_head
from orf_books.transcripts.labels import (
    HANDS,
    Half,
    LabelledText,
    LessonPart,
    OthersPart,
    labelled_sentences,
    lesson_turns,
    turns_by_others,
)
from orf_books.transcripts.measured_tiers import FILE as TIERS_FILE
from orf_books.transcripts.measured_tiers import TierWorth, is_worth_showing
from orf_books.transcripts.sentence_features import HeardSentence, features_of, hear
from orf_books.transcripts.sentences import Span
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import asks_to_explain
from orf_books.transcripts.tier_measurement import measure_tiers, write_measured_tiers
from orf_books.transcripts.usual_measurement import measure_usual

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

WEIGHT_OF_TURNS = 2.0
"""Of a turn by another hand, beside an exemplar: turns are closer to lessons, and fewer."""

_CLASSES = (*Skill, None)
_MOST_STEPS = 2000
_TOLERANCE = 1e-5
_DECIMALS = 4
"""Of weights: so that the last bits of a processor do not show."""


@dataclass(frozen=True, slots=True)
class _Example:
    """A text that shows a skill, or none."""

    text: str = field(repr=False)
    before: str = field(repr=False)
    skill: Skill | None
    weight: float


def fit_head(encoder: SentenceEncoder) -> Head:
    """Fitted on the exemplars and the turns by other hands.

    Calibrated on these turns, too, as heads judge them that were fitted without the hand that wrote
    them.
    """
    left_out = [
        (turns_by_others(OthersPart.LEARNING, (hand,)), fit_weights(encoder, set(HANDS) - {hand}))
        for hand in HANDS
    ]
    return replace(fit_weights(encoder, HANDS), calibrations=_fit_calibrations(encoder, left_out))


def _examples(hands: Collection[str]) -> Iterator[_Example]:
    """Exemplars and turns; what shows two skills is there once for each."""
    for exemplar in exemplars():
        yield _Example(exemplar.text, exemplar.before, exemplar.skill, 1.0)
    for turn in turns_by_others(OthersPart.LEARNING, hands):
        for skill in sorted(turn.skills):
            yield _Example(turn.text, turn.before, skill, WEIGHT_OF_TURNS)
        if not turn.skills and not turn.arguable:
            yield _Example(turn.text, turn.before, None, WEIGHT_OF_TURNS)


def fit_weights(encoder: SentenceEncoder, hands: Collection[str]) -> Head:
    """A head that is not calibrated."""
    examples = list(_examples(hands))
    features = features_of([_heard(example) for example in examples], encoder)
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
    weights, intercepts = _fit(columns, examples, INVERSE_REGULARISATION)
    by_vectors, intercepts_by_vectors = _fit(
        columns[:1], examples, INVERSE_REGULARISATION_OF_VECTORS
    )
    mixed = [list(Skill).index(skill) for skill in MIXED]
    weights[mixed] /= 2
    weights[mixed, : by_vectors.shape[1]] += by_vectors[mixed] / 2
    intercepts[mixed] = (intercepts[mixed] + intercepts_by_vectors[mixed]) / 2
    ends = np.cumsum([of_kind.shape[1] for of_kind in columns])[:-1]
    of_vectors, of_phrases, of_cues, of_asked = np.hsplit(weights, ends)
    return Head(
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


def _fit(
    columns: Sequence[NDArray[np.float64] | csr_array],
    examples: Sequence[_Example],
    inverse_regularisation: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and intercepts of each skill against no skill."""
    model = LogisticRegression(C=inverse_regularisation, max_iter=_MOST_STEPS, tol=_TOLERANCE).fit(
        hstack([csr_array(of_kind) for of_kind in columns], format="csr"),
        [_CLASSES.index(example.skill) for example in examples],
        [example.weight for example in examples],
    )
    weights, intercepts = (fitted[:-1] - fitted[-1] for fitted in (model.coef_, model.intercept_))
    return weights, intercepts


def _heard(example: _Example) -> HeardSentence:
    """An example is one sentence, whatever its punctuation."""
    cues = read_cues(example.text, Span(0, len(example.text))).cues
    return hear(example.text, cues, is_asked_for=asks_to_explain(example.before))


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
    encoder: SentenceEncoder, judged_by: Sequence[tuple[Sequence[LabelledText], Head]]
) -> tuple[Calibration, ...]:
    """Platt's scaling for each skill, turns weighted to the rates of lessons.

    Args:
        encoder: of all heads.
        judged_by: turns, and a head that was not fitted on them.
    """
    judged = [
        (turn, judgements)
        for turns, head in judged_by
        for turn, judgements in zip(
            turns,
            SkillDetector(encoder, head).judge(
                [turn.text for turn in turns], [turn.before for turn in turns]
            ),
            strict=True,
        )
    ]
    calibrations = []
    for skill in Skill:
        settled = [(turn, of_turn) for turn, of_turn in judged if skill not in turn.arguable]
        is_shown = np.array([skill in turn.skills for turn, _ in settled])
        rate = RATES_IN_LESSONS[skill]
        weights = np.where(is_shown, rate / is_shown.mean(), (1 - rate) / (1 - is_shown.mean()))
        model = LogisticRegression(max_iter=_MOST_STEPS).fit(
            [[log_odds(of_turn[skill].probability)] for _, of_turn in settled], is_shown, weights
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
        "`labelled_sentences.json`, `lesson_turns.json` and `turns_by_others.json` say what the",
        "texts are and what each part is for. Only the held-out half and the test turns are new to",
        "the detector, and only those by other hands are not of the hand that wrote the exemplars.",
    ]
    labelled = {f"{half} sentences": labelled_sentences(half) for half in Half} | {
        f"{part} turns": lesson_turns(part) for part in LessonPart
    }
    labelled["test turns by other hands"] = turns_by_others(OthersPart.TEST)
    for name, texts in labelled.items():
        evaluation = evaluate_skills(texts, detector)
        lines += ["", f"## {name.capitalize()}: {len(texts)}", "", *_table(evaluation)]
    lines += ["", "## What tiers are worth", "", *_tier_table(tiers)]
    lines += ["", "## What is usual", "", *_usual_table(detector)]
    return "\n".join(lines) + "\n"


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
        "Precision to be expected at the rates of lessons, from the test turns by other hands;",
        "each tier with those above it.",
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


def _usual_table(detector: SkillDetector) -> list[str]:
    return [
        "What `usual.SHIPPED` is to hold, from the same turns at the rates of lessons: the share",
        "of utterances in which a skill is found, each finding counting by its probability of",
        "being right, and the mean of these probabilities.",
        "",
        "| | rate | certainty |",
        "|---|---|---|",
        *(
            f"| {skill} | {usual.rate:.3f} | {usual.certainty:.1f} |"
            for skill, usual in measure_usual(detector, turns_by_others(OthersPart.TEST)).items()
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
    tiers = measure_tiers(detector, turns_by_others(OthersPart.TEST))
    report = fit_report(detector, tiers)
    (folder / FILE).write_bytes(write_head(head))
    (folder / TIERS_FILE).write_bytes(write_measured_tiers(tiers))
    (folder / "head_report.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)


if __name__ == "__main__":
    main()
