"""Scoring a class session: what each student's utterances show.

Belongs here: whose utterances count, and bringing findings together by student. Does not belong
here: finding (`detection.py`), the arithmetic of scores (`student_scores.py`).

Only students on the roster are scored; teachers and unknown speakers never are.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from orf_books.transcripts.detection import Judgement, Judgements, SkillDetector, shipped_detector
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.firing import LEAST_WORDS
from orf_books.transcripts.model_version import config_hash
from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.scored_session import (
    Evidence,
    ScoredSession,
    ScoredStudent,
    SkillScore,
    VoidedHit,
)
from orf_books.transcripts.sentences import Span, sentence_spans, word_count
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, Usual
from orf_books.transcripts.utterance import Session, SpeakerRole, Utterance

LANGUAGE = "en"
"""Exemplars and cues are English."""
_DECIMALS = 3


def score_session(
    session: Session, detector: SkillDetector | None = None, usual: Usual = SHIPPED
) -> ScoredSession:
    """Score every student of a session; the same session gets the same scores.

    Args:
        session: the utterances of everybody.
        detector: the one that is shipped where none is given.
        usual: what scores are measured against.
    """
    detector = detector or shipped_detector()
    by_student: defaultdict[str, list[Utterance]] = defaultdict(list)
    for utterance in session.utterances:
        if utterance.speaker_role is SpeakerRole.STUDENT and utterance.student_id is not None:
            by_student[utterance.student_id].append(utterance)
    scorable = {
        student: [utterance for utterance in utterances if _is_scorable(utterance)]
        for student, utterances in sorted(by_student.items())
    }
    flat = [utterance for utterances in scorable.values() for utterance in utterances]
    before = _turns_before(session.utterances)
    texts = [utterance.text for utterance in flat]
    contexts = [before[id(utterance)] for utterance in flat]
    judged = dict(zip(map(id, flat), detector.judge(texts, contexts), strict=True))
    students = {
        student: _scored(
            by_student[student],
            [(utterance, judged[id(utterance)]) for utterance in utterances],
            usual,
        )
        for student, utterances in scorable.items()
    }
    return ScoredSession(
        class_id=session.class_id,
        day=session.day,
        source_key=session.source_key,
        source_sha256=session.source_sha256,
        model_version=detector.version,
        config_hash=config_hash(),
        utterance_count=len(session.utterances),
        students=students,
        voided=tuple(
            VoidedHit(
                utterance.utterance_id,
                utterance.line_number,
                skill,
                said.voided.reason,
                said.voided.probability,
                said.voided.cue,
            )
            for utterance in flat
            for skill, said in judged[id(utterance)].items()
            if said.voided
        ),
        usual=usual.source,
    )


def _turns_before(utterances: Sequence[Utterance]) -> dict[int, str]:
    """By utterance, what somebody else said right before it; empty where nobody did."""
    before = {}
    previous = None
    for utterance in utterances:
        is_answer = previous is not None and previous.speaker_id != utterance.speaker_id
        before[id(utterance)] = previous.text if previous and is_answer else ""
        previous = utterance
    return before


def _is_scorable(utterance: Utterance) -> bool:
    return (
        utterance.lang == LANGUAGE
        and word_count(utterance.text, Span(0, len(utterance.text))) >= LEAST_WORDS
        # Some of it is perhaps said by somebody else, whose label nobody knows.
        and WarningCode.LABEL_NOT_ON_ROSTER not in utterance.warnings
    )


def _scored(
    said: Sequence[Utterance], judged: Sequence[tuple[Utterance, Judgements]], usual: Usual
) -> ScoredStudent:
    return ScoredStudent(
        utterance_count=len(said),
        scorable_count=len(judged),
        words_spoken=sum(len(utterance.text.split()) for utterance in said),
        skills={
            skill: SkillScore.of(
                [
                    found
                    for utterance, judgements in judged
                    if (found := _evidence(skill, utterance, judgements[skill]))
                ],
                len(judged),
                usual.rates[skill],
            )
            for skill in Skill
        },
    )


def _evidence(skill: Skill, utterance: Utterance, judgement: Judgement) -> Evidence | None:
    if (found := judgement.finding) is None:
        return None
    return Evidence(
        utterance_id=utterance.utterance_id,
        line_number=utterance.line_number,
        start=found.span.start,
        end=found.span.end,
        span_text=found.span.of(utterance.text),
        sentence=_sentence_around(found.span, utterance.text),
        skill=skill,
        probability=judgement.probability,
        tier=found.tier,
        cue=found.cue,
        exemplar_id=found.exemplar_id,
        similarity=found.similarity,
        margin=found.margin,
        contribution=round(judgement.chance, _DECIMALS),
        exemplar=_exemplar_texts().get(found.exemplar_id, ""),
    )


@cache
def _exemplar_texts() -> dict[str, str]:
    return {exemplar.exemplar_id: exemplar.text for exemplar in exemplars()}


def _sentence_around(span: Span, text: str) -> str:
    """From the start of the sentence in which a span begins to the end of that in which it ends."""
    touched = [
        sentence
        for sentence in sentence_spans(text)
        if sentence.start < span.end and span.start < sentence.end
    ]
    return Span(touched[0].start, touched[-1].end).of(text)
