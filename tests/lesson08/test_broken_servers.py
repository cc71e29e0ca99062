"""The broken servers of the capstone: enough for each misconception, and graded where it counts."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.misconceptions import FILE, load_misconceptions
from graders.engine.content.specification import AREAS
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import PATCH, Mutant, mutants_of

LESSON = Catalogue(REPOSITORY).lesson("lesson08")
MUTANTS = mutants_of(LESSON)
MISCONCEPTIONS = load_misconceptions(LESSON.grader_dir / FILE)
IN_PART = [each for each in MUTANTS if each.graded_on]
OF_SPECIFICATION = ("specification", "own-scenarios")


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
def test_what_is_graded_in_part_is_shown_whole_by_another_row(mutant: Mutant) -> None:
    if files_of(mutant) == {"spec.yaml"}:
        # The server is that of the solution.
        assert mutant.graded_on == OF_SPECIFICATION
        return
    whole = [each for each in MUTANTS if not each.graded_on]
    siblings = [each for each in whole if each.misconception == mutant.misconception]
    if mutant.misconception is None or not siblings:
        lost_by_whole = frozenset[str]().union(*(each.loses for each in whole))
        assert mutant.loses <= lost_by_whole, mutant.name


def test_only_mutants_of_servers_are_broken_servers() -> None:
    for mutant in MUTANTS:
        assert mutant.misconception is None or "spec.yaml" not in files_of(mutant), mutant.name
