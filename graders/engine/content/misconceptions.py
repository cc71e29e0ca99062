"""What authors of broken servers have not understood: a lesson's ``misconceptions.yaml``.

Must not know which server shows which: a mutant names its misconception itself. ::

    format_version: 1
    misconceptions:
      - id: tasks-in-one-list
        area: tasks
        told: A server that keeps the tasks of all users in one list
        public: true              # a student may read the source of its servers
        shows_in: [press, act]    # keys of a scenario, kinds of tokens, names of tools, or `users`
                                  # for several: scenarios that have most of them are tried first
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, model_validator

from graders.engine.content.binding import read
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Name,
    Sentence,
    Slug,
    Truth,
    flaw,
    not_empty,
)
from graders.engine.content.specification import Area

FILE = "misconceptions.yaml"


class Misconception(ContentModel):
    """Something that is easily misunderstood; ``told`` is how a student reads of it."""

    id: Slug
    area: Area
    told: Sentence
    public: Truth = False
    shows_in: tuple[Name, ...] = ()


class MisconceptionFile(ContentModel):
    """A ``misconceptions.yaml``."""

    format_version: FormatVersion
    misconceptions: Annotated[tuple[Misconception, ...], AfterValidator(not_empty)]

    @model_validator(mode="after")
    def _distinct(self) -> MisconceptionFile:
        ids = [each.id for each in self.misconceptions]
        for index, name in enumerate(ids):
            if name in ids[:index]:
                raise flaw(
                    f"`{name}` is there already.",
                    at=("misconceptions", index, "id"),
                    cure="Ids must differ.",
                )
        return self


def load_misconceptions(path: Path) -> tuple[Misconception, ...]:
    """Read a ``misconceptions.yaml``."""
    return read(path, MisconceptionFile).misconceptions
