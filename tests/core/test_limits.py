"""The limits: one place, one table in the documentation, overridden by name."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from graders.engine.core.limits import NAMES, Limits

TEXT = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([\d,]+) \| .+ \|$", re.MULTILINE)


def test_table_in_the_documentation_has_every_limit_with_its_default() -> None:
    limits = Limits()
    defaults = {
        each.name: getattr(group, each.name)
        for group in (limits.process, limits.wire, limits.deadlines)
        for each in fields(group)
    }
    told = {name: int(number.replace(",", "")) for name, number in ROW.findall(TEXT)}
    assert told == defaults
    assert tuple(told) == NAMES


def test_names_are_different_in_all_groups() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_override_changes_what_it_names_and_nothing_else() -> None:
    numbers = {"memory_mb": 7, "answer_mb": 8, "run_seconds": 9}
    changed = Limits().overridden(numbers)
    assert (changed.process.memory_mb, changed.wire.answer_mb, changed.deadlines.run_seconds) == (
        7,
        8,
        9,
    )
    defaults = {name: getattr(Limits().process, name) for name in ("memory_mb",)}
    defaults |= {
        "answer_mb": Limits().wire.answer_mb,
        "run_seconds": Limits().deadlines.run_seconds,
    }
    assert changed.overridden(defaults) == Limits()


def test_limits_of_the_process_go_over_as_plain_data() -> None:
    assert set(Limits().process.as_json()) < set(NAMES)
