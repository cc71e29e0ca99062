"""The three kinds of node that a YAML file consists of here, each with its line.

Must not know where nodes come from or what they are turned into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text. ``plain`` is true when it was written without quotes; ``line`` counts from 1."""

    text: str
    plain: bool
    line: int


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values; ``key_lines`` has the line of each key."""

    fields: Mapping[str, Node]
    key_lines: Mapping[str, int]
    line: int


Node = ScalarNode | SequenceNode | MappingNode


class PlainText(str):
    """A text that was written without quotes, and so may stand for a number or ``true``.

    Everywhere else it is a text like any other: ``no``, ``12:30`` and ``01`` mean themselves.
    """

    __slots__ = ()


def to_data(node: Node) -> object:
    """Return ``node`` as dicts, lists and texts; texts without quotes are :class:`PlainText`."""
    match node:
        case ScalarNode(text, plain):
            return PlainText(text) if plain else text
        case SequenceNode(items):
            return [to_data(item) for item in items]
        case MappingNode(fields):
            return {key: to_data(value) for key, value in fields.items()}
        case _:
            assert_never(node)
