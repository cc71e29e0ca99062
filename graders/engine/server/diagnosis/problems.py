"""Why a server could not be started, for the student: the fact, their own traceback, the cure.

Must not know how a problem is shown.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graders.engine.core.errors import Finding
from graders.engine.core.results import Problem
from graders.engine.core.text import quote, visible
from graders.engine.sandbox.process import Exit
from graders.engine.server.diagnosis.import_cures import (
    DISTRIBUTIONS,
    import_cure,
    missing_cure,
    settings_in,
)
from graders.engine.server.diagnosis.incidents import how_it_ended
from graders.engine.server.trouble import (
    Flooded,
    OverLimit,
    ProtocolBroken,
    RanAway,
    Stalled,
    TookTooLong,
)
from graders.engine.wire.frames import LoadFailed

_PRINTED_CHARACTERS = 3_000
_MOST_MISSING = 6
_PAGE = "docs/what-a-server-may-use.md says what is there."
_MAIN_GUARD = 'under `if __name__ == "__main__":`, so that it does not run when it is imported.'
# How asyncio refuses to run a loop where the server's own runs already.
_LOOP_WITHIN_LOOP = ("from a running event loop", "while another loop is running")
# By the name of its type: how to make an ASGI application of what was found instead.
_ASGI_CURES = {
    "APIRouter": "Make the application, and give it the router: `app.include_router(router)`.",
    "Flask": "Flask speaks WSGI, which cannot stream as ChatKit needs it: use FastAPI.",
    "function": "If it makes the application, call it: `app = create_app()`.",
    "type": "Make an instance of the class: `app = FastAPI()`.",
}


@dataclass(frozen=True)
class HandedIn:
    """What is known of a submission that does not start, besides its error.

    ``shadows`` are own names that hide installed packages, ``variables`` those of its environment,
    ``left_out`` files that were not copied, ``missing`` packages that its files import and lack,
    ``not_utf8`` a file with another encoding, ``meant`` the name that is nearest to one that is not
    there; ``installed`` says of a package whether it is.
    """

    shadows: Sequence[str] = ()
    variables: Sequence[str] = ()
    left_out: Sequence[str] = ()
    missing: Sequence[str] = ()
    not_utf8: str = ""
    meant: str = ""
    installed: Callable[[str], bool] = lambda _: False


def load_problem(failure: LoadFailed, app: str, handed_in: HandedIn) -> Problem:
    """Return why the app was not loaded."""
    module, _, attribute = app.partition(":")
    match failure.stage:
        case "find":
            return Problem(
                kind="no-server-file",
                title=f"There is no module `{module}` in the submission.",
                cure=f"Create `{module.replace('.', '/')}.py`, or name your own module in "
                "`submission.yaml`: `app: backend.main:app`.",
            )
        case "syntax":
            return _syntax_problem(failure, handed_in.not_utf8)
        case "import":
            return _import_problem(failure, module, handed_in)
        case "attribute":
            return Problem(
                kind="no-app",
                title=f"`{module}` has no variable `{attribute}`.",
                cure=f"Write `{attribute} = FastAPI()` at the top level of the module, "
                "or name your own variable in `submission.yaml`: `app: module:variable`.",
            )
        case "asgi":
            return _asgi_problem(failure.error, app)
        case "lifespan":
            return Problem(
                kind="start-up-failed",
                title=f"Your server's start-up code failed: {_raised(failure)}.",
                detail=_detail(failure),
                cure="Look at the `lifespan` or `startup` function of your application.",
            )


def _syntax_problem(failure: LoadFailed, not_utf8: str) -> Problem:
    if not_utf8 and _speaks_of_bytes(failure):
        return Problem(
            kind="not-utf-8",
            title=f"A file is not saved as UTF-8: {quote(not_utf8, 100)}.",
            detail=_detail(failure),
            cure="Save the file as UTF-8. In VS Code, click on the encoding in the status bar and "
            'take "Save with Encoding"; in Notepad, take "Save as" and the encoding UTF-8.',
        )
    return Problem(
        kind="syntax-error",
        title=f"Python cannot read your code: {_said(failure)}.",
        detail=_detail(failure),
        cure="Look at the line that is named, and at the line before it.",
    )


def _asgi_problem(found: str, app: str) -> Problem:
    what = {"type": "class", "NoneType": "`None`"}.get(found, quote(found, 60))
    return Problem(
        kind="not-asgi",
        title=f"`{app}` is no ASGI application, but this: {what}.",
        cure=_ASGI_CURES.get(found, "It must be the application itself: `app = FastAPI()`."),
    )


def _speaks_of_bytes(failure: LoadFailed) -> bool:
    return re.search(r"null bytes|codec|utf-?8|encoding|non-UTF", failure.message, re.I) is not None


def _import_problem(failure: LoadFailed, module: str, handed_in: HandedIn) -> Problem:
    if name := _blamed(failure, handed_in.shadows):
        return _shadow_problem(failure, name)
    # An SDK says in its own words that an extra of it is missing; Python's words come before.
    missing = re.search(r"No module named '([^']+)'", f"{failure.message}\n{failure.detail}")
    if failure.error in {"ModuleNotFoundError", "ImportError"} and missing:
        return _missing_problem(failure, missing.group(1), handed_in)
    if settings := settings_in(failure.error, failure.message):
        return _settings_problem(failure, settings, handed_in)
    if failure.error in {"SystemExit", "KeyboardInterrupt"}:
        return Problem(
            kind="exit-at-import",
            title="Your code ends the program while it is imported.",
            detail=_detail(failure),
            cure=f"Put the call that ends it (`sys.exit()`, a `main()`) {_MAIN_GUARD}",
        )
    if any(words in failure.message for words in _LOOP_WITHIN_LOOP):
        return Problem(
            kind="runs-at-import",
            title="Your code starts a server or an event loop while it is imported.",
            detail=_detail(failure),
            cure=f"Put `uvicorn.run()`, `asyncio.run()` and the like {_MAIN_GUARD}",
        )
    return Problem(
        kind="import-error",
        title=f"Your code raised {_raised(failure)}, while it was imported.",
        detail=_detail(failure),
        cure=" ".join(
            [
                *([f"Did you mean `{handed_in.meant}`?"] if handed_in.meant else []),
                import_cure(failure.error, failure.message, module),
            ]
        ),
    )


def _missing_problem(failure: LoadFailed, module: str, handed_in: HandedIn) -> Problem:
    """Tell of all packages that are missing at once: the next run would find the next."""
    top = module.partition(".")[0]
    others = [each for each in handed_in.missing if each != top][:_MOST_MISSING]
    shown = "`, `".join(quote(each, 80) for each in [module, *others])
    if top not in handed_in.missing and handed_in.installed(top):
        title = f"`{quote(top, 80)}` is installed, and has no module `{quote(module, 80)}`."
    elif others:
        title = f"Your code imports `{shown}`, which are neither in the submission nor installed."
    else:
        title = f"Your code imports `{shown}`, which is neither in the submission nor installed."
    meant = f"Did you mean `{handed_in.meant}`? " if handed_in.meant else ""
    cures = dict.fromkeys(missing_cure(name) for name in [module, *others])
    return Problem(
        kind="missing-package",
        title=title,
        detail=_detail(failure),
        cure=f"{meant}{' '.join(cures)} {_PAGE}",
    )


def _settings_problem(failure: LoadFailed, settings: Sequence[str], handed_in: HandedIn) -> Problem:
    named = " and ".join(f"`{quote(name, 60)}`" for name in settings[:_MOST_MISSING])
    noun = "setting" if len(settings) == 1 else "settings"
    here = ", ".join(f"`{name}`" for name in handed_in.variables)
    envs = [name for name in handed_in.left_out if name.rpartition("/")[2].startswith(".env")]
    left_out = (
        f"Your `{quote(envs[0], 60)}` was left out, as it always is, because keys stand in such "
        "files: what only stands there is not set here. "
        if envs
        else ""
    )
    return Problem(
        kind="missing-setting",
        title=f"Your code needs the {noun} {named} while it is imported, and it is not set.",
        detail=_detail(failure),
        cure=f"{left_out}The variables of this lesson are {here}. Give any other setting a default "
        f"in your code: `os.environ.get(name, default)`, or a field with a default. {_PAGE}",
    )


def _blamed(failure: LoadFailed, shadows: Sequence[str]) -> str | None:
    """Return the shadowing name that the error message speaks of, if there is one."""
    if failure.error not in {"ImportError", "ModuleNotFoundError", "AttributeError"}:
        return None
    named = re.findall(r"'(\w+)[\w.]*'", failure.message)
    return next((name for name in named if name in shadows), None)


def _shadow_problem(failure: LoadFailed, name: str) -> Problem:
    package = DISTRIBUTIONS.get(name, name)
    kind = "Python's own module" if name in sys.stdlib_module_names else "the installed package"
    return Problem(
        kind="shadowed-package",
        title=f"Your own `{name}` hides {kind} `{package}`, which other code needs.",
        detail=_detail(failure),
        cure=f"Rename your file or folder `{name}`, for instance to `my_{name}`, and change "
        "the imports of it.",
    )


def _said(failure: LoadFailed) -> str:
    return quote(_without_paths(failure.message), 300).rstrip(".")


def _raised(failure: LoadFailed) -> str:
    said = _said(failure)
    error = quote(failure.error, 60)
    return f"{error}: {said}" if said else error


def _detail(failure: LoadFailed) -> str:
    return visible(_without_paths(failure.detail))


def _without_paths(text: str) -> str:
    """Name the files of installed packages by their path within the environment."""
    return re.sub(r"(?:/[^/\s'\"(]+)+/site-packages/", "", text)


def explained(problem: Problem, explanations: Sequence[str]) -> Problem:
    """Return ``problem`` with its possible causes before the cure."""
    told = [Finding(each).sentence for each in explanations]
    return problem.model_copy(update={"cure": " ".join([*told, problem.cure])})


def ended_at_start(trouble: Finding, end: Exit, printed: str, app: str) -> Problem:
    """Return why a server that was being loaded never became ready; ``printed`` is what it said."""
    module = app.partition(":")[0]
    detail = printed[-_PRINTED_CHARACTERS:]
    if isinstance(trouble, Stalled):
        return Problem(
            kind="start-hangs",
            title="Your server never became ready: its start waits for something that never comes.",
            detail=detail,
            cure="Look for a call at the top level of your modules, or in the start-up code, that "
            "waits: a lock, a queue, a thread, a connection.",
        )
    if isinstance(trouble, RanAway) or end.signal == getattr(signal, "SIGXCPU", None):
        return Problem(
            kind="start-loops",
            title="Your server computes without end while it starts.",
            detail=detail,
            cure=f"{trouble.sentence} Look for an endless loop at the top level of `{module}`, in "
            "what it imports, or in the start-up code.",
        )
    if isinstance(trouble, Flooded):
        return Problem(
            kind="start-floods",
            title=trouble.sentence,
            detail=detail,
            cure="Look for a `print` or a log message in a loop, in code that runs at the start.",
        )
    if isinstance(trouble, OverLimit | TookTooLong):
        return Problem(
            kind="over-limit",
            title=trouble.sentence,
            detail=detail,
            cure=f"Look at the top level of `{module}`, in what it imports, and in the start-up "
            "code, for what needs so much.",
        )
    if isinstance(trouble, ProtocolBroken):
        return Problem(
            kind="broke-protocol",
            title="Something in your code wrote to the grader's own connection.",
            detail=quote(trouble.seen, 300),
            cure="Open your own files and sockets, and leave other file descriptors alone.",
        )
    return Problem(
        kind="died-at-start",
        title=f"Your server's process ended while it started: {how_it_ended(end)}.",
        detail=detail,
        cure="Nothing at the top level of your modules or in the start-up code may end the process "
        "(`os._exit`, `os.kill`) or use very much memory.",
    )
