import struct
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.audio import (
    BYTES_PER_MS,
    WAV_HEADER_BYTES,
    NoAudio,
    Recording,
    UnreadableAudio,
    read_recording,
    wav_seconds,
)
from orf_books.failures import FailureCategory

RATE = 16_000
HEADER_RATE, HEADER_DATA_SIZE = 24, 40


def tone(
    seconds: float = 1, rate: int = RATE, loudness: float = 0.5
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return loudness * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def wav(samples: object, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    file = BytesIO()
    sf.write(file, samples, rate, subtype=subtype, format="WAV")
    return file.getvalue()


def with_header(at: int, value: int) -> bytes:
    content = bytearray(wav(tone()))
    struct.pack_into("<I", content, at, value)
    return bytes(content)


def loudest_difference(one: Recording, other: Recording) -> int:
    first, second = (np.frombuffer(sound.pcm, "<i2").astype(int) for sound in (one, other))
    return int(np.abs(first - second).max())


def test_samples_that_need_no_change_are_not_changed() -> None:
    content = wav(tone())
    assert read_recording(content).pcm == content[WAV_HEADER_BYTES:]


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_finer_file_is_the_same_recording(subtype: str) -> None:
    plain = read_recording(wav(tone()))
    assert loudest_difference(read_recording(wav(tone(), subtype=subtype)), plain) <= 1


def test_channels_are_mixed() -> None:
    stereo = np.stack([tone(loudness=0.8), tone(loudness=0.2)], axis=1)
    assert loudest_difference(read_recording(wav(stereo)), read_recording(wav(tone()))) <= 1


def spoken() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.concatenate([tone(0.5), tone(0.5, loudness=0.001), tone(0.5)])


NOISE = np.random.default_rng(1).normal(0, 0.3, len(spoken()))


@pytest.mark.parametrize(
    "other_channel",
    [np.zeros(len(spoken())), -spoken(), NOISE],
    ids=["dead", "cancels the first", "noise"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_bad_channel_does_not_spoil_the_good_one(
    other_channel: "np.ndarray[tuple[int], np.dtype[np.float64]]", is_first: bool
) -> None:
    channels = [spoken(), other_channel] if is_first else [other_channel, spoken()]
    read = np.frombuffer(read_recording(wav(np.stack(channels, axis=1))).pcm, "<i2").astype(float)
    expected = np.frombuffer(read_recording(wav(spoken())).pcm, "<i2").astype(float)
    assert abs(np.corrcoef(read, expected)[0, 1]) > 0.99


def test_a_recording_with_a_dead_channel_is_the_one_without_it() -> None:
    stereo = np.stack([spoken(), np.zeros(len(spoken()))], axis=1)
    assert read_recording(wav(stereo)) == read_recording(wav(spoken()))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled(rate: int) -> None:
    recording = read_recording(wav(tone(2, rate), rate))
    assert recording.seconds == pytest.approx(2, abs=0.001)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(recording.pcm, "<i2")))
    assert np.argmax(spectrum) / 2 == pytest.approx(440, abs=1)


def test_what_is_too_loud_or_no_number_is_not_turned_round() -> None:
    recording = read_recording(wav(np.array([2.0, -2.0, np.nan] * 100), subtype="FLOAT"))
    assert np.frombuffer(recording.pcm, "<i2")[:3].tolist() == [32_767, -32_768, 0]


@pytest.mark.parametrize("content", [b"", b"RIFF", wav([])])
def test_no_sound_is_missing_audio(content: bytes) -> None:
    with pytest.raises(NoAudio) as raised:
        read_recording(content)
    assert raised.value.category is FailureCategory.MISSING_AUDIO


@pytest.mark.parametrize(
    "content",
    [
        b"<html>not found</html>" * 10,
        b"\0" * 1000,
        with_header(HEADER_RATE, 0),
        with_header(HEADER_RATE, 1),
    ],
    ids=["a page", "zeros", "no rate", "a sample a second"],
)
def test_what_is_no_recording_is_bad_data(content: bytes) -> None:
    with pytest.raises(UnreadableAudio) as raised:
        read_recording(content)
    assert raised.value.category is FailureCategory.BAD_DATA


@pytest.mark.parametrize("missing", [1, 2, 10_001])
def test_of_a_cut_file_what_there_is_is_read(missing: int) -> None:
    whole = wav(tone())
    found = read_recording(whole[:-missing]).pcm
    assert found == whole[WAV_HEADER_BYTES : -missing - missing % 2]


def test_a_header_of_a_stream_promises_more_than_there_is() -> None:
    assert read_recording(with_header(HEADER_DATA_SIZE, 0xFFFFFFFF)).seconds == 1


@given(st.integers(0, WAV_HEADER_BYTES), st.binary(max_size=200))
def test_whatever_is_uploaded_is_a_recording_or_one_of_two_failures(
    header: int, content: bytes
) -> None:
    with suppress(NoAudio, UnreadableAudio):
        assert read_recording(wav(tone(0.01))[:header] + content).pcm


def test_a_recording_survives_its_own_file() -> None:
    recording = read_recording(wav(tone()))
    assert read_recording(recording.wav()) == recording


def test_equal_sound_has_one_fingerprint_whatever_file_it_came_in() -> None:
    recording = read_recording(wav(tone()))
    assert recording.fingerprint == read_recording(recording.wav() + b"LIST\0\0\0\0").fingerprint
    assert recording.fingerprint != recording.between(0, 500).fingerprint


@given(st.integers(-500, 1500), st.integers(-500, 1500))
def test_a_part_never_reaches_beyond_the_recording(start: int, end: int) -> None:
    recording = Recording(np.arange(RATE, dtype="<i2").tobytes())
    first, last = max(0, min(start, 1000)), max(0, min(end, 1000))
    part = recording.between(start, end)
    assert part.seconds == pytest.approx(max(0, last - first) / 1000)
    assert part.pcm == recording.pcm[first * BYTES_PER_MS : last * BYTES_PER_MS]


@pytest.mark.parametrize(
    ("loudness", "is_silent"), [(0, True), (0.0009, True), (0.002, False), (0.5, False)]
)
def test_only_a_microphone_that_was_off_is_silent(loudness: float, is_silent: bool) -> None:
    assert read_recording(wav(tone(loudness=loudness))).is_silent is is_silent


def test_a_recording_without_samples_is_silent() -> None:
    assert Recording(b"").is_silent


@pytest.mark.parametrize(
    ("rate", "subtype"), [(16_000, "PCM_16"), (44_100, "PCM_24"), (8_000, "FLOAT"), (8_000, "ULAW")]
)
def test_the_header_tells_how_long_a_file_is(rate: int, subtype: str) -> None:
    content = wav(tone(1.5, rate), rate, subtype)
    assert wav_seconds(content[:128], len(content)) == pytest.approx(1.5)


def test_a_header_that_promises_more_is_not_believed() -> None:
    head = with_header(HEADER_DATA_SIZE, 0xFFFFFFFF)[:128]
    assert wav_seconds(head, WAV_HEADER_BYTES + 16_000) == 0.5


@pytest.mark.parametrize("size", [0, 20, WAV_HEADER_BYTES])
def test_what_is_no_longer_than_a_header_has_no_length(size: int) -> None:
    assert wav_seconds(wav([])[:size], size) == 0


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"ID3" * 20,
        wav(tone())[:30],
        wav(tone(), subtype="FLOAT")[:60],
        b"RIFF\0\0\0\0WAVEdata\1\0\0\0",
    ],
)
def test_bytes_that_do_not_tell_are_no_length(head: bytes) -> None:
    assert wav_seconds(head, 10_000) is None


@given(st.binary(max_size=100), st.integers(0, 10_000))
def test_no_header_is_too_strange(tail: bytes, size: int) -> None:
    found = wav_seconds(wav(tone())[:38] + tail, size)
    assert found is None or found >= 0
