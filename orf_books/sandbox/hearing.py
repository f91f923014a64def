"""What the recognisers of the sandbox hear: whatever they are told to.

Belongs here: the switchboard that tests and the demo set. Does not belong here: how a recogniser
puts it (`deepgram.py`, `speech_services.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import Transcript


@dataclass(slots=True)
class Hearing:
    """What is heard in a recording; silence, unless set.

    Set it at any time; the functions are called in the thread of the server and must be quick, so
    look things up (`Recording.fingerprint`) instead of recognising speech.
    """

    transcript: Callable[[Recording], Transcript] = lambda _: Transcript(())
    """Deepgram's. Say fillers too: Deepgram leaves them out for those who do not ask for them."""
    words: Callable[[Recording, str], str] = lambda _, __: ""
    """Kaldi's, which also knows the id of the language model that it is asked to use."""
    phonemes: Callable[[Recording], str] = lambda _: ""
    """wav2vec's, in the vendor's alphabet."""
