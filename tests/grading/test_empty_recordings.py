"""No check passes when the recording that it judges holds nothing to look for.

Each check is called with recordings in which nothing came (see ``empty_recordings``): it has to
raise a finding. Checks that talk with a server themselves are not among them.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import typing
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.places import REPOSITORY
from graders.engine.harness import Said, expect
from graders.engine.harness.recording import recorded_name
from tests.grading.empty_recordings import Empty, at_once
from tests.lesson_checks import checks_in

pytestmark = pytest.mark.usefixtures("criterion_marker")
NO_RECORDING = frozenset({"return"})
NOTHING_IS_RIGHT = {
    "lesson01 test_items_are_listed_as_json": "an empty page is JSON as well",
    "lesson01 test_thread_is_created": "that a thread was created is all it asks",
    "lesson02 test_each_message_starts_a_model_call": "that the model was asked is all it asks",
    "lesson02 test_other_requests_get_a_json_object": "an empty page is a JSON object as well",
    "lesson04 test_every_try_holds_the_message": "a server need not try again after a refusal",
    "lesson06 test_foreign_attachment_is_refused": "a server need not take attachments",
    "lesson06 test_foreign_item_answers_as_one_that_does_not_exist": "both answers are alike",
    "lesson06 test_unknown_id_opens_nothing": "nothing was opened, and there was a thread to open",
}
"""Checks that a right server passes with such a recording, and why."""
Check = Callable[..., Coroutine[Any, Any, None]]
LESSONS = Catalogue(REPOSITORY).lessons()


@dataclass(frozen=True)
class Judged:
    """One check of recordings, with the values of its parameters that are none."""

    name: str
    check: Check
    kinds: Mapping[str, Any]
    case: Mapping[str, Any]

    def passes(self, size: int) -> bool:
        """Return whether it passes with empty recordings whose collections hold ``size`` things."""
        empty = Empty(size)
        recordings = {name: empty.of(kind) for name, kind in self.kinds.items()}
        try:
            at_once(self.check(**recordings, **self.case))
        except Exception:  # noqa: BLE001 - a finding; or an error of ours, which is no pass either
            return False
        return True


def modules_of(lesson: Lesson) -> list[ModuleType]:
    """Return the modules of a lesson."""
    names = {path.stem: path for path in sorted(lesson.grader_dir.glob("*.py"))}
    return [
        checks_in(path) if name.startswith("test_") else _imported(lesson, name)
        for name, path in names.items()
    ]


def _imported(lesson: Lesson, name: str) -> ModuleType:
    return importlib.import_module(f"graders.{lesson.id}.{name}")


def judged_by(lesson: Lesson) -> Iterator[Judged]:
    """Yield the checks of a lesson that judge recordings only."""
    modules = modules_of(lesson)
    functions = [(name, each) for module in modules for name, each in vars(module).items()]
    recorded = [
        typing.get_type_hints(each)["return"] for _, each in functions if recorded_name(each)
    ]
    for name, check in functions:
        if name.startswith("test_") and inspect.iscoroutinefunction(check):
            kinds = typing.get_type_hints(check)
            for case in _cases_of(check):
                own = {key: kinds[key] for key in kinds.keys() - case.keys() - NO_RECORDING}
                if own and all(kind in recorded for kind in own.values()):
                    yield Judged(f"{lesson.id} {name}", check, own, case)


def _cases_of(check: Check) -> Iterator[dict[str, Any]]:
    """Yield the values of each case of a check, one of no values if it has no cases."""
    given = {
        name: [lambda *_: None] for name in ("measured", "noted") if name in _parameters(check)
    }
    axes: list[list[dict[str, Any]]] = [[{key: value[0]}] for key, value in given.items()]
    for mark in getattr(check, "pytestmark", []):
        if mark.name == "parametrize":
            names = [name.strip() for name in mark.args[0].split(",")]
            axes.append([dict(zip(names, _values(each, len(names)), strict=True))
                         for each in mark.args[1]])  # fmt: skip
    for chosen in itertools.product(*axes):
        yield {name: value for axis in chosen for name, value in axis.items()}


def _parameters(check: Check) -> list[str]:
    return list(inspect.signature(check).parameters)


def _values(each: Any, count: int) -> Sequence[Any]:
    values = getattr(each, "values", None)
    if isinstance(values, tuple):
        return values  # a `pytest.param`
    return (each,) if count == 1 else each


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.id for lesson in LESSONS])
def test_no_check_passes_with_nothing_to_look_for(lesson: Lesson) -> None:
    judged = list(judged_by(lesson))
    passed = [each for each in judged if any(each.passes(size) for size in (0, 1))]
    assert {each.name for each in passed} == {
        name for name in NOTHING_IS_RIGHT if name.startswith(f"{lesson.id} ")
    }


def test_the_checks_of_recordings_are_found() -> None:
    found = [each.name for lesson in LESSONS for each in judged_by(lesson)]
    assert "lesson04 test_everybody_keeps_their_role" in found
    assert len(found) > 100


async def check_without_a_look(heard: list[str], said: Said) -> None:
    assert all("word" in each for each in heard)
    assert said.words_heard == [said.word]


async def check_with_a_look(heard: list[str]) -> None:
    expect(heard != [], "Nothing was heard.")
    expect(all("word" in each for each in heard), "Something else was heard.")


def test_a_check_that_looks_at_nothing_is_known() -> None:
    careless = Judged("", check_without_a_look, {"heard": list[str], "said": Said}, {})
    assert careless.passes(0)
    assert not careless.passes(1)
    careful = Judged("", check_with_a_look, {"heard": list[str]}, {})
    assert not any(careful.passes(size) for size in (0, 1))
