"""What runs make of all sessions of a class: figures, published tables, pages."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import stamina
from pydantic import SecretStr

from orf_books.object_keys import (
    CLASSES_PAGE,
    USUAL_RATES,
    class_page_key,
    roster_key,
    student_page_key,
    student_pages_folder,
)
from orf_books.records.sessions import WITHDRAWN, SessionUpload
from orf_books.resources.published_tables import (
    ACCESS_LOG,
    ASSESSMENTS,
    CLASS_AGGREGATES,
    EVIDENCE,
)
from orf_books.sandbox.class_sessions import invented_class
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, UsualRate, UsualSource
from orf_books_tests.assets.transcripts.class_platform import (
    CLASS,
    MONDAY,
    NOTHING_SAID,
    ClassPlatform,
    check_of,
    metadata_of,
    platform_in,
    transcript,
)

TUESDAY = MONDAY + timedelta(days=1)
NEXT_MONDAY, MONDAY_AFTER = MONDAY + timedelta(weeks=1), MONDAY + timedelta(weeks=2)
OTHER = invented_class("6C", students=5)


@pytest.fixture
def platform(tmp_path: Path, instance: dg.DagsterInstance) -> ClassPlatform:
    return platform_in(tmp_path, instance)


@dataclass
class Settled:
    """A platform with two classes, after a run; tests change nothing in it."""

    platform: ClassPlatform
    keys: list[str]
    """Of the first class."""
    run: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with dg.DagsterInstance.ephemeral() as instance:
        platform = platform_in(tmp_path_factory.mktemp("settled"), instance)
        platform.put_roster(OTHER)
        platform.put(of=OTHER)
        keys = [platform.put(day) for day in (MONDAY, TUESDAY)]
        speaker, peer = CLASS.students[:2]
        said = f"[16:00:00] {speaker.name}: {peer.first_name}, are you okay?\n".encode()
        keys.append(platform.put(NEXT_MONDAY, content=transcript(NEXT_MONDAY) + said))
        yield Settled(platform, keys, platform.ingest())


@pytest.fixture
def _unhurried() -> Iterator[None]:
    """Nobody waits between attempts."""
    with stamina.set_testing(True, attempts=3):
        yield


# Figures


def test_figures_beside_a_session_are_those_of_the_published_table(settled: Settled) -> None:
    platform, published = settled.platform, dict[tuple[str, str], dict[str, float | None]]()
    for row in platform.published(CLASS_AGGREGATES):
        if row["class_id"] == "5B":
            window = str(row["window_start"]), str(row["window_end"])
            published.setdefault(window, {})[row["metric_name"]] = row["metric_value"]

    found = {
        (window["window_start"], window["window_end"]): window["class"]
        for key in settled.keys
        for window in platform.document(platform.row(key).aggregates_key)["windows"]
    }

    assert found == published
    week = found[str(NEXT_MONDAY), str(NEXT_MONDAY + timedelta(days=6))]
    assert (week["n_students"], week["coverage"]) == (len(CLASS.students), 1.0)
    assert week["change_communication"] is not None


def test_scores_are_measured_against_what_the_store_has_learned(platform: ClassPlatform) -> None:
    key = platform.put()
    platform.ingest()
    before = platform.document(platform.row(key).aggregates_key)
    learned = replace(
        SHIPPED,
        source=UsualSource.LEARNED,
        rates=dict.fromkeys(Skill, UsualRate(0.5, 2.0, 0.7)),
        utterances=9_000,
    )
    platform.storage.put(USUAL_RATES, json.dumps(asdict(learned)).encode())
    platform.records.publish_again([platform.row(key)], "What is usual was learned anew.")

    assert platform.run("refresh_classes").success

    after = platform.document(platform.row(key).aggregates_key)
    assert (before["usual"]["source"], after["usual"]["source"]) == ("shipped", "learned")
    scores = [one["windows"][0]["class"]["score_collaboration"] for one in (after, before)]
    assert scores == sorted(scores)
    assert scores[0] < 5 < scores[1]
    assert {row["usual"] for row in platform.published(ASSESSMENTS)} == {"learned"}
    assert "learned from 9,000 utterances" in platform.storage.get(class_page_key("5B")).decode()


@pytest.mark.slow
def test_a_session_that_comes_late_changes_the_documents_that_it_counts_in_and_no_other(
    platform: ClassPlatform,
) -> None:
    first, last = platform.put(MONDAY), platform.put(MONDAY_AFTER)
    platform.ingest()
    before = platform.versions("aggregates/", "scores/")
    late = platform.put(NEXT_MONDAY)

    run = platform.ingest()

    assert metadata_of(run, "class_figures") == {"classes": 1, "documents": 2}
    after = platform.versions("aggregates/", "scores/")
    assert set(after) - set(before) == {
        platform.row(late).aggregates_key,
        platform.row(late).scores_key,
    }
    changed = {key for key in before if after[key] != before[key]}
    assert changed == {platform.row(last).aggregates_key}
    assert platform.row(first).aggregates_key in after


def test_files_with_the_same_content_on_a_day_count_once(platform: ClassPlatform) -> None:
    keys = [platform.put(), platform.put(name="again.txt")]
    copy_of_another_day = platform.put(TUESDAY, content=transcript(MONDAY))

    run = platform.ingest()

    assert run.success
    counted = [row.key for row in platform.records.classes()["5B"].rows]
    assert len(counted) == 2
    assert counted[0] in keys
    assert counted[1] == copy_of_another_day
    assessments = platform.published(ASSESSMENTS)
    assert len(assessments) == 2 * len(CLASS.students)
    assert len({row["session_id"] for row in assessments}) == 2
    assert check_of(run, "all_scores_are_published").passed


def test_what_has_nothing_new_writes_nothing(settled: Settled) -> None:
    platform = settled.platform
    before = platform.versions()
    published = [platform.published(each) for each in (ASSESSMENTS, EVIDENCE, CLASS_AGGREGATES)]
    accesses = len(platform.published(ACCESS_LOG))

    run = platform.run("refresh_classes")

    assert run.success
    assert metadata_of(run, "class_figures") == {"classes": 0, "documents": 0}
    assert metadata_of(run, "published_scores") == {"published": "yes", "sessions": 0}
    assert metadata_of(run, "class_pages")["made"] == 0
    assert platform.versions() == before
    assert published == [
        platform.published(each) for each in (ASSESSMENTS, EVIDENCE, CLASS_AGGREGATES)
    ]
    assert len(platform.published(ACCESS_LOG)) == accesses


@pytest.mark.slow
def test_a_class_does_not_notice_another(platform: ClassPlatform) -> None:
    platform.put()
    platform.ingest()
    before = platform.versions()
    platform.put_roster(OTHER)
    platform.put(of=OTHER)

    run = platform.ingest()

    assert run.success
    assert platform.versions().items() >= before.items()
    assert metadata_of(run, "class_pages")["made"] == 1


# A database that does not answer


@pytest.mark.usefixtures("_unhurried")
def test_without_a_database_a_run_succeeds_and_keeps_its_scores(platform: ClassPlatform) -> None:
    keys = [platform.put(MONDAY), platform.put(TUESDAY)]

    run = platform.without_database().ingest()

    assert run.success
    for key in keys:
        row = platform.row(key)
        assert platform.document(row.scores_key)["job_id"] == row.job_id
        assert platform.document(row.aggregates_key)["job_id"] == row.job_id
    published = metadata_of(run, "published_scores")
    assert (published["published"], published["sessions"]) == ("no", 2)
    assert "does not answer" in published["problem"]
    check = check_of(run, "all_scores_are_published")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["unpublished_sessions"].value == 2
    assert check_of(run, "every_session_succeeded").passed
    tried = {one.key: (one.is_published, one.tries) for one in platform.records.publications()}
    assert tried == dict.fromkeys(keys, (False, 1))
    pages = metadata_of(run, "class_pages")
    assert (pages["made"], pages["not_made"]) == (0, 1)
    assert platform.versions("data/") == {}


@pytest.mark.slow
@pytest.mark.usefixtures("_unhurried")
def test_what_an_outage_left_is_published_and_shown_without_scoring(
    platform: ClassPlatform,
) -> None:
    for day in (MONDAY, TUESDAY):
        platform.put(day)
    out_of_reach = platform.without_database()
    out_of_reach.ingest()
    out_of_reach.run("refresh_classes")
    scored, objects = platform.job_ids(), platform.versions("scores/", "aggregates/")
    assert {one.tries for one in platform.records.publications()} == {2}

    run = platform.run("refresh_classes")

    assert run.success
    assert metadata_of(run, "published_scores") == {"published": "yes", "sessions": 2}
    assert platform.job_ids() == scored
    assert platform.versions("scores/", "aggregates/") == objects
    assert {row["job_id"] for row in platform.published(ASSESSMENTS)} == set(scored.values())
    assert all(one.is_published for one in platform.records.publications())
    assert len(platform.versions(student_pages_folder("5B"))) == len(CLASS.students)


@pytest.mark.usefixtures("_unhurried")
def test_the_page_of_a_student_without_consent_goes_even_in_an_outage(
    platform: ClassPlatform,
) -> None:
    platform.put()
    platform.ingest()
    before, student = platform.versions("data/"), CLASS.students[0].student_id
    platform.put_roster(consent={student: False})

    platform.without_database().ingest()

    page = student_page_key("5B", student)
    assert platform.versions("data/") == {
        key: version for key, version in before.items() if key != page
    }


def test_a_database_that_cannot_be_used_is_told_and_not_asked_again(
    platform: ClassPlatform, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings = platform.settings.model_copy(
        update={"database_url": SecretStr(f"sqlite:///{tmp_path}/file/published.sqlite")}
    )
    platform.put()

    run = ClassPlatform(settings, platform.instance).ingest()

    assert run.success
    assert "cannot be written" in metadata_of(run, "published_scores")["problem"]
    assert not check_of(run, "all_scores_are_published").passed


# Pages


def test_earlier_figures_stand_beside_why_a_later_version_failed(platform: ClassPlatform) -> None:
    key = platform.put()
    platform.ingest()
    words = str(platform.row(key).words)
    scores = platform.versions("scores/")
    platform.put(content=NOTHING_SAID)

    run = platform.ingest()

    assert not run.success
    assert metadata_of(run, "class_pages")["made"] == 1
    page = platform.page(class_page_key("5B"))
    assert "No utterances" in page
    assert words in page
    assert platform.versions("scores/") == scores
    for student in CLASS.students:
        assert platform.page(student_page_key("5B", student.student_id))


def test_every_class_is_on_the_page_over_all(settled: Settled) -> None:
    index = settled.platform.page(CLASSES_PAGE)
    assert class_page_key("5B") in index
    assert class_page_key("6C") in index


def test_a_class_of_which_nothing_is_left_is_not_on_the_page_over_all(
    platform: ClassPlatform,
) -> None:
    platform.put_roster(OTHER)
    platform.put()
    withdrawn = platform.put(of=OTHER)
    platform.ingest()
    assert "6C" in platform.page(CLASSES_PAGE)

    platform.records.add_uploads(
        [SessionUpload(withdrawn, "gone", WITHDRAWN, datetime.now(UTC), "run")]
    )
    platform.run("refresh_classes")

    assert "6C" not in platform.page(CLASSES_PAGE)
    assert "5B" in platform.page(CLASSES_PAGE)


def test_who_gets_to_see_which_records_is_logged(settled: Settled) -> None:
    logged = {row["purpose"]: row for row in settled.platform.published(ACCESS_LOG)}
    for of in (CLASS, OTHER):
        entry = logged[f"pages of class {of.class_id}"]
        assert entry["request_id"] == settled.run.run_id
        assert entry["record_ids"] == sorted(student.student_id for student in of.students)


def test_quotes_on_pages_name_no_classmate(settled: Settled) -> None:
    platform = settled.platform
    pages = {key: platform.page(key) for key in platform.versions("data/")}
    names = {student.first_name for student in CLASS.students}
    assert [key for key, page in pages.items() if any(name in page for name in names)] == []
    speaker = student_page_key("5B", CLASS.students[0].student_id)
    assert "[peer]" in pages[speaker]


def test_a_class_without_a_roster_is_shown_with_what_to_do(platform: ClassPlatform) -> None:
    platform.put(of=OTHER)
    run = platform.ingest()
    assert not run.success
    assert metadata_of(run, "class_pages")["not_made"] == 0
    assert roster_key("6C") in platform.page(class_page_key("6C"))
    assert "6C.html" in platform.page(CLASSES_PAGE)


def test_a_class_whose_roster_broke_says_so_and_quotes_nobody_anew(
    platform: ClassPlatform,
) -> None:
    platform.put()
    platform.ingest()
    before = platform.versions(student_pages_folder("5B"))
    platform.storage.put(roster_key("5B"), b"{")

    run = platform.ingest()

    assert not run.success
    assert "roster cannot be used" in platform.page(class_page_key("5B"))
    assert platform.versions(student_pages_folder("5B")) == before


@pytest.mark.slow
def test_damaged_scores_of_a_class_do_not_stop_the_others_and_a_retry_makes_them_anew(
    platform: ClassPlatform,
) -> None:
    platform.put_roster(OTHER)
    damaged, other = platform.put(), platform.put(of=OTHER)
    platform.ingest()
    platform.storage.put(platform.row(damaged).scores_key, b"{}")
    late, other_late = platform.put(TUESDAY), platform.put(TUESDAY, of=OTHER)

    assert platform.ingest(late, other_late).success

    assert platform.records.standing_failures().keys() == {damaged}
    assert "gone or damaged" in platform.records.standing_failures()[damaged].message
    assert platform.row(other_late).aggregates_key in platform.versions("aggregates/")
    assert platform.row(late).aggregates_key not in platform.versions("aggregates/")

    untouched = platform.row(other).job_id
    assert platform.run("retry_failed_transcripts").success
    assert platform.records.standing_failures() == {}
    assert platform.row(late).aggregates_key in platform.versions("aggregates/")
    assert platform.row(other).job_id == untouched
