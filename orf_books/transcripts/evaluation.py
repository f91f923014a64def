"""How well detection agrees with labels that a person gave.

Belongs here: comparing, beside what the plain list of keywords would find. Does not belong here:
the labels (`labels.py`), detection, printing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orf_books.precision_recall import Agreement, rounded, share, wilson_interval
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.keyword_list import skills_by_keywords
from orf_books.transcripts.labels import LabelledText
from orf_books.transcripts.skills import Skill

if TYPE_CHECKING:
    from orf_books.transcripts.detection import SkillDetector


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A labelled text and what was found in it."""

    labelled: LabelledText
    tiers: Mapping[Skill, Tier]
    """Of each skill that was detected."""
    by_keywords: frozenset[Skill]
    """What the plain list of keywords finds."""
    hinted_at: frozenset[Skill]
    """Of what the text holds a cue."""

    @property
    def detected(self) -> frozenset[Skill]:
        """What the detector finds."""
        return frozenset(self.tiers)

    @property
    def wrong(self) -> frozenset[Skill]:
        """Detected, but no label."""
        return self.detected - self.labelled.skills

    @property
    def missed(self) -> frozenset[Skill]:
        """Labels that were not detected."""
        return self.labelled.skills - self.detected


@dataclass(frozen=True, slots=True)
class Findings:
    """How many findings are right, and how many another person might call right."""

    right: int
    arguable: int
    found: int

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "right": self.right,
            "arguable": self.arguable,
            "found": self.found,
            "precision": rounded(share(self.right, self.found)),
            "precision_interval": _rounded_interval(self.right, self.found),
            "right_or_arguable": rounded(share(self.right + self.arguable, self.found)),
        }


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one way of finding skills does."""

    by_skill: Mapping[Skill, Agreement]
    micro: Agreement
    """Of all skills, every label counting alike."""
    arguable: Mapping[Skill, int]
    """By skill, findings that are no label but that another person might call right."""
    unlabelled_fired: float | None
    """Share of the texts without a label in which a skill was found."""
    paraphrase_recall: float | None
    """Share of the labels that were found where no cue says so: skills in other words."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of comparing."""

    judged: tuple[JudgedText, ...] = field(repr=False)

    @property
    def detected(self) -> Quality:
        """Of the detector."""
        return _quality(self.judged, [text.detected for text in self.judged])

    @property
    def by_keywords(self) -> Quality:
        """Of the plain list of keywords, on the same texts."""
        return _quality(self.judged, [text.by_keywords for text in self.judged])

    @property
    def differences(self) -> tuple[JudgedText, ...]:
        """Texts of which a skill was wrongly detected or missed."""
        return tuple(text for text in self.judged if text.wrong or text.missed)

    def findings(self, tier: Tier, skills: Collection[Skill] = tuple(Skill)) -> Findings:
        """How good the findings of one tier are."""
        in_tier = [
            (skill, text.labelled)
            for text in self.judged
            for skill, tier_of_text in text.tiers.items()
            if tier_of_text is tier and skill in skills
        ]
        return Findings(
            right=sum(skill in labelled.skills for skill, labelled in in_tier),
            arguable=sum(_is_arguable(skill, labelled) for skill, labelled in in_tier),
            found=len(in_tier),
        )

    def as_document(self) -> dict[str, Any]:
        """For machines; shares are from 0 to 1, and null where nothing could be counted."""
        return {
            "texts": len(self.judged),
            "detected": _quality_document(self.detected)
            | {
                "by_tier": {
                    tier: {
                        "all": self.findings(tier).as_document(),
                        **{skill: self.findings(tier, (skill,)).as_document() for skill in Skill},
                    }
                    for tier in (Tier.STRONG, Tier.MODERATE)
                }
            },
            "by_keywords": _quality_document(self.by_keywords),
            "differences": [
                {
                    "text": text.labelled.text,
                    "skills": sorted(text.labelled.skills),
                    "wrong": sorted(text.wrong),
                    "missed": sorted(text.missed),
                }
                for text in self.differences
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

    judgements = (detector or shipped_detector()).judge(
        [text.text for text in labelled], [text.before for text in labelled]
    )
    return Evaluation(
        tuple(
            JudgedText(
                text,
                tiers={
                    skill: judged.finding.tier
                    for skill, judged in of_text.items()
                    if judged.finding
                },
                by_keywords=skills_by_keywords(text.text),
                hinted_at=frozenset(skill for skill, judged in of_text.items() if judged.has_cue),
            )
            for text, of_text in zip(labelled, judgements, strict=True)
        )
    )


def _quality(judged: Sequence[JudgedText], found: Sequence[Collection[Skill]]) -> Quality:
    pairs = [
        (skill, skill in of_text, skill in text.labelled.skills, skill in text.hinted_at)
        for text, of_text in zip(judged, found, strict=True)
        for skill in Skill
    ]
    unlabelled = [
        bool(of_text)
        for text, of_text in zip(judged, found, strict=True)
        if not text.labelled.skills
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
        arguable={
            skill: sum(
                skill in of_text and _is_arguable(skill, text.labelled)
                for text, of_text in zip(judged, found, strict=True)
            )
            for skill in Skill
        },
        unlabelled_fired=share(sum(unlabelled), len(unlabelled)),
        paraphrase_recall=share(sum(paraphrases), len(paraphrases)),
    )


def _is_arguable(skill: Skill, labelled: LabelledText) -> bool:
    return skill in labelled.arguable and skill not in labelled.skills


def _agreement(found_and_labelled: Iterable[tuple[bool, bool]]) -> Agreement:
    pairs = list(found_and_labelled)
    return Agreement(
        right=sum(found and label for found, label in pairs),
        found=sum(found for found, _ in pairs),
        labels=sum(label for _, label in pairs),
    )


def _quality_document(quality: Quality) -> dict[str, Any]:
    return {
        "micro": _agreement_document(quality.micro, sum(quality.arguable.values())),
        "unlabelled_fired": rounded(quality.unlabelled_fired),
        "paraphrase_recall": rounded(quality.paraphrase_recall),
        "by_skill": {
            skill: _agreement_document(agreement, quality.arguable[skill])
            for skill, agreement in quality.by_skill.items()
        },
    }


def _agreement_document(agreement: Agreement, arguable: int) -> dict[str, Any]:
    return {
        "precision": rounded(agreement.precision),
        "precision_interval": _rounded_interval(agreement.right, agreement.found),
        "right_or_arguable": rounded(share(agreement.right + arguable, agreement.found)),
        "recall": rounded(agreement.recall),
        "recall_interval": _rounded_interval(agreement.right, agreement.labels),
        "f1": rounded(agreement.f1),
        "labels": agreement.labels,
        "found": agreement.found,
    }


def _rounded_interval(part: int, whole: int) -> list[float] | None:
    interval = wilson_interval(part, whole)
    return None if interval is None else [round(end, 4) for end in interval]
