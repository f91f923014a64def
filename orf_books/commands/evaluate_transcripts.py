"""How well skills are detected in texts that someone labelled.

Belongs here: the question that `orf-books evaluate transcripts` answers. Does not belong here:
measures (`transcripts/evaluation.py`), printing.
"""

from pathlib import Path

from orf_books.failures import FixInput
from orf_books.transcripts.evaluation import Evaluation, evaluate_skills
from orf_books.transcripts.labels import Half, labelled_sentences, read_labels


def evaluate_transcripts(labels: Path | None) -> Evaluation:
    """Compare what is detected in labelled texts with their labels.

    Args:
        labels: lines of JSON; where there is none, our own sentences that nothing was tuned on.

    Raises:
        FixInput: the labels cannot be read.
    """
    if labels is None:
        texts = labelled_sentences(Half.HELD_OUT)
    elif labels.is_dir():
        raise FixInput(f"{labels} is a folder; labels of transcripts are JSON lines.")
    else:
        texts = read_labels(labels.read_bytes())
    return evaluate_skills(texts)
