"""`python -m orf_books.resources.general_words`: the most frequent words of English, made anew.

Belongs here: taking them from the language model that comes with pocketsphinx. Not needed at run
time: the model is 27 MB and would be loaded in every process, the list is bundled.
"""

import json
import math
import re
from pathlib import Path

from orf_books.activities import language_model
from orf_books.resources.pocketsphinx_model import VOCABULARY, dictionary_file

LIST = Path(language_model.__file__).with_name("general_words.json")
_WORD = re.compile(r"[a-z][a-z']*")


def most_frequent(count: int) -> dict[str, float]:
    """The words that the dictionary has too, and their shares, the most frequent first."""
    from pocketsphinx import Config, Decoder, get_model_path

    decoder = Decoder(Config(lm=get_model_path("en-us/en-us.lm.bin"), loglevel="FATAL"))
    model, logarithms = decoder.get_lm(), decoder.logmath
    lines = dictionary_file().read_text("utf-8").splitlines()
    words = {line.partition(" ")[0] for line in lines}
    chances = {word: model.prob([word]) for word in words if _WORD.fullmatch(word)}
    ordered = sorted(chances, key=lambda word: (-chances[word], word))[:count]
    shares = {word: math.exp(logarithms.log_to_ln(chances[word])) for word in ordered}
    total = sum(shares.values())
    return {word: float(f"{share / total:.4g}") for word, share in shares.items()}


if __name__ == "__main__":
    LIST.write_text(json.dumps(most_frequent(VOCABULARY), indent=0) + "\n", encoding="utf-8")
