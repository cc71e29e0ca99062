"""Nodes to models: pydantic's errors become ContentErrors with the line of the node.

Must not know any particular model. Of several mistakes the first in the file is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar, assert_never

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graders.engine.content.fields import Location
from graders.engine.content.nodes import MappingNode, Node, ScalarNode, SequenceNode, to_data
from graders.engine.content.strict_yaml import MAX_BYTES, load
from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

Model = TypeVar("Model", bound=BaseModel)

_A_TEXT = "must be a text"
_A_LIST = "must be a list"
_A_MAPPING = "must have keys and values"

_WANTED = {
    "string_type": _A_TEXT,
    "tuple_type": _A_LIST,
    "list_type": _A_LIST,
    "dict_type": _A_MAPPING,
    "mapping_type": _A_MAPPING,
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}

_CURES = {
    _A_LIST: "Write each entry on a line of its own that begins with `- `.",
    _A_MAPPING: "Write each as `key: value` on a line of its own.",
}


class _Mistake(NamedTuple):
    line: int
    message: str
    cure: str


class _Place(NamedTuple):
    """Where a location leads: ``name`` as in ``criteria[2].points``, and how it may be found."""

    node: Node
    line: int
    name: str


def read(path: Path, model: type[Model], *, max_bytes: int = MAX_BYTES) -> Model:
    """Read the file at ``path`` as a ``model``; whatever is wrong is a ContentError."""
    return bind(load(path, max_bytes=max_bytes), model, path)


def bind(node: Node, model: type[Model], path: Path) -> Model:
    """Make a ``model`` of ``node``; ``path`` is only named in errors."""
    try:
        return model.model_validate(to_data(node))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        mistake = min(
            (_mistake(detail, node) for detail in details), key=lambda mistake: mistake.line
        )
        raise ContentError(path, mistake.line, mistake.message, cure=mistake.cure) from error


def wrong_at(
    root: Node, location: Location, message: str, path: Path, *, cure: str = ""
) -> ContentError:
    """Return the error about one place of a file that a model alone cannot judge."""
    place = _find(root, location)
    return ContentError(path, place.line, f"{place.name}{message}", cure=cure)


def _mistake(detail: ErrorDetails, root: Node) -> _Mistake:
    context: Mapping[str, object] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "flaw":
        place = _find(root, (*detail["loc"], *_location(context["at"])))
        return _Mistake(place.line, f"{place.name}{context['message']}", str(context["cure"]))
    place = _find(root, detail["loc"])
    if kind == "missing":
        return _missing(place, str(detail["loc"][-1]))
    if wanted := _WANTED.get(kind):
        message = f"{place.name}{wanted.format(**context)}, not {_describe(place.node)}."
        return _Mistake(place.line, message, _CURES.get(wanted, ""))
    return _Mistake(place.line, f"{place.name}{quote(detail['msg'], 200)}.", "")


def _missing(place: _Place, key: str) -> _Mistake:
    return _Mistake(place.line, f"{place.name}`{key}` is missing.", f"Add `{key}: ...`.")


def _location(value: object) -> Location:
    return value if isinstance(value, tuple) else ()


def _find(root: Node, location: Location) -> _Place:
    """Follow ``location`` as far as there are nodes; pydantic's own steps (unions) are skipped."""
    node, line, name = root, root.line, ""
    for step in location:
        match node:
            case MappingNode(fields, key_lines) if isinstance(step, str) and step in fields:
                node, line = fields[step], key_lines[step]
                name += f".{step}" if name else step
            case SequenceNode(items) if isinstance(step, int) and step < len(items):
                node = items[step]
                line = node.line
                name += f"[{step + 1}]"
            case _:
                continue
    return _Place(node, line, f"`{quote(name)}`: " if name else "")


def _describe(node: Node) -> str:
    match node:
        case ScalarNode(text):
            return f"`{quote(text)}`" if text else "an empty text"
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "keys and values"
        case _:
            assert_never(node)
