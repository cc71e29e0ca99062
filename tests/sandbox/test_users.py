"""The numbers of users that graders claim."""

from __future__ import annotations

import os

import pytest

from graders.engine.sandbox import users as claims
from graders.engine.sandbox.users import FIRST, LAST, Users


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the claims be made whoever runs the tests: a claim needs no privilege."""
    monkeypatch.setattr(claims, "_may_become_another", lambda: True)


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
