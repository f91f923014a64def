"""How well detection agrees with labels that a person gave.

Belongs here: comparing, beside what the plain list of keywords would find. Does not belong here:
the labels (`labels.py`), detection, printing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orf_books.precision_recall import Agreement, rounded, share
from orf_books.transcripts.keyword_list import skills_by_keywords
from orf_books.transcripts.labels import LabelledText
from orf_books.transcripts.skills import Skill

if TYPE_CHECKING:
    from orf_books.transcripts.detection import SkillDetector


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A labelled text and what was found in it."""

    labelled: LabelledText
    detected: frozenset[Skill]
    by_keywords: frozenset[Skill]
    """What the plain list of keywords finds."""
    hinted_at: frozenset[Skill]
    """Of what the text holds a cue."""

    @property
    def wrong(self) -> frozenset[Skill]:
        """Detected, but no label."""
        return self.detected - self.labelled.skills

    @property
    def missed(self) -> frozenset[Skill]:
        """Labels that were not detected."""
        return self.labelled.skills - self.detected


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one way of finding skills does."""

    by_skill: Mapping[Skill, Agreement]
    micro: Agreement
    """Of all skills, every label counting alike."""
    unlabelled_fired: float | None
    """Share of the texts without a label in which a skill was found."""
    paraphrase_recall: float | None
    """Share of the labels that were found where no cue says so: skills in other words."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of comparing."""

    judged: tuple[JudgedText, ...]

    @property
    def detected(self) -> Quality:
        """Of the detector."""
        return _quality(self.judged, [one.detected for one in self.judged])

    @property
    def by_keywords(self) -> Quality:
        """Of the plain list of keywords, on the same texts."""
        return _quality(self.judged, [one.by_keywords for one in self.judged])

    @property
    def differences(self) -> tuple[JudgedText, ...]:
        """Texts of which a skill was wrongly detected or missed."""
        return tuple(one for one in self.judged if one.wrong or one.missed)

    def as_document(self) -> dict[str, Any]:
        """For machines; shares are from 0 to 1, and null where nothing could be counted."""
        return {
            "texts": len(self.judged),
            "detected": _quality_document(self.detected),
            "by_keywords": _quality_document(self.by_keywords),
            "differences": [
                {
                    "text": one.labelled.text,
                    "skills": sorted(one.labelled.skills),
                    "wrong": sorted(one.wrong),
                    "missed": sorted(one.missed),
                }
                for one in self.differences
            ],
        }


def evaluate_skills(
    labelled: Sequence[LabelledText], detector: "SkillDetector | None" = None
) -> Evaluation:
    """Compare what is detected in texts with their labels.

    Args:
        labelled: each text is judged as one English utterance.
        detector: the one that is shipped where none is given.
    """
    from orf_books.transcripts.detection import shipped_detector

    judgements = (detector or shipped_detector()).judge([one.text for one in labelled])
    return Evaluation(
        tuple(
            JudgedText(
                one,
                detected=frozenset(skill for skill, judged in of_text.items() if judged.finding),
                by_keywords=skills_by_keywords(one.text),
                hinted_at=frozenset(skill for skill, judged in of_text.items() if judged.has_cue),
            )
            for one, of_text in zip(labelled, judgements, strict=True)
        )
    )


def _quality(judged: Sequence[JudgedText], found: Sequence[Collection[Skill]]) -> Quality:
    pairs = [
        (skill, skill in of_text, skill in one.labelled.skills, skill in one.hinted_at)
        for one, of_text in zip(judged, found, strict=True)
        for skill in Skill
    ]
    unlabelled = [
        bool(of_text) for one, of_text in zip(judged, found, strict=True) if not one.labelled.skills
    ]
    paraphrases = [is_found for _, is_found, is_label, is_hint in pairs if is_label and not is_hint]
    return Quality(
        by_skill={
            skill: _agreement(
                (is_found, is_label) for of, is_found, is_label, _ in pairs if of is skill
            )
            for skill in Skill
        },
        micro=_agreement((is_found, is_label) for _, is_found, is_label, _ in pairs),
        unlabelled_fired=share(sum(unlabelled), len(unlabelled)),
        paraphrase_recall=share(sum(paraphrases), len(paraphrases)),
    )


def _agreement(found_and_labelled: Iterable[tuple[bool, bool]]) -> Agreement:
    pairs = list(found_and_labelled)
    return Agreement(
        right=sum(found and label for found, label in pairs),
        found=sum(found for found, _ in pairs),
        labels=sum(label for _, label in pairs),
    )


def _quality_document(quality: Quality) -> dict[str, Any]:
    return {
        "micro": _agreement_document(quality.micro),
        "unlabelled_fired": rounded(quality.unlabelled_fired),
        "paraphrase_recall": rounded(quality.paraphrase_recall),
        "by_skill": {skill: _agreement_document(one) for skill, one in quality.by_skill.items()},
    }


def _agreement_document(agreement: Agreement) -> dict[str, float | None]:
    return {
        "precision": rounded(agreement.precision),
        "recall": rounded(agreement.recall),
        "f1": rounded(agreement.f1),
        "labels": agreement.labels,
    }
