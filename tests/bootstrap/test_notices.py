"""What a terminal shows, and what a log holds."""

from __future__ import annotations

import io

import pytest

from graders.bootstrap.notices import GREY, RED, Notices


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of 40 columns whose user likes colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    return Terminal()


def test_log_gets_one_line_for_each_stage(notices: Notices, said: io.StringIO) -> None:
    for package in ("rich", "typer"):
        notices.step("downloading", package)
    notices.step("installing", "2 packages")
    notices.say("done.")
    assert said.getvalue().splitlines() == [
        "  downloading rich ...",
        "  installing 2 packages ...",
        "grade.py: done.",
    ]


def test_terminal_rewrites_one_line_for_each_step(terminal: Terminal) -> None:
    notices = Notices(terminal)
    notices.step("downloading", "rich")
    notices.step("downloading", "typer")
    notices.say("done.")
    assert "\n" not in terminal.getvalue().partition("done.")[0]
    assert terminal.getvalue().count("\r\x1b[K") == 2


def test_terminals_line_never_wraps(terminal: Terminal) -> None:
    Notices(terminal).step("downloading", "x" * 200)
    assert len(terminal.getvalue().replace(GREY, "").replace("\x1b[0m", "")) == 39


def test_failure_has_its_first_line_marked(terminal: Terminal) -> None:
    Notices(terminal).fail("It is so.\n  try: this.")
    assert terminal.getvalue() == f"{RED}grade.py: It is so.\x1b[0m\n  try: this.\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_off_where_the_user_says_so(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    Notices(terminal).fail("It is so.")
    assert terminal.getvalue() == "grade.py: It is so.\n"


def test_colours_are_off_in_a_log(notices: Notices, said: io.StringIO) -> None:
    notices.fail("It is so.")
    assert said.getvalue() == "grade.py: It is so.\n"
