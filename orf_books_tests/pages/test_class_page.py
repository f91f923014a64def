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
    Heat,
    SessionLine,
    SessionStatus,
    StudentLine,
    heat_of,
    render_class_page,
)
from orf_books.transcripts.aggregates import (
    ClassAggregate,
    StudentScore,
    class_aggregates,
    student_trends,
)
from orf_books.transcripts.corrections import MeasuredPrecision
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.problems import ErrorCode, WarningCode
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import Tally, score
from orf_books.transcripts.usual import SHIPPED, Usual, UsualSource
from orf_books_tests.pages.html_page import Page

MEASURED = [skill for skill in Skill if is_measured(skill)]
"""The others have no figures on pages."""
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
DAY = date(2026, 11, 18)
WEEK = timedelta(weeks=1)
CLASS = "5b Garden/1?"
STUDENTS = [str(UUID(int=number << 96)) for number in range(0xA0000000, 0xA0000006)]
ATTACK = '"><script>alert(1)</script>'


def scores(
    found: Sequence[int | None], day: date = DAY, skills: Sequence[Skill] = (Skill.COMMUNICATION,)
) -> list[StudentScore]:
    """So much found of each student in 400 utterances; None where too little was said."""
    return [
        StudentScore(student, CLASS, day, skill, tally)
        for student, each in zip(STUDENTS, found, strict=False)
        for skill in Skill
        for tally in [
            Tally(2)
            if each is None
            else Tally(400, each, 0.7 * each)
            if skill in skills
            else Tally(400)
        ]
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


EVERYBODY = scores([2, 4, 0, 8, 10, None])


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
        "5 is as often as usual",
        "Where nothing was found there is no score",
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
    days = [DAY - 20 * WEEK, DAY - 8 * WEEK, DAY - 2 * WEEK, DAY]
    found = page(
        [each for day in days for each in scores([9] * 6, day)],
        sessions=[session(str(day), day=day) for day in days],
    )
    assert [text.strip() for text in found.inside("h3")] == ["1 week", "4 weeks", "12 weeks"]
    assert "12 weeks 31 Aug 2026 to 22 Nov 2026" in found.spoken


def test_windows_that_hold_the_same_sessions_are_shown_once() -> None:
    assert [text.strip() for text in page().inside("h3")] == ["1, 4 and 12 weeks"]
    earlier = DAY - 2 * WEEK
    two = page(
        [*scores([9] * 6, earlier), *EVERYBODY],
        sessions=[session(), session("session-0", day=earlier)],
    )
    assert [text.strip() for text in two.inside("h3")] == ["1 week", "4 and 12 weeks"]


def test_a_window_has_the_figures_of_the_class() -> None:
    expected = score(Tally(2000, 24, 16.8), SHIPPED.rates[Skill.COMMUNICATION])
    assert expected is not None
    spoken = page().spoken
    assert (
        f"Communication 24 {expected.value:.1f} between {expected.low:.1f} and {expected.high:.1f}"
        " nothing to compare with"
    ) in spoken
    assert "Students who said enough 5 Share of those heard (coverage) 83.3%" in spoken
    assert "Their utterances 2,000" in spoken


def test_a_skill_of_which_nothing_was_found_says_so_and_has_no_number() -> None:
    spoken = page(scores([0] * 6)).spoken
    assert "Communication 0 nothing found nothing to compare with" in spoken


def test_a_change_has_a_sign() -> None:
    of = [*scores([1] * 5, DAY - WEEK), *scores([9] * 5)]
    sessions = [session("session-0", day=DAY - WEEK), session()]
    assert re.search(r"Communication 45 [^+]* \+\d\.\d", page(of, sessions=sessions).spoken)
    shrunk = [*scores([9] * 5, DAY - WEEK), *scores([1] * 5)]
    assert re.search(
        "Communication 5 [^+]* \N{MINUS SIGN}\\d\\.\\d", page(shrunk, sessions=sessions).spoken
    )


def test_figures_of_fewer_than_five_students_are_neither_shown_nor_missing() -> None:
    spoken = page(scores([2, 4, 6, 8, None])).spoken
    assert spoken.count("Fewer than 5 students said enough, so no figure is shown.") == 1
    assert "Students who said enough" not in spoken
    assert "nothing to compare with" not in spoken


def test_a_change_against_too_few_students_is_not_told() -> None:
    of = [*scores([4] * 4, DAY - WEEK), *scores([6] * 5)]
    sessions = [session("session-0", day=DAY - WEEK), session()]
    assert "nothing to compare with" in page(of, sessions=sessions).spoken


def test_it_says_where_what_is_usual_comes_from() -> None:
    assert "estimated from recorded lessons of other schools" in page().spoken
    learned = Usual(UsualSource.LEARNED, SHIPPED.rates, 12_345, 210, 9)
    spoken = page(usual=learned).spoken
    assert "learned from 12,345 utterances of 210 students in 9 classes here" in spoken
    usual = 100 * SHIPPED.rates[Skill.COMMUNICATION].rate
    assert f"Usual: {usual:.2g} in 100 utterances." in spoken


def test_it_says_how_often_educators_found_the_detector_right() -> None:
    assert "No educator here has checked a finding yet." in page().spoken
    spoken = page(precision={Skill.COMMUNICATION: MeasuredPrecision(7, 10, 2)}).spoken
    assert "Educators here have checked 10 findings" in spoken
    assert "Communication 7 of 10 right (between 40 and 89 %), 2 missed." in spoken


def test_windows_that_end_earlier_are_not_shown() -> None:
    old = ClassAggregate(CLASS, date(2026, 1, 5), date(2026, 1, 11), "n_students", 777)
    assert "777" not in page(aggregates=[old, *class_aggregates(EVERYBODY)]).spoken


# The students.


def test_a_student_has_score_interval_and_counts() -> None:
    expected = score(Tally(400, 2, 1.4), SHIPPED.rates[Skill.COMMUNICATION])
    assert expected is not None
    html = render_class_page(report())
    spoken = f"{expected.value:.1f} between {expected.low:.1f} and {expected.high:.1f}"
    assert spoken in Page(html).spoken
    assert "3 1,200 9,000" in Page(html).spoken
    assert f'data-value="{expected.value}"' in html


def test_growth_of_a_student_says_whether_it_is_clear() -> None:
    spoken = page([*scores([20], DAY - 12 * WEEK), *scores([30])]).spoken
    assert re.search(r"; change \+\d\.\d, not clear", spoken)
    clear = page([*scores([20], DAY - 12 * WEEK), *scores([120])]).spoken
    assert "; change +" in clear
    assert "not clear " not in clear


def test_too_little_said_is_no_score() -> None:
    html = render_class_page(report(scores([None])))
    assert Page(html).spoken.count("too little said") == len(MEASURED)
    assert html.count('data-value=""') == len(Skill)
    assert Page(html).all("tr", **{"data-scored": "no"})


def test_nothing_found_is_no_score_and_says_how_much_was_heard() -> None:
    html = render_class_page(report(scores([0])))
    assert Page(html).spoken.count("nothing found in 400") == len(MEASURED)
    assert html.count('data-value=""') == len(Skill)


def test_names_come_only_from_a_file_that_the_reader_opens() -> None:
    html = render_class_page(report())
    found = Page(html)
    assert {str(one["data-student"]) for one in found.all("bdi")} == set(STUDENTS)
    (opener,) = [form for form in found.all("form") if "data-roster" in form]
    assert "hidden" in opener
    (script,) = found.inside("script")
    for sending in ("fetch(", "XMLHttpRequest", "sendBeacon", "localStorage", "sessionStorage"):
        assert sending not in script
    assert "Nothing of it is stored or sent" in html


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
    assert "With a score (4)" in found.inside("option")
    assert len(re.findall("data-sort=", html)) == 1 + len(Skill) + 3
    (controls,) = [form for form in found.all("form") if "data-controls" in form]
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


def test_scores_are_shaded_by_how_they_stand_to_what_is_usual() -> None:
    """Little, much and nothing found of students who said the same amount."""
    of = scores([1, 200, 0, None], skills=MEASURED[:1])
    heats = {
        trend.student_id: heat_of(trend)
        for trend in student_trends(of)
        if trend.skill is MEASURED[0]
    }
    assert heats[STUDENTS[1]] is Heat.CLEARLY_MORE
    assert heats[STUDENTS[2]] is heats[STUDENTS[3]] is None
    shown = Page(render_class_page(ClassReport(CLASS, NOW, students=lines(of))))
    assert shown.all("td", **{"class": "amount more clear"})
    assert "hidden" in shown.all("button", **{"class": "save"})[0]
