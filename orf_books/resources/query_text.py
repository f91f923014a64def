"""Text in the query of a request.

Belongs here: how much of a text goes into a query. Does not belong here: which questions are asked,
and what has a meaning of its own in the query language of a service.
"""

from urllib.parse import quote_plus


def start_of(text: str, most: int) -> str:
    """The start of a text that takes at most so many bytes in a URL, up to the end of a word.

    Servers refuse request lines of more than about 8 kB, and a title may have any length. The start
    of a title finds the same books, perhaps among others.
    """
    if len(quote_plus(text)) <= most:
        return text
    room, kept = most, ""
    for character in text:
        room -= len(quote_plus(character))
        if room < 0:
            break
        kept += character
    whole_words, _, _ = kept.rpartition(" ")
    return whole_words or kept
