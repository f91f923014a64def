"""What the page over all activities says."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orf_books.activities.word_corrections import MeasuredFlags
from orf_books.failures import FailureCategory
from orf_books.pages.activities_index_page import (
    ActivityDigest,
    ActivityStatus,
    Totals,
    render_activities_index_page,
)
from orf_books_tests.activities.counted_readings import STUDENTS, correction
from orf_books_tests.activities.readings import STORY_ID
from orf_books_tests.pages.html_page import Page

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def digest(activity_id: str, *, hours_ago: int = 0, **changes: object) -> ActivityDigest:
    whole = ActivityDigest(
        activity_id=activity_id,
        story_id=STORY_ID,
        story="The Lost Button",
        updated=NOW - timedelta(hours=hours_ago),
        status=ActivityStatus.RESCORED,
        attempted_words=100,
        correct_words=90,
        wcpm=72.26,
        changed_verdicts=4,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def failed(activity_id: str, remedy: str = "Upload its recording.") -> ActivityDigest:
    return ActivityDigest(
        activity_id=activity_id,
        story_id="",
        story="",
        updated=NOW,
        status=ActivityStatus.FAILED,
        failure=FailureCategory.MISSING_AUDIO,
        remedy=remedy,
    )


def page(*digests: ActivityDigest) -> Page:
    return Page(render_activities_index_page(digests))


def test_the_totals_add_up() -> None:
    draft = digest("b", status=ActivityStatus.DRAFT, changed_verdicts=0)
    totals = Totals.of([digest("a"), draft, failed("c")])
    assert totals == Totals(
        activities=3,
        failed=1,
        to_review=1,
        attempted_words=200,
        correct_words=180,
        changed_verdicts=4,
        activities_with_changes=1,
    )
    assert totals.accuracy == pytest.approx(0.9)
    assert Totals.of([]).accuracy is None


def test_every_element_is_closed() -> None:
    assert page(digest("a"), failed("b")).open == []
    assert page().open == []


def test_a_row_has_all_figures() -> None:
    assert (
        "a The Lost Button The Lost Button Rescored 100 90.0% 72.3 4 22 Nov 2026, 14:05 UTC"
        in page(digest("a")).spoken
    )


def test_figures_that_are_not_known_are_unknown_and_sort_last() -> None:
    found = page(failed("a"))
    assert found.spoken.count("unknown") == 7
    values = [cell["data-value"] for cell in found.all("td") if "data-value" in cell]
    assert values[:4] == [""] * 4


def test_where_no_word_was_read_nobody_knows_how_far_the_child_got() -> None:
    found = page(digest("a", attempted_words=0, correct_words=0, wcpm=None))
    assert "Rescored unknown unknown unknown 4" in found.spoken


def test_failed_activities_are_counted_in_the_opening_sentence() -> None:
    assert "1 of 2 activities failed." in page(digest("a"), failed("b")).spoken
    assert "No activity failed." in page(digest("a")).spoken


def test_a_failure_has_its_category_and_its_remedy() -> None:
    assert "Failed Missing audio. Upload its recording." in page(failed("a")).spoken
    assert "Missing audio. Run it again; if it fails again" in page(failed("a", "")).spoken


def test_an_earlier_result_of_a_failed_activity_stays_linked() -> None:
    later = digest("a", status=ActivityStatus.FAILED, failure=FailureCategory.TIMEOUT)
    found = page(later, failed("b"))
    assert "Its earlier result is kept." in found.spoken
    assert [link["href"] for link in found.all("a")] == ["#catalogue", "data/activities/a.html"]


@pytest.mark.parametrize("status", ActivityStatus)
def test_every_status_is_in_words_and_can_be_chosen(status: ActivityStatus) -> None:
    found = page(digest("a", status=status))
    words = status.replace("_", " ").capitalize()
    assert any(text.startswith(words) for text in found.inside("span"))
    assert found.all("tr", **{"data-status": status})
    assert found.all("option", value=f"status:{status}")


def test_stories_and_changed_verdicts_can_be_chosen() -> None:
    found = page(digest("a"), digest("b", story_id="other", changed_verdicts=0), failed("c"))
    choices = [option["value"] for option in found.all("option")]
    assert choices[-3:] == ["changed:yes", f"story:{STORY_ID}", "story:other"]
    assert "Changed (1)" in found.inside("option")
    assert len(found.all("tr", **{"data-changed": "yes"})) == 1
    assert len(found.all("tr", **{"data-story": "other"})) == 1


def test_only_the_most_frequent_stories_are_offered() -> None:
    many = [digest(f"{n}", story_id=f"story-{n}") for n in range(30)]
    assert len(re.findall('value="story:', render_activities_index_page(many))) == 20


def test_the_latest_activity_comes_first() -> None:
    html = render_activities_index_page([digest("old", hours_ago=9), digest("new")])
    assert html.index("activities/new.html") < html.index("activities/old.html")


def test_what_comes_from_outside_is_text() -> None:
    attack = '"><script>alert(1)</script>'
    found = page(
        digest(attack, story_id=attack, story=attack),
        digest("a b/c"),
        failed(attack, remedy=attack),
    )
    assert len(found.inside("script")) == 1
    assert "alert" not in found.inside("script")[0]
    assert found.text.count(attack) >= 5
    links = [str(link["href"]) for link in found.all("a")]
    assert "data/activities/a%2520b%252Fc.html" in links
    assert not re.findall(r"https?://|\bsrc=", render_activities_index_page([digest("a")]))


def test_without_a_script_the_table_is_complete_and_plain() -> None:
    found = page(digest("a"))
    (controls,) = found.all("form")
    assert "hidden" in controls
    assert all(button.keys() & {"disabled", "hidden"} for button in found.all("button")[:-1])
    assert all(heading.get("scope") for heading in found.all("th"))


def test_every_field_of_the_form_has_a_label() -> None:
    html = render_activities_index_page([digest("a")])
    fields = len(re.findall(r"<(?:input|select)\b", html))
    assert len(re.findall(r"<label>[^<]+<(?:input|select)\b", html)) == fields == 3


def test_headings_are_in_order() -> None:
    found = page(digest("a"))
    assert [tag for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2"]


def test_a_page_without_activities_says_so() -> None:
    found = page()
    assert "No activity has been rescored yet." in found.spoken
    assert found.all("p", id="catalogue")
    assert "failed." not in found.spoken


def test_students_are_grouped_by_risk_the_lowest_rate_first() -> None:
    found = Page(render_activities_index_page([digest("a")], students=STUDENTS))
    headings = [text for tag, text in found.texts if tag == "h3"]
    assert headings == ["High risk ", "Some risk ", "On track "]
    links = [str(link["href"]) for link in found.all("a") if "students/" in str(link["href"])]
    assert links == [f"data/activities/students/{one.student_id}.html" for one in STUDENTS]
    assert "1 student: below the 25th percentile of the grade" in found.spoken
    assert found.open == []


def test_how_often_flags_were_right_is_said_once_people_have_checked_words() -> None:
    flags = MeasuredFlags.of(
        [
            correction((0, 0), is_misread=True),
            correction((0, 1), is_misread=False),
            correction((1, 0), is_misread=True, was_flagged=False),
        ]
    )
    spoken = Page(render_activities_index_page([digest("a")], flags=flags)).spoken
    assert "without doubt that were misread 50.0% 9\N{EN DASH}91%; 1 of 2" in spoken
    assert "but doubtful, that were misread none was checked" in spoken
    assert "of those that were checked 1 of 1" in spoken
    nothing = MeasuredFlags.of([])
    assert "flags" not in Page(render_activities_index_page([digest("a")], flags=nothing)).spoken
