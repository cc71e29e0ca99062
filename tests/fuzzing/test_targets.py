"""The targets of the long runs, with what little hypothesis makes in a second or two."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing import __main__ as command
from tests.fuzzing.seeds import seeds
from tests.fuzzing.targets import TARGETS

CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6)


def test_command_knows_every_target() -> None:
    assert tuple(TARGETS) == command.TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_taken(target: str) -> None:
    found = seeds(target)
    assert len(found) >= 5
    for seed in found:
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
def test_seed_with_some_bytes_changed(target: str) -> None:
    found = [seed for seed in seeds(target) if seed]

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from(found), CHANGES, st.integers(0, 10_000))
    def check(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
        data = bytearray(seed)
        for at, byte in changes:
            data[at % len(data)] = byte
        TARGETS[target](bytes(data[: len(data) - cut % 10]))

    check()


def test_input_is_tried_again_by_itself(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"[[[")
    assert command.main(["yaml", "--again", str(tmp_path / "input")]) == 0
