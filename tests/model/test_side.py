"""Answers to side calls let the application go on."""

from __future__ import annotations

import enum
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from graders.engine.model.side import (
    TITLE,
    is_good_name,
    plain_answer,
    structured_answer,
)


class Level(enum.StrEnum):
    """A choice with a harmless value."""

    HIGH = "high"
    LOW = "low"


class Inner(BaseModel):
    """Numbers with limits."""

    count: int = Field(ge=3, le=9)
    share: float = Field(gt=0, lt=1)
    note: str | None


class Verdict(BaseModel):
    """Every kind of field."""

    title: str
    isAllowed: bool  # noqa: N815
    blocked: bool
    level: Level
    route: Literal["sales", "support", "other"]
    inner: Inner
    many: list[Inner] = Field(min_length=2)
    none: None
    any_of: int | str


def test_structured_answer_is_an_instance_of_the_schema() -> None:
    verdict = Verdict.model_validate_json(structured_answer(Verdict.model_json_schema()))
    assert verdict.title == TITLE
    assert (verdict.isAllowed, verdict.blocked) == (True, False)
    assert (verdict.level, verdict.route) == (Level.LOW, "other")
    assert len(verdict.many) == 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        ({"const": 7}, 7),
        ({"enum": [1, 2]}, 1),
        ({"enum": ["blocked", "not_safe", "safe"]}, "safe"),
        ({"type": ["null", "string"]}, "ok"),
        ({"type": "array", "minItems": 1}, ["ok"]),
        ({"allOf": [{"type": "boolean"}]}, False),
        ({"$ref": "#/$defs/missing"}, {}),
        ({"type": "integer", "exclusiveMinimum": 4}, 5),
        ({"type": "number", "maximum": -2}, -2),
        ({"properties": {"a": "nonsense"}}, {"a": None}),
    ],
)
def test_structured_answer_of_odd_schemas(schema: dict[str, Any], value: object) -> None:
    assert json.loads(structured_answer(schema)) == value


def test_structured_answer_of_a_schema_that_explodes_is_bounded() -> None:
    wide = {"properties": {f"p{n}": {"$ref": "#/$defs/wide"} for n in range(20)}}
    schema = {"$defs": {"wide": wide}, "$ref": "#/$defs/wide"}
    assert len(structured_answer(schema)) < 1_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "anyOf", "$ref", "$defs", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "$ref", "minItems"]), JSON))
def test_structured_answer_never_raises(schema: dict[str, Any]) -> None:
    json.loads(structured_answer(schema))


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("is_safe", True),
        ("onTopic", True),
        ("on_topic", True),
        ("ok", True),
        ("off_topic", False),
        ("unsafe", False),
        ("is_not_allowed", False),
        ("inappropriate", False),
        ("is_math_homework", False),
        ("", False),
    ],
)
def test_good_names(name: str, good: bool) -> None:
    assert is_good_name(name) is good


@pytest.mark.parametrize(
    ("purpose", "prompt", "answer"),
    [
        ("title", "Title please", TITLE),
        ("other", "Anything", TITLE),
        ("summary", "Summarize", "A short chat between a user and an assistant."),
        ("check", "Reply SAFE or UNSAFE", "SAFE"),
        ("check", "Answer allow/block", "allow"),
        ("check", "Is it safe? YES or NO", "YES"),
        ("check", "Does it harm? Answer yes or no", "no"),
        ("check", "Is it harmful? True/False", "False"),
        ("check", "A guardrail", "no"),
        ("classification", "Classify: billing, general, refund", "general"),
        ("classification", "Classify into one of: billing, refund", "billing"),
        ("classification", "Classify it", "general"),
    ],
)
def test_plain_answers(purpose: str, prompt: str, answer: str) -> None:
    assert plain_answer(purpose, prompt) == answer
