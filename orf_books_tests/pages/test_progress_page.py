"""What a specialist reads in the page of a student's readings."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from orf_books.activities.fluency import Fluency
from orf_books.activities.norms import Season
from orf_books.activities.progress import Progress
from orf_books.pages.progress_page import render_progress_page
from orf_books_tests.activities.counted_readings import (
    ADA,
    FALL_READING,
    PROGRESS,
    STUDENTS,
    WINTER_READING,
    reading,
    rescored,
)
from orf_books_tests.pages.html_page import Page

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
ATTACK = "<script>alert(1)</script>"


def page(progress: Progress = PROGRESS) -> Page:
    return Page(render_progress_page(progress, NOW))


def test_the_page_is_whole_and_names_its_student_by_an_id() -> None:
    found = page()
    assert found.open == []
    assert found.inside("h1") == ["Student "]
    assert found.text.count(ADA[:8]) == 2
    levels = [int(tag[1]) for tag, _ in found.elements if tag in {"h1", "h2", "h3"}]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_figures_goal_and_risk_are_said_with_their_rule() -> None:
    spoken = page().spoken
    for said in (
        "2 readings, from 1 Oct 2025 to 15 Jan 2026. Grade 2, winter.",
        "Words correct per minute 50.0 mean of the latest two",
        "Goal: 50th percentile of the grade 84",
        "High risk: below the 25th percentile of the grade, by the mean of the latest two",
        "Accuracy of the latest reading 80.0% 70\N{EN DASH}90%",
    ):
        assert said in spoken
    assert "On track" in page(STUDENTS[2]).spoken
    assert "by one reading, which is a hint only" in page(STUDENTS[2]).spoken


def test_every_reading_has_a_row_with_before_and_after() -> None:
    found = page()
    assert [link["href"] for link in found.all("a")][2:] == ["../ada-2.html", "../ada-1.html"]
    amounts = [cell["data-value"] for cell in found.all("td") if "data-value" in cell]
    assert amounts == ["50", "50", "0.8", "0.8", "41.8605", "50", "0.6667", "0.8"]


def test_the_charts_draw_each_reading_its_goal_and_the_first_pass() -> None:
    found = page()
    rates = [circle["cy"] for circle in found.all("circle", **{"class": "now"})]
    # Up to 100 words: 50 is in the middle; accuracy .8 is a fifth from above.
    assert rates[:4] == ["50.0%", "50.0%", "20.0%", "20.0%"]
    before = [circle["cy"] for circle in found.all("circle", **{"class": "before"})]
    assert before[:2] == ["58.1%", "50.0%"]
    goals = [(one["y1"], one["y2"]) for one in found.all("line", **{"class": "goal"})]
    assert goals[0] == ("50.0%", "16.0%")


def test_what_is_unknown_is_said_and_not_drawn() -> None:
    silent = replace(
        WINTER_READING,
        fluency=Fluency(0, 0, None),
        first_pass=Fluency(0, 0, None),
        accuracy_interval=None,
        wcpm_interval=None,
        grade=None,
        words=(),
    )
    found = page(Progress.of(ADA, [silent]))
    assert "Grade unknown" in found.spoken
    assert "Risk unknown: no rate is known" in found.spoken
    assert "No word was misread in the latest reading." in found.spoken
    assert "None" not in found.text
    assert not found.all("circle", **{"class": "now", "r": "4.5", "cx": "50.0%"})


def test_words_to_practise_are_listed_with_how_often() -> None:
    spoken = page().spoken
    assert "the misread 2 of 4 times, in 2 readings" in spoken
    assert spoken.index("mat misread 1 of 2 times") < spoken.index("sat misread 1 of 2 times")


def test_what_comes_from_outside_is_text() -> None:
    hostile = replace(
        FALL_READING,
        activity_id=f"a/{ATTACK}",
        story=ATTACK,
        words=(replace(FALL_READING.words[0], text=ATTACK),),
    )
    found = page(Progress.of(ADA, [hostile]))
    assert len(found.inside("script")) == 1
    assert "alert" not in found.inside("script")[0]
    assert found.text.count(ATTACK) == 3


def test_a_reading_of_another_grade_keeps_its_own_goal() -> None:
    older = reading("old", "2025-02-01", Season.WINTER, rescored("....|....|.."), grade=1)
    assert [one.goal for one in Progress.of(ADA, [older, WINTER_READING]).readings] == [29, 84]
