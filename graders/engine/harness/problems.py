"""Why a server could not be started, told to the student: the fact, the own traceback, the cure.

Must not know how a problem is shown.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from graders.engine.core.errors import Finding
from graders.engine.core.results import Problem
from graders.engine.core.text import shorten, visible
from graders.engine.harness.trouble import RanAway, Stalled
from graders.engine.sandbox import Exit
from graders.engine.wire.frames import LoadFailed

_PRINTED_CHARACTERS = 3_000
# The distribution that an import name comes from, where the two differ and students mix them up.
_DISTRIBUTIONS = {
    "agents": "openai-agents",
    "chatkit": "openai-chatkit",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "mcp": "mcp",
    "yaml": "pyyaml",
}


def load_problem(failure: LoadFailed, app: str, shadows: Sequence[str]) -> Problem:
    """Tell why the app was not loaded. ``shadows`` are local names that hide installed packages."""
    module, _, attribute = app.partition(":")
    detail = visible(failure.detail)
    said = visible(shorten(failure.message, 300))
    match failure.stage:
        case "find":
            return Problem(
                kind="no-server-file",
                title=f"There is no module `{module}` in the submission.",
                cure=f"Create `{module.replace('.', '/')}.py`, or name your own module in "
                "`submission.yaml`: `app: backend.main:app`.",
            )
        case "syntax":
            return Problem(
                kind="syntax-error",
                title="Your code cannot be read by Python: it has a syntax error.",
                detail=detail,
                cure="Look at the line that the traceback names, and at the line before it.",
            )
        case "import":
            return _import_problem(failure, detail, said, shadows)
        case "attribute":
            return Problem(
                kind="no-app",
                title=f"`{module}` has no variable `{attribute or 'app'}`.",
                cure=f"Write `{attribute or 'app'} = FastAPI()` at the top level of the module, "
                "or name your own variable in `submission.yaml`: `app: module:variable`.",
            )
        case "asgi":
            return Problem(
                kind="not-asgi",
                title=f"`{app}` is no ASGI application: {said}.",
                cure="It must be the FastAPI object itself, not a function that makes it, a class, "
                "a router or a WSGI application such as Flask's.",
            )
        case "lifespan":
            return Problem(
                kind="start-up-failed",
                title="Your server's start-up code failed.",
                detail=detail or said,
                cure="Look at the `lifespan` or `startup` function that the traceback names.",
            )


def _import_problem(failure: LoadFailed, detail: str, said: str, shadows: Sequence[str]) -> Problem:
    if shadows and failure.error in {"ImportError", "ModuleNotFoundError", "AttributeError"}:
        name = _blamed(failure.message, shadows)
        package = _DISTRIBUTIONS.get(name, name)
        return Problem(
            kind="shadowed-package",
            title=f"Your own `{name}` hides the installed package `{package}`.",
            detail=detail,
            cure=f"Rename your file or folder `{name}`, for instance to `my_{name}`, and change "
            "the imports of it.",
        )
    missing = re.match(r"No module named '([^']+)'", failure.message)
    if failure.error == "ModuleNotFoundError" and missing:
        name = missing.group(1)
        return Problem(
            kind="missing-package",
            title=f"Your code imports `{name}`, which is neither in the submission nor installed.",
            detail=detail,
            cure="Check the spelling and hand in all your files. Only the packages of the course "
            "are installed; `pyproject.toml` lists them.",
        )
    if failure.error == "SystemExit":
        return Problem(
            kind="exit-at-import",
            title="Your code ends the program while it is imported.",
            detail=detail,
            cure="Put calls such as `sys.exit()` and `uvicorn.run()` under `if __name__ == "
            '"__main__":`.',
        )
    return Problem(
        kind="import-error",
        title=f"Your code raised {failure.error} while it was imported.",
        detail=detail or said,
        cure="Run `python -c 'import server'` in your folder: it should print nothing.",
    )


def _blamed(message: str, shadows: Sequence[str]) -> str:
    """Pick the shadowing name that the error message speaks of, else the first."""
    words = re.findall(r"\w+", message)
    return next((name for name in shadows if name in words), shadows[0])


def ended_at_start(trouble: Finding, end: Exit, printed: str, app: str) -> Problem:
    """Tell why a server that was being loaded never became ready."""
    module = app.partition(":")[0]
    if isinstance(trouble, Stalled):
        return Problem(
            kind="start-hangs",
            title="Your server never became ready: its start waits for something that never comes.",
            detail=_last(printed),
            cure="Look for a call at the top level of your modules, or in the start-up code, that "
            "waits: `input()`, `uvicorn.run()`, a lock, a connection, a loop.",
        )
    if isinstance(trouble, RanAway) or end.signal == getattr(signal, "SIGXCPU", None):
        return Problem(
            kind="start-loops",
            title="Your server computes without end while it starts.",
            detail=_last(printed),
            cure=f"Look for an endless loop at the top level of `{module}` or in what it imports.",
        )
    return Problem(
        kind="died-at-start",
        title=f"Your server's process ended while it started: {how_it_ended(end)}.",
        detail=_last(printed),
        cure="Nothing at the top level of your modules may end the process (`os._exit`, `os.kill`) "
        "or use very much memory.",
    )


def how_it_ended(end: Exit) -> str:
    """Tell an exit in words."""
    if end.signal is None:
        return f"it exited with code {end.code}"
    if end.signal == getattr(signal, "SIGXCPU", None):
        return "it used all the CPU time that it may use"
    known = end.signal in {each.value for each in signal.Signals}
    name = signal.Signals(end.signal).name if known else end.signal
    return f"it was ended by the signal {name}"


def _last(printed: str) -> str:
    return printed[-_PRINTED_CHARACTERS:]
