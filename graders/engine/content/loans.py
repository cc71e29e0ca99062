"""The criteria that a lesson borrows: who lends them, and which lines of its rubric they decide.

A rubric line with ``borrows: [lesson06/list-own]`` is decided by that criterion of lesson06, judged
by the checks of lesson06 on servers of the borrowing lesson: no check is written twice. Must not
know how anything is run or scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Criterion, Rubric, load_rubric
from graders.engine.core.errors import ContentError

_RUBRIC = "rubric.yaml"


@dataclass(frozen=True)
class Loan:
    """What one lesson lends: its folder of checks, all its criteria, and those that are borrowed.

    ``borrowers`` says by the id of each lent criterion which line of the borrower it decides;
    ``criteria`` are in the order in which they are tried.
    """

    lender: str
    grader_dir: Path
    criteria: tuple[Criterion, ...]
    borrowers: Mapping[str, str]


def loans_of(grader_dir: Path, rubric: Rubric) -> tuple[Loan, ...]:
    """Return the loans of the lesson whose checks are in ``grader_dir``, one for each lender.

    Raises :class:`ContentError` for a lesson or a criterion that does not exist.
    """
    wanted: dict[str, dict[str, str]] = {}
    for line in rubric.criteria:
        for name in line.borrows:
            lender, _, lent = name.partition("/")
            wanted.setdefault(lender, {})[lent] = line.id
    return tuple(_loan(grader_dir, lender, lent) for lender, lent in wanted.items())


def _loan(grader_dir: Path, lender: str, borrowers: Mapping[str, str]) -> Loan:
    folder = grader_dir.parent / lender
    own = grader_dir / _RUBRIC
    if not (folder / _RUBRIC).is_file() or folder == grader_dir:
        known = [each.parent.name for each in sorted(grader_dir.parent.glob(f"*/{_RUBRIC}"))]
        others = [name for name in known if name != grader_dir.name]
        raise _not_there(own, f"{lender}/", f"No other lesson `{lender}` lends.", others, lender)
    rubric = load_rubric(folder / _RUBRIC)
    for lent in borrowers:
        if lent not in rubric.ids or rubric.criterion(lent).borrows:
            message = f"{lender} has no criterion `{lent}` of its own."
            raise _not_there(own, f"{lender}/{lent}", message, rubric.ids, lent)
    return Loan(lender, folder, rubric.prerequisites_first(), borrowers)


def _not_there(
    file: Path, text: str, message: str, known: list[str] | tuple[str, ...], meant: str
) -> ContentError:
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    line = next((number for number, each in lines if text in each), None)
    return ContentError(file, line, message, cure=did_you_mean(meant, known))
