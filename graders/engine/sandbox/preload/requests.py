"""Spares the OpenAI SDK a search that finds nothing in the input of each call to the model.

The SDK compares each item of a conversation with some thirty types, one by one, to find keys that
have another name on the wire and values that need another form. For the calls that a server makes,
no type of them all has such a key, which is looked at once. Plain JSON of such a type is then
copied, which is what the search would have given; anything else goes the SDK's own way. Must not
know a server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, get_args

from openai._utils import _transform
from openai._utils._compat import is_typeddict
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

_CALLS = (
    response_create_params.ResponseCreateParamsStreaming,
    response_create_params.ResponseCreateParamsNonStreaming,
    completion_create_params.CompletionCreateParamsStreaming,
    completion_create_params.CompletionCreateParamsNonStreaming,
)
_ATOMS = (str, int, float, bool, type(None))


class _NotPlainError(Exception):
    """Something is not plain JSON; what it is, the SDK knows."""


def skip_needless_searches() -> None:
    """Let the SDK copy plain JSON where its search for other names would find none."""
    # By identity, since such a type takes longer to compare than JSON takes to copy. The SDK keeps
    # the types in a cache, and asks for them by these same objects; held here, they stay unique.
    plain = {id(kept): kept for kept in _types_without_names()}
    # No public name leads there; a test says whether these two are still what each call takes.
    for name, shortened in (
        ("_transform_recursive", _shortened),
        ("_async_transform_recursive", _shortened_async),
    ):
        setattr(_transform, name, shortened(getattr(_transform, name), plain))


def _types_without_names() -> Iterator[object]:
    """Yield the type of each argument of the calls whose values need no other names or forms."""
    for call in _CALLS:
        for kept in _transform.get_type_hints(call, include_extras=True).values():
            if not any(_says_something(part) for part in _parts(kept)):
                yield kept


def _says_something(part: object) -> bool:
    return isinstance(part, _transform.PropertyInfo)


def _parts(whole: object) -> Iterator[object]:
    """Yield all parts of a type, down to the fields of its dictionaries and what they say."""
    waiting, seen = [whole], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        # `Annotated` tells what it says among its arguments.
        waiting += get_args(part)
        if isinstance(part, type) and is_typeddict(part):
            waiting += _transform.get_type_hints(part, include_extras=True).values()


def _shortened(original: Callable[..., object], plain: dict[int, object]) -> Callable[..., object]:
    def transform(data: object, *, annotation: Any, inner_type: Any = None) -> object:
        if inner_type is None and id(annotation) in plain:
            try:
                return _copy(data)
            except _NotPlainError:
                pass
        return original(data, annotation=annotation, inner_type=inner_type)

    return transform


def _shortened_async(
    original: Callable[..., Awaitable[object]], plain: dict[int, object]
) -> Callable[..., Awaitable[object]]:
    async def transform(data: object, *, annotation: Any, inner_type: Any = None) -> object:
        if inner_type is None and id(annotation) in plain:
            try:
                return _copy(data)
            except _NotPlainError:
                pass
        return await original(data, annotation=annotation, inner_type=inner_type)

    return transform


def _copy(data: Any) -> Any:
    kind = type(data)
    if kind in _ATOMS:
        return data
    if kind is list:
        return [_copy(item) for item in data]
    if kind is dict:
        return {key: _copy(value) for key, value in data.items()}
    raise _NotPlainError
