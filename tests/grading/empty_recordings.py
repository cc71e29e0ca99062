"""Recordings in which every step took place and brought nothing, made from their types alone.

A stream begins a thread, and holds no word of the model; a page has no items; a call of the model
has no input; a flag is false, a text one that is nowhere. Whatever a scenario collected is empty,
or holds one such thing.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.core.results import Picture
from graders.engine.harness import (
    Outcome,
    RecordedCall,
    Reply,
    Said,
    Scene,
    ScriptedModel,
    Stream,
    Student,
    Turn,
)
from graders.engine.protocol import ChatKitEvent
from tests.harness.test_stream import finished

T = TypeVar("T")
CREATED = {
    "type": "thread.created",
    "thread": {"id": "thr_1", "created_at": "2026-01-01T00:00:00"},
}
BODY = b'{"id": "thr_1", "data": [], "items": {"data": [], "has_more": false}, "has_more": false}'
_PLAIN: dict[Any, object] = {
    str: "unheard-of",
    bytes: b"",
    int: 0,
    float: 0.0,
    bool: False,
    object: None,
    type(None): None,
    Any: None,
    httpx.Headers: httpx.Headers(),
    Path: Path("nowhere"),
    Finding: Finding("nothing"),
    Picture: Picture(of="The page shows nothing.", jpeg="/9j/"),
}


def empty_stream() -> Stream:
    """Return a stream that began a thread, said nothing, and ended."""
    return at_once(finished(CREATED))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing; return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    message = "it waits for something"
    raise RuntimeError(message)


class NoServer:
    """Stands in for a student's server that nothing is asked any more."""

    variables: Mapping[str, str] = {"JWT_SECRET": "secret"}
    now = 0.0

    def chat(self, **_: object) -> None:
        """Return no client."""


class Anything(dict[Any, Any]):
    """A mapping that was empty, and has an empty recording for each case that a check asks for."""

    def __init__(self, empty: Empty, kind: object) -> None:
        super().__init__()
        self._empty = empty
        self._kind = kind

    def __missing__(self, key: object) -> object:
        return self._empty.of(self._kind)


class Empty:
    """Makes empty recordings whose collections hold ``size`` things each."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._scene = Scene(
            cast("Student", NoServer()), ScriptedModel(api_key="sk-test"), Canaries(seed=1)
        )
        self._makers: dict[Any, Callable[[Sequence[Any]], Any]] = {
            typing.Union: self._either,
            types.UnionType: self._either,
            typing.Literal: lambda values: values[0],
            Callable: lambda _: lambda *_, **__: None,
            tuple: self._tuple,
            Outcome: lambda kinds: Outcome(result=self.of(kinds[0])),
            Scene: lambda _: self._scene,
            Stream: lambda _: empty_stream(),
            ChatKitEvent: lambda _: empty_stream().events[0],
            Reply: lambda _: Reply(200, httpx.Headers(), BODY, 1),
            RecordedCall: lambda _: RecordedCall(1, "responses"),
            Turn: lambda _: self._turn(),
            Said: lambda _: self._said(),
        }

    def of(self, kind: Any) -> Any:
        """Return an empty thing of this kind; raises :class:`TypeError` where it does not know."""
        if kind in _PLAIN:
            return _PLAIN[kind]
        origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
        if origin in self._makers:
            return self._makers[origin](arguments)
        if issubclass(origin, Mapping):
            return self._mapping(arguments)
        if issubclass(origin, Sequence | frozenset | set):
            made = [self.of(arguments[0]) for _ in range(self._size)]
            return made if inspect.isabstract(origin) else origin(made)
        return self._object(origin, arguments)

    def _either(self, kinds: Sequence[Any]) -> Any:
        return None if type(None) in kinds else self.of(kinds[0])

    def _tuple(self, kinds: Sequence[Any]) -> tuple[Any, ...]:
        of_any_length = kinds[-1] is Ellipsis
        return tuple(
            self.of(each) for each in ([kinds[0]] * self._size if of_any_length else kinds)
        )

    def _mapping(self, kinds: Sequence[Any]) -> Anything:
        mapping = Anything(self, kinds[1])
        if self._size:
            mapping[self.of(kinds[0])] = self.of(kinds[1])
        return mapping

    def _turn(self) -> Turn:
        turn = self._scene.script("first")
        turn.played.requests.append(self.of(RecordedCall))
        return turn

    def _said(self) -> Said:
        begun = Outcome(result=empty_stream())
        return Said(self._scene, "first", self._turn(), begun, (self.of(RecordedCall),))

    def _object(self, kind: type, arguments: Sequence[Any]) -> Any:
        if dataclasses.is_dataclass(kind):
            known = dict(zip(getattr(kind, "__parameters__", ()), arguments, strict=True))
            hints = typing.get_type_hints(kind)
            names = [each.name for each in dataclasses.fields(kind) if each.init]
            make: Callable[..., object] = kind
            return make(**{name: self.of(_filled(hints[name], known)) for name in names})
        if "scene" in inspect.signature(kind).parameters:
            return kind(self._scene, "Somebody")  # a user of a lesson's own
        message = f"no empty {kind} is known: say in `Empty` what it is"
        raise TypeError(message)


def _filled(hint: Any, known: Mapping[Any, Any]) -> Any:
    """Return a type whose variables, those of a generic class, are filled in."""
    if hint in known:
        return known[hint]
    variables = getattr(hint, "__parameters__", ())
    return hint[tuple(known[each] for each in variables)] if variables else hint
