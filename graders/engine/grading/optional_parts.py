"""What of a lesson is not graded of one submission, because it is optional and not there.

A front end is one that ``submission.yaml`` names, or the folder ``web/src``: a server may well have
a Python package ``web``. Must not know how anything is graded or what it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graders.engine.content.models import Rubric
from graders.engine.core.results import Isolation, IsolationLevel
from graders.engine.grading import required
from graders.engine.server.settings import ServerSettings
from graders.engine.submissions.submission import described
from graders.engine.submissions.submission_copy import SubmissionProblem
from graders.engine.web.packages import PackagesMissingError, web_packages
from graders.engine.web.programs import find_browser

_USUAL = f"{ServerSettings.frontend}/src"
NONE_HANDED_IN = (
    f"No front end was handed in (there is no folder `{_USUAL}`), so none was graded. That costs "
    "no points."
)
NOT_HERE = (
    "The front end was not graded, which costs no points: web code counts only {where}, and this "
    "machine has {instead}."
)


def hands_in_front_end(folder: Path) -> bool:
    """Return whether the submission in ``folder`` has a front end, or says that it has."""
    try:
        named = described(folder).frontend
    except SubmissionProblem:
        named = None
    return named is not None or (folder / _USUAL).is_dir()


def left_out(
    rubric: Rubric, root: Path, asked: IsolationLevel, isolation: Isolation
) -> Mapping[str, str]:
    """Return by id why optional criteria are not graded of the submission in ``root``.

    ``isolation`` is what servers have here, where ``asked`` is more than practice. A machine on
    which web code cannot count costs nobody points, and one front end does not end a run of many.
    """
    optional = [each.id for each in rubric.criteria if each.optional is not None]
    why = _no_front_end(root, asked, isolation) if optional else ""
    return dict.fromkeys(optional, why) if why else {}


def _no_front_end(root: Path, asked: IsolationLevel, isolation: Isolation) -> str:
    if not hands_in_front_end(root):
        return NONE_HANDED_IN
    if not required.is_official(asked):
        return ""
    wanted = required.level_for(asked, web=True)
    if not isolation.level.reaches(wanted):
        return NOT_HERE.format(
            where=f"with `{wanted}` isolation", instead=f"`{isolation.level}` only"
        )
    if find_browser() is None:
        return NOT_HERE.format(where="in a real browser", instead="none")
    try:
        web_packages()
    except PackagesMissingError as error:
        return NOT_HERE.format(
            where="with the course's JavaScript packages", instead=f"none: {error}"
        )
    return ""
