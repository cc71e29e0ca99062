"""No check of lesson06 passes on a recording in which the server has said nothing.

Every answer of these recordings has status 200 and no content, and the model was never asked.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import httpx
import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import Outcome, RecordedCall, Scene
from graders.engine.model import Turn
from graders.lesson06.operations import GET, Operation
from graders.lesson06.people import Person, WholeAnswer

LESSON = "graders.lesson06"
FOLDER = Path(__file__).resolve().parents[2] / "graders" / "lesson06"
MODULES = sorted({path.stem for path in FOLDER.glob("*.py")} - {"test_sequences"})
"""Where scenarios and checks are; the sequences of requests are played on a server of their own."""
NOTHING_TO_GUARD = {
    "actions-refused": "A server need not have actions.",
    "attachments-refused": "A server need not take attachments.",
}
"""Criteria that a server passes that has nothing of the kind, and why."""


class Everywhere(dict[Any, Any]):
    """A mapping of one key that has the same thing under every key that it is asked for."""

    def __init__(self, key: Any, make: Callable[[], Any]) -> None:
        super().__init__({key: make()})
        self._make = make

    def __missing__(self, key: object) -> Any:
        return self._make()


def empty(kind: Any, name: str = "") -> Any:
    """Return a value of a type, with nothing in it that a server has said."""
    if kind in MADE:
        return MADE[kind](name)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in CONTAINERS:
        return CONTAINERS[origin](arguments, name)
    if type(None) in arguments:
        return None
    return _record(kind)


def _text(name: str) -> str:
    # What a server has said of a thread or an item is not there.
    return "" if name.endswith("_id") else f"<{name}>"


def _person(name: str) -> Any:
    return SimpleNamespace(name=name, sub=f"sub of {name}", own={f"own of {name}"})


MADE: dict[Any, Callable[[str], Any]] = {
    str: _text,
    bool: lambda _: False,
    WholeAnswer: lambda _: WholeAnswer(200, httpx.Headers(), "", None),
    Person: _person,
    Operation: lambda _: GET,
    Scene: lambda _: SimpleNamespace(model=SimpleNamespace(calls=[])),
    Turn: lambda _: None,
}


def _mapping(arguments: tuple[Any, ...], name: str) -> Everywhere:
    key, value = arguments
    return Everywhere(empty(key, name), lambda: empty(value, name))


def _list(arguments: tuple[Any, ...], name: str) -> list[Any]:
    return [empty(arguments[0], f"{name} {n}") for n in range(2)]


def _tuple(arguments: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if arguments[0] is RecordedCall:
        return ()
    if arguments[-1] is ...:
        return tuple(_list(arguments, name))
    return tuple(empty(each, f"{name} {n}") for n, each in enumerate(arguments))


CONTAINERS: dict[Any, Callable[[tuple[Any, ...], str], Any]] = {
    Outcome: lambda arguments, name: Outcome(result=empty(arguments[0], name)),
    Literal: lambda arguments, _name: arguments[0],
    dict: _mapping,
    Mapping: _mapping,
    list: _list,
    tuple: _tuple,
}


def _record(kind: Any) -> Any:
    hints = get_type_hints(kind)
    return kind(**{each.name: empty(hints[each.name], each.name) for each in fields(kind)})


def recordings() -> dict[str, Any]:
    """Return the scenarios by the names under which checks ask for them."""
    found = {}
    for module in MODULES:
        for value in vars(importlib.import_module(f"{LESSON}.{module}")).values():
            if name := getattr(value, "recorded_as", ""):
                found[name] = value
    return found


def checks() -> Iterator[Any]:
    """Yield every check with each of its cases."""
    for module in MODULES:
        if not module.startswith("test_"):
            continue
        for name, check in vars(importlib.import_module(f"{LESSON}.{module}")).items():
            if name.startswith("test_"):
                yield from _cases(name, check)


def _cases(name: str, check: Any) -> Iterator[Any]:
    marks = {mark.name: mark for mark in check.pytestmark}
    criterion = marks["criterion"].kwargs["id"]
    if criterion in NOTHING_TO_GUARD:
        return
    if "parametrize" not in marks:
        yield pytest.param(check, {}, id=name)
        return
    argument, values = marks["parametrize"].args
    for number, value in enumerate(values):
        yield pytest.param(check, {argument: value}, id=f"{name}-{number}")


def needed_by(check: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return empty recordings of all that a check asks for."""
    known = recordings()
    wanted = [name for name in inspect.signature(check).parameters if name not in given]
    return {name: empty(get_type_hints(known[name])["return"], name) for name in wanted}


@pytest.mark.parametrize(("check", "given"), [*checks()])
def test_no_check_passes_on_nothing(check: Any, given: dict[str, Any]) -> None:
    with pytest.raises(Finding):
        asyncio.run(check(**given, **needed_by(check, given)))


OF_TOKENS = (
    "algorithm-fixed", "audience-checked", "expiry-checked", "not-before-checked",
    "signature-checked", "subject-required",
)  # fmt: skip
"""Criteria that say nothing yet where a request without any token is let in."""


def test_server_without_sign_in_reads_one_advice_for_all_tokens() -> None:
    advice = set()
    for param in checks():
        check, given = param.values
        marks = {mark.name: mark for mark in check.pytestmark}
        if marks["criterion"].kwargs["id"] in OF_TOKENS:
            with pytest.raises(Finding) as raised:
                asyncio.run(check(**given, **needed_by(check, given)))
            advice.add(raised.value.advice)
    assert len(advice) == 1
    assert "no-token-refused" in str(advice)
