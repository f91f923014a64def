"""What a student's utterances of a session come to, for each skill.

Belongs here: from findings to a score and to the confidence in it. Does not belong here: what is
found (`detection.py`).

A score weighs what was found against how often there was an opportunity, and against how often the
skill is shown at all: 5 is what is usual. It was designed so and was not compared with teachers'
judgement; what was measured is how well skills are detected (`evaluation.py`).
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from orf_books.transcripts.skills import Skill

BASE_RATES: Mapping[Skill, float] = {
    Skill.COLLABORATION: 0.44,
    Skill.COMMUNICATION: 0.18,
    Skill.ADAPTABILITY: 0.10,
    Skill.SELF_REGULATION: 0.05,
    Skill.EMPATHY: 0.05,
}
"""Share of students' utterances that show a skill, of 156 in sessions that one person labelled."""
PRIOR_UTTERANCES = 4
"""So many utterances of the usual sort are taken to have been said besides those that were."""
LEAST_UTTERANCES = 3
"""Of fewer no score is made."""
HALF_SURE_UTTERANCES = 8
"""Of so many utterances one is half as sure as of any number."""
USUAL_SCORE = 5


def skill_score(skill: Skill, findings: Sequence[float], utterances: int) -> float | None:
    """From 0 to 10, where 5 is usual; None where too little was said.

    Args:
        skill: how often it is shown decides what is usual.
        findings: for each utterance that shows it, how surely it does, from 0 to 1.
        utterances: how many could have shown it.
    """
    if utterances < LEAST_UTTERANCES:
        return None
    usual = BASE_RATES[skill]
    rate = (sum(findings) + PRIOR_UTTERANCES * usual) / (utterances + PRIOR_UTTERANCES)
    return round(2 * USUAL_SCORE * rate / (rate + usual), 2)


def score_confidence(chances: Sequence[float], lang_confs: Sequence[float]) -> float:
    """How far a score can be relied on, from 0 to 1; 0 where too little was said.

    Args:
        chances: for each utterance, how likely it shows the skill: 0.5 is no knowledge at all.
        lang_confs: for each utterance, how surely it is in the language that is understood.
    """
    utterances = len(chances)
    if utterances < LEAST_UTTERANCES:
        return 0.0
    margin = fmean(abs(2 * chance - 1) for chance in chances)
    experience = utterances / (utterances + HALF_SURE_UTTERANCES)
    return round(experience * margin * fmean(lang_confs), 3)
