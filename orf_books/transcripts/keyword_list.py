"""The plain way to find skills: a list of words for each.

Belongs here: the list, as the baseline that detection has to beat. Does not belong here: anything
that scores; nobody's score rests on it.
"""

import re

from orf_books.transcripts.skills import Skill

_KEYWORDS = {
    Skill.COLLABORATION: "team, together, group, share, help, partner, agree, join, cooperate",
    Skill.COMMUNICATION: "explain, share, tell, say, mean, because, question, clear, understand",
    Skill.ADAPTABILITY: "change, different, adapt, adjust, instead, flexible, try, new way, switch",
    Skill.SELF_REGULATION: "calm, focus, control, patient, wait, breathe, concentrate, my turn",
    Skill.EMPATHY: "feel, feelings, sorry, care, sad, worried, hurt, upset, kind",
}
_PATTERNS = {
    skill: re.compile(rf"\b(?:{'|'.join(words.split(', '))})\b", re.IGNORECASE)
    for skill, words in _KEYWORDS.items()
}


def skills_by_keywords(text: str) -> frozenset[Skill]:
    """Skills of which any word stands in the text."""
    return frozenset(skill for skill, pattern in _PATTERNS.items() if pattern.search(text))
