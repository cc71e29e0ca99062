"""Strict YAML: text to nodes, or a ContentError with file and line.

Must not know what a file is for. Reads hostile files too, so there is a cap on everything, and
whatever is in the file, only a ContentError comes out. Stricter than YAML:

- every scalar is a text; whether ``40`` is a number is for the model to say (YAML 1.1 would turn
  ``no``, ``on``, ``12:30``, ``1.10`` and ``01`` into something else)
- a key may occur once (YAML parsers keep the last one silently), and must have a value
- no anchors, aliases and tags (a few lines of aliases can stand for gigabytes)
- one document a file

It stands on PyYAML's events rather than on its composer: a forbidden thing is refused when it is
met, before anything has been built from it.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from graders.engine.content.nodes import MappingNode, Node, ScalarNode, SequenceNode
from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 20_000

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_CURES = (
    (r"'\t'", "Indent with spaces, not with tabs."),
    ("that cannot start any token", "Put the text in quotes."),
    (
        "mapping values are not allowed",
        "Put a text that contains `: ` in quotes; let the keys of one thing begin in one column.",
    ),
    ("could not find expected ':'", "Each line here needs the form `key: value`."),
    ("while scanning a quoted scalar", "Close the quotes."),
    ("while parsing a flow", "Close the bracket, or put the text in quotes."),
    ("while parsing a block", "Lines that belong together must be indented alike."),
)


def load(path: Path, *, max_bytes: int = MAX_BYTES) -> Node:
    """Read the YAML file at ``path``; any mistake in it is a ContentError."""
    return parse(_decode(_read(path, max_bytes), path), path)


def parse(text: str, path: Path, *, empty_values: bool = False) -> Node:
    """Turn ``text`` into nodes; ``path`` is only named in errors.

    With ``empty_values`` a key need not have a value: none is an empty text.
    """
    if odd := _ODD.search(text) or _SURROGATE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise ContentError(
            path,
            line,
            f"holds the character `{quote(odd[0])}`.",
            cure="Remove it, or write it as an escape in double quotes.",
        )
    loader = yaml.SafeLoader(text)
    try:
        return _Composer(loader, path, empty_values).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, path) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as "\UFFFFFFFF"
        raise ContentError(path, loader.line + 1, "is not valid YAML.") from error
    finally:
        loader.dispose()


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        if not path.is_file():  # a pipe would block, a folder cannot be read
            raise ContentError(path, None, "is not a file.")
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise ContentError(path, None, f"cannot be read ({error.strerror}).") from error
    if len(data) > max_bytes:
        raise ContentError(path, None, f"is larger than {max_bytes:,} bytes.")
    return data


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ContentError(path, line, "is not UTF-8.", cure="Save the file as UTF-8.") from error


def _syntax_error(error: yaml.MarkedYAMLError, path: Path) -> ContentError:
    mark = error.problem_mark or error.context_mark
    said = f"{error.problem or ''} ({error.context})" if error.context else str(error.problem)
    cure = next((cure for sign, cure in _CURES if sign in said), "")
    return ContentError(
        path, mark.line + 1 if mark else None, f"is not valid YAML: {quote(said, 200)}.", cure=cure
    )


class _Composer:
    """Builds nodes from the events of one loader, and refuses what is not allowed here."""

    def __init__(self, loader: yaml.SafeLoader, path: Path, empty_values: bool) -> None:
        self._loader = loader
        self._path = path
        self._empty_values = empty_values
        self._count = 0

    def document(self) -> Node:
        self._next()  # the stream starts
        if isinstance(self._next(), StreamEndEvent):
            raise self._error(None, "is empty.")
        node = self._node(self._next(), depth=1)
        self._next()  # the document ends
        if not isinstance(event := self._next(), StreamEndEvent):
            raise self._error(
                event, "holds a second document.", cure="Remove what comes after `---`."
            )
        if isinstance(node, ScalarNode) and not node.text:
            raise self._error(None, "is empty.")
        return node

    def _node(self, event: Event, depth: int) -> Node:
        self._check(event, depth)
        match event:
            case ScalarEvent():
                return self._scalar(event)
            case SequenceStartEvent():
                return self._sequence(event, depth)
            case _:
                return self._mapping(event, depth)

    def _scalar(self, event: ScalarEvent) -> ScalarNode:
        if _SURROGATE.search(event.value):
            raise self._error(
                event,
                "holds half of a surrogate pair.",
                cure=r"Write the character itself, or its full code such as `\U0001F600`.",
            )
        return ScalarNode(event.value, event.style is None, _line(event))

    def _sequence(self, start: Event, depth: int) -> SequenceNode:
        items = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._value(self._node(event, depth + 1), "The item"))
        return SequenceNode(tuple(items), _line(start))

    def _mapping(self, start: Event, depth: int) -> MappingNode:
        fields: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(self._node(event, depth + 1), lines)
            lines[key] = _line(event)
            fields[key] = self._value(self._node(self._next(), depth + 1), f"`{quote(key)}`")
        return MappingNode(fields, lines, _line(start))

    def _key(self, node: Node, known: dict[str, int]) -> str:
        if not isinstance(node, ScalarNode) or not node.text:
            raise ContentError(self._path, node.line, "A key must be a text.")
        if node.text in known:
            raise ContentError(
                self._path,
                node.line,
                f"`{quote(node.text)}` is there already, on line {known[node.text]}.",
                cure="Remove one of the two.",
            )
        return node.text

    def _value(self, node: Node, what: str) -> Node:
        is_empty = isinstance(node, ScalarNode) and node.plain and not node.text
        if is_empty and not self._empty_values:
            raise ContentError(
                self._path,
                node.line,
                f"{what} has no value.",
                cure='Write `""` for an empty text, and quotes around one that starts with `{`.',
            )
        return node

    def _check(self, event: Event, depth: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise self._error(event, f"holds more than {MAX_NODES:,} values.")
        if depth > MAX_DEPTH:
            raise self._error(event, f"is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            raise self._error(
                event,
                "Anchors (`&`) and aliases (`*`) are not allowed.",
                cure="Write the value out, or put a text that starts so in quotes.",
            )
        if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) and event.tag:
            raise self._error(
                event,
                "Tags (`!`) are not allowed.",
                cure="Put a text that starts with `!` in quotes.",
            )

    def _next(self) -> Event:
        event: Event = self._loader.get_event()  # type: ignore[no-untyped-call]
        return event

    def _error(self, event: Event | None, message: str, *, cure: str = "") -> ContentError:
        return ContentError(self._path, _line(event) if event else None, message, cure=cure)


def _line(event: Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 1
