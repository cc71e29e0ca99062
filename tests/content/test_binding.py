"""What any model refuses becomes a mistake with its file, line and place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from graders.engine.content.binding import bind
from graders.engine.content.fields import ContentModel
from graders.engine.content.strict_yaml import parse
from graders.engine.core.errors import ContentError

PATH = Path("x.yaml")


class Shelf(ContentModel):
    """A model with a bound that no file of the course uses."""

    words: tuple[Annotated[str, Field(max_length=3)], ...]


def test_mistake_without_words_of_its_own_is_told_in_those_of_pydantic() -> None:
    with pytest.raises(ContentError) as refused:
        bind(parse("words:\n  - one\n  - three\n", PATH), Shelf, PATH)
    error = refused.value
    assert (error.path, error.line) == (PATH, 3)
    assert "`words[2]`: String should have at most 3 characters." in str(error)
