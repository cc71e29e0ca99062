"""What a student hands in: where the app is, and a private copy of the folder.

Must not run or import anything of it, and must not know a lesson. ``submission.yaml`` is optional,
and so is each of its keys::

    app: backend.main:app     # module and variable; server:app if left out
    endpoint: /api/chatkit    # /chatkit if left out
    frontend: web/            # a folder of the submission

A folder that does not exist is a mistake at the command line (UsageError); everything that is
wrong inside it is the submission's problem, and becomes part of the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

from graders.engine.content.binding import read
from graders.engine.content.fields import ContentModel, flaw
from graders.engine.content.models import DEFAULT_ENDPOINT, Endpoint
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.results import Problem
from graders.engine.core.text import quote
from graders.engine.submissions.archives import (
    ENDINGS,
    Unpacked,
    is_archive,
    unpacked,
)
from graders.engine.submissions.submission_copy import (
    CopyReport,
    SubmissionProblem,
    copy_submission,
)

__all__ = [
    "DEFAULT_APP",
    "CopyReport",
    "Submission",
    "SubmissionProblem",
    "copy_submission",
    "find_submission",
    "opened",
]

DEFAULT_APP = "server:app"
SETTINGS_NAMES = ("submission.yaml", "submission.yml")
MAX_SETTINGS_BYTES = 20_000
"""A hostile file of this size takes a tenth of a second at most."""


@dataclass(frozen=True)
class Submission:
    """A submission: its folder and what ``submission.yaml`` says about it.

    ``app`` is ``module:variable``; ``frontend``, a path below ``root``, need not exist.
    """

    root: Path
    app: str = DEFAULT_APP
    endpoint: str = DEFAULT_ENDPOINT
    frontend: Path | None = None

    @property
    def module(self) -> str:
        """The dotted name of the module that holds the app."""
        return self.app.partition(":")[0]


def find_submission(path: Path, *, endpoint: str = DEFAULT_ENDPOINT) -> Submission:
    """Look at the folder ``path``; raise SubmissionProblem if there is nothing to be started.

    ``endpoint`` holds where the submission does not name its own.
    """
    submission = described(path, endpoint=endpoint)
    _require_module(submission.root, submission.module)
    return submission


def described(path: Path, *, endpoint: str = DEFAULT_ENDPOINT) -> Submission:
    """Return what ``submission.yaml`` says of the folder ``path``, whether it is there or not.

    Raises SubmissionProblem where the file cannot be used.
    """
    root = _folder(path)
    settings = _read_settings(root)
    frontend = root / settings.frontend if settings.frontend else None
    return Submission(root, settings.app, settings.endpoint or endpoint, frontend)


@contextmanager
def opened(path: Path) -> Iterator[Unpacked]:
    """Yield the folder of the submission ``path``: itself, or what an archive is unpacked to.

    A SubmissionProblem if it is an archive that cannot be unpacked.
    """
    if path.is_file() and is_archive(path):
        with unpacked(path) as found:
            yield found
    else:
        yield Unpacked(path)


def _app_reference(text: str) -> str:
    module, colon, variable = text.partition(":")
    names_file = module.endswith(".py")
    if colon and not names_file and _is_dotted(module) and _is_dotted(variable):
        return text
    raise flaw(
        f"`{quote(text)}` does not say where the app is.",
        cure=f"Write `{_likely_app(module, variable)}`: the module, a colon, the variable.",
    )


def _likely_app(module: str, variable: str) -> str:
    """Guess what was meant by such things as ``server.py:app``, ``web/main`` or ``main.app``."""
    dotted = module.removeprefix("./").removesuffix(".py").replace("/", ".").replace("\\", ".")
    variable = variable.removesuffix("()")
    if not variable and dotted.endswith(".app"):
        dotted, variable = dotted.removesuffix(".app"), "app"
    guess = f"{dotted}:{variable or 'app'}"
    return guess if _is_dotted(dotted) and _is_dotted(variable or "app") else DEFAULT_APP


def _is_dotted(text: str) -> bool:
    return len(text) <= 200 and all(part.isidentifier() for part in text.split("."))


def _inner_folder(text: str) -> str:
    path = PurePosixPath(text)
    if text and not path.is_absolute() and ".." not in path.parts and not set(text) & set("\\:\0"):
        return text
    raise flaw(
        f"`{quote(text)}` is not a folder of the submission.",
        cure="Write its path from the submission's folder, such as `web/`.",
    )


class _Settings(ContentModel):
    """A ``submission.yaml``."""

    app: Annotated[str, AfterValidator(_app_reference)] = DEFAULT_APP
    endpoint: Endpoint | None = None
    frontend: Annotated[str, AfterValidator(_inner_folder)] | None = None


def _folder(path: Path) -> Path:
    shown = quote(str(path), 200)
    try:
        if path.is_file():
            raise UsageError(
                f"`{shown}` is a file.",
                cure=f"Give the folder that it is in, or an archive ({', '.join(ENDINGS)}).",
            )
        if not path.is_dir():
            raise UsageError(
                f"There is no folder `{shown}`.", cure="Give the folder that holds `server.py`."
            )
        next(path.iterdir(), None)
    except OSError as error:
        raise UsageError(f"`{shown}` cannot be read ({error.strerror}).") from error
    return path.resolve()


def _read_settings(root: Path) -> _Settings:
    paths = [root / name for name in SETTINGS_NAMES]
    present = [path for path in paths if path.is_symlink() or path.exists()]
    if not present:
        return _Settings()
    if len(present) > 1:
        raise _bad_settings("There are two of them.", "Remove `submission.yml`.")
    if present[0].is_symlink():
        raise _bad_settings("It is a link.", "Put the file itself there.")
    try:
        return read(present[0], _Settings, max_bytes=MAX_SETTINGS_BYTES)
    except ContentError as error:
        place = f"Line {error.line}: " if error.line else "The file "
        raise _bad_settings(place + error.message, error.cure) from error


def _bad_settings(detail: str, cure: str) -> SubmissionProblem:
    title = "`submission.yaml` cannot be used"
    return SubmissionProblem(
        Problem(kind="bad-submission-yaml", title=title, detail=detail, cure=cure)
    )


def _require_module(root: Path, module: str) -> None:
    wanted = _module_files(module)
    if any(_is_own_file(root, name) for name in wanted):
        return
    problem = Problem(
        kind="no-server-file",
        title=f"There is no `{wanted[0]}`",
        cure=_cure_for_missing(root, wanted[0]),
    )
    raise SubmissionProblem(problem)


def _module_files(module: str) -> tuple[str, str]:
    path = module.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def _is_own_file(root: Path, name: str) -> bool:
    """Return whether ``name`` is a real file inside ``root``.

    What is behind a link is not copied.
    """
    path = root / name
    return path.is_file() and path.resolve() == path


def _cure_for_missing(root: Path, wanted: str) -> str:
    if (root / wanted).is_symlink():
        return f"`{wanted}` is a link: put the file itself there."
    if renamed := next(_renamed(root, wanted), None):
        return (
            f"There is `{quote(renamed)}`: rename it to `{wanted}`. (Windows hides the end of a "
            'file\'s name unless "File name extensions" are shown.)'
        )
    found = next(_likely_servers(root), None)
    if found is None:
        return f"Put your server into `{wanted}`, in the folder that you hand in.{_instead(root)}"
    shown = quote(found.as_posix())
    if found.parts[1:] == ("server.py",):
        return f"There is `{shown}`: hand in the folder `{quote(found.parts[0])}`."
    module = ".".join(found.with_suffix("").parts)
    return f"If `{shown}` is your server, write `app: {quote(module)}:app` in `submission.yaml`."


def _renamed(root: Path, wanted: str) -> Iterator[str]:
    """Yield files that an editor or a browser has given another end, such as ``server.py.txt``."""
    name = wanted.rpartition("/")[2]
    stem = re.escape(name.removesuffix(".py"))
    other = re.compile(rf"{stem}\.py\.\w+|{stem}\.txt|{stem} ?\(\d+\)\.py|{stem}\.PY")
    yield from sorted(each.name for each in root.iterdir() if other.fullmatch(each.name))


def _instead(root: Path) -> str:
    """Tell what is there that a server may be in."""
    names = sorted(each.name for each in root.iterdir() if each.is_file())
    for name in names:
        if name.lower().endswith(ENDINGS):
            return f" There is an archive in it, `{quote(name)}`: unpack that, or hand it in alone."
        if name.endswith(".ipynb"):
            return f" There is a notebook, `{quote(name)}`: write its code into a Python file."
    return f" It holds: {', '.join(f'`{quote(each)}`' for each in names[:5])}." if names else ""


def _likely_servers(root: Path) -> Iterator[PurePosixPath]:
    """Yield Python files, those first that are named like a server, as paths from ``root``."""
    for pattern in (
        "server.py",
        "*/server.py",
        "main.py",
        "app.py",
        "*/main.py",
        "*/app.py",
        "*.py",
    ):
        files = (path for path in sorted(root.glob(pattern)) if path.is_file())
        yield from (PurePosixPath(path.relative_to(root).as_posix()) for path in files)
