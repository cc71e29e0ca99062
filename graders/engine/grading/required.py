"""How well servers have to be isolated for a score, and what a score is worth that has been made.

The rule in one place, for one submission and for hundreds. Must not know how isolation comes about.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graders.engine.core.errors import IsolationError
from graders.engine.core.results import Isolation, IsolationLevel
from graders.engine.web.programs import BROWSER_VARIABLE

_OF_CI = ("CI", "GITHUB_ACTIONS")


def required_level(
    asked: IsolationLevel | None, environment: Mapping[str, str], *, of_many: bool = False
) -> IsolationLevel:
    """Return the level that a run needs: what was asked for, else ``strong`` where scores count.

    They count in CI, told by the variables of ``environment`` that all services set, and where
    submissions are graded ``of_many``; a single run elsewhere is practice.
    """
    if asked is not None:
        return asked
    in_ci = any(environment.get(name, "").lower() in {"true", "1"} for name in _OF_CI)
    return IsolationLevel.STRONG if in_ci or of_many else IsolationLevel.PRACTICE


def is_official(required: IsolationLevel) -> bool:
    """Return whether a run that needed this level, and had it, is more than practice."""
    return required.reaches(IsolationLevel.STRONG)


def level_for(asked: IsolationLevel, *, web: bool) -> IsolationLevel:
    """Return the level that a lesson needs where ``asked`` is wanted; ``web`` if it has web code.

    A bundler, Node and a browser need system calls and files that no server gets. Where they have
    no root folder of their own, they run with too many rights for a score that counts.
    """
    return IsolationLevel.FULL if web and is_official(asked) else asked


def require_browser(browser: Path | None) -> None:
    """Raise :class:`IsolationError` unless there is a browser, where web code is to count.

    In Node a page can be shown as well, but not kept from what the grader says to it.
    """
    if browser is None:
        raise IsolationError(
            "Nothing was graded: web code counts only in a real browser, and there is no Chromium, "
            "Chrome or Edge on this machine.",
            cure=f"install one, or name it in the variable `{BROWSER_VARIABLE}`; for practice, "
            "whose score does not count, give `--require practice`.",
        )


def require(required: IsolationLevel, isolation: Isolation) -> None:
    """Raise :class:`IsolationError` unless ``isolation`` is as good as required."""
    if isolation.level.reaches(required):
        return
    lacking = " ".join(isolation.missing) or "It is not told which layer is missing."
    raise IsolationError(
        f"Nothing was graded: `{required}` isolation is required, and this machine offers "
        f"`{isolation.level}` only. {lacking}",
        cure="grade on a machine as docs/security.md describes it; for practice, whose score does "
        "not count, give `--require practice`.",
    )
