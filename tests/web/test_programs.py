"""Which Node is there: a version, or none that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.web.dom import OLDEST_NODE
from graders.engine.web.programs import find_node, version_of


def test_node_of_this_machine_can_stand_in_for_a_browser() -> None:
    node = find_node()
    assert node is not None, "the tests need Node"
    assert version_of(node) >= OLDEST_NODE


@pytest.mark.parametrize(("said", "version"), [("v18.19.0", 18), ("20.1", 0), ("", 0), ("vx.", 0)])
def test_version_is_what_it_says(tmp_path: Path, said: str, version: int) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    node.chmod(0o755)
    assert version_of(node) == version


def test_what_is_no_program_has_no_version(tmp_path: Path) -> None:
    assert version_of(tmp_path / "none") == 0
