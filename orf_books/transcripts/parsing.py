"""Reading a class session: the bytes of a raw file in, utterances and warnings out.

Belongs here: what a file must be to be read, what becomes of each turn, how many warnings are too
many. Does not belong here: the formats (`txt_format.py`, `csv_format.py`, `jsonl_format.py`), who
speaks (`speakers.py`), in what language (`language.py`).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orf_books.transcripts.csv_format import read_csv
from orf_books.transcripts.jsonl_format import read_jsonl
from orf_books.transcripts.language import ENGLISH, languages_of
from orf_books.transcripts.problems import ErrorCode, LineWarning, UnusableTranscript, WarningCode
from orf_books.transcripts.roster import Roster
from orf_books.transcripts.speakers import Speaker, Speakers
from orf_books.transcripts.submission import (
    SessionMetadata,
    TranscriptFormat,
    check_key,
    refuse_by_size,
)
from orf_books.transcripts.turns import ReadTurns, Turn
from orf_books.transcripts.txt_format import read_txt
from orf_books.transcripts.utterance import Session, Utterance

LARGEST_WARNED_SHARE = 0.2
"""Of the lines of a file; with more, the file is not what its key says, or the roster is not."""

_LINES_NAMED = 5
_TIMESTAMP = re.compile(r"(?:[01]\d|2[0-3])(?::[0-5]\d){2}", re.ASCII)
_INVALID = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session and what was met on reading it."""

    session: Session
    total_lines: int
    """Lines of txt and jsonl that are not blank, rows of csv."""
    without_consent: int
    """Utterances of students who have not consented: dropped, only counted."""
    warnings: tuple[LineWarning, ...]
    """In the order of lines."""

    @property
    def student_ids(self) -> tuple[str, ...]:
        """Students who said something that was kept."""
        return tuple(sorted({one.student_id for one in self.session.utterances if one.student_id}))


def read_session(
    content: bytes,
    key: str,
    metadata: SessionMetadata,
    roster: Roster,
    largest_warned_share: float = LARGEST_WARNED_SHARE,
) -> ReadSession:
    """Read a raw file.

    Args:
        content: the file.
        key: where it lies.
        metadata: what is declared of it.
        roster: of its class.
        largest_warned_share: of lines, from 0 to 1.

    Raises:
        UnusableTranscript: it cannot be read, its key says something else than the metadata, it has
            no utterances, or too many lines have warnings.
    """
    check_key(key, metadata)
    text = _decoded(content)
    speakers = Speakers(roster)
    read = _read_turns(text, metadata.format, speakers)
    sha256 = hashlib.sha256(content).hexdigest()
    heard = _Utterances(sha256, speakers)
    for turn in read.turns:
        heard.add(turn)
    utterances = tuple(_in_their_languages(heard.utterances))
    warnings = sorted([*read.warnings, *heard.warnings, *_not_english(utterances)])
    if not utterances and not heard.without_consent:
        raise UnusableTranscript(
            ErrorCode.NO_UTTERANCES,
            f"Nothing that anyone says was found in it{_first_lines(warnings)}. Mend it, or "
            "the roster of the class.",
            warnings,
        )
    warned = len({warning.line for warning in warnings})
    if warned > largest_warned_share * read.lines:
        raise UnusableTranscript(
            ErrorCode.TOO_MANY_WARNINGS,
            f"{warned} of {read.lines} lines have warnings{_first_lines(warnings)}. Mend "
            "them, or the roster of the class.",
            warnings,
        )
    session = Session(
        class_id=metadata.class_id,
        day=metadata.day,
        source_key=key,
        source_sha256=sha256,
        format=metadata.format.value,
        utterances=utterances,
        source=metadata.source,
    )
    return ReadSession(session, read.lines, heard.without_consent, tuple(warnings))


class _Utterances:
    """The utterances of a session, one turn after the other."""

    def __init__(self, source_sha256: str, speakers: Speakers) -> None:
        self.utterances: list[Utterance] = []
        """Their languages are not known yet."""
        self.warnings: list[LineWarning] = []
        self.without_consent = 0
        self._source = source_sha256[:12]
        self._speakers = speakers
        self._last_timestamp = ""
        self._last_said: tuple[str, ...] = ()
        self._said: set[tuple[str, ...]] = set()

    def add(self, turn: Turn) -> None:
        """Take a turn, unless its speaker has not consented or its text cannot be stored."""
        if _INVALID.search(turn.text):
            self.warnings.append(LineWarning(turn.line, WarningCode.INVALID_TEXT))
            return
        speaker = self._speakers.speaker_of(turn)
        timestamp = _valid_timestamp(turn.timestamp)
        warnings = [
            *turn.warnings,
            *(LineWarning(turn.line, code) for code in self._noticed(turn, speaker, timestamp)),
        ]
        self.warnings += warnings
        if speaker.is_without_consent:
            self.without_consent += 1
            return
        self.utterances.append(
            Utterance(
                utterance_id=f"{self._source}:{turn.line}:0",
                line_number=turn.line,
                speaker_id=speaker.speaker_id,
                speaker_role=speaker.role,
                student_id=speaker.student_id,
                timestamp=timestamp,
                text=turn.text,
                raw_offset=turn.offset,
                lang="",
                lang_conf=0.0,
                warnings=tuple(warning.code for warning in warnings),
            )
        )

    def _noticed(
        self, turn: Turn, speaker: Speaker, timestamp: str | None
    ) -> Iterator[WarningCode]:
        if speaker.warning:
            yield speaker.warning
        if turn.timestamp and not timestamp:
            yield WarningCode.BAD_TIMESTAMP
        if timestamp:
            if timestamp < self._last_timestamp:
                yield WarningCode.TIME_GOES_BACK
            self._last_timestamp = timestamp
        # People repeat themselves, but not in the same second; without times, not at once.
        said = (speaker.speaker_id, turn.text, timestamp or "")
        if said == self._last_said or (timestamp and said in self._said):
            yield WarningCode.DUPLICATE_LINE
        self._last_said = said
        self._said.add(said)


def _decoded(content: bytes) -> str:
    refuse_by_size(len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableTranscript(
            ErrorCode.NOT_UTF8, f"Line {line} is not UTF-8. Save the file as UTF-8."
        ) from None
    if not text or text.isspace():
        raise UnusableTranscript(ErrorCode.EMPTY_FILE, "The file is blank. Upload the transcript.")
    return text


def _read_turns(text: str, transcript_format: TranscriptFormat, speakers: Speakers) -> ReadTurns:
    match transcript_format:
        case TranscriptFormat.TXT:
            return read_txt(text, speakers.is_label)
        case TranscriptFormat.CSV:
            return read_csv(text)
        case TranscriptFormat.JSONL:
            return read_jsonl(text)


def _valid_timestamp(written: str | None) -> str | None:
    return written if written and _TIMESTAMP.fullmatch(written) else None


def _in_their_languages(utterances: Sequence[Utterance]) -> Iterator[Utterance]:
    languages = languages_of([(one.speaker_id, one.text) for one in utterances])
    for utterance, language in zip(utterances, languages, strict=True):
        is_english = language.code == ENGLISH
        yield replace(
            utterance,
            lang=language.code,
            lang_conf=language.confidence,
            warnings=utterance.warnings + (() if is_english else (WarningCode.NOT_ENGLISH,)),
        )


def _not_english(utterances: Sequence[Utterance]) -> Iterator[LineWarning]:
    return (
        LineWarning(utterance.line_number, WarningCode.NOT_ENGLISH)
        for utterance in utterances
        if utterance.lang != ENGLISH
    )


def _first_lines(warnings: Sequence[LineWarning]) -> str:
    lines = [str(line) for line in sorted({warning.line for warning in warnings})]
    more = ", ..." if len(lines) > _LINES_NAMED else ""
    return f" (line {', '.join(lines[:_LINES_NAMED])}{more})" if lines else ""
