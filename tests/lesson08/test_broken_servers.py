"""The broken servers of the capstone: enough for each misconception, and graded where it counts."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.misconceptions import FILE, Misconception, load_misconceptions
from graders.engine.content.models import Database, ids_meant
from graders.engine.content.specification import AREAS
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import PATCH, Mutant, mutants_of

LESSON = Catalogue(REPOSITORY).lesson("lesson08")
MUTANTS = mutants_of(LESSON)
MISCONCEPTIONS = load_misconceptions(LESSON.grader_dir / FILE)
IN_PART = [each for each in MUTANTS if each.graded_on]
OF_SPECIFICATION = ({"specification"}, {"specification", "own-scenarios"})
BORROWED = {each.id for each in LESSON.rubric.criteria if each.borrows}
OF_FRONT_END = {each.id for each in LESSON.rubric.criteria if each.optional is not None}
OTHERS = {
    each.id
    for each in LESSON.rubric.criteria
    if each.id in ("own-scenarios", "crowd") or each.id.startswith("specification-")
}
TASKS = {*LESSON.rubric.ids} - BORROWED - OTHERS
"""What is played with one server after the other, and looks at its tasks."""
FAR = {"own-scenarios"}
"""What most broken servers lose as well: the solution's own specification notices them."""


def files_of(mutant: Mutant) -> set[str]:
    """Return the files that a mutant changes."""
    patch = (mutant.folder / PATCH).read_text(encoding="utf-8")
    return set(re.findall(r"^\+\+\+ b/(\S+)$", patch, re.MULTILINE))


def test_each_misconception_is_shown_by_two_or_more_servers_if_it_can_be() -> None:
    count = Counter(each.misconception for each in MUTANTS if each.misconception)
    assert set(count) == {each.id for each in MISCONCEPTIONS}
    assert sum(count.values()) >= 60
    assert {name for name, servers in count.items() if servers < 2} == set()


def test_each_area_has_misconceptions_and_public_ones() -> None:
    assert {each.area for each in MISCONCEPTIONS} == set(AREAS)
    assert {each.area for each in MISCONCEPTIONS if each.public} == set(AREAS)


@pytest.mark.parametrize("mutant", IN_PART, ids=[each.name for each in IN_PART])
def test_what_is_graded_in_part_is_graded_on_all_that_is_near(mutant: Mutant) -> None:
    """What is farther away is shown by rows that are graded whole, and by ``--whole`` for all.

    What is borrowed has the matrix of its own lesson, and each start with PostgreSQL costs much.
    """
    if files_of(mutant) == {"spec.yaml"}:
        # The server is that of the solution.
        assert set(mutant.graded_on) in OF_SPECIFICATION
        return
    if all(each.startswith("web/") for each in files_of(mutant)):
        # So it is here.
        (name,) = mutant.graded_on
        assert {*ids_meant(name, LESSON.rubric.ids)} == OF_FRONT_END
        return
    graded = set(mutant.graded_on)
    assert mutant.loses & graded
    if mutant.database is Database.SQLITE:
        assert mutant.loses - FAR - BORROWED <= graded


@pytest.mark.parametrize("told", MISCONCEPTIONS, ids=[each.id for each in MISCONCEPTIONS])
def test_one_server_with_wrong_tasks_is_graded_on_all_that_one_conversation_shows(
    told: Misconception,
) -> None:
    of_this = [each for each in MUTANTS if each.misconception == told.id]
    servers = [each for each in of_this if each.loses & TASKS and each.loses - FAR <= TASKS]
    others = [each for each in of_this if not each.graded_on]
    if servers and not others:
        assert any(set(each.graded_on) >= TASKS for each in servers)


def test_rows_that_are_graded_whole_lose_something_of_each_kind() -> None:
    lost = frozenset[str]().union(*(each.loses for each in MUTANTS if not each.graded_on))
    assert lost >= {*BORROWED - OF_FRONT_END, "own-scenarios", "crowd"}
    assert lost & TASKS >= {"tools-offered", "list-updated", "own-tasks-only", "client-tool"}


def test_only_mutants_of_servers_are_broken_servers() -> None:
    for mutant in MUTANTS:
        assert mutant.misconception is None or "spec.yaml" not in files_of(mutant), mutant.name


def test_what_is_right_in_part_keeps_nothing_else_from_being_tried() -> None:
    """A check says at run time what it misses (`needed`): half of a criterion may be enough."""
    partial = {each.id for each in LESSON.rubric.criteria if each.partial}
    assert {each.id: {*each.needs} & partial for each in LESSON.rubric.criteria} == {
        each.id: set() for each in LESSON.rubric.criteria
    }
