"""Reading a class session: the bytes of a raw file in, utterances and warnings out.

Belongs here: whose words are kept, what is one utterance, when a file is refused. Does not belong
here: forms of files (`layout.py`), where turns begin (`turns.py`), who speaks (`speakers.py`), in
what language (`language.py`).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from orf_books.transcripts.language import ENGLISH, languages_of, other_language
from orf_books.transcripts.layout import Layout, read_raw_file
from orf_books.transcripts.problems import (
    ErrorCode,
    LineWarning,
    UnusableTranscript,
    WarningCode,
    causes_of,
)
from orf_books.transcripts.roster import Roster
from orf_books.transcripts.speakers import Speaker, Speakers
from orf_books.transcripts.spoken import spoken_text
from orf_books.transcripts.submission import SessionMetadata, check_key
from orf_books.transcripts.timestamps import read_timestamp
from orf_books.transcripts.turns import Piece, ReadTurns, Row, Turn, read_turns
from orf_books.transcripts.utterance import Session, SpeakerRole, Utterance

LARGEST_UNATTRIBUTED_SHARE = 0.9
"""Of the rows of a file; with more, it is no transcript of this class."""

_INVALID = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session, and what is wrong with its file."""

    session: Session
    total_lines: int
    """Lines of text, rows of a table, or records, those that are not blank."""
    without_consent: int
    """Utterances of students who have not consented: dropped, only counted."""
    warnings: tuple[LineWarning, ...]
    """In the order of lines."""

    @property
    def student_ids(self) -> tuple[str, ...]:
        """Students of whom something was kept."""
        students = {said.student_id for said in self.session.utterances if said.student_id}
        return tuple(sorted(students))

    @property
    def unattributed(self) -> int:
        """Utterances of nobody on the roster: kept without their words."""
        return sum(not said.text for said in self.session.utterances)


def read_session(
    content: bytes,
    key: str,
    metadata: SessionMetadata,
    roster: Roster,
    largest_unattributed_share: float = LARGEST_UNATTRIBUTED_SHARE,
) -> ReadSession:
    """Read a raw file.

    Args:
        content: the file.
        key: where it lies.
        metadata: what is declared of it.
        roster: of its class.
        largest_unattributed_share: of its rows, from 0 to 1, that nobody known speaks.

    Raises:
        UnusableTranscript: it is no transcript, its key contradicts its metadata, or next to
            nothing in it can be attributed to anybody.
    """
    check_key(key, metadata)
    raw = read_raw_file(content, metadata.format)
    laid_out = raw.rows()
    rows = [row for row in laid_out if isinstance(row, Row)]
    speakers = Speakers(roster)
    turns = read_turns(rows, speakers)
    heard = _Heard(rows, speakers, turns)
    warnings = {*(row for row in laid_out if isinstance(row, LineWarning)), *heard.warnings}
    _refuse_unattributed(heard, len(laid_out), sorted(warnings), largest_unattributed_share)
    sha256 = hashlib.sha256(content).hexdigest()
    has_offsets = raw.layout is Layout.LINES
    utterances = tuple(_in_their_languages(heard.utterances(sha256, has_offsets=has_offsets)))
    warnings.update(_not_english(utterances))
    session = Session(
        class_id=metadata.class_id,
        day=metadata.day,
        source_key=key,
        source_sha256=sha256,
        format=metadata.format.value,
        utterances=utterances,
        source=metadata.source,
    )
    return ReadSession(session, len(laid_out), heard.without_consent, tuple(sorted(warnings)))


def _refuse_unattributed(
    heard: "_Heard", rows: int, warnings: Sequence[LineWarning], largest_share: float
) -> None:
    causes = f": {causes_of(warnings)}" if warnings else ""
    if not heard.turns:
        raise UnusableTranscript(
            ErrorCode.NO_UTTERANCES,
            f"Nothing that anyone says was found in it{causes}. Upload a transcript in which it "
            "says who speaks.",
            warnings,
        )
    unattributed = rows - heard.attributed_rows
    if unattributed > largest_share * rows:
        raise UnusableTranscript(
            ErrorCode.NOT_ATTRIBUTED,
            f"{unattributed} of {rows} lines cannot be attributed to anybody of the class{causes}. "
            "Add its labels to the roster as names or aliases; `orf-books roster suggest` lists "
            "them.",
            warnings,
        )


@dataclass(frozen=True, slots=True)
class _SaidTurn:
    """A turn, and who speaks it."""

    turn: Turn
    speaker: Speaker
    timestamp: str | None
    warnings: tuple[WarningCode, ...]


class _Heard:
    """The turns of a session with their speakers."""

    def __init__(self, rows: Sequence[Row], speakers: Speakers, read: ReadTurns) -> None:
        self._rows = rows
        self.turns: list[_SaidTurn] = []
        self.warnings = list(read.warnings)
        self.without_consent = 0
        last_time, last_said, said = "", ("", "", ""), set[tuple[str, str, str]]()
        for turn in read.turns:
            words = self._words(turn.pieces)
            if _INVALID.search("".join(words)):
                self.warnings.append(LineWarning(turn.line, WarningCode.INVALID_TEXT))
                continue
            speaker, time = speakers.speaker_of(turn), read_timestamp(turn.timestamp or "")
            codes = [speaker.warning] if speaker.warning else []
            if turn.timestamp and not time:
                codes.append(WarningCode.BAD_TIMESTAMP)
            if time and time < last_time:
                codes.append(WarningCode.TIME_GOES_BACK)
            last_time = time or last_time
            # People repeat themselves, but not in the same second; without times, not at once.
            this = (speaker.speaker_id, " ".join(" ".join(words).split()), time or "")
            if this == last_said or (time and this in said):
                codes.append(WarningCode.DUPLICATE_LINE)
            last_said = this
            said.add(this)
            self.turns.append(_SaidTurn(turn, speaker, time, tuple(codes)))
            self.warnings += [LineWarning(turn.line, code) for code in codes]

    @property
    def attributed_rows(self) -> int:
        """Rows of which it is known who speaks."""
        known = (one.turn.rows for one in self.turns if _is_known(one.speaker))
        return len({row for rows in known for row in rows})

    def utterances(self, source_sha256: str, *, has_offsets: bool) -> Iterator[Utterance]:
        """What is kept; the languages are not known yet."""
        starting = Counter[int]()
        spoken = [(one, spoken_text(self._words(one.turn.pieces))) for one in self.turns]
        # Somebody's stage directions interrupt nobody.
        spoken = [(one, text) for one, text in spoken if text]
        # Who changes the language begins anew: in English they can be scored.
        for _, group in groupby(
            spoken, key=lambda said: (*_identity(said[0].speaker), other_language(said[1]))
        ):
            turns = [one for one, _ in group]
            speaker, first = turns[0].speaker, turns[0]
            line = first.turn.line
            pieces = tuple(piece for one in turns for piece in one.turn.pieces)
            text = spoken_text(self._words(pieces))
            if not any(map(str.isalnum, text)):
                continue
            if speaker.is_without_consent:
                self.without_consent += 1
                continue
            is_kept = _is_known(speaker)
            yield Utterance(
                utterance_id=f"{source_sha256[:12]}:{line}:{starting[line]}",
                line_number=line,
                speaker_id=speaker.speaker_id,
                speaker_role=speaker.role,
                student_id=speaker.student_id,
                timestamp=first.timestamp,
                text=text if is_kept else "",
                raw_offset=pieces[0].start if has_offsets and is_kept else None,
                lang="",
                lang_conf=0.0,
                warnings=tuple(dict.fromkeys(code for one in turns for code in one.warnings)),
                pieces=pieces if is_kept else (),
            )
            starting[line] += 1

    def _words(self, pieces: Sequence[Piece]) -> list[str]:
        return [self._rows[piece.row].text[piece.start : piece.end] for piece in pieces]


def _is_known(speaker: Speaker) -> bool:
    """Whether it is known who speaks, though perhaps their words must not be kept."""
    return speaker.student_id is not None or speaker.role is SpeakerRole.TEACHER


def _identity(speaker: Speaker) -> tuple[str, bool]:
    return speaker.speaker_id, speaker.is_without_consent


def _in_their_languages(utterances: Iterator[Utterance]) -> Iterator[Utterance]:
    said = list(utterances)
    languages = languages_of([(one.speaker_id, one.text) for one in said])
    for utterance, language in zip(said, languages, strict=True):
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
