"""The five skills that are looked for in what students say.

Belongs here: which there are, in the order in which tables list them. Does not belong here: what
shows them (`cue_patterns.json`, `exemplars.json`).
"""

from collections.abc import Mapping
from enum import StrEnum


class Skill(StrEnum):
    """A skill of working with others and with oneself."""

    COLLABORATION = "collaboration"
    """Shares out, offers, asks for or credits work with others, or draws others in."""
    COMMUNICATION = "communication"
    """Explains, gives grounds, asks what is meant, checks what was understood."""
    ADAPTABILITY = "adaptability"
    """Takes a change well, gives up a view or an approach for a better one."""
    SELF_REGULATION = "self_regulation"
    """Steers own feelings, impulses, attention or effort."""
    EMPATHY = "empathy"
    """Sees, shares or minds what someone else feels."""


SKILL_NAMES: Mapping[Skill, str] = {
    skill: skill.value.replace("_", "-").capitalize() for skill in Skill
}
"""As people read them."""
