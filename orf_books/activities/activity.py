"""The record of an activity: what was read, what the first pass said, what its models saw.

Belongs here: reading `activity.json`, whether uploaded or answered by the activity API, and the
labels in `truth.json`; messages name the field and never its content. Does not belong here: which
model is believed (`features.py`), and whether the numbers of words agree (`rescoring.py`).
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AliasPath,
    BeforeValidator,
    Field,
    FiniteFloat,
    NonNegativeInt,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from orf_books.activities.norms import Season
from orf_books.failures import FixInput
from orf_books.validation_messages import validation_messages

_Content = TypeVar("_Content")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise PydanticCustomError("uuid", "Input should be a UUID")
    return text


_STORY = ("story", "chapters", 0)
_EMPTY_FOR_NULL = BeforeValidator(lambda value: () if value is None else value)

Flags = tuple[bool, ...]
"""One flag a word of a phrase, true where the word was misread."""


@dataclass(frozen=True, slots=True)
class FeatureRecord:
    """What one model of the first pass saw of one phrase."""

    phrase: Annotated[NonNegativeInt, Field(validation_alias="phraseIndex")]
    """Index of the phrase in the story."""
    model: str | None = None
    kaldi_match: Annotated[tuple[bool, ...] | None, Field(validation_alias="Kaldi_match")] = None
    """Whether Kaldi heard each word."""
    w2v_match: Annotated[tuple[bool, ...] | None, Field(validation_alias="W2V_match")] = None
    """Whether wav2vec heard each word."""
    phoneme_distances: Annotated[
        tuple[FiniteFloat | None, ...] | None, Field(validation_alias="we_dist")
    ] = None
    """Phonemes by which each word differs from what wav2vec heard."""
    confidences: Annotated[
        tuple[FiniteFloat, ...] | None, Field(validation_alias="correct_confidences")
    ] = None
    """How surely each word was read correctly; None makes the record unusable."""


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What is known of a model of the first pass."""

    threshold: Annotated[FiniteFloat, Field(validation_alias=AliasPath("properties", "threshold"))]
    """A word is predicted to be misread where the confidence is below it."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One child's reading of one story, before it is rescored."""

    activity_id: Annotated[str, Field(validation_alias="activityId", min_length=1)]
    story_id: Annotated[str, AfterValidator(_uuid), Field(validation_alias="storyId")]
    """A UUID, as it is written in the record: objects are named by it."""
    phrases: Annotated[
        tuple[str, ...], Field(validation_alias=AliasPath(*_STORY, "phrases"), min_length=1)
    ]
    """Texts of the first chapter, the only one that is read."""
    errors: tuple[Flags, ...]
    """What the first pass decided, by phrase; may be shorter than the story."""
    tags: Annotated[
        tuple[str, ...], _EMPTY_FOR_NULL, Field(validation_alias=AliasPath("story", "tags"))
    ] = ()
    features: Annotated[tuple[FeatureRecord, ...], _EMPTY_FOR_NULL] = ()
    """Empty in a record of the activity API, which gives them separately."""
    models: Annotated[Mapping[str, ModelMetadata], BeforeValidator(lambda value: value or {})] = (
        field(default_factory=dict)
    )
    """Metadata by name of the model, as far as the record holds it."""
    grade: int | None = None
    season: Season | None = None
    status: str | None = None
    display_status: Annotated[str | None, Field(validation_alias="displayStatus")] = None
    version: int | str | None = None
    """Told with what is written back, so that no newer record is overwritten."""


@dataclass(frozen=True, slots=True)
class _Truth:
    words: tuple[Flags, ...]


_ACTIVITY = TypeAdapter(Activity)
_TRUTH = TypeAdapter(_Truth)


def read_activity(content: bytes) -> Activity:
    """Read the record of an activity.

    Raises:
        FixInput: it is no JSON, or a field is missing or of the wrong kind.
    """
    return _read(_ACTIVITY, content, "The record of the activity")


def read_truth(content: bytes) -> tuple[Flags, ...]:
    """Read what a person labelled, by phrase: `{"words": [[false, true], ...]}`.

    Raises:
        FixInput: it is no JSON of that form.
    """
    return _read(_TRUTH, content, "truth.json").words


def _read(adapter: TypeAdapter[_Content], content: bytes, name: str) -> _Content:
    try:
        return adapter.validate_json(content.removeprefix(codecs.BOM_UTF8))
    except ValidationError as refused:
        wrong = validation_messages(refused)
    raise FixInput(f"{name} cannot be used: {wrong}. Mend it, and run the activity again.")
