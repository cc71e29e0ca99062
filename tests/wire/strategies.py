"""Makes frames of every kind from their models, for property-based tests."""

from __future__ import annotations

import types
import typing
from typing import Any, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from graders.engine.wire import Frame, FromStudent, ToStudent

_Model = TypeVar("_Model", bound=BaseModel)

TO_STUDENT: tuple[type[Frame], ...] = get_args(get_args(ToStudent)[0])
FROM_STUDENT: tuple[type[Frame], ...] = get_args(get_args(FromStudent)[0])


def frames(kinds: tuple[type[Frame], ...]) -> st.SearchStrategy[Frame]:
    """Return frames of any of ``kinds``, each within its own model's bounds."""
    return st.one_of([_model(kind) for kind in kinds])


def _model(kind: type[_Model]) -> st.SearchStrategy[_Model]:
    return st.builds(kind, **{name: _field(field) for name, field in kind.model_fields.items()})


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _values(field.annotation, tuple(field.metadata))


def _values(annotation: Any, bounds: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        inner, *more = get_args(annotation)
        return _values(inner, (*bounds, *_constraints(more)))
    if origin is typing.Literal:
        return st.sampled_from(get_args(annotation))
    if origin in {Union, types.UnionType}:
        return st.one_of([_values(part, bounds) for part in get_args(annotation)])
    if origin is tuple:
        return _tuples(get_args(annotation))
    return _plain(annotation, bounds)


def _constraints(metadata: list[Any]) -> list[Any]:
    """Return the single bounds, which pydantic's ``Field`` carries folded together."""
    flat: list[Any] = []
    for entry in metadata:
        flat += entry.metadata if isinstance(entry, FieldInfo) else [entry]
    return flat


def _tuples(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if parts[-1] is Ellipsis:
        return st.lists(_values(parts[0], ()), max_size=4).map(tuple)
    return st.tuples(*[_values(part, ()) for part in parts])


def _plain(kind: Any, bounds: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    least: Any = next((bound.ge for bound in bounds if isinstance(bound, Ge)), None)
    most: Any = next((bound.le for bound in bounds if isinstance(bound, Le)), None)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind)
    longest = next((bound.max_length for bound in bounds if isinstance(bound, MaxLen)), 60)
    strategies: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        bytes: st.binary(max_size=60),
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=min(longest, 60)),
        int: st.integers(least, most),
        float: st.floats(least, most, allow_nan=False, allow_infinity=False),
        type(None): st.none(),
    }
    return strategies[kind]
