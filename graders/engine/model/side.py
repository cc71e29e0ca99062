"""Harmless answers to side calls: a title, a guardrail's verdict, an instance of a schema.

Harmless means that the application goes on: a guard lets the message pass. Must not know the
conversation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from graders.engine.model.steps import CallTools, Round, say

TITLE = "A short chat"
_SUMMARY = "A short chat between a user and an assistant."
_MAX_DEPTH = 12
_MAX_ITEMS = 20
_MAX_NODES = 2_000
_MAX_NUMBER = 1e15
_GOOD = {
    "safe", "allow", "allowed", "valid", "ok", "okay", "relevant", "appropriate", "topic",
    "approved", "acceptable", "accept", "pass", "passed", "permitted", "clean", "harmless",
    "related",
}  # fmt: skip
_NOT = {"not", "no", "off", "non"}
_NEUTRAL = {"general", "other", "none", "low", "continue", "neutral", "normal", "chat"}
_PAIRS = (
    ("safe", "unsafe"), ("allowed", "blocked"), ("allow", "block"), ("allow", "deny"),
    ("pass", "fail"), ("accept", "reject"), ("valid", "invalid"), ("ok", "blocked"),
    ("appropriate", "inappropriate"), ("relevant", "irrelevant"),
)  # fmt: skip


def plain_answer(purpose: str, prompt: str) -> str:
    """Return the answer to a side call that wants plain text; ``prompt`` is what it was asked."""
    match purpose:
        case "check":
            return _verdict(prompt)
        case "classification":
            return _category(prompt)
        case "summary":
            return _SUMMARY
        case _:
            return TITLE


def structured_answer(schema: Mapping[str, Any]) -> str:
    """Return JSON text that fits the schema as far as it is understood; never raises."""
    return json.dumps(_Instance(schema).of(schema), ensure_ascii=False)


def without_tools(steps: Round) -> Round:
    """Return a round as a model plays it that was offered no tools: it can only talk."""
    return tuple(step for step in steps if not isinstance(step, CallTools)) or (say(TITLE),)


def _verdict(prompt: str) -> str:
    words = re.findall(r"[A-Za-z]+", prompt)
    lower = {word.lower() for word in words}
    for good, bad in _PAIRS:
        if good in lower and bad in lower:
            return _as_written(good, words)
    yes, no = ("true", "false") if {"true", "false"} <= lower else ("yes", "no")
    return _as_written(yes if lower & _GOOD else no, words)


def _as_written(word: str, words: list[str]) -> str:
    """Return the word in upper or lower case as the prompt has it: some compare it so."""
    return next((written for written in words if written.lower() == word), word)


def _category(prompt: str) -> str:
    lower = prompt.lower()
    for word in ("general", "other", "chat", "none"):
        if re.search(rf"\b{word}\b", lower):
            return word
    listed = re.search(r"(?:one of|into|as|categories)\b[^:]{0,30}:\s*\W*([\w-]+)", lower)
    return listed[1] if listed else "general"


class _Instance:
    """Builds one instance of a schema that the student's side wrote: bounded in depth and size."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MAX_NODES

    def of(self, schema: object, name: str = "", depth: int = 0) -> object:
        self._left -= 1
        if not isinstance(schema, dict) or depth > _MAX_DEPTH or self._left < 0:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return _harmless(schema["enum"])
        inner = self._meant(schema)
        if inner is not None:
            return self.of(inner, name, depth + 1)
        return self._typed(schema, name, depth)

    def _meant(self, schema: dict[str, Any]) -> object:
        """Return the schema that a reference or a choice stands for."""
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            return next((d[name] for d in self._definitions() if name in d), {})
        for key in ("anyOf", "oneOf", "allOf"):
            choices = schema.get(key)
            if isinstance(choices, list) and choices:
                return next((c for c in choices if c != {"type": "null"}), choices[0])
        return None

    def _definitions(self) -> list[dict[str, Any]]:
        found = (self._root.get(key) for key in ("$defs", "definitions"))
        return [definitions for definitions in found if isinstance(definitions, dict)]

    def _typed(self, schema: dict[str, Any], name: str, depth: int) -> object:
        match _type_of(schema, name):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "boolean":
                return is_good_name(name)
            case "integer" | "number" as kind:
                return _in_range(schema, whole=kind == "integer")
            case "null":
                return None
            case _:
                return TITLE if "title" in name.lower() else "ok"

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, object]:
        properties = schema.get("properties")
        fields = properties if isinstance(properties, dict) else {}
        return {key: self.of(inner, key, depth + 1) for key, inner in fields.items()}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[object]:
        count = int(min(_number(schema.get("minItems")) or 0, _MAX_ITEMS))
        items = schema.get("items", {"type": "string"})
        return [self.of(items, name, depth + 1) for _ in range(count)]


def _type_of(schema: dict[str, Any], name: str) -> object:
    kind = schema.get("type", "object" if "properties" in schema or not name else "string")
    if isinstance(kind, list):
        return next((k for k in kind if k != "null"), "null")
    return kind


def _in_range(schema: dict[str, Any], *, whole: bool) -> float:
    low = _number(schema.get("minimum"))
    above = _number(schema.get("exclusiveMinimum"))
    high = _number(schema.get("maximum"))
    value = low if low is not None else 0.0
    if above is not None and value <= above:
        value = above + (1 if whole else 0.001)
    value = min(value, high) if high is not None else value
    return int(value) if whole else value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _MAX_NUMBER else None


def _harmless(choices: list[object]) -> object:
    """Return the choice that lets the application go on.

    A good word, a neutral one, or the first.
    """
    names = [choice for choice in choices if isinstance(choice, str)]
    good = (name for name in names if is_good_name(name))
    neutral = (name for name in names if set(_words(name)) & _NEUTRAL)
    return next(good, next(neutral, choices[0]))


def is_good_name(name: str) -> bool:
    """Return whether true is the harmless value of a flag with this name.

    ``is_safe``, ``onTopic``.
    """
    words = _words(name)
    return any(word in _GOOD for word in words) and not any(word in _NOT for word in words)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word.lower() for word in re.findall(r"[A-Za-z]+", spaced)]
