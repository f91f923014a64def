"""Invented class sessions of any size: invented students, and what they might have said.

Belongs here: sessions and rosters for the demo, tests and benchmarks, all of it made up and the
same for the same seed, and how each format writes them. Does not belong here: what is read out of
them.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from uuid import UUID

from pydantic import TypeAdapter

FIRST_DAY = date(2026, 1, 5)
"""Students grow from here on."""

SHARE_OF_TEACHER = 0.25
SHARE_UNLINKED = 0.01
SHARE_IN_OTHER_LANGUAGE = 0.02
SHARE_WITH_NICKNAME = 0.1
SHARE_WITH_SKILL = 0.3
STUDENTS_A_REFUSAL = 15
"""One of so many students has not consented."""

_FIRST_SECOND = (8 * 60 + 30) * 60
_SECONDS_OF_DAY = 6 * 3600
_UNLINKED_LABEL = "Student Q"


@dataclass(frozen=True, slots=True)
class _Words:
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    teachers: tuple[str, ...]
    topics: tuple[str, ...]
    teacher: tuple[str, ...]
    neutral: tuple[str, ...]
    other_languages: tuple[str, ...]
    skills: Mapping[str, tuple[str, ...]]


_WORDS = TypeAdapter(_Words).validate_json(
    Path(__file__).with_name("class_sessions.json").read_bytes()
)
SKILLS = tuple(_WORDS.skills)


@dataclass(frozen=True, slots=True)
class InventedStudent:
    """A student and how they tend to speak."""

    student_id: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    consent: bool
    skills: tuple[float, ...]
    """How much each of `SKILLS` is theirs."""
    growth: float
    """By how much the share of what shows a skill grows a week."""

    @property
    def name(self) -> str:
        """As on the roster."""
        return f"{self.first_name} {self.last_name}"

    @property
    def nickname(self) -> str:
        """Another label for the same student."""
        return f"{self.first_name} {self.last_name[0]}."


@dataclass(frozen=True, slots=True)
class InventedClass:
    """A class with its students."""

    class_id: str
    students: tuple[InventedStudent, ...]
    seed: int

    def roster(self) -> bytes:
        """Its `roster.json`."""
        students = [
            {
                "student_id": student.student_id,
                "names": [student.name],
                "aliases": [student.nickname],
                "role": "student",
                "consent": student.consent,
            }
            for student in self.students
        ]
        staff = [{"names": [name], "role": "teacher"} for name in _WORDS.teachers]
        return json.dumps({"student_roster": [*students, *staff]}, indent=2).encode()


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """What someone says in an invented session."""

    label: str = field(repr=False)
    timestamp: str
    text: str = field(repr=False)
    student_id: str | None
    skill: str | None
    """What it is meant to show."""


@dataclass(frozen=True, slots=True)
class InventedSession:
    """A session, before it is written in any format."""

    class_id: str
    day: date
    turns: tuple[SpokenTurn, ...]

    def write(self, transcript_format: str) -> bytes:
        """The session as `txt`, `csv` or `jsonl`."""
        return _WRITERS[transcript_format](self.turns).encode()


def invented_class(class_id: str, students: int = 30, seed: int = 0) -> InventedClass:
    """A class of so many students, of whom one in fifteen has not consented.

    Up to 40 students all have first names of their own, up to 1200 names of their own.
    """
    chance = Random(f"{class_id} {seed}")  # noqa: S311 - repeatable on purpose
    first_names = chance.sample(_WORDS.first_names, len(_WORDS.first_names))
    last_names = chance.sample(_WORDS.last_names, len(_WORDS.last_names))
    return InventedClass(
        class_id,
        tuple(
            InventedStudent(
                student_id=str(UUID(int=chance.getrandbits(128), version=4)),
                first_name=first_names[number % len(first_names)],
                last_name=last_names[(number + number // len(first_names)) % len(last_names)],
                consent=number % STUDENTS_A_REFUSAL != STUDENTS_A_REFUSAL - 1,
                skills=tuple(chance.uniform(0.2, 1.0) for _ in SKILLS),
                growth=chance.uniform(-0.005, 0.02),
            )
            for number in range(students)
        ),
        seed,
    )


def invented_session(of: InventedClass, day: date, utterances: int = 1000) -> InventedSession:
    """What is said in a class on a day of six hours; students grow as weeks go by."""
    chance = Random(f"{of.class_id} {of.seed} {day}")  # noqa: S311 - repeatable on purpose
    turns = tuple(
        _turn(of, day, _timestamp(number / utterances), chance) for number in range(utterances)
    )
    return InventedSession(of.class_id, day, turns)


def write_invented_day(folder: Path, utterances: int = 1000) -> tuple[str, date]:
    """Write a roster and a session into a folder; the class and the day."""
    of = invented_class("invented")
    (folder / "roster.json").write_bytes(of.roster())
    (folder / "morning.txt").write_bytes(invented_session(of, FIRST_DAY, utterances).write("txt"))
    return of.class_id, FIRST_DAY


def _turn(of: InventedClass, day: date, timestamp: str, chance: Random) -> SpokenTurn:
    kind = chance.random()
    if kind < SHARE_OF_TEACHER:
        label, text = _WORDS.teachers[0], chance.choice(_WORDS.teacher)
        return SpokenTurn(label, timestamp, _filled(text, of, chance), None, None)
    if kind > 1 - SHARE_UNLINKED:
        return SpokenTurn(_UNLINKED_LABEL, timestamp, chance.choice(_WORDS.neutral), None, None)
    student = chance.choice(of.students)
    label = student.nickname if chance.random() < SHARE_WITH_NICKNAME else student.name
    skill = _skill(student, day, chance)
    if skill:
        text = chance.choice(_WORDS.skills[skill])
    elif chance.random() < SHARE_IN_OTHER_LANGUAGE:
        text = chance.choice(_WORDS.other_languages)
    else:
        text = chance.choice(_WORDS.neutral)
    return SpokenTurn(label, timestamp, _filled(text, of, chance), student.student_id, skill)


def _skill(student: InventedStudent, day: date, chance: Random) -> str | None:
    weeks = (day - FIRST_DAY).days / 7
    if chance.random() >= SHARE_WITH_SKILL + student.growth * weeks:
        return None
    return chance.choices(SKILLS, student.skills)[0]


def _filled(text: str, of: InventedClass, chance: Random) -> str:
    peer, topic = chance.choice(of.students), chance.choice(_WORDS.topics)
    return text.format(peer=peer.first_name, topic=topic)


def _timestamp(share_of_day: float) -> str:
    minutes, seconds = divmod(_FIRST_SECOND + int(share_of_day * _SECONDS_OF_DAY), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def _as_txt(turns: tuple[SpokenTurn, ...]) -> str:
    return "".join(f"[{turn.timestamp}] {turn.label}: {turn.text}\n" for turn in turns)


def _as_csv(turns: tuple[SpokenTurn, ...]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("Speaker", "Text", "Timestamp", "Student_ID"))
    writer.writerows(
        (turn.label, turn.text, turn.timestamp, turn.student_id or "") for turn in turns
    )
    return table.getvalue()


def _as_jsonl(turns: tuple[SpokenTurn, ...]) -> str:
    records: Iterator[dict[str, str | None]] = (
        {
            "speaker": turn.label,
            "text": turn.text,
            "timestamp": turn.timestamp,
            "student_id": turn.student_id,
        }
        for turn in turns
    )
    return "".join(f"{json.dumps(record)}\n" for record in records)


_WRITERS = {"txt": _as_txt, "csv": _as_csv, "jsonl": _as_jsonl}
