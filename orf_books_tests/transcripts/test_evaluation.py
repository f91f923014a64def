from collections.abc import Iterable
from pathlib import Path

import pytest

from orf_books.precision_recall import Agreement
from orf_books.transcripts.evaluation import Evaluation, Findings, JudgedText, evaluate_skills
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.labels import Half, LabelledText, labelled_sentences
from orf_books.transcripts.skills import Skill

E, C = Skill.EMPATHY, Skill.COMMUNICATION


def judged(
    labels: Iterable[Skill], found: Iterable[Skill], hints: Iterable[Skill] = ()
) -> JudgedText:
    return JudgedText(
        LabelledText("words", frozenset(labels)),
        dict.fromkeys(found, Tier.STRONG),
        frozenset(),
        frozenset(hints),
    )


def test_quality_is_counted_by_label() -> None:
    evaluation = Evaluation((judged({E}, {E}, {E}), judged({E, C}, {C}), judged(set(), {C})))
    quality = evaluation.detected
    assert quality.micro == Agreement(right=2, found=3, labels=3)
    assert quality.micro.f1 == pytest.approx(2 / 3)
    assert quality.by_skill[E] == Agreement(right=1, found=1, labels=2)
    assert quality.unlabelled_fired == 1.0
    assert quality.paraphrase_recall == 0.5, "one of two labels without a cue"
    assert evaluation.by_keywords.micro == Agreement(0, 0, 3)
    assert [(one.wrong, one.missed) for one in evaluation.differences] == [
        (frozenset(), frozenset({E})),
        (frozenset({C}), frozenset()),
    ]


def test_what_cannot_be_counted_is_none() -> None:
    quality = Evaluation((judged(set(), set()),)).detected
    assert quality.micro.precision is quality.micro.recall is quality.micro.f1 is None
    assert quality.paraphrase_recall is None


def test_the_detector_beats_the_keyword_list_by_far_on_sentences_nothing_was_tuned_on() -> None:
    evaluation = evaluate_skills(labelled_sentences(Half.HELD_OUT))
    detected, by_keywords = evaluation.detected, evaluation.by_keywords
    assert detected.micro.f1 is not None
    assert by_keywords.micro.f1 is not None
    assert detected.unlabelled_fired is not None
    assert detected.paraphrase_recall is not None
    assert detected.micro.f1 >= by_keywords.micro.f1 + 0.25
    assert detected.micro.f1 >= 0.66
    assert detected.unlabelled_fired <= 0.25
    assert detected.paraphrase_recall >= 0.50
    assert set(evaluation.as_document()) == {"texts", "detected", "by_keywords", "differences"}


def test_findings_are_counted_by_tier_and_another_person_may_agree() -> None:
    arguable = LabelledText("words", frozenset(), arguable=frozenset({C}))
    evaluation = Evaluation(
        (
            judged({E}, {E}),
            judged(set(), {E}),
            JudgedText(arguable, {C: Tier.MODERATE}, frozenset(), frozenset()),
        )
    )
    assert evaluation.findings(Tier.STRONG) == Findings(right=1, arguable=0, found=2)
    assert evaluation.findings(Tier.MODERATE) == Findings(right=0, arguable=1, found=1)
    assert evaluation.findings(Tier.MODERATE, (E,)) == Findings(0, 0, 0)
    document = evaluation.as_document()["detected"]
    assert document["micro"]["precision_interval"] == [0.0615, 0.7923]
    assert document["by_skill"][C]["right_or_arguable"] == 1.0


@pytest.mark.slow
def test_the_report_beside_the_weights_is_of_the_shipped_detector() -> None:
    from orf_books.transcripts import fit
    from orf_books.transcripts.detection import shipped_detector
    from orf_books.transcripts.measured_tiers import measured_tiers

    report = Path(fit.__file__).with_name("head_report.md")
    written = fit.fit_report(shipped_detector(), measured_tiers())
    assert report.read_text(encoding="utf-8") == written
