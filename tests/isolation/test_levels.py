"""The level of isolation that a result tells, by the layers that a server had."""

from __future__ import annotations

import pytest

from graders.engine.core.results import IsolationLevel
from graders.engine.isolation.layers import Layer
from graders.engine.isolation.levels import isolation_of

FIRST_WALL = {Layer.FILES: "Landlock", Layer.SYSCALLS: "seccomp"}
NAMESPACES = {
    Layer.NETWORK: "no network of its own",
    Layer.PROCESSES: "a number among the machine's",
    Layer.IPC: "no message queues",
    Layer.ROOT: "sees the names of the machine's files",
}
AS_ROOT = {**FIRST_WALL, **NAMESPACES, Layer.UID: "runs as root"}


@pytest.mark.parametrize("root", [False, True])
def test_all_layers_are_full(*, root: bool) -> None:
    held = (Layer.FILES, Layer.SYSCALLS, *NAMESPACES, *([Layer.UID] if root else []))
    isolation = isolation_of("fork server", held, root=root)
    assert isolation.level is IsolationLevel.FULL
    assert isolation.layers == ("fork server", *held)
    assert isolation.missing == ()


@pytest.mark.parametrize("gone", [*NAMESPACES, Layer.UID])
def test_without_one_of_the_second_wall_it_is_strong(gone: Layer) -> None:
    held = tuple(layer for layer in AS_ROOT if layer is not gone)
    isolation = isolation_of("fork server", held, root=True)
    assert isolation.level is IsolationLevel.STRONG
    [sentence] = isolation.missing
    assert AS_ROOT[gone] in sentence


@pytest.mark.parametrize("gone", FIRST_WALL)
def test_without_one_of_the_first_wall_it_is_practice(gone: Layer) -> None:
    held = tuple(layer for layer in AS_ROOT if layer is not gone)
    isolation = isolation_of("fork server", held, root=True)
    assert isolation.level is IsolationLevel.PRACTICE
    [sentence] = isolation.missing
    assert FIRST_WALL[gone] in sentence


def test_nothing_at_all_is_practice_with_a_sentence_for_each_layer() -> None:
    isolation = isolation_of("fresh process", (), root=True)
    assert isolation.level is IsolationLevel.PRACTICE
    assert len(isolation.missing) == len(AS_ROOT)


def test_an_ordinary_user_is_not_told_of_a_user_that_it_cannot_give() -> None:
    isolation = isolation_of("fork server", (Layer.FILES, Layer.SYSCALLS), root=False)
    assert isolation.level is IsolationLevel.STRONG
    assert len(isolation.missing) == len(NAMESPACES)
