"""The numbers of users that graders claim, and what every user may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graders.engine.sandbox import own_user, reachable
from graders.engine.sandbox.own_user import FIRST, LAST, Users


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the claims be made whoever runs the tests: a claim needs no privilege."""
    monkeypatch.setattr(own_user, "_may_become_another", lambda: True)


@pytest.mark.usefixtures("as_root")
def test_two_graders_never_have_the_same_user() -> None:
    one, two = Users(), Users()
    try:
        taken = [users.take() for _ in range(20) for users in (one, two)]
        assert len(set(taken)) == 40
        assert all(uid is not None and FIRST <= uid <= LAST for uid in taken)
    finally:
        one.close()
        two.close()


@pytest.mark.usefixtures("as_root")
def test_user_that_was_given_back_is_given_again() -> None:
    users = Users()
    try:
        uid = users.take()
        users.give_back(uid)
        assert users.take() == uid
    finally:
        users.close()


@pytest.mark.usefixtures("as_root")
def test_there_is_none_once_all_are_taken_and_closing_frees_them() -> None:
    users = Users()
    count = LAST + 1 - FIRST
    # Another grader may run on this machine.
    taken = [users.take() for _ in range(count)]
    assert users.take() is None
    users.close()
    free = Users()
    try:
        assert free.take() in taken
    finally:
        free.close()


def test_ordinary_user_has_no_other_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    users = Users()
    users.give_back(None)
    assert users.take() is None
    users.close()


def test_reach_of_others_ends_at_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    for folder in tmp_path.parents:
        if not folder.stat().st_mode & 0o1:
            assert not reachable.may_be_passed(inner)
            return
    tmp_path.chmod(0o755)
    closed.chmod(0o755)
    assert reachable.may_be_passed(inner)
    closed.chmod(0o700)
    assert not reachable.may_be_passed(inner)


@pytest.mark.parametrize(
    ("mode", "open_to_all"), [(0o755, True), (0o711, False), (0o750, False), (0o744, False)]
)
def test_folder_is_open_to_all_by_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, open_to_all: bool
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    folder.chmod(mode)
    monkeypatch.setattr(reachable, "readable", lambda: (folder,))
    reachable.is_open_to_all.cache_clear()
    try:
        assert reachable.is_open_to_all(from_the_root=False) is open_to_all
    finally:
        reachable.is_open_to_all.cache_clear()
