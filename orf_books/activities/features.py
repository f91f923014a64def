"""What the models of the first pass saw, and which of them is believed.

Belongs here: choosing one model's features, and the flags that a model predicts. Does not belong
here: reading records (`activity.py`), and doing something about a prediction (`flagging.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orf_books.activities.activity import FeatureRecord, Flags
from orf_books.failures import FixInput

_DISREGARDED = "faux"
"""How the names of models begin that are there for show."""
_CHECKED_AGAIN = "second"
"""What the names of models of the second pass contain."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What the believed model saw of one phrase."""

    model: str
    """Empty where the record names none."""
    confidences: tuple[float, ...]
    """How surely each word was read correctly."""
    stored_k: tuple[bool, ...]
    """Whether Kaldi heard each word in the first pass; empty where that was not stored."""
    stored_w: tuple[bool, ...]
    """The same of wav2vec."""

    def predicted_misread(self, threshold: float) -> Flags:
        """The flags that the model comes to: true where the confidence is below its threshold."""
        return tuple(confidence < threshold for confidence in self.confidences)


def believed_features(records: Iterable[FeatureRecord]) -> dict[int, Feature]:
    """The features of one model, by index of the phrase and in order of it.

    A model of the second pass is believed where it saw every phrase up to the last that any model
    saw; otherwise the model of the first pass that saw most phrases. Names decide between equals.

    Raises:
        FixInput: no record has confidences.
    """
    models = _by_model(records)
    if not models:
        raise FixInput(
            "The activity has no usable features: none has `correct_confidences`. Run its first "
            "pass again."
        )
    all_phrases = set(range(1 + max(phrase for found in models.values() for phrase in found)))
    second = {name: found for name, found in models.items() if _CHECKED_AGAIN in name.lower()}
    complete = {name: found for name, found in second.items() if found.keys() == all_phrases}
    first = {name: found for name, found in models.items() if name not in second}
    candidates = complete or first or second
    # Names sort last that are missing.
    believed = min(candidates, key=lambda name: (-len(candidates[name]), not name, name))
    return dict(sorted(candidates[believed].items()))


def _by_model(records: Iterable[FeatureRecord]) -> Mapping[str, dict[int, Feature]]:
    models: defaultdict[str, dict[int, Feature]] = defaultdict(dict)
    for record in records:
        model = record.model or ""
        if record.confidences is not None and not model.lower().startswith(_DISREGARDED):
            feature = Feature(
                model, record.confidences, record.kaldi_match or (), _stored_w(record)
            )
            models[model].setdefault(record.phrase, feature)
    return models


def _stored_w(record: FeatureRecord) -> tuple[bool, ...]:
    if record.w2v_match is not None:
        return record.w2v_match
    return tuple(distance == 0 for distance in record.phoneme_distances or ())
