"""The example of a specification in the capstone's assignment can be read, and its stub too."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.specification import AREAS, load_specification
from graders.engine.core.errors import ContentError
from graders.engine.specification import empty_scenarios, repeated_scenarios, vague_words

ASSIGNMENT = Path(__file__).resolve().parents[2] / "assignments" / "lesson08"


def test_example_is_a_good_specification(tmp_path: Path) -> None:
    readme = (ASSIGNMENT / "README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in readme.split("```yaml\n")[1:]]
    (example,) = [block for block in blocks if block.startswith("format_version")]
    file = tmp_path / "spec.yaml"
    file.write_text(example, encoding="utf-8")
    spec = load_specification(file)
    assert len(spec.scenarios) == 3
    assert {each.area for each in spec.requirements} == set(AREAS)
    assert not (*empty_scenarios(spec), *repeated_scenarios(spec), *vague_words(spec))


def test_stub_says_which_area_is_to_be_done() -> None:
    with pytest.raises(ContentError, match="No requirement is about the area"):
        load_specification(ASSIGNMENT / "spec.yaml")
