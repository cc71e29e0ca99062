"""The level of isolation that a result tells, by the layers that a server had."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.submission import find_submission
from graders.engine.core.results import IsolationLevel
from graders.engine.harness import StartFailed
from graders.engine.harness.rig import isolation_of, rig_for
from graders.engine.sandbox import Launcher, Layer


def test_landlock_and_seccomp_together_are_strong() -> None:
    isolation = isolation_of("fork server", (Layer.NETWORK, Layer.FILES, Layer.SYSCALLS))
    assert isolation.level is IsolationLevel.STRONG
    assert isolation.layers == ("fork server", "network namespace", "Landlock", "seccomp")
    assert isolation.missing == ()


def test_network_of_the_machine_is_told_and_still_strong() -> None:
    isolation = isolation_of("fork server", (Layer.FILES, Layer.SYSCALLS))
    assert isolation.level is IsolationLevel.STRONG
    [sentence] = isolation.missing
    assert "network" in sentence


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ((Layer.NETWORK, Layer.FILES), ["seccomp"]),
        ((Layer.NETWORK, Layer.SYSCALLS), ["Landlock"]),
        ((), ["Landlock", "seccomp", "network"]),
    ],
)
def test_anything_less_is_practice(held: tuple[str, ...], missing: list[str]) -> None:
    isolation = isolation_of("fresh process", held)
    assert isolation.level is IsolationLevel.PRACTICE
    assert len(isolation.missing) == len(missing)
    for sentence, word in zip(isolation.missing, missing, strict=True):
        assert word in sentence


async def test_isolation_is_told_of_a_server_that_never_starts(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text("raise ValueError", encoding="utf-8")
    with rig_for(find_submission(tmp_path), launcher, limits={}, env={}) as rig:
        trace = rig.new_trace()
        with pytest.raises(StartFailed):
            await rig.start(rig.new_model(trace), trace)
        assert "RLIMIT_CPU" in rig.isolation.layers
