"""What a user or the grader can do in a conversation script, beside saying something.

Must not know how any of it is played.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from graders.engine.content.fields import (
    ContentModel,
    Sentence,
    Truth,
    WholeNumber,
    flaw,
    json_data,
)
from graders.engine.content.nodes import PlainText
from graders.engine.core.text import quote

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_WAIT = re.compile(r"([1-9][0-9]{0,8}) (second|minute|hour|day)s?")
LONGEST_WAIT = 366 * 86_400
"""Seconds: a year is longer than any session lives."""
LARGEST_PAGE = 100

TokenKind = Literal[
    "good",
    "kept",
    "none",
    "expired",
    "foreign",
    "unsigned",
    "early",
    "wrong_audience",
    "no_user",
    "garbage",
    "wrong_scheme",
    "in_query",
]
"""What a user signs in with; `docs/conversations.md` says what each is."""

TOKEN_KINDS: dict[str, str] = {
    "good": "a good token, made for this request; so it is if nothing is said",
    "kept": "the first good token that the user had in this conversation: it expires after an hour",
    "none": "no token at all",
    "expired": "the user's token of yesterday",
    "foreign": "signed with another secret",
    "unsigned": "`alg: none`, and no signature",
    "early": "not valid before tomorrow (`nbf`)",
    "wrong_audience": "made for another service (`aud`)",
    "no_user": "without `sub`",
    "garbage": "no token, but letters",
    "wrong_scheme": "a good token after `Basic` in place of `Bearer`",
    "in_query": "a good token in the URL, and none in the header",
}


def _seconds(value: object) -> object:
    if isinstance(value, int):
        return value
    match = _WAIT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise flaw(
            f"`{quote(str(value))}` is not a time to wait.",
            cure="Write a whole number and a unit, such as `25 hours` (seconds, minutes, days).",
        )
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_WAIT:
        raise flaw(
            f"`{quote(str(value))}` is longer than a year.", cure="No session lives so long."
        )
    return seconds


def _no_settings(value: object) -> object:
    return {} if value is True or (isinstance(value, PlainText) and value == "true") else value


def _only_true(value: object) -> object:
    if value is True or (isinstance(value, PlainText) and value == "true"):
        return True
    raise flaw("Only `true` is possible here.", cure="Leave the key out where it is not so.")


Wait = Annotated[int, BeforeValidator(_seconds)]
"""A time such as `25 hours`, in seconds."""
Done = Annotated[Literal[True], BeforeValidator(_only_true)]
"""An action or an expectation that needs no settings."""
Json = Annotated[JsonValue, BeforeValidator(json_data)]


class PageRequest(ContentModel):
    """A page of a list: how long, in which order, and whether it goes on after the last one."""

    limit: Annotated[WholeNumber, Field(ge=1, le=LARGEST_PAGE)] | None = None
    order: Literal["asc", "desc"] | None = None
    next: Truth = False


Listed = Annotated[PageRequest, BeforeValidator(_no_settings)]
"""A list; `true` asks for a page as the server makes it."""


class CustomAction(ContentModel):
    """An action as a widget's button sends it, with whatever is in it."""

    type: Sentence
    payload: Json = None
