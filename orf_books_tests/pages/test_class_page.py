"""What educators read on the page of a class, in every state it may have."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from urllib.parse import unquote, urljoin
from uuid import UUID

import pytest

from orf_books.failures import FailureCategory
from orf_books.object_keys import class_page_key, student_page_key
from orf_books.pages.class_page import (
    ClassReport,
    SessionLine,
    SessionStatus,
    StudentLine,
    render_class_page,
)
from orf_books.transcripts.aggregates import (
    ClassAggregate,
    StudentScore,
    class_aggregates,
    student_trends,
)
from orf_books.transcripts.problems import ErrorCode, WarningCode
from orf_books.transcripts.skills import Skill
from orf_books_tests.pages.html_page import Page

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
DAY = date(2026, 11, 18)
WEEK = timedelta(weeks=1)
CLASS = "5b Garden/1?"
STUDENTS = [str(UUID(int=number << 96)) for number in range(0xA0000000, 0xA0000006)]
ATTACK = '"><script>alert(1)</script>'


def scores(
    values: Sequence[float | None], day: date = DAY, skills: Sequence[Skill] = tuple(Skill)
) -> list[StudentScore]:
    return [
        StudentScore(student, CLASS, day, skill, value, 0.41, 2)
        for student, value in zip(STUDENTS, values, strict=False)
        for skill in skills
    ]


def lines(of: Sequence[StudentScore]) -> list[StudentLine]:
    trends = student_trends(of)
    return [
        StudentLine(student, 3, 1200, 9000, [one for one in trends if one.student_id == student])
        for student in sorted({one.student_id for one in of})
    ]


def session(session_id: str = "session-1", **changes: object) -> SessionLine:
    whole = SessionLine(
        session_id=session_id,
        day=DAY,
        status=SessionStatus.SCORED,
        utterances=1310,
        students=6,
        words=10_876,
        without_consent=12,
        warnings={WarningCode.LABEL_NOT_ON_ROSTER: 7, WarningCode.DUPLICATE_LINE: 2},
        seconds=5.25,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def failed(session_id: str = "session-2", **changes: object) -> SessionLine:
    return replace(
        SessionLine(session_id, DAY, SessionStatus.FAILED, reason=FailureCategory.CRASH),
        **changes,  # type: ignore[arg-type]
    )


EVERYBODY = scores([2, 4, 6, 8, 10, None])


def report(of: Sequence[StudentScore] = EVERYBODY, **changes: object) -> ClassReport:
    whole = ClassReport(CLASS, NOW, class_aggregates(of), lines(of), [session()])
    return replace(whole, **changes)  # type: ignore[arg-type]


def page(of: Sequence[StudentScore] = EVERYBODY, **changes: object) -> Page:
    return Page(render_class_page(report(of, **changes)))


EMPTY = ClassReport(CLASS, NOW)


# The page as such.


@pytest.mark.parametrize("made", [report(sessions=[session(), failed()]), EMPTY])
def test_a_page_is_well_formed_in_order_and_loads_nothing(made: ClassReport) -> None:
    html = render_class_page(made)
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
    assert "catalogue" in names


def test_the_policy_allows_exactly_the_inline_style_and_script() -> None:
    found = page()
    (policy,) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    for tag in ("style", "script"):
        digest = hashlib.sha256("".join(found.inside(tag)).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in (
            policy["content"] or ""
        )
    assert not any("style" in attributes for _, attributes in found.elements)


def test_what_comes_from_outside_is_text() -> None:
    odd = session(ATTACK, status=SessionStatus.REFUSED, remedy=ATTACK)
    found = page(
        class_id=ATTACK,
        students=[StudentLine(ATTACK, 1, 1, 1)],
        sessions=[odd, session()],
    )
    assert len(found.inside("script")) == 1
    assert "alert" not in found.inside("script")[0]
    assert found.open == []
    assert found.text.count(ATTACK) >= 2


def test_it_says_what_the_figures_are_not() -> None:
    for words in (
        "no grade and no diagnosis",
        "they were not compared with teachers",
        "5 is usual",
        "sarcasm",
        "empathy without words for it",
        "tasks shared out without words for a group",
    ):
        assert words in page().spoken


def test_a_class_without_sessions_says_so() -> None:
    found = Page(render_class_page(EMPTY))
    for words in (
        "No session has been scored yet.",
        "No student has been heard yet.",
        "No session has been uploaded yet.",
    ):
        assert words in found.spoken


# The class as a whole.


def test_there_is_a_card_for_each_window_that_ends_with_the_latest_week() -> None:
    found = page([*scores([9] * 6, DAY - 20 * WEEK), *EVERYBODY])
    assert [text.strip() for text in found.inside("h3")] == ["1 week", "4 weeks", "12 weeks"]
    assert "12 weeks 31 Aug 2026 to 22 Nov 2026" in found.spoken


def test_a_window_has_the_figures_of_the_class() -> None:
    spoken = page().spoken
    assert "Collaboration 6.0 3.2 nobody was heard before" in spoken
    assert "Students scored 5 Share of those heard (coverage) 83.3%" in spoken
    assert "Findings (evidence) 50" in spoken


def test_growth_has_a_sign() -> None:
    grown = page([*scores([4] * 5, DAY - WEEK), *scores([6.5] * 5)])
    assert "Empathy 6.5 0.0 +2.5" in grown.spoken
    shrunk = page([*scores([6.5] * 5, DAY - WEEK), *scores([4] * 5)])
    assert "Empathy 4.0 0.0 \N{MINUS SIGN}2.5" in shrunk.spoken


def test_figures_of_fewer_than_five_students_are_neither_shown_nor_missing() -> None:
    spoken = page(scores([2, 4, 6, 8, None])).spoken
    assert spoken.count("Fewer than 5 students were scored, so no figure is shown.") == 3
    assert "Students scored" not in spoken
    assert "nobody was heard before" not in spoken


def test_one_withheld_skill_says_why_among_others() -> None:
    few = scores([5] * 4, skills=[Skill.EMPATHY])
    spoken = page([*scores([5] * 5, skills=[Skill.COLLABORATION]), *few]).spoken
    assert "Collaboration 5.0 0.0 nobody was heard before" in spoken
    assert "Empathy fewer than 5 students" in spoken


def test_growth_against_too_few_students_is_withheld() -> None:
    spoken = page([*scores([4] * 4, DAY - WEEK), *scores([6] * 5)]).spoken
    assert "Empathy 6.0 0.0 fewer than 5 students" in spoken


def test_windows_that_end_earlier_are_not_shown() -> None:
    old = ClassAggregate(CLASS, date(2026, 1, 5), date(2026, 1, 11), "n_students", 777)
    assert "777" not in page(aggregates=[old, *class_aggregates(EVERYBODY)]).spoken


# The students.


def test_a_student_has_score_confidence_and_counts() -> None:
    html = render_class_page(report())
    assert "2.0 conf. 0.41" in Page(html).spoken
    assert "3 1,200 9,000" in Page(html).spoken
    assert 'data-value="2.0"' in html


def test_growth_of_a_student_stands_beside_the_confidence() -> None:
    spoken = page([*scores([4], DAY - 12 * WEEK), *scores([3.2])]).spoken
    assert "3.2 change \N{MINUS SIGN}0.8, conf. 0.41" in spoken


def test_too_little_said_is_no_score() -> None:
    html = render_class_page(report(scores([None])))
    assert Page(html).spoken.count("too little said") == len(Skill)
    assert html.count('data-value=""') == len(Skill)
    assert Page(html).all("tr", **{"data-scored": "no"})


def test_every_student_is_reached_by_a_link_and_known_by_the_whole_id() -> None:
    found = page()
    links = [str(link["href"]) for link in found.all("a")]
    here = f"/{class_page_key(CLASS)}".replace("%", "%25")
    for student in STUDENTS:
        (address,) = [link for link in links if student in link]
        assert unquote(urljoin(here, address)) == f"/{student_page_key(CLASS, student)}"
        assert found.all("bdi", title=student)
        assert student[:8] in found.inside("bdi")
        assert student[8:] in found.inside("span")


def test_students_can_be_searched_filtered_and_sorted() -> None:
    html = render_class_page(report())
    found = Page(html)
    assert [option["value"] for option in found.all("option")] == ["", "scored:yes", "scored:no"]
    assert "With a score (5)" in found.inside("option")
    assert len(re.findall("data-sort=", html)) == 1 + len(Skill) + 3
    (controls,) = found.all("form")
    assert "hidden" in controls
    assert all(heading.get("scope") for heading in found.all("th"))


# The sessions.


def test_a_session_has_its_counts_and_its_warnings_by_code() -> None:
    assert (
        "18 Nov 2026 Scored 1,310 6 10,876 12 Label not on roster: 7 Duplicate line: 2 5.2"
        in page().spoken
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (SessionStatus.SCORED, "Scored 1,310"),
        (
            SessionStatus.NOT_PUBLISHED,
            "Scored, not published Its scores are kept. Publish it again",
        ),
        (SessionStatus.REFUSED, "Refused Correct the file or the roster, and upload it again."),
        (SessionStatus.FAILED, "Failed Run it again; if it fails again, look at its log."),
    ],
)
def test_every_status_says_what_to_do(status: SessionStatus, words: str) -> None:
    assert words in page(sessions=[session(status=status)]).spoken


def test_a_failure_says_why_and_what_to_do() -> None:
    refused = failed(
        status=SessionStatus.REFUSED, reason=ErrorCode.NOT_TEXT, remedy="Save it as UTF-8."
    )
    assert "Refused Not text. Save it as UTF-8." in page(sessions=[refused]).spoken


def test_what_nobody_counted_is_unknown_and_not_nothing() -> None:
    assert "look at its log. unknown unknown unknown unknown unknown unknown" in (
        page(sessions=[failed()]).spoken
    )
    nothing = session(without_consent=0, warnings={}, seconds=0.0)
    assert "10,876 0 none 0.0" in page(sessions=[nothing]).spoken


def test_failed_and_unpublished_sessions_are_counted_at_the_top() -> None:
    unpublished = session("session-3", status=SessionStatus.NOT_PUBLISHED)
    spoken = page(sessions=[session(), failed(), unpublished]).spoken
    assert "3 sessions, 6 students heard. 1 failed or was refused. 1 is scored, but not" in spoken


def test_sessions_of_one_day_are_told_apart_and_the_latest_comes_first() -> None:
    earlier = session("fedcba98-earlier", day=DAY - WEEK)
    html = render_class_page(
        report(sessions=[earlier, session("11111111-a"), session("22222222-b")])
    )
    assert "fedcba98" not in html
    assert html.index("22222222") < html.index("11111111") < html.index("2026-11-11")


def test_nothing_that_was_said_or_done_about_it_is_in_a_repr() -> None:
    assert "secret" not in repr(failed(remedy="secret"))
