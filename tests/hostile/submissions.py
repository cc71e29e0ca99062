"""An attack as a whole submission: an honest server of lesson02 with the attack put into it.

Grades it as any other, and keeps what its servers have printed. Must not know which attack it is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Isolation, Result, SideCall
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness import Student, Trace
from graders.engine.harness.server_factory import Served, ServerFactory, open_factory
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.process import Launcher
from graders.engine.submissions.submission import Submission
from tests.hostile.attack import Attack, Targets, program

LESSON = "lesson02"
HONEST = REPOSITORY / "reference_solutions" / LESSON / "solution"
ASKED = ("reply-stored", "key-from-environment")
"""Criteria that one conversation decides, with the three that they need."""

_SIGN = "\nattack: "
_SERVER = """
import json

PROGRAM = {program!r}
TO_DO = [True]

def attack():
    names = {{"__name__": "attack"}}
    exec(PROGRAM, names)
    if "outcome" in names:
        print({sign!r} + json.dumps(names["outcome"]), flush=True)
    return names.get("app")

instead = attack() if {at_import} else None

from honest import app as honest

async def app(scope, receive, send):
    global instead
    if scope["type"] == "http" and not {at_import} and TO_DO:
        TO_DO.clear()
        instead = attack()
    await (instead if instead and scope["type"] == "http" else honest)(scope, receive, send)
"""


@dataclass(frozen=True)
class Graded:
    """A result, and the outcomes of the attack that the servers have printed."""

    result: Result
    printed: str

    @property
    def outcomes(self) -> set[str]:
        """What became of the attack, once for each way in which it ended."""
        lines = self.printed.split(_SIGN.strip())[1:]
        return {json.loads(line.split("\n")[0]) for line in lines}


def lesson02() -> Lesson:
    """Return the lesson that attacks are graded as."""
    return Catalogue(REPOSITORY).lesson(LESSON)


def write_submission(folder: Path, attack: Attack, targets: Targets) -> Path:
    """Write ``attack`` as a submission below ``folder``; return its folder."""
    root = folder / "submission"
    shutil.copytree(HONEST, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "server.py").rename(root / "honest.py")
    server = _SERVER.format(
        program=program(attack, targets), sign=_SIGN, at_import=attack.at == "import"
    )
    for name, text in {"server.py": server, **attack.files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_told(text, targets), encoding="utf-8")
    for name, text in attack.links.items():
        (root / name).symlink_to(_told(text, targets))
    return root


def _told(text: str, targets: Targets) -> str:
    for name in ("PROJECT", "OTHER", "RESULTS"):
        text = text.replace(f"{{{name}}}", targets[name])
        text = text.replace(f"{{{name}!r}}", repr(targets[name]))
    return text


def graded(
    folder: Path,
    launcher: Launcher,
    *,
    limits: Mapping[str, int] | None = None,
    without: Collection[Layer] = (),
    only: Collection[str] = ASKED,
) -> Graded:
    """Grade the submission in ``folder``."""
    witnesses: list[Witness] = []

    @contextmanager
    def open_witness(lesson: Lesson, submission: Submission) -> Iterator[Witness]:
        wanted = {**lesson.info.limits, **(limits or {})}
        env, off = lesson.info.env, frozenset(without)
        with open_factory(submission, launcher, limits=wanted, env=env, without=off) as factory:
            witnesses.append(Witness(factory))
            yield witnesses[-1]

    request = GradingRequest(lesson02(), folder, seed=1, only=tuple(only))
    result = grade_folder(request, open_witness)
    return Graded(result, "\n".join(each.printed for each in witnesses))


class Witness(ServerFactory):
    """Starts what a factory starts, and keeps what it has printed."""

    def __init__(self, factory: ServerFactory) -> None:
        self._factory = factory
        self._students: list[Student] = []

    @property
    def printed(self) -> str:
        """What all servers have printed."""
        return "\n".join(student.printed for student in self._students)

    @property
    def isolation(self) -> Isolation:
        """As the factory has it."""
        return self._factory.isolation

    @property
    def notes(self) -> Sequence[str]:
        """As the factory has them."""
        return self._factory.notes

    @property
    def side_calls(self) -> Sequence[SideCall]:
        """As the factory has them."""
        return self._factory.side_calls

    def probe_isolation(self) -> None:
        """As the factory does."""
        self._factory.probe_isolation()

    def reference(self, folder: Path) -> ServerFactory:
        """As the factory gives it."""
        return self._factory.reference(folder)

    async def start(self, trace: Trace) -> Served:
        """Start a server and remember it."""
        served = await self._factory.start(trace)
        self._students.append(served.student)
        return served
