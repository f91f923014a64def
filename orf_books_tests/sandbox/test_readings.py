import json
from pathlib import Path

import pytest

from orf_books.activities.activity import read_activity, read_truth
from orf_books.activities.audio import read_recording
from orf_books.activities.story import words_of
from orf_books.sandbox.readings.plan import Kind, plan_reading
from orf_books.sandbox.readings.recorded_reading import (
    RECORDED,
    RecordedReading,
    recorded_readings,
    write_folders,
)
from orf_books.sandbox.readings.stories import stories

LARGEST = 6_000_000
READINGS = list(recorded_readings())
IDS = [reading.reading_id for reading in READINGS]


def test_at_least_twelve_readings_of_two_stories_are_bundled_in_six_megabytes() -> None:
    assert len(READINGS) >= 12
    assert len({reading.story_id for reading in READINGS}) == 2
    assert sum(path.stat().st_size for path in RECORDED.iterdir()) <= LARGEST


def test_the_halves_share_no_story_and_no_reading() -> None:
    halves = {reading.story_id: reading.half for reading in READINGS}
    assert set(halves.values()) == {"tuning", "held-out"}
    assert all(reading.half == halves[reading.story_id] for reading in READINGS)


def test_every_kind_of_departure_is_planted_in_each_half() -> None:
    for half in ("tuning", "held-out"):
        planted = {
            one.kind
            for reading in READINGS
            if reading.half == half
            for phrase in reading.planted
            for one in phrase
        }
        assert planted == set(Kind)


@pytest.mark.parametrize("reading", READINGS, ids=IDS)
def test_omissions_and_substitutions_are_misread_and_nothing_else(
    reading: RecordedReading,
) -> None:
    miscues = {Kind.OMISSION, Kind.SUBSTITUTION}
    for text, flags, planted in zip(
        reading.story.phrases, reading.misread, reading.planted, strict=True
    ):
        assert len(flags) == len(words_of(text))
        misread = {index for index, flag in enumerate(flags) if flag}
        assert misread == {one.word for one in planted if one.kind in miscues}


def test_a_plan_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    story = stories()[0]
    assert plan_reading(story, 1, 1.0) == plan_reading(story, 1, 1.0)
    assert plan_reading(story, 1, 1.0) != plan_reading(story, 2, 1.0)


def test_readings_are_laid_out_as_uploads_with_labels(tmp_path: Path) -> None:
    folders = write_folders(tmp_path, "held-out")
    assert [folder.name for folder in folders] == [
        reading.reading_id for reading in READINGS if reading.half == "held-out"
    ]
    folder = folders[0]
    activity = read_activity((folder / "activity.json").read_bytes())
    truth = read_truth((folder / "truth.json").read_bytes())
    lengths = [len(words_of(text)) for text in activity.phrases]
    assert [len(flags) for flags in truth] == lengths
    for feature in activity.features:
        assert len(feature.kaldi_match or ()) == lengths[feature.phrase]
        assert len(feature.w2v_match or ()) == lengths[feature.phrase]
    recording = read_recording((folder / "complete.wav").read_bytes())
    segments = sorted(folder.glob("*-v2.wav"))
    seconds = sum(read_recording(one.read_bytes()).seconds for one in segments)
    assert seconds == pytest.approx(recording.seconds, abs=0.3)
    pages = sorted((tmp_path / "stories").glob(f"{activity.story_id}_*_page.txt"))
    words = [word for page in pages for word in page.read_text().split()]
    assert words == [word for text in activity.phrases for word in words_of(text)]


def test_the_first_pass_is_what_was_heard_not_noise() -> None:
    for reading in READINGS:
        record = json.dumps(reading.flagged)
        assert "true" in record, reading.reading_id
    flags = [flag for reading in READINGS for phrase in reading.flagged for flag in phrase]
    truth = [flag for reading in READINGS for phrase in reading.misread for flag in phrase]
    found = sum(flag and true for flag, true in zip(flags, truth, strict=True))
    assert found / sum(truth) > 0.4
