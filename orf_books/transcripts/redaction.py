"""Taking people out of a text before it leaves the restricted tables.

Belongs here: which words are a person's. Does not belong here: evidence itself, which keeps the
verbatim text and is redacted where it is shown.
"""

import re
import unicodedata
from collections.abc import Iterator

from orf_books.transcripts.roster import Roster, RosterEntry
from orf_books.transcripts.speakers import is_generic_label
from orf_books.transcripts.utterance import SpeakerRole

PEER, TEACHER, EMAIL, PHONE = "[peer]", "[teacher]", "[email]", "[phone]"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<!\w)(?:"
    r"\+\d[\d ().-]{6,}\d"
    r"|(?:1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-]?)\d{3}[ .-]?\d{4}"
    r"|\d{3}[ .-]\d{4}"
    r")(?!\w)"
)
_SHORTEST_NAME = 2
"""Letters: initials are words, too."""
_NAME_WORD = re.compile(r"[^\W_]+")
_BETWEEN_NAMES = r"[\W_]{0,2}"
"""`Anne-Marie`, `Anne Marie` and `annemarie` are one name."""
_TITLES = frozenset({"dr", "miss", "mister", "mr", "mrs", "ms", "mx", "prof", "professor"})
_TITLED = re.compile(rf"\b(?i:{'|'.join(sorted(_TITLES))})\.? +[A-Z][\w'-]+")
"""Staff that is not on the roster: `Ms. Rivera`."""
_ORDINARY_WORDS = re.compile(
    r"amber|angel|april|art|august|autumn|bell|best|bill|black|brook|brown|bush|chance|chase|"
    r"christian|cook|dawn|day|dean|drew|faith|field|fox|frank|gene|good|grace|grant|gray|green|"
    r"guy|harmony|heaven|hill|hope|hunter|jack|joy|june|justice|king|lane|law|light|lily|little|"
    r"long|love|major|mark|mason|may|melody|miles|moon|north|page|park|pat|paul|pearl|penny|"
    r"price|prince|rain|ray|reed|rich|rob|rose|ruby|sage|skip|sky|star|stone|story|summer|sunny|"
    r"trinity|true|violet|wade|ward|west|white|will|winter|wolf|wood|young",
    re.IGNORECASE,
)
"""Names that are also said of other things: without a capital letter they name nobody."""


class Redactor:
    """Puts marks where a text names people of a class, or how to reach anyone.

    Names are found as they are on the roster, whole or each of their words, whatever their case;
    of others, only those with a title.
    """

    def __init__(self, roster: Roster) -> None:
        patterns = {
            role: {
                pattern
                for entry in roster.entries
                if entry.role is role
                for pattern in name_patterns(entry)
            }
            for role in (SpeakerRole.STUDENT, SpeakerRole.TEACHER)
        }
        self._names = re.compile(
            "|".join(
                # The longest first, or of a whole name only the first word would be found.
                f"(?P<{role}>{'|'.join(sorted(found, key=len, reverse=True)) or '(?!)'})"
                for role, found in patterns.items()
            ),
            re.IGNORECASE,
        )

    def redact(self, text: str) -> str:
        """The text with marks for names, addresses and telephone numbers."""
        text = _EMAIL.sub(EMAIL, unicodedata.normalize("NFC", text))
        return _TITLED.sub(TEACHER, self._names.sub(_mark, _PHONE.sub(PHONE, text)))


def name_patterns(entry: RosterEntry) -> Iterator[str]:
    """Regular expressions for what someone is called: names, their words, and aliases.

    They are for texts in NFC and `re.IGNORECASE`, and capture nothing.
    """
    for name in (*entry.names, *entry.aliases):
        if is_generic_label(name):
            continue
        yield from whole_name_pattern(name)
        # Where a roster has aliases only, they are names.
        if name in entry.names or not entry.names:
            for word in _words(name):
                if word.casefold() not in _TITLES:
                    yield from _pattern([word])


def whole_name_pattern(name: str) -> Iterator[str]:
    """The expression for one name or alias, be it generic; none for an initial."""
    return _pattern(_words(name))


def _mark(found: re.Match[str]) -> str:
    return TEACHER if found.lastgroup == SpeakerRole.TEACHER else PEER


def _words(name: str) -> list[str]:
    return _NAME_WORD.findall(unicodedata.normalize("NFC", name))


def _pattern(words: list[str]) -> Iterator[str]:
    name = "".join(words)
    if len(name) < _SHORTEST_NAME:
        return
    pattern = _BETWEEN_NAMES.join(map(re.escape, words))
    if _ORDINARY_WORDS.fullmatch(name):
        pattern = f"(?-i:{name[0].upper()}){pattern[1:]}"
    # Scripts without capitals may have no spaces between words either.
    is_unspaced = name.isalpha() and name.upper() == name.lower()
    yield pattern if is_unspaced else rf"(?<![^\W_]){pattern}s?(?![^\W_])"
