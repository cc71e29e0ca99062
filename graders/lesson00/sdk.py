"""What the installed SDKs have, read from their sources: modules, names, members, parameters.

Nothing is imported and nothing is run, so it does not matter who asks for which module. What cannot
be told from the source counts as there: nobody loses a point for what this module does not see.
Must not know where the names come from that are looked up.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

ROOTS = ("chatkit", "agents", "openai")
"""The packages that are looked up, as they are imported."""
_KNOWN_DECORATORS = {
    *("classmethod", "staticmethod", "overload", "abstractmethod"),
    *("contextmanager", "asynccontextmanager", "required_args", "cached_property"),
}
_WITHOUT_MEMBERS = {"ABC", "Generic", "object"}
_LONGEST_WAY = 12
"""Imports from module to module until a definition is met."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A module of an SDK: its dotted name and its file."""

    name: str
    file: Path

    @property
    def is_package(self) -> bool:
        """Whether other modules are in it."""
        return self.file.name == "__init__.py"


@dataclass(frozen=True)
class Elsewhere:
    """A name that a module imports: the module that it is from, and its name there."""

    module: str
    name: str


@dataclass(frozen=True)
class Definition:
    """A class, a function or another value of an SDK, and the module that it is defined in."""

    name: str
    module: Source
    node: ast.AST


Found: TypeAlias = Source | Definition | None
"""What a name stands for; None where its source does not tell."""


@cache
def source_of(dotted: str) -> Source | None:
    """Return the module with this name; None if the SDKs have none."""
    root, *parts = dotted.split(".")
    if root not in ROOTS or not all(part.isidentifier() for part in parts):
        return None
    spec = find_spec(root)  # of a top-level name: nothing is imported
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        return None
    place = Path(folders[0]).joinpath(*parts)
    files = [place / "__init__.py"] + [place.with_name(f"{place.name}.py")] * bool(parts)
    return next((Source(dotted, file) for file in files if os.path.isfile(file)), None)  # noqa: PTH113 - a name may be too long for a file


def has(module: Source, name: str) -> bool:
    """Return whether a module has a name, as far as its source tells."""
    names, is_open = _names_of(module)
    return is_open or name in names or source_of(f"{module.name}.{name}") is not None


@cache
def names_in(module: Source) -> list[str]:
    """Return the names that a module has."""
    return sorted(_names_of(module)[0])


@cache
def look_up(module: Source, name: str) -> Found:
    """Return what a name of a module stands for, wherever it is defined."""
    for _ in range(_LONGEST_WAY):
        found = _names_of(module)[0].get(name)
        if found is None:
            return source_of(f"{module.name}.{name}")
        if not isinstance(found, Elsewhere):
            return Definition(name, module, found)
        if not found.name:
            return source_of(found.module)
        target = source_of(found.module)
        if target is None:
            return None
        module, name = target, found.name
    return None


@cache
def members_of(definition: Definition) -> frozenset[str] | None:
    """Return the names of a class's members; None where they cannot all be told."""
    members: set[str] = set()
    for each in _with_bases(definition):
        if each is None:
            return None
        members |= _own_members(each)
        if "__getattr__" in members:
            return None
    return frozenset(members)


@cache
def keywords_of(definition: Definition) -> frozenset[str] | None:
    """Return the parameters that a call may name; None where they cannot all be told."""
    if isinstance(definition.node, Function):
        return _parameters(definition.node)
    if not isinstance(definition.node, ast.ClassDef):
        return None
    fields: set[str] = set()
    has_fields = False
    for each in _with_bases(definition):
        if not isinstance(each, ast.ClassDef):
            if each is None:
                return None
            has_fields = True
            continue
        own = {node.name: node for node in each.body if isinstance(node, Function)}
        if "__new__" in own or _takes_more(each):
            return None
        if "__init__" in own:
            return _parameters(own["__init__"])
        has_fields = has_fields or "dataclass" in map(_last_name, each.decorator_list)
        fields |= set(_fields(each))
    return frozenset(fields) if has_fields else None


def _takes_more(node: ast.ClassDef) -> bool:
    """Return whether a class of pydantic says what becomes of other fields."""
    return any("extra" in ast.unparse(each) for each in node.body if "model_config" in _bound(each))


def is_class(found: Found) -> bool:
    """Return whether a name stands for a class."""
    return isinstance(found, Definition) and isinstance(found.node, ast.ClassDef)


def bases_of(node: ast.ClassDef) -> list[ast.expr]:
    """Return the bases of a class without their parameters."""
    return [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]


def own_members(node: ast.ClassDef) -> set[str]:
    """Return what a class defines: its own names, and what its methods set on ``self``."""
    return _own_members(node)


def _with_bases(definition: Definition) -> Iterator[ast.ClassDef | type[BaseModel] | None]:
    """Yield a class and all that it inherits from, the class first; None for what is not known."""
    assert isinstance(definition.node, ast.ClassDef)
    yield definition.node
    for base in bases_of(definition.node):
        name = _last_name(base)
        if name in _WITHOUT_MEMBERS:
            continue
        found = look_up(definition.module, name) if isinstance(base, ast.Name) else None
        if isinstance(found, Definition) and isinstance(found.node, ast.ClassDef):
            yield from _with_bases(found)
        else:
            yield BaseModel if name == "BaseModel" else None


@cache
def _names_of(module: Source) -> tuple[Mapping[str, Elsewhere | ast.AST], bool]:
    """Return what a module's names are bound to, and whether it may have others."""
    names: dict[str, Elsewhere | ast.AST] = {}
    is_open = False
    tree = ast.parse(module.file.read_bytes())
    for statement in _statements(tree.body):
        match statement:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                source = source_of(_absolute(statement, module))
                theirs, more = _names_of(source) if source else ({}, True)
                names |= {name: value for name, value in theirs.items() if name[0] != "_"}
                is_open = is_open or more
            case ast.ImportFrom():
                origin = _absolute(statement, module)
                names |= {a.asname or a.name: Elsewhere(origin, a.name) for a in statement.names}
            case ast.Import():
                names |= {
                    a.asname or a.name.split(".")[0]: Elsewhere(
                        a.name if a.asname else a.name.split(".")[0], ""
                    )
                    for a in statement.names
                }
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names[statement.name] = statement
            case _:
                names |= dict.fromkeys(_bound(statement), statement)
    if late := names.get("__getattr__"):
        # Names that are imported when they are first asked for stand in such a module as texts.
        texts = (each.value for each in ast.walk(tree) if isinstance(each, ast.Constant))
        names = {text: late for text in texts if isinstance(text, str)} | names
        is_open = is_open or "AttributeError" not in ast.unparse(tree)
    return names, is_open


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module's own level, also within `if` and `try`."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if not isinstance(statement, ast.ClassDef | Function):
                yield from _statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target)
                        if isinstance(node, ast.Name))  # fmt: skip
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _:
            # `type X = ...`, which only newer Pythons parse.
            named = getattr(getattr(statement, "name", None), "id", None)
            if isinstance(named, str):
                yield named


def _absolute(statement: ast.ImportFrom, module: Source) -> str:
    if not statement.level:
        return statement.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - statement.level + module.is_package]
    return ".".join([*kept, *filter(None, [statement.module])])


def _own_members(node: ast.ClassDef | type[BaseModel]) -> set[str]:
    if not isinstance(node, ast.ClassDef):
        return {*dir(node)} - {"__getattr__"}  # it is there for private attributes only
    own = {each.name for each in node.body if isinstance(each, ast.ClassDef | Function)}
    own |= {name for each in _statements(node.body) for name in _bound(each)}
    return own | {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }


def _parameters(function: Function) -> frozenset[str] | None:
    decorators = set(map(_last_name, function.decorator_list))
    arguments = function.args
    if arguments.kwarg is not None or decorators - _KNOWN_DECORATORS:
        return None
    return frozenset(each.arg for each in (*arguments.args, *arguments.kwonlyargs))


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id
            aliases = each.value.keywords if isinstance(each.value, ast.Call) else []
            yield from (
                keyword.value.value
                for keyword in aliases
                if keyword.arg in {"alias", "validation_alias"}
                and isinstance(keyword.value, ast.Constant)
                and isinstance(keyword.value.value, str)
            )


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return _last_name(func)
        case ast.Subscript(value=value):
            return _last_name(value)
    return ""
