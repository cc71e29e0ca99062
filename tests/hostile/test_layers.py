"""The attacks that only layers stop are real: they go through where all layers are off.

So that the tests of whole submissions can fail. Also: the layers that a score needs are enough.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.isolation.layers import SECOND_WALL, Layer
from graders.engine.isolation.privileges import hide_memory
from tests.hostile.attack import Attack
from tests.hostile.families import ATTACKS, LAYERED
from tests.hostile.targets import Bystanders
from tests.hostile.unlayered import ALL, SUCCEEDED, Launchers, open_launchers, tried


@pytest.fixture(scope="module")
def launchers() -> Iterator[Launchers]:
    """Yield fork servers that leave off what a test asks for."""
    with open_launchers() as made:
        yield made


@pytest.mark.parametrize("attack", LAYERED, ids=str)
def test_attack_goes_through_with_all_layers_off(
    launchers: Launchers, beside: Bystanders, tmp_path: Path, attack: Attack
) -> None:
    targets = beside.around(tmp_path / "around")
    refused = {"EPERM", "EACCES", "ENOSPC"} if attack.is_refused_by_the_system else set()
    became = tried(attack, targets, launchers, tmp_path, without=ALL)
    assert became.outcome in {SUCCEEDED} | refused


@pytest.mark.parametrize("attack", LAYERED, ids=str)
def test_attack_is_stopped_without_namespaces(
    launchers: Launchers, beside: Bystanders, tmp_path: Path, attack: Attack
) -> None:
    targets = beside.around(tmp_path / "around")
    became = tried(attack, targets, launchers, tmp_path, without=SECOND_WALL)
    assert became.stopped
    assert became.held == ALL - SECOND_WALL


@pytest.mark.parametrize("of", ["grader", "fork server"])
@pytest.mark.parametrize("name", ["open-memory-of-another", "trace-another"])
def test_memory_of_the_grader_is_closed_even_without_other_layers(
    launchers: Launchers, beside: Bystanders, tmp_path: Path, of: str, name: str
) -> None:
    hide_memory()
    launcher = launchers.without(SECOND_WALL)
    targets = beside.around(tmp_path / "around")
    targets["PID"] = os.getpid() if of == "grader" else launcher.pid
    attack = next(each for each in ATTACKS if each.name == name)
    off = {Layer.FILES, Layer.SYSCALLS} | SECOND_WALL
    assert tried(attack, targets, launchers, tmp_path, without=off).outcome in {"EPERM", "EACCES"}
