"""A student's `spec.yaml`, and how it does on the servers of the course.

Must not know what is graded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest_asyncio

from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.misconceptions import Misconception
from graders.engine.content.specification import (
    FILE,
    Specification,
    load_specification,
)
from graders.engine.harness import Finding
from graders.engine.harness.kept import KeptTexts
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.specification import (
    Opponents,
    Overdemand,
    Worth,
    load_opponents,
    telling,
    worth_of,
)
from graders.engine.submissions.handed_in import read_handed_in

# A run imports this module anew, so what is cached here belongs to one submission.
LESSON = Catalogue(Path(__file__).resolve().parents[2]).lesson(Path(__file__).parent.name)
_MOST_TOLD = 5
_MOST_EXPLAINED = 3
_MOST_NAMES = 6
_WORTH: dict[Path, Worth] = {}


@cache
def opponents() -> Opponents:
    """Return the servers that scenarios are played on."""
    return load_opponents(LESSON)


@cache
def specification_in(submission: Path) -> Specification:
    """Read the `spec.yaml` of a submission; a Finding with its first flaw if there is none."""
    return read_handed_in(submission, FILE, load_specification)


@pytest_asyncio.fixture
async def worth(
    submission: Path,
    course_servers: Callable[[Path], ServerFactory],
    canary: Canaries,
    kept: KeptTexts,
    went_on: Callable[[int, int], None],
) -> Worth:
    """Return what the scenarios of a submission are worth; nothing is played twice for it."""
    if submission not in _WORTH:
        spec = specification_in(submission)
        _WORTH[submission] = await worth_of(
            spec, opponents(), course_servers, canary.seed, kept=kept, tell=went_on
        )
    return _WORTH[submission]


def listed(texts: Sequence[str]) -> str:
    """Return the first of several texts in a row, and how many others there are."""
    more = len(texts) - _MOST_NAMES
    return ", ".join(texts[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def not_counting(worth: Worth, spec: Specification) -> str:
    """Say which scenarios could notice nothing, as they do not count; empty if all do."""
    counting = {each.name for each in telling(spec)} - {one.scenario for one in worth.overdemands}
    names = [f"`{each.name}`" for each in spec.scenarios if each.name not in counting]
    if not names:
        return ""
    return (
        f" {len(names)} of your {len(spec.scenarios)} scenarios did not count here, since right "
        f"servers fail them or they say nothing of their own: {listed(names)}."
    )


def told_of(worth: Worth, missed: Sequence[Misconception]) -> str:
    """Tell of misconceptions that no scenario noticed, and the sources of those that are public."""
    told = [
        f"({number}) {each.told[0].lower()}{each.told[1:]}{_half(worth, each)}{_source(each)}"
        for number, each in enumerate(missed[:_MOST_TOLD], 1)
    ]
    more = len(missed) - _MOST_TOLD
    return "; ".join([*told, *([f"and {more} more"] if more > 0 else [])]) + "."


def _half(worth: Worth, told: Misconception) -> str:
    """Say how many servers of a misconception were noticed, if some were."""
    servers = opponents().showing(told)
    count = sum(each.name in worth.noticed for each in servers)
    return f" ({count} of {len(servers)} such servers noticed)" if count else ""


def _source(told: Misconception) -> str:
    """Name the files of a public misconception's servers."""
    if not told.public:
        return ""
    root = LESSON.solutions_dir.parents[1]
    files = [str(each.folder.relative_to(root)) for each in opponents().showing(told)]
    return f", such as {' and '.join(f'`{file}`' for file in files)}"


def demanding_too_much(overdemands: Sequence[Overdemand], count: int) -> Finding:
    """Return what is said of scenarios, of so many, that fail on right servers."""
    told = [f"`{each.scenario}`, on {_called(each.server)}: {each.seen}" for each in overdemands]
    others = [f"`{each.scenario}`" for each in overdemands[_MOST_EXPLAINED:]]
    fail = "fails" if len(told) == 1 else "fail"
    more = [f"These fail, too: {listed(others)}."] if others else []
    return Finding(
        f"{len(told)} of {count} scenarios {fail} on a right server. "
        + " ".join([*told[:_MOST_EXPLAINED], *more]),
        share=(count - len(told), count),
        parts=[(each.scenario, each.seen) for each in overdemands],
    )


def _called(server: str) -> str:
    """Return how a right server is told of: by the style that it is written in, or the first."""
    style = server.removeprefix("solution").strip("_").replace("_", " ")
    return f"the server `{style}`" if style else "the first server"
