"""A process without a submission tells the layers that servers will have."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from graders.engine.core.errors import GraderBrokeError
from graders.engine.harness import ServerSettings
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.process import Launcher, LaunchSpec
from graders.engine.server.isolation_probe import probe_isolation
from tests.students import HONEST, Bench


@pytest.mark.parametrize("cold", [False, True])
async def test_a_trial_has_the_layers_that_a_server_has(
    launcher: Launcher, bench: Bench, tmp_path: Path, *, cold: bool
) -> None:
    spec = LaunchSpec(root=tmp_path, environment={}, cold=cold)
    shadows = ("yaml",) if cold else ()
    student = await bench.serve(HONEST, files={"yaml.py": ""}, shadows=shadows)
    assert probe_isolation(launcher, spec) == student.layers


def test_a_layer_that_is_left_off_is_not_there(launcher: Launcher, tmp_path: Path) -> None:
    without = frozenset({Layer.SYSCALLS})
    spec = LaunchSpec(root=tmp_path, environment={}, without=without)
    assert Layer.SYSCALLS not in probe_isolation(launcher, spec)


class Broken:
    """Starts processes that say something else, or nothing."""

    def __init__(self, says: Callable[[socket.socket], Any]) -> None:
        self.wire, other = socket.socketpair()
        self.output, writer = os.pipe()
        os.close(writer)
        says(other)
        other.close()
        self.killed = 0

    def start(self, _spec: LaunchSpec) -> Broken:
        """Return itself as the process."""
        return self

    def kill(self) -> None:
        """Count."""
        self.killed += 1


@pytest.mark.parametrize(
    "says", [lambda _: None, lambda end: end.sendall(b"\0\0\0\2{}")], ids=["nothing", "nonsense"]
)
def test_a_process_that_does_not_say_hello_is_our_own_failure(
    tmp_path: Path, says: Callable[[socket.socket], Any]
) -> None:
    broken = Broken(says)
    spec = LaunchSpec(root=ServerSettings(source=tmp_path).source, environment={})
    with pytest.raises(GraderBrokeError, match="could not be started on this machine"):
        probe_isolation(cast("Launcher", broken), spec)
    assert broken.killed == 1
    assert broken.wire.fileno() == -1
