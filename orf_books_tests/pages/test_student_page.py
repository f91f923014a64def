"""What educators read on the page of a student, in every state it may have."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from urllib.parse import unquote, urljoin

import pytest

from orf_books.object_keys import class_page_key, student_page_key
from orf_books.pages.student_page import (
    SessionScores,
    ShownEvidence,
    StudentReport,
    render_student_page,
)
from orf_books.transcripts.aggregates import StudentScore, student_trends
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.quotes import Quote, QuotedTurn
from orf_books.transcripts.scored_session import Judged, SkillScore
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import Tally
from orf_books_tests.pages.html_page import Page

MEASURED = [skill for skill in Skill if is_measured(skill)]
"""The others have no figures on pages."""
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
DAY = date(2026, 11, 18)
WEEK = timedelta(weeks=1)
CLASS = "5b: Garden/1?"
STUDENT = "a1b2c3d4-0000-4000-8000-000000000001"
ATTACK = '"><script>alert(1)</script>'


def skill_score(value: float | None, utterances: int = 12) -> SkillScore:
    """A score with an interval; None where too little was said, or nothing was found in it."""
    if value is None:
        return SkillScore(None, 0.0, (), utterances)
    return SkillScore(value, 0.41, (), utterances, value - 1, value + 1)


def session(
    value: float | None,
    day: date = DAY,
    session_id: str = "session-1",
    version: str = "1.0.0",
    utterances: int = 2,
) -> SessionScores:
    score = skill_score(value, utterances if value is None else 12)
    return SessionScores(
        session_id=session_id,
        day=day,
        utterances=12,
        words=90,
        skills=dict.fromkeys(Skill, score),
        model_version=version,
    )


def evidence(quote: str, **changes: object) -> ShownEvidence:
    whole = ShownEvidence(
        skill=Skill.COMMUNICATION,
        tier=Tier.STRONG,
        session_id="session-1",
        day=DAY,
        line_number=17,
        place="17:1",
        quote=Quote(quote),
        rationale="It is like the example “How are you?”.",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def report(*sessions: SessionScores, **changes: object) -> StudentReport:
    scores = [
        StudentScore(STUDENT, CLASS, one.day, skill, tally)
        for one in sessions
        for skill, score in one.skills.items()
        # So many findings as the score is high: trends do not depend on scores of sessions.
        for tally in [Tally(score.utterances, round(score.score or 0), 0.7 * (score.score or 0))]
    ]
    whole = StudentReport(CLASS, STUDENT, NOW, sessions, student_trends(scores))
    return replace(whole, **changes)  # type: ignore[arg-type]


def page(*sessions: SessionScores, **changes: object) -> Page:
    return Page(render_student_page(report(*sessions, **changes)))


LIVELY = report(
    session(4, DAY - WEEK),
    session(None, DAY - timedelta(days=1)),
    session(6.5),
    evidence=[evidence("Are you sad?"), evidence("I can help", tier=Tier.MODERATE)],
)


# The page as such.


@pytest.mark.parametrize("made", [LIVELY, report(session(None)), report()])
def test_a_page_is_well_formed_in_order_and_loads_nothing(made: StudentReport) -> None:
    html = render_student_page(made)
    found = Page(html)
    assert found.open == []
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert not re.findall(r"https?://|\bsrc=", html)
    names = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(names) == len(set(names))
    assert {one["aria-labelledby"] for one in found.all("section")} <= set(names)
    targets = {str(link["href"])[1:] for link in found.all("a") if str(link["href"])[0] == "#"}
    assert "evidence" in targets <= set(names)


def test_the_policy_allows_exactly_the_inline_style_and_script() -> None:
    found = Page(render_student_page(LIVELY))
    (policy,) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    for tag in ("style", "script"):
        digest = hashlib.sha256("".join(found.inside(tag)).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in (
            policy["content"] or ""
        )
    assert not any("style" in attributes for _, attributes in found.elements)


def test_what_comes_from_outside_is_text() -> None:
    found = page(
        session(5, session_id=ATTACK),
        session(6),
        class_id=ATTACK,
        student_id=ATTACK,
        evidence=[evidence(ATTACK, rationale=ATTACK, session_id=ATTACK)],
    )
    assert len(found.inside("script")) == 1
    assert "alert" not in found.inside("script")[0]
    assert found.open == []
    assert found.text.count(ATTACK) >= 4


def test_the_class_is_one_link_away() -> None:
    found = Page(render_student_page(LIVELY))
    here = f"/{student_page_key(CLASS, STUDENT)}".replace("%", "%25")
    back = str(found.all("a")[1]["href"])
    assert unquote(urljoin(here, back)) == f"/{class_page_key(CLASS)}"


def test_the_student_is_shown_by_the_beginning_of_the_id_and_known_by_all_of_it() -> None:
    found = Page(render_student_page(LIVELY))
    assert found.inside("title")[0].startswith("Student a1b2c3d4 ")
    assert found.all("bdi", title=STUDENT)
    assert "Student a1b2c3d4 -0000-4000-8000-000000000001" in found.spoken


def test_it_says_what_the_figures_are_not() -> None:
    spoken = Page(render_student_page(LIVELY)).spoken
    assert "no grade and no diagnosis" in spoken
    assert "they were not compared with teachers" in spoken


def test_a_student_who_was_not_heard_has_no_figures() -> None:
    assert "The student has not been heard yet." in page().spoken


# Scores.


def test_all_counts_are_added_up() -> None:
    spoken = Page(render_student_page(LIVELY)).spoken
    assert "Sessions 3 Utterances 36 Words 270 Findings 2" in spoken


def test_each_chart_has_a_point_for_each_session_and_none_across_a_gap() -> None:
    found = Page(render_student_page(LIVELY))
    scored = found.all("circle", **{"class": "scored"})
    assert [point["cy"] for point in scored[:2]] == ["60.0%", "35.0%"]
    assert len(scored) == 2 * len(MEASURED)
    assert len(found.all("circle", **{"class": "unscored"})) == len(MEASURED)
    assert not [line for line in found.all("line") if "class" not in line]
    joined = page(session(4, DAY - WEEK), session(6)).all("line")
    assert len([line for line in joined if "class" not in line]) == len(MEASURED)


def test_each_point_has_the_range_of_its_score() -> None:
    found = page(session(5))
    (point, *_) = found.all("line", **{"class": "range"})
    assert (point["y1"], point["y2"]) == ("40.0%", "60.0%")
    assert len(found.all("line", **{"class": "range"})) == len(MEASURED)


def test_the_table_says_all_that_the_charts_show() -> None:
    spoken = Page(render_student_page(LIVELY)).spoken
    assert "18 Nov 2026 not measured 6.5 between 5.5 and 7.5" in spoken
    cells = ["too little said" if skill in MEASURED else "not measured" for skill in Skill]
    assert f"17 Nov 2026 {' '.join(cells)} 12 90" in spoken
    assert spoken.index("18 Nov 2026 not") < spoken.index("11 Nov 2026 not")


def test_every_window_has_a_score_its_interval_and_growth() -> None:
    spoken = Page(render_student_page(LIVELY)).spoken
    assert re.search(r"1 week \d\.\d between \d\.\d and \d\.\d; change [+±]\d\.\d", spoken)
    assert re.search(r"4 and 12 weeks \d\.\d between \d\.\d and \d\.\d ", spoken)
    assert "whole weeks that end on 22 Nov 2026" in spoken


def test_windows_that_hold_the_same_sessions_are_shown_once() -> None:
    spoken = page(session(5)).spoken
    assert spoken.count("1, 4 and 12 weeks") == len(Skill)
    assert "4 weeks" not in spoken


def test_too_little_said_is_no_score() -> None:
    found = page(session(None))
    assert found.spoken.count("Too little was said in every session for a score.") == len(MEASURED)
    assert not found.all("circle")
    assert "1, 4 and 12 weeks too little said" in found.spoken


def test_nothing_found_is_no_score_and_says_how_much_was_heard() -> None:
    found = page(session(None, utterances=40))
    assert found.spoken.count("Nothing was found in any session.") == len(MEASURED)
    assert "1, 4 and 12 weeks nothing found in 40" in found.spoken
    assert not found.all("circle")


def test_another_version_of_the_detector_is_said() -> None:
    changed = page(session(4, DAY - WEEK, version="0.9.0"), session(6))
    assert "scored by 2 versions of the detector" in changed.spoken
    assert "versions of the detector" not in Page(render_student_page(LIVELY)).spoken


# Evidence.


def test_evidence_says_what_was_said_where_and_why() -> None:
    spoken = page(session(5), evidence=[evidence("Are you sad?")]).spoken
    assert (
        "“Are you sad?” Strong 18 Nov 2026 , line 17. Why: It is like the example “How are you?”."
        in spoken
    )


def test_a_quote_stands_between_the_turns_before_and_after_it() -> None:
    quote = Quote(
        "Are you sad?",
        [QuotedTurn("Teacher", "Who can help?")],
        [QuotedTurn("Another student", "A bit.")],
    )
    spoken = page(session(5), evidence=[replace(evidence(""), quote=quote)]).spoken
    assert "Teacher: Who can help? “Are you sad?” Another student: A bit. Strong" in spoken


def test_what_an_educator_said_of_a_finding_is_shown() -> None:
    spoken = page(session(5), evidence=[evidence("Sad?", judged=Judged.CONFIRMED)]).spoken
    assert "“Sad?” Confirmed 18 Nov 2026" in spoken


def test_findings_can_be_marked_and_a_missed_one_added_without_sending_anything() -> None:
    html = render_student_page(LIVELY)
    found = Page(html)
    assert [one["data-place"] for one in found.all("li") if "data-place" in one] == ["17:1"] * 2
    assert len(found.all("button", **{"data-verdict": "wrong"})) == 2
    (form,) = [one for one in found.all("form") if "data-correcting" in one]
    assert (form["data-class"], form["data-of"]) == (CLASS, STUDENT)
    assert "hidden" in form
    (script,) = found.inside("script")
    assert "new Blob" in script
    for sending in ("fetch(", "XMLHttpRequest", "sendBeacon", "localStorage", "sessionStorage"):
        assert sending not in script


def test_the_surest_evidence_comes_first_and_the_rest_is_labelled() -> None:
    found = page(
        session(5),
        evidence=[
            evidence("a cue", tier=Tier.CUE_ONLY),
            evidence("a chance", tier=Tier.MODERATE),
            evidence("a proof", line_number=900),
            evidence("an older proof", day=DAY - WEEK),
        ],
    ).spoken
    places = [
        found.index(words)
        for words in (
            "“a proof” Strong",
            "“an older proof” Strong",
            "“a chance” Possible",
            "“a cue” Only a cue",
        )
    ]
    assert places == sorted(places)


def test_many_unsure_findings_are_folded_but_strong_ones_never() -> None:
    many = [evidence(f"{n}", tier=tier) for tier in (Tier.STRONG, Tier.MODERATE) for n in range(6)]
    found = page(session(5), evidence=many)
    strong, possible = found.all("details")[-2:]
    assert "open" in strong
    assert "open" not in possible
    assert "6 possible" in found.inside("summary")


def test_a_skill_without_findings_says_so() -> None:
    spoken = page(session(5), evidence=[evidence("Are you sad?")]).spoken
    assert spoken.count("Nothing was found.") == len(MEASURED) - 1
    assert "1 finding Adaptability" in spoken


def test_sessions_of_one_day_are_told_apart() -> None:
    found = page(
        session(4, session_id="11111111-a"),
        session(5, session_id="22222222-b"),
        evidence=[evidence("Are you sad?", session_id="22222222-b")],
    )
    assert len(found.all("bdi", title="22222222-b")) == 2
    assert not Page(render_student_page(LIVELY)).all("bdi", title="session-1")


def test_what_was_said_is_in_no_repr() -> None:
    shown = evidence("secret", rationale="secret")
    assert "secret" not in repr(shown) + repr(report(evidence=[shown]))
