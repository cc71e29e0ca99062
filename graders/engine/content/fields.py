"""The types of the values in content files, and the base of all models of such files.

Must not know any particular file. A text without quotes arrives as
:class:`~graders.engine.content.nodes.PlainText`; only the types here read it as something else.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic_core import PydanticCustomError

from graders.engine.content.nodes import PlainText
from graders.engine.core.text import quote

Location = tuple[int | str, ...]
Item = TypeVar("Item")

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_JSON_WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def flaw(message: str, *, at: Location = (), cure: str = "") -> PydanticCustomError:
    """Make the error that a validator raises; ``at`` is the place below the validated value."""
    context = {"message": message, "at": at, "cure": cure}
    return PydanticCustomError("flaw", "{message}", context)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names what ``word`` may have been meant for, or all there is."""
    names = list(known)
    if close := difflib.get_close_matches(word[:100], names, n=1):
        return f"Did you mean `{close[0]}`?"
    return f"Known: {', '.join(f'`{name}`' for name in names)}." if names else "There are none."


def is_slug(text: str) -> bool:
    """Return whether ``text`` is a stable id: small letters, digits, single hyphens between."""
    return len(text) <= 80 and _SLUG.fullmatch(text) is not None


def _slug(text: str) -> str:
    if is_slug(text):
        return text
    raise flaw(
        f"`{quote(text)}` is not an id.",
        cure="Use small letters, digits and single hyphens, such as `answer-streams`.",
    )


def _name(text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    raise flaw(
        f"`{quote(text)}` is not a name.",
        cure="Use small letters, digits, `-` and `_`, beginning with a letter.",
    )


def _sentence(text: str) -> str:
    if stripped := text.strip():
        return stripped
    raise flaw("A text is missing here.", cure="Write at least a word.")


def not_empty(values: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return ``values`` unless there are none.

    (Pydantic's own ``min_length`` counts valid entries only, and so would hide a mistake in one.)
    """
    if values:
        return values
    raise flaw("The list must not be empty.", cure="Write at least one entry.")


def _whole_number(value: object) -> object:
    if isinstance(value, PlainText) and _WHOLE.fullmatch(value):
        return int(value)
    if type(value) is int:
        return value
    raise flaw("A whole number is wanted here.", cure="Write it in digits and without quotes.")


def _truth(value: object) -> object:
    if isinstance(value, PlainText) and value in {"true", "false"}:
        return value == "true"
    if isinstance(value, bool):
        return value
    raise flaw("`true` or `false` is wanted here.", cure="Write it without quotes.")


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def json_data(value: object) -> object:
    """Read texts without quotes as JSON would: numbers, ``true``, ``false``, ``null``."""
    match value:
        case PlainText():
            return _json_scalar(value)
        case dict():
            return {key: json_data(item) for key, item in value.items()}
        case list():
            return [json_data(item) for item in value]
        case _:
            return value


def _json_scalar(text: str) -> JsonValue:
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    if not (number := _JSON_NUMBER.fullmatch(text)):
        return str(text)
    if _WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    if not math.isfinite(value) or number[2] is number[3] is None:
        raise flaw("The number is too large.", cure="Put it in quotes if it is a text.")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Name = Annotated[str, AfterValidator(_name)]
Sentence = Annotated[str, AfterValidator(_sentence)]
"""A text for people: not blank; surrounding white space is removed."""
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
Count = Annotated[WholeNumber, Field(ge=1)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Chunks = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
"""One text or a list of texts."""
Arguments = Annotated[dict[str, JsonValue] | str, BeforeValidator(json_data)]
"""The arguments of a tool: keys with JSON values, or a text to be sent as it is."""
FormatVersion = Annotated[Literal[1], BeforeValidator(_whole_number)]


class ContentModel(BaseModel):
    """Base of all models of content files: immutable, unknown keys are errors with a cure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: object) -> object:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise flaw(
                        f"`{quote(str(key))}` is not a known key.",
                        at=(key,),
                        cure=did_you_mean(str(key), cls.model_fields),
                    )
        return data
