"""A student's ``spec.yaml``: what a server must do, and the scenarios that show whether it does.

Must not know how a scenario is played or what one is worth. The file is a stranger's: whatever is
in it, only a ContentError comes out. ::

    format_version: 1
    requirements:
      - id: own-tasks
        area: tasks                 # conversation, authentication, session or tasks
        text: A user sees their own tasks and no others.
    scenarios:
      - name: bob-sees-none
        covers: [own-tasks]
        description: Bob's list is empty, though Alice has a task.
        users: [alice, bob]
        turns: []                   # as in docs/conversations.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, model_validator

from graders.engine.content.binding import read
from graders.engine.content.conversation import Conversation
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Location,
    Sentence,
    Slug,
    did_you_mean,
    flaw,
    not_empty,
)

Area = Literal["conversation", "authentication", "session", "tasks"]
AREAS: tuple[Area, ...] = get_args(Area)

MOST_REQUIREMENTS = 60
MOST_SCENARIOS = 40
MOST_TURNS_TOGETHER = 400
"""Turns of all scenarios together."""
MOST_BYTES = 200_000
FILE = "spec.yaml"


class Requirement(ContentModel):
    """One thing that every server must do."""

    id: Slug
    area: Area
    text: Sentence


class Scenario(Conversation):
    """A conversation that shows whether a server meets some requirements."""

    format_version: FormatVersion = 1
    covers: Annotated[tuple[Slug, ...], AfterValidator(not_empty)]

    def played_json(self) -> str:
        """Return what is done and expected: the same for scenarios that differ in prose only."""
        prose: dict[str, bool] = {"given": True, "when": True, "then": True}
        turns: Any = {"__all__": {**prose, "together": {"__all__": prose}}}
        return self.model_dump_json(
            exclude={"name": True, "description": True, "covers": True, "turns": turns},
            exclude_unset=True,
        )


class Specification(ContentModel):
    """A ``spec.yaml``; see the module's text for the format."""

    format_version: FormatVersion
    requirements: Annotated[tuple[Requirement, ...], AfterValidator(not_empty)]
    scenarios: Annotated[tuple[Scenario, ...], AfterValidator(not_empty)]

    def areas_of(self, scenario: Scenario) -> frozenset[Area]:
        """Return the areas of the requirements that a scenario covers."""
        return frozenset(each.area for each in self.requirements if each.id in scenario.covers)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, data: object) -> object:
        """Refuse a list that is too long before its entries are read."""
        if isinstance(data, dict):
            for key, most in (("requirements", MOST_REQUIREMENTS), ("scenarios", MOST_SCENARIOS)):
                entries = data.get(key)
                if isinstance(entries, list) and len(entries) > most:
                    raise flaw(
                        f"There are {len(entries):,}, more than {most}.",
                        at=(key, most),
                        cure="Keep those that show something of their own.",
                    )
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Specification:
        _require_distinct([each.id for each in self.requirements], ("requirements", "id"))
        _require_distinct([each.name for each in self.scenarios], ("scenarios", "name"))
        _require_short(self)
        _require_areas(self)
        _require_covered(self)
        return self


def load_specification(path: Path) -> Specification:
    """Read a ``spec.yaml``."""
    return read(path, Specification, max_bytes=MOST_BYTES)


def _require_distinct(names: list[str], place: tuple[str, str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise flaw(
                f"`{name}` is there already.",
                at=(place[0], index, place[1]),
                cure="Give one of the two another name.",
            )


def _require_short(spec: Specification) -> None:
    turns = 0
    for index, scenario in enumerate(spec.scenarios):
        turns += len(list(scenario.all_turns))
        if turns > MOST_TURNS_TOGETHER:
            raise flaw(
                f"The scenarios have more than {MOST_TURNS_TOGETHER} turns together.",
                at=("scenarios", index),
                cure="Make them shorter: a scenario shows one thing.",
            )


def _require_areas(spec: Specification) -> None:
    present = {each.area for each in spec.requirements}
    for area in AREAS:
        if area not in present:
            raise flaw(
                f"No requirement is about the area `{area}`.",
                at=("requirements",),
                cure=f"Write at least one for each area: {', '.join(AREAS)}.",
            )


def _require_covered(spec: Specification) -> None:
    known = [each.id for each in spec.requirements]
    for place, name in _covers(spec):
        if name not in known:
            raise flaw(
                f"There is no requirement `{name}`.", at=place, cure=did_you_mean(name, known)
            )
    covered = {name for _, name in _covers(spec)}
    for index, name in enumerate(known):
        if name not in covered:
            raise flaw(
                f"No scenario covers `{name}`.",
                at=("requirements", index),
                cure=f"Write a scenario with `covers: [{name}]`, or remove the requirement.",
            )


def _covers(spec: Specification) -> Iterator[tuple[Location, str]]:
    for index, scenario in enumerate(spec.scenarios):
        for number, name in enumerate(scenario.covers):
            yield ("scenarios", index, "covers", number), name
